//! A script cut into what is sent together, and with what certainty.

use std::ops::Range;

use crate::backend::Atomicity;
use crate::migration::{Batch, RunAttributes};
use crate::sql::batch::has_bounds;
use crate::sql::split::Problem;
use crate::sql::{Recovery, Script, Sharing, Statement, StatementKind, Syntax, TransactionControl};

use super::Mode;

/// Statements that succeed or fail together, as indexes into the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What the cursor passes when it is done.
    pub covers: Range<usize>,
    /// What is sent: `covers` without the script's own transaction control.
    pub runs: Range<usize>,
    /// How it is sent.
    pub how: How,
}

/// How a unit is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// In one transaction with its history row: never in doubt.
    Together,
    /// In a transaction that the script itself rolls back.
    Discarded,
    /// By itself, with what decides after a crash inside it.
    Alone(Recovery),
    /// Over and over, each round in one transaction with its checkpoint.
    Batch(Batch),
}

/// Cuts `script` into units.
///
/// An outermost `BEGIN … COMMIT` of the script is what a transaction of ours would be, and is taken off; settings
/// around it move inside. Any other
/// transaction control makes the script journalled; each of its own transactions becomes one unit.
///
/// # Errors
/// Transactions that are opened and never ended, batches on statements that cannot be one.
pub fn cut(script: &Script, run: &RunAttributes, atomicity: Atomicity) -> Result<(Mode, Vec<Unit>), Vec<Problem>> {
    let batches = batches(script, run)?;
    let shares = |index: usize| {
        let statement = script.statement(index);
        sharing(&statement, atomicity) == Sharing::Shares && !is_control(&statement)
    };
    let together = |covers: Range<usize>, runs: Range<usize>| Unit { covers, runs, how: How::Together };
    let units = match outer_pair(script) {
        None => vec![together(0..script.len(), 0..script.len())],
        Some((begin, commit)) => vec![
            together(0..begin + 1, 0..begin),
            together(begin + 1..commit, begin + 1..commit),
            together(commit..script.len(), commit + 1..script.len()),
        ],
    };
    if !run.no_transaction && batches.is_empty() && units.iter().flat_map(|unit| unit.runs.clone()).all(shares) {
        return Ok((Mode::Transaction, units));
    }
    Ok((Mode::Journal, journalled(script, &batches, atomicity)?))
}

fn journalled(script: &Script, batches: &[(usize, Batch)], atomicity: Atomicity) -> Result<Vec<Unit>, Vec<Problem>> {
    let mut units = Vec::new();
    let mut index = 0;
    while index < script.len() {
        let statement = script.statement(index);
        let unit = if let Some((_, batch)) = batches.iter().find(|(at, _)| *at == index) {
            Unit { covers: index..index + 1, runs: index..index + 1, how: How::Batch(batch.clone()) }
        } else {
            match statement.class.kind {
                StatementKind::Transaction(TransactionControl::Begin) => own_transaction(script, index, atomicity)?,
                // Outside a transaction these only warn, on every engine.
                StatementKind::Transaction(TransactionControl::Commit | TransactionControl::Rollback) => {
                    Unit { covers: index..index + 1, runs: index + 1..index + 1, how: How::Together }
                }
                _ => single(&statement, atomicity),
            }
        };
        index = unit.covers.end;
        units.push(unit);
    }
    Ok(units)
}

fn single(statement: &Statement<'_>, atomicity: Atomicity) -> Unit {
    let index = statement.number - 1;
    let how = sharing(statement, atomicity).recovery().map_or(How::Together, How::Alone);
    Unit { covers: index..index + 1, runs: index..index + 1, how }
}

/// A transaction of the script's own, from its `BEGIN` to its end.
fn own_transaction(script: &Script, begin: usize, atomicity: Atomicity) -> Result<Unit, Vec<Problem>> {
    let problem = |at: usize, message: String, help: &str| {
        let statement = script.statement(at);
        let at = statement.offset..statement.offset + statement.text.len();
        Err(vec![Problem { at, message, help: Some(help.to_owned()) }])
    };
    for index in begin + 1..script.len() {
        let statement = script.statement(index);
        let covers = begin..index + 1;
        let runs = begin + 1..index;
        match statement.class.kind {
            StatementKind::Transaction(TransactionControl::Commit) => {
                return Ok(Unit { covers, runs, how: How::Together });
            }
            StatementKind::Transaction(TransactionControl::Rollback) => {
                return Ok(Unit { covers, runs, how: How::Discarded });
            }
            StatementKind::Transaction(TransactionControl::Savepoint) => {}
            StatementKind::Transaction(_) => {
                return problem(
                    index,
                    format!("statement {} cannot be carried out inside a transaction of the script", index + 1),
                    "end the transaction that is open here first",
                );
            }
            _ if sharing(&statement, atomicity) == Sharing::Shares => {}
            _ => {
                return problem(
                    index,
                    format!("statement {} ends the transaction that statement {} opens", index + 1, begin + 1),
                    "take the BEGIN and COMMIT around it out: every statement of the file is written down by itself",
                );
            }
        }
    }
    problem(
        begin,
        "the transaction opened here is never committed".to_owned(),
        "end it with COMMIT, or take the BEGIN out: a migration runs in a transaction anyway",
    )
}

/// The places of a `BEGIN` and a `COMMIT` that enclose everything but changes of the session, if there is no other
/// control in the script. `PRAGMA foreign_keys = off; BEGIN; …; COMMIT; PRAGMA foreign_keys = on` is such a script.
fn outer_pair(script: &Script) -> Option<(usize, usize)> {
    let kind = |index| script.statement(index).class.kind;
    let begin = (0..script.len()).find(|index| kind(*index) != StatementKind::Session)?;
    let commit = (begin + 1..script.len()).rfind(|index| kind(*index) != StatementKind::Session)?;
    let bare = (begin + 1..commit).all(|index| !is_control(&script.statement(index)));
    let is = |index, control| kind(index) == StatementKind::Transaction(control);
    (is(begin, TransactionControl::Begin) && is(commit, TransactionControl::Commit) && bare).then_some((begin, commit))
}

/// Whether a statement controls the transaction it is in; savepoints stay inside it.
fn is_control(statement: &Statement<'_>) -> bool {
    matches!(statement.class.kind, StatementKind::Transaction(control) if control != TransactionControl::Savepoint)
}

/// What the class says, bounded by what the engine can do at all: where definitions roll back none of them commits,
/// where they do not none of them shares.
fn sharing(statement: &Statement<'_>, atomicity: Atomicity) -> Sharing {
    match (statement.class.sharing, atomicity) {
        (Sharing::Commits(_), Atomicity::Script) => Sharing::Shares,
        (Sharing::Shares, Atomicity::Statement) if statement.class.kind == StatementKind::Definition => {
            Sharing::Commits(Recovery::Definition)
        }
        (sharing, _) => sharing,
    }
}

/// Batches over ranges whose statement does not name them: each round would change every row.
pub fn unbounded(script: &Script, run: &RunAttributes, syntax: &Syntax) -> Vec<Problem> {
    let ranges = run.batches.iter().filter(|directive| matches!(directive.batch, Batch::Ranges { .. }));
    let statements = ranges.filter_map(|range| script.statements().find(|found| found.offset >= range.offset));
    statements
        .filter(|statement| !has_bounds(statement.text, syntax))
        .map(|statement| Problem {
            at: statement.offset..statement.offset + statement.text.len(),
            message: format!(
                "statement {} does not name the range of its batch, so each round would change every row",
                statement.number
            ),
            help: Some("say which rows it is about: … WHERE id BETWEEN :lo AND :hi".to_owned()),
        })
        .collect()
}

fn batches(script: &Script, run: &RunAttributes) -> Result<Vec<(usize, Batch)>, Vec<Problem>> {
    let mut found = Vec::new();
    for directive in &run.batches {
        let at = directive.offset..directive.offset + 1;
        let Some(statement) = script.statements().find(|statement| statement.offset >= directive.offset) else {
            return Err(vec![Problem {
                at,
                message: "the batch directive has no statement after it".to_owned(),
                help: Some("put it on the line before the statement that it repeats".to_owned()),
            }]);
        };
        if statement.class.sharing != Sharing::Shares || statement.class.kind != StatementKind::Manipulation {
            return Err(vec![Problem {
                at,
                message: format!("statement {} cannot run in batches: it is not a change of rows", statement.number),
                help: Some("only INSERT, UPDATE and DELETE can share a transaction with their checkpoint".to_owned()),
            }]);
        }
        found.push((statement.number - 1, directive.batch.clone()));
    }
    Ok(found)
}
