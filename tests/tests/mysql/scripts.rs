//! Scripts as people have them: dumps, bodies with and without `DELIMITER`, servers with other modes, long ones.

use std::fmt::Write as _;
use std::sync::OnceLock;

use migrate_core::event::Event;
use migrate_core::{Error, MigrationSet};
use migrate_tests::project::Files;
use migrate_tests::proxy::{Cut, How, Side};
use migrate_tests::servers::mysql::{Database, Options};
use migrate_tests::servers::{Flavour, MySql as Server};
use migrate_tests::{crashes, thin};

use super::FLAVOUR;
use super::support::{assert_whole, block_on, fragile, proxied, set};

fn up(database: &Database<'_>, files: Files<'_>) -> Result<(), Error> {
    block_on(fragile(&database.url(), &set(files)).up()).map(drop)
}

fn up_to_the_end(database: &Database<'_>, files: Files<'_>) {
    up(database, files).unwrap_or_else(|error| panic!("{error}"));
}

/// Every kind of object that has code in it, for the native client.
const CODE: &str = "create table t (id int primary key auto_increment, n int, note varchar(50) default 'größe; \\\\');
create table log (what varchar(100));
DELIMITER //
create trigger t_bi before insert on t for each row
begin
  -- a comment; with a semicolon
  if new.n is null then set new.n = 7; end if;
  insert into log values ('x;y');
end//
create function f(a int) returns int deterministic no sql
begin
  declare b int default 0;
  while a > 0 do set a = a - 1; set b = b + 2; end while;
  return b;
end//
create procedure p(out total int)
begin
  select 1 as one; select 2 as two, 'größe' as size;
  insert into log values ('p');
  select count(*) into total from t;
end//
create event e on schedule every 1 day starts '2030-01-01 00:00:00' on completion preserve comment 'daily; or so'
do begin insert into log values ('e'); delete from log where what = 'x'; end//
DELIMITER ;
create definer = `test`@`%` sql security definer view v as select id, f(n) as g from t;
insert into t (n) values (1), (null);
";

#[test]
fn code_is_stored_as_the_native_client_stores_it_with_and_without_delimiter() {
    let fed = Server::shared(FLAVOUR).database();
    fed.feed(CODE).unwrap();
    let expected = fed.contents();
    assert!(expected.contains("CREATE") && expected.contains("daily; or so"), "{expected}");
    let plain = CODE.replace("DELIMITER //\n", "").replace("DELIMITER ;\n", "").replace("//\n", ";\n");
    assert!(!plain.contains("//"), "{plain}");
    for text in [CODE, &plain] {
        let database = Server::shared(FLAVOUR).database();
        up_to_the_end(&database, &[("1_code", text), ("2_after", "call p(@total);\ncall p(@total);")]);
        database.sql("delete from log where what = 'p'");
        // The client of MariaDB takes comments out.
        let bare = |text: &str| text.replace("-- a comment; with a semicolon", "");
        let stored = database.contents();
        assert!(stored.contains("-- a comment;"), "{stored}");
        assert_eq!(bare(&stored), bare(&expected));
    }
}

/// A dump of a database with all that can be in one, but for the server's own GTIDs: it is read on the same server.
fn dumped(source: &Database<'_>) -> String {
    let dump = source.dump().unwrap();
    let Some((before, rest)) = dump.split_once("SET @@GLOBAL.GTID_PURGED") else { return dump };
    let (_, after) = rest.split_once(';').expect("the end of a statement");
    format!("{before}{after}")
}

/// A database with all that a dump can have in it.
fn filled() -> Database<'static> {
    let database = Server::shared(FLAVOUR).database();
    database.feed(CODE).unwrap();
    database.sql(
        "create table parts (n int, b blob, d date, primary key (n)) partition by range (n) (partition p0 values less \
         than (10), partition p1 values less than maxvalue);\n\
         insert into parts values (1, 0x00275c0a22, '2020-01-01'), (11, null, null);\n\
         create table children (id int primary key, t int, constraint c foreign key (t) references t (id));\n\
         insert into children values (1, 1);\n\
         create table words (w varchar(100)) character set latin1;\n\
         insert into words values ('gr\u{f6}\u{df}e'), ('it''s; -- /*! x */ \\\\ \\n'), ('delimiter //');\n\
         create table smileys (s varchar(10)) character set utf8mb4;\ninsert into smileys values ('\u{1f600}')",
    );
    database
}

#[test]
fn a_dump_is_a_migration_that_is_never_asked_about() {
    let source = filled();
    let dump = dumped(&source);
    for line in ["LOCK TABLES", "DISABLE KEYS", "DELIMITER ;;", "/*!5"] {
        assert!(dump.contains(line), "{dump}");
    }
    let files = set(&[("1_dump", &dump), ("2_after", "insert into log values ('after');")]);
    let copy = Server::shared(FLAVOUR).database();
    let plan = block_on(fragile(&copy.url(), &files).plan()).unwrap().to_string();
    assert!(!plan.contains("may have to be asked"), "{plan}");
    block_on(fragile(&copy.url(), &files).up()).unwrap_or_else(|error| panic!("{error}"));
    copy.sql("delete from log where what = 'after'");
    assert_eq!(copy.contents(), source.contents());
    assert_eq!(copy.sql("select count(*) from migrate_history where state = 'done'"), "2\n");
}

#[test]
fn a_dump_that_was_cut_off_goes_on_by_itself() {
    let dump = dumped(&filled());
    let files = set(&[("1_dump", &dump), ("2_after", "insert into log values ('after');")]);
    let undisturbed = Server::shared(FLAVOUR).database();
    let (proxy, url) = proxied(&undisturbed);
    block_on(fragile(&url, &files).up()).unwrap_or_else(|error| panic!("{error}"));
    let (expected, count) = (undisturbed.contents(), proxy.counts().client_messages);
    let mut points: Vec<_> = (1..=count).flat_map(|message| [(message, false), (message, true)]).collect();
    thin(&mut points, crashes().div_ceil(2));
    for (message, after) in points {
        let database = Server::shared(FLAVOUR).database();
        let (proxy, url) = proxied(&database);
        let cut = Cut { side: Side::Client, message, after, how: How::Reset, lasting: false };
        proxy.cut(cut);
        let context = cut.to_string();
        let _ = block_on(fragile(&url, &files).up());
        block_on(fragile(&url, &files).up()).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_whole(&database, &files, &expected, &context);
    }
}

/// A server whose modes change what a script means.
fn other_modes() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let arguments = vec!["--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES".to_owned()];
        Server::start(FLAVOUR, Options { arguments, relaxed: true, ..Options::default() })
    })
}

#[test]
fn the_modes_of_the_server_say_what_a_quote_and_a_backslash_are() {
    let database = other_modes().database();
    let text = "create table \"a;b\" (\"n\" varchar(20) primary key);\n\
                insert into \"a;b\" values ('c:\\');\ninsert into \"a;b\" values ('d''\\');\n\
                create trigger tr before insert on \"a;b\" for each row set new.\"n\" = concat(new.\"n\", '\\');\n\
                insert into \"a;b\" values ('größe \\ ');";
    up_to_the_end(&database, &[("1_modes", text), ("2_after", "create table after (n int);")]);
    assert_eq!(
        database.sql("select hex(convert(\"n\" using utf8mb4)) from \"a;b\" order by 1"),
        "633A5C\n64275C\n6772C3B6C39F65205C205C\n"
    );
    let script = database.sql("select script from migrate_history where version = '1'");
    assert!(script.contains("größe"), "{script}");
}

#[test]
fn a_latin1_database_and_characters_of_four_bytes_are_no_trouble() {
    let database = Server::shared(FLAVOUR).database();
    database.sql(&format!("alter database {} character set latin1", database.name()));
    let text = "-- \u{1f600} größe\ncreate table größen (`spaß` varchar(20) character set utf8mb4);\n\
                insert into größen values ('\u{1f600} größe /* \u{1f600} */');\n\
                create table umlaute (n varchar(20) default 'ä');\ninsert into umlaute values ('ö'), (default);\n\
                create procedure p() begin /* größe */ insert into größen values ('größer'); end;\ncall p();";
    up_to_the_end(&database, &[("1_größe \u{1f600}", text)]);
    let rows = "select hex(`spaß`) from größen union all select hex(convert(n using utf8mb4)) from umlaute";
    assert_eq!(
        database.sql(rows),
        "F09F9880206772C3B6C39F65202F2A20F09F9880202A2F\n6772C3B6C39F6572\nC3B6\nC3A4\n".to_owned()
    );
    let stored = database.sql("select hex(script), name from migrate_history");
    let hex: String = text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    });
    assert!(stored.starts_with(&hex), "{stored}");
    assert!(stored.contains("größe"), "{stored}");
    // A failure is told and kept as well.
    let failed = "insert into größen values ('\u{1f600}', 'zuviel');";
    let error = up(&database, &[("1_größe \u{1f600}", text), ("2_fails", failed)]).unwrap_err().to_string();
    assert!(error.contains("Column count doesn't match"), "{error}");
}

/// A server that takes packets of 64 KiB.
fn small_packets() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let arguments = vec!["--max-allowed-packet=65536".to_owned()];
        Server::start(FLAVOUR, Options { arguments, relaxed: true, ..Options::default() })
    })
}

#[test]
fn a_script_is_sent_in_packets_that_the_server_takes() {
    let database = small_packets().database();
    let mut text = "create table t (n int, s longtext);\n".to_owned();
    for n in 0..40 {
        let _ = writeln!(text, "insert into t values ({n}, '{}'); -- größe", "x".repeat(n * 1_600));
    }
    for n in 0..30 {
        let _ = writeln!(text, "create table t{n} (n int comment '{}');", "y".repeat(900));
    }
    up_to_the_end(&database, &[("1_long", &text), ("2_after", "create table after (n int);")]);
    assert_eq!(database.sql("select count(*), sum(length(s)) from t"), "40\t1248000\n");
    assert_eq!(database.sql("select version, `cursor` from migrate_history where state = 'done'"), "1\t71\n2\t1\n");
}

#[test]
fn a_statement_that_no_packet_can_hold_is_told_before_it_is_sent() {
    for (first, length, fits) in [("1", 60_000, true), ("2", 65_400, true), ("3", 65_536, false), ("4", 200_000, false)]
    {
        let text =
            format!("create table t{first} (s longtext);\ninsert into t{first} values\n ('{}');", "x".repeat(length));
        let files = [(format!("{first}_long"), text)];
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let result = up(&small_packets().database(), &files);
        if fits {
            result.unwrap_or_else(|error| panic!("{length}: {error}"));
            continue;
        }
        let error = result.unwrap_err().to_string();
        assert!(error.contains("statement 2 of 2 failed") && error.contains("max_allowed_packet"), "{length}: {error}");
        assert!(error.contains(&format!("{first}_long.sql:2:1")), "{length}: {error}");
    }
}

#[test]
fn calls_may_answer_anything() {
    let database = Server::shared(FLAVOUR).database();
    let text = "create table t (n int primary key);\n\
                create procedure three() begin select 1; select 2, 3; insert into t values (1); select 4 where false; end;\n\
                create procedure none() begin end;\n\
                create procedure commits() begin insert into t values (10); commit; insert into t values (11); select 5; end;\n\
                create procedure defines() begin create table made (n int); insert into t values (20); end;\n\
                create procedure fails() begin insert into t values (30); select 6; insert into t values (1); end;";
    let calls = "call three();\ninsert into t values (2);\ncall none();\ncall commits();\ninsert into t values (12);\n\
                 call defines();\nselect 1; select 2;\nset @q = 'insert into t values (40)';\nprepare s from @q;\n\
                 execute s;\ndeallocate prepare s;\nprepare s from 'select 1 union select 2';\nexecute s;";
    let first = [("1_create", text), ("2_call", calls)];
    up_to_the_end(&database, &first);
    assert_eq!(database.sql("select group_concat(n order by n) from t"), "1,2,10,11,12,20,40\n");
    let fails =
        [first[0], first[1], ("3_fails", "insert into t values (3);\ncall none();\n\ncall fails();\nselect 1;")];
    let error = up(&database, &fails).unwrap_err().to_string();
    assert!(error.contains("statement 3 of 4 failed: Duplicate entry '1' for key"), "{error}");
    assert!(error.contains("3_fails.sql:4:1"), "{error}");
    assert_eq!(database.sql("select `cursor`, state from migrate_history where version = '3'"), "2\tfailed\n");
    // What it did is in one transaction with its row where it commits nothing.
    assert_eq!(database.sql("select group_concat(n order by n) from t"), "1,2,3,10,11,12,20,40\n");
}

#[test]
fn a_long_note_is_kept() {
    let database = Server::shared(FLAVOUR).database();
    let columns: String = (0..200).fold(String::new(), |mut text, n| {
        let _ = write!(text, ", größe_{n} int not null default {n} comment 'größe; {}'", "z".repeat(150));
        text
    });
    let files = [
        ("1_wide".to_owned(), format!("create table wide (id int primary key{columns});")),
        (
            "2_alter".to_owned(),
            "alter table wide drop column größe_7, modify größe_8 bigint not null;\nalter table wide add m int;"
                .to_owned(),
        ),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    up_to_the_end(&database, &files);
    let columns =
        "select count(*) from information_schema.columns where table_schema = database() and table_name = 'wide'";
    assert_eq!(database.sql(columns), "201\n");
}

/// What the server says to a statement, by the way it takes.
fn failing() -> [(&'static str, &'static str); 5] {
    [
        ("alter table t add column n int", "Duplicate column name 'n'"),
        ("insert into t values (1)", "Duplicate entry"),
        ("call fails()", "Duplicate entry"),
        ("select nosuch from t", "Unknown column 'nosuch'"),
        ("create procedure p() begin select 1; end", "PROCEDURE p already exists"),
    ]
}

#[test]
fn an_error_is_found_at_its_statement_wherever_it_stands() {
    let first = "create table t (n int primary key);\ninsert into t values (1);\n\
                 create procedure p() begin select 1; end;\n\
                 create procedure fails() begin select 1; insert into t values (1); end;\n\
                 create procedure good() begin select 1; select 2; end;";
    let good = [
        "insert into t values (100)",
        "create table made (n int)",
        "call good()",
        "select 1",
        "drop table if exists nosuch",
    ];
    for (bad, message) in failing() {
        for position in 0..=good.len() {
            let mut statements: Vec<_> = good.to_vec();
            statements.insert(position, bad);
            let text = statements.iter().fold(String::new(), |text, one| text + "-- größe\n" + one + ";\n");
            let database = Server::shared(FLAVOUR).database();
            let error = up(&database, &[("1_first", first), ("2_second", &text)]).unwrap_err();
            let context = format!("{bad} at {position}: {error}");
            let shown = error.to_string();
            assert!(shown.contains(&format!("statement {} of 6 failed: {message}", position + 1)), "{context}");
            let place = error.diagnostics()[0].place.clone().unwrap();
            assert_eq!(place.position.unwrap().line, 2 * position + 2, "{context}");
            let row = database.sql("select `cursor`, state from migrate_history where version = '2'");
            let made = database.sql("select count(*) from information_schema.tables where table_schema = database() and table_name = 'made'");
            let cursor: usize = row.split('\t').next().and_then(|cursor| cursor.parse().ok()).unwrap();
            assert!(cursor <= position && row.ends_with("failed\n"), "{context}: {row}");
            assert_eq!(made == "1\n", position > 1, "{context}");
            let rows = database.sql("select count(*) from t");
            assert_eq!(rows == "2\n", position > 0 && cursor > 0, "{context}: {row}");
            // Mended, it goes on where it stopped.
            let mended = text.replace(bad, "do 0");
            up_to_the_end(&database, &[("1_first", first), ("2_second", &mended)]);
            assert_eq!(database.sql("select count(*) from t"), "2\n", "{context}");
        }
    }
}

#[test]
fn the_place_of_an_error_is_shown() {
    let either = |mysql: &'static str, mariadb: &'static str| if FLAVOUR == Flavour::MySql { mysql } else { mariadb };
    for (statement, message, line, column) in [
        ("insert into t\n  (größe, n)\n  valuess (1)", "You have an error in your SQL syntax", 6, 3),
        ("select n,\n       größe,\n       nosuch\nfrom t", "Unknown column 'nosuch'", 6, 8),
        ("select *\nfrom t join missing on 1", "Table", 5, 13),
        (
            "alter table t\n  add column x int,\n  drop column y",
            either("Can't DROP 'y'", "Can't DROP COLUMN `y`"),
            6,
            15,
        ),
        (
            "create table u (\n  n int,\n  m strange\n)",
            either("You have an error in your SQL", "Unknown data type: 'strange'"),
            6,
            5,
        ),
        ("create procedure q()\nbegin\n  select 1;\n  selec 2;\nend", "You have an error in your SQL syntax", 7, 9),
        ("call missing_procedure(1)", "PROCEDURE", 4, 6),
    ] {
        for before in ["", "-- migrate:no-transaction\n"] {
            let text = format!("{before}create table t (n int, größe int);\n-- größe\n\n{statement};\nselect 1;\n");
            let database = Server::shared(FLAVOUR).database();
            let error = up(&database, &[("1_place", &text)]).unwrap_err();
            let shown = error.to_string();
            assert!(shown.contains("statement 2 of 3 failed") && shown.contains(message), "{statement}: {shown}");
            let more = usize::from(!before.is_empty());
            assert!(shown.contains(&format!("1_place.sql:{}:{column}\n", line + more)), "{statement}: {shown}");
        }
    }
}

#[test]
fn what_the_server_remarks_is_told_of_its_statement() {
    let database = Server::shared(FLAVOUR).database();
    let files = set(&[
        ("1_quiet", "create table t (s varchar(3), n int);"),
        (
            "2_loud",
            "-- migrate:settings sql_mode=''\ndrop table if exists missing;\ninsert into t values ('größer', 1);\n\
             insert into t values ('a', 'b');",
        ),
        ("3_quiet", "insert into t values ('abc', 1);"),
    ]);
    let mut heard = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Noticed { notice, step } = event {
            let title = step.map(migrate_core::plan::Step::title).unwrap_or_default();
            heard.push(format!("{title}: {} {}", notice.level, notice.message));
        }
    };
    block_on(fragile(&database.url(), &files).run(&mut observer)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(heard.len(), 3, "{heard:#?}");
    for (said, expected) in
        heard.iter().zip(["NOTE Unknown table", "WARNING Data truncated", "WARNING Incorrect integer value"])
    {
        assert!(said.starts_with("2 loud: ") && said.contains(expected), "{heard:#?}");
    }
    assert_eq!(database.sql("select s, n from t"), "grö\t1\na\t0\nabc\t1\n");
}

#[test]
fn commands_of_the_native_client_are_named_with_their_line() {
    use migrate_core::layout::Folder;
    use migrate_core::{EngineNames, ReadOptions};
    for (line, message) in [
        ("source x.sql", "`source` is a command for the mysql client"),
        ("\\. x.sql", "`\\.` is a command for the mysql client"),
        ("select 1\\G", "`\\G` is a command for the mysql client"),
        ("system ls", "`system` is a command for the mysql client"),
        ("delimiter", "must be followed by what ends a statement"),
    ] {
        let text = format!("select 1;\n{line}\n");
        let folder = Folder::embedded("migrations", [("1_a.sql", text.as_str())]);
        let names = if FLAVOUR == Flavour::MySql { EngineNames::MYSQL } else { EngineNames::MARIADB };
        let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(names));
        let told = match loaded {
            Err(problems) => problems.iter().map(ToString::to_string).collect::<String>(),
            Ok(loaded) => {
                let database = Server::shared(FLAVOUR).database();
                block_on(fragile(&database.url(), &loaded.set).up()).unwrap_err().to_string()
            }
        };
        assert!(told.contains(message) && told.contains("1_a.sql:2:"), "{line}: {told}");
    }
}
