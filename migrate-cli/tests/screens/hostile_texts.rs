//! Files whose text is not what their layout wants: marks, sections, encodings, values.

use insta::assert_snapshot;

use super::hostile::validated;
use super::layouts::with;

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
