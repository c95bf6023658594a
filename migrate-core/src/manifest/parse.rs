//! TOML with spans → [`Manifest`].

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{About, Dependency, Manifest, Release, SuffixOrder};
use crate::condition::{Condition, Conditions};
use crate::counts::{Count, Counts, OnLoss};
use crate::diagnostic::{Diagnostic, Place, codes, nearest};
use crate::layout::{self, LAYOUTS};
use crate::migration::Phase;
use crate::source::Source;
use crate::sql::directive::duration;

const TOP: &[&str] = &[
    "layout",
    "component",
    "depends-on",
    "minimum",
    "stops",
    "unmarked",
    "suffix-order",
    "migration",
    "release",
    "preconditions",
    "counts",
];
const MIGRATION: &[&str] = &[
    "accept",
    "renamed-from",
    "no-transaction",
    "phase",
    "settings",
    "timeout",
    "compatible-from",
    "requires-version",
    "irreversible",
    "optional",
];
const TIMEOUT: &[&str] = &["lock", "statement"];
const RELEASE: &[&str] = &["notes", "url"];

type Value<'i> = Spanned<DeValue<'i>>;

pub(super) fn parse(source: &Source) -> (Manifest, Vec<Diagnostic>) {
    let mut reader = Reader { source, diagnostics: Vec::new() };
    // The parser takes no byte order mark; blanks in its place keep every offset.
    let text = source.file();
    let blanked = text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"));
    let (table, errors) = DeTable::parse_recoverable(blanked.as_deref().unwrap_or(text));
    for error in errors {
        reader.problem(error.span().unwrap_or(0..0), &error.message().replace('\n', ", "));
    }
    let manifest = reader.manifest(table.get_ref());
    let mut diagnostics = reader.diagnostics;
    // Where the parser had to guess a value, what the guess means is nobody's mistake.
    let mut seen = Vec::new();
    diagnostics.retain(|diagnostic| {
        let position = diagnostic.place.as_ref().and_then(|place| place.position);
        let is_new = !seen.contains(&position);
        seen.push(position);
        is_new
    });
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.as_ref().and_then(|place| place.position));
    (manifest, diagnostics)
}

struct Reader<'a> {
    source: &'a Source,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn manifest(&mut self, table: &DeTable<'_>) -> Manifest {
        let mut manifest = Manifest::default();
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "layout" => manifest.layout = self.layout(value),
                "component" => manifest.component = self.component(value),
                "depends-on" => manifest.depends_on = self.dependencies(value),
                "minimum" => manifest.minimum = self.parsed(value),
                "stops" => manifest.stops = self.list(value, Self::parsed),
                "unmarked" => manifest.unmarked = self.phase(value),
                "suffix-order" => manifest.suffix_order = self.suffix_order(value),
                "migration" => {
                    for (id, about) in self.table(value) {
                        let at = id.span();
                        if let Some(id) = self.parse_text(id.get_ref(), at.clone()) {
                            let about = self.about(about, at);
                            manifest.migrations.insert(id, about);
                        }
                    }
                }
                "release" => {
                    for (version, release) in self.table(value) {
                        if let Some(version) = self.parse_text(version.get_ref(), version.span()) {
                            manifest.releases.insert(version, self.release(release));
                        }
                    }
                }
                "preconditions" => manifest.preconditions = self.preconditions(value),
                "counts" => manifest.counts = self.counts(value),
                _ => self.unknown(key, TOP),
            }
        }
        manifest
    }

    fn preconditions(&mut self, value: &Value<'_>) -> Conditions {
        let mut conditions = Conditions::default();
        for (key, value) in self.table(value) {
            let name = key.get_ref().as_ref();
            if name == "required" {
                conditions.required = self.boolean(value).unwrap_or_default();
                continue;
            }
            if !Condition::NAMES.contains(&name) {
                self.unknown(key, &[&Condition::NAMES[..], &["required"]].concat());
                continue;
            }
            let text = match value.get_ref() {
                DeValue::Boolean(flag) => flag.to_string(),
                DeValue::Integer(number) => number.to_string(),
                _ => self.string(value).unwrap_or_default(),
            };
            if text.is_empty() {
                continue;
            }
            match Condition::parse(name, &text) {
                Ok(condition) => conditions.all.extend(condition),
                Err(message) => self.problem(value.span(), &message),
            }
        }
        conditions
    }

    fn counts(&mut self, value: &Value<'_>) -> Counts {
        let mut counts = Counts::default();
        for (key, value) in self.table(value) {
            let Some(text) = self.string(value) else { continue };
            if key.get_ref() != "on-loss" {
                counts.each.push(Count { name: key.get_ref().to_string(), sql: text });
                continue;
            }
            match OnLoss::parse(&text) {
                Some(on_loss) => counts.on_loss = on_loss,
                None => {
                    self.problem(value.span(), &format!("`{text}` is not what follows from a loss"));
                    self.suggest(&text, "words", &OnLoss::NAMES);
                }
            }
        }
        counts
    }

    fn about(&mut self, value: &Value<'_>, at: Range<usize>) -> About {
        let mut about = About { at, ..About::default() };
        for (key, value) in self.table(value) {
            match key.get_ref().as_ref() {
                "accept" => about.accept = self.list(value, Self::checksum),
                "renamed-from" => about.renamed_from = self.list(value, Self::parsed),
                "no-transaction" => about.no_transaction = self.boolean(value),
                "phase" => about.phase = self.phase(value),
                "settings" => about.settings = self.settings(value),
                "timeout" => {
                    for (key, value) in self.table(value) {
                        match key.get_ref().as_ref() {
                            "lock" => about.timeouts.lock = self.duration(value),
                            "statement" => about.timeouts.statement = self.duration(value),
                            _ => self.unknown(key, TIMEOUT),
                        }
                    }
                }
                "compatible-from" => about.compatible_from = self.parsed(value),
                "requires-version" => about.requires_version = self.parsed(value),
                "irreversible" => about.irreversible = self.string(value),
                "optional" => about.optional = self.string(value),
                _ => self.unknown(key, MIGRATION),
            }
        }
        about
    }

    fn release(&mut self, value: &Value<'_>) -> Release {
        let mut release = Release::default();
        for (key, value) in self.table(value) {
            match key.get_ref().as_ref() {
                "notes" => release.notes = self.string(value),
                "url" => release.url = self.string(value),
                _ => self.unknown(key, RELEASE),
            }
        }
        release
    }

    fn dependencies(&mut self, value: &Value<'_>) -> Vec<Dependency> {
        let mut dependencies = Vec::new();
        for (component, version) in self.table(value) {
            if let Some(version) = self.parsed(version) {
                dependencies.push(Dependency { component: component.get_ref().to_string(), version });
            }
        }
        dependencies
    }

    fn settings(&mut self, value: &Value<'_>) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        for (name, value) in self.table(value) {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                _ => {
                    self.wrong_type(value, "a string, an integer or true or false");
                    continue;
                }
            };
            settings.push((name.get_ref().to_string(), text));
        }
        settings
    }

    fn layout(&mut self, value: &Value<'_>) -> Option<String> {
        let name = self.string(value)?;
        if layout::by_name(&name).is_none() {
            let known: Vec<_> = LAYOUTS.iter().map(|layout| layout.name()).collect();
            self.problem(value.span(), &format!("there is no layout `{name}`"));
            self.suggest(&name, "layouts", &known);
            return None;
        }
        Some(name)
    }

    fn component(&mut self, value: &Value<'_>) -> Option<String> {
        let name = self.string(value)?;
        if name.trim().is_empty() {
            self.problem(value.span(), "the name of a component is empty");
            return None;
        }
        Some(name)
    }

    fn checksum(&mut self, value: &Value<'_>) -> Option<String> {
        let text = self.string(value)?;
        let hex = text.strip_prefix("sha256:");
        if !hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let help = "`migrate history` shows the checksum of every applied migration";
            self.problem(value.span(), &format!("`{text}` is no checksum: expected sha256: and 64 hex digits"));
            self.help(help);
            return None;
        }
        Some(text.to_ascii_lowercase())
    }

    fn phase(&mut self, value: &Value<'_>) -> Option<Phase> {
        match self.string(value)?.as_str() {
            "pre" => Some(Phase::Pre),
            "post" => Some(Phase::Post),
            other => {
                self.problem(value.span(), &format!("`{other}` is no phase: expected \"pre\" or \"post\""));
                None
            }
        }
    }

    fn suffix_order(&mut self, value: &Value<'_>) -> Option<SuffixOrder> {
        match self.string(value)?.as_str() {
            "after" => Some(SuffixOrder::After),
            other => {
                self.problem(value.span(), &format!("`{other}` is no order of suffixes: expected \"after\""));
                self.help("to have the final release sort last, give it another part: 2.0.0.1 follows 2.0.0-rc1");
                None
            }
        }
    }

    fn duration(&mut self, value: &Value<'_>) -> Option<Duration> {
        let text = self.string(value)?;
        duration(&text).map_err(|message| self.problem(value.span(), &message)).ok()
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, value: &Value<'_>) -> Option<T> {
        let text = self.string(value)?;
        self.parse_text(&text, value.span())
    }

    fn parse_text<T: FromStr<Err: Display>>(&mut self, text: &str, at: Range<usize>) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.problem(at, &error.to_string())).ok()
    }

    fn string(&mut self, value: &Value<'_>) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.wrong_type(value, "a string");
        if matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_)) {
            let written = &self.source.file()[value.span()];
            self.help(format!("put it into quotes: \"{written}\""));
        }
        None
    }

    fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(value, "true or false");
        None
    }

    fn list<T>(&mut self, value: &Value<'_>, item: fn(&mut Self, &Value<'_>) -> Option<T>) -> Vec<T> {
        if let DeValue::Array(values) = value.get_ref() {
            return values.iter().filter_map(|value| item(self, value)).collect();
        }
        self.wrong_type(value, "a list");
        if matches!(value.get_ref(), DeValue::String(_)) {
            let written = &self.source.file()[value.span()];
            self.help(format!("put it into brackets: [{written}]"));
        }
        Vec::new()
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>) -> Vec<(&'v Spanned<toml::de::DeString<'i>>, &'v Value<'i>)> {
        if let DeValue::Table(table) = value.get_ref() {
            return in_order(table);
        }
        self.wrong_type(value, "a table");
        Vec::new()
    }

    fn unknown(&mut self, key: &Spanned<toml::de::DeString<'_>>, known: &[&str]) {
        let word = key.get_ref();
        self.problem(key.span(), &format!("there is no key `{word}`"));
        self.suggest(word, "keys here", known);
    }

    fn wrong_type(&mut self, value: &Value<'_>, expected: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(value.span(), &format!("expected {expected}, found {found}"));
    }

    fn problem(&mut self, at: Range<usize>, message: &str) {
        let name = self.source.path().rsplit(['/', '\\']).next().unwrap_or_default();
        self.diagnostics.push(
            Diagnostic::error(codes::BAD_MANIFEST, format!("{name}: {message}")).at(Place::in_source(self.source, at)),
        );
    }

    fn suggest(&mut self, word: &str, what: &str, known: &[&str]) {
        self.help(match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the {what} are {}", known.join(", ")),
        });
    }

    /// One more line for the last problem.
    fn help(&mut self, line: impl Into<String>) {
        if let Some(last) = self.diagnostics.last_mut() {
            last.help.push(line.into());
        }
    }
}

/// The parser sorts by key; people expect the order they wrote.
fn in_order<'v, 'i>(table: &'v DeTable<'i>) -> Vec<(&'v Spanned<toml::de::DeString<'i>>, &'v Value<'i>)> {
    let mut pairs: Vec<_> = table.iter().collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
}
