//! Folders of other tools: which layout is found, and what a person sees of it.

use insta::assert_snapshot;

use super::Project;

pub(super) fn with(files: &[(&str, &str)]) -> Project {
    let project = Project::new();
    project.write("migrate.toml", "");
    for (name, text) in files {
        let path = project.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        project.write(name, text);
    }
    project
}

#[test]
fn a_folder_of_golang_migrate_is_found_run_and_continued() {
    let project = with(&[
        ("go.mod", "module shop\n"),
        ("migrations/000001_create_users.up.sql", "create table users (id integer primary key);\n"),
        ("migrations/000001_create_users.down.sql", "drop table users;\n"),
    ]);
    assert_snapshot!(project.screen(&[
        "validate --engine sqlite",
        "plan -d sqlite:app.db",
        "up -d sqlite:app.db --create-db",
        "status -d sqlite:app.db",
        "new add_email --sequential --reversible",
    ]), @r#"
    $ migrate validate --engine sqlite
    layout golang-migrate, because of 000001_create_users.down.sql and go.mod · for good: layout = "golang-migrate" in migrations.toml
    1 migration · nothing found
    $ migrate plan -d sqlite:app.db
    error[M0404]: there is no database app.db
       = create it with `migrate db create`, or in the same go: migrate up --create-db
    [exit 6]
    $ migrate up -d sqlite:app.db --create-db
    created app.db
    sqlite app.db · 1 pending
      000001  create users   1 statement # ms
    1 applied in # ms · now at 000001
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout golang-migrate · 1 applied, 0 pending
    layout golang-migrate, because of 000001_create_users.down.sql and go.mod · for good: layout = "golang-migrate" in migrations.toml
      000001  create users   applied  DATE TIME # ms
    $ migrate new add_email --sequential --reversible
    migrations/000002_add_email.up.sql
    migrations/000002_add_email.down.sql
    "#);
}

#[test]
fn init_writes_down_what_is_there() {
    let project = with(&[("migrations/2024-01-31-120000_users/up.sql", "create table users (id integer);\n")]);
    assert_snapshot!(project.screen(&["init", "validate --engine sqlite", "new add_email"]), @r#"
    $ migrate init
    created migrations/migrations.toml
    kept as it is: migrations/  migrate.toml
    layout diesel, because of 2024-01-31-120000_users/up.sql
    next: migrate validate
    $ migrate validate --engine sqlite
    1 migration · nothing found
    $ migrate new add_email
    migrations/2026-11-21-103000_add_email/up.sql
    "#);
    let written = std::fs::read_to_string(project.path("migrations/migrations.toml")).unwrap();
    assert!(written.ends_with("\nlayout = \"diesel\"\n"));
    assert_snapshot!(with(&[("migrations/0001_initial.py", "class Migration(migrations.Migration):\n")]).screen(&["init"]), @"
    $ migrate init
    error[M0020]: 0001_initial.py: migrations of Django are Python: they cannot be run here
      --> migrations/0001_initial.py
       = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
       = what Django has applied is taken over as it is: migrate adopt --from django --dir FOLDER
    [exit 2]
    ");
}

/// A database that already has such a table.
fn with_table(project: &Project, table: &str) {
    std::fs::create_dir_all(project.path("other")).expect("a new folder");
    project.write("other/1_x.sql", &format!("create table {table};\n"));
    assert_eq!(project.run("up -d sqlite:app.db --create-db --dir other --component other").code, 0);
}

#[test]
fn a_table_in_the_database_decides_where_names_do_not() {
    let project = with(&[("migrations/V1__create_users.sql", "create table users (id integer primary key);\n")]);
    assert_snapshot!(project.screen(&["status -d sqlite:none.db", "up -d sqlite:none.db --create-db"]), @r#"
    $ migrate status -d sqlite:none.db
    error[M0018]: migrations: the names do not tell whose layout this is: flyway or refinery
      --> migrations
       = flyway: V1__create_users.sql
       = refinery: V1__create_users.sql
       = say which: --layout flyway or --layout refinery; or for good: layout = "…" in migrations/migrations.toml
    [exit 2]
    $ migrate up -d sqlite:none.db --create-db
    error[M0018]: migrations: the names do not tell whose layout this is: flyway or refinery
      --> migrations
       = flyway: V1__create_users.sql
       = refinery: V1__create_users.sql
       = say which: --layout flyway or --layout refinery; or for good: layout = "…" in migrations/migrations.toml
    [exit 2]
    "#);
    with_table(
        &project,
        "refinery_schema_history (version int primary key, name text, applied_on text, checksum text)",
    );
    assert_snapshot!(project.screen(&["status -d sqlite:app.db", "status -d sqlite:app.db --layout refinery"]), @r#"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout refinery · 0 applied, 1 pending
    layout refinery, because of V1__create_users.sql, and its table in the database · for good: layout = "refinery" in migrations.toml
      1  create users   pending
    next: migrate up
    $ migrate status -d sqlite:app.db --layout refinery
    sqlite app.db · history migrate_history · layout refinery · 0 applied, 1 pending
      1  create users   pending
    next: migrate up
    "#);
}

#[test]
fn plain_names_are_native_unless_the_database_says_otherwise() {
    let project = with(&[
        ("migrations/1_users.up.sql", "create table users (id integer primary key);\n"),
        ("migrations/1_users.down.sql", "drop table users;\n"),
    ]);
    assert_snapshot!(project.screen(&["validate --engine sqlite", "status -d sqlite:app.db"]), @"
    $ migrate validate --engine sqlite
    layout native · sqlx and golang-migrate name files so too: if they are theirs, --layout sqlx
    1 migration · nothing found
    $ migrate status -d sqlite:app.db
    error[M0404]: there is no database app.db
       = create it with `migrate db create`, or in the same go: migrate up --create-db
    [exit 6]
    ");
    let sqlx = "_sqlx_migrations (version bigint primary key, description text not null, installed_on timestamp, \
                success boolean not null, checksum blob not null, execution_time bigint not null)";
    with_table(&project, sqlx);
    assert_snapshot!(project.screen(&["status -d sqlite:app.db"]), @r#"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout sqlx · 0 applied, 1 pending
    layout sqlx, because of 1_users.down.sql, and its table in the database · for good: layout = "sqlx" in migrations.toml
      1  users   pending
    next: migrate up
    "#);
}
