//! Hostile files of layouts that mark what is in their files: what a person reads.

use insta::assert_snapshot;

use super::hostile::validated;
use super::layouts::with;

#[test]
fn markers_in_small_letters() {
    let goose = "\u{feff}-- +goose up\r\ncreate table a (n int);\r\n-- +goose down\r\ndrop table a;\r\n";
    assert_snapshot!(validated("postgres", &[("1_a.sql", goose)]), @r#"
    $ migrate validate --engine postgres
    layout goose, because of `+goose` in migrations/1_a.sql · for good: layout = "goose" in migrations.toml
    1 migration · nothing found
    "#);
    let word = "-- +goose Up\ncreate table a (n int);\n-- +goose Dwon\ndrop table a;\n";
    assert_snapshot!(validated("postgres", &[("1_a.sql", word)]), @"
    $ migrate validate --engine postgres
    1 finding
    error[M0007]: 1 a: `Dwon` is nothing that goose knows
      --> migrations/1_a.sql:3:1
     3 | -- +goose Dwon
       | ^^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF
    [exit 11]
    ");
    let migrate = "-- +migrate up\ncreate table a (n int);\n-- +migrate down\ndrop table a;\n";
    assert_snapshot!(validated("postgres", &[("1_a.sql", migrate)]), @"
    $ migrate validate --engine postgres
    3 findings
    error[M0007]: 1 a: the tool passes `up` over without a word
      --> migrations/1_a.sql:1:1
     1 | -- +migrate up
       | ^^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin and StatementEnd, in exactly these letters
    error[M0007]: 1 a: the tool passes `down` over without a word
      --> migrations/1_a.sql:3:1
     3 | -- +migrate down
       | ^^^^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin and StatementEnd, in exactly these letters
    error[M0007]: 1 a: has no line `-- +migrate Up`
      --> migrations/1_a.sql
       = begin the way forward with it; what is before it is never run
    [exit 11]
    ");
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
