//! A script cut into what is sent together, and with what certainty.

use std::ops::Range;

use crate::backend::Atomicity;
use crate::migration::{Batch, RunAttributes};
use crate::sql::batch::has_bounds;
use crate::sql::enums::uses_added_value;
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
/// transaction control makes the script journalled; each of its own transactions becomes one unit, up to a definition
/// that commits it where definitions do. So does a value that is added to an enum and used further down: it can be used
/// only once it is committed.
///
/// # Errors
/// Transactions that are opened and never ended, batches on statements that cannot be one.
pub fn cut(
    script: &Script,
    run: &RunAttributes,
    syntax: &Syntax,
    atomicity: Atomicity,
) -> Result<(Mode, Vec<Unit>), Vec<Problem>> {
    let batches = batches(script, run, syntax)?;
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
    let in_one = outer_pair(script).is_some() || !uses_added_value(script, syntax);
    if !run.no_transaction
        && in_one
        && batches.is_empty()
        && units.iter().flat_map(|unit| unit.runs.clone()).all(shares)
    {
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
    let alone = |at: usize| units.iter().any(|unit| matches!(unit.how, How::Batch(_)) && unit.runs.start == at);
    match batches.iter().find(|(at, _)| !alone(*at)) {
        None => Ok(units),
        Some((at, _)) => Err(problem(
            &script.statement(*at),
            format!("statement {} cannot run in batches inside a transaction of the script", at + 1),
            "take the BEGIN and COMMIT around it out: each round is a transaction of its own",
        )),
    }
}

fn single(statement: &Statement<'_>, atomicity: Atomicity) -> Unit {
    let index = statement.number - 1;
    let how = sharing(statement, atomicity).recovery().map_or(How::Together, How::Alone);
    Unit { covers: index..index + 1, runs: index..index + 1, how }
}

/// A transaction of the script's own, from its `BEGIN` to its end.
fn own_transaction(script: &Script, begin: usize, atomicity: Atomicity) -> Result<Unit, Vec<Problem>> {
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
                return Err(problem(
                    &statement,
                    format!("statement {} cannot be carried out inside a transaction of the script", index + 1),
                    "end the transaction that is open here first",
                ));
            }
            _ if sharing(&statement, atomicity) == Sharing::Shares => {}
            // It commits what is before it; what is behind it has no transaction, and a COMMIT there nothing to do.
            _ if matches!(sharing(&statement, atomicity), Sharing::Commits(_)) && !rolls_back(script, index) => {
                return Ok(Unit { covers: begin..index, runs: begin + 1..index, how: How::Together });
            }
            _ => {
                let verb = match sharing(&statement, atomicity) {
                    Sharing::Alone(_) => "cannot run inside",
                    _ => "ends",
                };
                return Err(problem(
                    &statement,
                    format!("statement {} {verb} the transaction that statement {} opens", index + 1, begin + 1),
                    "take the BEGIN and COMMIT around it out: every statement of the file is written down by itself",
                ));
            }
        }
    }
    Err(problem(
        &script.statement(begin),
        "the transaction opened here is never committed".to_owned(),
        "end it with COMMIT, or take the BEGIN out: a migration runs in a transaction anyway",
    ))
}

/// Whether the next thing said about transactions is to roll back, which would not be what happens.
fn rolls_back(script: &Script, from: usize) -> bool {
    let kinds = (from..script.len()).map(|index| script.statement(index));
    let control = kinds.filter(is_control).map(|statement| statement.class.kind).next();
    control == Some(StatementKind::Transaction(TransactionControl::Rollback))
}

fn problem(statement: &Statement<'_>, message: String, help: &str) -> Vec<Problem> {
    let at = statement.offset..statement.offset + statement.text.len();
    vec![Problem { at, message, help: Some(help.to_owned()) }]
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
pub(crate) fn is_control(statement: &Statement<'_>) -> bool {
    matches!(statement.class.kind, StatementKind::Transaction(control) if control != TransactionControl::Savepoint)
}

/// What the class says, bounded by what the engine can do at all: where definitions roll back none of them commits,
/// where they do not none of them shares.
pub(crate) fn sharing(statement: &Statement<'_>, atomicity: Atomicity) -> Sharing {
    match (statement.class.sharing, atomicity) {
        (Sharing::Commits(_), Atomicity::Script) => Sharing::Shares,
        (Sharing::Shares, Atomicity::Statement) if statement.class.kind == StatementKind::Definition => {
            Sharing::Commits(Recovery::Definition)
        }
        (sharing, _) => sharing,
    }
}

fn batches(script: &Script, run: &RunAttributes, syntax: &Syntax) -> Result<Vec<(usize, Batch)>, Vec<Problem>> {
    let mut found: Vec<(usize, Batch)> = Vec::new();
    for directive in &run.batches {
        let file = script.source().file();
        let line = file[..directive.offset].trim_end().rfind('\n').map_or(0, |newline| newline + 1);
        let refused = |message: String, help: &str| {
            Err(vec![Problem { at: line..directive.offset, message, help: Some(help.to_owned()) }])
        };
        let Some(statement) = script.statements().find(|statement| statement.offset >= directive.offset) else {
            return refused(
                "the batch directive has no statement after it".to_owned(),
                "put it on the line before the statement that it repeats",
            );
        };
        let number = statement.number;
        if statement.class.sharing != Sharing::Shares || statement.class.kind != StatementKind::Manipulation {
            return refused(
                format!("statement {number} cannot run in batches: it is not a change of rows"),
                "only INSERT, UPDATE and DELETE can share a transaction with their checkpoint",
            );
        }
        if matches!(directive.batch, Batch::Ranges { .. }) && !has_bounds(statement.text, syntax) {
            return refused(
                format!("statement {number} would change all rows in every round: it does not name :lo and :hi"),
                "say which rows a round is about: WHERE key BETWEEN :lo AND :hi",
            );
        }
        if found.iter().any(|(at, _)| at + 1 == number) {
            return refused(format!("statement {number} has two batch directives"), "take one of them out");
        }
        found.push((number - 1, directive.batch.clone()));
    }
    Ok(found)
}
