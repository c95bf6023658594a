//! Folders as lists of names and texts → what is understood and what is said.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;

use crate::diagnostic::Diagnostic;
use crate::layout::{EngineNames, Folder, Layout, Native, NewMigration, Reading};
use crate::migration::{MigrationId, Phase};
use crate::set::ReadOptions;
use crate::version::Version;

pub(super) fn read(engine: &EngineNames, files: &[(&str, &str)]) -> Reading {
    Native.read(&Folder::embedded("m", files.iter().map(|(name, text)| (*name, *text))), &ReadOptions::new(*engine))
}

/// One line a migration, then the diagnostics.
pub(super) fn shown(engine: &EngineNames, files: &[(&str, &str)]) -> String {
    let reading = read(engine, files);
    let mut out = String::new();
    for migration in &reading.migrations {
        let down = migration.down.as_ref().map_or(String::new(), |down| format!(" <- {}", down.path()));
        let _ = writeln!(out, "{}: {}{down}", migration.title(), migration.up.path());
    }
    for snapshot in &reading.snapshots {
        let _ = writeln!(out, "{}: {}", snapshot.title(), snapshot.script.path());
    }
    for id in &reading.elsewhere {
        let _ = writeln!(out, "elsewhere: {id}");
    }
    for diagnostic in &reading.diagnostics {
        let _ = writeln!(out, "{diagnostic}");
    }
    out
}

fn names(engine: &EngineNames, files: &[&str]) -> String {
    let files: Vec<_> = files.iter().map(|name| (*name, "select 1;")).collect();
    shown(engine, &files)
}

#[test]
fn every_form_of_the_layout_is_read() {
    let files = [
        "20261120103000_create_users.sql",
        "20261121090000_add_email.up.sql",
        "20261121090000_add_email.down.sql",
        "2.1.0_01_pre_add_owner.up.sql",
        "2.1.0_50_post_drop_legacy.sql",
        "3_totals.postgres.sql",
        "3_totals.mysql.sql",
        "R__user_view.sql",
        "B2.1.0__snapshot.sql",
        "migrations.toml",
        "README.md",
    ];
    assert_snapshot!(names(&EngineNames::POSTGRES, &files), @"
    2.1.0/pre/01 add owner: m/2.1.0_01_pre_add_owner.up.sql
    2.1.0/post/50 drop legacy: m/2.1.0_50_post_drop_legacy.sql
    20261120103000 create users: m/20261120103000_create_users.sql
    20261121090000 add email: m/20261121090000_add_email.up.sql <- m/20261121090000_add_email.down.sql
    3 totals: m/3_totals.postgres.sql
    R user_view: m/R__user_view.sql
    B2.1.0 snapshot: m/B2.1.0__snapshot.sql
    ");
}

#[test]
fn a_name_outside_the_grammar_is_an_error_with_the_nearest_one() {
    assert_snapshot!(names(&EngineNames::SQLITE, &["1_a.sql", "2_b.dwn.sql", "3_c.sql.bak", "users.sql"]), @"
    1 a: m/1_a.sql
    error[M0001]: 2_b.dwn.sql: is not a migration's name: `.dwn` is neither an engine nor .up or .down
      --> m/2_b.dwn.sql
       = the nearest legal name is 2_b.down.sql
    error[M0001]: 3_c.sql.bak: is not a migration's name: it does not end in .sql
      --> m/3_c.sql.bak
       = the legal name is 3_c.sql: rename it, or move what is no migration out of the folder
    error[M0001]: users.sql: is not a migration's name: it starts with no version
      --> m/users.sql
       = name it VERSION_DESCRIPTION.sql, like 20261120103000_create_users.sql, or move it out of the folder
    ");
}

#[test]
fn the_best_variant_for_the_engine_is_taken() {
    let files = [
        "1_a.sql",
        "1_a.mysql.sql",
        "1_a.mariadb.sql",
        "2_b.mysql.sql",
        "3_c.sql",
        "3_c.mysql.down.sql",
        "4_d.sqlite.sql",
    ];
    assert_snapshot!(names(&EngineNames::MARIADB, &files), @"
    1 a: m/1_a.mariadb.sql
    2 b: m/2_b.mysql.sql
    3 c: m/3_c.sql <- m/3_c.mysql.down.sql
    elsewhere: 4
    ");
    assert_snapshot!(names(&EngineNames::MYSQL, &files), @"
    1 a: m/1_a.mysql.sql
    2 b: m/2_b.mysql.sql
    3 c: m/3_c.sql <- m/3_c.mysql.down.sql
    elsewhere: 4
    ");
    assert_snapshot!(names(&EngineNames::POSTGRES, &files), @"
    1 a: m/1_a.sql
    3 c: m/3_c.sql
    elsewhere: 2
    elsewhere: 4
    ");
}

#[test]
fn a_down_needs_an_up_that_serves_its_engine() {
    assert_snapshot!(names(&EngineNames::POSTGRES, &["1_a.down.sql", "2_b.mysql.up.sql", "2_b.postgres.down.sql"]), @"
    elsewhere: 2
    error[M0003]: 1 a: a down without its up
      --> m/1_a.down.sql
       = its up would be 1_a.up.sql
    error[M0003]: 2 b: a down without its up
      --> m/2_b.postgres.down.sql
       = its up would be 2_b.postgres.up.sql
    ");
    assert_snapshot!(names(&EngineNames::MARIADB, &["2_b.mariadb.up.sql", "2_b.mysql.down.sql"]), @"2 b: m/2_b.mariadb.up.sql <- m/2_b.mysql.down.sql");
}

#[test]
fn a_down_named_unlike_its_up_is_taken_with_a_warning() {
    assert_snapshot!(names(&EngineNames::POSTGRES, &["01_add_email.up.sql", "1_add_mail.down.sql"]), @"
    01 add email: m/01_add_email.up.sql <- m/1_add_mail.down.sql
    warning[M0001]: 1_add_mail.down.sql: is taken as the down of 01_add_email, which has another name
      --> m/1_add_mail.down.sql
       = give both one name
    ");
}

#[test]
fn two_files_for_one_identity_are_both_named() {
    assert_snapshot!(names(&EngineNames::POSTGRES, &["1_a.sql", "1.0_b.sql"]), @"
    1.0 b: m/1.0_b.sql
    error[M0002]: 1 a: two files claim this identity
      --> m/1_a.sql
       = the other one is m/1.0_b.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
    assert_snapshot!(names(&EngineNames::POSTGRES, &["2_a.sql", "2_a.up.sql"]), @"
    2 a: m/2_a.sql
    error[M0002]: 2 a: two files claim this identity
      --> m/2_a.up.sql
       = the other one is m/2_a.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
    assert_snapshot!(names(&EngineNames::POSTGRES, &["3_a.postgres.sql", "3_a.postgresql.sql"]), @"
    3 a: m/3_a.postgres.sql
    error[M0002]: 3 a: two files claim this identity
      --> m/3_a.postgresql.sql
       = the other one is m/3_a.postgres.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
    assert_snapshot!(names(&EngineNames::POSTGRES, &["4.0_a.sql", "4_00_pre_b.sql", "4.0_00_pre_c.sql"]), @"
    4.0 c: m/4.0_00_pre_c.sql
    error[M0002]: 4.0 a: two files claim this identity
      --> m/4.0_a.sql
       = the other one is m/4.0_00_pre_c.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    error[M0002]: 4 00 pre b: two files claim this identity
      --> m/4_00_pre_b.sql
       = the other one is m/4.0_00_pre_c.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
    assert_snapshot!(names(&EngineNames::POSTGRES, &["5_a.sql", "5_b.postgres.sql"]), @"
    5 a: m/5_a.sql
    error[M0002]: 5 b: two files claim this identity
      --> m/5_b.postgres.sql
       = the other one is m/5_a.sql
       = give the newer one a higher version; one that is applied anywhere keeps its name
    ");
}

fn new(id: &str, description: &str) -> NewMigration {
    NewMigration { id: id.parse().unwrap(), description: description.to_owned(), engine: None, reversible: false }
}

#[test]
fn a_new_migration_gets_the_plainest_name_that_says_all() {
    let cases = [
        (new("20261120103000", "create users"), "20261120103000_create_users.sql"),
        (new("2.1.0", "add owner"), "2.1.0_add_owner.sql"),
        (new("2.1.0", "post drop"), "2.1.0_00_pre_post_drop.sql"),
        (new("2.1.0", "01 pre x"), "2.1.0_00_pre_01_pre_x.sql"),
        (new("2.1.0/post/50", "drop legacy"), "2.1.0_50_post_drop_legacy.sql"),
        (new("3", ""), "3.sql"),
        (new("3", "add v1.2/x"), "3_add_v1_2_x.sql"),
        (new("R user_view", "user view"), "R__user_view.sql"),
        (NewMigration { reversible: true, ..new("3", "a") }, "3_a.up.sql 3_a.down.sql"),
        (NewMigration { engine: Some("mysql".to_owned()), ..new("3", "a") }, "3_a.mysql.sql"),
        (new("3/post", "a"), "3_a.sql -- migrate:phase post"),
    ];
    for (new, expected) in cases {
        let files = Native.files(&new).unwrap();
        let shown: Vec<_> = files.iter().flat_map(|file| [file.name.as_str(), file.text.trim_end()]).collect();
        assert_eq!(shown.join(" ").split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }
}

#[test]
fn an_identity_without_a_name_is_refused() {
    let refusal = |new: &NewMigration| Native.files(new).unwrap_err().to_string();
    assert_snapshot!(refusal(&new("3/pre/7", "a")), @"error[M0407]: 3/pre/07: only a dotted version can have an ordinal, like 3.0/pre/07");
    assert_snapshot!(refusal(&new("R a/b", "")), @"error[M0407]: R a/b: a repeatable's name has no blanks, dots or slashes in it");
    assert_snapshot!(refusal(&new("1.0-a_b", "x")), @"error[M0407]: 1.0-a_b: cannot be named 1.0-a_b_00_pre_x.sql: it would be read as another migration");
    assert_snapshot!(refusal(&new("1.0-rc1", "")), @"error[M0407]: 1.0-rc1: cannot be named 1.0-rc1.sql: after the version `1.0` comes `_`");
    assert_snapshot!(refusal(&NewMigration { engine: Some("oracle db".to_owned()), ..new("1", "x") }), @"error[M0407]: 1: `oracle db` cannot be an engine's name");
}

fn an_id() -> impl Strategy<Value = MigrationId> {
    let dotted = (prop::collection::vec(0..3000_u128, 2..5), any::<bool>(), 0..100_000_u32, "(-(rc1|collate|a\\.2))?")
        .prop_map(|(parts, post, ordinal, suffix)| {
            let version = format!("{}{suffix}", Version::new(parts)).parse().unwrap();
            MigrationId::versioned(version, if post { Phase::Post } else { Phase::Pre }, ordinal)
        });
    let plain = (any::<u128>(), any::<bool>()).prop_map(|(number, post)| {
        MigrationId::versioned(Version::new([number]), if post { Phase::Post } else { Phase::Pre }, 0)
    });
    prop_oneof![plain, dotted, "[a-z_][a-z0-9_]{0,12}".prop_map(MigrationId::repeatable)]
}

proptest! {
    #[test]
    fn a_generated_name_reads_back_to_its_identity_and_description(
        id in an_id(),
        words in prop::collection::vec("[a-zà-ü0-9-]{1,6}|pre|post|up|down|mysql|01", 0..5),
        reversible: bool,
        engine in prop::option::of(prop::sample::select(vec!["postgres", "postgresql"])),
    ) {
        let description = if let MigrationId::Repeatable { name } = &id {
            name.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        } else {
            words.join(" ")
        };
        let new = NewMigration { id: id.clone(), description: description.clone(), engine: engine.map(str::to_owned), reversible };
        let Ok(files) = Native.files(&new) else {
            // A suffix needs a description after it.
            prop_assert!(id.version().is_some_and(|version| version.suffix().is_some()) && description.is_empty());
            return Ok(());
        };
        let folder = Folder::embedded("m", files.into_iter().map(|file| (file.name, file.text + "select 1;")));
        let reading = Native.read(&folder, &ReadOptions::new(EngineNames::POSTGRES));
        prop_assert_eq!(&reading.diagnostics, &Vec::<Diagnostic>::new());
        let [migration] = reading.migrations.as_slice() else { panic!("{reading:?}") };
        prop_assert_eq!(&migration.id, &id);
        prop_assert_eq!(&migration.description, &description);
        prop_assert_eq!(migration.down.is_some(), reversible);
    }

    #[test]
    fn no_name_makes_reading_panic_or_is_lost(name in "(R__|B|V|v)?[0-9.]{0,6}[_-]{0,2}[a-z.~ é]{0,8}(\\.up|\\.down|\\.dwn)?(\\.sql)?(\\.bak)?") {
        let reading = read(&EngineNames::POSTGRES, &[(&name, "select 1;")]);
        let understood = reading.migrations.len() + reading.snapshots.len() + reading.diagnostics.len();
        prop_assert!(understood > 0 || !name.to_lowercase().contains(".sql"), "{} is lost", name);
    }
}

#[test]
fn placeholders_are_replaced_where_somebody_gives_them_values() {
    let folder =
        Folder::embedded("m", [("1_a.sql", "create table ${s}.a (b int);\n-- migrate:down\ndrop table ${s}.a;")]);
    let mut options = ReadOptions::new(EngineNames::POSTGRES);
    let plain = Native.read(&folder, &options).migrations.remove(0);
    assert!(plain.up.text().contains("${s}"));
    options.placeholders = [("s", "shop")].into_iter().collect();
    let replaced = Native.read(&folder, &options).migrations.remove(0);
    assert_eq!(replaced.up.text(), "create table shop.a (b int);\n");
    assert_eq!(replaced.down.unwrap().text(), "-- migrate:down\ndrop table shop.a;");
    assert_eq!(replaced.checksum, plain.checksum);
    options.placeholders = [("t", "shop")].into_iter().collect();
    let said = Native.read(&folder, &options).diagnostics;
    assert_snapshot!(said[0], @r#"
    error[M0021]: 1 a: `s` has no value
      --> m/1_a.sql:1:14
     1 | create table ${s}.a (b int);
       |              ^^^^
       = give it one for this run: --placeholder s=VALUE
       = or for good, in migrate.toml: [placeholders] s = "VALUE"
    "#);
}
