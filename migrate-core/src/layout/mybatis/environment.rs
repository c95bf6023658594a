//! What an environment of a repository says about its scripts.

use std::ops::Range;

use super::ENVIRONMENT;
use crate::callback::CallbackEvent;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::marker;
use crate::layout::properties::{self, Backslash};
use crate::layout::{Folder, Reading};
use crate::placeholder::Values;
use crate::set::ReadOptions;
use crate::source::{Cut, Source};

/// What `environments/development.properties` says.
pub(super) struct Environment {
    pub(super) source: Option<Source>,
    values: Values,
    pub(super) full_script: bool,
    pub(super) full_line: bool,
    pub(super) delimiter: String,
    pub(super) auto_commit: bool,
    /// Event, what is to be run, and where that stands.
    pub(super) hooks: Vec<(CallbackEvent, String, Range<usize>)>,
}

/// Names of settings, which are no variables.
const SETTINGS: &[&str] = &[
    "time_zone",
    "delimiter",
    "script_char_set",
    "full_line_delimiter",
    "send_full_script",
    "auto_commit",
    "remove_crs",
    "ignore_warnings",
    "driver_path",
    "driver",
    "url",
    "username",
    "password",
];

const HOOKS: &[(&str, CallbackEvent)] = &[
    ("hook_before_up", CallbackEvent::BeforeMigrate),
    ("hook_before_each_up", CallbackEvent::BeforeEachMigrate),
    ("hook_after_each_up", CallbackEvent::AfterEachMigrate),
    ("hook_after_up", CallbackEvent::AfterMigrateApplied),
    ("hook_before_down", CallbackEvent::BeforeUndo),
    ("hook_before_each_down", CallbackEvent::BeforeEachUndo),
    ("hook_after_each_down", CallbackEvent::AfterEachUndo),
    ("hook_after_down", CallbackEvent::AfterUndo),
];

impl Default for Environment {
    fn default() -> Self {
        Self {
            source: None,
            values: Values::default(),
            full_script: false,
            full_line: false,
            delimiter: ";".to_owned(),
            auto_commit: false,
            hooks: Vec::new(),
        }
    }
}

impl Environment {
    pub(super) fn read(folder: &Folder, options: &ReadOptions, reading: &mut Reading) -> Self {
        let source = folder.above(ENVIRONMENT).and_then(|file| reading.text(&file));
        let mut environment = Self {
            source: source.clone(),
            values: options.environment.clone().with("changelog", "CHANGELOG"),
            // As the tool's own template says; without a file nothing says otherwise.
            full_script: source.is_none(),
            ..Self::default()
        };
        for property in source.iter().flat_map(|source| properties::parse(source, Backslash::Escape)) {
            let value = property.value.trim().to_owned();
            let is_true = value == "true";
            match property.key.as_str() {
                "send_full_script" => environment.full_script = is_true,
                "full_line_delimiter" => environment.full_line = is_true,
                "auto_commit" => environment.auto_commit = is_true,
                "delimiter" if !value.is_empty() => environment.delimiter = value,
                "script_char_set" if !["utf-8", "utf8"].contains(&value.to_lowercase().as_str()) => {
                    let place = source.as_ref().map(|source| Place::in_source(source, property.at.clone()));
                    let mut problem = Diagnostic::error(
                        codes::NOT_UTF8,
                        format!("script_char_set is {value}, and only UTF-8 is read"),
                    )
                    .help("save the scripts as UTF-8");
                    problem.place = place;
                    reading.diagnostics.push(problem);
                }
                key if SETTINGS.contains(&key) => {}
                key => match HOOKS.iter().find(|(name, _)| *name == key) {
                    Some((_, event)) => environment.hooks.push((*event, value, property.at)),
                    None => environment.values = std::mem::take(&mut environment.values).with(key, value),
                },
            }
        }
        for (name, value) in options.placeholders.iter() {
            environment.values = std::mem::take(&mut environment.values).with(name, value);
        }
        environment
    }

    /// The file with values for the names that have one, and without the comments that only the tool takes for such.
    pub(super) fn prepared(&self, source: &Source, undo: Option<&Range<usize>>) -> Source {
        let mut values: Vec<(Range<usize>, &str)> = Vec::new();
        for line in marker::lines(source) {
            let start = line.text.trim_start();
            // To MySQL dashes without a blank behind them are no comment either.
            let is_tight = marker::is_tight(start) && !start.starts_with("--migrate:");
            let is_comment = start.starts_with("//") || is_tight;
            if is_comment && !self.full_script && undo != Some(&line.range) {
                values.push((line.meant(), ""));
                continue;
            }
            let mut from = 0;
            while let Some(at) = line.text[from..].find("${").map(|at| from + at) {
                let start = line.range.start + at;
                if line.text[..at].ends_with('\\') {
                    values.push((start - 1..start, ""));
                    from = at + 2;
                    continue;
                }
                let Some(length) = line.text[at..].find('}') else { break };
                let value = self.values.get(&line.text[at + 2..at + length]);
                values.extend(value.map(|value| (start..start + length + 1, value)));
                from = at + length + 1;
            }
        }
        source.with_values(values)
    }

    /// Where statements are whose delimiter is not the engine's.
    pub(super) fn cuts(&self, source: &Source, middle: usize, back: Option<&Range<usize>>) -> Vec<Cut> {
        let mut cuts = Vec::new();
        for part in [Some(0..middle), back.cloned()].into_iter().flatten() {
            self.cut(&source.part(part), &mut cuts);
        }
        if cuts.iter().any(|cut| cut.whole) { cuts } else { Vec::new() }
    }

    fn cut(&self, part: &Source, cuts: &mut Vec<Cut>) {
        let mut delimiter = self.delimiter.as_str();
        let mut start = part.range().start;
        for line in marker::lines(part) {
            if let Some(new) = delimiter_of(line.text) {
                cuts.push(Cut { range: start..line.range.start, whole: delimiter != ";" });
                (delimiter, start) = (new, line.range.end);
            } else if delimiter != ";" {
                let at = if self.full_line {
                    (line.text.trim() == delimiter).then_some(0)
                } else {
                    line.text.find(delimiter)
                };
                if let Some(at) = at {
                    cuts.push(Cut { range: start..line.range.start + at, whole: true });
                    start = line.range.end;
                }
            }
        }
        cuts.push(Cut { range: start..part.range().end, whole: delimiter != ";" });
        cuts.retain(|cut| !cut.range.is_empty());
    }
}

/// What follows `@DELIMITER` in a comment.
fn delimiter_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("--").or_else(|| line.strip_prefix("//"))?.trim_start();
    let rest = rest.strip_prefix("//").map_or(rest, str::trim_start);
    let rest = rest.strip_prefix("@DELIMITER").or_else(|| rest.strip_prefix("@delimiter"))?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim()).filter(|delimiter| !delimiter.is_empty())
}
