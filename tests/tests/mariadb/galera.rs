//! A cluster whose nodes know nothing of each other's locks: the lock is a lease, and a row has one winner.
//!
//! There is one cluster for all of it, and one test at a time has it. `MIGRATE_TEST_LONG` is what it takes.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use migrate_tests::servers::mysql::{Database, Galera};
use migrate_tests::servers::wait_for;
use migrate_tests::{Project, Random, Transcript, program};

/// A set of files that leaves in `ran` what ran.
const FILES: &[(&str, &str)] = &[
    ("01_create", "create table ran (what varchar(20) not null primary key);\ninsert into ran values ('1');"),
    ("02_table", "create table a (n int not null auto_increment primary key, t varchar(20) not null default 'x');"),
    ("03_rows", "insert into a (n) select seq from seq_1_to_500;\ninsert into ran values ('3');"),
    ("04_column", "alter table a add column m int not null default 0;\ninsert into ran values ('4');"),
    ("05_update", "update a set m = m + n;\ninsert into ran values ('5');"),
    (
        "06_procedure",
        "create procedure p(in c varchar(20))\nbegin\n  update a set m = m + 1;\n  insert into ran values (c);\nend;",
    ),
    ("07_call", "call p('7');"),
    ("08_trigger", "create trigger a_t before insert on a for each row set new.t = 'triggered';"),
    ("09_index", "create index a_m on a (m);\ninsert into a (n, m) values (1000, 1);\ninsert into ran values ('9');"),
    ("10_view", "create view v as select n, m from a;"),
    ("11_rename", "create table b like a;\nrename table b to c;\ninsert into ran values ('11');"),
    ("12_drop", "drop table c;\nalter table a drop column t, add column u int;"),
    ("13_last", "delete from a where n > 490 and n < 1000;\ninsert into ran values ('13');"),
];

/// The cluster, for one test at a time; `None` where there is no time for it.
fn cluster() -> MutexGuard<'static, Galera> {
    static CLUSTER: OnceLock<Mutex<Galera>> = OnceLock::new();
    program();
    CLUSTER.get_or_init(|| Mutex::new(Galera::start())).lock().unwrap_or_else(PoisonError::into_inner)
}

/// A database that is there on all nodes.
fn database(cluster: &Galera) -> Database<'_> {
    let database = cluster.node(0).database();
    for node in cluster.nodes() {
        wait_for("the database is everywhere", || node.feed(database.name(), "select 1").ok());
    }
    database
}

fn project(files: &[(&str, &str)]) -> Project {
    files.iter().fold(Project::new(), |project, (name, text)| project.file(&format!("migrations/{name}.sql"), text))
}

fn words(command: &str, cluster: &Galera, node: usize, database: &Database<'_>) -> String {
    format!("{command} -d {} --dir migrations", cluster.node(node).url(database.name()))
}

/// What is in the database on a node, once it has caught up.
fn contents(cluster: &Galera, node: usize, database: &Database<'_>) -> String {
    on(cluster, node, database, "select 1");
    database.contents_on(cluster.node(node))
}

/// Asks a node for what the cluster knows.
fn on(cluster: &Galera, node: usize, database: &Database<'_>, sql: &str) -> String {
    cluster.node(node).sql(database.name(), &format!("set wsrep_sync_wait = 15; {sql}"))
}

/// Complete, equal on all nodes that live, and each migration there once.
fn assert_whole(cluster: &Galera, nodes: &[usize], database: &Database<'_>, project: &Project, context: &str) {
    let twice = "select version, count(*) from migrate_history where action = 'up' and state = 'done' \
                 group by version having count(*) <> 1";
    let open = "select version, state from migrate_history where state not in ('done', 'interrupted', 'failed')";
    let first = contents(cluster, nodes[0], database);
    for node in nodes {
        assert_eq!(contents(cluster, *node, database), first, "{context}: node {node} differs from {}", nodes[0]);
        assert_eq!(on(cluster, *node, database, twice), "", "{context}: applied more than once");
        assert_eq!(on(cluster, *node, database, open), "", "{context}: not finished");
        let check = project.migrate(&words("check", cluster, *node, database));
        assert_eq!(check.code, Some(0), "{context}\n{check}");
    }
}

fn start_all(cluster: &Galera, database: &Database<'_>, project: &Project) -> Vec<Transcript> {
    let words: Vec<String> = (0..3).map(|node| words("up", cluster, node, database)).collect();
    let children: Vec<Child> = words.iter().map(|words| project.start(words)).collect();
    words.iter().zip(children).map(|(words, child)| project.end(words, child)).collect()
}

#[test]
fn a_run_on_each_node_at_once_applies_each_migration_once_and_nobody_fails() {
    let cluster = cluster();
    let project = project(FILES);
    let alone = database(&cluster);
    let transcript = project.migrate(&words("up", &cluster, 1, &alone));
    assert_eq!(transcript.code, Some(0), "{transcript}");
    let expected = contents(&cluster, 0, &alone);
    assert!(expected.contains("\nran\t13\n") && expected.contains("trigger\ta_t"), "{expected}");
    for round in 1..=8 {
        let database = database(&cluster);
        for transcript in start_all(&cluster, &database, &project) {
            assert_eq!(transcript.code, Some(0), "round {round}\n{transcript}");
        }
        assert_whole(&cluster, &[0, 1, 2], &database, &project, &format!("round {round}"));
        assert_eq!(contents(&cluster, 2, &database), expected, "round {round}");
    }
}

/// A statement that takes some seconds on the node where it runs, and is journalled.
const SLOW: &str = "create table slow (n int primary key) as select sleep(4) as n;";

/// Migrations behind a slow one, of which some cannot travel with others.
const BEHIND: &[(&str, &str)] = &[
    ("1_create", "create table ran (what varchar(20) not null primary key);\ninsert into ran values ('1');"),
    ("2_slow", SLOW),
    ("3_row", "-- migrate:precondition \"always\" select 1\ninsert into ran values ('3');"),
    (
        "4_table",
        "-- migrate:precondition \"always\" select 1\ncreate table a (n int primary key);\ninsert into ran values ('4');",
    ),
    ("5_last", "alter table a add m int;\ninsert into ran values ('5');"),
];

/// Migrations of which the second takes its time on every node: it evaluates something for each row. Everything else in
/// the cluster waits for it.
fn long(rows: u32) -> Project {
    let rows =
        format!("with recursive r as (select 1 as i union all select i + 1 from r where i < {rows}) select i from r");
    project(&[
        ("1_create", &format!("create table a (n int primary key);\ninsert into a {rows};")),
        ("2_long", "alter table a add m bigint default (crc32(sha2(repeat(md5(n), 120000), 256)));"),
        ("3_rest", "create table b (n int primary key);\ninsert into b values (1);"),
    ])
}

/// Waits until a statement that begins with `what` runs on a node.
fn runs(cluster: &Galera, node: usize, what: &str) {
    let sql =
        format!("select count(*) from information_schema.processlist where command = 'Query' and info like '{what}%'");
    wait_for(what, || (cluster.node(node).sql("", &sql) == "1\n").then_some(()));
}

/// As if the time of the lease had passed. Whoever wants it still has to see that nothing happens to it.
fn run_out(cluster: &Galera, node: usize, database: &Database<'_>) {
    let late =
        "update migrate_history_lock set expires_at = utc_timestamp(6) - interval 1 second where owner is not null";
    // Somebody may write to it at the same time.
    wait_for("the lease runs out", || cluster.node(node).feed(database.name(), late).ok());
}

fn signal(name: &str, child: &Child) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
}

#[test]
fn a_run_on_another_node_goes_on_after_a_killed_one_and_nothing_runs_twice() {
    let cluster = cluster();
    let project = project(FILES);
    let alone = database(&cluster);
    let began = Instant::now();
    assert_eq!(project.migrate(&words("up", &cluster, 0, &alone)).code, Some(0));
    let takes = began.elapsed();
    let expected = contents(&cluster, 0, &alone);
    let mut random = Random::seeded();
    for round in 1..=6 {
        let database = database(&cluster);
        let words_of_first = words("up", &cluster, 0, &database);
        let mut first = project.start(&words_of_first);
        thread::sleep(random.up_to(takes));
        first.kill().expect("a child can be killed");
        project.end(&words_of_first, first);
        if !database.sql("show tables like 'migrate_history_lock'").is_empty() {
            run_out(&cluster, 0, &database);
        }
        let next = project.migrate(&words("up", &cluster, 1, &database));
        assert_eq!(next.code, Some(0), "round {round}\n{next}");
        assert_whole(&cluster, &[0, 1, 2], &database, &project, &format!("round {round}"));
        assert_eq!(contents(&cluster, 2, &database), expected, "round {round}");
    }
}

#[test]
fn a_run_that_wakes_after_its_lease_was_taken_writes_nothing_and_ends_well() {
    let cluster = cluster();
    let project = project(BEHIND);
    let database = database(&cluster);
    let (up, other) = (words("up", &cluster, 0, &database), words("up", &cluster, 1, &database));
    let sleeper = project.start(&up);
    runs(&cluster, 0, "create table slow");
    signal("STOP", &sleeper);
    // What was sent is carried out to its end.
    wait_for("the orphan writes its row", || {
        let rows =
            on(&cluster, 1, &database, "select count(*) from migrate_history where version = '2' and state = 'done'");
        (rows == "1\n").then_some(())
    });
    run_out(&cluster, 1, &database);
    let next = project.migrate(&other);
    assert_eq!(next.code, Some(0), "{next}");
    let history = "select seq, version, state, run_id from migrate_history order by seq";
    let before = on(&cluster, 2, &database, history);
    signal("CONT", &sleeper);
    let woken = project.end(&up, sleeper);
    assert_eq!(woken.code, Some(0), "{woken}");
    assert_eq!(on(&cluster, 2, &database, history), before, "the sleeper wrote something\n{woken}");
    assert_whole(&cluster, &[0, 1, 2], &database, &project, "woken");
    assert_eq!(on(&cluster, 2, &database, "select group_concat(what) from ran"), "1,3,4,5\n");
}

#[test]
fn a_run_on_another_node_goes_on_when_the_node_of_the_first_dies() {
    let cluster = cluster();
    let project = long(500);
    let database = database(&cluster);
    let up = words("up", &cluster, 1, &database);
    let mut first = project.start(&up);
    runs(&cluster, 1, "alter table a");
    cluster.node(1).kill9();
    let next = project.migrate(&words("up", &cluster, 2, &database));
    assert_eq!(next.code, Some(0), "{next}");
    first.kill().expect("a child can be killed");
    project.end(&up, first);
    assert_whole(&cluster, &[0, 2], &database, &project, "without the node");
    cluster.restart(1);
    assert_whole(&cluster, &[0, 1, 2], &database, &project, "with the node again");
    // The others were told to carry it out before it died.
    let rows = "select group_concat(state order by seq), count(settled_by) from migrate_history where version = '2'";
    assert_eq!(on(&cluster, 1, &database, rows), "interrupted,done\t1\n");
}

#[test]
fn a_lease_is_made_when_there_is_something_to_do_and_who_waits_is_told_who_has_it() {
    let cluster = cluster();
    let project = project(BEHIND);
    let database = database(&cluster);
    let leases = |node| on(&cluster, node, &database, "show tables like 'migrate_history_lock'");
    for command in ["status", "check", "plan"] {
        project.migrate(&words(command, &cluster, 2, &database));
    }
    assert_eq!(database.sql("show tables"), "", "looking wrote something");
    let up = words("up", &cluster, 0, &database);
    let first = project.start(&up);
    runs(&cluster, 0, "create table slow");
    let waits = words("up", &cluster, 1, &database);
    let waiting = project.start(&waits);
    let looked = Instant::now();
    let status = project.migrate(&words("status", &cluster, 2, &database));
    assert!(status.stdout.contains("slow") && looked.elapsed() < Duration::from_secs(3), "{status}");
    let waited = project.end(&waits, waiting);
    assert_eq!(waited.code, Some(0), "{waited}");
    let screen = format!("{waited}");
    assert!(screen.contains("waiting") && screen.contains("slow"), "{screen}");
    assert_eq!(project.end(&up, first).code, Some(0));
    assert_ne!(leases(2), "");
    database.sql("drop table migrate_history_lock");
    assert_eq!(project.migrate(&words("up", &cluster, 2, &database)).code, Some(0));
    assert_eq!(leases(2), "", "there was nothing to do");
    assert_whole(&cluster, &[0, 1, 2], &database, &project, "waited");
}

#[test]
fn what_others_commit_is_seen_in_every_migration() {
    let cluster = cluster();
    let waits = "insert into ran values (concat('1', @@wsrep_sync_wait));";
    let project = project(&[
        ("1_create", &format!("create table ran (what varchar(20) not null primary key);\n{waits}")),
        ("2_set", "set wsrep_sync_wait = 0;\ninsert into ran values (concat('2', @@wsrep_sync_wait));"),
        ("3_after", "insert into ran values (concat('3', @@wsrep_sync_wait));"),
    ]);
    let database = database(&cluster);
    let transcript = project.migrate(&words("up", &cluster, 1, &database));
    assert_eq!(transcript.code, Some(0), "{transcript}");
    assert_eq!(on(&cluster, 0, &database, "select group_concat(what) from ran"), "115,20,315\n");
}

#[test]
fn a_definition_that_takes_longer_than_the_lease_costs_nobody_anything() {
    let cluster = cluster();
    let project = long(1000);
    let database = database(&cluster);
    // Otherwise it is half a minute.
    let brief = |time: &str| {
        for node in cluster.nodes() {
            node.sql("", &format!("set global wsrep_provider_options = 'repl.causal_read_timeout={time}'"));
        }
    };
    brief("PT3S");
    let up: Vec<String> = (0..2).map(|node| words("up", &cluster, node, &database)).collect();
    let first = project.start(&up[0]);
    runs(&cluster, 0, "alter table a");
    let second = project.start(&up[1]);
    let status = project.migrate(&words("status", &cluster, 2, &database));
    let ends: Vec<_> = up.iter().zip([first, second]).map(|(up, child)| project.end(up, child)).collect();
    brief("PT30S");
    assert!(status.stdout.contains("long") && status.stderr.is_empty(), "{status}");
    for end in &ends {
        assert_eq!(end.code, Some(0), "{end}");
    }
    let runs = on(&cluster, 2, &database, "select count(distinct run_id), count(*) from migrate_history");
    assert_eq!(runs, "1\t3\n", "the lease went to another while its holder worked\n{}\n{}", ends[0], ends[1]);
    assert_whole(&cluster, &[0, 1, 2], &database, &project, "long");
}

/// Takes a node away from the others, or gives it back to them.
fn isolate(cluster: &Galera, node: usize, isolated: bool) {
    let option = format!("gmcast.isolate={}", u8::from(isolated));
    cluster.node(node).sql("", &format!("set global wsrep_provider_options = '{option}'"));
    let state = if isolated { "OFF" } else { "ON" };
    wait_for(state, || {
        let ready = cluster.node(node).sql("", "show status like 'wsrep_ready'");
        ready.contains(&format!("\t{state}")).then_some(())
    });
}

#[test]
fn a_node_that_is_alone_is_waited_for() {
    let cluster = cluster();
    let project = project(BEHIND);
    let database = database(&cluster);
    let up = words("up", &cluster, 2, &database);
    isolate(&cluster, 2, true);
    let run = project.start(&up);
    thread::sleep(Duration::from_secs(1));
    isolate(&cluster, 2, false);
    // It is alone again while it works.
    runs(&cluster, 2, "create table slow");
    isolate(&cluster, 2, true);
    thread::sleep(Duration::from_secs(1));
    isolate(&cluster, 2, false);
    let transcript = project.end(&up, run);
    assert_eq!(transcript.code, Some(0), "{transcript}");
    assert_whole(&cluster, &[0, 1, 2], &database, &project, "together again");
    assert_eq!(on(&cluster, 1, &database, "select group_concat(what) from ran"), "1,3,4,5\n");
}
