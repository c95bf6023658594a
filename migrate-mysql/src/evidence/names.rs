//! Statement → which objects it is about, and what of them tells whether it ran.
//!
//! | statement | read before it | it ran if |
//! |---|---|---|
//! | `CREATE x` | whether it is there | it is there now |
//! | `DROP x` | nothing | all of it is gone |
//! | `ALTER TABLE`, only to drop columns or indexes | nothing | all of them are gone, and the table is there |
//! | `ALTER TABLE` | what it surely makes or changes, as little as that is | that is there, or different, now |
//! | `RENAME TABLE` | which of the names are there | others are there now |
//! | `TRUNCATE`, a swap of names, `EXCHANGE PARTITION` | which tables they are | they are others now |
//! | `ALTER x`, `REVOKE` | the definition | it is different now |
//!
//! What is not understood is not about anything: then nothing is noted, and a crash inside it leaves a doubt.

use std::fmt;

use migrate_core::sql::{Statement, StatementKind, Syntax};

use super::alter;
use super::words::Words;

/// A name as it is meant: without its quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// `None` is the connection's database.
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A user or a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    /// `None` is whoever is connected.
    pub(crate) user: Option<String>,
    pub(crate) host: Option<String>,
}

/// Something that has a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    Account(Account),
    Column {
        table: Name,
        column: String,
    },
    /// An index of a table.
    Index {
        table: Name,
        index: String,
    },
    Component(String),
    Event(Name),
    /// A function from a library.
    Loadable(String),
    Plugin(String),
    ReferenceSystem(String),
    ResourceGroup(String),
    /// A procedure, a function, a package or its body.
    Routine {
        kind: &'static str,
        name: Name,
    },
    Schema(String),
    /// MariaDB: what it is set to is in itself.
    Sequence(Name),
    Server(String),
    /// A table, a view or a sequence: they share their names.
    Table(Name),
    Tablespace(String),
    Trigger {
        name: Name,
        /// Where the statement says it.
        table: Option<Name>,
    },
    View(Name),
}

/// As people call it.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(Account { user: None, .. }) => f.write_str("the current user"),
            Self::Account(Account { user: Some(user), host: None }) => f.write_str(user),
            Self::Account(Account { user: Some(user), host: Some(host) }) => write!(f, "{user}@{host}"),
            Self::Column { table, column } => write!(f, "the column {column} of {table}"),
            Self::Index { table, index } => write!(f, "the index {index} of {table}"),
            Self::Schema(name) if name.is_empty() => f.write_str("the database"),
            Self::Component(name)
            | Self::Loadable(name)
            | Self::Plugin(name)
            | Self::ReferenceSystem(name)
            | Self::ResourceGroup(name)
            | Self::Schema(name)
            | Self::Server(name)
            | Self::Tablespace(name) => f.write_str(name),
            Self::Event(name)
            | Self::Routine { name, .. }
            | Self::Sequence(name)
            | Self::Table(name)
            | Self::Trigger { name, .. }
            | Self::View(name) => name.fmt(f),
        }
    }
}

impl Object {
    /// The table that it is a part of.
    pub(super) fn part_of(&self) -> Option<&Name> {
        match self {
            Self::Column { table, .. } | Self::Index { table, .. } => Some(table),
            _ => None,
        }
    }
}

/// A part of an object that can be read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    /// Whether it is there.
    Existence,
    /// Everything that SHOW CREATE says, for what is no table.
    Definition,
    /// The names of a table's columns.
    ColumnNames,
    /// The names of its indexes.
    IndexNames,
    Columns,
    Indexes,
    Constraints,
    /// Engine, collation, comment, options.
    Options,
    Partitions,
    /// Which table it is, also where another looks the same.
    Identity,
}

/// How what is read tells whether the statement ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All of it is there now that was not.
    Creates,
    /// All of it is gone.
    Removes,
    /// It is different now.
    Changes,
    /// Other names are there now, as many as before.
    Renames,
    /// It ends with the connection, by itself.
    Temporary {
        /// It is to be there, and not to be gone.
        create: bool,
    },
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) rule: Rule,
    /// In the order of the statement, each with what of it is read.
    pub(crate) objects: Vec<(Object, Vec<Aspect>)>,
    /// It can have run and leave everything looking as it was, and then must not run again.
    pub(crate) blind: bool,
    /// [`Rule::Renames`]: from which of them to which, one after the other.
    pub(crate) pairs: Vec<(usize, usize)>,
}

impl About {
    pub(super) fn new(rule: Rule, objects: Vec<Object>, aspects: &[Aspect]) -> Self {
        let objects = objects.into_iter().map(|object| (object, aspects.to_vec())).collect();
        Self { rule, objects, blind: false, pairs: Vec::new() }
    }

    /// Whether it is about tables that are there before and after it.
    pub(super) fn changes_tables(&self) -> bool {
        matches!(self.rule, Rule::Changes | Rule::Renames)
            || self.objects.iter().any(|(object, _)| object.part_of().is_some())
    }

    /// `None` where it is not understood.
    pub(crate) fn of(statement: &Statement<'_>, syntax: &Syntax) -> Option<Self> {
        if !matches!(statement.class.kind, StatementKind::Definition | StatementKind::Unknown) {
            return None;
        }
        let mut words = Words::new(statement.text, syntax);
        if words.eat(&["set", "statement"]) {
            words.skip_past(&["for"])?;
        }
        match words.next()?.text.to_ascii_lowercase().as_str() {
            "create" => create(&mut words),
            "drop" => drop(&mut words),
            "alter" => alter(&mut words),
            "rename" => rename(&mut words),
            "truncate" => {
                words.eat(&["table"]);
                let table = Object::Table(words.name()?);
                Some(Self {
                    blind: true,
                    ..Self::new(Rule::Changes, vec![table], &[Aspect::Existence, Aspect::Identity])
                })
            }
            "revoke" => revoke(&words),
            "install" => installed(&mut words, Rule::Creates),
            "uninstall" => installed(&mut words, Rule::Removes),
            _ => None,
        }
    }
}

fn create(words: &mut Words<'_>) -> Option<About> {
    let one = |object| Some(About::new(Rule::Creates, vec![object], &[Aspect::Existence]));
    words.eat(&["or", "replace"]);
    if words.eat(&["temporary"]) {
        return Some(About::new(Rule::Temporary { create: true }, Vec::new(), &[]));
    }
    let kind = words.skip_past(KINDS)?;
    match kind.text.to_ascii_lowercase().as_str() {
        "user" | "role" => {
            words.if_exists();
            Some(About::new(Rule::Creates, accounts(words)?, &[Aspect::Existence]))
        }
        kind if kind == "index" || (kind == "spatial" && words.eat(&["index"])) => {
            words.if_exists();
            let index = words.plain_name()?;
            words.skip_past(&["on"])?;
            one(Object::Index { table: words.name()?, index })
        }
        "trigger" => {
            words.if_exists();
            let name = words.name()?;
            words.skip_past(&["on"])?;
            one(Object::Trigger { name, table: words.name() })
        }
        "function" => {
            words.if_exists();
            let name = words.name()?;
            if words.at("(") { one(routine("FUNCTION", name)) } else { one(Object::Loadable(name.name)) }
        }
        _ => one(named(kind.text, words)?),
    }
}

const KINDS: &[&str] = &[
    "database",
    "event",
    "function",
    "group",
    "index",
    "package",
    "procedure",
    "resource",
    "role",
    "schema",
    "sequence",
    "server",
    "spatial",
    "table",
    "tablespace",
    "trigger",
    "undo",
    "user",
    "view",
];

fn routine(kind: &'static str, name: Name) -> Object {
    Object::Routine { kind, name }
}

/// One object that is named right behind its kind.
fn named(kind: &str, words: &mut Words<'_>) -> Option<Object> {
    let kind = kind.to_ascii_lowercase();
    match kind.as_str() {
        "spatial" if words.eat(&["reference", "system"]) => {
            words.if_exists();
            Some(Object::ReferenceSystem(words.plain_name()?))
        }
        "resource" => {
            words.eat(&["group"]);
            Some(Object::ResourceGroup(words.plain_name()?))
        }
        "undo" | "tablespace" => {
            words.eat(&["tablespace"]);
            Some(Object::Tablespace(words.plain_name()?))
        }
        "package" => {
            let kind = if words.eat(&["body"]) { "PACKAGE BODY" } else { "PACKAGE" };
            words.if_exists();
            Some(routine(kind, words.name()?))
        }
        _ => {
            words.if_exists();
            Some(match kind.as_str() {
                "database" | "schema" => Object::Schema(words.plain_name()?),
                "server" => Object::Server(words.plain_name()?),
                "event" => Object::Event(words.name()?),
                "procedure" => routine("PROCEDURE", words.name()?),
                "function" => routine("FUNCTION", words.name()?),
                "table" | "view" | "sequence" => Object::Table(words.name()?),
                "trigger" => Object::Trigger { name: words.name()?, table: None },
                _ => return None,
            })
        }
    }
}

fn accounts(words: &mut Words<'_>) -> Option<Vec<Object>> {
    let mut parts = words.parts();
    let mut accounts = Vec::new();
    for part in &mut parts {
        accounts.push(Object::Account(part.account()?));
        // `REQUIRE … AND …` and the like hold for all; a comma further on is not one between accounts.
        if part.at_any(&["require", "with", "password", "account", "comment", "attribute"]) {
            break;
        }
    }
    Some(accounts)
}

fn drop(words: &mut Words<'_>) -> Option<About> {
    if words.eat(&["temporary"]) {
        return Some(About::new(Rule::Temporary { create: false }, Vec::new(), &[]));
    }
    let kind = words.next()?;
    let removes = |objects| Some(About::new(Rule::Removes, objects, &[Aspect::Existence]));
    match kind.text.to_ascii_lowercase().as_str() {
        "table" | "tables" | "view" | "sequence" => {
            words.if_exists();
            words.wait();
            removes(words.name_list()?.into_iter().map(Object::Table).collect())
        }
        "index" => {
            words.if_exists();
            let index = words.plain_name()?;
            words.skip_past(&["on"])?;
            removes(vec![Object::Index { table: words.name()?, index }])
        }
        "user" | "role" => {
            words.if_exists();
            removes(accounts(words)?)
        }
        // The text does not tell whether it is one from a library.
        "function" => {
            words.if_exists();
            let name = words.name()?;
            removes(vec![routine("FUNCTION", name)])
        }
        kind => removes(vec![named(kind, words)?]),
    }
}

fn alter(words: &mut Words<'_>) -> Option<About> {
    words.eat(&["online"]);
    words.eat(&["ignore"]);
    let defined = |object| Some(About::new(Rule::Changes, vec![object], &[Aspect::Existence, Aspect::Definition]));
    if words.eat(&["table"]) {
        words.if_exists();
        let table = words.name()?;
        words.wait();
        return Some(alter::table(table, words));
    }
    // `ALGORITHM = … DEFINER = … VIEW v`.
    let kind = words.skip_past(KINDS)?;
    match kind.text.to_ascii_lowercase().as_str() {
        "user" | "role" => {
            words.if_exists();
            Some(About::new(Rule::Changes, accounts(words)?, &[Aspect::Existence, Aspect::Definition]))
        }
        "view" => defined(Object::View(words.name()?)),
        "sequence" => {
            words.if_exists();
            defined(Object::Sequence(words.name()?))
        }
        "database" | "schema" => {
            // Without a name it is the connection's own.
            let options = ["character", "charset", "collate", "comment", "default", "encryption", "read"];
            if words.at_any(&options) && !words.rest().get(1).is_some_and(|word| word.is_any(&options)) {
                return defined(Object::Schema(String::new()));
            }
            defined(Object::Schema(words.plain_name()?))
        }
        "event" => {
            words.if_exists();
            let name = words.name()?;
            let mut about =
                About::new(Rule::Changes, vec![Object::Event(name.clone())], &[Aspect::Existence, Aspect::Definition]);
            if words.skip_past(&["rename"]).is_some() && words.eat(&["to"]) {
                let other = words.name()?;
                let schema = other.schema.or(name.schema);
                about.objects.push((Object::Event(Name { schema, name: other.name }), vec![Aspect::Existence]));
            }
            Some(about)
        }
        kind => {
            let object = named(kind, words)?;
            if let (Object::Tablespace(_), true) = (&object, words.eat(&["rename", "to"])) {
                let objects = vec![object, Object::Tablespace(words.plain_name()?)];
                let pairs = vec![(0, 1)];
                return Some(About { pairs, ..About::new(Rule::Renames, objects, &[Aspect::Existence]) });
            }
            defined(object)
        }
    }
}

/// Pairs of names. Which of them are there tells, unless the same names are there afterwards: then which tables they are.
fn rename(words: &mut Words<'_>) -> Option<About> {
    if words.eat(&["user"]) {
        let mut objects = Vec::new();
        for mut part in words.parts() {
            objects.push(Object::Account(part.account()?));
            if !part.eat(&["to"]) {
                return None;
            }
            objects.push(Object::Account(part.account()?));
        }
        let pairs = (0..objects.len() / 2).map(|at| (at * 2, at * 2 + 1)).collect();
        return Some(About { pairs, ..About::new(Rule::Renames, objects, &[Aspect::Existence]) });
    }
    words.eat_any(&["table", "tables"])?;
    words.if_exists();
    let mut pairs = Vec::new();
    for mut part in words.parts() {
        let from = part.name()?;
        part.wait();
        if !part.eat(&["to"]) {
            return None;
        }
        pairs.push((from, part.name()?));
    }
    Some(renamed(&pairs))
}

pub(super) fn renamed(pairs: &[(Name, Name)]) -> About {
    let mut names: Vec<&Name> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
    names.sort();
    names.dedup();
    let at = |name: &Name| names.iter().position(|other| *other == name).unwrap_or_default();
    let pairs: Vec<(usize, usize)> = pairs.iter().map(|(from, to)| (at(from), at(to))).collect();
    // Those that are there from the beginning are the ones that are taken before they are made.
    let mut before = vec![false; names.len()];
    let mut made = vec![false; names.len()];
    for (from, to) in &pairs {
        before[*from] |= !made[*from];
        made[*to] = true;
    }
    let seen = moved(&pairs, before.clone()) != before;
    let objects = names.into_iter().cloned().map(Object::Table).collect();
    let aspects: &[Aspect] = if seen { &[Aspect::Existence] } else { &[Aspect::Existence, Aspect::Identity] };
    About { blind: !seen, pairs, ..About::new(Rule::Renames, objects, aspects) }
}

/// Which names are there after a rename, from which were there before.
pub(super) fn moved(pairs: &[(usize, usize)], mut there: Vec<bool>) -> Vec<bool> {
    for (from, to) in pairs {
        if there[*from] {
            there[*from] = false;
            there[*to] = true;
        }
    }
    there
}

/// Whose grants: everything behind the last `FROM`.
fn revoke(words: &Words<'_>) -> Option<About> {
    let mut words = words.clone();
    words.skip_past(&["from"])?;
    while words.skip_past(&["from"]).is_some() {}
    Some(About::new(Rule::Changes, accounts(&mut words)?, &[Aspect::Existence, Aspect::Definition]))
}

fn installed(words: &mut Words<'_>, rule: Rule) -> Option<About> {
    if words.eat(&["component"]) {
        let mut objects = Vec::new();
        for mut part in words.parts() {
            objects.push(Object::Component(part.plain_name()?));
            if part.at("set") {
                break;
            }
        }
        return Some(About::new(rule, objects, &[Aspect::Existence]));
    }
    if !words.eat(&["plugin"]) {
        return None;
    }
    words.if_exists();
    Some(About::new(rule, vec![Object::Plugin(words.plain_name()?)], &[Aspect::Existence]))
}
