//! What a person sees who comes from another tool, and who leaves for one.

use insta::assert_snapshot;
use migrate_tests::Project;

use super::dumps::{self, Engine, OWNERS, PETS, USERS};

const DATABASE: &str = "-d sqlite:app.db";

/// A project of `tool`, which has applied two of three migrations.
fn project(tool: &str) -> Project {
    let dump = dumps::named(tool);
    let project = dump
        .files
        .iter()
        .fold(Project::new(), |project, (name, text)| project.file(&format!("migrations/{name}"), text));
    let connection = project.open("app.db");
    connection.execute_batch(&format!("{}{USERS}{PETS}", (dump.table)(Engine::Sqlite))).unwrap();
    project
}

fn said(project: &Project, words: &str, code: i32) -> String {
    let screen = project.migrate(&format!("{words} {DATABASE}")).exits(code).to_string();
    // A digest changes with everything that a plan says, and is the same twice in its line.
    match screen.split_once("digest ").and_then(|(_, rest)| rest.split(' ').next()) {
        Some(digest) => screen.replace(digest, "DIGEST"),
        None => screen.clone(),
    }
}

#[test]
fn who_comes_from_golang_migrate_types_one_command() {
    let project = project("golang-migrate");
    assert_snapshot!(said(&project, "up", 1), @r#"
    $ migrate up -d sqlite:app.db
    refused[M0208]: the database has the history of golang-migrate, and none of ours: table schema_migrations with version, dirty
       = see what taking it over would do: migrate adopt --from golang-migrate --dry-run
       = take it over:                     migrate adopt --from golang-migrate
       = or take it over and go on at once: migrate up --adopt
       = or leave that history alone: set `foreign-history = "ignore"` under [policy] in migrate.toml
    exit 1
    "#);
    assert_snapshot!(said(&project, "check", 1), @r#"
    $ migrate check -d sqlite:app.db
    refused[M0208]: the database has the history of golang-migrate, and none of ours: table schema_migrations with version, dirty
       = see what taking it over would do: migrate adopt --from golang-migrate --dry-run
       = take it over:                     migrate adopt --from golang-migrate
       = or take it over and go on at once: migrate up --adopt
       = or leave that history alone: set `foreign-history = "ignore"` under [policy] in migrate.toml
    exit 1
    "#);
    assert_snapshot!(said(&project, "adopt --dry-run", 0), @r"
    $ migrate adopt --dry-run -d sqlite:app.db
    golang-migrate · schema_migrations
      table schema_migrations with version, dirty
      the files were read with the layout golang-migrate
    applied (2)
      000001 users  inferred, no checksum recorded
      000002 pets   inferred, no checksum recorded
    pending (1)
      000003 owners
    note: golang-migrate keeps no row for each of them: that they are applied is inferred from how far it has come
    ");
    assert_snapshot!(said(&project, "adopt", 0), @r"
    $ migrate adopt -d sqlite:app.db
    sqlite app.db · 3 to record
      000001  users                                     applied by golang-migrate  _ ms
      000002  pets                                      applied by golang-migrate  _ ms
      R golang-migrate's history in schema_migrations   taken over  _ ms
    2 taken over in _ ms · now at 000002
    note: golang-migrate keeps no row for each of them: that they are applied is inferred from how far it has come
    next: migrate up
    ");
    assert_snapshot!(said(&project, "up", 0), @r"
    $ migrate up -d sqlite:app.db
    sqlite app.db · 1 pending
      000003  owners   1 statement  _ ms
    1 applied in _ ms · now at 000003
    ");
    assert_snapshot!(said(&project, "status", 0), @r#"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout golang-migrate · 3 applied, 0 pending
    layout golang-migrate, because of the history, which was taken over from it · for good: layout = "golang-migrate" in migrations.toml
      000001  users    applied  DATE  _ ms  (from golang-migrate, inferred)
      000002  pets     applied  DATE  _ ms  (from golang-migrate, inferred)
      000003  owners   applied  DATE  _ ms
    "#);
    // It never hears of the third migration, and then applies a fourth.
    project.open("app.db").execute_batch("update schema_migrations set version = 4").unwrap();
    assert_snapshot!(said(&project, "up", 1), @r#"
    $ migrate up -d sqlite:app.db
    refused[M0225]: golang-migrate went on after its history was taken over: it applied 4, which is not in this set
       = take that over too: migrate adopt --from golang-migrate
       = once golang-migrate is given up, drop schema_migrations, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    exit 1
    "#);
    assert_snapshot!(said(&project, "check", 1), @r#"
    $ migrate check -d sqlite:app.db
    refused[M0225]: golang-migrate went on after its history was taken over: it applied 4, which is not in this set
       = take that over too: migrate adopt --from golang-migrate
       = once golang-migrate is given up, drop schema_migrations, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    exit 1
    "#);
    assert_snapshot!(said(&project, "status", 0), @r#"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout golang-migrate · 3 applied, 0 pending
    layout golang-migrate, because of the history, which was taken over from it · for good: layout = "golang-migrate" in migrations.toml
      000001  users    applied  DATE  _ ms  (from golang-migrate, inferred)
      000002  pets     applied  DATE  _ ms  (from golang-migrate, inferred)
      000003  owners   applied  DATE  _ ms
    refused[M0225]: golang-migrate went on after its history was taken over: it applied 4, which is not in this set
       = take that over too: migrate adopt --from golang-migrate
       = once golang-migrate is given up, drop schema_migrations, or look away from it: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
}

#[test]
fn up_takes_over_and_goes_on_at_once() {
    let project = project("flyway");
    assert_snapshot!(said(&project, "up --adopt --dry-run", 0), @r"
    $ migrate up --adopt --dry-run -d sqlite:app.db
    1  adopt 1 users                                      recorded, nothing runs
    2  adopt 2 pets                                       recorded, nothing runs
    3  adopt R Flyway's history in flyway_schema_history  recorded, nothing runs
    4  3 owners                                           in a transaction, 1 statement
          CREATE TABLE owners (id INTEGER PRIMARY KEY)
    digest DIGEST · run exactly this: migrate up --adopt --plan DIGEST
    ");
    assert_snapshot!(said(&project, "up --adopt", 0), @r"
    $ migrate up --adopt -d sqlite:app.db
    sqlite app.db · 1 pending
      1  users                                      applied by flyway  _ ms
      2  pets                                       applied by flyway  _ ms
      R Flyway's history in flyway_schema_history   taken over  _ ms
      3  owners                                     1 statement  _ ms
    1 applied, 2 taken over in _ ms · now at 3
    ");
    let history = project.migrate(&format!("history {DATABASE}")).exits(0).stdout;
    let tells = ["flyway 1 recorded", "flyway 2 recorded"].iter().all(|remark| history.contains(remark));
    assert!(tells && !history.contains(['{', '\t']), "{history}");
    assert_eq!(project.query("app.db", "select count(*) from flyway_schema_history"), "2\n");
    assert_eq!(project.query("app.db", "select name from sqlite_master where name = 'owners'"), "owners\n");
}

#[test]
fn a_file_that_is_not_what_was_run_is_named() {
    let project = project("sqlx");
    project.write("migrations/2_pets.sql", OWNERS);
    assert_snapshot!(said(&project, "adopt", 1), @r"
    $ migrate adopt -d sqlite:app.db
    sqlx · _sqlx_migrations
      table _sqlx_migrations with version, description, installed_on … execution_time (6)
      the files were read with the layout native
    applied (2)
      1 users  checksum matches
      2 pets   checksum differs
    pending (1)
      3 owners
    error[M0224]: 2 pets: the file is not what sqlx recorded
      --> migrations/2_pets.sql
       = recorded: c118b4779b3681969215af136ee31c9befc511ac8e83910dabd5c29316493d11dd52bfd715be514a167c703ab68fa6e0
       = the file: 91fdc56fbf165bf40dc0fc414cc101682b22cfb9c1ee34e3a1db28b6c1ab65249947c3d924dc09ea6babeea2413622cd
       = put the file back as it was run, or, if what it does is the same:
       = take it over as it is: migrate adopt --accept-changed 2
    exit 1
    ");
    assert_snapshot!(said(&project, "adopt --accept-changed 2", 0), @r"
    $ migrate adopt --accept-changed 2 -d sqlite:app.db
    sqlite app.db · 3 to record
      1  users                               applied by sqlx  _ ms
      2  pets                                applied by sqlx  _ ms
      R sqlx's history in _sqlx_migrations   taken over  _ ms
    2 taken over in _ ms · now at 2
    next: migrate up
    ");
}

#[test]
fn who_leaves_takes_the_history_along() {
    let project = Project::with(&[("1_users", USERS), ("2_pets", PETS)]);
    said(&project, "up --create-db", 0);
    assert_snapshot!(said(&project, "export --to golang-migrate --dry-run", 0), @r#"
    $ migrate export --to golang-migrate --dry-run -d sqlite:app.db
    CREATE TABLE "schema_migrations" (version uint64,dirty bool);
    CREATE UNIQUE INDEX version_unique ON "schema_migrations" (version);
    INSERT INTO "schema_migrations" (version, dirty) VALUES (2, 0);
    "#);
    assert_snapshot!(said(&project, "export --to sqlx", 0), @r"
    $ migrate export --to sqlx -d sqlite:app.db
    2 rows written into _sqlx_migrations
    next: let sqlx look at it; migrate's own history is as it was
    ");
    assert_snapshot!(said(&project, "export --to liquibase", 2), @r"
    $ migrate export --to liquibase -d sqlite:app.db
    error[M0407]: the history of `liquibase` cannot be written; these can: flyway, golang-migrate, sqlx, goose, refinery, diesel, dbmate
       = nothing was written
    exit 2
    ");
}
