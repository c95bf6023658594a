//! Tables that have no transactions.
//!
//! The text of a statement does not say which tables those are, so a write to one of them looks like one that can share
//! a transaction with its row. The server says which there are, and the script which it makes.

use std::collections::BTreeSet;

use crate::sql::classify::{without_transactions, words};
use crate::sql::lexer::TokenKind;
use crate::sql::{Class, Recovery, Script, Sharing, Statement, StatementKind, Syntax};

/// `script` with its writes to `tables` as what they are: not atomic, and not to be taken back. The names are in lower
/// case; those that the script adds are there afterwards.
pub(super) fn marked(script: Script, tables: &mut BTreeSet<String>, syntax: &Syntax) -> Script {
    script.with_classes(|statement| {
        let class = statement.class;
        match (class.kind, class.sharing) {
            (StatementKind::Definition, Sharing::Commits(_)) if without_transactions(statement.text, syntax) => {
                tables.extend(made_or_changed(statement, syntax));
                class
            }
            (StatementKind::Manipulation, Sharing::Shares) if names_one(statement, tables, syntax) => {
                Class { sharing: Sharing::Commits(Recovery::NonAtomic), ..class }
            }
            _ => class,
        }
    })
}

fn names_one(statement: &Statement<'_>, tables: &BTreeSet<String>, syntax: &Syntax) -> bool {
    !tables.is_empty()
        && words(statement.text, syntax)
            .filter(|word| matches!(word.kind, TokenKind::Word | TokenKind::Name))
            .any(|word| tables.contains(&bare(word.text)))
}

/// The name behind `TABLE`, without its schema.
fn made_or_changed(statement: &Statement<'_>, syntax: &Syntax) -> Option<String> {
    let mut words = words(statement.text, syntax).skip_while(|word| !word.is("table")).skip(1).peekable();
    while words.next_if(|word| word.is_any(&["if", "not", "exists"])).is_some() {}
    let mut name = words.next()?;
    while words.next_if(|word| word.is(".")).is_some() {
        name = words.next()?;
    }
    Some(bare(name.text))
}

fn bare(name: &str) -> String {
    name.trim_matches(['`', '"', '[', ']']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::sql::classify;

    fn check(text: &str, there: &[&str], expected: &[bool]) {
        let syntax = Syntax::MYSQL;
        let script = Script::parse(Source::new("1_a.sql", text), &syntax, classify::mysql).unwrap();
        let mut there: BTreeSet<String> = there.iter().map(|name| (*name).to_owned()).collect();
        let script = marked(script, &mut there, &syntax);
        let atomic: Vec<bool> = script
            .statements()
            .map(|statement| statement.class.sharing != Sharing::Commits(Recovery::NonAtomic))
            .collect();
        assert_eq!(atomic, expected, "{text}");
    }

    #[test]
    fn a_write_to_a_table_without_transactions_is_not_atomic() {
        check("insert into Logs values (1); insert into t values ('logs')", &["logs"], &[false, true]);
        check("update t join `LOGS` l set t.a = 1; select * from logs", &["logs"], &[false, true]);
        check("delete from t", &[], &[true]);
    }

    #[test]
    fn a_script_knows_the_tables_that_it_makes() {
        check("create table if not exists d.`m` (a int) engine=MyISAM; insert into m values (1)", &[], &[true, false]);
        check("create table m (a int) engine=InnoDB; insert into m values (1)", &[], &[true, true]);
    }
}
