//! Texts of files → sections, attributes, and what is said about them.

use std::fmt::Write as _;
use std::time::Duration;

use insta::assert_snapshot;

use super::tests::{read, shown};
use crate::layout::EngineNames;

/// What is said about the text of one file, and what is understood by it.
fn text(name: &str, text: &str) -> String {
    let reading = read(&EngineNames::POSTGRES, &[(name, text)]);
    let mut out = String::new();
    for migration in &reading.migrations {
        let _ = writeln!(out, "{}\nup: {:?}", migration.title(), migration.up.text());
        if let Some(down) = &migration.down {
            let _ = writeln!(out, "down: {:?}", down.text());
        }
    }
    for diagnostic in &reading.diagnostics {
        let _ = writeln!(out, "{diagnostic}");
    }
    out
}

#[test]
fn sections_divide_a_file() {
    assert_snapshot!(text("1_x.sql", "-- why\n-- migrate:up\ncreate table a (b int);\n-- migrate:down\ndrop table a;\n"), @r#"
    1 x
    up: "-- why\n-- migrate:up\ncreate table a (b int);\n"
    down: "-- migrate:down\ndrop table a;\n"
    "#);
    assert_snapshot!(text("1_x.sql", "-- migrate:up\nselect 1;\n"), @r#"
    1 x
    up: "-- migrate:up\nselect 1;\n"
    "#);
    assert_snapshot!(text("1_x.down.sql", "select 1;"), @"
    error[M0003]: 1 x: a down without its up
      --> m/1_x.down.sql
       = its up would be 1_x.up.sql
    ");
}

#[test]
fn files_of_other_systems_have_sections_too() {
    assert_snapshot!(text("1_x.sql", "\u{feff}-- migrate:up\r\nselect 1;\r\n\r\n-- migrate:down\r\nselect 2;\r\n"), @r#"
    1 x
    up: "\u{feff}-- migrate:up\r\nselect 1;\r\n\r\n"
    down: "-- migrate:down\r\nselect 2;\r\n"
    "#);
}

#[test]
fn markers_that_make_no_sense_are_errors_in_their_place() {
    assert_snapshot!(text("1_x.sql", "select 0;\n-- migrate:up\nselect 1;\n"), @r#"
    1 x
    up: "select 0;\n-- migrate:up\nselect 1;\n"
    error[M0007]: 1 x: a statement before the first section would never run
      --> m/1_x.sql:1:1
     1 | select 0;
       | ^^^^^^^^
       = move it below `-- migrate:up`
    "#);
    assert_snapshot!(text("1_x.sql", "select 1;\n-- migrate:down\nselect 2;\n"), @r#"
    1 x
    up: "select 1;\n"
    down: "-- migrate:down\nselect 2;\n"
    error[M0007]: 1 x: a section `migrate:down` and no section `migrate:up` before it
      --> m/1_x.sql:2:1
     2 | -- migrate:down
       | ^^^^^^^^^^^^^^^
       = begin the way forward with `-- migrate:up`
    "#);
    assert_snapshot!(text("1_x.sql", "-- migrate:down\nselect 2;\n-- migrate:up\nselect 1;\n"), @r#"
    1 x
    up: "-- migrate:up\nselect 1;\n"
    down: "-- migrate:down\nselect 2;\n"
    error[M0007]: 1 x: the section `migrate:down` stands before `migrate:up`
      --> m/1_x.sql:1:1
     1 | -- migrate:down
       | ^^^^^^^^^^^^^^^
       = put it after it
    "#);
    assert_snapshot!(text("1_x.sql", "-- migrate:up\nselect 2;\n-- migrate:up\nselect 1;\n"), @r#"
    1 x
    up: "-- migrate:up\nselect 2;\n-- migrate:up\nselect 1;\n"
    error[M0007]: 1 x: there are two sections `migrate:up`
      --> m/1_x.sql:3:1
     3 | -- migrate:up
       | ^^^^^^^^^^^^^
       = write both into one
       = if the files are dbmate's: --layout dbmate
    "#);
    assert_snapshot!(text("1_x.up.sql", "select 2;\n-- migrate:down\nselect 1;\n"), @r#"
    1 x
    up: "select 2;\n-- migrate:down\nselect 1;\n"
    error[M0007]: 1 x: the file's name says .up, so it has no other section
      --> m/1_x.up.sql:2:1
     2 | -- migrate:down
       | ^^^^^^^^^^^^^^^
       = take .up out of its name, or the section into a file of its own
    "#);
    assert_snapshot!(text("B1__x.sql", "-- migrate:up\nselect 2;\n-- migrate:down\nselect 1;\n"), @"
    error[M0007]: B1 x: a snapshot has no down: its migrations bring theirs
      --> m/B1__x.sql:3:1
     3 | -- migrate:down
       | ^^^^^^^^^^^^^^^
    ");
}

#[test]
fn a_down_section_and_a_down_file_are_one_too_many() {
    let both = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n";
    assert_snapshot!(shown(&EngineNames::POSTGRES, &[("1_x.sql", both), ("1_x.down.sql", "select 3;")]), @"
    1 x: m/1_x.sql <- m/1_x.sql
    error[M0002]: 1 x: has two downs
      --> m/1_x.down.sql
       = the other one is the section `-- migrate:down` in m/1_x.sql
       = keep the one that is right
    ");
    // The one that fits the engine better is meant.
    assert_snapshot!(shown(&EngineNames::POSTGRES, &[("1_x.sql", both), ("1_x.postgres.down.sql", "select 3;")]), @"1 x: m/1_x.sql <- m/1_x.postgres.down.sql");
    assert_snapshot!(shown(&EngineNames::POSTGRES, &[("1_x.postgres.sql", both), ("1_x.down.sql", "select 3;")]), @"1 x: m/1_x.postgres.sql <- m/1_x.postgres.sql");
}

#[test]
fn directives_before_the_first_marker_belong_to_the_way_forward() {
    let file = "\
-- migrate:requires-version 1.9
-- migrate:compatible-from 1.8
-- migrate:optional cleanup
-- migrate:no-transaction
-- migrate:up
-- migrate:settings work_mem=20MB
-- migrate:timeout lock=2s
-- migrate:precondition \"no rows\" select count(*) = 0 from a
-- migrate:batch key=id size=5000 pause=50ms table=a
update a set b = 1 where id between :lo and :hi;
-- migrate:down
-- migrate:settings work_mem=1MB
-- migrate:timeout statement=0
select 2;
";
    let reading = read(&EngineNames::POSTGRES, &[("1_x.sql", file)]);
    assert_eq!(reading.diagnostics, []);
    let attributes = &reading.migrations[0].attributes;
    assert_eq!(attributes.requires_version, Some("1.9".parse().unwrap()));
    assert_eq!(attributes.compatible_from, Some("1.8".parse().unwrap()));
    assert_eq!(attributes.optional.as_deref(), Some("cleanup"));
    let (run, down) = (&attributes.run, &attributes.down);
    assert_eq!((run.no_transaction, down.no_transaction), (true, false));
    assert_eq!(run.settings, [("work_mem".to_owned(), "20MB".to_owned())]);
    assert_eq!(down.settings, [("work_mem".to_owned(), "1MB".to_owned())]);
    assert_eq!((run.timeouts.lock, run.timeouts.statement), (Some(Duration::from_secs(2)), None));
    assert_eq!((down.timeouts.lock, down.timeouts.statement), (None, Some(Duration::ZERO)));
    assert_eq!((run.preconditions.len(), down.preconditions.len()), (1, 0));
    assert_eq!((run.batches.len(), down.batches.len()), (1, 0));
    assert!(file[run.batches[0].offset..].trim_start().starts_with("update"));
}

#[test]
fn a_marker_of_dbmate_can_turn_the_transaction_off() {
    let file = "-- migrate:up transaction:false\nselect 1;\n-- migrate:down\nselect 2;\n";
    let reading = read(&EngineNames::POSTGRES, &[("1_x.sql", file)]);
    assert_eq!(reading.diagnostics, []);
    let attributes = &reading.migrations[0].attributes;
    assert_eq!((attributes.run.no_transaction, attributes.down.no_transaction), (true, false));
}

#[test]
fn directives_of_a_down_file_are_about_the_way_back() {
    let files = [("1_x.up.sql", "select 1;"), ("1_x.down.sql", "-- migrate:no-transaction\nselect 2;")];
    let reading = read(&EngineNames::POSTGRES, &files);
    assert_eq!(reading.diagnostics, []);
    let attributes = &reading.migrations[0].attributes;
    assert_eq!((attributes.run.no_transaction, attributes.down.no_transaction), (false, true));
}

#[test]
fn a_phase_directive_says_what_the_name_does_not() {
    assert_snapshot!(text("12_x.sql", "-- migrate:phase post\nselect 1;"), @r#"
    12/post x
    up: "-- migrate:phase post\nselect 1;"
    "#);
    assert_snapshot!(text("2.1.0_01_pre_x.sql", "-- migrate:phase post\nselect 1;"), @r#"
    2.1.0/pre/01 x
    up: "-- migrate:phase post\nselect 1;"
    error[M0007]: 2.1.0/pre/01 x: the directive says post, the file's name says pre
      --> m/2.1.0_01_pre_x.sql:1:1
     1 | -- migrate:phase post
       | ^^^^^^^^^^^^^^^^^^^^^
       = take the directive out, or rename the file if it was never applied
    "#);
    assert_snapshot!(text("R__x.sql", "-- migrate:phase post\nselect 1;"), @r#"
    R x
    up: "-- migrate:phase post\nselect 1;"
    error[M0007]: R x: only a versioned migration has a phase; a repeatable runs with the last post
      --> m/R__x.sql:1:1
     1 | -- migrate:phase post
       | ^^^^^^^^^^^^^^^^^^^^^
       = take the directive out, or rename the file if it was never applied
    "#);
    assert_snapshot!(text("2.1.0_post_tags.sql", "select 1;"), @r#"
    2.1.0 post tags
    up: "select 1;"
    warning[M0001]: 2.1.0 post tags: `post` is part of the description, because no ordinal stands before it
      --> m/2.1.0_post_tags.sql
       = if the phase is meant, name it 2.1.0_50_post_tags.sql
       = if not, say so in the file: -- migrate:phase pre
    "#);
    assert_snapshot!(text("2.1.0_post_tags.sql", "-- migrate:phase pre\nselect 1;"), @r#"
    2.1.0 post tags
    up: "-- migrate:phase pre\nselect 1;"
    "#);
    let two = [("2.1.0_a.sql", "select 1;"), ("2.1.0_b.sql", "-- migrate:phase post\nselect 2;")];
    assert_snapshot!(shown(&EngineNames::POSTGRES, &two), @"
    2.1.0 a: m/2.1.0_a.sql
    2.1.0/post b: m/2.1.0_b.sql
    ");
}

#[test]
fn directives_out_of_place_are_errors() {
    assert_snapshot!(text("1_x.sql", "-- migrate:phsae post\nselect 1;"), @r#"
    1 x
    up: "-- migrate:phsae post\nselect 1;"
    error[M0007]: 1 x: unknown directive `phsae`
      --> m/1_x.sql:1:12
     1 | -- migrate:phsae post
       |            ^^^^^
       = did you mean `phase`?
    "#);
    let files = [("1_x.sql", "select 1;"), ("1_x.down.sql", "-- migrate:optional x\nselect 1;")];
    assert_snapshot!(shown(&EngineNames::POSTGRES, &files), @"
    1 x: m/1_x.sql <- m/1_x.down.sql
    error[M0007]: 1 x: this directive is about the whole migration and belongs into its up part
      --> m/1_x.down.sql:1:1
     1 | -- migrate:optional x
       | ^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(text("1_x.sql", "-- migrate:requires other\nselect 1;"), @r#"
    1 x
    up: "-- migrate:requires other\nselect 1;"
    error[M0007]: 1 x: only a repeatable can require others: versions have their order
      --> m/1_x.sql:1:1
     1 | -- migrate:requires other
       | ^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(text("B1__x.sql", "-- migrate:phase post\nselect 1;"), @"
    error[M0007]: B1 x: this directive is about a migration, not about a snapshot
      --> m/B1__x.sql:1:1
     1 | -- migrate:phase post
       | ^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(text("1_x.sql", "-- migrate:settings a=1\n-- migrate:settings a=2\nselect 1;"), @r#"
    1 x
    up: "-- migrate:settings a=1\n-- migrate:settings a=2\nselect 1;"
    error[M0007]: 1 x: said before in this file, with another value
      --> m/1_x.sql:2:1
     2 | -- migrate:settings a=2
       | ^^^^^^^^^^^^^^^^^^^^^^^
       = say it once
    "#);
    let files = [("1_x.sql", "-- migrate:irreversible \"gone\"\nselect 1;"), ("1_x.down.sql", "select 2;")];
    assert_snapshot!(shown(&EngineNames::POSTGRES, &files), @r#"
    1 x: m/1_x.sql <- m/1_x.down.sql
    error[M0007]: 1 x: is irreversible ("gone") and has a down
      --> m/1_x.down.sql:1:1
     1 | select 2;
       | ^
       = take one of them out
    "#);
}
