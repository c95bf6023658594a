//! What a script leaves behind, on our own connection and on the caller's.

use std::time::Duration;

use migrate_core::backend::{Backend as _, Effect, End, Fault, NewEntry, Settings, TableName};
use migrate_core::event::Event;
use migrate_core::testing::fixture::entry;
use migrate_core::{Migrator, RunOptions};
use migrate_mysql::{MysqlSession, mysql_async};
use migrate_tests::servers::mysql::Database;
use migrate_tests::servers::{Flavour, MySql as Server};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};

use super::FLAVOUR;
use super::support::{backend, block_on, endless, fragile, set};

/// The name of the lock of the migrations, as the server computes it.
const LOCK: &str = "concat('migrate-', left(sha2(concat('migrate `', database(), '`.`migrate_history`'), 256), 32))";

/// Whatever a step finds of the one before it, in one row.
fn found() -> String {
    let isolation = if FLAVOUR == Flavour::MySql { "@@transaction_isolation" } else { "@@tx_isolation" };
    format!(
        "insert into found select concat_ws('|', @@sql_mode, @@sort_buffer_size, @@foreign_key_checks, @@time_zone, \
         @@character_set_client, @@character_set_results, @@collation_connection, database(), @@autocommit + 0, \
         {isolation}, coalesce(@mine, 'none'), coalesce(@`other one`, 'none'), @@sql_log_bin + 0, \
         is_used_lock({LOCK}) = connection_id())"
    )
}

#[test]
fn every_step_begins_with_what_the_connection_came_with_and_the_lock() {
    let database = Server::shared(FLAVOUR).database();
    let other = Server::shared(FLAVOUR).database();
    let clean = found();
    let alone = format!("analyze table found;\n{clean};");
    let leaves = |table: &str| {
        format!(
            "set sql_mode = ''; set sort_buffer_size = 3145728; set foreign_key_checks = 0; set time_zone = '+05:00';\n\
             create temporary table {table} (n int);\ninsert into {table} values (1);\nset @mine = 'größe', @`other one` := 7;\n\
             set session transaction isolation level serializable;\nset names latin1;\nset sql_log_bin = 0;\n\
             use {};\nset autocommit = 0;",
            other.name()
        )
    };
    let (one, two) = (leaves("x"), format!("analyze table found;\n{}", leaves("y")));
    let temporary = "create table x (n int primary key);\ncreate table y (n int primary key);";
    let files = [
        ("1_found", "create table found (what text)"),
        ("2_clean", clean.as_str()),
        ("3_leaves", &one),
        ("4_clean_again", &clean),
        ("5_leaves_alone", &two),
        ("6_clean_again", &alone),
        ("7_locks", "lock tables found write;\ninsert into found select what from found limit 1;"),
        ("8_clean_again", &clean),
        ("9_names_are_free", temporary),
        ("10_opens", "create procedure p() begin start transaction; insert into found select 'p'; end;\ncall p();"),
        ("11_clean_again", &clean),
    ];
    block_on(fragile(&database.url(), &set(&files)).up()).unwrap_or_else(|error| panic!("{error}"));
    let found = database.sql("select distinct what from found where what <> 'p'");
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.contains(&format!("|{}|1|REPEATABLE-READ|none|none|1|1", database.name())), "{found}");
    assert!(found.contains("|utf8mb4|utf8mb4|utf8mb4_"), "{found}");
    assert_eq!(database.sql("select count(*) from found"), "7\n");
    assert_eq!(other.sql("show tables"), "");
    let tables = "select group_concat(table_name order by table_name) from information_schema.tables \
                  where table_schema = database()";
    assert_eq!(database.sql(tables), "found,migrate_history,x,y\n");
    assert_eq!(database.sql("select count(*), min(state), max(state) from migrate_history"), "11\tdone\tdone\n");
}

#[test]
fn the_lock_is_held_from_the_first_step_to_the_last() {
    let database = Server::shared(FLAVOUR).database();
    let text = |n: u32| {
        format!(
            "create table t{n} (n int);\nset sort_buffer_size = 3145728;\ninsert into t{n} values (1);\nset names latin1;"
        )
    };
    let texts: Vec<_> = (1..=4).map(|n| (format!("{n}_step"), text(n))).collect();
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mut holders = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if matches!(
            event,
            Event::StatementStarted { .. } | Event::StatementFinished { .. } | Event::StepFinished { .. }
        ) {
            holders.push(database.sql(&format!("select is_used_lock({LOCK})")));
        }
    };
    block_on(fragile(&database.url(), &set(&files)).run(&mut observer)).unwrap_or_else(|error| panic!("{error}"));
    assert!(holders.len() >= 30, "{holders:?}");
    assert!(holders.iter().all(|holder| *holder == holders[0] && holder != "NULL\n"), "{holders:?}");
    assert_eq!(database.sql(&format!("select is_used_lock({LOCK})")), "NULL\n");
}

const ASK: &str = "insert into found select concat_ws('|', @@sql_mode, @@sort_buffer_size, @@foreign_key_checks + 0, \
                   @@time_zone, @@lock_wait_timeout, @@innodb_lock_wait_timeout)";

#[test]
fn settings_hold_for_their_step_alone() {
    let database = Server::shared(FLAVOUR).database();
    let settings = "-- migrate:settings sql_mode=ANSI_QUOTES sort_buffer_size=2M\n\
                    -- migrate:settings foreign_key_checks=0 time_zone=+03:00\n-- migrate:timeout lock=3s\n";
    let set = set(&[
        ("1_found", "create table found (what text)"),
        ("2_with", &format!("{settings}{ASK}")),
        ("3_without", ASK),
        ("4_with", &format!("{settings}analyze table found;\n{ASK};\nanalyze table found;\n{ASK};")),
        ("5_without", &format!("analyze table found;\n{ASK};")),
    ]);
    let before =
        database.sql("select concat_ws('|', @@sql_mode, @@sort_buffer_size, @@foreign_key_checks + 0, @@time_zone)");
    block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{error}"));
    let (with, without) = ("ANSI_QUOTES|2097152|0|+03:00|3|3\n", format!("{}|2|2\n", before.trim()));
    assert_eq!(database.sql("select * from found"), format!("{with}{without}{with}{with}{without}"));
}

#[test]
fn modes_are_added_to_those_of_the_server() {
    let database = Server::shared(FLAVOUR).database();
    let adds = |modes: &str| {
        format!("-- migrate:settings sql_mode=+{modes}\ninsert into found select concat(@@sql_mode, '|', 1 || 0)")
    };
    let set = set(&[
        ("1_found", "create table found (what text)"),
        ("2_pipes", &adds("PIPES_AS_CONCAT")),
        ("3_other", &adds("HIGH_NOT_PRECEDENCE")),
        ("4_without", "insert into found select @@sql_mode"),
    ]);
    let before = database.sql("select @@sql_mode");
    block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{error}"));
    let found = database.sql("select * from found");
    let [pipes, other, without] = found.lines().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert!(pipes.contains("PIPES_AS_CONCAT") && pipes.ends_with("|10"), "{pipes}");
    assert!(
        other.contains("HIGH_NOT_PRECEDENCE") && !other.contains("PIPES_AS_CONCAT") && other.ends_with("|1"),
        "{other}"
    );
    for mode in before.trim().split(',') {
        assert!(pipes.contains(mode) && other.contains(mode), "{mode}: {found}");
    }
    assert_eq!(without, before.trim());
}

#[test]
fn what_a_script_sets_holds_to_its_end_and_where_it_goes_on() {
    let database = Server::shared(FLAVOUR).database();
    let other = Server::shared(FLAVOUR).database();
    let text = |table: &str| {
        format!(
            "/*!40101 SET @old_mode = @@sql_mode, sql_mode = '' */;\nset @n = 7;\nuse {};\nset sort_buffer_size = 3145728;\n\
             create table a (n int);\ncreate table {table} as select concat_ws('|', @@sql_mode, @n, @@sort_buffer_size) as what;\n\
             /*!40101 SET sql_mode = @old_mode */;",
            other.name()
        )
    };
    let broken = text("no_such_database.made");
    let error = block_on(fragile(&database.url(), &set(&[("1_sets", &broken)])).up()).unwrap_err().to_string();
    assert!(error.contains("statement 6 of 7 failed"), "{error}");
    let mended = text("made");
    let files = [("1_sets", mended.as_str()), ("2_after", "create table after (n int);")];
    block_on(fragile(&database.url(), &set(&files)).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(other.sql("select what from made"), "|7|3145728\n");
    assert_eq!(database.sql("show tables"), "after\nmigrate_history\n");
}

#[test]
fn a_setting_that_the_server_refuses_is_told_with_its_name() {
    let database = Server::shared(FLAVOUR).database();
    let set = set(&[("1_a", "-- migrate:settings sql_mode=NO_SUCH_MODE\ncreate table a (n int);")]);
    let error = block_on(fragile(&database.url(), &set).up()).unwrap_err().to_string();
    assert!(error.contains("sql_mode") && error.contains("1_a.sql"), "{error}");
}

/// The caller's own connection.
async fn callers(database: &Database<'_>, found_rows: bool) -> Conn {
    let url = database.url().replacen("mariadb://", "mysql://", 1);
    let opts = OptsBuilder::from_opts(Opts::from_url(&url).unwrap()).client_found_rows(found_rows);
    Conn::new(opts).await.expect("the server is there")
}

#[test]
fn nothing_of_the_callers_session_is_reset() {
    for found_rows in [false, true] {
        let database = Server::shared(FLAVOUR).database();
        let set = set(&[
            ("1_create", "create table a (n int);\nset div_precision_increment = 7;\ninsert into a values (1);"),
            ("2_settings", "-- migrate:settings sort_buffer_size=3M\ninsert into a values (2);\nupdate a set n = n;"),
            ("3_alone", "-- migrate:settings sort_buffer_size=3M\nanalyze table a;\nalter table a add m int;"),
        ]);
        block_on(async {
            let mut conn = callers(&database, found_rows).await;
            conn.query_drop(
                "set sort_buffer_size = 4194304, time_zone = '+01:00', @mine = 7; \
                 create temporary table mine (n int); do get_lock('mine', 0)",
            )
            .await
            .unwrap();
            let mut notices = Vec::new();
            let mut observer = |event: &Event<'_>| {
                if let Event::Noticed { notice, .. } = event {
                    notices.push(notice.message.clone());
                }
            };
            let mut session = MysqlSession::on(&mut conn).await.unwrap();
            let migrator = Migrator::new(backend(&database.url()), set.clone());
            let report = migrator.run_on(&mut session, &mut observer).await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(report.steps.len(), 3);
            drop(session);
            let row: Option<(u64, String, i64, i64, bool, Option<u64>)> = conn
                .query_first(format!(
                    "select @@sort_buffer_size, @@time_zone, @mine, (select count(*) from mine), \
                     is_used_lock('mine') = connection_id(), is_used_lock({LOCK})"
                ))
                .await
                .unwrap();
            assert_eq!(row, Some((4_194_304, "+01:00".to_owned(), 7, 0, true, None)));
            assert_eq!(
                notices,
                ["a script set div_precision_increment to '7' for the rest of the session, which is not ours"]
            );
            conn.disconnect().await.unwrap();
        });
        assert_eq!(database.sql("select state, count(*) from migrate_history group by state"), "done\t3\n");
    }
}

#[test]
fn the_callers_variables_are_put_back_behind_a_failure() {
    let database = Server::shared(FLAVOUR).database();
    for broken in
        ["create table a (n int);\ndrop table nosuch;", "insert into nosuch values (1);", "analyze table nosuch;"]
    {
        let set = set(&[("1_broken", broken)]);
        block_on(async {
            let mut conn = callers(&database, true).await;
            let before: Option<(u64, u64)> =
                conn.query_first("select @@lock_wait_timeout, @@innodb_lock_wait_timeout").await.unwrap();
            let mut session = MysqlSession::on(&mut conn).await.unwrap();
            let migrator = Migrator::new(backend(&database.url()), set.clone());
            let error = migrator.run_on(&mut session, &mut ()).await.unwrap_err();
            assert!(error.to_string().contains("nosuch"), "{error}");
            drop(session);
            let after: Option<(u64, u64)> =
                conn.query_first("select @@lock_wait_timeout, @@innodb_lock_wait_timeout").await.unwrap();
            assert_eq!(after, before, "{broken}");
            conn.disconnect().await.unwrap();
        });
        database.sql("drop table if exists a, migrate_history");
    }
}

#[test]
fn a_callers_open_transaction_is_refused() {
    let database = Server::shared(FLAVOUR).database();
    database.sql("create table a (n int)");
    block_on(async {
        let mut conn = callers(&database, false).await;
        for open in ["start transaction", "set autocommit = 0; insert into a values (1)"] {
            conn.query_drop(open).await.unwrap();
            let error = MysqlSession::on(&mut conn).await.map(drop).unwrap_err();
            assert!(error.message.contains("a transaction is open"), "{error}");
            conn.query_drop("rollback").await.unwrap();
        }
        conn.query_drop("set autocommit = 1").await.unwrap();
        MysqlSession::on(&mut conn).await.map(drop).unwrap();
        conn.disconnect().await.unwrap();
    });
}

#[test]
fn the_callers_connection_may_commit_nothing_by_itself() {
    let database = Server::shared(FLAVOUR).database();
    let set = set(&[
        ("1_create", "create table a (n int);\ninsert into a values (1);\nanalyze table a;"),
        ("2_more", "insert into a values (2);"),
    ]);
    block_on(async {
        let mut conn = callers(&database, false).await;
        conn.query_drop("set autocommit = 0").await.unwrap();
        let mut session = MysqlSession::on(&mut conn).await.unwrap();
        let migrator = Migrator::new(backend(&database.url()), set.clone());
        migrator.run_on(&mut session, &mut ()).await.unwrap_or_else(|error| panic!("{error}"));
        drop(session);
        let commits: Option<i64> = conn.query_first("select @@autocommit").await.unwrap();
        assert_eq!(commits, Some(0));
        conn.disconnect().await.unwrap();
    });
    assert_eq!(database.sql("select group_concat(state), max(`cursor`) from migrate_history"), "done,done\t3\n");
    assert_eq!(database.sql("select count(*) from a"), "2\n");
}

#[test]
fn a_statement_that_takes_too_long_is_named() {
    let endless = endless();
    for slow in [&format!("create table b as {endless}"), &format!("insert into a {endless}"), "call p()"] {
        let database = Server::shared(FLAVOUR).database();
        let text = format!("create table a (n int);\ncreate procedure p() begin {endless}; end;\n{slow};\n");
        let set = set(&[("1_slow", text.as_str())]);
        let mut options = RunOptions::default();
        options.statement_timeout = Duration::from_millis(300);
        let migrator = Migrator::new(backend(&database.url()), set).options(options);
        let error = block_on(migrator.up()).unwrap_err().to_string();
        let said = ["took longer than it may", "max_statement_time exceeded"].iter().any(|said| error.contains(said));
        assert!(error.contains("1_slow.sql:3:1") && said, "{slow}: {error}");
        // What was stopped may have been carried out all the same, but for what is in a transaction with its row.
        let advice = if slow.starts_with("insert") { "--statement-timeout" } else { "run `migrate up` again" };
        assert!(error.contains(advice), "{slow}: {error}");
        assert_eq!(database.sql("select `cursor` from migrate_history"), "2\n", "{slow}");
        let End::All = block_on(async {
            let mut session = backend(&database.url()).connect().await.unwrap();
            session.perform(&TableName::default(), &[Effect::Set(&Settings::default())], &mut ()).await.end
        }) else {
            panic!("the next session works")
        };
    }
}

#[test]
fn a_row_that_cannot_be_written_takes_nothing_of_the_step_before_it_along() {
    for (before, tables, rows) in [
        ("create table b (n int);", "a,b,migrate_history\n", "0\n"),
        ("insert into a values (1);", "a,migrate_history\n", "1\n"),
    ] {
        refused_behind(before, tables, rows);
    }
}

/// What is there after a step whose row is refused behind one that does `before`: tables, and how many rows in one.
fn refused_behind(before: &str, tables: &str, rows: &str) {
    let database = Server::shared(FLAVOUR).database();
    let migrator = |files: &[(&str, &str)]| Migrator::new(backend(&database.url()), set(files));
    let files = [
        ("1_a", "create table a (n int);"),
        ("2_b", before),
        ("3_refused", "create table c (n int);"),
        ("4_d", "create table d (n int);"),
    ];
    block_on(migrator(&files[..1]).up()).unwrap();
    database.sql(
        "delimiter //\ncreate trigger refuses before insert on migrate_history for each row \
         if new.name = 'refused' then signal sqlstate '45000' set message_text = 'not this one'; end if //",
    );
    let error = block_on(migrator(&files).up()).unwrap_err().to_string();
    assert!(error.contains("3 refused: its row in the history cannot be written: not this one"), "{error}");
    assert_eq!(database.sql("select version, state from migrate_history order by seq"), "1\tdone\n2\tdone\n");
    assert_eq!(
        database.sql(
            "select group_concat(table_name order by 1) from information_schema.tables where table_schema = database()"
        ),
        tables
    );
    assert_eq!(database.sql("select count(*) from a"), rows);
    database.sql("drop trigger refuses");
    let report = block_on(migrator(&files).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.steps.len(), 2);
    let rows = database.sql("select version, state from migrate_history order by seq");
    assert_eq!(rows, "1\tdone\n2\tdone\n3\tdone\n4\tdone\n");
}

/// What KILL does to a query of the catalog: it answers NULL, and the statement around it goes on.
#[test]
fn a_statement_whose_objects_cannot_be_read_is_not_announced() {
    let database = Server::shared(FLAVOUR).database();
    let (table, nothing) = (TableName::default(), Some("SELECT NULL".to_owned()));
    let row =
        |seq: u64, asked| NewEntry { entry: entry(seq, &seq.to_string()), script: None, down_script: None, asked };
    let (unread, read) = (row(1, nothing), row(1, Some("CONCAT('f2:', 1)".to_owned())));
    block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        session.ensure_history(&table).await.unwrap();
        let performed = session.perform(&table, &[Effect::Append(&unread)], &mut ()).await;
        let End::Refused { error, .. } = performed.end else { panic!("{performed:?}") };
        assert_eq!(error.fault, Fault::Cancelled, "{error}");
        assert!(session.load(&table).await.unwrap().is_empty());
        assert_eq!(session.perform(&table, &[Effect::Append(&read)], &mut ()).await.end, End::All);
        assert_eq!(session.load(&table).await.unwrap()[0].note.as_deref(), Some("f2:1"));
    });
}
