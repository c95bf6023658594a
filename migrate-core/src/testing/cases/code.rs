//! Code among the scripts: on which connection, with which checkpoints, and what a crash leaves of it.

use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;

use super::super::Crash;
use super::super::fixture::{Fixture, id, set};
use super::{done, migrator, numbers, session};
use crate::backend::TableName;
use crate::code::{Code, CodeContext, CodeError, CodeMigration, ContextError, Restart};
use crate::error::ErrorKind;
use crate::history::{Entry, State};
use crate::plan::{DownGoal, Goal, Refusal};
use crate::{Migrator, RunOptions};

/// Asks for the connection, as its own type and as another one.
struct Native<F>(std::marker::PhantomData<fn() -> F>);

#[async_trait]
impl<F: Fixture + 'static> Code for Native<F> {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.native::<F::Native>()?;
        let other = context.native::<Box<F::Native>>().map(drop);
        assert!(matches!(other, Err(ContextError::Native { .. })), "{other:?}");
        context.execute("INSERT INTO a VALUES (2); INSERT INTO a VALUES (3);").await?;
        assert_eq!(context.query("SELECT n FROM a").await?.len(), 3);
        Ok(())
    }
}

/// Code runs in its place, on the connection that the backend documents, and is applied once.
pub fn code_runs_on_the_documented_connection<F: Fixture + 'static>() {
    let fixture = F::create();
    let scripts = set(&[
        ("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);", ""),
        ("3", "INSERT INTO a VALUES (4);", ""),
    ]);
    let code = CodeMigration::new(id("2"), "native", "1", Native::<F>(std::marker::PhantomData));
    let migrator = migrator(&fixture, &scripts).with_code([code]).unwrap();
    assert_eq!(done(&F::block_on(migrator.up()).unwrap()), ["up 1", "up 2", "up 3"]);
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3, 4]));
    assert!(F::block_on(migrator.up()).unwrap().is_empty());
    assert!(F::block_on(migrator.check()).unwrap().is_current());
}

/// Fills a table in batches of one row, and gives up behind a number.
struct Fill {
    table: &'static str,
    until: u64,
    gives_up_after: Option<u64>,
}

#[async_trait]
impl Code for Fill {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        let begin: u64 = context.checkpoint().unwrap_or("0").parse()?;
        for number in begin + 1..=self.until {
            context.execute(&format!("INSERT INTO {} VALUES ({number})", self.table)).await?;
            if self.gives_up_after == Some(number - 1) {
                return Err(CodeError::new(format!("{number} is too much")));
            }
            context.commit(number.to_string()).await?;
            context.progress(number, self.until);
        }
        Ok(())
    }
}

/// Inserts a row, and removes it on the way back. Told to fail, it does so at its end.
struct Insert {
    table: &'static str,
    fails: bool,
}

#[async_trait]
impl Code for Insert {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute(&format!("INSERT INTO {} VALUES (1)", self.table)).await?;
        if self.fails { Err(CodeError::new("no more")) } else { Ok(()) }
    }

    async fn down(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute(&format!("DELETE FROM {}", self.table)).await?;
        Ok(())
    }
}

/// Builds a table up row by row, each committed by itself.
struct Rebuild {
    table: &'static str,
}

#[async_trait]
impl Code for Rebuild {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        for number in 1..=2 {
            context.execute(&format!("INSERT INTO {} VALUES ({number})", self.table)).await?;
        }
        Ok(())
    }

    async fn reset(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute(&format!("DELETE FROM {}", self.table)).await?;
        Ok(())
    }
}

fn entries<F: Fixture>(fixture: &F) -> Vec<Entry> {
    F::block_on(session(fixture).load(&TableName::default())).unwrap()
}

/// A checkpoint and the data since the one before it are there together or not at all, and the next run goes on there.
pub fn a_checkpoint_is_committed_with_its_data<F: Fixture>() {
    let fixture = F::create();
    let scripts = set(&[("1", "CREATE TABLE a (n INTEGER);", "")]);
    let fill = |gives_up_after| {
        let fill = Fill { table: "a", until: 4, gives_up_after };
        let code = CodeMigration::new(id("2"), "fill", "1", fill).in_batches();
        migrator(&fixture, &scripts).with_code([code]).unwrap()
    };
    let error = F::block_on(fill(Some(2)).up()).unwrap_err();
    let ErrorKind::Code(failure) = error.kind() else { panic!("{error}") };
    assert_eq!((failure.checkpoint.as_deref(), failure.error.to_string().as_str()), (Some("2"), "3 is too much"));
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2]));
    let row = entries(&fixture).pop().unwrap();
    assert_eq!((row.state, row.checkpoint.as_deref()), (State::Failed, Some("2")));
    assert_eq!(row.error.as_deref(), Some("3 is too much"));

    assert_eq!(done(&F::block_on(fill(None).up()).unwrap()), ["up 2"]);
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3, 4]));
    assert!(F::block_on(fill(None).up()).unwrap().is_empty());
}

/// Code that fails in its transaction leaves nothing, not even a row; going back is as atomic.
pub fn code_in_a_transaction_is_all_or_nothing<F: Fixture>() {
    let fixture = F::create();
    let scripts = set(&[("1", "CREATE TABLE a (n INTEGER);", "DROP TABLE a;")]);
    let insert = |fails| {
        let code = CodeMigration::new(id("2"), "insert", "1", Insert { table: "a", fails }).reversible();
        migrator(&fixture, &scripts).with_code([code]).unwrap()
    };
    let error = F::block_on(insert(true).up()).unwrap_err();
    let ErrorKind::Code(failure) = error.kind() else { panic!("{error}") };
    assert!(!failure.recorded, "{failure:?}");
    assert_eq!(numbers(&fixture, "a"), Some(vec![]));
    assert_eq!(entries(&fixture).len(), 1);
    F::block_on(insert(false).up()).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![1]));
    let back = insert(false).goal(Goal::Down(DownGoal::Steps(1)));
    assert_eq!(done(&F::block_on(back.up()).unwrap()), ["down 2"]);
    assert_eq!(numbers(&fixture, "a"), Some(vec![]));
}

/// For every k: code whose connection is lost before or after the k-th thing done to the database comes to its end in the
/// next run, each kind as it declares it: batches go on, transactions never happened, what starts over is reset first,
/// and only what says nothing is asked about.
pub fn code_survives_a_crash_anywhere<F: Fixture>() {
    let mut points = 0;
    for after in [false, true] {
        for at in 0.. {
            match crash_at::<F>(at, after) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(()) => points += 1,
            }
        }
    }
    assert!(points > 20, "{points}");
}

fn crash_at<F: Fixture>(at: usize, after: bool) -> ControlFlow<()> {
    let fixture = F::create();
    let moment = format!("crash {} effect {at}", if after { "after" } else { "before" });
    let scripts = set(&[(
        "1",
        "CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER); CREATE TABLE c (n INTEGER); CREATE TABLE d (n INTEGER);",
        "",
    )]);
    let code = || {
        [
            CodeMigration::new(id("2"), "fill", "1", Fill { table: "a", until: 3, gives_up_after: None }).in_batches(),
            CodeMigration::new(id("3"), "insert", "1", Insert { table: "b", fails: false }),
            CodeMigration::new(id("4"), "rebuild", "1", Rebuild { table: "c" })
                .outside_transaction(Restart::FromScratch),
            CodeMigration::new(id("5"), "once", "1", Insert { table: "d", fails: false })
                .outside_transaction(Restart::Unknown),
        ]
    };
    let backend = Crash::new(fixture.backend(), at, after);
    // What the next run makes of it is the question here.
    let options = RunOptions { reconnect_for: Duration::ZERO, ..RunOptions::default() };
    let crashing = Migrator::new(backend.clone(), scripts.clone()).with_code(code()).unwrap().options(options);
    if let Err(error) = F::block_on(crashing.up()) {
        assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{moment}: {error}");
    }
    if !backend.crashed() {
        return ControlFlow::Break(());
    }
    let next = migrator(&fixture, &scripts).with_code(code()).unwrap();
    if let Err(error) = F::block_on(next.up()) {
        let ErrorKind::Refused(Refusal::InDoubt { id: doubtful, statement, .. }) = error.kind() else {
            panic!("{moment}: {error}");
        };
        let ran = if *doubtful == id("1") {
            // Where nothing but a person tells whether a definition ran.
            numbers(&fixture, ["a", "b", "c", "d"][*statement - 1]).is_some()
        } else {
            assert_eq!(*doubtful, id("5"), "{moment}");
            numbers(&fixture, "d") == Some(vec![1])
        };
        F::block_on(next.settle(doubtful, *statement, ran)).unwrap_or_else(|error| panic!("{moment}: {error}"));
        F::block_on(next.up()).unwrap_or_else(|error| panic!("{moment}: {error}"));
    }
    let tables = ["a", "b", "c", "d"].map(|table| numbers(&fixture, table).unwrap_or_default());
    assert_eq!(tables, [vec![1, 2, 3], vec![1], vec![1, 2], vec![1]], "{moment}");
    assert!(F::block_on(next.up()).unwrap().is_empty(), "{moment}");
    ControlFlow::Continue(())
}
