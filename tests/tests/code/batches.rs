//! Backfills in batches, killed with -9 at any moment: every row is touched exactly once.

use std::time::Instant;

use migrate_tests::backends::{Database, OnSqlite};
use migrate_tests::{Project, Random, crashes, program};

use super::cells;

const ROWS: u64 = 2_000;

/// Each migration adds one to every row of one table. Keys have gaps.
fn touch(number: usize) -> (String, String) {
    let text = "-- migrate:batch key=id size=50 table=items\n\
                update items set touched = touched + 1 where id between :lo and :hi;\n";
    (format!("migrations/{number}_touch.sql"), text.to_owned())
}

fn create() -> String {
    let values: Vec<String> = (1..=ROWS).map(|number| format!("({}, 0)", number * 3)).collect();
    format!(
        "create table items (id integer primary key, touched integer not null);\ninsert into items values {};\n",
        values.join(", ")
    )
}

#[expect(clippy::print_stdout, reason = "shown when the test fails, and asked for with --nocapture")]
pub(super) fn touched_once<D: Database>() {
    // Built before the clock starts.
    program();
    let mut random = Random::seeded();
    let project = Project::new().file("migrations/1_items.sql", create());
    let database = D::create();
    let up = format!("up -d {}", database.url());
    project.migrate(&format!("{up} --create-db")).exits(0);
    let cell = |sql: &str| cells(&*database.backend(), sql).unwrap();
    let add = |number| {
        let (path, text) = touch(number);
        project.write(&path, &text);
    };
    add(2);
    let began = Instant::now();
    project.migrate(&up).exits(0);
    let elapsed = began.elapsed();
    let (mut killed, mut in_the_middle) = (0, 0);
    for crash in 1..=crashes() {
        add(crash + 2);
        let moment = random.up_to(elapsed);
        let mut child = project.start(&up);
        // The moment is the subject: there is no condition to wait for.
        std::thread::sleep(moment);
        child.kill().expect("a child can be killed");
        killed += usize::from(project.end(&up, child).code.is_none());
        let open = cell("select count(*) from migrate_history where state = 'in_flight' and checkpoint is not null");
        in_the_middle += usize::from(open != "0");
        let next = project.migrate(&up);
        assert_eq!(next.code, Some(0), "crash {crash}, killed after {moment:?}\n{next}");
        let odd = cell(&format!("select count(*) from items where touched <> {}", crash + 1));
        assert_eq!(odd, "0", "crash {crash}, killed after {moment:?}: rows that were not touched exactly once");
    }
    assert_eq!(cell("select count(*) from items"), ROWS.to_string());
    println!(
        "{} crashes: {killed} killed, {in_the_middle} between two batches, every row touched once each time",
        crashes()
    );
    assert!(in_the_middle > 0 || crashes() < 10, "no batch was ever interrupted: this tests nothing");
}

#[test]
fn after_kill_9_every_row_of_a_batch_is_touched_exactly_once() {
    touched_once::<OnSqlite>();
}
