//! Folders as lists of names and texts → sets, and what is said about them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;

use super::{MigrationSet, ReadOptions, validate};
use crate::backend::Atomicity;
use crate::checksum;
use crate::diagnostic::Diagnostic;
use crate::layout::{EngineNames, Folder, LAYOUTS};
use crate::migration::{Attributes, Migration, MigrationId, Phase};
use crate::source::Source;
use crate::sql::{Syntax, classify};

fn options() -> ReadOptions {
    ReadOptions::new(EngineNames::POSTGRES)
}

fn folder(files: &[(&str, &str)]) -> Folder {
    Folder::embedded("m", files.iter().copied())
}

fn set(files: &[(&str, &str)]) -> MigrationSet {
    MigrationSet::from_folder(&folder(files), &options()).unwrap().set
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().fold(String::new(), |mut out, diagnostic| {
        let _ = writeln!(out, "{diagnostic}");
        out
    })
}

/// What is said, whether the set was read or refused.
fn said(files: &[(&str, &str)]) -> String {
    match MigrationSet::from_folder(&folder(files), &options()) {
        Ok(loaded) => format!("read: {}\n{}", ids(&loaded.set), lines(&loaded.diagnostics)),
        Err(diagnostics) => lines(&diagnostics),
    }
}

fn ids(set: &MigrationSet) -> String {
    set.iter().map(|migration| migration.id.to_string()).collect::<Vec<_>>().join(", ")
}

const S: &str = "select 1;";

#[test]
fn a_set_is_sorted_and_answers_by_identity() {
    let set = set(&[
        ("R__view.sql", S),
        ("10_j.sql", S),
        ("2.1.0_50_post_c.sql", S),
        ("2.1_01_pre_b.sql", S),
        ("1_a.sql", S),
    ]);
    assert_eq!(ids(&set), "1, 2.1/pre/01, 2.1.0/post/50, 10, R view");
    assert_eq!((set.len(), set.component(), set.layout()), (5, "main", "native"));
    let id: MigrationId = "2.1/post/50".parse().unwrap();
    assert_eq!(set.position(&id), Some(2));
    assert_eq!(set.get(&id).unwrap().title(), "2.1.0/post/50 c");
    assert_eq!(set.get(&"3".parse().unwrap()), None);
    assert_eq!(set.last_versioned().unwrap().title(), "10 j");
    assert_eq!(set.repeatables().len(), 1);
    let releases: Vec<_> = set.releases().map(ToString::to_string).collect();
    assert_eq!(releases, ["1", "2.1", "10"]);
}

#[test]
fn a_digest_covers_texts_identities_component_and_manifest() {
    let base = set(&[("1_a.sql", S)]);
    assert!(base.digest().starts_with("sha256:"));
    assert_eq!(base.digest(), set(&[("1_another_name.sql", S), ("README.md", "")]).digest());
    for files in [
        &[("1_a.sql", "select 2;")][..],
        &[("2_a.sql", S)],
        &[("1_a.sql", S), ("2_b.sql", S)],
        &[("1_a.sql", S), ("migrations.toml", "minimum = \"1\"\n")],
        &[("1_a.sql", S), ("migrations.toml", "component = \"x\"\n")],
    ] {
        assert_ne!(base.digest(), set(files).digest(), "{files:?}");
    }
}

#[test]
fn two_migrations_with_one_identity_are_no_set() {
    let migration = |path: &str| Migration {
        id: MigrationId::versioned("1".parse().unwrap(), Phase::Pre, 0),
        description: "a".to_owned(),
        up: Source::new(path, S),
        checksum: checksum::raw(S),
        down: None,
        attributes: Attributes::default(),
    };
    assert!(MigrationSet::new("main", vec![migration("1_a.sql")]).is_ok());
    let problems = MigrationSet::new("main", vec![migration("x/1_a.sql"), migration("y/1_a.sql")]).unwrap_err();
    assert_snapshot!(lines(&problems), @"
    error[M0002]: 1 a: two files claim this identity
      --> y/1_a.sql
       = the other one is x/1_a.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
}

#[test]
fn the_manifest_adds_to_migrations_that_must_not_change() {
    let manifest = r#"
component = "billing"

[migration.2]
phase = "post"
no-transaction = true
settings = { work_mem = "20MB" }
renamed-from = ["7"]

[migration."R__view"]
optional = "views"
"#;
    let set = set(&[("1_a.sql", S), ("2_b.sql", S), ("R__view.sql", S), ("migrations.toml", manifest)]);
    assert_eq!((set.component(), ids(&set).as_str()), ("billing", "1, 2/post, R view"));
    let b = set.get(&"2/post".parse().unwrap()).unwrap();
    assert!(b.attributes.run.no_transaction && !b.attributes.down.no_transaction);
    assert_eq!(b.attributes.run.settings, [("work_mem".to_owned(), "20MB".to_owned())]);
    assert_eq!(set.renamed(&"7".parse().unwrap()), Some(b));
    assert_eq!(set.repeatables()[0].attributes.optional.as_deref(), Some("views"));
}

#[test]
fn a_manifest_that_does_not_fit_its_files_says_where() {
    assert_snapshot!(said(&[("20261120103000_a.sql", S), ("migrations.toml", "[migration.2026112010300]\n")]), @r#"
    read: 20261120103000
    warning[M0008]: 2026112010300: the manifest speaks of it, but there is no such migration
      --> m/migrations.toml:1:12
     1 | [migration.2026112010300]
       |            ^^^^^^^^^^^^^
       = did you mean "20261120103000"?
    "#);
    assert_snapshot!(
        said(&[("2.1.0_01_pre_a.sql", S), ("migrations.toml", "[migration.\"2.1.0/pre/01\"]\nphase = \"post\"\n")]),
        @r#"
    error[M0008]: 2.1.0/pre/01 a: the manifest says another phase than the file
      --> m/migrations.toml:1:12
     1 | [migration."2.1.0/pre/01"]
       |            ^^^^^^^^^^^^^^
       = say it once, here or in m/2.1.0_01_pre_a.sql
    "#
    );
    assert_snapshot!(
        said(&[("1_a.sql", S), ("2_b.sql", S), ("migrations.toml", "[migration.2]\nrenamed-from = [\"1\"]\n")]),
        @r#"
    error[M0002]: 2 b: was renamed from 1, but 1 a is still here
      --> m/migrations.toml:1:12
     1 | [migration.2]
       |            ^
       = take "1" out of its renamed-from
    "#
    );
    // Known for another engine.
    assert_snapshot!(said(&[("1_a.sql", S), ("2_b.mysql.sql", S), ("migrations.toml", "[migration.2]\n")]), @"
    read: 1
    note[M0015]: 2: has files for other engines only, so postgres goes without
       = a file without an engine in its name serves all engines, one with .postgres only this one
    ");
}

#[test]
fn a_suffix_that_reads_as_before_the_release_is_asked_about() {
    let files = [("2.0_a.sql", S), ("2.0-rc1_b.sql", S), ("2.0-collate_c.sql", S)];
    assert_snapshot!(said(&files), @r#"
    read: 2.0, 2.0-collate, 2.0-rc1
    warning[M0010]: 2.0-rc1 b: 2.0-rc1 sorts after 2.0, not before it
      --> m/2.0-rc1_b.sql
       = if it is meant to come first, name the later one 2.0.1
       = if it is right, write suffix-order = "after" into migrations.toml
    "#);
    let settled = [files[0], files[1], ("migrations.toml", "suffix-order = \"after\"\n")];
    assert_snapshot!(said(&settled), @"read: 2.0, 2.0-rc1");
}

#[test]
fn a_layout_nobody_knows_lists_those_there_are() {
    let options = ReadOptions { layout: Some("nobody's".to_owned()), ..options() };
    let problems = MigrationSet::from_folder(&folder(&[("1_a.sql", S)]), &options).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.message, "there is no layout `nobody's`");
    assert!(LAYOUTS.iter().all(|layout| problem.help[0].contains(layout.name())), "{}", problem.help[0]);
}

#[test]
fn an_empty_folder_is_refused_with_the_next_step() {
    assert_snapshot!(said(&[("README.md", "")]), @"
    refused[M0006]: m: holds no migration
      --> m
       = write the first one: migrate new create_users
    ");
    assert_snapshot!(said(&[("1_a.mysql.sql", S)]), @"
    refused[M0006]: m: holds no migration for postgres, only for other engines
      --> m
       = a file without an engine in its name serves all engines, one with .postgres only this one
    ");
    let root = std::env::temp_dir().join(format!("migrate-set-{}", std::process::id()));
    fs::create_dir_all(root.join("migrations")).unwrap();
    fs::write(root.join("migrations/1_a.sql"), S).unwrap();
    let problems = MigrationSet::read(std::slice::from_ref(&root), &options()).unwrap_err();
    let both = [root.join("migrations"), root.clone()];
    let loaded = MigrationSet::read(&both, &options()).unwrap();
    fs::remove_dir_all(&root).unwrap();
    assert_snapshot!(lines(&problems).replace(&*root.to_string_lossy(), "db").replace('\\', "/"), @"
    refused[M0006]: db: holds no migration
      --> db
       = db/migrations holds 1 .sql file: --dir db/migrations
    ");
    assert_eq!(ids(&loaded.set), "1");
}

#[test]
fn no_folder_at_all_is_refused_too() {
    let none: &[PathBuf] = &[];
    assert_snapshot!(lines(&MigrationSet::read(none, &options()).unwrap_err()), @"
    refused[M0006]: no folder was given: holds no migration
       = write the first one: migrate new create_users
    ");
}

#[test]
fn what_hurts_where_the_earlier_set_is_applied_is_found() {
    let old = set(&[("1_a.sql", S), ("3_c.sql", "select 1;\nselect 3;\n"), ("4_d.sql", S), ("R__v.sql", S)]);
    let new = set(&[
        ("1_a.sql", "-- as it was\r\nselect 1;\r\n"),
        ("2_b.sql", S),
        ("3_c.sql", "select 1;\nselect 4;\n"),
        ("5_e.sql", S),
        ("R__v.sql", "select 2;"),
    ]);
    assert_snapshot!(lines(&validate::since(&old, &new, &Syntax::POSTGRES)), @r#"
    note[M0111]: 1 a: was released and is edited in white space or comments only
      --> m/1_a.sql
    error[M0012]: 2 b: is new and sorts below 4 d, which was there before
      --> m/2_b.sql
       = a database that has the newer one will refuse it as out of order
       = give it a version above 4
    error[M0013]: 3 c: was released and is edited
      --> m/3_c.sql
       |   select 1;
       | - select 3;
       | + select 4;
       = put the old text back and write a new migration
       = or accept both texts: in migrations.toml, [migration."3"] accept = ["sha256:2f61ae521970f722fddfea7c82965b482148d543b9c02a837cec2b6bd6925b5e"]
    error[M0016]: 4 d: was released and is gone
      --> m/4_d.sql
       = if it has a new name, say so: renamed-from in migrations.toml
       = else bring the file back; what undoes it is a new migration
    "#);
    assert_eq!(validate::since(&old, &old, &Syntax::POSTGRES), []);
}

#[test]
fn what_the_manifest_accepts_is_no_finding() {
    let old = set(&[("1_a.sql", S), ("2_b.sql", S)]);
    let manifest =
        format!("[migration.1]\naccept = [\"{}\"]\n[migration.3]\nrenamed-from = [\"2\"]\n", checksum::raw(S));
    let new = set(&[("1_a.sql", "select 2;"), ("3_b.sql", S), ("migrations.toml", &manifest)]);
    assert_eq!(lines(&validate::since(&old, &new, &Syntax::POSTGRES)), "");
}

#[test]
fn a_missing_down_is_found_unless_there_is_a_reason() {
    let set = set(&[
        ("1_a.up.sql", S),
        ("1_a.down.sql", S),
        ("2_b.sql", S),
        ("3_c.sql", S),
        ("R__v.sql", S),
        ("migrations.toml", "[migration.3]\nirreversible = \"gone\"\n"),
    ]);
    assert_snapshot!(lines(&validate::downs(&set)), @r#"
    error[M0014]: 2 b: has no down
      --> m/2_b.sql
       = write one, or say why there is none: -- migrate:irreversible "why"
    "#);
}

#[test]
fn repeatables_run_after_what_they_require() {
    let set = set(&[
        ("R__a.sql", "-- migrate:requires c, b\nselect 1;"),
        ("R__b.sql", "-- migrate:requires d\nselect 1;"),
        ("R__c.sql", S),
        ("R__d.sql", S),
    ]);
    let order: Vec<_> = set.repeatables_in_order().iter().map(|migration| migration.description.as_str()).collect();
    assert_eq!(order, ["c", "d", "b", "a"]);

    let repeatable = |name: &str, requires: &[&str]| Migration {
        id: MigrationId::repeatable(name),
        description: name.to_owned(),
        up: Source::new("R", S),
        checksum: checksum::raw(S),
        down: None,
        attributes: Attributes {
            requires: requires.iter().map(ToString::to_string).collect(),
            ..Attributes::default()
        },
    };
    let blanks = vec![repeatable("a view", &["b_view"]), repeatable("b view", &[])];
    let set = MigrationSet::new("main", blanks).unwrap();
    let order: Vec<_> = set.repeatables_in_order().iter().map(|migration| migration.description.as_str()).collect();
    assert_eq!(order, ["b view", "a view"]);
}

#[test]
fn requirements_that_cannot_be_met_are_errors() {
    assert_snapshot!(said(&[("R__a.sql", "-- migrate:requires user_veiw\n"), ("R__user_view.sql", S)]), @"
    error[M0007]: R a: requires `user_veiw`, which is no repeatable of this set
      --> m/R__a.sql
       = did you mean `user_view`?
    ");
    let circle = [
        ("R__a.sql", "-- migrate:requires b\n"),
        ("R__b.sql", "-- migrate:requires c\n"),
        ("R__c.sql", "-- migrate:requires b\n"),
    ];
    assert_snapshot!(said(&circle), @"
    error[M0007]: R b: requires itself
      --> m/R__b.sql
       = the circle is R b -> R c -> R b
       = take one `requires` out of it
    ");
}

#[test]
fn ten_thousand_migrations_are_read() {
    let files = (0..10_000).map(|number| (format!("{number}_x.up.sql"), "create table t (a int);"));
    let downs = (0..10_000).map(|number| (format!("{number}_x.down.sql"), "drop table t;"));
    let loaded = MigrationSet::from_folder(&Folder::embedded("m", files.chain(downs)), &options()).unwrap();
    assert_eq!((loaded.set.len(), loaded.diagnostics), (10_000, vec![]));
}

fn said_of_scripts(set: &MigrationSet) -> Vec<Diagnostic> {
    validate::scripts(set, set.snapshots(), &Syntax::POSTGRES, classify::postgres, Atomicity::Script)
}

#[test]
fn scripts_that_do_not_split_or_hold_nothing_are_found() {
    let files = [
        ("1_a.sql", "create table a (b int);\n"),
        ("2_b.up.sql", "insert into a values ('open);\n"),
        ("2_b.down.sql", "-- nothing yet\n"),
        ("3_c.sql", "\\connect other\nselect 1;\n"),
        ("R__d.sql", "\u{feff}\n"),
        ("B1__e.sql", "/* open"),
    ];
    let set = set(&files);
    assert_snapshot!(lines(&said_of_scripts(&set)), @r#"
    error[M0009]: 2 b: this string is never closed
      --> m/2_b.up.sql:1:23
     1 | insert into a values ('open);
       |                       ^
       = close it with `'`
    warning[M0011]: 2 b (down): has no statement
      --> m/2_b.down.sql
       = as it is, going back changes nothing; if there is no way back, say so in the up instead: -- migrate:irreversible "why"
    error[M0009]: 3 c: `\connect` is a command for psql, not for the server
      --> m/3_c.sql:1:1
     1 | \connect other
       | ^^^^^^^^
       = remove the line: a migration runs on one connection, to the database it is applied to
    warning[M0011]: R d: has no statement
      --> m/R__d.sql
       = write one, or delete the file if it was never applied
    error[M0009]: B1 e: this comment is never closed
      --> m/B1__e.sql:1:1
     1 | /* open
       | ^^
       = close it with `*/`
    "#);
}

#[test]
fn scripts_that_cannot_run_as_they_are_are_found() {
    let set = set(&[
        ("1_a.sql", "begin;\ncreate table a (b int);\n"),
        ("2_b.sql", "-- migrate:batch key=id size=5 table=a\nupdate a set b = b + 1;\n"),
        ("3_c.sql", "-- migrate:batch key=id size=5 table=a\nupdate a set b = 1 where id between :lo and :hi;\n"),
    ]);
    assert_snapshot!(lines(&said_of_scripts(&set)), @r"
    error[M0009]: 1 a: the transaction opened here is never committed
      --> m/1_a.sql:1:1
     1 | begin;
       | ^^^^^
       = end it with COMMIT, or take the BEGIN out: a migration runs in a transaction anyway
    error[M0009]: 2 b: statement 1 would change all rows in every round: it does not name :lo and :hi
      --> m/2_b.sql:1:1
     1 | -- migrate:batch key=id size=5 table=a
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = say which rows a round is about: WHERE key BETWEEN :lo AND :hi
    ");
}

#[test]
fn the_scripts_of_a_folder_that_is_no_set_are_understood() {
    let files = folder(&[("1_a.sql", "select 1;"), ("2-b.sql", "select 2;"), ("3_c.sql", "select 3;")]);
    assert!(MigrationSet::from_folder(&files, &options()).is_err());
    let (migrations, _) = MigrationSet::understood(&files, &options());
    let ids: Vec<_> = migrations.iter().map(|migration| migration.id.to_string()).collect();
    assert_eq!(ids, ["1", "3"]);
}
