//! Folders of Flyway's as lists of names and texts → what is understood and what is said.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::Flyway;
use crate::callback::CallbackEvent;
use crate::layout::testing::{decision, names_read_back, said, shown};
use crate::layout::{EngineNames, Folder, Layout, Reading};
use crate::set::ReadOptions;

fn read(files: &[(&str, &str)], above: &[(&str, &str)], placeholders: &[(&str, &str)]) -> Reading {
    let folder = Folder::embedded("sql", files.iter().copied()).with_above(above.iter().copied());
    let mut options = ReadOptions::new(EngineNames::POSTGRES);
    options.placeholders = placeholders.iter().copied().collect();
    Flyway.read(&folder, &options)
}

#[test]
fn a_set_of_flyways() {
    assert_snapshot!(shown(&Flyway, &[
        ("V1__create_users.sql", "create table users (id bigint);"),
        ("U1__create_users.sql", "drop table users;"),
        ("V1_1__add_email.sql", "alter table users add email text;"),
        ("1.x/V1.10__later.sql", "select 1;"),
        ("1.x/deep/V1.2__between.sql", "select 1;"),
        ("V2__index.sql", "create index concurrently i on users (email);"),
        ("V2__index.sql.conf", "# a setting\nexecuteInTransaction=false\n"),
        ("R__user_view.sql", "create or replace view v as select 1;"),
        ("B2__base.sql", "create table users (id bigint, email text);"),
        ("README.md", ""),
        ("V3__seed.py", "print(1)"),
        ("R__refresh.sh", "psql"),
    ]), @"
    1 create users: m/V1__create_users.sql <- m/U1__create_users.sql
    1.1 add email: m/V1_1__add_email.sql
    1.2 between: m/1.x/deep/V1.2__between.sql
    1.10 later: m/1.x/V1.10__later.sql
    2 index: m/V2__index.sql (no transaction)
    3 seed: m/V3__seed.py (code: Python)
    R refresh: m/R__refresh.sh (code: shell)
    R user view: m/R__user_view.sql
    B2 base: m/B2__base.sql for 1, 1.1, 1.2, 1.10, 2
    ");
}

#[test]
fn names_that_are_nearly_flyways_are_errors() {
    assert_snapshot!(shown(&Flyway, &[
        ("V1__a.sql", "select 1;"),
        ("sub/V1.0__b.sql", "select 1;"),
        ("V2_x.sql", "select 1;"),
        ("v3__x.sql", "select 1;"),
        ("V4__x.sql.sql", "select 1;"),
        ("V5__x..sql", "select 1;"),
        ("V6-x.sql", "select 1;"),
        ("R1__x.sql", "select 1;"),
        ("U9__lost.sql", "select 1;"),
        ("notes.sql", "select 1;"),
        ("V7__x.sql.conf", "executeInTransaction=false"),
        ("R__v.sql", "select 1;"),
        ("b/R__v.sql", "select 1;"),
    ]), @"
    1 a: m/V1__a.sql
    4 x.sql: m/V4__x.sql.sql
    5 x.: m/V5__x..sql
    R v: m/R__v.sql
    warning[M0001]: R1__x.sql: is not read, because it has no name of Flyway
      --> m/R1__x.sql
       = the names are VVERSION__DESCRIPTION.sql, R__DESCRIPTION.sql and the names of callbacks
    error[M0001]: V2_x.sql: is not a migration's name: `2_x` is no version: numbers with dots or underscores, then __; Flyway would pass it over without a word
      --> m/V2_x.sql
       = if it is a migration, name it V2__x.sql
       = if it is none, move it out of the folder
    error[M0001]: V6-x.sql: is not a migration's name: `6-x` is no version: numbers with dots or underscores, then __; Flyway would pass it over without a word
      --> m/V6-x.sql
       = the names are VVERSION__DESCRIPTION.sql, R__DESCRIPTION.sql and the names of callbacks
       = if it is none, move it out of the folder
    warning[M0019]: V7__x.sql.conf: belongs to V7__x.sql, which is not there
      --> m/V7__x.sql.conf
    warning[M0001]: notes.sql: is not read, because it has no name of Flyway
      --> m/notes.sql
       = the names are VVERSION__DESCRIPTION.sql, R__DESCRIPTION.sql and the names of callbacks
    error[M0001]: v3__x.sql: is not a name of Flyway, which would pass it over without a word
      --> m/v3__x.sql
       = the names are VVERSION__DESCRIPTION.sql, R__DESCRIPTION.sql and the names of callbacks
       = if it is none, move it out of the folder
    error[M0002]: R v: two files claim this identity
      --> m/b/R__v.sql
       = the other one is m/R__v.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    error[M0002]: 1.0 b: two files claim this identity
      --> m/sub/V1.0__b.sql
       = the other one is m/V1__a.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    error[M0003]: 9: an undo without its migration
      --> m/U9__lost.sql
       = it takes back V9__….sql, which is not there
       = if it is a migration of refinery, which runs forward: --layout refinery
    ");
}

#[test]
fn the_settings_of_a_script_and_their_slips() {
    assert_snapshot!(shown(&Flyway, &[
        ("V1__a.sql", "select '${x}';"),
        ("V1__a.sql.conf", "placeholderReplacement=false\nexecuteInTransaction = false\nencoding=UTF-8\n"),
        ("V2__b.sql", "select 1;"),
        ("V2__b.sql.conf", "executeInTransaction=no\nshouldExecute=${now}\nencoding=ISO-8859-1\nfoo=1\n"),
    ]), @"
    1 a: m/V1__a.sql (no transaction)
    2 b: m/V2__b.sql
    error[M0019]: 2 b: `executeInTransaction` is true or false
      --> m/V2__b.sql.conf:1:1
     1 | executeInTransaction=no
       | ^^^^^^^^^^^^^^^^^^^^
    error[M0019]: 2 b: `shouldExecute` decides by an expression whether the script runs, which nothing here evaluates
      --> m/V2__b.sql.conf:2:1
     2 | shouldExecute=${now}
       | ^^^^^^^^^^^^^
    error[M0019]: 2 b: `encoding` ISO-8859-1 is not read: save the file as UTF-8
      --> m/V2__b.sql.conf:3:1
     3 | encoding=ISO-8859-1
       | ^^^^^^^^
    error[M0019]: 2 b: `foo` is no setting of a script
      --> m/V2__b.sql.conf:4:1
     4 | foo=1
       | ^^^
    ");
}

#[test]
fn settings_beside_the_folder_are_followed() {
    let conf = "flyway.sqlMigrationPrefix=M\nflyway.sqlMigrationSeparator=-\nflyway.sqlMigrationSuffixes=.sql,.ddl\n\
                flyway.placeholders.schema=shop\nflyway.placeholderPrefix=#[\nflyway.placeholderSuffix=]\n\
                flyway.outOfOrder=true\nflyway.executeInTransaction=false\nflyway.url=jdbc:x\n";
    let files = [("M1-a.sql", "create table #[SCHEMA].a (b text default '${x}');"), ("M2-b.ddl", "select 1")];
    let reading = read(&files, &[("flyway.conf", conf)], &[]);
    assert_eq!(said(&reading), "");
    let [first, second] = reading.migrations.as_slice() else { panic!("{reading:?}") };
    assert_eq!(first.up.text(), "create table shop.a (b text default '${x}');");
    assert!(first.attributes.unordered && second.attributes.run.no_transaction);

    let toml = "[flyway]\nlocations = [\"filesystem:sql\", \"filesystem:more\"]\nencoding = \"windows-1252\"\n\
                initSql = \"set role app\"\noutOfOrder = \"yes\"\n[flyway.placeholders]\nname = \"toml\"\n";
    let both = [("flyway.conf", "flyway.placeholders.name=conf"), ("flyway.toml", toml)];
    let reading = read(&[("V1__a.sql", "select '${name}'")], &both, &[]);
    assert_eq!(reading.migrations[0].up.text(), "select 'toml'");
    assert_snapshot!(said(&reading), @r#"
    error[M0005]: flyway.encoding is windows-1252, and only UTF-8 is read
      --> flyway.toml:3:1
       = save the files as UTF-8; Flyway's checksums of plain ASCII files stay the same
    warning[M0019]: flyway.initSql is not followed
      --> flyway.toml:4:1
       = what is to hold for every connection stands in migrate.toml: [settings.ENGINE]
    warning[M0019]: flyway.locations names 2 folders, and 1 is read: sql
      --> flyway.toml:2:1
       = name them all, as paths: filesystem:sql, filesystem:more
       = for good, in migrate.toml: dir = ["…", "…"]
    error[M0019]: flyway.outOfOrder is true or false, not `yes`
      --> flyway.toml:5:1
    "#);
    let reading = read(&[("V1__a.sql", "select '${name}'")], &both, &[("name", "flag")]);
    assert_eq!(reading.migrations[0].up.text(), "select 'flag'");
    let reading = read(&[("V1__a.sql", "select 1")], &[("flyway.toml", "[flyway\n")], &[]);
    assert_snapshot!(said(&reading), @"
    error[M0019]: flyway.toml: unclosed table, expected `]`
      --> flyway.toml:1:8
    ");
}

#[test]
fn placeholders_are_replaced_everywhere_and_one_without_a_value_is_an_error() {
    let text = "-- ${Name}\nselect '${name}', ${flyway:filename}, \"${flyway:table}\";";
    let reading = read(&[("a/V1__x.sql", text)], &[], &[("NAME", "v")]);
    assert_eq!(reading.migrations[0].up.text(), "-- v\nselect 'v', V1__x.sql, \"flyway_schema_history\";");
    assert_eq!(reading.migrations[0].checksum, crate::checksum::raw(text));
    let reading = read(&[("V1__x.sql", "select ${nmae};\nselect ${flyway:user};")], &[], &[("name", "v")]);
    assert_snapshot!(said(&reading), @r#"
    error[M0021]: 1 x: `nmae` has no value
      --> sql/V1__x.sql:1:8
     1 | select ${nmae};
       |        ^^^^^^^
       = did you mean `name`?
       = give it one for this run: --placeholder nmae=VALUE
       = or for good, in migrate.toml: [placeholders] nmae = "VALUE"
    error[M0021]: 1 x: `flyway:user` has no value
      --> sql/V1__x.sql:2:8
     2 | select ${flyway:user};
       |        ^^^^^^^^^^^^^^
       = give it one for this run: --placeholder flyway:user=VALUE
       = or for good, in migrate.toml: [placeholders] "flyway:user" = "VALUE"
    "#);
    let off = [("flyway.conf", "flyway.placeholderReplacement=false")];
    assert_eq!(said(&read(&[("V1__x.sql", "select ${nmae};")], &off, &[])), "");
}

#[test]
fn callbacks_around_migrations_run_and_others_are_named() {
    let reading = read(
        &[
            ("V1__x.sql", "select 1;"),
            ("beforeMigrate.sql", "select 1;"),
            ("callbacks/beforeMigrate__roles.sql", "select '${who}';"),
            ("afterEachMigrate.sql", "select 2;"),
            ("afterValidate.sql", "select 1;"),
            ("beforeEachMigrateStatement.sql", "select 1;"),
            ("afterMigrateError__x.sql", "select 1;"),
            ("b/afterEachMigrate.sql", "select 1;"),
            ("afterMigrate.sh", "true"),
            ("afterInfo.sh", "true"),
        ],
        &[],
        &[("who", "me")],
    );
    let callbacks: Vec<_> = reading.callbacks.iter().map(|one| (one.event, one.script.text())).collect();
    assert_eq!(
        callbacks,
        [
            (CallbackEvent::AfterEachMigrate, "select 2;"),
            (CallbackEvent::BeforeMigrate, "select 1;"),
            (CallbackEvent::BeforeMigrate, "select 'me';"),
        ]
    );
    assert_snapshot!(said(&reading), @"
    warning[M0022]: afterInfo.sh: is not run: it is shell code
      --> sql/afterInfo.sh
    error[M0022]: afterMigrate.sh: is not run: it is shell code
      --> sql/afterMigrate.sh
       = put what it does into SQL, or move it out of the folder
    error[M0022]: afterMigrateError x: cannot be run: nothing here hangs on failures, and without it Flyway would do something else
      --> sql/afterMigrateError__x.sql
       = put what it does into a callback around migrations: beforeMigrate, beforeEachMigrate, afterEachMigrate …
       = or move it out of the folder
    note[M0022]: afterValidate: is not run: it belongs to validate, which this does not do as Flyway does
      --> sql/afterValidate.sql
    error[M0022]: beforeEachMigrateStatement: cannot be run: nothing here hangs on single statements, and without it Flyway would do something else
      --> sql/beforeEachMigrateStatement.sql
       = put what it does into a callback around migrations: beforeMigrate, beforeEachMigrate, afterEachMigrate …
       = or move it out of the folder
    error[M0002]: afterEachMigrate: two files claim this identity
      --> sql/b/afterEachMigrate.sql
       = the other one is sql/afterEachMigrate.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
    let skipped = [("flyway.conf", "flyway.skipDefaultCallbacks=true")];
    let reading = read(&[("V1__x.sql", "select 1;"), ("beforeMigrate.sql", "select 1;")], &skipped, &[]);
    assert_eq!(reading.callbacks, []);
    assert!(said(&reading).contains("is not run: flyway.skipDefaultCallbacks is true"));
}

#[test]
fn a_baseline_migration_stands_for_all_up_to_its_version() {
    let replaced = |files: &[(&str, &str)]| -> Vec<String> {
        let reading = read(files, &[], &[]);
        reading.snapshots[0].replaces.iter().map(|one| one.id.to_string()).collect()
    };
    assert_eq!(replaced(&[("B2__b.sql", ""), ("V1__a.sql", ""), ("V2__a.sql", ""), ("V3__a.sql", "")]), ["1", "2"]);
    assert_eq!(replaced(&[("B2__b.sql", ""), ("V1__a.sql", ""), ("V3__a.sql", "")]), ["1", "2"]);
}

#[test]
fn what_refinery_has_too_is_not_guessed() {
    let one = ("V1__a.sql", "");
    assert_eq!(decision(&[one, ("R__v.sql", "")], &[]), "flyway: V1__a.sql and R__v.sql");
    assert_eq!(decision(&[one, ("V1.1__b.sql", "")], &[]), "flyway: V1.1__b.sql");
    assert_eq!(decision(&[one, ("sub/beforeMigrate.sql", "")], &[]), "flyway: V1__a.sql and sub/beforeMigrate.sql");
    assert_eq!(decision(&[one], &[("flyway.conf", "")]), "flyway: V1__a.sql and flyway.conf");
    assert_eq!(
        decision(&[one], &[("pom.xml", "<artifactId>flyway-maven-plugin</artifactId>")]),
        "flyway: V1__a.sql and pom.xml"
    );
    assert_eq!(decision(&[("1_a.sql", ""), ("R__v.sql", ""), ("B1__b.sql", "")], &[]), "native");
    assert_snapshot!(decision(&[one, ("U1__a.sql", "")], &[]), @r#"
    error[M0018]: m: the names do not tell whose layout this is: flyway or refinery
      --> m
       = flyway: V1__a.sql
       = refinery: U1__a.sql
       = say which: --layout flyway or --layout refinery; or for good: layout = "…" in m/migrations.toml
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_named_reads_back(
        version in "[1-9][0-9]{0,13}(\\.[0-9]{1,3}){0,2}",
        description in "[a-z]{1,8}( [a-z0-9]{1,8}){0,3}",
        reversible: bool,
    ) {
        names_read_back(&Flyway, &version, &description, reversible);
        names_read_back(&Flyway, &format!("R {description}"), &description, false);
    }
}
