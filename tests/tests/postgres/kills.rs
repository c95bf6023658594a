//! Processes killed at any moment: the client, the one of the server that works for it, the whole server. The next run
//! completes; nothing runs twice, nothing is lost, and nobody is asked.

use std::time::{Duration, Instant};

use migrate_core::Migrator;
use migrate_tests::project::Files;
use migrate_tests::servers::{Database, Options, Postgres as Server};
use migrate_tests::{Project, Random, crashes, program};

use super::support::{assert_whole, backend, block_on, set};

/// Transactions, and what cannot be in one, with enough rows that a moment may fall into the middle.
const FILES: Files<'_> = &[
    (
        "01_create",
        "create table ran (what text not null);\ncreate table a (n integer, m integer);\n\
         create index a_old on a (n, m);\ninsert into a select i, i from generate_series(1, 20000) as i;\n\
         insert into ran values ('1');",
    ),
    ("02_small", "alter table a add column t text;\ninsert into ran values ('2');"),
    ("03_small", "create table b (n integer primary key);\ninsert into ran values ('3');"),
    ("04_build", "create index concurrently a_n on a (n);"),
    (
        "05_between",
        "insert into ran values ('5a');\ncreate unique index concurrently a_m on a (m);\ninsert into ran values ('5b');",
    ),
    ("06_drop", "drop index concurrently a_old;\nreindex index concurrently a_n;\ninsert into ran values ('6');"),
    ("07_vacuum", "delete from a where n > 15000;\nvacuum a;\ninsert into ran values ('7');"),
    (
        "08_outside",
        "-- migrate:no-transaction\ninsert into ran values ('8a');\ncreate table outside (n integer);\n\
         copy outside from stdin;\n1\n2\n\\.\ninsert into ran values ('8b');",
    ),
    ("09_small", "insert into b values (1);\ninsert into ran values ('9');"),
    ("10_last", "insert into ran values ('10');"),
];

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Client,
    Backend,
    Server,
}

fn up(database: &Database<'_>) -> String {
    format!("up -d {} --dir migrations", database.url())
}

/// What an undisturbed run leaves, and how long it takes.
fn undisturbed(server: &Server, project: &Project) -> (String, Duration) {
    program();
    let database = server.database();
    let begin = Instant::now();
    project.migrate(&up(&database)).exits(0);
    let elapsed = begin.elapsed();
    let contents = database.contents();
    assert!(contents.contains("public.ran (10)\n"), "the set did nothing:\n{contents}");
    (contents, elapsed)
}

/// One run with a kill; whether it fell into the middle of it.
fn kill(victim: Victim, server: &Server, project: &Project, database: &Database<'_>, moment: Duration) -> bool {
    let words = up(database);
    let mut child = project.start(&words);
    // The moment is the subject: there is no condition to wait for.
    std::thread::sleep(moment);
    let hit = match victim {
        Victim::Client => {
            child.kill().expect("a child can be killed");
            true
        }
        Victim::Backend => {
            let pids = database.backend_pids();
            for pid in &pids {
                server.sigkill_backend(*pid);
            }
            server.wait_until_ready();
            !pids.is_empty()
        }
        Victim::Server => {
            let working = !database.backend_pids().is_empty();
            server.kill9();
            server.restart();
            working
        }
    };
    let transcript = project.end(&words, child);
    match victim {
        Victim::Client => transcript.code.is_none(),
        // It connects again by itself; only who had no connection yet gives up.
        Victim::Backend | Victim::Server => {
            let gave_up = transcript.stderr.starts_with("error[M0401]");
            assert!(transcript.code == Some(0) || gave_up, "{moment:?}\n{transcript}");
            hit
        }
    }
}

#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn killed(victim: Victim, server: &Server, rounds: usize) {
    let mut random = Random::seeded();
    let project = Project::with(FILES);
    let (expected, elapsed) = undisturbed(server, &project);
    let mut half_way = 0;
    for round in 1..=rounds {
        let database = server.database();
        let mut moments = Vec::new();
        for _ in 0..=random.below(2) {
            let moment = random.up_to(elapsed);
            moments.push((moment, kill(victim, server, &project, &database, moment)));
        }
        let context = format!("{victim:?} {round}, after {moments:?}");
        println!("{context}");
        let next = block_on(Migrator::new(backend(&database.url()), set(FILES)).up());
        if let Err(error) = next {
            panic!("{context}: {error:#?}\n{}", database.psql("select * from migrate_history order by seq"));
        }
        assert_whole(&database, &set(FILES), &expected, &context);
        half_way += usize::from(moments.iter().any(|(_, hit)| *hit));
    }
    println!("{half_way} of {rounds} were hit");
    assert!(half_way > 0 || rounds < 5, "nobody was ever hit: this tests nothing");
}

#[test]
fn after_kill_9_of_the_client_the_next_run_completes() {
    killed(Victim::Client, Server::shared(), crashes());
}

#[test]
fn after_kill_9_of_its_server_process_the_run_completes() {
    let server = Server::start(Options::default());
    killed(Victim::Backend, &server, crashes().div_ceil(2));
}

#[test]
fn after_kill_9_of_the_whole_server_the_run_completes() {
    let server = Server::start(Options::default());
    killed(Victim::Server, &server, crashes().div_ceil(2));
}
