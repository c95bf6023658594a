//! Where in a statement an error is. The servers say no place: only a piece of the text, or a name.

use migrate_core::backend::ServerError;

/// Gives an error its place in `statement`, as far as its message tells, and takes away what the server quotes of the
/// packet behind the statement, and the line that it counts from there.
pub(crate) fn located(error: &mut ServerError, statement: &str) {
    if let Some((text, line)) = near(&error.message) {
        let text = within(text, statement);
        let place = unexpected(text, line, statement);
        let before = error.message.split_once(NEAR).map(|(before, _)| before).unwrap_or_default();
        error.message = if text.is_empty() { format!("{before} at its end") } else { format!("{before}{NEAR}{text}'") };
        error.position = Some(place);
        return;
    }
    error.position = position(&error.message, statement);
}

/// As much of the quoted rest as belongs to the statement.
fn within<'t>(text: &'t str, statement: &str) -> &'t str {
    let statement = statement.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    let mut ends = text.rmatch_indices(";\n").map(|(at, _)| text[..at].trim_end());
    ends.find(|text| statement.ends_with(text)).unwrap_or(text)
}

/// The byte of `statement` that a message is about, as far as the message tells.
///
/// A syntax error quotes the rest of the statement from the token that was not expected, cut at 80 characters, with
/// the line it is in. Other errors quote a name: it is the place if the statement has it exactly once.
fn position(message: &str, statement: &str) -> Option<usize> {
    match near(message) {
        Some((text, line)) => Some(unexpected(text, line, statement)),
        None => names(message).find_map(|name| only_word(name, statement)),
    }
}

const NEAR: &str = " near '";

/// The quoted rest of the statement, and its line from 1.
fn near(message: &str) -> Option<(&str, usize)> {
    let (_, quoted) = message.split_once(NEAR)?;
    let (text, line) = quoted.rsplit_once("' at line ")?;
    Some((text, line.parse().ok()?))
}

/// As many bytes as the quoted rest has at most, where it is a piece and not the whole rest.
const CUT: usize = 80;

fn unexpected(text: &str, line: usize, statement: &str) -> usize {
    // The servers leave out what is blank at both ends, and lines are counted from what they left.
    let start = statement.len() - statement.trim_start().len();
    let whole = statement.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    let end = whole.len().max(start);
    if text.len() < CUT && statement[start..end].ends_with(text) {
        return end - text.len();
    }
    let body = &statement[start..];
    let mut first_of_line = 0;
    for _ in 1..line {
        match body[first_of_line..].find('\n') {
            Some(at) => first_of_line += at + 1,
            None => break,
        }
    }
    let from_line = &body[first_of_line..];
    let in_line = from_line.find(text).filter(|at| !text.is_empty() && !from_line[..*at].contains('\n'));
    let inside = in_line.unwrap_or_else(|| from_line.len() - from_line.trim_start().len());
    start + first_of_line + inside
}

/// The names a message quotes, the likelier first.
fn names(message: &str) -> impl Iterator<Item = &str> {
    let unquoted = ["FUNCTION ", "PROCEDURE "].iter().find_map(|kind| {
        let name = message.strip_prefix(kind)?.strip_suffix(" does not exist")?;
        Some(name)
    });
    let quoted = quotes(message);
    // Of the others the message says itself what they are: `in 'field list'` is no name.
    let named = |before: &str| ["column ", "table ", "constraint "].iter().any(|word| before.ends_with(word));
    let useful = quoted.into_iter().enumerate().filter(move |(index, quote)| *index == 0 || named(quote.before));
    let unqualified = |name: &str| name.rfind('.').map_or(0, |dot| dot + 1);
    unquoted.into_iter().chain(useful.map(|(_, quote)| quote.text)).flat_map(move |name| {
        let short = &name[unqualified(name)..];
        [Some(name), Some(short).filter(|short| short.len() < name.len())].into_iter().flatten()
    })
}

struct Quote<'a> {
    before: &'a str,
    text: &'a str,
}

/// What stands in quotes; of `` `a`.`b` `` the last part, and nothing of `'user'@'host'`.
fn quotes(message: &str) -> Vec<Quote<'_>> {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut all: Vec<Quote<'_>> = vec![];
    let mut at = 0;
    // What stands before the first part of a qualified name.
    let mut before_all = None;
    while let Some(found) = message[at..].find(['\'', '`']) {
        let open = at + found;
        let (before, rest) = message.split_at(open);
        at = open + 1;
        // An apostrophe, as in `can't`.
        if is_word(before.chars().next_back()) {
            continue;
        }
        let quote = &rest[..1];
        let close = rest[1..].match_indices(quote).map(|(end, _)| end).find(|end| {
            let after = rest[end + 2..].chars().next();
            !is_word(after)
        });
        let Some(close) = close else { break };
        let text = &rest[1..=close];
        at = open + close + 2;
        let after = &message[at..];
        let whole_before = *before_all.get_or_insert(before);
        if after.starts_with(".`") {
            continue;
        }
        before_all = None;
        if !after.starts_with('@') && !before.ends_with('@') {
            all.push(Quote { before: whole_before, text });
        }
    }
    all
}

/// Where a word is, in any case of its letters, if it is there exactly once.
fn only_word(word: &str, statement: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    if word.is_empty() {
        return None;
    }
    let lower = statement.to_ascii_lowercase();
    let needle = word.to_ascii_lowercase();
    let mut found = lower.match_indices(&needle).map(|(at, _)| at).filter(|at| {
        let before = lower[..*at].chars().next_back();
        let after = lower[at + needle.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The place is shown as `▸` in the statement.
    #[track_caller]
    fn check(message: &str, marked: &str) {
        let statement = marked.replace('▸', "");
        let expected = marked.find('▸');
        let found = position(message, &statement);
        let shown = found.map_or_else(|| statement.clone(), |at| format!("{}▸{}", &statement[..at], &statement[at..]));
        assert_eq!(found, expected, "{message}\n{shown}");
    }

    fn syntax(near: &str, line: usize) -> String {
        format!(
            "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version \
             for the right syntax to use near '{near}' at line {line}"
        )
    }

    #[test]
    fn a_syntax_error_is_where_its_rest_begins() {
        check(&syntax("selec 1", 1), "▸selec 1");
        check(&syntax("selec 1", 1), "\n\n  ▸selec 1 ;\n");
        check(&syntax("form dup", 1), "select * ▸form dup");
        check(&syntax("null\n)", 3), "create table x (\n  id int,\n  name varchar(10) nott ▸null\n)");
        check(&syntax("", 1), "insert into dup values (1▸");
        check(&syntax("", 1), "insert into dup values (1▸ ;\n");
        check(&syntax("'abc", 1), "select ▸'abc");
        check(&syntax("selec 2", 3), "/* c */\n\n   ▸selec 2");
        check(&syntax("1;\nend", 3), "create procedure p()\nbegin\n  selec ▸1;\nend;");
        check(&syntax("it's 'x' at line 9", 2), "select\n▸it's 'x' at line 9");
        check(&syntax("x x", 1), "select x x ▸x x");
    }

    #[test]
    fn what_is_quoted_of_the_packet_behind_the_statement_is_not_shown() {
        let shown = |near: &str, statement: &str| {
            let mut error = ServerError::new(migrate_core::backend::Fault::Refused, syntax(near, 1));
            located(&mut error, statement);
            let (_, quoted) = error.message.split_once("right syntax to use").unwrap();
            (quoted.to_owned(), error.position.unwrap())
        };
        let behind = "SHOW WARNINGS LIMIT 64;\nUPDATE `d`.`h` SE";
        assert_eq!(
            shown(&format!("strange\n);\n{behind}"), "create table t (n strange\n)"),
            (" near 'strange\n)'".into(), 18)
        );
        assert_eq!(shown(&format!(";\n{behind}"), "insert into t values (1"), (" at its end".into(), 23));
        assert_eq!(shown("x; y", "select x x; y"), (" near 'x; y'".into(), 9));
        assert_eq!(shown("1;\nend", "begin\n selec 1;\nend"), (" near '1;\nend'".into(), 13));
    }

    #[test]
    fn a_long_rest_is_cut_and_its_line_decides() {
        let filler = "a, ".repeat(40);
        let piece = &format!("fro {filler}")[..80];
        check(&syntax(piece, 2), &format!("select 1 -- fro {filler}\n, ▸fro {filler}\nfro {filler}"));
        // What cannot be found at all is in its line.
        check(&syntax(&"\\xff".repeat(20), 2), &format!("select\n  ▸'{filler}'"));
        check(&syntax(&"?".repeat(90), 7), &format!("▸select {filler}"));
    }

    #[test]
    fn a_name_is_where_it_stands_alone() {
        // As MySQL 9.7 and MariaDB 10.11 say it.
        for (message, marked) in [
            ("Unknown column 'nosuch' in 'field list'", "select ▸nosuch from dup"),
            ("Unknown column 'nosuch' in 'SELECT'", "SELECT ▸nosuch from dup"),
            ("Unknown column 'd.zz' in 'SELECT'", "select ▸d.zz from dup d"),
            ("Unknown column 'x' in 'WHERE'", "select x from t where x = 1"),
            ("Table 'errs.nosuch' doesn't exist", "select * from ▸nosuch"),
            ("Table 'errs.nosuch' doesn't exist", "select * from ▸errs.nosuch"),
            ("Table 'errs.nosuch' doesn't exist", "select * from `▸nosuch`"),
            ("Table 'errs.nosuch' doesn't exist", "select nosuch.a from nosuch"),
            ("Table 'dup' already exists", "create table ▸dup(id int)"),
            ("Duplicate column name 'k'", "alter table dup add column ▸k int"),
            ("Can't DROP 'zz'; check that column/key exists", "alter table dup drop index ▸zz"),
            ("Can't DROP COLUMN `zz`; check that it exists", "alter table dup drop column ▸zz"),
            ("Duplicate key name 'dup_k'", "alter table dup add index ▸dup_k (k)"),
            ("Key column 'qq' doesn't exist in table", "alter table dup add index dup_qq (▸qq)"),
            ("Field 'id' doesn't have a default value", "insert into dup(k) values (1)"),
            ("Duplicate entry '1' for key 'dup.PRIMARY'", "insert into dup values (1,1)"),
            ("Duplicate entry 'a' for key 'PRIMARY'", "insert into dup values (1,'▸a')"),
            ("Column 'id' cannot be null", "insert into dup values (null,1)"),
            ("Column 'id' cannot be null", "insert into dup (k, ▸id) values (1, null)"),
            ("Incorrect integer value: 'abc' for column 'id' at row 1", "insert into dup values ('▸abc',1)"),
            ("Incorrect integer value: 'x' for column `e`.`t`.`id` at row 1", "update t set ▸id = 'x' where a = 'x'"),
            ("Out of range value for column 'k' at row 1", "insert into dup (▸k) values (99999999999)"),
            ("Data too long for column 's' at row 1", "insert into c values ('abcdef')"),
            ("Unknown table 'errs.nosuch'", "drop table ▸nosuch"),
            ("Unknown VIEW: 'errs.nosuchv'", "drop view ▸nosuchv"),
            ("FUNCTION errs.nosuchfn does not exist", "select ▸nosuchfn(1)"),
            ("PROCEDURE errs.p does not exist", "call ▸errs.p()"),
            (
                "Failed to open the referenced table 'nosuch'",
                "alter table d add foreign key (k) references ▸nosuch(id)",
            ),
            ("Can't create table `errs`.`dup` (errno: 150 \"…\")", "create table ▸dup (k int references errs(id))"),
            ("Unknown storage engine 'bogus'", "create table y(id int) engine=▸bogus"),
            ("Unknown character set: 'bogus'", "create table y(id int) default charset=▸bogus"),
            ("Unknown system variable 'nosuchvar'", "set session ▸nosuchvar=1"),
            ("Variable 'sql_mode' can't be set to the value of 'bogus'", "set ▸sql_mode='bogus'"),
            ("Access denied for user 'app'@'%' to database 'shop'", "create table app.t (id int)"),
            ("SELECT command denied to user 'app'@'%' for table 'secret'", "select app from ▸secret"),
            ("Every derived table must have its own alias", "select 1 from (select 1)"),
            ("Unknown column 'ä' in 'field list'", "select ▸ä from aä"),
            ("Table 'E.NoSuch' doesn't exist", "select * from ▸nosuch"),
        ] {
            check(message, marked);
        }
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(message in "(near )?['` a-zé.@;]{0,30}( at line [0-9]{1,2})?", text in "[ a-zé';\n]{0,40}") {
            let place = position(&message, &text);
            prop_assert!(place.is_none_or(|at| text.is_char_boundary(at)));
            let place = position(&syntax(&message, 2), &text);
            prop_assert!(place.is_some_and(|at| text.is_char_boundary(at)));
        }
    }
}
