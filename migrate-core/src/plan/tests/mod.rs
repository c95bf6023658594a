//! The planner against sets and histories as small texts, one line a thing; what comes out is what a person reads.
//!
//! ```text
//! engine mysql                                     # postgres where nothing is said
//! pooled                                           # by a pooler that pools transactions
//! joined                                           # inside a transaction of the caller's
//! file 2.1.0/pre/01 add_owner up:"select 1" down:"select 2" irreversible:"why"
//! manifest minimum = "2.0.0"
//! row up 2.1.0/pre/01 done                         # of:"text that ran", at:2, by:ci, from:3.0.0, …
//! callback afterMigrate up:"select 1"
//! code 2.1.0/pre/01                                # another program's; in-batches, from-scratch, … is ours
//! objects users, pets
//! theirs goose_db_version id version_id is_applied # another tool's table and its columns
//! their 1|0|t                                      # a row of it, NULL is -
//! policy on-ahead=tolerate
//! goal up --phase pre
//! ```

mod adoption;
mod ahead;
mod amends;
mod checksums;
mod code;
mod components;
mod contact;
mod cutting;
mod deployed;
mod down;
mod gates;
mod joined;
mod mirror;
mod open;
mod order;
mod phases;
mod pooled;
mod properties;
mod records;
mod refresh;
mod repeatables;
mod route;
mod snapshots;
mod targets;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::adopt::{self, Foreign};
use super::resume::Prefixes;
use super::{
    AcceptChanged, AdoptGoal, DownGoal, ForeignHistory, Goal, Observed, OnAhead, OnNonempty, OutOfOrder, PhaseGoal,
    Plan, Policy, Refusal, Target, UpGoal, plan, texts_needed,
};
use crate::backend::{Atomicity, Cancel, Dialect, Exclusion, Orphan, Row, Server, TableName};
use crate::callback::{Callback, CallbackEvent};
use crate::checksum;
use crate::code::{CodeRuns, CodeWork, Restart};
use crate::diagnostic::Diagnostic;
use crate::history::format::{Column, Reading, Table};
use crate::history::{Action, Entry, EntryKey, History, State, Texts, Timestamp};
use crate::layout::{EngineNames, Folder};
use crate::migration::{MigrationId, RunAttributes};
use crate::set::{MigrationSet, ReadOptions};
use crate::source::Source;
use crate::sql::{Script, Syntax, classify};

static POSTGRES: Dialect = Dialect {
    names: EngineNames::POSTGRES.names,
    syntax: Syntax::POSTGRES,
    classify: classify::postgres,
    atomicity: Atomicity::Script,
    exclusion: Exclusion::Session,
    orphan: Orphan::HoldsLock,
    cancel: Cancel::Statement,
    script_settings: |_| Vec::new(),
    effect_sql: |_, _| String::new(),
    client_prologue: "",
    history_sql: |_| String::new(),
};

static MYSQL: Dialect = Dialect {
    names: EngineNames::MYSQL.names,
    syntax: Syntax::MYSQL,
    classify: classify::mysql,
    atomicity: Atomicity::Statement,
    ..POSTGRES
};

/// One fixture, read.
struct Case {
    dialect: &'static Dialect,
    set: MigrationSet,
    server: Server,
    rows: Vec<(Entry, Texts)>,
    policy: Policy,
    goal: Goal,
    tables: Vec<(Table, Vec<Row>)>,
}

impl Case {
    fn observed(&self) -> Observed {
        let rows = self.rows.iter().map(|(entry, _)| entry.clone()).collect();
        let history = History::fold(rows, self.set.component());
        // Only what is asked for is there: a plan that needs more shows it.
        let needed = texts_needed(&self.set, &history, &self.goal, &self.policy);
        let texts: BTreeMap<EntryKey, Texts> = self
            .rows
            .iter()
            .filter(|(entry, _)| needed.contains(&entry.key))
            .map(|(entry, texts)| (entry.key.clone(), texts.clone()))
            .collect();
        let foreign = self.foreign(&history);
        Observed { server: self.server.clone(), history, texts, foreign }
    }

    /// As the migrator looks: only where it matters, and only at the table that is meant.
    fn foreign(&self, history: &History) -> Foreign {
        if !adopt::looks(&self.goal, &self.policy, history, &self.server) {
            return Foreign::default();
        }
        let mut foreign =
            Foreign { tables: self.tables.iter().map(|(table, _)| table.clone()).collect(), ..Foreign::default() };
        foreign.reading = adopt::reads(&self.set, &foreign, &self.goal, &self.policy, history).map(|found| {
            let rows = |name| self.tables.iter().find(|(table, _)| table.name == name).unwrap().1.clone();
            let answers = std::iter::once(&found.table).chain(&found.beside).map(|table| rows(table.name.clone()));
            let answers = answers.collect();
            Reading::new(found, answers)
        });
        foreign
    }

    fn plan(&self) -> Result<Plan, Refusal> {
        plan(&self.set, &self.observed(), &self.goal, &self.policy, self.dialect)
    }
}

/// What a person reads.
pub(super) fn planned(fixture: &str) -> String {
    match case(fixture).plan() {
        Ok(plan) => {
            let text = plan.to_string();
            let mut out: String = text.lines().filter(|line| !line.starts_with("digest ")).map(line).collect();
            if plan.steps.iter().any(|step| step.row.entry.set_digest.is_some()) {
                out.push_str("then the set is complete\n");
            }
            out + &lines(&plan.notes)
        }
        Err(refusal) => lines(&refusal.diagnostics()),
    }
}

fn line(line: &str) -> String {
    format!("{}\n", line.trim_end())
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().fold(String::new(), |mut out, diagnostic| {
        let _ = writeln!(out, "{diagnostic}");
        out
    })
}

/// The words of a line; `key:"a \"b\""` is one word `key:a "b"`, `\n` in it a line end.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => match chars.next() {
                Some('n') => word.push('\n'),
                Some(c) => word.push(c),
                None => panic!("a lone backslash in {line}"),
            },
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The value of `key:value` among words.
fn value<'w>(words: &'w [String], key: &str) -> Option<&'w str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix(':'))
}

/// An identity, and how many words it took: `R user_view` is two.
fn identity(words: &[String]) -> (MigrationId, usize) {
    let taken = if words[0] == "R" { 2 } else { 1 };
    (words[..taken].join(" ").parse().unwrap(), taken)
}

fn case(fixture: &str) -> Case {
    let all: Vec<&str> = fixture.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let of = |word: &str| -> Vec<&str> {
        all.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
    };
    for line in &all {
        let known = [
            "engine", "pooled", "joined", "file", "manifest", "row", "objects", "foreign", "policy", "goal",
            "callback", "code", "theirs", "their", "layout",
        ];
        assert!(known.contains(&line.split(' ').next().unwrap()), "what is {line}?");
    }
    let dialect = match of("engine").as_slice() {
        ["mysql"] => &MYSQL,
        _ => &POSTGRES,
    };
    let mut files: Vec<(String, String)> = Vec::new();
    for file in of("file") {
        read_file(&words(file), &mut files);
    }
    if !of("manifest").is_empty() {
        files.push(("migrations.toml".to_owned(), of("manifest").join("\n")));
    }
    let set = if files.iter().all(|(name, _)| name == "migrations.toml") {
        MigrationSet::new("main", Vec::new()).unwrap()
    } else {
        let names = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let mut options =
            ReadOptions::new(if dialect.name() == "mysql" { EngineNames::MYSQL } else { EngineNames::POSTGRES });
        options.layout = of("layout").first().map(|name| (*name).to_owned());
        let loaded = MigrationSet::from_folder(&Folder::embedded("m", names), &options);
        loaded.unwrap_or_else(|diagnostics| panic!("{}", lines(&diagnostics))).set
    };
    let callbacks = of("callback").into_iter().map(|line| read_callback(&words(line))).collect();
    let set = with_code(set, &of("code").into_iter().map(words).collect::<Vec<_>>()).with_callbacks(callbacks);
    let mut rows = Vec::new();
    for row in of("row") {
        let row = read_row(&words(row), &set, dialect, &rows);
        rows.push(row);
    }
    let names = |word| of(word).iter().flat_map(|line| line.split(", ")).map(str::to_owned).collect();
    let server = Server {
        product: "Server 1.0".to_owned(),
        database: "shop".to_owned(),
        syntax: dialect.syntax,
        has_history: !rows.is_empty(),
        objects: names("objects"),
        foreign_histories: names("foreign"),
        not_transactional: Vec::new(),
        partitioned: None,
        read_only: false,
        pooled: all.contains(&"pooled"),
        joined: all.contains(&"joined"),
    };
    let mut policy = Policy::default();
    for line in of("policy") {
        read_policy(line, &mut policy);
    }
    assert!(of("goal").len() < 2, "two goals");
    let goal = of("goal").first().map_or_else(Goal::up, |line| read_goal(&words(line)));
    let mut tables: Vec<(Table, Vec<Row>)> = Vec::new();
    for line in &all {
        match line.split_once(' ') {
            Some(("theirs", table)) => tables.push((read_table(table), Vec::new())),
            Some(("their", row)) => {
                let cells = row.split('|').map(|cell| (cell != "-").then(|| cell.to_owned()));
                tables.last_mut().unwrap().1.push(cells.collect());
            }
            _ => {}
        }
    }
    Case { dialect, set, server, rows, policy, goal, tables }
}

fn read_table(line: &str) -> Table {
    let mut words = line.split_whitespace().map(str::to_owned);
    let name = TableName { schema: None, name: words.next().unwrap() };
    Table { name, columns: words.map(|name| Column { name, kind: "text".to_owned() }).collect() }
}

fn read_file(words: &[String], files: &mut Vec<(String, String)>) {
    if words[0].contains(".sql") {
        files.push((words[0].clone(), words[1].clone()));
        return;
    }
    let (id, taken) = identity(words);
    let description = words.get(taken).filter(|word| !word.contains(':')).map_or("test", String::as_str);
    let name = match &id {
        MigrationId::Repeatable { name } => format!("R__{name}"),
        MigrationId::Versioned { version, phase, ordinal } if words[0].contains('/') => {
            format!("{version}_{ordinal:02}_{phase}_{description}")
        }
        MigrationId::Versioned { version, .. } => format!("{version}_{description}"),
    };
    let mut text = String::new();
    for (key, directive) in [
        ("from", "compatible-from"),
        ("needs", "requires-version"),
        ("optional", "optional"),
        ("requires", "requires"),
        ("batch", "batch"),
    ] {
        if let Some(value) = value(words, key) {
            writeln!(text, "-- migrate:{directive} {value}").unwrap();
        }
    }
    if let Some(why) = value(words, "irreversible") {
        writeln!(text, "-- migrate:irreversible \"{why}\"").unwrap();
    }
    text.push_str(value(words, "up").unwrap_or("create table a (n int)"));
    files.push((format!("{name}.up.sql"), text));
    if let Some(down) = value(words, "down") {
        files.push((format!("{name}.down.sql"), down.to_owned()));
    }
}

/// `callback afterMigrate up:"select 1" note:"of the day"`
fn read_callback(words: &[String]) -> Callback {
    let event = CallbackEvent::ALL.iter().find(|event| event.name() == words[0]).unwrap();
    Callback {
        event: *event,
        description: value(words, "note").unwrap_or_default().to_owned(),
        script: Source::new(format!("m/{}.sql", words[0]), value(words, "up").unwrap()),
        run: RunAttributes::default(),
    }
}

/// `code 2`: a migration that another program runs. `code 2 in-batches reversible sum:kv-2`: code that is ours.
fn with_code(set: MigrationSet, lines: &[Vec<String>]) -> MigrationSet {
    if lines.is_empty() {
        return set;
    }
    let migrations = set.iter().cloned().map(|mut migration| {
        let Some(words) = lines.iter().find(|words| words[0] == migration.id.to_string()) else { return migration };
        let has = |flag: &str| words.iter().any(|word| word == flag);
        let runs = [
            ("in-transaction", CodeRuns::InTransaction),
            ("in-batches", CodeRuns::InBatches),
            ("outside", CodeRuns::Outside(Restart::Unknown)),
            ("from-scratch", CodeRuns::Outside(Restart::FromScratch)),
        ];
        let runs = runs.into_iter().find(|(flag, _)| has(flag)).map(|(_, runs)| runs);
        migration.attributes.code = Some(match runs {
            Some(_) => CodeWork { runs, has_down: has("reversible"), ..CodeWork::in_language("Rust") },
            None => CodeWork::in_language("Go"),
        });
        migration.checksum = runs.map(|_| checksum::of_code(value(words, "sum").unwrap_or("kv-1"))).unwrap_or_default();
        migration
    });
    MigrationSet::new("main", migrations.collect()).unwrap()
}

fn read_row(words: &[String], set: &MigrationSet, dialect: &Dialect, before: &[(Entry, Texts)]) -> (Entry, Texts) {
    let action = Action::from_text(&words[0]).unwrap();
    let (id, taken) = identity(&words[1..]);
    let words = &words[1 + taken..];
    let has = |flag: &str| words.iter().any(|word| word == flag);
    let file = set.get(&id);
    let default = |text: Option<&Source>| text.map(|source| source.text().to_owned());
    let down = value(words, "down").map(str::to_owned).or_else(|| default(file?.down.as_ref()));
    let down = down.filter(|_| action != Action::Down && !has("no-down"));
    let of = value(words, "of").map_or_else(
        || {
            let text = if action == Action::Down { file.and_then(|f| f.down.as_ref()) } else { file.map(|f| &f.up) };
            default(text).unwrap_or_else(|| "create table a (n int)".to_owned())
        },
        str::to_owned,
    );
    let script = Script::parse(Source::new("row", of.as_str()), &dialect.syntax, dialect.classify).unwrap();
    let state = ["failed", "in_flight", "interrupted"].into_iter().find(|state| has(state)).unwrap_or("done");
    let cursor = value(words, "at").map_or(0, |at| at.parse().unwrap());
    let component = value(words, "component").unwrap_or("main").to_owned();
    let seq = before.iter().filter(|(entry, _)| entry.key.component == component).count() as u64 + 1;
    let sum = if action == Action::Down { default(file.map(|file| &file.up)).unwrap_or_default() } else { of.clone() };
    let stored = value(words, "stored").unwrap_or(&of);
    let entry = Entry {
        key: EntryKey { component, seq: value(words, "seq").map_or(seq, |seq| seq.parse().unwrap()) },
        description: file.map_or("of another release".to_owned(), |file| file.description.clone()),
        id,
        action,
        state: State::from_text(state).unwrap(),
        cursor: cursor as u64,
        statements: script.len() as u64,
        prefix_digest: Prefixes::new().up_to(&script, cursor).map(|prefix| prefix.to_text()),
        note: has("noted").then(String::new),
        settled_by: None,
        checksum: match value(words, "sum") {
            Some(declared) => checksum::of_code(declared),
            None if has("no-sum") => String::new(),
            None => checksum::raw(&sum),
        },
        checksum_normalised: Some(checksum::normalised(&Source::new("row", sum.as_str()), &dialect.syntax)),
        executed_digest: Some(checksum::raw(&of)),
        down_checksum: down.as_deref().map(checksum::raw),
        origin: value(words, "origin").map(str::to_owned),
        compatible_from: value(words, "from").map(|version| version.parse().unwrap()),
        set_digest: has("complete").then(|| "sha256:of another set".to_owned()),
        checkpoint: value(words, "checkpoint").map(str::to_owned),
        error: value(words, "error").map(str::to_owned),
        run_id: "run".to_owned(),
        fence: 0,
        installed_by: value(words, "by").map(str::to_owned),
        app_version: value(words, "app").map(str::to_owned),
        tool_version: None,
        started_at: None,
        finished_at: Some(Timestamp(1_795_132_800_000_000)),
        has_down: down.is_some(),
    };
    let script = (!has("unstored")).then(|| stored.to_owned());
    (entry, Texts { script, down_script: down })
}

fn read_policy(line: &str, policy: &mut Policy) {
    let (key, text) = line.split_once('=').unwrap_or((line, ""));
    match (key, text) {
        ("out-of-order", "refuse") => policy.out_of_order = OutOfOrder::Refuse,
        ("out-of-order", "all") => policy.out_of_order = OutOfOrder::AllowAll,
        ("out-of-order", id) => policy.out_of_order = OutOfOrder::Allow(vec![id.parse().unwrap()]),
        ("on-ahead", "tolerate") => policy.on_ahead = OnAhead::Tolerate,
        ("on-ahead", "refuse") => policy.on_ahead = OnAhead::Refuse,
        ("on-ahead", "downgrade") => policy.on_ahead = OnAhead::Downgrade,
        ("downgrade-limit", limit) => policy.downgrade_limit = limit.parse().unwrap(),
        ("on-nonempty", "run") => policy.on_nonempty = OnNonempty::Run,
        ("on-nonempty", version) => policy.on_nonempty = OnNonempty::Baseline(version.parse().unwrap()),
        ("foreign-history", "adopt") => policy.foreign_history = ForeignHistory::Adopt,
        ("foreign-history", "ignore") => policy.foreign_history = ForeignHistory::Ignore,
        ("mirror", name) => policy.mirror = Some(TableName { schema: None, name: name.to_owned() }),
        ("phase", text) => policy.phase = Some(phase(text)),
        ("deployed", release) => policy.deployed = Some(release.parse().unwrap()),
        ("require-deployed", "") => policy.require_deployed = true,
        ("include", name) => policy.include = vec![name.to_owned()],
        _ => panic!("what is {line}?"),
    }
}

fn phase(text: &str) -> PhaseGoal {
    match text {
        "pre" => PhaseGoal::Pre,
        "post" => PhaseGoal::Post,
        "all" => PhaseGoal::All,
        other => panic!("what is {other}?"),
    }
}

fn read_goal(words: &[String]) -> Goal {
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        Some(words[at + 1].as_str())
    };
    let to = || after("--to").map(|to| to.parse().unwrap());
    let steps = || after("--steps").map(|steps| steps.parse().unwrap());
    let id = || identity(&words[1..]).0;
    match (words[0].as_str(), words.last().map(String::as_str)) {
        ("up", _) => Goal::Up(UpGoal { to: to(), steps: steps(), phase: after("--phase").map(phase) }),
        ("down", Some("empty")) => Goal::Down(DownGoal::Empty),
        ("down", _) => Goal::Down(to().map(DownGoal::To).or(steps().map(DownGoal::Steps)).unwrap()),
        ("baseline", Some(version)) => Goal::Baseline(version.parse().unwrap()),
        ("resolve", Some("--applied")) => Goal::ResolveApplied(id()),
        ("resolve", Some("--not-applied")) => Goal::ResolveNotApplied(id()),
        ("accept", _) => Goal::Accept(id()),
        ("amend", _) => Goal::Amend(id()),
        ("prune", _) => Goal::Prune,
        ("adopt", _) => Goal::Adopt(AdoptGoal {
            from: after("--from").map(str::to_owned),
            table: after("--from-table").map(|name| TableName { schema: None, name: name.to_owned() }),
            to: after("--to").map(|to| to.parse().unwrap()),
            changed: after("--accept-changed")
                .map(|id| AcceptChanged::These(vec![id.parse().unwrap()]))
                .unwrap_or_default(),
        }),
        _ => panic!("what is {words:?}?"),
    }
}
