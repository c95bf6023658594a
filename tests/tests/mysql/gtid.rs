//! Definitions under identifiers that are chosen beforehand: what became of them is what the replication history says,
//! whatever can be seen of them, and that history has no hole.

use std::thread;
use std::time::Duration;

use migrate_core::{MigrationSet, Migrator, RunOptions};
use migrate_tests::servers::mysql::{Client, Database, Options};
use migrate_tests::servers::{MySql as Server, wait_for};

use super::FLAVOUR;
use super::support::{assert_whole, backend, block_on, fragile, history, set};

fn explicit(database: &Database<'_>) -> String {
    format!("{}?gtid=explicit", database.url())
}

/// The identifiers that are no server's: a history's UUID has version 8.
fn ours(server: &Server) -> Vec<String> {
    let all = server.sql("", "select replace(replace(@@global.gtid_executed, '\\n', ''), ' ', '')");
    all.trim().replace("\\n", "").split(',').filter(|set| set.get(14..15) == Some("8")).map(str::to_owned).collect()
}

/// How a set of identifiers ends whose UUID had none before.
fn new(server: &Server, before: &[String]) -> Vec<String> {
    let new = ours(server).into_iter().filter(|set| !before.iter().any(|old| old[..36] == set[..36]));
    new.map(|set| set[36..].to_owned()).collect()
}

#[test]
fn definitions_take_one_number_each_and_leave_no_hole_behind_what_failed() {
    for log in ["--log-bin", "--skip-log-bin"] {
        let server =
            &Server::start(FLAVOUR, Options { relaxed: true, arguments: vec![log.into()], ..Options::default() });
        assert_eq!(server.sql("", "select @@log_bin") == "1\n", log == "--log-bin");
        let before = ours(server);
        let database = server.database();
        let files = |last: &'static str| {
            set(&[
                (
                    "1_create",
                    "create table ran (what text not null);\ncreate table a (n int primary key);\ninsert into ran values ('1');",
                ),
                ("2_more", "alter table a add m int;\ncreate trigger g before insert on a for each row set new.m = 1;"),
                ("3_none", "create table if not exists a (n int);\nalter table a comment '';\ndrop trigger g;"),
                (
                    "4_call",
                    "create procedure p() begin create table b (n int); insert into ran values ('p'); commit; end;\ncall p();",
                ),
                ("5_last", last),
            ])
        };
        let broken = files("alter table a add k int;\nalter table a add nonsense;\ncreate view v as select n from a;");
        block_on(fragile(&explicit(&database), &broken).up()).expect_err("it is broken");
        let mended = files("alter table a add k int;\nalter table a add l int;\ncreate view v as select n from a;");
        block_on(fragile(&explicit(&database), &mended).up()).unwrap_or_else(|error| panic!("{error:#?}"));
        // Two tables, two for the second, one that changes nothing, the procedure, three at last.
        assert_eq!(new(server, &before), [":1-9"], "{}", history(&database));
        assert_whole(&database, &mended, &database.contents(), "explicit");
        // What follows has the server's own.
        let check = block_on(fragile(&database.url(), &mended).check()).expect("nothing is different");
        assert!(check.is_current(), "{check:?}");
    }
}

#[test]
fn who_may_not_choose_identifiers_is_told_before_anything_runs() {
    let server = Server::shared(FLAVOUR);
    let database = server.database();
    let name = database.name();
    server.sql("", &format!("create user {name} identified by 'p'; grant all on {name}.* to {name}"));
    let url = format!("mysql://{name}:p@{}/{name}", server.address());
    let set = set(&[("1_create", "create table a (n int);")]);
    let error = block_on(fragile(&format!("{url}?gtid=explicit"), &set).up()).expect_err("it may not");
    let said = error.to_string();
    assert!(said.contains("gtid=explicit") && said.contains("SESSION_VARIABLES_ADMIN"), "{said}");
    assert_eq!(database.sql("show tables"), "");
    block_on(fragile(&url, &set).up()).unwrap_or_else(|error| panic!("{error}"));
    server.sql("", &format!("drop user {name}"));
}

/// What is made before a statement that is stopped.
const BEFORE: &str = "create table ran (what text not null);\n\
    create table a (n int primary key, m int, key a_m (m)) comment 'x';\ncreate table b like a;\n\
    insert into a values (1, 1);\ninsert into ran values ('1');";

/// What cannot be seen, or could be by others' work as well, and what stores its text.
const STATEMENTS: &[&str] = &[
    "alter table a add c int",
    "alter table a comment 'x', alter column m drop default",
    "rename table a to t, b to a, t to b",
    "truncate table a",
    "create index a_mm on a (m, n)",
    "create trigger g before insert on a for each row set new.m = 1",
];

fn with(statement: &str) -> MigrationSet {
    set(&[
        ("1_create", BEFORE),
        ("2_stopped", &format!("insert into ran values ('2a');\n{statement};\ninsert into ran values ('2b');")),
        ("3_last", "insert into ran values ('3');"),
    ])
}

/// The session that waits, which runs a statement that begins like this.
fn waits(watcher: &mut Client, database: &Database<'_>, state: &str) -> u64 {
    let sql = format!(
        "select id from performance_schema.processlist where db = '{}' and {state} and id <> connection_id()",
        database.name()
    );
    wait_for(state, || watcher.run(&sql).lines().last()?.trim().parse().ok())
}

/// Stopped by an administrator before the statement, or between it and its row.
fn stopped(statement: &str, behind: bool) {
    let context = format!("{statement}, behind: {behind}");
    let server = Server::shared(FLAVOUR);
    let set = with(statement);
    let undisturbed = server.database();
    block_on(fragile(&explicit(&undisturbed), &set).up()).unwrap_or_else(|error| panic!("{context}: {error:#?}"));
    let expected = undisturbed.contents();
    let before = ours(server);
    let database = server.database();
    let first = MigrationSet::new("main", vec![set.iter().next().expect("a migration").clone()]).expect("one");
    block_on(fragile(&explicit(&database), &first).up()).unwrap_or_else(|error| panic!("{context}: {error:#?}"));
    let url = explicit(&database);
    thread::scope(|scope| {
        let mut holder = database.client();
        let mut blocker = database.client();
        let mut watcher = Client::connect(server, &server.address(), "mysql");
        holder.run("begin; select count(*) from a for update; select count(*) from b");
        let run = scope.spawn(|| {
            let mut options = RunOptions::default();
            options.lock_timeout = Duration::from_secs(50);
            options.reconnect_for = Duration::ZERO;
            block_on(Migrator::new(backend(&url), set.clone()).options(options).up()).map(drop)
        });
        let id = waits(&mut watcher, &database, "state like 'Waiting for table metadata lock%'");
        if behind {
            blocker.run("begin; select seq from migrate_history for update");
            holder.run("rollback");
            // The row of the statement is not written.
            let writes = "state = 'updating' and info like '%migrate_history%'";
            assert_eq!(waits(&mut watcher, &database, writes), id, "{context}");
        }
        server.kill_session(id);
        let gone = format!("select count(*) from performance_schema.processlist where id = {id}");
        holder.run("rollback");
        wait_for("the session ends", || (watcher.run(&gone).trim() == "0").then_some(()));
        blocker.run("rollback");
        run.join().expect("it does not panic").expect_err("its session was ended");
    });
    block_on(fragile(&url, &set).up()).unwrap_or_else(|error| panic!("{context}: {error:#?}\n{}", history(&database)));
    assert_whole(&database, &set, &expected, &context);
    let settled = database.sql("select settled_by from migrate_history where settled_by is not null");
    let said = if behind { "was executed" } else { "was not executed" };
    assert!(settled.starts_with("gtid: ") && settled.contains(said), "{context}: {settled}\n{}", history(&database));
    assert_eq!(new(server, &before), [":1-4"], "{context}: {}", history(&database));
}

#[test]
fn what_is_stopped_before_its_row_is_settled_by_the_replication_history() {
    for statement in STATEMENTS {
        for behind in [false, true] {
            stopped(statement, behind);
        }
    }
}
