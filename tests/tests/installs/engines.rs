//! The same on every engine, and a run that is killed while it installs.

use std::io::{BufRead as _, BufReader};
use std::thread;
use std::time::{Duration, Instant};

use migrate_tests::servers::{Engine, Place, wait_for};
use migrate_tests::{Project, Random, Transcript, on};

use super::{BODY, FILES, components, project, with};

fn run(project: &Project, place: &Place, words: &str, code: i32) -> Transcript {
    project.migrate(&format!("{words} -d {}", place.url())).exits(code)
}

/// The cell of a query of one.
fn cell(place: &Place, sql: &str) -> String {
    place.sql(sql).trim().to_owned()
}

/// A squashed project leads where its files led, on an empty database; others are refused.
fn an_empty_database_is_installed_at_once(engine: Engine) {
    let squashed = project(true);
    let place = Place::new(engine, &squashed);
    run(&squashed, &place, "up", 0);
    assert_eq!(cell(&place, "select count(*) from people"), "1");
    assert_eq!(cell(&place, "select count(*) from tags"), "0");
    let installed = "select count(*) from migrate_history where action = 'snapshot' and state = 'done'";
    assert_eq!(cell(&place, installed), "4");
    run(&squashed, &place, "check", 0);
    assert!(run(&squashed, &place, "up", 0).stdout.contains("nothing to do"));
    let whole = with(FILES);
    let other = Place::new(engine, &whole);
    run(&whole, &other, "up --to 2", 0);
    let refused = run(&squashed, &other, "up", 1);
    assert!(refused.stderr.contains("3 is not applied, and has no file any more"), "{refused}");
    run(&whole, &other, "up --to 3", 0);
    run(&squashed, &other, "up", 0);
}

/// Long enough to be met by a kill: each fills a table of its own with one row.
fn slow(engine: Engine) -> String {
    let row = match engine {
        Engine::Sqlite => {
            "with recursive n (n) as (select 1 union all select n + 1 from n where n < 60000) select count(*) from n"
        }
        Engine::Postgres => "select 1 from pg_sleep(0.02)",
        Engine::MySql | Engine::MariaDb => "select sleep(0.02)",
    };
    (0..8).fold(String::new(), |text, n| text + &format!("create table t{n} (n integer);\ninsert into t{n} {row};\n"))
}

/// What the history says of the snapshot, a row each.
fn installed(project: &Project, place: &Place) -> Vec<String> {
    let rows = run(project, place, "history --json", 0);
    let rows: serde_json::Value = serde_json::from_str(&rows.stdout).unwrap();
    let rows = rows["history"].as_array().cloned().unwrap_or_default();
    let snapshots = rows.iter().filter(|row| row["action"] == "snapshot");
    snapshots.map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect()
}

/// O8: whenever the program is killed, the next run goes on with the snapshot as the snapshot, and everything is there
/// once.
fn a_killed_installation_goes_on(engine: Engine) {
    let script = format!("{BODY}{}", slow(engine));
    let mut random = Random::seeded();
    let (mut met, mut whole) = (0, Duration::ZERO);
    for round in 0..9 {
        let squashed = project(true);
        let header = std::fs::read_to_string(squashed.path("migrations/B3__all_of_it.sql")).unwrap();
        squashed.write("migrations/B3__all_of_it.sql", &header.replace(BODY, &script));
        let place = Place::new(engine, &squashed);
        let mut child = squashed.start(&format!("up --log-format json -d {}", place.url()));
        // The moment is chosen from when the installation has begun.
        let mut events = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(events.any(|event| event.contains("step_started")));
        let began = Instant::now();
        if round == 0 {
            assert!(child.wait().unwrap().success());
            whole = began.elapsed();
        } else {
            thread::sleep(random.up_to(whole));
            met += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // What was sent before the kill comes to its end on a server.
        let (rows, is_there) = wait_for("two looks that see the same", || {
            let is_there = || place.contents().contains("people");
            let (before, rows, after) = (is_there(), installed(&squashed, &place), is_there());
            (before == after).then_some((rows, after))
        });
        if engine.commits_definitions() {
            // What it stands for is written with its end.
            assert!(matches!(rows.len(), 0 | 1 | 4), "{rows:?}");
        } else {
            assert_eq!(rows, vec!["done"; if is_there { 4 } else { 0 }], "all of it or nothing");
        }
        run(&squashed, &place, "up", 0);
        run(&squashed, &place, "check", 0);
        for n in 0..8 {
            assert_eq!(cell(&place, &format!("select count(*) from t{n}")), "1");
        }
        assert_eq!(cell(&place, "select count(*) from people"), "1");
        let rows = "select count(*) from migrate_history where state = 'done' and action in ('snapshot', 'up')";
        assert_eq!(cell(&place, rows), "5");
    }
    assert!(met > 0, "no kill met the run");
}

/// O6: what was appended to an applied migration runs by itself, and nothing else does.
fn appended_statements_run_on_request(engine: Engine) {
    let project = with(&FILES[..3]);
    let place = Place::new(engine, &project);
    run(&project, &place, "up --to 2", 0);
    let appended = "create index owners on pets (owner);\ninsert into pets values (1, 2);\n";
    project.write("migrations/2_pets.sql", &format!("{}{appended}", FILES[1].1));
    let changed = run(&project, &place, "check", 1);
    assert!(changed.stderr.contains("migrate up --amend 2"), "{changed}");
    let amended = run(&project, &place, "up --amend 2", 0);
    assert!(amended.stdout.contains("statements 2 to 3 of 3"), "{amended}");
    assert_eq!(cell(&place, "select count(*) from pets"), "1");
    assert_eq!(cell(&place, "select count(*) from people"), "0", "what is pending stays so");
    let again = run(&project, &place, "up --amend 2", 1);
    assert!(again.stderr.contains("has no statement that was not applied"), "{again}");
    run(&project, &place, "check", 7);
    run(&project, &place, "up", 0);
    run(&project, &place, "check", 0);
}

/// An appended statement that fails leaves those before it as the engine has them, and once it is mended it goes on there.
fn an_appended_statement_that_fails_can_be_mended(engine: Engine) {
    let project = with(&FILES[..2]);
    let place = Place::new(engine, &project);
    run(&project, &place, "up", 0);
    let append = |last: &str| {
        let first = "create table toys (pet integer);\n";
        project.write("migrations/2_pets.sql", &format!("{}{first}{last};\n", FILES[1].1));
    };
    append("insert into nowhere values (1)");
    let failed = run(&project, &place, "up --amend 2", 3);
    assert!(failed.stderr.contains("statement 3 of 3 failed"), "{failed}");
    assert_eq!(place.contents().contains("toys"), engine.commits_definitions());
    append("insert into toys values (1)");
    let words = if engine.commits_definitions() { "up" } else { "up --amend 2" };
    run(&project, &place, words, 0);
    assert_eq!(cell(&place, "select count(*) from toys"), "1");
    run(&project, &place, "check", 0);
}

/// What is needed comes first, in every command that is about all; taking it back is refused.
fn several_components_share_a_database(engine: Engine) {
    let project = components::project();
    let place = Place::new(engine, &project);
    let ordered = |said: &Transcript| said.stdout.find("component queue") < said.stdout.find("component main");
    let pending = run(&project, &place, "wait --timeout 10ms", 7);
    assert!(ordered(&pending) && pending.stdout.contains("pending: 2"), "{pending}");
    let planned = run(&project, &place, "plan", 0);
    assert!(ordered(&planned), "{planned}");
    let digest = |component: &str| {
        let typed = format!("migrate up --component {component} --plan ");
        let said = planned.stdout.split_once(&typed).unwrap_or_else(|| panic!("{planned}")).1;
        said.lines().next().unwrap().to_owned()
    };
    // The plan of what comes second is the one that is carried out once the first was.
    run(&project, &place, &format!("up --component main --plan {}", digest("main")), 1);
    run(&project, &place, &format!("up --component queue --plan {}", digest("queue")), 0);
    run(&project, &place, &format!("up --component main --plan {}", digest("main")), 0);
    assert!(ordered(&run(&project, &place, "wait", 0)));
    run(&project, &place, "check", 0);
    let refused = run(&project, &place, "down --steps 1 --yes --component queue", 1);
    assert!(refused.stderr.contains("component main needs component queue at 2"), "{refused}");
    assert_eq!(cell(&place, "select count(distinct component) from migrate_history"), "2");
}

on! {
    on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb: {
        an_empty_database_is_installed_at_once
        a_killed_installation_goes_on
        appended_statements_run_on_request
        an_appended_statement_that_fails_can_be_mended
        several_components_share_a_database
    }
}
