//! Statement → what kind it is.
//!
//! There is one function per engine. Each looks at the first words of a statement and at no more than it must; a
//! statement it does not know gets the most careful answer.
//!
//! Transaction control ([`StatementKind::Transaction`]) never shares the transaction of its row, but for savepoints:
//! `Alone(Repeat)` where it can be sent again, `Alone(NonAtomic)` where it decided what becomes of other statements.

mod mysql;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;
mod words;

pub use mysql::mysql;
pub(crate) use mysql::without_transactions;
pub use postgres::postgres;
pub use sqlite::sqlite;
pub use words::{Word, words};

use super::{Class, Recovery, Sharing, StatementKind, TransactionControl};
use words::Words;

/// A class that neither destroys nor queues.
const fn class(kind: StatementKind, sharing: Sharing) -> Class {
    Class { kind, sharing, destructive: false, queues: false }
}

impl Class {
    const fn destructive(self, destructive: bool) -> Self {
        Self { destructive, ..self }
    }

    const fn queues(self, queues: bool) -> Self {
        Self { queues, ..self }
    }
}

fn transaction(control: TransactionControl) -> Class {
    let sharing = match control {
        TransactionControl::Savepoint => Sharing::Shares,
        TransactionControl::Begin | TransactionControl::Rollback => Sharing::Alone(Recovery::Repeat),
        TransactionControl::Commit | TransactionControl::Other => Sharing::Alone(Recovery::NonAtomic),
    };
    class(StatementKind::Transaction(control), sharing)
}

/// What follows `COMMIT`, `ROLLBACK` or `END` of the common form, or `control` changed by it.
fn transaction_end(words: &mut Words<'_>, control: TransactionControl) -> Class {
    words.eat_any(&["work", "transaction", "tran"]);
    if control == TransactionControl::Rollback && words.eat("to") {
        return transaction(TransactionControl::Savepoint);
    }
    let plain = words.eat_all(&["and", "no", "chain"]) || !words.next_is("and");
    words.eat_all(&["no", "release"]);
    // `AND CHAIN`, `RELEASE`, `PREPARED`: neither ends here and now what was open.
    let plain = plain && !words.has_any(&["release", "prepared"]);
    transaction(if plain { control } else { TransactionControl::Other })
}

/// A statement that begins with `WITH`: it may write at its end or in a common table expression.
fn with(words: &Words<'_>) -> Class {
    let mut previous: Option<Word<'_>> = None;
    for (depth, word) in words.with_depth() {
        let after = |texts: &[&str]| previous.is_some_and(|previous| previous.is_any(texts));
        let main = depth == 0 && !after(&["for", "key"]);
        if word.is_any(&["insert", "update", "delete", "merge"]) && (main || after(&["("]))
            || word.is("replace") && after(&[")"])
        {
            return class(StatementKind::Manipulation, Sharing::Shares).destructive(deletes_everything(words));
        }
        previous = Some(word);
    }
    class(StatementKind::Query, Sharing::Shares)
}

/// Whether there is a `DELETE FROM` without a `WHERE`, at whatever depth of parentheses.
fn deletes_everything(words: &Words<'_>) -> bool {
    // The depths of those that have found no `WHERE` yet: never one smaller than the one before it.
    let mut open: Vec<usize> = Vec::new();
    let mut previous: Option<Word<'_>> = None;
    for (depth, word) in words.with_depth() {
        if word.is("where") {
            while open.pop_if(|delete| *delete == depth).is_some() {}
        } else if (word.is(")") && open.last().is_some_and(|delete| *delete > depth))
            || (word.is(";") && !open.is_empty())
        {
            return true;
        } else if word.is("from") && previous.is_some_and(|previous| previous.is("delete")) {
            open.push(depth);
        }
        previous = Some(word);
    }
    !open.is_empty()
}
