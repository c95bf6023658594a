//! TOML with spans → [`Manifest`].

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{About, Dependency, Manifest, Release, SuffixOrder};
use crate::diagnostic::{Diagnostic, Place, codes, nearest};
use crate::layout::{self, LAYOUTS};
use crate::migration::Phase;
use crate::source::Source;

const TOP: &[&str] = &["layout", "component", "depends-on", "minimum", "stops", "suffix-order", "migration", "release"];
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
                _ => self.unknown(key, TOP),
            }
        }
        manifest
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
        let duration = duration(&text);
        if duration.is_none() {
            self.problem(value.span(), &format!("`{text}` is no time: expected one like \"500ms\", \"2s\" or \"0\""));
        }
        duration
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

/// `500ms`, `2s`, `10min`, `1h`, and `0`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let milliseconds = match &text[digits..] {
        "" if number == 0 => 1,
        "ms" => 1,
        "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use insta::assert_snapshot;

    use super::*;
    use crate::migration::Timeouts;

    /// Everything that is said about a manifest.
    fn said(text: &str) -> String {
        let (_, diagnostics) = Manifest::parse(Source::new("m/migrations.toml", text));
        diagnostics.iter().fold(String::new(), |mut out, diagnostic| {
            let _ = writeln!(out, "{diagnostic}");
            out
        })
    }

    #[test]
    fn every_key_is_understood() {
        let checksum = format!("sha256:{}", "0a".repeat(32));
        let text = format!(
            r#"
            layout = "native"
            component = "billing"
            minimum = "2.0.0"
            stops = ["2.0.0", "3.0.0"]
            suffix-order = "after"

            [depends-on]
            queue = "1.10"

            [migration."2.1.0/post/50"]
            accept = ["{checksum}"]
            renamed-from = ["2.1.0/post/49", "R__totals"]
            no-transaction = true
            settings = {{ work_mem = "20MB", lock_depth = 3, jit = false }}
            timeout = {{ lock = "2s", statement = "0" }}
            compatible-from = "2.0.0"
            requires-version = "1.9"
            irreversible = "the column is gone"
            optional = "cleanup"

            [migration.20261120103000]
            phase = "post"

            [release."3.4.0"]
            notes = "reindexes orders"
            url = "https://example.org/3.4.0"
            "#
        );
        assert_eq!(said(&text), "");
        let (manifest, _) = Manifest::parse(Source::new("m/migrations.toml", text));
        let version = |text: &str| text.parse().unwrap();
        assert_eq!(manifest.component.as_deref(), Some("billing"));
        assert_eq!(manifest.layout.as_deref(), Some("native"));
        assert_eq!(manifest.minimum, Some(version("2")));
        assert_eq!(manifest.stops, [version("2.0.0"), version("3.0.0")]);
        assert_eq!(manifest.suffix_order, Some(SuffixOrder::After));
        assert_eq!(manifest.depends_on, [Dependency { component: "queue".to_owned(), version: version("1.10") }]);
        assert_eq!(manifest.releases[&version("3.4.0")].notes.as_deref(), Some("reindexes orders"));
        assert_eq!(manifest.migrations[&"20261120103000".parse().unwrap()].phase, Some(Phase::Post));
        let about = &manifest.migrations[&"2.1.0/post/50".parse().unwrap()];
        assert_eq!(about.accept, [checksum]);
        assert_eq!(about.renamed_from, ["2.1.0/post/49".parse().unwrap(), "R totals".parse().unwrap()]);
        let settings: Vec<_> = about.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(settings, ["work_mem=20MB", "lock_depth=3", "jit=false"]);
        let timeouts = Timeouts { lock: Some(Duration::from_secs(2)), statement: Some(Duration::ZERO) };
        assert_eq!((about.timeouts, about.no_transaction), (timeouts, Some(true)));
        assert_eq!(about.optional.as_deref(), Some("cleanup"));
    }

    #[test]
    fn unknown_keys_suggest_the_nearest_one() {
        assert_snapshot!(said("componnt = \"x\"\ncolour = \"red\"\n"), @r#"
        error[M0008]: migrations.toml: there is no key `componnt`
          --> m/migrations.toml:1:1
         1 | componnt = "x"
           | ^^^^^^^^
           = did you mean `component`?
        error[M0008]: migrations.toml: there is no key `colour`
          --> m/migrations.toml:2:1
         2 | colour = "red"
           | ^^^^^^
           = the keys here are layout, component, depends-on, minimum, stops, suffix-order, migration, release
        "#);
        assert_snapshot!(said("[migration.\"2.1.0\"]\nrenamed_from = []\ntimeout = { locks = \"2s\" }\n"), @r#"
        error[M0008]: migrations.toml: there is no key `renamed_from`
          --> m/migrations.toml:2:1
         2 | renamed_from = []
           | ^^^^^^^^^^^^
           = did you mean `renamed-from`?
        error[M0008]: migrations.toml: there is no key `locks`
          --> m/migrations.toml:3:13
         3 | timeout = { locks = "2s" }
           |             ^^^^^
           = did you mean `lock`?
        "#);
    }

    #[test]
    fn values_of_a_wrong_type_or_form_are_shown_in_their_place() {
        assert_snapshot!(said("minimum = 3.10\nstops = \"2.0.0\"\nsuffix-order = \"before\"\nlayout = \"nativ\"\n"), @r#"
        error[M0008]: migrations.toml: expected a string, found a number
          --> m/migrations.toml:1:11
         1 | minimum = 3.10
           |           ^^^^
           = put it into quotes: "3.10"
        error[M0008]: migrations.toml: expected a list, found a string
          --> m/migrations.toml:2:9
         2 | stops = "2.0.0"
           |         ^^^^^^^
        error[M0008]: migrations.toml: `before` is no order of suffixes: expected "after"
          --> m/migrations.toml:3:16
         3 | suffix-order = "before"
           |                ^^^^^^^^
           = to have the final release sort last, give it another part: 2.0.0.1 follows 2.0.0-rc1
        error[M0008]: migrations.toml: there is no layout `nativ`
          --> m/migrations.toml:4:10
         4 | layout = "nativ"
           |          ^^^^^^^
           = did you mean `native`?
        "#);
        assert_snapshot!(
            said("[migration.\"2.1.0\"]\naccept = [\"md5:12\"]\nphase = \"past\"\ntimeout = { lock = \"2 weeks\" }\nno-transaction = \"yes\"\n"),
            @r#"
        error[M0008]: migrations.toml: `md5:12` is no checksum: expected sha256: and 64 hex digits
          --> m/migrations.toml:2:11
         2 | accept = ["md5:12"]
           |           ^^^^^^^^
           = `migrate history` shows the checksum of every applied migration
        error[M0008]: migrations.toml: `past` is no phase: expected "pre" or "post"
          --> m/migrations.toml:3:9
         3 | phase = "past"
           |         ^^^^^^
        error[M0008]: migrations.toml: `2 weeks` is no time: expected one like "500ms", "2s" or "0"
          --> m/migrations.toml:4:20
         4 | timeout = { lock = "2 weeks" }
           |                    ^^^^^^^^^
        error[M0008]: migrations.toml: expected true or false, found a string
          --> m/migrations.toml:5:18
         5 | no-transaction = "yes"
           |                  ^^^^^
        "#
        );
        assert_snapshot!(said("[migration.user_view]\n[release.next]\n[depends-on]\nqueue = \"v1\"\n"), @r#"
        error[M0008]: migrations.toml: `user_view` is not a version: expected numbers separated by dots, like 3 or 2.1.0
          --> m/migrations.toml:1:12
         1 | [migration.user_view]
           |            ^^^^^^^^^
        error[M0008]: migrations.toml: `next` is not a version: expected numbers separated by dots, like 3 or 2.1.0
          --> m/migrations.toml:2:10
         2 | [release.next]
           |          ^^^^
        error[M0008]: migrations.toml: `v1` is not a version: expected numbers separated by dots, like 3 or 2.1.0
          --> m/migrations.toml:4:9
         4 | queue = "v1"
           |         ^^^^
        "#);
    }

    #[test]
    fn several_syntax_errors_are_found_and_the_rest_is_understood() {
        assert_snapshot!(said("\u{feff}minimum = \nstops = [\"1.0\"\n"), @r#"
        error[M0008]: migrations.toml: string values must be quoted, expected literal string
          --> m/migrations.toml:1:11
         1 | minimum =
           |           ^
        error[M0008]: migrations.toml: unclosed array, expected `]`
          --> m/migrations.toml:2:15
         2 | stops = ["1.0"
           |               ^
        "#);
        let (manifest, diagnostics) = Manifest::parse(Source::new("m", "x = = 1\nminimum = \"2.0\"\n"));
        assert_eq!((manifest.minimum, diagnostics.is_empty()), (Some("2.0".parse().unwrap()), false));
    }
}
