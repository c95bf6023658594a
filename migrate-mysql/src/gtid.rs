//! Statements under numbers of ours in the replication history of MySQL, for those who ask for it:
//! [`Mysql::explicit_gtid`](crate::Mysql::explicit_gtid), `gtid=explicit`.
//!
//! A definition is executed together with its global transaction identifier, both or neither. So where its identifier is
//! chosen beforehand and written down, `gtid_executed` says whether it ran, whatever anybody else did to the object
//! meanwhile, and also where it changes nothing that could be seen.
//!
//! | what | how |
//! |---|---|
//! | whose identifiers | one UUID per history, a digest of its database and table; so they are one interval: `uuid:1-57` |
//! | which number | the next one, fixed when the statement is announced, in its note: `gtid=uuid:58;…` |
//! | what is sent | `SET gtid_next`, the statement, `COMMIT`, `SET gtid_next = 'AUTOMATIC'`, the row: one packet |
//! | which statements | definitions that are in the binary log; never a `CALL`, which may commit twice; nothing that can be half done, because half of it counts as executed too |
//! | what it takes | `gtid_mode` ON, and one of `SESSION_VARIABLES_ADMIN`, `REPLICATION_APPLIER`, `SYSTEM_VARIABLES_ADMIN`; no binary log |
//!
//! It puts a UUID that is no server's into the replication history, of this server and of its replicas, for good. Where
//! two servers have a history of the same name, a replica of both would take the second one's statements for executed:
//! it must not be used there. Not tried: Group Replication, clouds that manage the server, several primaries.

use std::fmt::Write as _;

use migrate_core::backend::{Fault, Note, ServerError, Settled};
use migrate_core::sql::classify::words;
use migrate_core::sql::{Recovery, Statement, StatementKind, Syntax};
use sha2::{Digest, Sha256};

use crate::session::MysqlSession;

/// What every statement has otherwise.
pub(crate) const AUTOMATIC: &str = "SET gtid_next = 'AUTOMATIC'";
/// Begins the note of a statement that has one of ours; `;` ends that part.
const PREFIX: &str = "gtid=";
/// Stands for the number until it is written into a packet: what is announced and not sent takes none.
const NEXT: &str = "CONCAT('gtid=next;', ";

/// The identifiers of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gtids {
    pub(crate) uuid: String,
    /// The first one that is not executed.
    pub(crate) next: u64,
}

impl Gtids {
    /// What is asked of the server for a note, with the next number in it, and that identifier; `None` where it is not
    /// about one.
    pub(crate) fn announce(&mut self, asked: Option<&str>) -> Option<(String, String)> {
        let rest = asked?.strip_prefix(NEXT)?;
        let gtid = format!("{}:{}", self.uuid, self.next);
        self.next += 1;
        Some((format!("CONCAT('{PREFIX}{gtid};', {rest}"), gtid))
    }
}

/// Gives the statement the identifier.
pub(crate) fn set(gtid: &str) -> String {
    format!("SET gtid_next = '{gtid}'")
}

/// A note that also says which identifier the statement has.
pub(crate) fn noted(note: Note) -> Note {
    let rest = match note {
        Note::Asked(expression) => format!("COALESCE(({expression}), '')"),
        Note::Is(text) => crate::dialect::literal(&text),
        Note::Nothing => "''".to_owned(),
        note => return note,
    };
    Note::Asked(format!("{NEXT}{rest})"))
}

/// Whether a statement is a definition that the binary log knows.
pub(crate) fn serves(statement: &Statement<'_>, syntax: &Syntax) -> bool {
    const KINDS: &[&str] =
        &["table", "index", "view", "trigger", "procedure", "function", "event", "user", "role", "database", "schema"];
    const BEFORE: &[&str] = &[
        "or",
        "replace",
        "unique",
        "fulltext",
        "spatial",
        "sql",
        "security",
        "invoker",
        "algorithm",
        "=",
        "undefined",
        "merge",
        "temptable",
    ];
    let class = &statement.class;
    if class.kind != StatementKind::Definition || class.sharing.recovery() != Some(Recovery::Definition) {
        return false;
    }
    let mut words = words(statement.text, syntax).peekable();
    match words.next() {
        Some(word) if word.is_any(&["truncate", "grant", "revoke"]) => return true,
        Some(word) if word.is_any(&["create", "alter", "drop", "rename"]) => {}
        _ => return false,
    }
    while let Some(word) = words.next() {
        // Not the one of SQL SECURITY.
        if word.is("definer") {
            if words.next_if(|word| word.is("=")).is_none() {
                continue;
            }
            words.next();
            while words.next_if(|word| word.is_any(&["@", "("])).is_some() {
                words.next();
            }
        } else if word.is_any(KINDS) {
            // A function of a library is a row of a table of MySQL.
            return !(word.is("function") && words.any(|word| word.is("soname")));
        } else if !word.is_any(BEFORE) {
            return false;
        }
    }
    false
}

/// The identifier in a note, and what else it says. A note of another kind is all rest.
pub(crate) fn in_note(note: &str) -> (Option<&str>, &str) {
    match note.strip_prefix(PREFIX).and_then(|note| note.split_once(';')) {
        Some((gtid, rest)) => (Some(gtid), rest),
        None => (None, note),
    }
}

/// What the replication history says about a statement; `None` where that is nothing: it was not this server's, or
/// somebody has emptied it.
pub(crate) async fn settle(session: &mut MysqlSession<'_>, gtid: &str) -> Result<Option<Settled>, ServerError> {
    let Some((uuid, number)) = gtid.split_once(':').and_then(|(uuid, n)| Some((uuid, n.parse::<u64>().ok()?))) else {
        return Ok(None);
    };
    let before = if number > 1 { format!("{uuid}:1-{}", number - 1) } else { String::new() };
    let sql = format!(
        "SELECT GTID_SUBSET('{gtid}', @@GLOBAL.gtid_executed), GTID_SUBSET('{before}', @@GLOBAL.gtid_executed)"
    );
    let rows = match session.rows(&sql).await {
        Ok(rows) => rows,
        Err(error) if error.is_lost() => return Err(error),
        Err(_) => return Ok(None),
    };
    let cells: Vec<&str> = rows.iter().flatten().flatten().map(String::as_str).collect();
    Ok(match cells.as_slice() {
        ["1", _] => Some(Settled::Ran(format!("gtid: {gtid} was executed"))),
        ["0", "1"] => Some(Settled::DidNotRun(format!("gtid: {gtid} was not executed"))),
        _ => None,
    })
}

/// The identifiers of a history as they stand.
///
/// # Errors
/// Where they cannot be used, and what it takes.
pub(crate) async fn of(session: &mut MysqlSession<'_>, home: &str) -> Result<Gtids, ServerError> {
    let refused = |message: &str, hint: &str| {
        let mut error = ServerError::new(Fault::Unsupported, format!("gtid=explicit: {message}"));
        error.hint = Some(hint.to_owned());
        error
    };
    if session.facts().await?.mariadb {
        return Err(refused("MariaDB's identifiers prove nothing after a crash", "leave it out: MariaDB needs none"));
    }
    let rows = session.rows("SELECT @@GLOBAL.gtid_mode, @@GLOBAL.gtid_executed").await?;
    let cells: Vec<String> = rows.into_iter().flatten().map(Option::unwrap_or_default).collect();
    if cells.first().is_none_or(|mode| !mode.eq_ignore_ascii_case("on")) {
        return Err(refused("the server has no gtid_mode ON", "turn it on, or leave gtid=explicit out"));
    }
    let uuid = uuid(home);
    match session.rows(AUTOMATIC).await {
        Ok(_) => {}
        Err(error) if error.is_lost() => return Err(error),
        Err(error) => {
            let message = format!("this user may not set gtid_next: {}", error.message);
            return Err(refused(&message, "grant it: GRANT SESSION_VARIABLES_ADMIN ON *.* TO …, or leave it out"));
        }
    }
    let next = highest(cells.get(1).map_or("", String::as_str), &uuid) + 1;
    Ok(Gtids { uuid, next })
}

/// A UUID that is made of the name of the history: version 8, which is for that.
fn uuid(home: &str) -> String {
    let digest = Sha256::digest(format!("migrate gtid {home}"));
    let mut bytes: [u8; 16] = std::array::from_fn(|at| digest[at]);
    bytes[6] = 0x80 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    let mut uuid = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        let _ = write!(uuid, "{byte:02x}");
    }
    uuid
}

/// The highest number of a UUID in a set: `uuid:1-5:7, other:1-3:tag:1`.
fn highest(executed: &str, uuid: &str) -> u64 {
    let sets = executed.split(',').map(str::trim).filter(|set| set.get(..36).is_some_and(|of| of == uuid));
    // Behind a tag come the numbers of that.
    let intervals = sets.flat_map(|set| {
        set.split(':').skip(1).take_while(|part| part.trim_start().starts_with(|digit: char| digit.is_ascii_digit()))
    });
    let ends = intervals.filter_map(|interval| interval.rsplit('-').next()?.trim().parse().ok());
    ends.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use migrate_core::sql::classify;

    use super::*;

    #[test]
    fn a_history_has_a_uuid_of_its_own() {
        let one = uuid("`d`.`migrate_history`");
        assert_eq!((one.len(), &one[14..15]), (36, "8"), "{one}");
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"), "{one}");
        assert_ne!(one, uuid("`e`.`migrate_history`"));
    }

    #[test]
    fn the_next_number_is_behind_all_that_are_executed() {
        let uuid = "3e11fa47-71ca-81e1-9e33-c80aa9429562";
        for (executed, expected) in [
            ("", 0),
            ("3e11fa47-71ca-81e1-9e33-c80aa9429562:1-5", 5),
            ("00000000-71ca-81e1-9e33-c80aa9429562:1-50,\n3e11fa47-71ca-81e1-9e33-c80aa9429562:1-5:7", 7),
            ("3e11fa47-71ca-81e1-9e33-c80aa9429562:4:tag:1-9", 4),
            ("3e11fa47-71ca-81e1-9e33-c80aa9429562:tag:1-9", 0),
        ] {
            assert_eq!(highest(executed, uuid), expected, "{executed}");
        }
    }

    #[test]
    fn what_the_binary_log_does_not_know_has_no_identifier() {
        for (text, expected) in [
            ("create table t (a int)", true),
            ("alter table t add b int", true),
            ("rename table t to u, v to w", true),
            ("truncate t", true),
            ("create unique index i on t (a)", true),
            ("create algorithm=merge definer=`a`@`b` sql security definer view v as select 1", true),
            ("create definer=current_user() trigger g before insert on t for each row set new.a = 1", true),
            ("create procedure p() select 1", true),
            ("create user u", true),
            ("revoke select on d.* from u", true),
            ("create function f returns integer soname 'x'", false),
            ("create temporary table t (a int)", false),
            ("create server s foreign data wrapper mysql options (user 'u')", false),
            ("create resource group g type = user", false),
            ("create undo tablespace u add datafile 'u.ibu'", false),
            ("alter table t engine = MyISAM", false),
            ("insert into t values (1)", false),
            ("call p()", false),
            ("flush local tables", false),
            ("set @a = 1", false),
        ] {
            let statement =
                Statement { number: 1, text, offset: 0, data: None, class: classify::mysql(text, &Syntax::MYSQL) };
            assert_eq!(serves(&statement, &Syntax::MYSQL), expected, "{text}");
        }
    }

    #[test]
    fn a_note_with_an_identifier_says_the_rest_as_well() {
        let Note::Asked(asked) = noted(Note::Asked("CONCAT('f2:0;', DATABASE())".to_owned())) else { panic!() };
        let mut gtids = Gtids { uuid: "u".to_owned(), next: 7 };
        let (asked, gtid) = gtids.announce(Some(&asked)).unwrap();
        assert_eq!(asked, "CONCAT('gtid=u:7;', COALESCE((CONCAT('f2:0;', DATABASE())), ''))");
        assert_eq!((gtid.as_str(), gtids.next), ("u:7", 8));
        assert_eq!(gtids.announce(Some("CONCAT('f2:0;', DATABASE())")), None);
        assert_eq!(in_note("gtid=u:7;f2:0;d"), (Some("u:7"), "f2:0;d"));
        assert_eq!(in_note("f2:0;d"), (None, "f2:0;d"));
        assert_eq!(noted(Note::Shares), Note::Shares);
    }
}
