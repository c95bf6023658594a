//! Migrations that were left half-way.

use std::fs;

use migrate_core::checksum::raw;
use migrate_tests::Project;

use crate::{UP, applied, blog, screen, told};

const FILE: &str = "migrations/3_compact.sql";

/// A run that died while the second statement of a journalled migration was running, as its row tells.
fn died_in(second: &str) -> Project {
    let first = "-- migrate:no-transaction\ndelete from posts where title = '';\n";
    let project = applied(blog()).file(FILE, format!("{first}select nothing;\n"));
    project.migrate(UP).exits(3);
    let text = format!("{first}{second};\n");
    project.write(FILE, &text);
    // An empty note: it was sent, and nothing could be read that would tell what became of it.
    let row = "update migrate_history set state = 'in_flight', script = ?1, checksum = ?2, executed_digest = ?2, note = '', error = null, finished_at = null \
               where version = '3' and cursor = 1";
    assert_eq!(project.open("app.db").execute(row, [&text, &raw(&text)]).expect("an update"), 1);
    project
}

#[test]
fn a_run_that_died_goes_on() {
    let project = died_in("vacuum");
    insta::assert_snapshot!(screen(&project, &["status -d sqlite:app.db", "check -d sqlite:app.db", UP]));
}

#[test]
fn another_command_while_a_migration_is_half_way() {
    let project = died_in("vacuum");
    insta::assert_snapshot!(screen(
        &project,
        &["down -d sqlite:app.db --steps 1 --yes", "baseline 2 -d sqlite:app.db"]
    ));
}

#[test]
fn a_half_way_migration_whose_file_is_gone() {
    let project = died_in("vacuum");
    fs::remove_file(project.path(FILE)).expect("a file");
    insta::assert_snapshot!(screen(
        &project,
        &[UP, "status -d sqlite:app.db", "resolve 3 --applied -d sqlite:app.db", UP]
    ));
}

#[test]
fn a_statement_in_doubt() {
    let project = died_in("vacuum into 'copy.db'");
    insta::assert_snapshot!(screen(
        &project,
        &[
            UP,
            "check -d sqlite:app.db",
            "resolve 3 --statement 1 --ran -d sqlite:app.db",
            "resolve 3 --statement 2 --ran -d sqlite:app.db",
            UP
        ]
    ));
}

#[test]
fn a_statement_in_doubt_that_did_not_run() {
    let project = died_in("vacuum into 'copy.db'");
    insta::assert_snapshot!(screen(&project, &["resolve 3 --statement 2 --not-run -d sqlite:app.db", UP]));
    assert!(project.path("copy.db").exists(), "it ran now");
}

#[test]
fn resolving_what_is_not_open() {
    let project = applied(blog()).file(FILE, "vacuum;\n");
    insta::assert_snapshot!(screen(
        &project,
        &[
            "resolve 2 --statement 1 --ran -d sqlite:app.db",
            "resolve 2 --applied -d sqlite:app.db",
            "resolve 3 --not-applied -d sqlite:app.db",
            "resolve 4 --applied -d sqlite:app.db",
            "resolve 2 -d sqlite:app.db",
        ]
    ));
}

/// A way back outside of a transaction is stored in another form than its layout writes it in. It is mended in its file.
#[test]
fn a_way_back_that_fails_half_way_and_is_mended() {
    const DOWN: &str = "down -d sqlite:app.db --to 0 --yes";
    const FILE: &str = "migrations/001_create.sql";
    let with = |rest: &str| {
        format!(
            "-- +goose NO TRANSACTION\n-- +goose Up\ncreate table a (n int);\ncreate table b (n int);\n\
             -- +goose Down\ndrop table a;\n{rest};\n"
        )
    };
    let project = Project::new().file(FILE, with("drop table c"));
    let up = format!("{UP} --create-db");
    let mut screens = vec![project.migrate(&up), project.migrate(DOWN)];
    project.write(FILE, &with("drop table b"));
    screens.push(project.migrate(DOWN));
    insta::assert_snapshot!(told(&screens));
}
