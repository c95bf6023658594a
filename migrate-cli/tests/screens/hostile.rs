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
fn a_byte_order_mark_before_a_mark() {
    let index = "\u{feff}-- no-transaction\r\ncreate index concurrently i on t (n);\r\n";
    assert_snapshot!(validated("postgres", &[("1_index.sql", index), ("../sqlx.toml", "")]), @r#"
    $ migrate validate --engine postgres
    layout sqlx, because of 1_index.sql and sqlx.toml · for good: layout = "sqlx" in migrations.toml
    1 migration · 1 remark
    warning[M0007]: 1 index: says nothing here: sqlx sees this mark at the very first byte of a file only
      --> migrations/1_index.sql:1:1
     1 | -- no-transaction
       | ^^^^^^^^^^^^^^^^^
       = if no transaction is meant: put it at the very beginning, before blanks, comments and a byte order mark
    "#);
}

#[test]
fn a_way_back_of_another_tool() {
    let goose = "-- +goose Up\ncreate table a (n int);\n-- +goose Down\ndrop table a;\n";
    let project = with(&[("migrations/1_a.sql", goose)]);
    assert_snapshot!(project.screen(&["validate --engine sqlite --layout sqlx", "validate --engine sqlite --layout native"]), @"
    $ migrate validate --engine sqlite --layout sqlx
    1 finding
    error[M0007]: 1 a: this begins the way back in a file of goose, and sqlx runs the whole file
      --> migrations/1_a.sql:3:1
     3 | -- +goose Down
       | ^^^^^^^^^^^^^^
       = if the files are goose's: --layout goose
    [exit 11]
    $ migrate validate --engine sqlite --layout native
    1 finding
    error[M0007]: 1 a: this begins the way back in a file of goose, and native runs the whole file
      --> migrations/1_a.sql:3:1
     3 | -- +goose Down
       | ^^^^^^^^^^^^^^
       = if the files are goose's: --layout goose
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
      2  fill    pending
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
fn a_placeholder_without_a_value() {
    let project = with(&[("migrations/1_a.sql", "create table ${schema}.a (n integer);\ngrant all to ${owner};\n")]);
    assert_snapshot!(project.screen(&["validate --engine postgres --placeholder schema=shop"]), @r#"
    $ migrate validate --engine postgres --placeholder schema=shop
    1 finding
    error[M0021]: 1 a: `owner` has no value
      --> migrations/1_a.sql:2:14
     2 | grant all to ${owner};
       |              ^^^^^^^^
       = give it one for this run: --placeholder owner=VALUE
       = or for good, in migrate.toml: [placeholders] owner = "VALUE"
    [exit 11]
    "#);
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
fn several_pairs_of_sections() {
    let text =
        "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n-- migrate:up\nselect 3;\n-- migrate:down\nselect 4;\n";
    let project = with(&[("migrations/1_a.sql", text)]);
    assert_snapshot!(project.screen(&["validate --engine sqlite --layout dbmate", "validate --engine sqlite"]), @"
    $ migrate validate --engine sqlite --layout dbmate
    1 migration · 1 remark
    warning[M0007]: 1 a: this section and what follows is not run: dbmate records the version with the first one, and fails here
      --> migrations/1_a.sql:5:1
     5 | -- migrate:up
       | ^^^^^^^^^^^^^
       = move it into a file of its own, with a later version
    $ migrate validate --engine sqlite
    2 findings
    error[M0007]: 1 a: there are two sections `migrate:up`
      --> migrations/1_a.sql:5:1
     5 | -- migrate:up
       | ^^^^^^^^^^^^^
       = write both into one
       = if the files are dbmate's: --layout dbmate
    error[M0007]: 1 a: there are two sections `migrate:down`
      --> migrations/1_a.sql:7:1
     7 | -- migrate:down
       | ^^^^^^^^^^^^^^^
       = write both into one
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
fn a_file_in_another_encoding() {
    let project = with(&[("migrations/1_a.up.sql", ""), ("go.mod", "")]);
    std::fs::write(project.path("migrations/1_a.up.sql"), b"select 'caf\xe9';\n").unwrap();
    assert_snapshot!(project.screen(&["validate --engine postgres"]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0005]: 1_a.up.sql: not UTF-8: byte 0xe9 starts no character
      --> migrations/1_a.up.sql:1:12
     1 | select 'caf�';
       |            ^
       = it is perhaps Latin-1 or Windows-1252
       = save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 migrations/1_a.up.sql > utf8.tmp && mv utf8.tmp migrations/1_a.up.sql
    [exit 11]
    ");
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
fn marks_of_goose_and_sql_migrate_in_other_letters() {
    let goose = "-- +goose up\ncreate table a (n int);\n -- +goose StatementBegin\n-- +goose Dwn\ndrop table a;\n";
    assert_snapshot!(validated("postgres", &[("00001_a.sql", goose), ("00002_seed.go", "package m\n")]), @"
    $ migrate validate --engine postgres
    3 findings
    error[M0007]: 00001 a: a marker of goose must not be indented
      --> migrations/00001_a.sql:3:2
     3 |  -- +goose StatementBegin
       |  ^^^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: 00001 a: `Dwn` is nothing that goose knows
      --> migrations/00001_a.sql:4:1
     4 | -- +goose Dwn
       | ^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF
    error[M0007]: 00001 a: the statement that begins here has no `-- +goose StatementEnd`
      --> migrations/00001_a.sql:3:2
     3 |  -- +goose StatementBegin
       |  ^^^^^^^^^^^^^^^^^^^^^^^^
    [exit 11]
    ");
    let other = "-- +migrate up\ncreate table a (n int);\n-- +migrate Down\ndrop table a;\n";
    assert_snapshot!(validated("postgres", &[("1-a.sql", other), ("seed.sql", "-- +migrate Up\nselect 1;\n")]), @"
    $ migrate validate --engine postgres
    3 findings
    error[M0007]: 1 a: the tool passes `up` over without a word
      --> migrations/1-a.sql:1:1
     1 | -- +migrate up
       | ^^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin and StatementEnd, in exactly these letters
    error[M0007]: 1 a: has no line `-- +migrate Up`
      --> migrations/1-a.sql
       = begin the way forward with it; what is before it is never run
    error[M0001]: seed.sql: has no number, so sql-migrate runs it after all that have one, and it has no place here
      --> migrations/seed.sql
       = the names are VERSION-NAME.sql; one that is applied somewhere keeps its name there
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
fn a_changeset_that_cannot_be_honoured() {
    let text = "--liquibase formatted sql\n--changeset alice:1 runAlways:true\nselect 1;\n--changeset alice:2\n--precondition-sql-check expectedResult:0 select 1\nselect 2;\n-changeset alice:3\n";
    assert_snapshot!(validated("postgres", &[("changelog.sql", text), ("more.sql", "select 1;\n")]), @r#"
    $ migrate validate --engine postgres
    4 findings
    error[M0001]: more.sql: has no line `--liquibase formatted sql`, so Liquibase runs it only where a changelog names it
      --> migrations/more.sql
       = make it a changeset: put that line first, and `--changeset author:id` below it
       = or move it out of the folder
    error[M0007]: changelog.sql: one dash is no comment: write --changeset alice:3
      --> migrations/changelog.sql:7:1
     7 | -changeset alice:3
       | ^^^^^^^^^^^^^^^^^^
    error[M0007]: 1 alice:1: runs every time, which a migration does not
      --> migrations/changelog.sql:2:1
     2 | --changeset alice:1 runAlways:true
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = make it a repeatable by changing its text, or run it beside the migrations
    error[M0007]: 2 alice:2: this decides what runs, and nothing here evaluates it
      --> migrations/changelog.sql:5:1
     5 | --precondition-sql-check expectedResult:0 select 1
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write what must hold as `-- migrate:precondition "text" SELECT …`, or make it the manifest's: optional = "NAME"
    [exit 11]
    "#);
}

#[test]
fn an_undo_line_a_bootstrap_and_two_statements_on_a_line() {
    let files = [
        ("../environments/development.properties", "time_zone=GMT\n"),
        ("20240131120000_a.sql", "-- // a\nselect 1; select 2;\n-- //@UNDO\nselect 3;\n"),
        ("bootstrap.sql", "create table old (n int);\n"),
        ("notes.sql", "select 1;\n"),
    ];
    assert_snapshot!(validated("postgres", &files), @"
    $ migrate validate --engine postgres
    1 finding, 2 remarks
    warning[M0007]: 20240131120000 a: MyBatis Migrations drops what follows `;` on its line, and this is run here
      --> migrations/20240131120000_a.sql:2:11
     2 | select 1; select 2;
       |           ^^^^^^^^
       = put every statement on a line of its own; where the file is applied, see what the database lacks
    note[M0022]: bootstrap.sql: is not run: it belongs to `bootstrap`, on a new database
      --> migrations/bootstrap.sql
       = run it with the engine's own client before the first `migrate up`, or make it the first migration
    error[M0001]: notes.sql: has no id: MyBatis Migrations stops at a name that does not begin with a number and `_`
      --> migrations/notes.sql
       = the names are ID_DESCRIPTION.sql
    [exit 11]
    ");
}
