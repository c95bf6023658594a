//! Tables that are unlike others, which the text of a statement does not say.
//!
//! - A write to a table whose engine has no transactions looks like one that can share a transaction with its row.
//! - A change of such a table, and of one with partitions on some servers, looks atomic: their files are changed one by
//!   one.
//!
//! The server says which there are, and the script which it makes.

use std::collections::BTreeSet;
use std::iter::Peekable;

use crate::backend::Server;
use crate::sql::classify::{Word, without_transactions, words};
use crate::sql::lexer::TokenKind;
use crate::sql::{Class, Recovery, Script, Sharing, Statement, StatementKind, Syntax};

/// The names of such tables, in lower case: what the server has, and what the steps so far make.
#[derive(Debug)]
pub(super) struct Tables {
    not_transactional: BTreeSet<String>,
    /// `None` where a change of them is as atomic as any.
    partitioned: Option<BTreeSet<String>>,
}

impl Tables {
    pub(super) fn of(server: &Server) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect();
        Self {
            not_transactional: lower(&server.not_transactional),
            partitioned: server.partitioned.as_deref().map(lower),
        }
    }

    /// `script` with the statements about them as what they are.
    pub(super) fn mark(&mut self, script: Script, syntax: &Syntax) -> Script {
        script.with_classes(|statement| {
            let class = statement.class;
            match (class.kind, class.sharing) {
                (StatementKind::Definition, Sharing::Commits(recovery)) => {
                    self.follow(statement, syntax);
                    // To make one again may be harmless, and to be killed meanwhile is not.
                    let alters = matches!(recovery, Recovery::Definition | Recovery::Repeat);
                    let files = alters && self.changes_files(statement, syntax);
                    Class { sharing: Sharing::Commits(if files { Recovery::FileByFile } else { recovery }), ..class }
                }
                (StatementKind::Manipulation, Sharing::Shares)
                    if names_one(statement, &self.not_transactional, syntax) =>
                {
                    Class { sharing: Sharing::Commits(Recovery::NonAtomic), ..class }
                }
                _ => class,
            }
        })
    }

    /// What a definition makes, or calls by another name.
    fn follow(&mut self, statement: &Statement<'_>, syntax: &Syntax) {
        if without_transactions(statement.text, syntax) {
            self.not_transactional.extend(made_or_changed(statement, syntax));
        }
        let of_partitions = self.partitioned.as_mut().filter(|_| is_of_partitions(statement, syntax));
        if let Some(partitioned) = of_partitions {
            partitioned.extend(made_or_changed(statement, syntax));
        }
        let pairs = becomes(statement, syntax);
        for names in [Some(&mut self.not_transactional), self.partitioned.as_mut()].into_iter().flatten() {
            for (old, new) in &pairs {
                if names.contains(old) {
                    names.insert(new.clone());
                }
            }
        }
    }

    /// Whether a definition changes or renames one of them.
    fn changes_files(&self, statement: &Statement<'_>, syntax: &Syntax) -> bool {
        let mut verbs = words(statement.text, syntax);
        // `DISABLE KEYS` around the rows of a dump changes no file of a table.
        let changes = match verbs.next() {
            Some(verb) if verb.is("alter") => {
                verbs.by_ref().take(3).any(|word| word.is("table"))
                    && !verbs.any(|word| word.is_any(&["disable", "enable"]))
            }
            Some(verb) => verb.is_any(&["rename", "truncate"]) || verbs.take(4).any(|word| word.is("index")),
            None => false,
        };
        let names = |tables| names_one(statement, tables, syntax);
        changes && (names(&self.not_transactional) || self.partitioned.as_ref().is_some_and(names))
    }
}

fn names_one(statement: &Statement<'_>, tables: &BTreeSet<String>, syntax: &Syntax) -> bool {
    !tables.is_empty()
        && words(statement.text, syntax)
            .filter(|word| matches!(word.kind, TokenKind::Word | TokenKind::Name))
            .any(|word| tables.contains(&bare(word.text)))
}

/// Whether it says by what a table is parted: `PARTITION BY`.
fn is_of_partitions(statement: &Statement<'_>, syntax: &Syntax) -> bool {
    let mut words = words(statement.text, syntax).skip_while(|word| !word.is("table"));
    while words.any(|word| word.is("partition")) {
        if words.next().is_some_and(|word| word.is("by")) {
            return true;
        }
    }
    false
}

/// The name behind `TABLE`.
fn made_or_changed(statement: &Statement<'_>, syntax: &Syntax) -> Option<String> {
    let mut words = words(statement.text, syntax).skip_while(|word| !word.is("table")).skip(1).peekable();
    while words.next_if(|word| word.is_any(&["if", "not", "exists"])).is_some() {}
    name(&mut words)
}

/// Which tables are there by another name or once more: `RENAME TABLE a TO b`, `ALTER TABLE a RENAME b`,
/// `CREATE TABLE b LIKE a`, each as `(a, b)`.
fn becomes(statement: &Statement<'_>, syntax: &Syntax) -> Vec<(String, String)> {
    let mut words = words(statement.text, syntax).peekable();
    let mut pairs = Vec::new();
    match words.next() {
        Some(verb) if verb.is("rename") => {
            words.next();
            while words.next_if(|word| word.is_any(&["if", "exists"])).is_some() {}
            while let Some(old) = name(&mut words) {
                pairs.extend(words.any(|word| word.is("to")).then(|| name(&mut words)).flatten().map(|new| (old, new)));
                words.next();
            }
        }
        Some(verb) if verb.is("alter") && words.any(|word| word.is("rename")) => {
            while words.next_if(|word| word.is_any(&["to", "as", "="])).is_some() {}
            let is_another = words.peek().is_some_and(|word| word.is_any(&["column", "index", "key"]));
            let new = name(&mut words).filter(|_| !is_another);
            pairs.extend(made_or_changed(statement, syntax).zip(new));
        }
        Some(verb) if verb.is("create") && words.any(|word| word.is("like")) => {
            let old = name(&mut words);
            pairs.extend(old.zip(made_or_changed(statement, syntax)));
        }
        _ => {}
    }
    pairs
}

/// A name, without its schema.
fn name<'t>(words: &mut Peekable<impl Iterator<Item = Word<'t>>>) -> Option<String> {
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

    fn marked(text: &str, mut there: Tables) -> Vec<Option<Recovery>> {
        let syntax = Syntax::MYSQL;
        let script = Script::parse(Source::new("1_a.sql", text), &syntax, classify::mysql).unwrap();
        let script = there.mark(script, &syntax);
        script.statements().map(|statement| statement.class.sharing.recovery()).collect()
    }

    /// Which statements are atomic where these tables have no transactions.
    fn check(text: &str, there: &[&str], expected: &[bool]) {
        let not_transactional = there.iter().map(|name| (*name).to_owned()).collect();
        let marked = marked(text, Tables { not_transactional, partitioned: None });
        let atomic: Vec<bool> = marked.iter().map(|recovery| *recovery != Some(Recovery::NonAtomic)).collect();
        assert_eq!(atomic, expected, "{text}");
    }

    /// Which statements change files one by one where these tables have partitions.
    fn check_partitions(text: &str, there: Option<&[&str]>, expected: &[bool]) {
        let partitioned = there.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let marked = marked(text, Tables { not_transactional: BTreeSet::new(), partitioned });
        let files: Vec<bool> = marked.iter().map(|recovery| *recovery == Some(Recovery::FileByFile)).collect();
        assert_eq!(files, expected, "{text}");
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

    #[test]
    fn a_table_is_what_it_was_by_another_name() {
        check("rename table t to x, m to `N`; insert into n values (1)", &["m"], &[true, false]);
        check("alter table m rename n; insert into n values (1)", &["m"], &[true, false]);
        check("alter table m rename to d.n; insert into n values (1)", &["m"], &[true, false]);
        check("create table n like m; insert into n values (1)", &["m"], &[true, false]);
        check("create table n (like m); insert into n values (1)", &["m"], &[true, false]);
        check("rename table if exists m wait 5 to n; insert into n values (1)", &["m"], &[true, false]);
        check("rename table m to x, n to m, x to n; insert into n values (1)", &["m"], &[true, false]);
        check("rename table t to n, m to x; insert into n values (1)", &["m"], &[true, true]);
        check("alter table m rename column a to n; insert into n values (1)", &["m"], &[true, true]);
    }

    #[test]
    fn a_change_of_a_table_with_partitions_is_one_of_files() {
        check_partitions("alter table P add c int; alter table t add p int", Some(&["p"]), &[true, true]);
        check_partitions("rename table t to x, d.p to q; alter table q add c int", Some(&["p"]), &[true, true]);
        check_partitions("create unique index i on p (c); create index i on t (c)", Some(&["p"]), &[true, false]);
        check_partitions("truncate p; create view v as select * from p", Some(&["p"]), &[true, false]);
        check_partitions("alter online table p force; alter view v as select * from p", Some(&["p"]), &[true, false]);
        check_partitions("alter table t add c int; rename table t to u", Some(&["p"]), &[false, false]);
        check_partitions("alter table t partition by hash (id) partitions 2", Some(&[]), &[true]);
        check_partitions("create table n (a int) partition by key (a); drop table n", Some(&[]), &[false, false]);
        check_partitions(
            "create table n (a int) partition by key (a); alter table n add b int",
            Some(&[]),
            &[false, true],
        );
        check_partitions("alter table p force; analyze table p", Some(&["p"]), &[true, false]);
        check_partitions("alter table p disable keys; alter table p enable keys", Some(&["p"]), &[false, false]);
    }

    #[test]
    fn a_change_of_a_table_without_transactions_is_one_of_files() {
        let there = || Tables { not_transactional: BTreeSet::from(["m".to_owned()]), partitioned: None };
        let altered = "alter table m add a int; truncate m; alter table m engine=InnoDB";
        assert_eq!(marked(altered, there()), [Some(Recovery::FileByFile); 3]);
        assert_eq!(
            marked("alter table t add a int; drop table m", there()),
            [Some(Recovery::Definition), Some(Recovery::Drop)]
        );
    }

    #[test]
    fn where_partitions_are_changed_as_one_there_is_nothing_about_them() {
        check_partitions("alter table t partition by hash (id); alter table t add c int", None, &[false, false]);
    }
}
