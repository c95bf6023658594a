use insta::assert_snapshot;
use proptest::prelude::*;

use super::sum::{self, Line};
use super::*;
use crate::layout::EngineNames;
use crate::layout::testing::{decision, shown, statements};

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";
const A: (&str, &str) = ("20240101000000_a.sql", USERS);
const B: (&str, &str) = ("20240102000000_b.sql", "SELECT 1;\n");

/// Of [`A`] and [`B`]: the vector of `FORMATS`, section 17.
const SUM: &str = "h1:+2LfwE7EAW3ibWIir0uirvxjkICyiqn9pAuW6UYoljc=\n\
    20240101000000_a.sql h1:ZIsXkZkdAJaDhDs5jJ0lzX58B786+RrXswTEQo6xzKM=\n\
    20240102000000_b.sql h1:jkLHlno3iY3ud3gcLxofR1cAP+s/HnbiR68BRCARxfs=\n";

/// The sum of these files, as the tool writes it.
fn summed(files: &[(&str, &str)]) -> String {
    let (total, lines) = sum::count(files.iter().copied());
    let lines: Vec<_> = lines.iter().map(|Line { name, digest }| format!("{name} h1:{digest}\n")).collect();
    format!("h1:{total}\n{}", lines.concat())
}

#[test]
fn a_sum_is_what_the_tool_writes() {
    assert_eq!(summed(&[A, B]), SUM);
    assert_eq!(
        shown(&Atlas, &[A, B, (sum::FILE, SUM)]),
        "20240101000000 a: m/20240101000000_a.sql\n20240102000000 b: m/20240102000000_b.sql\n"
    );
}

#[test]
fn the_first_file_that_is_not_as_the_sum_says_is_named() {
    let edited = (A.0, "CREATE TABLE users (id INTEGER);\n");
    assert_snapshot!(shown(&Atlas, &[edited, B, (sum::FILE, SUM)]), @"
    20240101000000 a: m/20240101000000_a.sql
    20240102000000 b: m/20240102000000_b.sql
    error[M0019]: 20240101000000_a.sql: is not what atlas.sum says: it was changed
      --> m/20240101000000_a.sql
       = put it back as it was; or, if the change is meant and nobody has applied it yet:
       = atlas migrate hash
    ");
    assert_snapshot!(shown(&Atlas, &[A, B, ("20240103000000_c.sql", "SELECT 2;\n"), (sum::FILE, SUM)]), @"
    20240101000000 a: m/20240101000000_a.sql
    20240102000000 b: m/20240102000000_b.sql
    20240103000000 c: m/20240103000000_c.sql
    error[M0019]: 20240103000000_c.sql: is not in atlas.sum
      --> m/20240103000000_c.sql
       = if all is as it should be, have it counted again: atlas migrate hash
    ");
    assert_snapshot!(shown(&Atlas, &[B, (sum::FILE, SUM)]), @"
    20240102000000 b: m/20240102000000_b.sql
    error[M0019]: 20240101000000_a.sql: is in atlas.sum, and the file is gone
      --> m/atlas.sum
       = if all is as it should be, have it counted again: atlas migrate hash
    ");
    assert_snapshot!(shown(&Atlas, &[A, (sum::FILE, SUM)]), @"
    20240101000000 a: m/20240101000000_a.sql
    error[M0019]: 20240102000000_b.sql: is in atlas.sum, and the file is gone
      --> m/atlas.sum
       = if all is as it should be, have it counted again: atlas migrate hash
    ");
    let crlf = (B.0, "SELECT 1;\r\n");
    assert_snapshot!(shown(&Atlas, &[A, crlf, (sum::FILE, SUM)]), @"
    20240101000000 a: m/20240101000000_a.sql
    20240102000000 b: m/20240102000000_b.sql
    error[M0019]: 20240102000000_b.sql: is not what atlas.sum says: it was changed
      --> m/20240102000000_b.sql
       = only the ends of lines differ: atlas.sum was made with LF, and the files have CRLF
       = write `*.sql text eol=lf` into .gitattributes, and check the files out again
    ");
    assert_snapshot!(shown(&Atlas, &[A, B, (sum::FILE, &SUM.replace("h1:+2", "h1:+3"))]), @"
    20240101000000 a: m/20240101000000_a.sql
    20240102000000 b: m/20240102000000_b.sql
    error[M0019]: atlas.sum: its first line does not fit the others: it was written by hand
      --> m/atlas.sum
       = if all is as it should be, have it counted again: atlas migrate hash
    ");
    assert_snapshot!(shown(&Atlas, &[A, B, (sum::FILE, "<<<<<<< HEAD\n")]), @"
    20240101000000 a: m/20240101000000_a.sql
    20240102000000 b: m/20240102000000_b.sql
    error[M0019]: atlas.sum: its first line is not h1: and a digest
      --> m/atlas.sum
       = have it written again: atlas migrate hash
    ");
    assert_snapshot!(shown(&Atlas, &[A]), @"
    20240101000000 a: m/20240101000000_a.sql
    warning[M0019]: there is no atlas.sum, so nothing says whether a file was changed
       = have it written: atlas migrate hash
    ");
}

#[test]
fn the_head_of_a_file_says_how_it_runs() {
    let files = [
        ("1_a.sql", "-- atlas:txmode none\n\ncreate index concurrently i on t (n);\n"),
        ("2_b.sql", "# atlas:nolint\n-- atlas:txmode file\n\nselect 1;\n"),
        ("3_c.sql", "-- atlas:checkpoint v3\n\ncreate table t (n int);\n"),
        ("4_d.sql", "select 1;\n"),
    ];
    assert_snapshot!(shown(&Atlas, &[&files[..], &[(sum::FILE, &summed(&files))]].concat()), @"
    1 a: m/1_a.sql (no transaction)
    2 b: m/2_b.sql
    4 d: m/4_d.sql
    B3 c: m/3_c.sql for 1, 2
    ");
}

#[test]
fn a_delimiter_ends_statements_outside_of_strings() {
    let text = "-- atlas:delimiter //\n\ncreate table a (t text default 'http://x')//\ncreate trigger t before insert on a \
        begin select 1; select 2; end//\nselect 3; select 4//\n";
    assert_snapshot!(statements(&Atlas, EngineNames::SQLITE, &[("1_a.sql", text), (sum::FILE, &summed(&[("1_a.sql", text)]))]), @r#"
    "create table a (t text default 'http://x')"
    "create trigger t before insert on a begin select 1; select 2; end"
    "select 3"
    "select 4"
    "#);
    let text = "-- atlas:delimiter \\n\\n\n\nselect 1;\nselect 2;\n\n\n\nselect 3;\n";
    assert_snapshot!(statements(&Atlas, EngineNames::SQLITE, &[("1_a.sql", text), (sum::FILE, &summed(&[("1_a.sql", text)]))]), @r#"
    "select 1"
    "select 2"
    "select 3"
    "#);
}

#[test]
fn what_is_wrong_with_files_is_said() {
    let files = [
        ("1_a.sql", "-- atlas:txmode none\ncreate index concurrently i on t (n);\n"),
        ("2_b.sql", "-- atlas:txmode all\n\nselect 1;\n"),
        ("3_c.sql", "-- atlas:import other.sql\n\nselect 1;\n"),
        ("4_d.down.sql", "drop table t;\n"),
        ("5_e.sql", "-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;\n"),
        ("baseline.sql", "select 1;\n"),
    ];
    assert_snapshot!(shown(&Atlas, &[&files[..], &[(sum::FILE, &summed(&files))]].concat()), @"
    1 a: m/1_a.sql
    2 b: m/2_b.sql
    3 c: m/3_c.sql
    4 d.down: m/4_d.down.sql
    5 e: m/5_e.sql
    warning[M0007]: 1 a: atlas:txmode says nothing here: no blank line follows the comments at the top
      --> m/1_a.sql:1:1
     1 | -- atlas:txmode none
       | ^^^^^^^^^^^^^^^^^^^^
       = put a blank line between it and the SQL
    error[M0007]: 2 b: `all` is no transaction mode of a file
      --> m/2_b.sql:1:1
     1 | -- atlas:txmode all
       | ^^^^^^^^^^^^^^^^^^^
       = a file says `atlas:txmode none` or `atlas:txmode file`
    error[M0007]: 3 c: takes in other files, which is not done here
      --> m/3_c.sql:1:1
     1 | -- atlas:import other.sql
       | ^^^^^^^^^^^^^^^^^^^^^^^^^
       = write the SQL into the file itself
    error[M0001]: 4 d.down: is by its name a way back, and in this layout it would run on the way up
      --> m/4_d.down.sql
       = if the folder is in the format of golang-migrate: --layout golang-migrate
    error[M0007]: 5 e: this begins the way back in a file of goose, and atlas runs the whole file
      --> m/5_e.sql:3:1
     3 | -- +goose Down
       | ^^^^^^^^^^^^^^
       = if the files are goose's: --layout goose
    error[M0001]: baseline.sql: `baseline` is no number, so it has no place in the order here
      --> m/baseline.sql
       = to Atlas it is a version; what stands before the first `_` must be digits here
    ");
}

#[test]
fn a_file_the_sum_ignores_counts_with_its_name() {
    let ignored = ("20240102000000_b.sql", "-- atlas:sum ignore\n\nselect 2;\n");
    let other = ("20240102000000_b.sql", "-- atlas:sum ignore\n\nselect 3;\n");
    let last = ("20240103000000_c.sql", "select 4;\n");
    assert_eq!(summed(&[A, ignored, last]), summed(&[A, other, last]));
    assert_ne!(summed(&[A, ignored, last]), summed(&[A, last]));
    assert!(!summed(&[A, ignored, last]).contains(ignored.0));
}

#[test]
fn its_sum_decides_unless_the_files_are_in_the_format_of_another_tool() {
    assert_eq!(decision(&[A, (sum::FILE, "")], &[]), "atlas: atlas.sum");
    assert_snapshot!(decision(&[("1_a.up.sql", ""), ("1_a.down.sql", ""), (sum::FILE, "")], &[]), @r#"
    error[M0018]: m: the names do not tell whose layout this is: atlas or sqlx or golang-migrate
      --> m
       = atlas: atlas.sum, but m/1_a.down.sql is written for another tool
       = sqlx: 1_a.down.sql
       = golang-migrate: 1_a.down.sql
       = say which: --layout atlas or --layout sqlx or --layout golang-migrate; or for good: layout = "…" in m/migrations.toml
    "#);
}

proptest! {
    #[test]
    fn a_new_migration_reads_back(number: u128, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}") {
        let words = words.trim();
        let new = NewMigration {
            id: plain(Version::new([number])),
            description: words.to_owned(),
            engine: None,
            reversible: false,
        };
        let files = Atlas.files(&new).unwrap();
        let files: Vec<_> = files.iter().map(|file| (file.name.as_str(), "select 1;")).collect();
        let expected = format!("{}: m/{}\n", format!("{number} {words}").trim_end(), files[0].0);
        prop_assert_eq!(shown(&Atlas, &[&files[..], &[(sum::FILE, &summed(&files))]].concat()), expected);
    }
}
