//! Hostile folders: what a person reads when the files of another tool are not what they should be. Names, sections and
//! marks that a layout alone can judge are tested beside it; here is one of each kind, as the command line says it.

use insta::assert_snapshot;

use super::Project;
use super::layouts::with;

/// What `validate` says of these files, in a folder `migrations` if they do not say otherwise.
pub(super) fn validated(engine: &str, files: &[(&str, &str)]) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| match name.strip_prefix("../") {
            Some(name) => (name.to_owned(), *text),
            None => (format!("migrations/{name}"), *text),
        })
        .collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    with(&files).screen(&[&format!("validate --engine {engine}")])
}

#[test]
fn two_files_with_one_version() {
    let files = [("1_a.up.sql", "select 1;"), ("01_b.up.sql", "select 1;"), ("../go.mod", "module shop\n")];
    assert_snapshot!(validated("postgres", &files), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0002]: 1 a: two files claim this identity
      --> migrations/1_a.up.sql
       = the other one is migrations/01_b.up.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    [exit 11]
    ");
}

#[test]
fn names_that_are_nearly_names() {
    let files = [("30_x.up..sql", "select 1;"), ("30_x.Down.sql", "select 1;"), ("../sqlx.toml", "")];
    assert_snapshot!(validated("postgres", &files), @"
    $ migrate validate --engine postgres
    2 findings
    error[M0001]: 30_x.Down.sql: sqlx takes it for a way forward of its own, and `Down` for a part of its name
      --> migrations/30_x.Down.sql
       = if it is one direction of a migration, name it 30_x.down.sql
    error[M0001]: 30_x.up..sql: sqlx takes it for a way forward of its own, and `up` for a part of its name
      --> migrations/30_x.up..sql
       = if it is one direction of a migration, name it 30_x.up.sql
    [exit 11]
    ");
    let files = [("1_a.up.sql", "select 1;"), ("2-b.up.sql", "select 1;"), ("2024-x.sql.bak", ""), ("../go.mod", "")];
    assert_snapshot!(validated("postgres", &files), @"
    $ migrate validate --engine postgres
    2 findings
    error[M0001]: 2-b.up.sql: is not a name of golang-migrate, which would pass it over without a word
      --> migrations/2-b.up.sql
       = if it is a migration, name it 2_b.up.sql
       = if it is none, move it out of the folder
    error[M0001]: 2024-x.sql.bak: is not a name of golang-migrate, which would pass it over without a word
      --> migrations/2024-x.sql.bak
       = if it is a migration, name it 2024_x.up.sql
       = if it is none, move it out of the folder
    [exit 11]
    ");
}

#[test]
fn a_program_in_between() {
    let project = with(&[
        ("migrations/V1__users.sql", "create table users (id integer primary key);\n"),
        ("migrations/V2__fill.rs", "pub fn migration() -> String { String::new() }\n"),
        ("migrations/V3__more.sql", "create table more (id integer primary key);\n"),
    ]);
    assert_snapshot!(project.screen(&["up -d sqlite:app.db --create-db", "status -d sqlite:app.db"]), @r#"
    $ migrate up -d sqlite:app.db --create-db
    created app.db
    refused[M0221]: 2 fill: is pending, and its work is Rust code, which only its own program can run
      --> migrations/V2__fill.rs
       = apply what comes before it: migrate up --to 1
       = let its program do its work, or do it by hand, then record that: migrate resolve 2 --applied
    [exit 1]
    $ migrate status -d sqlite:app.db
    sqlite app.db · no history yet · layout refinery · 0 applied, 3 pending
    layout refinery, because of V2__fill.rs · for good: layout = "refinery" in migrations.toml
      1  users   pending
      2  fill    pending  (Rust code)
      3  more    pending
    refused[M0221]: 2 fill: is pending, and its work is Rust code, which only its own program can run
      --> migrations/V2__fill.rs
       = apply what comes before it: migrate up --to 1
       = let its program do its work, or do it by hand, then record that: migrate resolve 2 --applied
    "#);
}

#[test]
fn an_applied_file_that_was_edited() {
    let files = [("migrations/1_a.sql", "create table a (n integer);\n"), ("sqlx.toml", "")];
    let project = with(&files);
    assert_eq!(project.run("up -d sqlite:app.db --create-db").code, 0);
    project.write("migrations/1_a.sql", "create table a (n integer, m integer);\n");
    assert_snapshot!(project.screen(&["up -d sqlite:app.db"]), @"
    $ migrate up -d sqlite:app.db
    error[M0110]: 1 a was changed after it was applied (DATE)
      --> migrations/1_a.sql
       | - create table a (n integer);
       | + create table a (n integer, m integer);
       = put the old text back:   migrate accept 1 --restore
       = or accept the new text:  migrate accept 1
    [exit 1]
    ");
}

#[test]
fn one_that_was_merged_late() {
    let project = with(&[("migrations/2_b.up.sql", "create table b (n integer);\n"), ("go.mod", "")]);
    assert_eq!(project.run("up -d sqlite:app.db --create-db").code, 0);
    project.write("migrations/1_a.up.sql", "create table a (n integer);\n");
    assert_snapshot!(project.screen(&["up -d sqlite:app.db"]), @"
    $ migrate up -d sqlite:app.db
    refused[M0201]: 1 a is not applied, but 2 already is
      --> migrations/1_a.up.sql
       = give the file a version above 2
       = or, if it does not depend on the order: migrate up --out-of-order 1
    [exit 1]
    ");
    project.write("sqlx.toml", "");
    assert_snapshot!(project.screen(&["up -d sqlite:app.db --layout sqlx --out-of-order refuse", "up -d sqlite:app.db --layout sqlx"]), @"
    $ migrate up -d sqlite:app.db --layout sqlx --out-of-order refuse
    refused[M0201]: 1 a is not applied, but 2 already is
      --> migrations/1_a.up.sql
       = give the file a version above 2
       = or, if it does not depend on the order: migrate up --out-of-order 1
    [exit 1]
    $ migrate up -d sqlite:app.db --layout sqlx
    sqlite app.db · 1 pending
      1  a   1 statement # ms
    1 applied in # ms · now at 2
    ");
}

#[test]
fn a_sum_that_does_not_match() {
    let sum = "h1:+2LfwE7EAW3ibWIir0uirvxjkICyiqn9pAuW6UYoljc=\n\
               20240101000000_a.sql h1:ZIsXkZkdAJaDhDs5jJ0lzX58B786+RrXswTEQo6xzKM=\n\
               20240102000000_b.sql h1:jkLHlno3iY3ud3gcLxofR1cAP+s/HnbiR68BRCARxfs=\n";
    let users = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";
    let files = |second| [("20240101000000_a.sql", users), ("20240102000000_b.sql", second), ("atlas.sum", sum)];
    assert_snapshot!(validated("postgres", &files("SELECT 1;\n")), @r#"
    $ migrate validate --engine postgres
    layout atlas, because of atlas.sum · for good: layout = "atlas" in migrations.toml
    2 migrations · nothing found
    "#);
    assert_snapshot!(validated("postgres", &files("SELECT 2;\n")), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0019]: 20240102000000_b.sql: is not what atlas.sum says: it was changed
      --> migrations/20240102000000_b.sql
       = put it back as it was; or, if the change is meant and nobody has applied it yet:
       = atlas migrate hash
    [exit 11]
    ");
    assert_snapshot!(validated("postgres", &files("SELECT 1;\r\n")), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0019]: 20240102000000_b.sql: is not what atlas.sum says: it was changed
      --> migrations/20240102000000_b.sql
       = only the ends of lines differ: atlas.sum was made with LF, and the files have CRLF
       = write `*.sql text eol=lf` into .gitattributes, and check the files out again
    [exit 11]
    ");
}

#[test]
fn a_sum_over_files_of_another_tool() {
    let files = [("1_a.up.sql", "select 1;"), ("1_a.down.sql", "select 1;"), ("atlas.sum", "h1:x\n")];
    assert_snapshot!(validated("postgres", &files), @r#"
    $ migrate validate --engine postgres
    1 finding
    error[M0018]: migrations: the names do not tell whose layout this is: atlas or sqlx or golang-migrate
      --> migrations
       = atlas: atlas.sum, but migrations/1_a.down.sql is written for another tool
       = sqlx: 1_a.down.sql
       = golang-migrate: 1_a.down.sql
       = say which: --layout atlas or --layout sqlx or --layout golang-migrate; or for good: layout = "…" in migrations/migrations.toml
    [exit 11]
    "#);
}

#[test]
fn metadata_that_does_not_say_what_it_is_there_for() {
    assert_snapshot!(validated("postgres", &[("1_a/up.sql", "select 1;"), ("1_a/metadata.toml", "# todo\n")]), @r#"
    $ migrate validate --engine postgres
    layout diesel, because of 1_a/up.sql · for good: layout = "diesel" in migrations.toml
    1 migration · 1 remark
    warning[M0019]: 1 a: metadata.toml does not say run_in_transaction, so diesel runs the migration without a transaction
      --> migrations/1_a/metadata.toml
       = say what is meant: run_in_transaction = true
    "#);
}

#[test]
fn folders_without_their_script() {
    let files = [("1_a/up.sql", "select 1;"), ("2_b/Up.sql", "select 1;"), ("../diesel.toml", "")];
    assert_snapshot!(validated("postgres", &files), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0001]: 2_b: holds no up.sql, and diesel stops at it
      --> migrations/2_b
       = if it is no migration, move it out of the folder
    [exit 11]
    ");
    let lock = ("migration_lock.toml", "provider = \"postgresql\"\n");
    assert_snapshot!(validated("postgres", &[lock, ("1_a/migration.sql", "select 1;"), ("2_b/steps.json", "{}")]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0001]: 2_b: holds no migration.sql, and Prisma stops at it
      --> migrations/2_b
       = if it is no migration, move it out of the folder
    [exit 11]
    ");
}

#[test]
fn an_order_that_is_none_of_numbers() {
    let lock = ("migration_lock.toml", "provider = \"postgresql\"\n");
    assert_snapshot!(validated("postgres", &[lock, ("9_a/migration.sql", "select 1;"), ("10_b/migration.sql", "select 1;")]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0201]: 9_a: Prisma runs it after 10_b, because it compares text; as numbers it comes first
      --> migrations/9_a
       = an order that depends on how many digits a version has cannot be kept
       = where nothing is applied yet, write all versions with the same number of digits
    [exit 11]
    ");
}

#[test]
fn a_journal_after_a_merge() {
    let journal = "{\n  \"dialect\": \"sqlite\",\n  \"entries\": [\n    { \"idx\": 0, \"when\": 10, \"tag\": \"0000_a\" },\n    \
                   { \"idx\": 1, \"when\": 5, \"tag\": \"0001_b\" }\n  ]\n}\n";
    let files = [
        ("meta/_journal.json", journal),
        ("0000_a.sql", "select 1;"),
        ("0001_b.sql", "select 1;"),
        ("0001_c.sql", "select 1;"),
    ];
    assert_snapshot!(validated("sqlite", &files), @r#"
    $ migrate validate --engine sqlite
    1 finding, 1 remark
    warning[M0201]: 0001_b: has an earlier `when` than 0000_a, so Drizzle passes it over where that one is applied
      --> migrations/meta/_journal.json:5:35
     5 |     { "idx": 1, "when": 5, "tag": "0001_b" }
       |                                   ^^^^^^^^
       = here it runs; a database that Drizzle brought up to date may be without it
    error[M0019]: 0001_c.sql: is not in meta/_journal.json, so Drizzle never runs it
      --> migrations/0001_c.sql
       = if it is a migration, generate it again: npx drizzle-kit generate --custom
       = if it is none, move it out of the folder
    [exit 11]
    "#);
}

#[test]
fn a_gap_in_numbers_that_are_counted() {
    let project = with(&[("migrations/1-a/up.sql", "select 1;"), ("migrations/3-c/up.sql", "select 1;")]);
    assert_snapshot!(project.screen(&["validate --engine sqlite --layout rusqlite_migration"]), @"
    $ migrate validate --engine sqlite --layout rusqlite_migration
    1 finding
    error[M0001]: 3 c: is number 2 in the folder, and rusqlite_migration takes no gaps
      --> migrations/3-c/up.sql
       = the one before it, number 2, is missing
    [exit 11]
    ");
}

#[test]
fn files_in_subfolders_that_the_tool_does_not_enter() {
    let files = [("1_a.up.sql", "select 1;"), ("old/2_b.up.sql", "select 1;"), ("../go.mod", "")];
    assert_snapshot!(validated("postgres", &files), @r#"
    $ migrate validate --engine postgres
    layout golang-migrate, because of 1_a.up.sql and go.mod · for good: layout = "golang-migrate" in migrations.toml
    1 migration · 1 remark
    note[M0017]: migrations/old: holds 1 .sql file that is not read
      --> migrations/old
       = if they belong to this set too: --dir migrations --dir migrations/old
    "#);
}

#[test]
fn undo_or_forward() {
    let files = [("V1__a.sql", "select 1;"), ("U1__a.sql", "select 1;")];
    assert_snapshot!(validated("postgres", &files), @r#"
    $ migrate validate --engine postgres
    1 finding
    error[M0018]: migrations: the names do not tell whose layout this is: flyway or refinery
      --> migrations
       = flyway: V1__a.sql
       = refinery: U1__a.sql
       = say which: --layout flyway or --layout refinery; or for good: layout = "…" in migrations/migrations.toml
    [exit 11]
    "#);
}

#[test]
fn migrations_that_are_no_sql() {
    let plan = ("../sqitch.plan", "%syntax-version=1.0.0\n");
    assert_snapshot!(validated("postgres", &[("deploy/a.sql", "begin;"), ("revert/a.sql", "begin;"), plan]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0020]: sqitch.plan: migrations of Sqitch are scripts for psql in the order of a plan: they cannot be run here
      --> sqitch.plan
       = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
       = what Sqitch has applied is taken over as it is: migrate adopt --from sqitch --dir FOLDER
    [exit 11]
    ");
    let changelog = "<databaseChangeLog>\n</databaseChangeLog>\n";
    assert_snapshot!(validated("postgres", &[("db.changelog.xml", changelog)]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0020]: db.changelog.xml: migrations of Liquibase are descriptions of changes, from which the tool makes the SQL: they cannot be run here
      --> migrations/db.changelog.xml
       = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
       = what Liquibase has applied is taken over as it is: migrate adopt --from liquibase --dir FOLDER
    [exit 11]
    ");
    let rails = "class A < ActiveRecord::Migration[8.0]\nend\n";
    assert_snapshot!(validated("postgres", &[("20240131_a.rb", rails)]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0020]: 20240131_a.rb: migrations of Rails are Ruby: they cannot be run here
      --> migrations/20240131_a.rb
       = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
       = what Rails has applied is taken over as it is: migrate adopt --from rails --dir FOLDER
    [exit 11]
    ");
}

#[test]
fn a_layout_that_the_files_do_not_have() {
    let project = with(&[("migrations/2024_a/migration.sql", "select 1;"), ("migrations/1_a.sql", "select 1;")]);
    assert_snapshot!(project.screen(&["validate --engine sqlite --layout prisma", "validate --engine sqlite --layout prism"]), @"
    $ migrate validate --engine sqlite --layout prisma
    1 migration · 1 remark
    warning[M0001]: 1_a.sql: is not read: a migration of Prisma is a folder with migration.sql in it
      --> migrations/1_a.sql
       = if it is a migration, give it a folder of its own
    $ migrate validate --engine sqlite --layout prism
    1 finding
    error[M0407]: there is no layout `prism`
       = did you mean `prisma`?
    [exit 11]
    ");
}

#[test]
fn a_folder_without_a_migration_of_the_layout() {
    let project: Project = with(&[("migrations/README.md", "nothing yet\n")]);
    assert_snapshot!(project.screen(&["validate --engine sqlite --layout golang-migrate"]), @"
    $ migrate validate --engine sqlite --layout golang-migrate
    1 finding
    refused[M0006]: migrations: holds no migration
      --> migrations
       = write the first one: migrate new create_users
    [exit 11]
    ");
}

#[test]
fn flyways_names_settings_and_callbacks() {
    let files = [
        ("V1__a.sql", "select '${tenant}';\n"),
        ("V2_b.sql", "select 1;\n"),
        ("R__v.sql", "select 1;\n"),
        ("U3__gone.sql", "select 1;\n"),
        ("V1__a.sql.conf", "executeInTransation=false\n"),
        ("afterConnect.sql", "set role app;\n"),
    ];
    assert_snapshot!(validated("postgres", &files), @r#"
    $ migrate validate --engine postgres
    5 findings
    error[M0019]: 1 a: `executeInTransation` is no setting of a script
      --> migrations/V1__a.sql.conf:1:1
     1 | executeInTransation=false
       | ^^^^^^^^^^^^^^^^^^^
    error[M0021]: 1 a: `tenant` has no value
      --> migrations/V1__a.sql:1:9
     1 | select '${tenant}';
       |         ^^^^^^^^^
       = give it one for this run: --placeholder tenant=VALUE
       = or for good, in migrate.toml: [placeholders] tenant = "VALUE"
    error[M0001]: V2_b.sql: is not a migration's name: `2_b` is no version: numbers with dots or underscores, then __; Flyway would pass it over without a word
      --> migrations/V2_b.sql
       = if it is a migration, name it V2__b.sql
       = if it is none, move it out of the folder
    error[M0022]: afterConnect: cannot be run: nothing here hangs on connections, and without it Flyway would do something else
      --> migrations/afterConnect.sql
       = put what it does into a callback around migrations: beforeMigrate, beforeEachMigrate, afterEachMigrate …
       = or move it out of the folder
    error[M0003]: 3: an undo without its migration
      --> migrations/U3__gone.sql
       = it takes back V3__….sql, which is not there
       = if it is a migration of refinery, which runs forward: --layout refinery
    [exit 11]
    "#);
}

#[test]
fn a_go_file_in_between() {
    let project = with(&[
        ("migrations/00001_a.sql", "-- +goose Up\ncreate table a (n int);\n"),
        ("migrations/00002_fill.go", "package migrations\n"),
        ("migrations/00003_b.sql", "-- +goose Up\ncreate table b (n int);\n"),
    ]);
    assert_snapshot!(project.screen(&["up -d sqlite:app.db --create-db"]), @"
    $ migrate up -d sqlite:app.db --create-db
    created app.db
    refused[M0221]: 00002 fill: is pending, and its work is Go code, which only its own program can run
      --> migrations/00002_fill.go
       = apply what comes before it: migrate up --to 00001
       = let its program do its work, or do it by hand, then record that: migrate resolve 00002 --applied
    [exit 1]
    ");
}
