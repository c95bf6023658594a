//! Code among the scripts: what is written down, tried again, stopped, and said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::Fault;
use migrate_core::code::{Code, CodeContext, CodeError, CodeMigration, ContextError, Restart};
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::history::State;
use migrate_core::layout::{EngineNames, Folder};
use migrate_core::plan::DownGoal;
use migrate_core::testing::fixture::{Text, id};
use migrate_core::testing::{Memory, Record};
use migrate_core::{Goal, MigrationSet, Migrator, ReadOptions, async_trait};

use super::{entries, ids, migrator, numbers, options, rows};

const FIRST: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER);", "DROP TABLE a;")];

/// These statements, `commit` and `save` among them with the next number as their checkpoint.
#[derive(Clone)]
struct Does(&'static [&'static str], Arc<AtomicUsize>);

impl Does {
    fn new(steps: &'static [&'static str]) -> Self {
        Self(steps, Arc::default())
    }
}

#[async_trait]
impl Code for Does {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let begin: usize = context.checkpoint().unwrap_or("0").parse()?;
        for (index, step) in self.0.iter().enumerate().skip(begin) {
            match *step {
                "commit" => context.commit((index + 1).to_string()).await?,
                "save" => context.save_checkpoint((index + 1).to_string()).await?,
                "fail" => return Err(CodeError::new("no more")),
                sql => context.execute(sql).await.map(drop)?,
            }
        }
        Ok(())
    }

    async fn reset(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute("DELETE FROM a").await?;
        Ok(())
    }
}

fn code(steps: &'static [&'static str]) -> CodeMigration {
    CodeMigration::new(id("2"), "code", "1", Does::new(steps))
}

fn with(memory: &Memory, code: CodeMigration) -> Migrator {
    migrator(memory, FIRST).with_code([code]).unwrap()
}

fn checkpoints(memory: &Memory) -> Vec<Option<String>> {
    entries(memory).into_iter().map(|row| row.checkpoint).collect()
}

#[test]
fn batches_are_announced_and_each_changes_the_row_with_its_data() {
    let memory = Memory::transactional();
    let record = Record::new(memory.clone());
    let code = code(&["INSERT INTO a VALUES (1)", "commit", "INSERT INTO a VALUES (2)"]).in_batches();
    let migrator = migrator(&record, FIRST).with_code([code]).unwrap();
    assert_eq!(ids(&block_on(migrator.up()).unwrap()), ["up 1", "up 2"]);
    let lines = record.lines();
    let begin = lines.iter().position(|line| line.contains("append 2")).unwrap();
    assert_snapshot!(lines[begin - 1..].join("\n"), @"
    | begin
    | append 2 up 2 in_flight at 0
    | commit
    begin
    INSERT INTO a VALUES (1)
    | advance 2 0 → 0 in_flight
    | commit
    | begin
    INSERT INTO a VALUES (2)
    | advance 2 0 → 1 done
    | commit
    set 0 variables, lock timeout None
    unlock
    ");
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
}

#[test]
fn code_that_meets_a_lock_is_tried_again_from_its_last_checkpoint() {
    let memory = Memory::transactional();
    memory.fail_next("VALUES (2)", Fault::LockTimeout, 2);
    let steps = &["INSERT INTO a VALUES (1)", "commit", "INSERT INTO a VALUES (2)"];
    let does = Does::new(steps);
    let calls = Arc::clone(&does.1);
    let batches = CodeMigration::new(id("2"), "code", "1", does).in_batches();
    block_on(with(&memory, batches).up()).unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
    assert_eq!(rows(&memory), ["1 up 1 done", "2 up 2 done"]);
}

#[test]
fn code_in_a_transaction_that_meets_a_lock_is_tried_again_whole() {
    let memory = Memory::transactional();
    memory.fail_next("VALUES (2)", Fault::LockTimeout, 1);
    block_on(with(&memory, code(&["INSERT INTO a VALUES (1)", "INSERT INTO a VALUES (2)"])).up()).unwrap();
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
}

#[test]
fn a_stop_ends_code_behind_a_commit_and_the_next_run_goes_on_there() {
    let memory = Memory::transactional();
    let steps = &["INSERT INTO a VALUES (1)", "commit", "INSERT INTO a VALUES (2)", "commit"];
    let stopped = with(&memory, code(steps).in_batches());
    let handle = stopped.stop_handle();
    let mut observer = |event: &Event<'_>| {
        if let Event::StepStarted { step } = event
            && step.id == id("2")
        {
            handle.stop();
        }
    };
    let error = block_on(stopped.run(&mut observer)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stopped { left } if left == &["2 code"]), "{error}");
    assert_eq!(
        (rows(&memory).pop().unwrap().as_str(), numbers(&memory, "a")),
        ("2 up 2 interrupted at 0", Some(vec![]))
    );
    block_on(with(&memory, code(steps).in_batches()).up()).unwrap();
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
}

#[test]
fn what_failed_outside_of_a_transaction_goes_on_as_it_declares() {
    let steps: &[&str] = &["INSERT INTO a VALUES (1)", "save", "INSERT INTO a VALUES (2)", "fail"];
    let memory = Memory::transactional();
    let error = block_on(with(&memory, code(steps).outside_transaction(Restart::AtCheckpoint)).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0308]: 2 code: its code failed: no more
      --> <registered code>
       = applied before it in this run: 1
       = fix the code and run it again: it goes on at checkpoint 2
    ");
    assert_eq!(checkpoints(&memory), [None, Some("2".to_owned())]);
    let mended = &["INSERT INTO a VALUES (1)", "save", "INSERT INTO a VALUES (3)"];
    block_on(with(&memory, code(mended).outside_transaction(Restart::AtCheckpoint)).up()).unwrap();
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2", "3"]);

    let memory = Memory::transactional();
    let error = block_on(with(&memory, code(steps).outside_transaction(Restart::FromScratch)).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0308]: 2 code: its code failed: no more
      --> <registered code>
       = applied before it in this run: 1
       = fix the code and run it again: it removes what this attempt left, and starts over
    ");
    block_on(with(&memory, code(mended).outside_transaction(Restart::FromScratch)).up()).unwrap();
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "3"]);

    let memory = Memory::transactional();
    let error = block_on(with(&memory, code(steps).outside_transaction(Restart::Unknown)).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0308]: 2 code: its code failed: no more
      --> <registered code>
       = applied before it in this run: 1
       = what it did so far may be there: look, then fix the code and run it again from its beginning
    ");
}

#[test]
fn a_definition_that_commits_takes_the_row_along() {
    let steps: &[&str] = &["CREATE TABLE b (n INTEGER)", "INSERT INTO b VALUES (1)", "fail"];
    let memory = Memory::implicit();
    let error = block_on(with(&memory, code(steps)).up()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Code(failure) if failure.recorded), "{error}");
    assert_eq!(rows(&memory), ["1 up 1 done", "2 up 2 failed at 0"]);
    assert_eq!(entries(&memory)[1].error.as_deref(), Some("no more"));
    // What follows a definition is in a transaction again.
    assert_eq!(numbers(&memory, "b"), Some(vec![]));
    block_on(with(&memory, code(&["INSERT INTO b VALUES (2)"])).up()).unwrap();
    assert_eq!(numbers(&memory, "b").unwrap(), ["2"]);

    let memory = Memory::transactional();
    let error = block_on(with(&memory, code(steps)).up()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Code(failure) if !failure.recorded), "{error}");
    assert_eq!(rows(&memory), ["1 up 1 done"]);
}

#[test]
fn the_context_refuses_what_does_not_fit_how_the_code_runs() {
    struct Misuse;

    #[async_trait]
    impl Code for Misuse {
        async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
            assert_eq!(context.commit("1").await, Err(ContextError::NotInBatches));
            assert_eq!(context.save_checkpoint("1").await, Err(ContextError::InTransaction));
            let ended = context.execute("COMMIT").await.unwrap_err();
            assert_eq!(ended.to_string(), "the transaction of the migration is open: `COMMIT` would end it");
            Ok(())
        }
    }

    let memory = Memory::transactional();
    block_on(with(&memory, CodeMigration::new(id("2"), "misuse", "1", Misuse)).up()).unwrap();
}

#[test]
fn code_without_a_way_back_is_not_taken_back() {
    let memory = Memory::transactional();
    let once = || with(&memory, code(&["INSERT INTO a VALUES (1)"]));
    block_on(once().up()).unwrap();
    let error = block_on(once().goal(Goal::Down(DownGoal::Steps(1))).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    refused[M0206]: 2 code: there is no way back: its code has none
      --> <registered code>
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
}

#[test]
fn a_plan_for_code_is_not_carried_out_without_it() {
    let memory = Memory::transactional();
    let plan = block_on(with(&memory, code(&[])).plan()).unwrap();
    let error = block_on(migrator(&memory, FIRST).apply(&plan, &mut ())).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    refused[M0221]: 2 code: is pending, and its work is Rust code, which only the application can run
      --> <registered code>
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    ");
    assert_eq!(rows(&memory), ["1 up 1 done"]);
}

#[test]
fn code_fits_its_set() {
    let memory = Memory::transactional();
    let problem = |codes: Vec<CodeMigration>| {
        let error = migrator(&memory, FIRST).with_code(codes).unwrap_err();
        error.to_string()
    };
    let a_script = CodeMigration::new(id("1"), "code", "1", Does::new(&[]));
    assert_snapshot!(problem(vec![a_script]), @"
    error[M0002]: 1 test: is a script, and code is registered for it too
      --> 1_test.sql
       = give the code a version of its own
    ");
    assert_snapshot!(problem(vec![code(&[]), code(&[])]), @"
    error[M0002]: 2 code: code is registered for it twice
      --> <registered code>
    ");
    let repeatable = CodeMigration::new("R totals".parse().unwrap(), "totals", "1", Does::new(&[]));
    assert_snapshot!(problem(vec![repeatable]), @"
    error[M0221]: R totals: a repeatable cannot be code
      --> <registered code>
       = give it a version, and a new one for what has to run again
    ");
}

#[test]
fn a_lost_connection_is_survived_by_code_that_says_how() {
    let memory = Memory::transactional();
    memory.fail_next("VALUES (2)", Fault::Lost, 1);
    let mut patient = options();
    patient.reconnect_for = std::time::Duration::from_secs(10);
    let steps = &["INSERT INTO a VALUES (1)", "commit", "INSERT INTO a VALUES (2)"];
    let migrator = with(&memory, code(steps).in_batches()).options(patient);
    let mut resumed = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Resumed { how, .. } = event {
            resumed.push((*how).to_owned());
        }
    };
    assert_eq!(ids(&block_on(migrator.run(&mut observer)).unwrap()), ["up 1", "up 2"]);
    assert_eq!(resumed, ["goes on at checkpoint 2"]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2"]);
    let first = &entries(&memory)[1];
    assert_eq!(first.state, State::Interrupted);
    assert_eq!(first.settled_by.as_deref(), Some("code: it goes on at checkpoint 2"));
}

#[test]
fn code_that_loses_rows_is_rolled_back_where_a_loss_stops() {
    let memory = Memory::transactional();
    let manifest = "[counts]\na = \"SELECT n FROM a\"\non-loss = \"stop\"\n";
    let files = [("1_a.sql", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (7);"), ("migrations.toml", manifest)];
    let read = |code: CodeMigration| {
        let folder = Folder::embedded("migrations", files);
        let read = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE));
        let set = read.unwrap_or_else(|problems| panic!("{problems:?}")).set;
        Migrator::new(memory.clone(), set).options(options()).with_code([code]).unwrap()
    };
    let error = block_on(read(code(&["DELETE FROM a"])).up()).unwrap_err();
    assert!(error.to_string().contains("there is less than before it: a 7 to unknown"), "{error}");
    assert_eq!(numbers(&memory, "a"), Some(vec!["7".to_owned()]));
    assert_eq!(rows(&memory), ["1 up 1 done"]);
    block_on(read(code(&["INSERT INTO a VALUES (8)"])).up()).unwrap();
    assert_eq!(entries(&memory)[1].note.as_deref(), Some("counts: a 7"));
}
