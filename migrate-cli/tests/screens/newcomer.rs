//! The path of somebody who sees it for the first time, and of somebody who deploys.

use insta::assert_snapshot;

use super::{Project, exists};

const SHOP: &[(&str, &str)] = &[
    (
        "1_create_users.up.sql",
        "create table users (id integer primary key, name text);\ncreate index n on users (name);\n",
    ),
    ("1_create_users.down.sql", "drop table users;\n"),
    (
        "2_add_email.sql",
        "-- migrate:up\nalter table users add column email text;\n-- migrate:down\nalter table users drop column email;\n",
    ),
    ("R__user_view.sql", "drop view if exists user_view;\ncreate view user_view as select name from users;\n"),
];

const PHASED: &[(&str, &str)] = &[
    ("2.1.0_01_pre_add_owner.up.sql", "create table pets (owner text, legacy text);\n"),
    ("2.2.0_01_pre_index.up.sql", "-- migrate:no-transaction\ncreate index o on pets (owner);\n"),
    ("2.2.0_50_post_drop_legacy.up.sql", "alter table pets drop column legacy;\n"),
];

#[test]
fn a_project_begins() {
    let project = Project::new();
    assert_snapshot!(project.screen(&[
        "init -d sqlite:app.db",
        "new create_users --reversible",
        "new Add email",
        "new user_view --repeatable",
        "new --sequential x",
        "new owner --release 2.1.0 --phase post",
        "init",
    ]), @"");
    assert!(exists(&project, "migrations/R__user_view.sql"));
}

#[test]
fn up_and_what_there_is_then() {
    let project = Project::with(SHOP);
    assert_snapshot!(project.screen(&["check", "up", "up --create-db", "up", "status", "history", "check"]), @"");
}

#[test]
fn a_plan_is_shown_and_only_that_plan_runs() {
    let project = Project::with(SHOP);
    project.run("db create");
    assert_snapshot!(project.screen(&["plan", "up --plan 00000000", "up --to 1", "up --dry-run", "up --steps 1"]), @"");
}

#[test]
fn the_script_of_a_plan_leaves_the_history_as_up_does() {
    let project = Project::with(SHOP);
    project.run("db create");
    let script = project.run("plan --sql");
    assert_eq!((script.code, script.stderr.as_str()), (0, ""));
    assert!(script.stdout.contains("create index n on users (name);") && script.stdout.contains("INSERT INTO"));
}

#[test]
fn ways_back() {
    let project = Project::with(&SHOP[..3]);
    project.run("up --create-db");
    assert_snapshot!(project.screen(&[
        "down",
        "down --steps 1",
        "down --steps 1 --yes",
        "redo --yes",
        "down --to 0 --dry-run",
        "down --to 0 --yes",
        "status",
    ]), @"");
}

#[test]
fn a_question_is_answered_with_the_name_of_the_database() {
    let project = Project::with(SHOP).answering("no\n");
    project.run("up --create-db");
    assert_snapshot!(project.screen(&["db drop"]), @"");
    assert!(exists(&project, "app.db"));
    let project = project.answering("app.db\n");
    assert_snapshot!(project.screen(&["db reset", "db drop"]), @"");
    assert!(!exists(&project, "app.db"));
}

#[test]
fn a_release_is_deployed_in_two_phases() {
    let project = Project::with(PHASED);
    assert_snapshot!(project.screen(&[
        "up --to 2.1.0 --create-db",
        "status",
        "up",
        "up --phase pre",
        "check --phase pre",
        "status",
        "up --phase post",
    ]), @"");
}

#[test]
fn a_changed_file_is_put_back_or_accepted() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    project.write(
        "migrations/2_add_email.sql",
        "-- migrate:up\nalter table users add column mail text;\n-- migrate:down\nselect 1;\n",
    );
    assert_snapshot!(project.screen(&["up", "accept 2 --restore", "up"]), @"");
    let text = std::fs::read_to_string(project.path("migrations/2_add_email.sql")).unwrap();
    assert_eq!(text, "-- migrate:up\nalter table users add column email text;\n-- migrate:down\nselect 1;\n");
    project
        .write("migrations/R__user_view.sql", "drop view if exists user_view;\ncreate view user_view as select 1;\n");
    project.write("migrations/1_create_users.up.sql", "create table users (id integer);\n");
    assert_snapshot!(project.screen(&["accept 1", "up"]), @"");
}

#[test]
fn backups_are_never_replaced() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    let screen = project.screen(&[
        "backup b.db",
        "backup b.db",
        "restore b.db",
        "restore none.db --yes",
        "restore b.db --yes",
        "check",
    ]);
    // The size is SQLite's.
    assert_snapshot!(screen.replace(char::is_numeric, "#"), @"");
}

#[test]
fn what_was_done_by_hand_is_said() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    assert_snapshot!(project.screen(&[
        "resolve 2 --not-applied",
        "resolve 0002_add_email.sql --applied",
        "resolve 2 --statement 1 --ran",
        "resolve user_veiw --applied",
        "baseline 1",
    ]), @"");
    let project = Project::with(SHOP);
    project.run("db create");
    assert_snapshot!(project.screen(&["baseline 1", "status"]), @"");
}

#[test]
fn settings_and_where_they_come_from() {
    let project = Project::with(SHOP).set("MIGRATE_LOCK_WAIT", "1m").set("MIGRATE_LOCK_WIAT", "1m");
    project.write(".env", "MIGRATE_APP=1\nDATABASE_URL=sqlite:from-env.db\n");
    project.write("migrate.toml", "url = 'x'\n[policy]\non_ahead = 'refuse'\n[settings.sqlite]\ncache_size = -2000\n");
    assert_snapshot!(project.screen(&["config show --dir a --dir b"]), @"");
}
