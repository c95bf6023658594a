//! Repositories of `MyBatis`' → what is understood and what is said.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::callback::CallbackEvent;
use crate::layout::EngineNames;
use crate::layout::testing::{decision, names_read_back, pieces, said, shown};

const GOOD: &str =
    "-- // create users\ncreate table ${schema}.users (id int);\n\n-- //@UNDO\ndrop table ${schema}.users;\n";

fn read(text: &str, environment: Option<&str>, placeholders: &[(&str, &str)]) -> Reading {
    let folder = Folder::embedded("db", [("scripts/1_a.sql", text), ("hooks/one.sql", "select '${who}';")]);
    let folder = match environment {
        Some(text) => folder.with_above([(ENVIRONMENT, text), ("hooks/one.sql", "select '${who}';")]),
        None => folder,
    };
    let mut options = ReadOptions::new(EngineNames::POSTGRES);
    options.environment = [("FROM_PROCESS", "p")].into_iter().collect();
    options.placeholders = placeholders.iter().copied().collect();
    Mybatis.read(&folder, &options)
}

#[test]
fn a_repository_of_mybatis() {
    assert_snapshot!(shown(&Mybatis, &[
        ("scripts/20240131120000_create_users.sql", GOOD),
        ("scripts/1_create_changelog.sql", "create table ${changelog} (id int);"),
        ("scripts/2.5_between.sql", "select 1;\n// // @UNDO\n"),
        ("scripts/bootstrap.sql", "create table old (n int);"),
        ("scripts/onabort.sql", "-- nothing"),
        ("scripts/notes.sql", ""),
        ("scripts/README", ""),
        ("drivers/readme.txt", ""),
    ]), @"
    1 create changelog: m/scripts/1_create_changelog.sql
    2.5 between: m/scripts/2.5_between.sql <- m/scripts/2.5_between.sql
    20240131120000 create users: m/scripts/20240131120000_create_users.sql <- m/scripts/20240131120000_create_users.sql
    note[M0022]: scripts/bootstrap.sql: is not run: it belongs to `bootstrap`, on a new database
      --> m/scripts/bootstrap.sql
       = run it with the engine's own client before the first `migrate up`, or make it the first migration
    error[M0001]: scripts/notes.sql: has no id: MyBatis Migrations stops at a name that does not begin with a number and `_`
      --> m/scripts/notes.sql
       = the names are ID_DESCRIPTION.sql
    ");
}

#[test]
fn the_way_back_is_below_the_first_undo_line() {
    for (text, up, down) in [
        (GOOD, &["create table ${schema}.users (id int)"][..], Some(&["drop table ${schema}.users"][..])),
        ("a;\n--//  @UNDO now\nb;\n-- //@UNDO\nc;", &["a"], Some(&["b", "c"])),
        ("a;\n-- @UNDO\nb;", &["a", "b"], None),
        ("a;\n-- //@UNDO", &["a"], Some(&[])),
    ] {
        let reading = read(text, None, &[]);
        let migration = &reading.migrations[0];
        assert_eq!(pieces(&migration.up), up, "{text}");
        assert_eq!(
            migration.down.as_ref().map(pieces).as_deref(),
            down.map(|down| down.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).as_deref(),
            "{text}"
        );
    }
}

#[test]
fn names_have_the_values_of_the_environment_and_unknown_ones_stay() {
    let text = "select '${schema}', '${unknown}', '\\${schema}', '${FROM_PROCESS}', '${url}', '${changelog}';\n-- //@UNDO\nselect '${schema}';";
    let environment = "schema=app\nurl=jdbc:x\nsend_full_script=true\nchangelog=LOG\nauto_commit=true\n";
    let reading = read(text, Some(environment), &[]);
    assert_eq!(said(&reading), "");
    let migration = &reading.migrations[0];
    assert_eq!(migration.up.text(), "select 'app', '${unknown}', '${schema}', 'p', '${url}', 'LOG';\n");
    assert_eq!(migration.up.written(), &text[..text.find("-- //").unwrap()]);
    assert_eq!(pieces(migration.down.as_ref().unwrap()), ["select 'app'"]);
    assert!(migration.attributes.run.no_transaction && migration.attributes.down.no_transaction);
    let reading = read(text, Some(environment), &[("schema", "flag")]);
    assert!(reading.migrations[0].up.text().starts_with("select 'flag'"));
}

#[test]
fn delimiters_are_followed_where_the_script_is_not_sent_as_a_whole() {
    let text = "// a comment of the tool\ncreate table a (n int);\n-- @DELIMITER $$\ncreate 'procedure; x$$ dropped\nanother $$\n-- @DELIMITER ;\nselect 1;\n-- //@UNDO\ndrop a;";
    let reading = read(text, Some("a=b"), &[]);
    assert_eq!(said(&reading), "");
    let migration = &reading.migrations[0];
    assert_eq!(pieces(&migration.up), ["create table a (n int)", "create 'procedure; x", "another", "select 1"]);
    assert_eq!(pieces(migration.down.as_ref().unwrap()), ["drop a"]);
    let full_line = read("one 'a\nGO\ntwo GO\nGO\n", Some("delimiter=GO\nfull_line_delimiter=true"), &[]);
    assert_eq!(pieces(&full_line.migrations[0].up), ["one 'a", "two GO"]);
    assert_snapshot!(said(&read("select 1; select ${x};\n", Some("x=2"), &[])), @"
    warning[M0007]: 1 a: MyBatis Migrations drops what follows `;` on its line, and this is run here
      --> db/scripts/1_a.sql:1:11
     1 | select 1; select ${x};
       |           ^^^^^^^^^^^
       = put every statement on a line of its own; where the file is applied, see what the database lacks
    ");
}

#[test]
fn hooks_in_sql_are_callbacks_and_others_are_refused() {
    let environment = "who=me\nhook_before_each_up=SQL:one.sql\nhook_after_up=js:two.js\nhook_after_down=SQL:none.sql\nscript_char_set=latin1";
    let reading = read("select 1;", Some(environment), &[]);
    let callbacks: Vec<_> = reading.callbacks.iter().map(|one| (one.event, one.script.text())).collect();
    assert_eq!(callbacks, [(CallbackEvent::BeforeEachMigrate, "select 'me';")]);
    assert_snapshot!(said(&reading), @"
    error[M0005]: script_char_set is latin1, and only UTF-8 is read
      --> environments/development.properties:5:1
     5 | script_char_set=latin1
       | ^^^^^^^^^^^^^^^
       = save the scripts as UTF-8
    error[M0022]: afterMigrateApplied: the hook is no SQL, and cannot be run: js
      --> environments/development.properties:3:1
     3 | hook_after_up=js:two.js
       | ^^^^^^^^^^^^^
       = write it in SQL: hook_…=SQL:FILE
    error[M0022]: afterUndo: there is no hooks/none.sql
      --> environments/development.properties:4:1
     4 | hook_after_down=SQL:none.sql
       | ^^^^^^^^^^^^^^^
    ");
}

#[test]
fn ids_are_decimals() {
    assert_snapshot!(shown(&Mybatis, &[("1.5_a.sql", "select 1;"), ("1.10_b.sql", "select 1;"), ("2_c.sql", "select 1;"), ("02_d.sql", "select 1;"), ("1.2.3_e.sql", "")]), @"
    1.5 a: m/1.5_a.sql
    1.10 b: m/1.10_b.sql
    02 d: m/02_d.sql
    error[M0001]: 1.2.3_e.sql: has no id: MyBatis Migrations stops at a name that does not begin with a number and `_`
      --> m/1.2.3_e.sql
       = the names are ID_DESCRIPTION.sql
    error[M0201]: 1.5: comes after 1.10 as a decimal number, and not as a version
      --> m/1.5_a.sql
       = where nothing is applied yet, write all ids with the same number of digits behind the dot
    error[M0002]: 2 c: two files claim this identity
      --> m/2_c.sql
       = the other one is m/02_d.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
}

#[test]
fn an_undo_line_makes_it_mybatis() {
    assert_eq!(decision(&[("1_a.sql", GOOD)], &[]), "mybatis: `@UNDO` in m/1_a.sql");
    assert_eq!(
        decision(&[("scripts/1_a.sql", "")], &[(ENVIRONMENT, "")]),
        "mybatis: environments/development.properties"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_named_reads_back(version in "[1-9][0-9]{0,15}(\\.[1-9])?", description in "[a-z]{1,8}( [a-z0-9]{1,8}){0,3}", reversible: bool) {
        names_read_back(&Mybatis, &version, &description, reversible);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(-- //@UNDO\r?\n|// x\n|-- @DELIMITER (;|//|\u{e9})\n|\\\\?\\$\\{(a|b)\\}?|[ a-z;'$/\n\u{e9}]){0,30}") {
        let _ = read(&text, Some("a=1;\ndelimiter=;"), &[]);
        let _ = read(&text, None, &[]);
    }
}
