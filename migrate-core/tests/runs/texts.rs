//! Texts whose statements are marked, and texts with values in place of placeholders.

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::{Backend, TableName};
use migrate_core::history::{EntryKey, Texts};
use migrate_core::migration::{Migration, RunAttributes};
use migrate_core::source::Cut;
use migrate_core::testing::{Memory, fixture};
use migrate_core::{Goal, MigrationSet, Migrator, Source, checksum};

use super::{entries, migrator, numbers, rows, told};

/// A migration whose up has a value for `${table}`.
fn with_value(text: &str, table: &str, down: &str) -> Migration {
    let values = |text: &str| {
        let source = Source::new("1_test.sql", text);
        let at: Vec<_> = text.match_indices("${table}").map(|(at, found)| (at..at + found.len(), table)).collect();
        source.with_values(at)
    };
    let mut migration = fixture::migration(&("1", text, ""));
    migration.up = values(text);
    migration.down = (!down.is_empty()).then(|| values(down));
    migration
}

fn set(migration: Migration) -> MigrationSet {
    MigrationSet::new("main", vec![migration]).unwrap()
}

fn texts(memory: &Memory, seq: u64) -> Texts {
    let mut session = block_on(memory.connect()).unwrap();
    let key = EntryKey { component: "main".to_owned(), seq };
    block_on(session.texts(&TableName::default(), &[key])).unwrap().remove(0)
}

const TWO: &str = "CREATE TABLE ${table} (n INTEGER);\nINSERT INTO ${table} VALUES (1);";

#[test]
fn what_is_carried_out_has_values_and_what_is_compared_has_not() {
    let memory = Memory::transactional();
    let migration = || with_value(TWO, "secret", "DROP TABLE ${table};");
    let migrator = Migrator::new(memory.clone(), set(migration()));
    let plan = block_on(migrator.plan()).unwrap();
    assert!(!plan.to_string().contains("secret") && plan.to_string().contains("${table}"), "{plan}");
    block_on(migrator.up()).unwrap();
    assert_eq!(numbers(&memory, "secret").unwrap(), ["1"]);
    let stored = texts(&memory, 1);
    assert_eq!(stored.script.as_deref(), Some(TWO));
    assert_eq!(stored.down_script.as_deref(), Some("DROP TABLE secret;"), "an older release has no values");
    let entry = &entries(&memory)[0];
    assert_eq!(entry.checksum, checksum::raw(TWO));
    assert_ne!(entry.executed_digest, Some(checksum::raw(TWO)));
    // Another value does not make it another migration.
    assert!(block_on(Migrator::new(memory.clone(), set(with_value(TWO, "other", ""))).up()).unwrap().is_empty());
    let older = Migrator::new(memory.clone(), MigrationSet::new("main", vec![]).unwrap());
    block_on(older.goal(Goal::Down(migrate_core::plan::DownGoal::Empty)).up()).unwrap();
    assert_eq!(numbers(&memory, "secret"), None);
}

#[test]
fn a_failure_is_shown_where_it_was_written() {
    let text = "SELECT 1; INSERT INTO ${table} VALUES (1); INSERT INTO a VALUES (2);";
    let error = block_on(Migrator::new(Memory::transactional(), set(with_value(text, "verylongname", ""))).up());
    assert_snapshot!(error.unwrap_err().to_string(), @"
    error[M0302]: 1 test: statement 2 of 3 failed: no such table: verylongname (MEM01)
      --> 1_test.sql:1:23
     1 | SELECT 1; INSERT INTO ${table} VALUES (1); INSERT INTO a VALUES (2);
       |                       ^^^^^^^^
       = no migration was completed in this run
       = the transaction was rolled back: fix the file and run `migrate up` again
    ");
    let error = block_on(Migrator::new(Memory::transactional(), set(with_value(text, "", ""))).up());
    assert_snapshot!(error.unwrap_err().to_string(), @"
    error[M0302]: 1 test: statement 2 of 3 failed: syntax error (MEM01)
      --> 1_test.sql:1:11
     1 | SELECT 1; INSERT INTO ${table} VALUES (1); INSERT INTO a VALUES (2);
       |           ^^^^^^
       = no migration was completed in this run
       = the transaction was rolled back: fix the file and run `migrate up` again
    ");
}

#[test]
fn a_journalled_script_with_values_goes_on_behind_what_ran() {
    let memory = Memory::implicit();
    let up = |text: &str, table| block_on(Migrator::new(memory.clone(), set(with_value(text, table, ""))).up());
    up(&format!("{TWO}\nINSERT INTO nosuch VALUES (3);"), "a").unwrap_err();
    let other = up(&format!("{TWO}\nINSERT INTO ${{table}} VALUES (3);"), "b").unwrap_err();
    assert!(other.to_string().contains("the part that has already run was changed"), "{other}");
    up(&format!("{TWO}\nINSERT INTO ${{table}} VALUES (3);"), "a").unwrap();
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "3"]);
    assert_eq!(rows(&memory), ["1 up 1 failed at 2", "2 up 1 done"]);
}

#[test]
fn a_repeatable_runs_again_when_its_values_change() {
    let memory = Memory::transactional();
    block_on(migrator(&memory, &[("1", "CREATE TABLE a (n INTEGER)", "")]).up()).unwrap();
    let up = |table: &str| {
        let mut repeatable = with_value("INSERT INTO a VALUES (${table})", table, "");
        repeatable.id = migrate_core::MigrationId::repeatable("r");
        let set =
            MigrationSet::new("main", vec![fixture::migration(&("1", "CREATE TABLE a (n INTEGER)", "")), repeatable]);
        block_on(Migrator::new(memory.clone(), set.unwrap()).up()).unwrap().steps.len()
    };
    assert_eq!([up("1"), up("1"), up("2"), up("2")], [1, 0, 1, 0]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
}

/// What stands between `<` and `>` is one statement, whatever is in it.
fn marked(text: &str) -> Source {
    let (start, end) = (text.find('<').unwrap(), text.find('>').unwrap());
    let cut = |range, whole| Cut { range, whole };
    let cuts = vec![cut(0..start, false), cut(start + 1..end, true), cut(end + 1..text.len(), false)];
    Source::new("1_test.sql", text).with_cuts(cuts)
}

fn with_marks(up: &str, down: &str) -> MigrationSet {
    let mut migration = fixture::migration(&("1", up, ""));
    migration.up = marked(up);
    migration.down = Some(marked(down));
    migration.attributes.down = RunAttributes { no_transaction: true, ..RunAttributes::default() };
    set(migration)
}

#[test]
fn marked_statements_are_one_also_for_a_release_without_the_files() {
    let memory = Memory::transactional();
    let set = with_marks(
        "CREATE TABLE b (n INTEGER); <ALTER TABLE b; x;>; INSERT INTO b VALUES (1)",
        "<ALTER TABLE b; y;>; DROP TABLE b",
    );
    let (lines, result) = told(&Migrator::new(memory.clone(), set));
    result.unwrap();
    assert_eq!(lines, ["1 statement 1", "1 statement 2", "1 statement 3"]);
    assert_snapshot!(texts(&memory, 1).down_script.unwrap(), @"
    -- migrate:no-transaction
    -- migrate:statement begin
    ALTER TABLE b; y;
    -- migrate:statement end
    ; DROP TABLE b
    ");
    let older = Migrator::new(memory.clone(), MigrationSet::new("main", vec![]).unwrap());
    let (lines, result) = told(&older.goal(Goal::Down(migrate_core::plan::DownGoal::Empty)));
    result.unwrap();
    assert_eq!(lines, ["1 statement 1", "1 statement 2"]);
    assert_eq!((numbers(&memory, "b"), entries(&memory)[1].statements), (None, 2));
}

#[test]
fn a_marked_statement_that_was_passed_is_not_run_again() {
    let memory = Memory::implicit();
    let up = |third: &str| {
        let up = format!("CREATE TABLE b (n INTEGER); <ALTER TABLE b; x;>; INSERT INTO {third} VALUES (1)");
        told(&Migrator::new(memory.clone(), with_marks(&up, "<ALTER TABLE b; y;>; DROP TABLE b")))
    };
    assert!(up("nosuch").1.is_err());
    let (lines, result) = up("b");
    result.unwrap();
    assert_eq!(lines, ["1 statement 3"]);
    assert_eq!(rows(&memory), ["1 up 1 failed at 2", "2 up 1 done"]);
}
