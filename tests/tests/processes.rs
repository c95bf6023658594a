//! Several runs at once, and runs that are killed.
//!
//! Every migration leaves a row in `ran`, which has no key: one that runs twice, or half, is seen in the contents.

use std::process::Child;
use std::time::{Duration, Instant};

use migrate_tests::{Project, Random, Transcript};

const UP: &str = "up -d sqlite:app.db --create-db --dir migrations";
const CHECK: &str = "check -d sqlite:app.db --dir migrations";

/// Thirty small migrations, each one transaction.
fn everyday() -> Project {
    let project = Project::new().file(
        "migrations/001_create_ran.sql",
        "create table ran (what text not null);\ninsert into ran values ('001');\n",
    );
    (2..=30).fold(project, |project, number| {
        project.file(
            &format!("migrations/{number:03}_add_table.sql"),
            format!(
                "create table t{number} (id integer primary key, name text not null default 'x;y');\n\
                 create index t{number}_by_name on t{number} (name);\n\
                 insert into t{number} (name) values ('a'), ('b'), ('c');\n\
                 insert into ran values ('{number:03}');\n"
            ),
        )
    })
}

/// Statements that SQLite refuses in a transaction, files outside one, and a batch: all of it journalled.
fn journalled() -> Project {
    Project::new()
        .file(
            "migrations/1_create_events.sql",
            "create table ran (what text not null);
             create table events (id integer primary key, seen integer not null default 0, payload text not null);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
             insert into events (id, payload) select i * 2, printf('%.200c', 'p') from n;
             insert into ran values ('1');",
        )
        .file("migrations/2_compact.sql", "delete from events where id % 10 = 0;\nvacuum;\n")
        .file(
            "migrations/3_outside.sql",
            "-- migrate:no-transaction
             insert into ran values ('3a');
             create table outside (id integer primary key);
             insert into outside values (1);
             vacuum;
             create index events_seen on events (seen);
             insert into ran values ('3b');",
        )
        .file(
            "migrations/4_mark_seen.sql",
            "-- migrate:batch key=id size=250 table=events
             update events set seen = seen + 1 where id between :lo and :hi;",
        )
        .file("migrations/5_last.sql", "drop index events_seen;\ninsert into ran values ('5');\n")
}

/// An undisturbed run: what must be there afterwards, and how long it took.
fn undisturbed(set: fn() -> Project) -> (String, Duration) {
    let project = set();
    let begin = Instant::now();
    project.migrate(UP).exits(0);
    let elapsed = begin.elapsed();
    let contents = project.contents("app.db");
    assert!(contents.contains("-- ran\n"), "the set did nothing:\n{contents}");
    (contents, elapsed)
}

/// Complete, current, and each migration there once.
fn assert_whole(project: &Project, expected: &str, context: &str) {
    assert_eq!(project.contents("app.db"), expected, "{context}");
    let check = project.migrate(CHECK);
    assert_eq!(check.code, Some(0), "{context}\n{check}");
    let twice = project.query(
        "app.db",
        "select version, count(*) from migrate_history where action = 'up' and state = 'done' \
         group by version, phase, ordinal having count(*) <> 1",
    );
    assert_eq!(twice, "", "{context}: applied more than once");
}

fn at_once(project: &Project, processes: usize) -> Vec<Transcript> {
    let children: Vec<Child> = (0..processes).map(|_| project.start(UP)).collect();
    children.into_iter().map(|child| project.end(UP, child)).collect()
}

fn together(set: fn() -> Project, processes: usize, rounds: usize) {
    let (expected, _) = undisturbed(set);
    for round in 1..=rounds {
        let project = set();
        for transcript in at_once(&project, processes) {
            assert_eq!(transcript.code, Some(0), "round {round}\n{transcript}");
        }
        assert_whole(&project, &expected, &format!("round {round} of {processes} at once"));
    }
}

#[test]
fn two_at_the_very_first_start_apply_each_migration_once_and_both_succeed() {
    together(everyday, 2, 20);
}

#[test]
fn two_with_journalled_steps_apply_each_migration_once_and_both_succeed() {
    together(journalled, 2, 10);
}

#[test]
fn ten_at_once_apply_each_migration_once_and_all_succeed() {
    together(everyday, 10, 2);
}

/// How often runs are killed: `MIGRATE_TEST_CRASHES`.
fn crashes() -> usize {
    std::env::var("MIGRATE_TEST_CRASHES").map_or(25, |text| text.parse().expect("MIGRATE_TEST_CRASHES is a number"))
}

/// Kills a run, and now and then the run that goes on after it, at any moment between its start and its end.
#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn killed(set: fn() -> Project) {
    let mut random = Random::seeded();
    let (expected, elapsed) = undisturbed(set);
    let mut left_half_way = 0;
    for crash in 1..=crashes() {
        let project = set();
        let mut moments = Vec::new();
        for _ in 0..=random.below(3) {
            let moment = random.up_to(elapsed);
            let mut child = project.start(UP);
            // The moment is the subject: there is no condition to wait for.
            std::thread::sleep(moment);
            child.kill().expect("a child can be killed");
            let killed = project.end(UP, child).code.is_none();
            moments.push((moment, killed));
        }
        let context = format!("crash {crash}, killed after {moments:?}");
        let next = project.migrate(UP);
        assert_eq!(next.code, Some(0), "{context}\n{next}");
        assert_whole(&project, &expected, &context);
        let runs = project.query("app.db", "select count(distinct run_id) from migrate_history");
        left_half_way += usize::from(runs != "1\n");
    }
    println!("{left_half_way} of {} runs had more than one process at their history", crashes());
    assert!(left_half_way > 0 || crashes() < 10, "no run was ever killed half-way: this tests nothing");
}

#[test]
fn after_kill_9_the_next_up_completes_everyday_migrations() {
    killed(everyday);
}

#[test]
fn after_kill_9_the_next_up_completes_journalled_migrations() {
    killed(journalled);
}
