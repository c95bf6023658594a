//! What only the session of an earlier attempt knew, and the rest of its script uses.
//!
//! Constants are set again ([`replay`](super::replay)). A temporary table is gone with its rows, and a variable that was
//! read from the database or calculated might be another today: to go on without them would be wrong in silence. One that
//! only depends on the catalog, and is needed before anything has run since, is to say what the catalog says when it is
//! used: that is how people write `ADD COLUMN IF NOT EXISTS` for MySQL.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::plan::Step;
use crate::sql::classify::{Word, words};
use crate::sql::lexer::TokenKind;
use crate::sql::syntax::Bodies;
use crate::sql::{Script, StatementKind, Syntax};

use super::replay::Prepared;

/// Something that ended with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// As a person calls it: `@n`, `the temporary table t`.
    pub(super) what: String,
    /// Which statement made it, from 0.
    pub(super) by: usize,
    /// Which statement needs it, from 0.
    pub(super) needed: usize,
}

impl Forgotten {
    /// What a person should read about the rest of a step, from the statement `start`.
    pub(super) fn diagnostic(&self, step: &Step, start: usize) -> Diagnostic {
        let Self { what, by, needed } = self;
        let (by, needed, start) = (by + 1, needed + 1, start + 1);
        let diagnostic = Diagnostic::error(
            codes::FORGOTTEN,
            format!(
                "{}: statement {needed} needs {what} of statement {by}, which ended with the connection of an earlier attempt",
                step.title()
            ),
        );
        let diagnostic = match &step.script {
            Some(script) => {
                let statement = script.statement(self.needed);
                let range = statement.offset..statement.offset + statement.text.len();
                diagnostic.at(Place::in_source(script.source(), range))
            }
            None => diagnostic,
        };
        diagnostic
            .help(format!("everything before statement {start} is applied and recorded"))
            .help(format!(
                "change the file from statement {start} on so that it does not need {what}, and run `migrate up` again"
            ))
            .help(format!("or do the rest by hand and record it: migrate resolve {} --applied", step.id.typed()))
    }
}

/// What the statements before `start` left in their session and a statement from there on needs.
pub(super) fn forgotten(script: &Script, start: usize, syntax: &Syntax) -> Option<Forgotten> {
    let mut made: Vec<(Item, usize)> = Vec::new();
    let is_quiet =
        |at: &usize| matches!(script.statement(*at).class.kind, StatementKind::Session | StatementKind::Query);
    // From here on nothing has run that changes anything.
    let quiet = start - (0..start).rev().take_while(is_quiet).count();
    for (at, statement) in script.statements().take(start).enumerate() {
        let prepared = Prepared::of(&statement, syntax);
        let words: Vec<_> = words(statement.text, syntax).collect();
        made.retain(|(item, _)| !is_dropped(item, &words, prepared.as_ref()));
        let (target, rest) = assigned(&words, syntax);
        let again = made.iter().any(|(item, _)| uses(item, rest, None));
        made.retain(|(item, _)| !matches!(item, Item::Variable(name) if target.as_ref() == Some(name)));
        match (prepared, target) {
            (Some(Prepared::Made(name)), _) if again => made.push((Item::Prepared(name), at)),
            (_, Some(name)) => {
                // Without a table in it a value does not depend on when it is asked for.
                let lasts = at >= quiet || !rest.iter().any(|word| word.is("from"));
                let is_constant = !rest.iter().any(|word| word.is("(")) || (lasts && asks_the_catalog(rest));
                if again || !is_constant {
                    made.push((Item::Variable(name), at));
                }
            }
            _ => made.extend(makes(&words, syntax, again).into_iter().map(|item| (item, at))),
        }
    }
    if made.is_empty() {
        return None;
    }
    script.statements().enumerate().skip(start).find_map(|(needed, statement)| {
        let prepared = Prepared::of(&statement, syntax);
        let words: Vec<_> = words(statement.text, syntax).collect();
        let (item, by) = made.iter().find(|(item, _)| uses(item, &words, prepared.as_ref()) && !may_be_gone(&words))?;
        Some(Forgotten { what: item.called(), by: *by, needed })
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// A variable of MySQL's sessions, without its `@`.
    Variable(String),
    /// A temporary table.
    Table(String),
    /// What was prepared from something that is lost.
    Prepared(String),
}

impl Item {
    fn called(&self) -> String {
        match self {
            Self::Variable(name) => format!("@{name}"),
            Self::Table(name) => format!("the temporary table {name}"),
            Self::Prepared(name) => format!("the prepared statement {name}"),
        }
    }
}

/// What a statement leaves in its session; `again` where it uses something that is as lost.
fn makes(words: &[Word<'_>], syntax: &Syntax, again: bool) -> Vec<Item> {
    let Some(first) = words.first() else { return Vec::new() };
    if first.is("create") {
        let temporary = words.iter().take(4).position(|word| word.is_any(&["temp", "temporary"]));
        let Some(rest) = temporary.map(|at| &words[at + 1..]) else { return Vec::new() };
        if !rest.first().is_some_and(|word| word.is("table")) {
            return Vec::new();
        }
        let name = rest[1..].iter().find(|word| !word.is_any(&["if", "not", "exists"])).map(|word| word.text);
        return name.map(|name| Item::Table(bare(name))).into_iter().collect();
    }
    if syntax.bodies != Bodies::Mysql {
        return Vec::new();
    }
    // A constant is set again.
    let set = first.is("set") && (again || words.iter().any(|word| word.is("(")));
    let assigns = |at: usize, behind: usize| {
        set || first.is("call")
            || words.get(behind).is_some_and(|word| word.is(":="))
            || words[..at].iter().any(|word| word.is("into"))
    };
    variables(words).filter(|(at, _)| assigns(*at, at + 2)).map(|(_, name)| Item::Variable(name)).collect()
}

/// The variables of the session that a statement names, and where.
fn variables<'w>(words: &'w [Word<'_>]) -> impl Iterator<Item = (usize, String)> + 'w {
    (0..words.len()).filter_map(|at| {
        let before = at.checked_sub(1).map(|before| &words[before]);
        // `@@name` is the server's, and `user@host` an account.
        let is_other = |word: &Word<'_>| {
            word.is("@") || (word.kind != TokenKind::Symbol && word.at + word.text.len() == words[at].at)
        };
        let name = words.get(at + 1).filter(|name| words[at].is("@") && !name.is("@"))?;
        (!before.is_some_and(is_other)).then(|| (at, bare(name.text)))
    })
}

/// `SET @name = …`, of one variable: its name, and what it gets. Of anything else all is what it is.
fn assigned<'w, 't>(words: &'w [Word<'t>], syntax: &Syntax) -> (Option<String>, &'w [Word<'t>]) {
    match words {
        [set, at, name, is, rest @ ..]
            if syntax.bodies == Bodies::Mysql
                && set.is("set")
                && at.is("@")
                && !name.is("@")
                && (is.is("=") || is.is(":="))
                && !has_comma(rest) =>
        {
            (Some(bare(name.text)), rest)
        }
        _ => (None, words),
    }
}

/// Whether something follows another beside parentheses.
fn has_comma(words: &[Word<'_>]) -> bool {
    let mut depth = 0_usize;
    words.iter().any(|word| {
        match word.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && word.is(",")
    })
}

/// Whether a value comes from the catalog alone, and would be the same again while that is.
fn asks_the_catalog(words: &[Word<'_>]) -> bool {
    const FUNCTIONS: &[&str] = &[
        "and",
        "coalesce",
        "concat",
        "concat_ws",
        "count",
        "database",
        "exists",
        "from",
        "group_concat",
        "if",
        "ifnull",
        "in",
        "lower",
        "max",
        "min",
        "not",
        "nullif",
        "on",
        "or",
        "replace",
        "schema",
        "select",
        "substring",
        "sum",
        "then",
        "upper",
        "values",
        "when",
        "where",
    ];
    let calls = words.windows(2).filter(|two| two[1].is("(") && two[0].kind == TokenKind::Word);
    let tables = words.windows(2).filter(|two| two[0].is_any(&["from", "join"]) && !two[1].is("("));
    calls.into_iter().all(|two| two[0].is_any(FUNCTIONS))
        && tables.into_iter().all(|two| two[1].text.trim_matches('`').eq_ignore_ascii_case("information_schema"))
        && !lists_tables(words)
}

/// `FROM a, b`
fn lists_tables(words: &[Word<'_>]) -> bool {
    const ENDS: &[&str] = &["where", "group", "having", "order", "limit", "union"];
    let mut open: Vec<bool> = vec![false];
    words.iter().any(|word| {
        match word.text {
            "(" => open.push(false),
            ")" => {
                open.pop();
            }
            _ => {}
        }
        let Some(in_from) = open.last_mut() else { return false };
        *in_from = word.is("from") || (*in_from && !word.is_any(ENDS));
        *in_from && word.is(",")
    })
}

fn uses(item: &Item, words: &[Word<'_>], prepared: Option<&Prepared>) -> bool {
    match item {
        Item::Prepared(name) => prepared == Some(&Prepared::Executed(name.clone())),
        Item::Variable(name) => variables(words).any(|(_, used)| used == *name),
        Item::Table(name) => words.iter().any(|word| word.kind != TokenKind::String && bare(word.text) == *name),
    }
}

fn is_dropped(item: &Item, words: &[Word<'_>], prepared: Option<&Prepared>) -> bool {
    match item {
        Item::Variable(_) => false,
        Item::Table(_) => words.first().is_some_and(|word| word.is("drop")) && uses(item, words, prepared),
        Item::Prepared(name) => match prepared {
            Some(Prepared::GivenUp(other)) => other.as_ref().is_none_or(|other| other == name),
            Some(Prepared::Made(other)) => other == name,
            _ => false,
        },
    }
}

/// `DROP … IF EXISTS` needs nothing.
fn may_be_gone(words: &[Word<'_>]) -> bool {
    words.first().is_some_and(|word| word.is("drop"))
        && words.windows(2).any(|two| two[0].is("if") && two[1].is("exists"))
}

fn bare(name: &str) -> String {
    name.trim_matches(['`', '"', '\'']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::sql::classify;

    #[track_caller]
    fn check(text: &str, start: usize, expected: Option<(&str, usize, usize)>) {
        let script = Script::parse(Source::new("f.sql", text), &Syntax::MYSQL, classify::mysql).unwrap();
        let found = forgotten(&script, start, &Syntax::MYSQL);
        let found = found.as_ref().map(|one| (one.what.as_str(), one.by, one.needed));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_was_read_into_a_variable_is_lost() {
        check("select max(n) into @n from a; alter table a add b int; update a set b = @N;", 1, Some(("@n", 0, 2)));
        check("select @n := max(n) from a; delete from a where n > @n;", 1, Some(("@n", 0, 1)));
        check("set @n = (select max(n) from a); set @m = @n; delete from a where n > @m;", 2, Some(("@m", 1, 2)));
        check("call p(@n); delete from a where n > @n;", 1, Some(("@n", 0, 1)));
        check("select max(n) into @n from a; set @n = @n + 1; select @n;", 2, Some(("@n", 1, 2)));
        check("select max(n) into @n from a; set @n = 1; select @n;", 2, None);
    }

    #[test]
    fn what_can_be_set_again_is_not() {
        check("set @n = 1, @m = @@sql_mode; alter table a add b int; update a set b = @n;", 2, None);
        check("select max(n) into @n from a; update a set b = 1;", 1, None);
        check("select max(n) into @n from a; update a set b = @n;", 0, None);
        check("grant select on a to n@localhost; update a set b = 1;", 1, None);
    }

    #[test]
    fn what_the_catalog_says_is_asked_again_where_nothing_has_run_since() {
        let block = "set @s = (select if((select count(*) from INFORMATION_SCHEMA.statistics where table_name = 't') > 0, \
                     'select 1', 'create index i on t (a)')); prepare p from @s; execute p; deallocate prepare p;";
        check(block, 1, None);
        check(block, 2, None);
        // It has run, and what is left of it needs nothing.
        check(block, 3, None);
        check(&format!("{block} {block} select 1"), 6, None);
        check(&block.replace("deallocate prepare p", "execute p"), 3, Some(("the prepared statement p", 1, 3)));
        check(&block.replace("INFORMATION_SCHEMA.", ""), 2, Some(("the prepared statement p", 1, 2)));
        check(&block.replace("INFORMATION_SCHEMA.statistics", "information_schema.tables, t"), 1, Some(("@s", 0, 1)));
        check(&block.replace("count(*)", "uuid()"), 1, Some(("@s", 0, 1)));
        check(
            "set @n = (select count(*) from information_schema.tables); drop table a; select @n",
            2,
            Some(("@n", 0, 2)),
        );
        check(
            "set @n = concat('drop', ' table a'), @m = 1; prepare p from @n; execute p",
            2,
            Some(("the prepared statement p", 1, 2)),
        );
        let with_names = "set @d = database(); set @t = 'a'; set @s = (select if(exists(select 1 from \
                          information_schema.columns where table_schema = @d and table_name = @t), 'select 1', \
                          concat('alter table ', @t, ' add c int'))); prepare p from @s; execute p; deallocate prepare p;";
        check(with_names, 4, None);
        check(&format!("{with_names} set @s = concat('drop table ', @t); prepare p from @s; execute p"), 8, None);
        check(&format!("{with_names} select @s"), 6, Some(("@s", 2, 6)));
        check("set @n = 'drop table a'; prepare p from @n; execute p; execute p", 3, None);
    }

    #[test]
    fn a_temporary_table_is_lost_until_it_is_dropped() {
        check(
            "create temporary table `t` (a int); insert into T values (1);",
            1,
            Some(("the temporary table t", 0, 1)),
        );
        check("create temporary table t (a int); drop table t; insert into t values (1);", 2, None);
        check("create temporary table t (a int); insert into b values ('t');", 1, None);
        check("create temporary table t (a int); drop temporary table if exists t;", 1, None);
    }
}
