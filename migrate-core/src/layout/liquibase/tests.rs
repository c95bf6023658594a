//! Changelogs → what is understood and what is said.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::layout::testing::{decision, names_read_back, pieces, said, shown, shown_for};

const HEAD: &str = "--liquibase formatted sql\n";

fn read(text: &str, placeholders: &[(&str, &str)]) -> Reading {
    let mut options = ReadOptions::new(EngineNames::POSTGRES);
    options.placeholders = placeholders.iter().copied().collect();
    Liquibase.read(&Folder::embedded("m", [("changelog.sql", format!("{HEAD}{text}"))]), &options)
}

#[test]
fn changesets_have_the_version_of_their_file_and_a_place() {
    let one = format!(
        "{HEAD}--changeset alice:1\nselect 1;\n--rollback select 2;\n--changeset bob:\"add b\" runInTransaction:false\nselect 3;\n"
    );
    let two = format!("{HEAD}--changeset alice:1\nselect 1;\n");
    assert_snapshot!(shown(&Liquibase, &[("001_one.sql", &one), ("1.10_two.sql", &two), ("1.2_two.sql", &two), ("changelog.txt", "")]), @"
    001/pre/01 alice:1: m/001_one.sql <- m/001_one.sql
    001/pre/02 bob:add b: m/001_one.sql (no transaction)
    1.2/pre/01 alice:1: m/1.2_two.sql
    1.10/pre/01 alice:1: m/1.10_two.sql
    ");
    assert_snapshot!(shown(&Liquibase, &[("changelog.sql", &one)]), @"
    1 alice:1: m/changelog.sql <- m/changelog.sql
    2 bob:add b: m/changelog.sql (no transaction)
    ");
    assert_snapshot!(shown(&Liquibase, &[("1_one.sql", &one), ("two.sql", &two), ("3_plain.sql", "select 1;")]), @"
    1/pre/01 alice:1: m/1_one.sql <- m/1_one.sql
    1/pre/02 bob:add b: m/1_one.sql (no transaction)
    error[M0001]: 3_plain.sql: has no line `--liquibase formatted sql`, so Liquibase runs it only where a changelog names it
      --> m/3_plain.sql
       = make it a changeset: put that line first, and `--changeset author:id` below it
       = or move it out of the folder
    error[M0001]: two.sql: begins with no number, and among several files only that gives its changesets a place
      --> m/two.sql
       = name the files in the order of their includes: VERSION_NAME.sql
       = to keep Liquibase's path of a changeset, say logicalFilePath on its first line
    ");
}

#[test]
fn a_changeset_is_what_stands_below_its_header() {
    let reading = read(
        "--property name:t value:users\n--changeset a:1 splitStatements:false\none 'x; two ${t};\n--rollback drop table\n--rollback  ${t};\n--rollback select 1;\n\
         --changeset a:2 endDelimiter:/\ncreate 'p; q\n/\nselect ${t} /\n--rollback empty\n--changeset a:3\nselect 1; select 2;\n--comment: c\n",
        &[],
    );
    assert_eq!(said(&reading), "");
    let [one, two, three] = reading.migrations.as_slice() else { panic!("{reading:?}") };
    assert_eq!(pieces(&one.up), ["one 'x; two users"]);
    assert_eq!(pieces(one.down.as_ref().unwrap()), ["drop table\nusers", "select 1"]);
    assert_eq!(pieces(&two.up), ["create 'p; q", "select users"]);
    assert_eq!(pieces(two.down.as_ref().unwrap()), Vec::<String>::new());
    assert_eq!((pieces(&three.up), &three.down), (vec!["select 1".to_owned(), "select 2".to_owned()], &None));
    for up in [&one.up, &two.up] {
        let stored = Source::stored("row", up.text());
        let cut = stored.with_cuts(Liquibase.cuts(&stored, &Syntax::POSTGRES));
        assert_eq!(pieces(&cut), pieces(up), "what is stored in a history is cut as the file is");
    }
    let down = one.down.as_ref().unwrap();
    let place = down.position(down.file().find("users").unwrap());
    assert_eq!((place.line, place.column), (6, 13), "a failure of the rollback is shown where it stands");
    assert_snapshot!(said(&read("--changeset a:1\nselect ${x};\n--rollback select ${x};\n--changeset a:2\nselect ${y};", &[("y", "1")])), @r#"
    error[M0021]: 1 a:1: `x` has no value
      --> m/changelog.sql:3:8
     3 | select ${x};
       |        ^^^^
       = give it one for this run: --placeholder x=VALUE
       = or for good, in migrate.toml: [placeholders] x = "VALUE"
    error[M0021]: 1 a:1: `x` has no value
      --> m/changelog.sql:4:19
     4 | --rollback select ${x};
       |                   ^^^^
       = give it one for this run: --placeholder x=VALUE
       = or for good, in migrate.toml: [placeholders] x = "VALUE"
    "#);
}

#[test]
fn a_changeset_runs_where_its_header_says() {
    let text = format!(
        "{HEAD}--changeset a:1 dbms:postgresql,oracle\nselect 1;\n--changeset a:2 dbms:!postgresql\nselect 2;\n--changeset a:3 dbms:mysql\nselect 3;\n\
         --changeset a:4 ignore:true\nselect 4;\n--changeset a:view runOnChange:true\nselect 5;\n--changeset a:6 context:test labels:x\nselect 6;\n--changeset a:7 dbms:all\nselect 7;\n"
    );
    assert_snapshot!(shown(&Liquibase, &[("changelog.sql", &text)]), @r#"
    1 a:1: m/changelog.sql
    6 a:6: m/changelog.sql
    7 a:7: m/changelog.sql
    R a:view: m/changelog.sql
    warning[M0007]: 6 a:6: runs whatever its contexts and labels are, as Liquibase does where none are chosen
       = what is to run only in some places is an optional migration: in migrations.toml, optional = "NAME"
    "#);
    assert_snapshot!(shown_for(&Liquibase, EngineNames::MARIADB, &[("changelog.sql", &text)]), @r#"
    2 a:2: m/changelog.sql
    6 a:6: m/changelog.sql
    7 a:7: m/changelog.sql
    R a:view: m/changelog.sql
    warning[M0007]: 6 a:6: runs whatever its contexts and labels are, as Liquibase does where none are chosen
       = what is to run only in some places is an optional migration: in migrations.toml, optional = "NAME"
    "#);
}

#[test]
fn what_is_no_comment_to_mysql_is_not_sent() {
    let text = format!("{HEAD}--changeset a:1\n--comment: ${{x}}\nselect 1;\n--rollback select 2;\nselect 3;\n");
    let folder = Folder::embedded("m", [("changelog.sql", text)]);
    let mut options = ReadOptions::new(EngineNames::MYSQL);
    options.placeholders = [("x", "y")].into_iter().collect();
    let reading = Liquibase.read(&folder, &options);
    assert_eq!(said(&reading), "");
    let migration = &reading.migrations[0];
    let split = |source: &Source| {
        let split = crate::sql::split::split(source, &Syntax::MYSQL);
        assert_eq!(split.problems, []);
        split.pieces.into_iter().map(|piece| source.file()[piece.text].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(split(&migration.up), ["select 1", "select 3"]);
    assert_eq!(split(migration.down.as_ref().unwrap()), ["select 2"]);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    assert_snapshot!(said(&read(
        "--changeset a:1 runAlways:true failOnError:false runWith:psql foo:bar\n--preconditions onFail:MARK_RAN\n--precondition-sql-check expectedResult:0 select count(*) from t\nselect 1;\n\
         --rollback changesetId:x changesetAuthor:y\n--changeset a:2\n--ignoreLines:2\nselect 1;\n--changeset b\n",
        &[],
    )), @r#"
    error[M0007]: changelog.sql: a rollback that is another changeset is not followed: write its SQL here
      --> m/changelog.sql:6:1
     6 | --rollback changesetId:x changesetAuthor:y
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    error[M0007]: changelog.sql: a changeset has an author and an id: --changeset author:id
      --> m/changelog.sql:10:1
    10 | --changeset b
       | ^^^^^^^^^^^^^
    error[M0007]: 1 a:1: runs every time, which a migration does not
      --> m/changelog.sql:2:1
     2 | --changeset a:1 runAlways:true failOnError:false runWith:psql foo:bar
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = make it a repeatable by changing its text, or run it beside the migrations
    error[M0007]: 1 a:1: goes on after a failure, which a migration does not
      --> m/changelog.sql:2:1
     2 | --changeset a:1 runAlways:true failOnError:false runWith:psql foo:bar
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write the statement so that it cannot fail
    error[M0007]: 1 a:1: is for another program than the database
      --> m/changelog.sql:2:1
     2 | --changeset a:1 runAlways:true failOnError:false runWith:psql foo:bar
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write it in SQL that the server takes
    error[M0007]: 1 a:1: `foo` is no attribute that is known here
      --> m/changelog.sql:2:1
     2 | --changeset a:1 runAlways:true failOnError:false runWith:psql foo:bar
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = take it out, or move the changeset out of the folder
    error[M0007]: 1 a:1: this decides what runs, and nothing here evaluates it
      --> m/changelog.sql:3:1
     3 | --preconditions onFail:MARK_RAN
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write what must hold as `-- migrate:precondition "text" SELECT …`, or make it the manifest's: optional = "NAME"
    error[M0007]: 1 a:1: this decides what runs, and nothing here evaluates it
      --> m/changelog.sql:4:1
     4 | --precondition-sql-check expectedResult:0 select count(*) from t
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write what must hold as `-- migrate:precondition "text" SELECT …`, or make it the manifest's: optional = "NAME"
    error[M0007]: 2 a:2: this decides what runs, and nothing here evaluates it
      --> m/changelog.sql:8:1
     8 | --ignoreLines:2
       | ^^^^^^^^^^^^^^^
       = write what must hold as `-- migrate:precondition "text" SELECT …`, or make it the manifest's: optional = "NAME"
    "#);
}

#[test]
fn the_first_line_makes_it_liquibases() {
    let one = format!("{HEAD}--changeset a:1\nselect 1;");
    assert_eq!(decision(&[("1_a.sql", &one)], &[]), "liquibase: `--liquibase formatted` in m/1_a.sql");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_named_reads_back(version in "[0-9]{1,9}(\\.[0-9]{1,3}){0,2}", description in "[a-z]{1,8}:[a-z]{1,8}( [a-z0-9]{1,8}){0,3}", reversible: bool) {
        names_read_back(&Liquibase, &format!("{version}/pre/01"), &description, reversible);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(--changeset a:[0-9]( endDelimiter:(/|;|\u{e9})| splitStatements:false)?\n|--rollback |/\\* liquibase rollback\n|\\*/|\\$\\{(y|z)\\}?|/\r?\n|[ a-z;'\n\u{e9}]){0,30}") {
        let _ = read(&text, &[("y", "value")]);
    }
}
