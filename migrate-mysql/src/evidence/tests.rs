//! Statements and what they are about; notes and what is made of them.

use std::collections::VecDeque;

use async_trait::async_trait;
use migrate_core::backend::{Fault, Note, Row, ServerError, Settled};
use migrate_core::sql::classify::mysql;
use migrate_core::sql::{Statement, Syntax};

use super::names::{About, Aspect};
use super::{Ask, Known, Place, note, settle};

/// A list of answers; whatever is asked for beyond it is refused.
struct Answers(VecDeque<Result<Vec<Row>, ServerError>>);

impl Answers {
    /// One cell each; `None` is a refusal, an empty text no row, `!1142` a refusal with that number.
    fn of(texts: &[Option<&str>]) -> Self {
        let answer = |text: Option<&str>| match text {
            None => Err(no()),
            Some("") => Ok(Vec::new()),
            Some(text) => match text.strip_prefix('!') {
                Some(code) => Err(ServerError { code: Some(code.to_owned()), ..no() }),
                None => Ok(vec![text.split('|').map(|cell| Some(cell.to_owned())).collect()]),
            },
        };
        Self(texts.iter().copied().map(answer).collect())
    }
}

fn no() -> ServerError {
    ServerError::new(Fault::Refused, "no")
}

#[async_trait]
impl Ask for Answers {
    async fn rows(&mut self, _sql: &str) -> Result<Vec<Row>, ServerError> {
        self.0.pop_front().unwrap_or_else(|| Err(no()))
    }
}

fn place(mariadb: bool, process: bool) -> Place {
    let version = if mariadb { (10, 11, 0) } else { (9, 7, 0) };
    Place { database: "d".to_owned(), mariadb, version, process }
}

fn statement(text: &str) -> Statement<'_> {
    Statement { number: 1, text, offset: 0, data: None, class: mysql(text, &Syntax::MYSQL) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

/// What a statement is about, as a person would write it.
fn shown(text: &str, syntax: &Syntax) -> String {
    let Some(about) = About::of(&statement(text), syntax) else { return "nothing".to_owned() };
    let objects: Vec<String> = about
        .objects
        .iter()
        .map(|(object, aspects)| {
            let aspects: Vec<String> = aspects
                .iter()
                .filter(|aspect| **aspect != Aspect::Existence)
                .map(|aspect| format!(" {aspect:?}"))
                .collect();
            format!("{object}{}", aspects.concat())
        })
        .collect();
    let blind = if about.blind { " blind" } else { "" };
    format!("{:?}{blind}: {}", about.rule, objects.join(", ")).to_lowercase()
}

#[test]
fn statements_say_what_they_are_about() {
    for (text, expected) in [
        ("create table t (a int)", "creates: t"),
        ("create table `a``b`.`c d` like e", "creates: a`b.c d"),
        ("create table t as select * from u", "creates: t"),
        ("create unique index i on d.t (a)", "creates: the index i of d.t"),
        ("create spatial index i on t (a)", "creates: the index i of t"),
        ("create algorithm=merge definer=`a`@`b` sql security definer view v as select 1", "creates: v"),
        ("create definer=`x`@`y` trigger g before insert on t for each row set new.a = 1", "creates: g"),
        ("create function f(a int) returns int return 1", "creates: f"),
        ("create aggregate function f returns integer soname 'x'", "creates: f"),
        ("create package body p as begin null; end", "creates: p"),
        ("create event e on schedule every 1 day do select 1", "creates: e"),
        ("create sequence s", "creates: s"),
        ("create schema s", "creates: s"),
        ("create user a, 'b'@'c' identified by 'd', e@f.g", "creates: a, b@c, e@f.g"),
        ("create server s foreign data wrapper mysql options (user 'a')", "creates: s"),
        ("create undo tablespace u add datafile 'f'", "creates: u"),
        ("create spatial reference system 4120 name 'x'", "creates: 4120"),
        ("create resource group g type=user", "creates: g"),
        ("install plugin p soname 'x'", "creates: p"),
        ("install component 'file://a', 'file://b'", "creates: file://a, file://b"),
        ("drop table if exists a, `b`.c", "removes: a, b.c"),
        ("drop index i on t", "removes: the index i of t"),
        ("drop user a@b, c", "removes: a@b, c"),
        ("drop database d", "removes: d"),
        ("drop package body p", "removes: p"),
        ("drop undo tablespace u", "removes: u"),
        ("rename table a to b, c to d", "renames: a, b, c, d"),
        ("rename table a to x, b to a, x to b", "renames blind: a identity, b identity, x identity"),
        ("rename table t to t_old, t_new to t", "renames: t, t_new, t_old"),
        ("rename user a to b@c", "renames: a, b@c"),
        ("alter tablespace a rename to b", "renames: a, b"),
        ("truncate t", "changes blind: t identity"),
        ("truncate table s.t", "changes blind: s.t identity"),
        ("alter view v as select 1", "changes: v definition"),
        ("alter database character set ascii", "changes: the database definition"),
        ("alter database d character set ascii", "changes: d definition"),
        ("alter event e rename to f", "changes: e definition, f"),
        ("alter user current_user() identified by 'x'", "changes: the current user definition"),
        ("revoke select (a), insert on t from a, b@c", "changes: a definition, b@c definition"),
        ("set statement lock_wait_timeout = 5 for create table t (a int)", "creates: t"),
        ("/*!50003 create table t (a int) */", "creates: t"),
        ("import table from 'x'", "nothing"),
        ("select 1", "nothing"),
    ] {
        assert_eq!(shown(text, &Syntax::MYSQL), expected, "{text}");
    }
    let ansi = Syntax { double_quoted_strings: false, ..Syntax::MYSQL };
    assert_eq!(shown("create table \"a \"\"b\" (c int)", &ansi), "creates: a \"b");
}

#[test]
fn an_alter_table_is_read_as_little_as_it_takes() {
    for (actions, expected) in [
        ("add a int", "creates: the column a of t"),
        ("add column (a int, b int), drop index i", "creates: the column a of t, the column b of t"),
        ("add column if not exists a int", "changes: t columns"),
        ("add column if not exists a int, add index i (a)", "creates: the index i of t"),
        ("drop a, drop column b", "removes: the column a of t, the column b of t"),
        ("drop a, drop key i, algorithm=inplace", "removes: the column a of t, the index i of t"),
        ("drop a, drop foreign key c", "changes: t columnnames"),
        ("drop index i, drop check c", "changes: t indexnames"),
        ("drop a, drop index if exists i", "changes: t columnnames"),
        ("drop a, add a int", "changes blind: t columns"),
        ("drop a, add b int", "creates: the column b of t"),
        ("rename column a to b", "creates: the column b of t"),
        ("rename column a to b, rename column b to a", "changes blind: t columns"),
        ("change a b int", "creates: the column b of t"),
        ("change a A bigint, modify b int", "changes: t columns"),
        ("alter column a set default 1, algorithm=inplace", "changes: t columns"),
        ("add unique (a)", "changes: t indexnames"),
        ("add key using btree (a)", "changes: t indexnames"),
        ("add fulltext index `i j` (a), add b int", "creates: the index i j of t, the column b of t"),
        ("add constraint primary key (a)", "changes: t indexes"),
        ("drop primary key", "changes: t indexes"),
        ("drop index i, add index i (a, b)", "changes: t indexes"),
        ("rename index a to b", "changes: t indexes"),
        ("add constraint c foreign key (a) references u (b)", "changes: t constraints"),
        ("drop foreign key c, drop check d", "changes: t constraints"),
        ("comment = 'x', row_format=dynamic", "changes: t options"),
        ("convert to character set utf8mb4", "changes: t columns indexes constraints options partitions"),
        ("add partition (partition p values less than (1))", "changes: t partitions"),
        ("truncate partition p", "changes blind: t identity"),
        ("exchange partition p with table s.u without validation", "changes blind: t identity, s.u identity"),
        ("rename to u", "renames: t, u"),
        ("add a int, rename as s.u", "renames: t, s.u"),
    ] {
        assert_eq!(shown(&format!("alter table t {actions}"), &Syntax::MYSQL), expected, "{actions}");
    }
}

fn asked(text: &str, place: &Place) -> String {
    match block_on(note(&mut Answers::of(&[]), place, &mut Known::default(), &statement(text), &Syntax::MYSQL)) {
        Ok(Note::Asked(expression)) => expression,
        other => format!("{other:?}"),
    }
}

#[test]
fn an_expression_means_the_same_in_every_mode() {
    for mariadb in [false, true] {
        for text in [
            "create table `it's` (a int)",
            "alter table `it's` drop `a's`",
            "alter table `a\\b` add b int",
            "alter table `ü` comment 'x'",
            "truncate `a-b`",
            "drop table a, b",
            "create trigger g before insert on t for each row set new.a = 1",
        ] {
            let expression = asked(text, &place(mariadb, true));
            assert!(expression.starts_with("CONCAT('f2:"), "{expression}");
            assert!(expression.is_ascii() && !expression.contains('\\'), "{expression}");
        }
    }
    assert!(asked("create table `it's` (a int)", &place(false, true)).contains("_utf8mb4 0x69742773"));
    assert!(asked("truncate `a-b`", &place(true, true)).contains("'/a@002db'"));
    assert_eq!(asked("drop table a, b", &place(true, false)), "CONCAT('f2:1,1;', COALESCE(DATABASE(), ''))");
}

#[test]
fn what_is_known_to_be_absent_is_not_asked_for() {
    let place = place(false, true);
    let mut known = Known::default();
    let mut answers = Answers::of(&[Some("Old")]);
    let mut ask = |known: &mut Known, text: &str| {
        let statement = statement(text);
        let note = block_on(note(&mut answers, &place, known, &statement, &Syntax::MYSQL)).unwrap();
        known.passed(&statement, &Syntax::MYSQL);
        note == Note::Asked("CONCAT('f2:0;', COALESCE(DATABASE(), ''))".to_owned())
    };
    for at in 0..6 {
        assert!(!ask(&mut known, &format!("create table t{at} (a int)")), "too early");
    }
    assert!(ask(&mut known, "create table new (a int)"));
    assert!(!ask(&mut known, "create table NEW (a int)"), "made just now");
    assert!(!ask(&mut known, "create table old (a int)"), "in the catalog");
    assert!(!ask(&mut known, "create table other.u (a int)"), "elsewhere");
    assert!(ask(&mut known, "create view v as select 1"));
    known.passed(&statement("call p()"), &Syntax::MYSQL);
    assert!(!ask(&mut known, "create table u (a int)"), "whatever p does");
}

#[test]
fn what_a_new_table_has_is_known_from_the_texts_about_it() {
    let place = place(true, true);
    let mut known = Known::default();
    let mut answers = Answers::of(&[Some("Old")]);
    let mut ask = |text: &str| {
        let statement = statement(text);
        let note = block_on(note(&mut answers, &place, &mut known, &statement, &Syntax::MYSQL)).unwrap();
        known.passed(&statement, &Syntax::MYSQL);
        note == Note::Asked("CONCAT('f2:0;', COALESCE(DATABASE(), ''))".to_owned())
    };
    assert!(!ask("create table s (a int)"), "too early");
    for at in 0..5 {
        assert!(!ask(&format!("alter table old add c{at} int")), "too early");
    }
    assert!(!ask("alter table old add d int"), "a table that was there");
    assert!(!ask("alter table s add a int"), "in a text that was not sent yet when the catalog was read");
    assert!(ask("alter table s add b int"));
    assert!(ask("create table t (a int, b int, key (a))"));
    assert!(ask("alter table t add c int"));
    assert!(ask("create index i on T (c)"));
    assert!(!ask("alter table t add A int"), "in the text that made it");
    assert!(!ask("alter table t rename column b to C"), "added since");
    assert!(!ask("create index a on t (b)"), "an index that got its name from its column");
    assert!(!ask("alter table t add index a_2 (a)"), "a name that the server may have given");
    assert!(!ask("alter table t add my_row_id int"), "a column that the server may have made");
    assert!(ask("create table u (z int)"));
    assert!(ask("alter table u add c int"), "another table's");
    assert!(!ask("alter table other.u add d int"), "elsewhere");
    assert!(ask("create table v like t"));
    assert!(!ask("alter table v add e int"), "it has what t has");
    ask("rename table u to w");
    assert!(!ask("alter table w add f int"), "it has what u has");
    assert!(ask("create table x table t"));
    assert!(!ask("alter table x add g int"), "it has what t has");
}

#[track_caller]
fn check(text: &str, noted: Option<&str>, answers: &[Option<&str>], expected: &str) {
    let mut answers = Answers::of(answers);
    let place = place(true, true);
    let settled = block_on(settle(&mut answers, &place, &statement(text), noted, &Syntax::MYSQL)).unwrap();
    let shown = match settled {
        Settled::Ran(reason) => format!("ran, {reason}"),
        Settled::DidNotRun(reason) => format!("not, {reason}"),
        Settled::First(statements) => format!("first, {}", statements.join("; ")),
        Settled::Undecided(reason) => format!("ask, {reason}"),
        other => format!("{other:?}"),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn what_can_be_read_decides() {
    let create = "create table t (a int)";
    check(create, Some("f2:0;d"), &[Some("0")], "not, catalog: t is not there");
    check(create, Some("f2:0;d"), &[Some("1"), Some("")], "ran, catalog: t is there");
    check(
        create,
        Some("f2:0;d"),
        &[Some("1"), None],
        "ask, catalog: t is there, but t cannot be read (no): drop it and answer that it did not run",
    );
    check(create, Some("f2:1;d"), &[Some("1")], "not, catalog: t is as it was before");
    let parts = "create table t (a int) partition by hash (a) partitions 2";
    check(parts, Some("f2:0;d"), &[Some("0"), Some("")], "not, catalog: t is not there");
    let orphan = "first, DROP TABLE IF EXISTS `d`.`#mysql50#t#P#p0`";
    check(parts, Some("f2:0;d"), &[Some("0"), Some("t#P#p0")], orphan);
    check(create, Some("f2:0;d"), &[None], "ask, what was read before it was sent may not be read now");
    check(create, None, &[], "ask, nothing about it could be read before it was sent");
    check(create, Some("f9:0;d"), &[], "ask, what was read before it was sent is not understood by this version");
    let users = "create user a@x, b@x";
    check(users, Some("f2:0,0;d"), &[Some("a|x"), Some("")], "ask, catalog: a@x is there, and b@x is not");
    let alter = "alter table t modify a int";
    let (is_table, is_read) = (Some("1"), Some(""));
    check(alter, Some("f2:2-AA;d"), &[Some("2-AA"), is_table, is_read], "not, fingerprint: t is as before");
    check(alter, Some("f2:2-AA;d"), &[Some("2-BB"), is_table, is_read], "ran, fingerprint: t is not as before");
    check(alter, Some("f2:2-AA;d"), &[Some("0-0")], "ask, catalog: t is gone, and the statement does not drop it");
}

#[test]
fn what_a_table_has_is_there_or_gone_while_the_table_is_there() {
    let (is_table, no_table, is_read) = (Some("1"), Some(""), Some(""));
    let add = "alter table t add a int, add index i (a)";
    let read = |now| [Some(now), is_table, is_table, is_read, is_table, is_read];
    let (column, index) = ("the column a of t", "the index i of t");
    check(add, Some("f2:0,0;d"), &read("1|1"), &format!("ran, catalog: {column}, {index} are there"));
    check(add, Some("f2:0,0;d"), &read("0|0"), &format!("not, catalog: {column}, {index} are not there"));
    check(add, Some("f2:1,1;d"), &read("1|1"), &format!("not, catalog: {column}, {index} are as it was before"));
    check(add, Some("f2:0,0;d"), &[Some("0|0"), no_table], "not, catalog: t is not there");
    let drop = "alter table t drop a";
    check(drop, Some("f2:1;d"), &read("0"), &format!("ran, catalog: {column} is gone"));
    check(drop, Some("f2:1;d"), &read("1"), &format!("not, catalog: {column} is still there"));
    check(drop, Some("f2:1;d"), &[Some("0"), no_table], "not, catalog: t is not there");
    check("drop index i on t", Some("f2:1;d"), &[Some("0"), no_table], "not, catalog: t is not there");
    let several = "alter table t drop a, drop b";
    check(
        several,
        Some("f2:1,1;d"),
        &[Some("0|1")],
        "ask, catalog: the column b of t is still there, but not all of it",
    );
    let refused = [Some("0"), is_table, is_table, None];
    let lost = "but t cannot be read any more (no): restore it before you answer";
    check(drop, Some("f2:1;d"), &refused, &format!("ask, catalog: {column} is gone, {lost}"));
}

#[test]
fn what_was_dropped_in_part_is_dropped_to_the_end() {
    let drop = "drop table t, s.`u``v`";
    check(drop, Some("f2:1,1;d"), &[Some("1|1")], "not, catalog: t, s.u`v are still there");
    check(drop, Some("f2:1,1;d"), &[Some("0|0")], "ran, catalog: t, s.u`v are gone");
    check(drop, Some("f2:1,1;d"), &[Some("0|1")], "first, DROP TABLE IF EXISTS `s`.`u``v`");
    let users = "drop user a@x, b";
    check(users, Some("f2:1,1;d"), &[Some("a|x"), Some("")], "first, DROP USER IF EXISTS `a`@`x`");
}

#[test]
fn a_rename_is_seen_by_the_names_or_by_which_tables_they_are() {
    let rename = "rename table t to t_old, t_new to t";
    check(rename, Some("f2:1,1,0;d"), &[Some("1|1|0")], "not, catalog: t, t_new, t_old are named as before");
    check(rename, Some("f2:1,1,0;d"), &[Some("1|0|1")], "ran, catalog: t, t_old are there");
    check(rename, Some("f2:1,1,0;d"), &[Some("0|1|1")], "ask, catalog: of t, t_new, t_old only t_new, t_old are there");
    let swap = "rename table a to x, b to a, x to b";
    let before = Some("f2:1.1-A,1.1-B,0.0-0;d");
    check(swap, before, &[Some("1.1-A|1.1-B|0.0-0")], "not, fingerprint: a, b, x are as before");
    check(swap, before, &[Some("1.1-B|1.1-A|0.0-0")], "ran, fingerprint: a, b are not as before");
    check(
        swap,
        Some("f2:1.?,1.?,0.?;d"),
        &[Some("1.1-B|1.1-A|0.0-0")],
        "ask, it can have run without a trace: nothing tells which table a, b is",
    );
}

#[test]
fn a_table_that_nobody_can_read_is_neither_as_it_was_nor_as_it_is_to_be() {
    let (is_table, is_read, refused) = (Some("1"), Some(""), None);
    let alter = "alter table t modify a int";
    let before = Some("f2:2-AA;d");
    check(alter, before, &[Some("3-BB"), is_table, is_read], "ran, fingerprint: t is not as before");
    let lost = "but t cannot be read any more (no): restore it before you answer";
    check(alter, before, &[Some("3-BB"), is_table, refused], &format!("ask, fingerprint: t is not as before, {lost}"));
    let rename = "rename table t to u";
    let as_before = [Some("1|0"), is_table, refused];
    check(rename, Some("f2:1,0;d"), &as_before, &format!("ask, catalog: t, u are named as before, {lost}"));
    let may_not_read_it = [Some("3-BB"), is_table, Some("!1142")];
    check(alter, before, &may_not_read_it, "ran, fingerprint: t is not as before");
    let a_view = [Some("1|0"), Some("")];
    check(rename, Some("f2:1,0;d"), &a_view, "not, catalog: t, u are named as before");
}

#[test]
fn accounts_are_read_again_by_the_server_before_one_of_them_is_judged_by_its_tables() {
    let rename = "rename user a@x to b@x";
    let before = Some("f2:1,0;d");
    let read_again = Some("");
    check(rename, before, &[Some("a|x"), Some(""), read_again], "not, catalog: a@x, b@x are named as before");
    let refused = None;
    check(
        rename,
        before,
        &[Some("a|x"), Some(""), refused],
        "not, catalog: a@x, b@x are named as before (the server may remember otherwise: FLUSH PRIVILEGES)",
    );
}

#[test]
fn what_can_be_half_done_is_never_taken_for_done() {
    let convert = "alter table t engine=MyISAM";
    let parts = |text: &str| [text; 5].join(".");
    let before = format!("f2:{};d", parts("2-A"));
    check(convert, Some(&before), &[Some(&parts("2-A"))], "not, fingerprint: t is as before");
    check(
        convert,
        Some(&before),
        &[Some(&parts("2-B"))],
        "ask, fingerprint: t is not as before, and it may have been half done",
    );
    check(
        "alter table t engine=MyISAM, add a int",
        Some("f2:0;d"),
        &[Some("1"), Some("1")],
        "ask, catalog: the column a of t is there, and the rest may have been half done",
    );
    let from = "alter table t engine=InnoDB";
    let gone = [Some("0-0.0-0.0-0.0-0.0-0")];
    check(from, Some(&before), &gone, "ask, catalog: t is gone, and the statement does not drop it");
    check(from, None, &[], "not, repeat: running it again leads to the same");
    let fill = "create table t engine=MyISAM as select 1 as a";
    let rows = "ask, catalog: t is there, but nothing tells whether all its rows are";
    check(fill, Some("f2:0;d"), &[Some("1")], rows);
    check("create table t (a int) engine=MyISAM", Some("f2:0;d"), &[Some("1"), Some("")], "ran, catalog: t is there");
    let gone = "nothing tells which table t is";
    check(
        "truncate t",
        Some("f2:1.0-0;d"),
        &[Some("1.0-0"), Some("1")],
        &format!("ask, it can have run without a trace: {gone}"),
    );
    check("truncate t", Some("f2:1.0-0;d"), &[Some("1.0-0"), Some("")], "not, catalog: t is empty either way");
    check("call p()", Some("call:segments"), &[], "not, segments: not even its first part was committed");
    let part = "ask, a part of it was committed, and nothing tells how far it came";
    check("call p()", Some("call:segments started"), &[], part);
    check("call p()", None, &[], "ask, nothing about it could be read before it was sent");
}

#[test]
fn a_procedure_is_followed_into_what_it_calls() {
    let noted = |answers: &[Option<&str>]| {
        let call = statement("call p(1)");
        block_on(note(&mut Answers::of(answers), &place(false, true), &mut Known::default(), &call, &Syntax::MYSQL))
            .unwrap()
    };
    let inserts = Some("begin insert into t values (1); end|");
    assert_eq!(noted(&[inserts, Some("")]), Note::Shares);
    assert_eq!(noted(&[inserts, Some("1")]), Note::Nothing, "a table that has no transactions");
    assert_eq!(noted(&[None]), Note::Nothing, "not readable");
    assert_eq!(noted(&[Some("begin call q(); end|"), inserts, Some("")]), Note::Shares);
    let commits = Some("begin insert into t values (1); commit; end|");
    assert_eq!(noted(&[Some("begin call q(); end|"), commits, Some("")]), Note::Is("call:segments".to_owned()));
    assert_eq!(noted(&[Some("begin call p(); end|"), Some("")]), Note::Shares, "it calls itself");
    assert_eq!(noted(&[Some("begin \"rollback\"; end|ANSI_QUOTES"), Some("")]), Note::Shares);
    assert_eq!(noted(&[Some("begin rollback; end|")]), Note::Nothing);
}

#[test]
fn what_is_executed_by_name_is_noted_as_what_it_is() {
    let place = place(true, true);
    let noted = |texts: &[&str], answers: &[Option<&str>]| {
        let mut known = Known::default();
        let (last, before) = texts.split_last().unwrap();
        for text in before {
            known.passed(&statement(text), &Syntax::MYSQL);
        }
        let mut answers = Answers::of(answers);
        block_on(note(&mut answers, &place, &mut known, &statement(last), &Syntax::MYSQL)).unwrap()
    };
    let is = |text: &str| Note::Is(text.to_owned());
    let index = "create index i on t (a)";
    let prepared = ["prepare `P` from @s", "execute p"];
    assert_eq!(noted(&prepared, &[Some(index), Some("f2:0;d")]), is("execute:f2:0;d\ncreate index i on t (a)"));
    assert_eq!(noted(&prepared, &[Some("create table if not exists t (a int)")]), is("execute:repeat"));
    assert_eq!(noted(&prepared, &[Some("select 1"), Some("")]), Note::Shares);
    assert_eq!(noted(&prepared, &[Some("insert into t values (1)"), Some("")]), Note::Shares);
    assert_eq!(noted(&prepared, &[Some("insert into m values (1)"), Some("1")]), Note::Nothing, "no transactions");
    assert_eq!(noted(&prepared, &[Some("call p()")]), Note::Nothing);
    assert_eq!(noted(&prepared, &[Some("create user u identified by 'x'"), Some("")]), Note::Nothing, "a secret");
    assert_eq!(noted(&prepared, &[None]), Note::Nothing, "not readable");
    assert_eq!(noted(&["execute p"], &[Some(index)]), Note::Nothing, "prepared elsewhere");
    for between in ["set @S = 'x'", "select 'x' into @`s`", "call p()", "begin not atomic set @s = 1; end"] {
        let other = [prepared[0], between, prepared[1]];
        assert_eq!(noted(&other, &[Some(index), Some("f2:0;d")]), Note::Nothing, "another value: {between}");
    }
    for between in ["set @t = 'x'", "insert into t values ('@s')", "alter table t add a int"] {
        let same = [prepared[0], between, prepared[1]];
        assert_ne!(noted(&same, &[Some(index), Some("f2:0;d")]), Note::Nothing, "the same value: {between}");
    }
    let text = ["prepare p from 'drop table t'", "set @s = 'x'", "execute p"];
    assert_eq!(noted(&text, &[Some("drop table t"), Some("f2:1;d")]), is("execute:f2:1;d\ndrop table t"));
    assert_eq!(
        noted(&["execute immediate 'drop table t' using @a"], &[Some("drop table t"), Some("f2:1;d")]),
        is("execute:f2:1;d\ndrop table t")
    );
    assert_eq!(noted(&["execute immediate concat('drop table ', @t)"], &[]), Note::Nothing);

    let execute = "execute p";
    let there = [Some("1"), Some("1"), Some("1"), Some("")];
    check(execute, Some("execute:f2:0;d\ncreate index i on t (a)"), &there, "ran, catalog: the index i of t is there");
    check(execute, Some("execute:repeat"), &[], "not, repeat: running it again leads to the same");
    check(execute, None, &[], "ask, nothing about it could be read before it was sent");
}

#[test]
fn what_needs_no_evidence_gets_none() {
    let temporary = "session: a temporary table ends with its connection";
    check("create temporary table t (a int)", Some("temporary"), &[], &format!("not, {temporary}"));
    let session = "not, session: what it does ends with its connection";
    check("lock tables t write", None, &[], session);
    check("xa commit 'a'", None, &[], "ask, nothing about it could be read before it was sent");
    for text in ["set autocommit = 0", "optimize table t"] {
        check(text, None, &[], "not, repeat: running it again leads to the same");
    }
}
