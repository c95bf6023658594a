//! `migrate.toml` and variables.

use migrate_tests::Project;

use crate::{blog, screen, told};

fn with(text: &str) -> Project {
    blog().file("migrate.toml", text)
}

#[test]
fn a_slip_in_a_key() {
    insta::assert_snapshot!(screen(
        &with("url = \"sqlite:app.db\"\ndirs = \"db\"\n\n[timeouts]\nlock-wiat = \"1m\"\n\n[polcy]\nphase = \"pre\"\n"),
        &["up --create-db"]
    ));
}

#[test]
fn a_variable_that_is_not_set() {
    let project = with("# where it is\nurl = \"${SHOP_DATABASE}\"\n");
    let mut set = project.command(&["up", "--create-db"]);
    let set = set.env("SHOP_DATABASE", "sqlite:app.db").output().expect("the program starts");
    assert!(set.status.success());
    insta::assert_snapshot!(screen(&project, &["up"]));
}

#[test]
fn a_file_that_is_not_toml() {
    insta::assert_snapshot!(screen(&with("url = sqlite:app.db\n"), &["up"]));
}

#[test]
fn a_value_of_the_wrong_type() {
    insta::assert_snapshot!(screen(
        &with(
            "url = [\"sqlite:app.db\"]\n\n[timeouts]\nlock-wait = 30\n\n[policy]\ndowngrade-limit = \"many\"\nphase = \"before\"\n"
        ),
        &["up"]
    ));
}

#[test]
fn an_environment_that_is_not_there() {
    insta::assert_snapshot!(screen(
        &with(
            "url = \"sqlite:app.db\"\n\n[env.production]\nurl = \"sqlite:/srv/app.db\"\n\n[env.staging]\nurl = \"sqlite:/srv/staging.db\"\n"
        ),
        &["up --env prod"]
    ));
}

#[test]
fn an_environment_without_a_configuration() {
    insta::assert_snapshot!(screen(&blog(), &["up --env production", "up --config production.toml"]));
}

#[test]
fn a_duration_without_its_unit() {
    insta::assert_snapshot!(screen(&blog(), &["up -d sqlite:app.db --create-db --lock-wait 30"]));
}

#[test]
fn a_slip_in_a_variable() {
    let project = blog();
    let arguments = ["status", "-d", "sqlite:app.db"];
    let output = project
        .command(&arguments)
        .env("MIGRATE_DATABSE_URL", "sqlite:other.db")
        .env("MIGRATE_LOCKWAIT", "1m")
        .output();
    let said = output.expect("the program starts").stderr;
    insta::assert_snapshot!(String::from_utf8_lossy(&said));
}

#[test]
fn a_variable_with_a_bad_value() {
    let project = blog();
    let output = project
        .command(&["up", "-d", "sqlite:app.db"])
        .env("MIGRATE_LOCK_WAIT", "soon")
        .env("MIGRATE_YES", "perhaps")
        .output();
    let said = output.expect("the program starts").stderr;
    insta::assert_snapshot!(String::from_utf8_lossy(&said));
}

#[test]
fn settings_that_exclude_each_other() {
    let project = with("url = \"sqlite:app.db\"\ndatabase-file = \"/run/secrets/url\"\n");
    insta::assert_snapshot!(told(&[project.migrate("up"), project.migrate("up --phase pre --phase")]));
}

#[test]
fn a_file_for_the_url_that_is_not_there() {
    insta::assert_snapshot!(screen(&blog(), &["up --database-file secrets/url"]));
}

#[test]
fn starting_a_project_twice() {
    insta::assert_snapshot!(screen(&with("url = \"sqlite:app.db\"\n"), &["init", "init"]));
}
