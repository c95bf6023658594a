//! What was noted, and what is there now → what became of the statement.

use migrate_core::backend::{ServerError, Settled};
use migrate_core::sql::{Recovery, Statement, StatementKind, TransactionControl};

use super::call;
use super::expression::{PREFIX, UNREADABLE};
use super::names::{About, Aspect, Object, Rule, moved};
use super::trips::{Identity, asked, back_quoted, quoted, read};
use super::words::Words;
use super::{Ask, Place, wreck};

pub(super) const REPEAT: &str = "repeat: running it again leads to the same";

/// What is known of one object: the texts of its aspects.
type Part<'n> = Vec<&'n str>;

/// A note, read back.
#[derive(Debug)]
struct Noted<'n> {
    parts: Vec<Part<'n>>,
    database: &'n str,
}

impl<'n> Noted<'n> {
    fn of(note: &'n str, about: &About) -> Option<Self> {
        let (parts, database) = note.strip_prefix(PREFIX)?.split_once(';')?;
        let parts: Vec<Part<'_>> =
            parts.split(',').filter(|part| !part.is_empty()).map(|part| part.split('.').collect()).collect();
        let fits = parts.len() == about.objects.len()
            && parts.iter().zip(&about.objects).all(|(part, (_, aspects))| part.len() == aspects.len());
        fits.then_some(Self { parts, database })
    }

    fn by_rows(&self) -> bool {
        self.parts.iter().flatten().any(|text| text.starts_with('w'))
    }

    fn is_there(&self, at: usize) -> bool {
        self.parts[at].first().is_some_and(|first| *first != "0" && !first.starts_with("0-"))
    }
}

pub(super) async fn settle(
    ask: &mut dyn Ask,
    place: &Place,
    statement: &Statement<'_>,
    note: Option<&str>,
    about: Option<&About>,
    words: Words<'_>,
) -> Result<Settled, ServerError> {
    if let Some(Rule::Temporary { create }) = about.map(|about| about.rule) {
        let reason = "session: a temporary table ends with its connection".to_owned();
        return Ok(if create { Settled::DidNotRun(reason) } else { Settled::Ran(reason) });
    }
    if let Some(settled) = without_catalog(statement, note) {
        return Ok(settled);
    }
    let Some(note) = note else {
        return Ok(undecided("nothing about it could be read before it was sent"));
    };
    if let Some(settled) = call::settle(note) {
        return Ok(settled);
    }
    let Some(about) = about else {
        return Ok(undecided("nothing tells whether it ran"));
    };
    let Some(before) = Noted::of(note, about) else {
        return Ok(undecided("what was read before it was sent is not understood by this version"));
    };
    let identity = if before.by_rows() { Identity::Rows } else { Identity::Numbers };
    let Some(now) = read(ask, place, about, before.database, identity).await? else {
        return Ok(undecided("what was read before it was sent may not be read now"));
    };
    let Some(now) = Noted::of(&now, about) else {
        return Ok(undecided("the catalog's answer is not understood"));
    };
    let doubtful = matches!(statement.class.sharing.recovery(), Some(Recovery::NonAtomic | Recovery::Call));
    let settled = match about.rule {
        Rule::Removes => removed(about, &now, words),
        Rule::Creates => created(about, &before, &now),
        Rule::Renames => renamed(about, &before, &now),
        Rule::Changes | Rule::Temporary { .. } => changed(about, &before, &now, doubtful),
    };
    if about.objects.iter().any(|(object, _)| matches!(object, Object::Account(_))) {
        return remembered(ask, settled).await;
    }
    let part_of = about.objects.iter().find_map(|(object, _)| object.part_of());
    if let Some(table) = part_of.filter(|_| !matches!(settled, Settled::Undecided(_)))
        && !wreck::is_there(ask, table, before.database).await?
    {
        return Ok(Settled::DidNotRun(format!("catalog: {table} is not there")));
    }
    match (settled, about.rule) {
        (Settled::Ran(reason), _) if part_of.is_some() && doubtful => {
            Ok(Settled::Undecided(format!("{reason}, and the rest may have been half done")))
        }
        (settled, _) if place.mariadb && about.changes_tables() && !matches!(settled, Settled::Undecided(_)) => {
            wreck::readable(ask, about, settled, before.database).await
        }
        (Settled::Ran(reason), Rule::Creates) => {
            wreck::whole(ask, about, reason, doubtful, before.database, statement).await
        }
        (Settled::DidNotRun(reason), Rule::Creates) if place.mariadb && place.process => {
            wreck::orphans(ask, about, reason, before.database, statement).await
        }
        (Settled::Undecided(reason), Rule::Changes) if about.blind => {
            empty(ask, about, reason, before.database, statement).await
        }
        (settled, _) => Ok(settled),
    }
}

fn undecided(reason: &str) -> Settled {
    Settled::Undecided(reason.to_owned())
}

/// What can be said without the catalog.
fn without_catalog(statement: &Statement<'_>, note: Option<&str>) -> Option<Settled> {
    use TransactionControl::{Begin, Commit, Rollback};
    match (statement.class.kind, statement.class.sharing.recovery()) {
        // The row that says "in flight" was written in the transaction that the script's own COMMIT ends.
        (StatementKind::Transaction(Commit), _) => {
            Some(Settled::Ran("its row was part of the transaction it committed".to_owned()))
        }
        (StatementKind::Transaction(Begin | Rollback), _) => {
            Some(Settled::DidNotRun("a transaction ends with its connection".to_owned()))
        }
        (StatementKind::Transaction(_), _) => ends_with_session(statement.text),
        (_, None) => Some(Settled::DidNotRun("it shares a transaction with its row, which is not there".to_owned())),
        // It was about a table that the server changes file by file, and has one if it is not the same any more.
        (_, Some(Recovery::Repeat)) if note.is_none() => Some(Settled::DidNotRun(REPEAT.to_owned())),
        (_, Some(_)) => None,
    }
}

/// `LOCK TABLES`, `SET autocommit` and the like: what they did is gone with the connection.
fn ends_with_session(text: &str) -> Option<Settled> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let lasting = ["xa", "commit", "rollback"].iter().any(|word| first.eq_ignore_ascii_case(word));
    (!lasting).then(|| Settled::DidNotRun("session: what it does ends with its connection".to_owned()))
}

fn list(objects: &[&Object]) -> String {
    objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn is_or_are(objects: &[&Object], text: &str) -> String {
    format!("{} {} {text}", list(objects), if objects.len() == 1 { "is" } else { "are" })
}

fn removed(about: &About, now: &Noted<'_>, mut words: Words<'_>) -> Settled {
    let objects: Vec<&Object> = about.objects.iter().map(|(object, _)| object).collect();
    let left: Vec<&Object> =
        objects.iter().enumerate().filter(|(at, _)| now.is_there(*at)).map(|(_, object)| *object).collect();
    if left.is_empty() {
        return Settled::Ran(format!("catalog: {}", is_or_are(&objects, "gone")));
    }
    if left.len() == objects.len() {
        return Settled::DidNotRun(format!("catalog: {}", is_or_are(&left, "still there")));
    }
    words.next();
    let kind = words.next().map(|word| word.text.to_ascii_uppercase()).unwrap_or_default();
    let names: Option<Vec<String>> = left
        .iter()
        .map(|object| match object {
            Object::Table(name) => Some(quoted(name, now.database)),
            Object::Account(account) => {
                let user = back_quoted(account.user.as_deref()?);
                Some(account.host.as_deref().map_or(user.clone(), |host| format!("{user}@{}", back_quoted(host))))
            }
            _ => None,
        })
        .collect();
    match names {
        // All at once: a table that others refer to goes with them.
        Some(names) => Settled::First(vec![format!("DROP {kind} IF EXISTS {}", names.join(", "))]),
        None => Settled::Undecided(format!("catalog: {}, but not all of it", is_or_are(&left, "still there"))),
    }
}

fn created(about: &About, before: &Noted<'_>, now: &Noted<'_>) -> Settled {
    let which = |wanted: &dyn Fn(usize) -> bool| -> Vec<&Object> {
        about.objects.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, (object, _))| object).collect()
    };
    let missing = which(&|at| !now.is_there(at));
    let new = which(&|at| now.is_there(at) && !before.is_there(at));
    let lost = which(&|at| !now.is_there(at) && before.is_there(at));
    match () {
        () if !lost.is_empty() => Settled::Undecided(format!("catalog: {}", is_or_are(&lost, "gone"))),
        () if new.is_empty() && missing.is_empty() => {
            Settled::DidNotRun(format!("catalog: {} before", is_or_are(&which(&|_| true), "as it was")))
        }
        () if new.is_empty() => Settled::DidNotRun(format!("catalog: {}", is_or_are(&missing, "not there"))),
        () if missing.is_empty() => Settled::Ran(format!("catalog: {}", is_or_are(&new, "there"))),
        () => Settled::Undecided(format!("catalog: {}, and {}", is_or_are(&new, "there"), is_or_are(&missing, "not"))),
    }
}

fn renamed(about: &About, before: &Noted<'_>, now: &Noted<'_>) -> Settled {
    let objects: Vec<&Object> = about.objects.iter().map(|(object, _)| object).collect();
    let there = |noted: &Noted<'_>| -> Vec<bool> { (0..objects.len()).map(|at| noted.is_there(at)).collect() };
    let (then, now_there) = (there(before), there(now));
    let named = || -> Vec<&Object> {
        objects.iter().zip(&now_there).filter(|(_, there)| **there).map(|(object, _)| *object).collect()
    };
    match () {
        () if then == now_there && about.blind => changed(about, before, now, false),
        () if then == now_there => Settled::DidNotRun(format!("catalog: {}", is_or_are(&objects, "named as before"))),
        () if moved(&about.pairs, then) == now_there => {
            Settled::Ran(format!("catalog: {}", is_or_are(&named(), "there")))
        }
        () => Settled::Undecided(format!("catalog: of {} only {}", list(&objects), is_or_are(&named(), "there"))),
    }
}

fn changed(about: &About, before: &Noted<'_>, now: &Noted<'_>, doubtful: bool) -> Settled {
    let mut differ: Vec<&Object> = Vec::new();
    let mut unreadable: Vec<&Object> = Vec::new();
    for (at, (object, aspects)) in about.objects.iter().enumerate() {
        if before.is_there(at) && !now.is_there(at) && about.rule == Rule::Changes && !is_event(object) {
            return Settled::Undecided(format!("catalog: {object} is gone, and the statement does not drop it"));
        }
        let is_there = before.is_there(at) || now.is_there(at);
        for ((aspect, before), now) in aspects.iter().zip(&before.parts[at]).zip(&now.parts[at]) {
            if [before, now].contains(&&UNREADABLE) {
                unreadable.extend(is_there.then_some(object));
            } else if before != now {
                differ.push(object);
            } else if *aspect == Aspect::Identity && before.starts_with("0-") && is_there {
                // No table of InnoDB, so it is not known which one it is.
                unreadable.push(object);
            }
        }
    }
    differ.dedup();
    let objects: Vec<&Object> = about.objects.iter().map(|(object, _)| object).collect();
    let named_alike = before.by_rows() && objects.len() > 1 && {
        let rows: Vec<&str> = before.parts.iter().filter_map(|part| part.last().copied()).collect();
        rows.iter().all(|text| *text == rows[0] && *text != "w0")
    };
    match () {
        () if !differ.is_empty() && doubtful => Settled::Undecided(format!(
            "fingerprint: {}, and it may have been half done",
            is_or_are(&differ, "not as before")
        )),
        () if !differ.is_empty() => Settled::Ran(format!("fingerprint: {}", is_or_are(&differ, "not as before"))),
        () if about.blind && !unreadable.is_empty() => Settled::Undecided(format!(
            "it can have run without a trace: nothing tells which table {} is",
            list(&unreadable)
        )),
        () if about.blind && (named_alike || !reads_identity(about)) => {
            Settled::Undecided(format!("it can have run without a trace: {}", is_or_are(&objects, "as before")))
        }
        () => Settled::DidNotRun(format!("fingerprint: {}", is_or_are(&objects, "as before"))),
    }
}

fn is_event(object: &Object) -> bool {
    matches!(object, Object::Event(_))
}

fn reads_identity(about: &About) -> bool {
    about.objects.iter().any(|(_, aspects)| aspects.contains(&Aspect::Identity))
}

/// Accounts are in tables and in the server's memory. KILL takes a `RENAME USER` back in the tables alone (seen on MySQL
/// 9.7), and the server refuses it from then on, until it reads its tables again.
async fn remembered(ask: &mut dyn Ask, settled: Settled) -> Result<Settled, ServerError> {
    let read_again = asked(ask, "FLUSH PRIVILEGES").await?.is_some();
    let told = |reason: String| {
        if read_again { reason } else { format!("{reason} (the server may remember otherwise: FLUSH PRIVILEGES)") }
    };
    Ok(match settled {
        Settled::Ran(reason) => Settled::Ran(told(reason)),
        Settled::DidNotRun(reason) => Settled::DidNotRun(told(reason)),
        settled => settled,
    })
}

/// `TRUNCATE` of a table of which nothing is known: of an empty one there is nothing to lose.
async fn empty(
    ask: &mut dyn Ask,
    about: &About,
    reason: String,
    database: &str,
    statement: &Statement<'_>,
) -> Result<Settled, ServerError> {
    let truncates = statement.text.trim_start().get(..8).is_some_and(|verb| verb.eq_ignore_ascii_case("truncate"));
    let [(Object::Table(table), _)] = about.objects.as_slice() else { return Ok(Settled::Undecided(reason)) };
    if !truncates {
        return Ok(Settled::Undecided(reason));
    }
    let rows = asked(ask, &format!("SELECT 1 FROM {} LIMIT 1", quoted(table, database))).await?;
    Ok(match rows {
        Some(rows) if rows.is_empty() => Settled::DidNotRun(format!("catalog: {table} is empty either way")),
        _ => Settled::Undecided(reason),
    })
}
