//! A cluster whose nodes know nothing of each other's locks: the lock is a lease, and a row has one winner.
//!
//! There is one cluster for all of it, and one test at a time has it. `MIGRATE_TEST_LONG` is what it takes.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use migrate_tests::servers::mysql::{Database, Galera};
use migrate_tests::servers::wait_for;
use migrate_tests::{Project, Transcript, program};

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
fn cluster() -> Option<MutexGuard<'static, Galera>> {
    static CLUSTER: OnceLock<Mutex<Galera>> = OnceLock::new();
    if !Galera::is_wanted() {
        return None;
    }
    program();
    Some(CLUSTER.get_or_init(|| Mutex::new(Galera::start())).lock().unwrap_or_else(PoisonError::into_inner))
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
    let Some(cluster) = cluster() else { return };
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
