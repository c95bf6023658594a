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

#[test]
fn a_folder_of_flyway_runs_with_its_callbacks_and_placeholders() {
    let project = with(&[
        ("flyway.conf", "flyway.placeholders.prefix=app_\n"),
        ("db/V1__create_users.sql", "create table ${prefix}users (id integer primary key);\n"),
        ("db/U1__create_users.sql", "drop table ${prefix}users;\n"),
        ("db/1.x/V1.1__create_log.sql", "create table log (what text);\n"),
        (
            "db/R__all_users.sql",
            "drop view if exists all_users;\ncreate view all_users as select * from ${prefix}users;\n",
        ),
        ("db/beforeMigrate.sql", "create table if not exists runs (n integer);\n"),
        ("db/afterEachMigrate__count.sql", "insert into runs values (1);\n"),
        ("db/afterInfo.sql", "select 1;\n"),
    ]);
    assert_snapshot!(project.screen(&[
        "validate --engine sqlite --dir db",
        "up -d sqlite:app.db --create-db --dir db",
        "plan -d sqlite:app.db --dir db",
        "status -d sqlite:app.db --dir db",
        "check -d sqlite:app.db --dir db",
        "new add_email --dir db --sequential --reversible",
    ]), @r#"
    $ migrate validate --engine sqlite --dir db
    layout flyway, because of V1__create_users.sql and R__all_users.sql · for good: layout = "flyway" in migrations.toml
    3 migrations · 1 remark
    note[M0022]: afterInfo: is not run: it belongs to info, which this does not do as Flyway does
      --> db/afterInfo.sql
    $ migrate up -d sqlite:app.db --create-db --dir db
    created app.db
    sqlite app.db · 3 pending
      beforeMigrate       callback, 1 statement # ms
      1    create users   2 statements # ms
      1.1  create log     2 statements # ms
      R all users         3 statements # ms
    3 applied in # ms · now at 1.1
    note[M0022]: afterInfo: is not run: it belongs to info, which this does not do as Flyway does
      --> db/afterInfo.sql
    $ migrate plan -d sqlite:app.db --dir db
    layout flyway, because of V1__create_users.sql and R__all_users.sql · for good: layout = "flyway" in migrations.toml
    1  beforeMigrate  callback, 1 statement
          create table if not exists runs (n integer)
    digest 376f0dfa · run exactly this: migrate up --plan 376f0dfa
    note[M0022]: afterInfo: is not run: it belongs to info, which this does not do as Flyway does
      --> db/afterInfo.sql
    $ migrate status -d sqlite:app.db --dir db
    sqlite app.db · history migrate_history · layout flyway · 3 applied, 0 pending
    layout flyway, because of V1__create_users.sql and R__all_users.sql · for good: layout = "flyway" in migrations.toml
      1    create users   applied  DATE TIME # ms
      1.1  create log     applied  DATE TIME # ms
      R all users         applied  DATE TIME # ms
    note[M0022]: afterInfo: is not run: it belongs to info, which this does not do as Flyway does
      --> db/afterInfo.sql
    $ migrate check -d sqlite:app.db --dir db
    current: at 1.1
    note[M0022]: afterInfo: is not run: it belongs to info, which this does not do as Flyway does
      --> db/afterInfo.sql
    $ migrate new add_email --dir db --sequential --reversible
    db/V2__add_email.sql
    db/U2__add_email.sql
    "#);
}

#[test]
fn values_of_placeholders_are_not_shown() {
    let project = with(&[
        ("migrate.toml", "[placeholders]\nrole = \"${ROLE}\"\n"),
        ("migrations/1_users.sql", "create table ${role}_users (id integer);\ninsert into ${rloe} values (1);\n"),
    ])
    .set("ROLE", "hunter2");
    assert_snapshot!(project.screen(&[
        "up -d sqlite:app.db --create-db",
        "up -d sqlite:app.db --create-db --placeholder rloe=nosuch --verbose",
        "plan -d sqlite:app.db --placeholder rloe=hunter2_users",
        "up -d sqlite:app.db --placeholder rloe=hunter2_users",
        "config show --placeholder rloe",
    ]), @r#"
    $ migrate up -d sqlite:app.db --create-db
    error[M0021]: 1 users: `rloe` has no value
      --> migrations/1_users.sql:2:13
     2 | insert into ${rloe} values (1);
       |             ^^^^^^^
       = did you mean `role`?
       = give it one for this run: --placeholder rloe=VALUE
       = or for good, in migrate.toml: [placeholders] rloe = "VALUE"
    [exit 2]
    $ migrate up -d sqlite:app.db --create-db --placeholder rloe=nosuch --verbose
    created app.db
    sqlite app.db · 1 pending
        1: create table ${role}_users (id integer)
        2: insert into ${rloe} values (1)
    error[M0302]: 1 users: statement 2 of 2 failed: no such table: nosuch (SQLITE_ERROR)
      --> migrations/1_users.sql:2:13
     2 | insert into ${rloe} values (1);
       |             ^^^^^^^
       = no migration was completed in this run
       = the transaction was rolled back: fix the file and run `migrate up` again
    [exit 3]
    $ migrate plan -d sqlite:app.db --placeholder rloe=hunter2_users
    1  1 users  in a transaction, 2 statements
          create table ${role}_users (id integer)
          insert into ${rloe} values (1)
    digest 733b61bb · run exactly this: migrate up --plan 733b61bb
    $ migrate up -d sqlite:app.db --placeholder rloe=hunter2_users
    sqlite app.db · 1 pending
      1  users   2 statements # ms
    1 applied in # ms · now at 1
    $ migrate config show --placeholder rloe
    error[M0407]: --placeholder has no name, or no value
       = write --placeholder NAME=VALUE
    [exit 2]
    "#);
}
