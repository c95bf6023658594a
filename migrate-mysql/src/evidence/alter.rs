//! `ALTER TABLE` → the least that must be read to see whether it ran.
//!
//! | action | read |
//! |---|---|
//! | `ADD`, `RENAME COLUMN`, `CHANGE` to another name, `ADD INDEX` with a name | whether those are there |
//! | `DROP` of columns and indexes, and nothing else | nothing: they are gone |
//! | `DROP COLUMN` beside what makes nothing | the names of the columns |
//! | `MODIFY`, `ALTER`, `CHANGE` without another name | the columns |
//! | the same with `DROP INDEX`; an index without a name | the names of the indexes; with both, the indexes |
//! | `PRIMARY KEY`, `RENAME INDEX`, `ALTER INDEX` | the indexes |
//! | `ADD`, `DROP FOREIGN KEY`, `CHECK`, `CONSTRAINT` | the constraints |
//! | `RENAME TO` | which names are there |
//! | `ADD`, `DROP`, `REORGANIZE`, `COALESCE PARTITION`, `PARTITION BY` | the partitions |
//! | `TRUNCATE`, `EXCHANGE PARTITION`, a tablespace | which table it is |
//! | anything else | everything but that |
//!
//! The whole statement happens or none of it: one action that shows for certain is enough, and the others need not be
//! read.

use super::names::{About, Aspect, Name, Object, Rule, renamed};
use super::words::Words;

/// What one action of the statement changes.
#[derive(Debug)]
struct Action {
    aspect: Aspect,
    /// It cannot run without that being different afterwards.
    certain: bool,
    /// It drops something.
    drops: bool,
    /// The columns that appear.
    columns: Vec<String>,
    /// The columns that vanish.
    lost: Vec<String>,
    /// The index that appears or, where it drops one, vanishes.
    index: Option<String>,
    /// Repeated after it has run, it does harm, and nothing but [`Aspect::Identity`] shows that it has.
    harmful: bool,
    /// The table that it is exchanged with.
    other: Option<Name>,
    renamed: Option<Name>,
}

impl Action {
    fn new(aspect: Aspect, certain: bool) -> Self {
        Self {
            aspect,
            certain,
            drops: false,
            columns: Vec::new(),
            lost: Vec::new(),
            index: None,
            harmful: false,
            other: None,
            renamed: None,
        }
    }

    /// Columns come and go.
    fn names(columns: Vec<Option<String>>, lost: Vec<Option<String>>) -> Self {
        let known = columns.iter().chain(&lost).all(Option::is_some);
        let aspect = if known { Aspect::ColumnNames } else { Aspect::Columns };
        let [columns, lost] = [columns, lost].map(|names| names.into_iter().flatten().collect());
        Self { columns, lost, ..Self::new(aspect, true) }
    }

    /// What it makes of a table.
    fn makes(&self, table: &Name) -> Vec<Object> {
        if self.drops { Vec::new() } else { self.parts(table, &self.columns) }
    }

    /// What it only removes from a table. `None` where it does more.
    fn removes(&self, table: &Name) -> Option<Vec<Object>> {
        let all = self.parts(table, &self.lost);
        (self.drops && self.certain && !all.is_empty()).then_some(all)
    }

    /// The columns and the index.
    fn parts(&self, table: &Name, columns: &[String]) -> Vec<Object> {
        let columns = columns.iter().map(|column| Object::Column { table: table.clone(), column: column.clone() });
        columns.chain(self.index.clone().map(|index| Object::Index { table: table.clone(), index })).collect()
    }
}

const EVERYTHING: &[Aspect] =
    &[Aspect::Columns, Aspect::Indexes, Aspect::Constraints, Aspect::Options, Aspect::Partitions];

/// What `ALTER TABLE` is about, from the words behind the table's name.
pub(super) fn table(table: Name, words: &Words<'_>) -> About {
    let mut actions: Vec<Action> = words.parts().into_iter().filter_map(action).collect();
    if let Some(to) = actions.iter().find_map(|action| action.renamed.clone()) {
        let schema = to.schema.or_else(|| table.schema.clone());
        return renamed(&[(table, Name { schema, name: to.name })]);
    }
    let comes_back = is_twice(actions.iter().flat_map(|action| action.columns.iter().chain(&action.lost)));
    let index_comes_back = is_twice(actions.iter().filter_map(|action| action.index.as_ref()));
    if !comes_back && !index_comes_back {
        let makes: Vec<Object> =
            actions.iter().filter(|action| action.certain).flat_map(|action| action.makes(&table)).collect();
        if !makes.is_empty() {
            return About::new(Rule::Creates, makes, &[Aspect::Existence]);
        }
        let removes: Option<Vec<Vec<Object>>> = actions.iter().map(|action| action.removes(&table)).collect();
        if let Some(removes) = removes.filter(|removes| !removes.is_empty()) {
            return About::new(Rule::Removes, removes.concat(), &[Aspect::Existence]);
        }
    }
    // A column that goes and comes: there may be nothing to see.
    let blind = comes_back || actions.iter().any(|action| action.harmful);
    let others: Vec<Name> = actions.iter().filter_map(|action| action.other.clone()).collect();
    if comes_back {
        actions.retain(|action| action.columns.is_empty() && action.lost.is_empty());
        actions.push(Action::new(Aspect::Columns, false));
    }
    // One that is dropped and added again under its name does not show in the names.
    let mixed = actions.iter().any(|action| action.drops) && actions.iter().any(|action| !action.drops);
    for action in actions.iter_mut().filter(|action| mixed && action.aspect == Aspect::IndexNames) {
        action.aspect = Aspect::Indexes;
    }
    let mut aspects = vec![Aspect::Existence];
    if let Some(action) = actions.iter().filter(|action| action.certain).min_by_key(|action| action.aspect) {
        aspects.push(action.aspect);
    } else {
        for action in &actions {
            match action.aspect {
                Aspect::Definition => aspects.extend(EVERYTHING),
                aspect => aspects.push(aspect),
            }
        }
        aspects.sort();
        aspects.dedup();
    }
    // Of a table that is there these have rows, so they say that it is.
    if aspects.get(1).is_some_and(|aspect| [Aspect::ColumnNames, Aspect::Columns, Aspect::Options].contains(aspect)) {
        aspects.remove(0);
    }
    let mut about = About::new(Rule::Changes, vec![Object::Table(table)], &aspects);
    let identity = [Aspect::Existence, Aspect::Identity];
    about.objects.extend(others.into_iter().map(|other| (Object::Table(other), identity.to_vec())));
    about.blind = blind && !actions.iter().any(|action| action.certain);
    about
}

fn is_twice<'n>(names: impl Iterator<Item = &'n String>) -> bool {
    let mut names: Vec<String> = names.map(|name| name.to_lowercase()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    names.len() < count
}

/// `None` where it changes nothing itself: `ALGORITHM = …`, `LOCK = …`.
fn action(mut words: Words<'_>) -> Option<Action> {
    let Some(verb) = words.next() else { return Some(Action::new(Aspect::Definition, false)) };
    Some(match verb.text.to_ascii_lowercase().as_str() {
        "algorithm" | "lock" => return None,
        "add" => add(&mut words),
        "drop" => Action { drops: true, ..drop(&mut words) },
        "change" => {
            words.eat(&["column"]);
            if words.if_exists() {
                return Some(Action::new(Aspect::Columns, false));
            }
            match (words.plain_name(), words.plain_name()) {
                (Some(from), Some(to)) if from.to_lowercase() != to.to_lowercase() => {
                    Action::names(vec![Some(to)], vec![Some(from)])
                }
                _ => Action::new(Aspect::Columns, false),
            }
        }
        "alter" if words.at_any(&["index", "key"]) => Action::new(Aspect::Indexes, false),
        "alter" if words.at_any(&["check", "constraint"]) => Action::new(Aspect::Constraints, false),
        "alter" | "modify" => Action::new(Aspect::Columns, false),
        "rename" => rename(&mut words),
        "partition" | "reorganize" | "coalesce" => Action::new(Aspect::Partitions, false),
        "remove" => Action::new(Aspect::Partitions, true),
        "exchange" | "convert" if words.eat(&["partition"]) => {
            let exchanges = verb.is("exchange");
            words.plain_name();
            words.skip_past(&["table"]);
            let other = words.name();
            if exchanges {
                Action { harmful: true, other, ..Action::new(Aspect::Identity, false) }
            } else {
                Action::new(Aspect::Partitions, true)
            }
        }
        "convert" if words.eat(&["table"]) => Action::new(Aspect::Partitions, true),
        "truncate" | "discard" | "import" => Action { harmful: true, ..Action::new(Aspect::Identity, false) },
        "comment" | "row_format" | "key_block_size" | "stats_persistent" | "stats_auto_recalc"
        | "stats_sample_pages" | "checksum" | "pack_keys" | "avg_row_length" | "max_rows" | "min_rows"
        | "delay_key_write" | "encryption" | "compression" | "page_compressed" | "connection" => {
            Action::new(Aspect::Options, false)
        }
        _ => Action::new(Aspect::Definition, false),
    })
}

fn add(words: &mut Words<'_>) -> Action {
    if words.eat_any(&["system", "period"]).is_some() {
        return Action::new(Aspect::Definition, false);
    }
    if words.eat(&["constraint"]) {
        let unconditional = !words.if_exists();
        // The name of a constraint may be left out.
        if !words.at_any(&["primary", "unique", "foreign", "check"]) {
            words.plain_name();
        }
        let aspect = match () {
            () if words.at("primary") => Aspect::Indexes,
            () if words.at("unique") => Aspect::IndexNames,
            () => Aspect::Constraints,
        };
        return Action::new(aspect, unconditional);
    }
    let kinds: [(&[&str], Aspect); 4] = [
        (&["index", "key", "fulltext", "spatial", "unique"], Aspect::IndexNames),
        (&["primary"], Aspect::Indexes),
        (&["foreign", "check"], Aspect::Constraints),
        (&["partition"], Aspect::Partitions),
    ];
    for (kinds, aspect) in kinds {
        if words.eat_any(kinds).is_some() {
            words.eat_any(&["index", "key"]);
            let certain = !words.if_exists();
            // The server names an index that has none.
            let named = aspect == Aspect::IndexNames && certain && !words.at_any(&["(", "using"]);
            let index = if named { words.plain_name() } else { None };
            return Action { index, ..Action::new(aspect, certain) };
        }
    }
    words.eat(&["column"]);
    if words.if_exists() {
        return Action::new(Aspect::Columns, false);
    }
    if !words.at("(") {
        return Action::names(vec![words.plain_name()], Vec::new());
    }
    let mut inside = words.clone();
    inside.next();
    Action::names(inside.parts().into_iter().map(|mut part| part.plain_name()).collect(), Vec::new())
}

fn drop(words: &mut Words<'_>) -> Action {
    if words.eat(&["system"]) {
        return Action::new(Aspect::Definition, false);
    }
    let kinds: [(&[&str], Aspect); 4] = [
        (&["index", "key"], Aspect::IndexNames),
        // MySQL names the hidden key of a table without one as well.
        (&["primary"], Aspect::Indexes),
        (&["foreign", "check"], Aspect::Constraints),
        (&["partition"], Aspect::Partitions),
    ];
    for (kinds, aspect) in kinds {
        if words.eat_any(kinds).is_some() {
            words.eat(&["key"]);
            let certain = !words.if_exists();
            let index = if aspect == Aspect::IndexNames && certain { words.plain_name() } else { None };
            return Action { index, ..Action::new(aspect, certain) };
        }
    }
    if words.eat(&["constraint"]) {
        // It may be a unique index, which is a constraint as well.
        return Action::new(Aspect::Constraints, !words.if_exists());
    }
    words.eat(&["column"]);
    if words.if_exists() {
        return Action::new(Aspect::Columns, false);
    }
    Action::names(Vec::new(), vec![words.plain_name()])
}

fn rename(words: &mut Words<'_>) -> Action {
    if words.eat_any(&["index", "key"]).is_some() {
        return Action::new(Aspect::Indexes, !words.if_exists());
    }
    if words.eat(&["column"]) {
        if words.if_exists() {
            return Action::new(Aspect::Columns, false);
        }
        let from = words.plain_name();
        words.eat(&["to"]);
        return Action::names(vec![words.plain_name()], vec![from]);
    }
    words.eat_any(&["to", "as", "="]);
    Action { renamed: words.name(), ..Action::new(Aspect::Existence, false) }
}
