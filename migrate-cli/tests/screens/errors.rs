//! Typical mistakes on the command line and in the configuration. Those in migrations are tested across backends.

use insta::assert_snapshot;

use super::Project;

#[test]
fn wrong_databases() {
    let project = Project::new();
    assert_snapshot!(project.screen(&[
        "status",
        "status -d app.db",
        "status -d app",
        "status -d postgres://localhost/shop",
        "status -d sqlit:app.db",
        "status -d sqlite:",
        "status -d sqlite:app.db?mod=ro",
        "validate --engine oracle",
    ]), @"");
    project.write("url", "sqlite:other.db\n");
    std::fs::create_dir(project.path("migrations")).unwrap();
    project.write("migrations/1_a.sql", "select 1;");
    assert_snapshot!(project.screen(&[
        "status --database-file url",
        "status --database-file missing",
        "db create --database-file url",
        "up --database-file url --password-file url",
    ]), @"");
}

#[test]
fn wrong_words() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    assert_snapshot!(project.screen(&[
        "run",
        "migrate",
        "force 3",
        "upp",
        "up --lock-wait 10",
        "up --on-nonempty yes",
        "up --on-ahead tolerat --create-db",
        "up --out-of-order 7 --create-db",
        "resolve 1",
        "wait --timeout soon",
        "up --json --nonsense",
    ]), @"");
}

#[test]
fn wrong_configurations() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    project.write("migrate.toml", "url = 'sqlite:${NAME}.db'\n[timeout]\nlock-wait = '1s'\n");
    assert_snapshot!(project.screen(&["up"]), @"");
    project.write("migrate.toml", "url = 'sqlite:${NAME}.db'\n[env.production]\nurl = 'x'\n");
    assert_snapshot!(project.screen(&["up", "up --env prod", "up --config other.toml"]), @"");
    project.write(".env", "NAME\n");
    assert_snapshot!(project.screen(&["up", "up --no-env-file"]), @"");
}

#[test]
fn a_file_that_nobody_has_written_yet_is_remarked_on() {
    let project = Project::with(&[("1_a.sql", "-- to do\n")]);
    assert_snapshot!(project.screen(&["up --create-db"]), @"");
}

#[test]
fn standing_in_the_wrong_folder() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    project.run("db create");
    assert_snapshot!(project.screen(&["up --dir elsewhere", "new x --dir else/where"]), @"");
}

#[test]
fn a_failed_statement_says_what_is_left_to_do() {
    let project = Project::with(&[
        ("1_a.sql", "create table a (x);"),
        ("2_b.sql", "create table b (x);\ninsert into c values (1);"),
    ]);
    assert_snapshot!(project.screen(&["up --create-db"]), @"");
}
