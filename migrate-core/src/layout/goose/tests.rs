//! Files of goose's → what is understood and what is said.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::layout::EngineNames;
use crate::layout::testing::{decision, names_read_back, pieces, said, shown};

const GOOD: &str = "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$ LANGUAGE sql;\n\
                    -- +goose StatementEnd\nCREATE TABLE a (n int);\n\n-- +goose Down\nDROP TABLE a;\nDROP FUNCTION f;\n";

fn read(text: &str, variables: &[(&str, &str)], placeholders: &[(&str, &str)]) -> Reading {
    let mut options = ReadOptions::new(EngineNames::POSTGRES);
    options.environment = variables.iter().copied().collect();
    options.placeholders = placeholders.iter().copied().collect();
    Goose.read(&Folder::embedded("m", [("1_a.sql", text)]), &options)
}

#[test]
fn a_set_of_gooses() {
    assert_snapshot!(shown(&Goose, &[
        ("00001_create_a.sql", GOOD),
        ("00002_seed.go", "package migrations"),
        ("00003_index.sql", "-- +goose no transaction\n-- +goose up\ncreate index concurrently i on a (n);"),
        ("20240131120000_later.SQL", "-- +goose Up\nselect 1;"),
        ("00002_seed_test.go", ""),
        ("embed.go", ""),
        ("README.md", ""),
    ]), @"
    00001 create a: m/00001_create_a.sql <- m/00001_create_a.sql
    00002 seed: m/00002_seed.go (code: Go)
    00003 index: m/00003_index.sql (no transaction, no transaction back)
    20240131120000 later: m/20240131120000_later.SQL
    ");
}

#[test]
fn marked_statements_are_one_and_the_rest_is_split() {
    let reading = read(&GOOD.replace("SELECT 1;", "one; two"), &[], &[]);
    let migration = &reading.migrations[0];
    assert_eq!(
        pieces(&migration.up),
        ["CREATE FUNCTION f() RETURNS int AS $$ one; two $$ LANGUAGE sql", "CREATE TABLE a (n int)"]
    );
    assert_eq!(pieces(migration.down.as_ref().unwrap()), ["DROP TABLE a", "DROP FUNCTION f"]);
    let marked =
        "-- +goose Up\n-- +goose StatementBegin\nthis 'is; one\n-- +goose StatementEnd\n-- +goose Down\nselect 1;";
    let reading = read(marked, &[], &[]);
    let migration = &reading.migrations[0];
    assert_eq!(pieces(&migration.up), ["this 'is; one"]);
    assert_eq!(pieces(migration.down.as_ref().unwrap()), ["select 1"]);
    // What is stored in a history is cut as the file is.
    let stored = Source::stored("row", migration.up.text());
    assert_eq!(pieces(&stored.with_cuts(Goose.cuts(&stored, &Syntax::POSTGRES))), ["this 'is; one"]);
    let crlf = read(&marked.replace('\n', "\r\n"), &[], &[]);
    assert_eq!(pieces(&crlf.migrations[0].up), ["this 'is; one"]);
}

#[test]
fn a_marker_without_a_blank_is_not_sent_to_mysql() {
    let folder = Folder::embedded("m", [("1_a.sql", "--+goose Up\nselect 1;\n--+goose Down\nselect 2;\n")]);
    let reading = Goose.read(&folder, &ReadOptions::new(EngineNames::MYSQL));
    let texts = |source: &Source| crate::sql::split::split(source, &Syntax::MYSQL).pieces.len();
    let migration = &reading.migrations[0];
    assert_eq!((texts(&migration.up), migration.down.as_ref().map(texts)), (1, Some(1)));
    assert_eq!(migration.up.text().trim(), "select 1;");
}

#[test]
fn what_is_wrong_with_markers_is_said_at_its_place() {
    let wrong = |text: &str| said(&read(text, &[], &[]));
    assert_snapshot!(wrong("select 1;\n-- +goose Up\n  -- +goose StatementBegin\nselect 1;\n-- +goose Don\n"), @"
    error[M0007]: 1 a: text before `-- +goose Up` would never run
      --> m/1_a.sql:1:1
     1 | select 1;
       | ^^^^^^^^^
       = move it below that line; goose refuses the file too
    error[M0007]: 1 a: a marker of goose must not be indented
      --> m/1_a.sql:3:3
     3 |   -- +goose StatementBegin
       |   ^^^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: 1 a: `Don` is nothing that goose knows
      --> m/1_a.sql:5:1
     5 | -- +goose Don
       | ^^^^^^^^^^^^^
       = known are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF
    error[M0007]: 1 a: the statement that begins here has no `-- +goose StatementEnd`
      --> m/1_a.sql:3:3
     3 |   -- +goose StatementBegin
       |   ^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(wrong("-- +goose Down\n-- +goose Up\n-- +goose StatementEnd\n-- +goose Up\n"), @"
    error[M0007]: 1 a: the way back stands before the way forward
      --> m/1_a.sql:1:1
     1 | -- +goose Down
       | ^^^^^^^^^^^^^^
    error[M0007]: 1 a: no `-- +goose StatementBegin` stands before it
      --> m/1_a.sql:3:1
     3 | -- +goose StatementEnd
       | ^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: 1 a: there are two lines `-- +goose Up`
      --> m/1_a.sql:4:1
     4 | -- +goose Up
       | ^^^^^^^^^^^^
    ");
    assert_snapshot!(wrong("-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementBegin\n-- +goose Down\n-- +goose Down\n"), @"
    error[M0007]: 1 a: a statement begins inside another one
      --> m/1_a.sql:3:1
     3 | -- +goose StatementBegin
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: 1 a: the statement that begins here has no `-- +goose StatementEnd`
      --> m/1_a.sql:2:1
     2 | -- +goose StatementBegin
       | ^^^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: 1 a: there are two lines `-- +goose Down`
      --> m/1_a.sql:5:1
     5 | -- +goose Down
       | ^^^^^^^^^^^^^^
    ");
    assert_snapshot!(wrong("create table a (n int);"), @"
    error[M0007]: 1 a: text before `-- +goose Up` would never run
      --> m/1_a.sql:1:1
     1 | create table a (n int);
       | ^^^^^^^^^^^^^^^^^^^^^^^
       = move it below that line; goose refuses the file too
    error[M0007]: 1 a: has no line `-- +goose Up`
      --> m/1_a.sql
       = begin the way forward with it; goose refuses the file too
    ");
}

#[test]
fn names_that_are_nearly_gooses_are_errors() {
    assert_snapshot!(shown(&Goose, &[
        ("1_a.sql", GOOD),
        ("001_b.sql", GOOD),
        ("0_zero.sql", GOOD),
        ("2-b.sql", GOOD),
        ("30_x.up..sql", GOOD),
        ("9223372036854775808_x.sql", GOOD),
        ("seed.sql", ""),
    ]), @"
    001 b: m/001_b.sql <- m/001_b.sql
    30 x.up.: m/30_x.up..sql <- m/30_x.up..sql
    error[M0001]: 0_zero.sql: is not a name of goose, which would pass it over without a word
      --> m/0_zero.sql
       = the names are VERSION_NAME.sql, the version a number from 1
       = if it is none, move it out of the folder
    error[M0001]: 2-b.sql: is not a name of goose, which would pass it over without a word
      --> m/2-b.sql
       = if it is a migration, name it 2_b.sql
       = if it is none, move it out of the folder
    error[M0001]: 9223372036854775808_x.sql: is not a name of goose, which would pass it over without a word
      --> m/9223372036854775808_x.sql
       = the names are VERSION_NAME.sql, the version a number from 1
       = if it is none, move it out of the folder
    warning[M0001]: seed.sql: is not read, because it has no name of goose
      --> m/seed.sql
       = the names are VERSION_NAME.sql, the version a number from 1
    error[M0002]: 1 a: two files claim this identity
      --> m/1_a.sql
       = the other one is m/001_b.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
}

#[test]
fn variables_have_values_where_they_are_replaced() {
    let text = "-- +goose Up\nselect '$A';\n-- +goose ENVSUB ON\nselect '$A', '${B}', '${C:-c}', '${E:-e}', '${E-f}', $$x$$, '$1';\n\
                -- +goose ENVSUB OFF\nselect '${A}';\n-- +goose Down\nselect 2;";
    let reading = read(text, &[("A", "a"), ("E", ""), ("B", "no")], &[("B", "b; b")]);
    assert_eq!(said(&reading), "");
    let migration = &reading.migrations[0];
    assert_eq!(
        pieces(&migration.up),
        ["select '$A'", "select 'a', 'b; b', 'c', 'e', '', $$x$$, '$1'", "select '${A}'"]
    );
    assert_eq!(pieces(migration.down.as_ref().unwrap()), ["select 2"]);
    assert_eq!(migration.up.written(), &text[..text.find("-- +goose Down").unwrap()]);
    assert_snapshot!(said(&read(text, &[("A", "a")], &[("BB", "")])), @r#"
    error[M0021]: 1 a: `B` has no value
      --> m/1_a.sql:4:15
     4 | select '$A', '${B}', '${C:-c}', '${E:-e}', '${E-f}', $$x$$, '$1';
       |               ^^^^
       = give it one for this run: --placeholder B=VALUE
       = or for good, in migrate.toml: [placeholders] B = "VALUE"
       = if no variable is meant, end what is replaced before it: -- +goose ENVSUB OFF
    "#);
    assert_snapshot!(said(&read("-- +goose Up\n-- +goose ENVSUB ON\nselect ${A:?must}, $fn$;", &[("A", "a")], &[])), @r#"
    error[M0021]: 1 a: `A:?must` has no value
      --> m/1_a.sql:3:8
     3 | select ${A:?must}, $fn$;
       |        ^^^^^^^^^^
       = give it one for this run: --placeholder A:?must=VALUE
       = or for good, in migrate.toml: [placeholders] "A:?must" = "VALUE"
       = if no variable is meant, end what is replaced before it: -- +goose ENVSUB OFF
    error[M0021]: 1 a: `fn` has no value
      --> m/1_a.sql:3:20
     3 | select ${A:?must}, $fn$;
       |                    ^^^
       = give it one for this run: --placeholder fn=VALUE
       = or for good, in migrate.toml: [placeholders] fn = "VALUE"
       = if no variable is meant, end what is replaced before it: -- +goose ENVSUB OFF
    "#);
}

#[test]
fn a_marker_makes_it_gooses() {
    assert_eq!(decision(&[("1_a.sql", GOOD), ("2_b.sql", "")], &[]), "goose: `+goose` in m/1_a.sql");
    assert_eq!(decision(&[("1_a.sql", "select '-- +goose Up';")], &[]), "native");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_named_reads_back(version in "0{0,3}[1-9][0-9]{0,15}", description in "[a-z]{1,8}( [a-z0-9]{1,8}){0,3}", reversible: bool) {
        names_read_back(&Goose, &version, &description, reversible);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(-- \\+goose (Up|Down|StatementBegin|StatementEnd|ENVSUB ON|x)\r?\n|\\$\\{?[A-C](:-[a-z])?\\}?|[ a-z;'$\n\u{e9}]){0,30}") {
        let _ = read(&text, &[("A", "value"), ("B", "")], &[]);
    }
}
