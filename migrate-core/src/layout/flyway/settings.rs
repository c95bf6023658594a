//! Flyway's own settings, as far as they say how files are read and run.
//!
//! Source: Flyway 13.0.0, `ConfigUtils` and its documentation: `flyway.conf` holds Java properties whose backslashes are
//! plain, `flyway.toml` a table `[flyway]`; the variables `FLYWAY_PLACEHOLDERS_NAME` go before both.

#[cfg_attr(not(feature = "manifest"), path = "settings/unread.rs")]
mod toml;

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::Folder;
use crate::layout::properties::{self, Backslash};
use crate::placeholder::{Grammar, Values};
use crate::set::ReadOptions;
use crate::source::Source;

/// The files that they are looked for in; later ones go before earlier ones.
pub(super) const FILES: &[&str] = &["flyway.conf", "conf/flyway.conf", "flyway.toml"];

/// What is said, or what Flyway takes where nothing is.
#[allow(clippy::struct_excessive_bools)] // each is a setting of Flyway's
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) versioned: String,
    pub(super) repeatable: String,
    pub(super) baseline: String,
    pub(super) undo: String,
    pub(super) separator: String,
    pub(super) suffixes: Vec<String>,
    pub(super) table: String,
    pub(super) in_transaction: bool,
    pub(super) out_of_order: bool,
    pub(super) skips_callbacks: bool,
    pub(super) replaces: bool,
    pub(super) grammar: Grammar,
    pub(super) placeholders: Values,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            versioned: "V".to_owned(),
            repeatable: "R".to_owned(),
            baseline: "B".to_owned(),
            undo: "U".to_owned(),
            separator: "__".to_owned(),
            suffixes: vec![".sql".to_owned()],
            table: "flyway_schema_history".to_owned(),
            in_transaction: true,
            out_of_order: false,
            skips_callbacks: false,
            replaces: true,
            grammar: Grammar { prefix: "${".into(), suffix: "}".into(), strict: false, any_case: true },
            placeholders: Values::default(),
        }
    }
}

/// One setting as it stands in a file.
struct Entry {
    /// Without `flyway.`, in small letters: Flyway's names are compared so in variables, and a slip is found.
    key: String,
    value: String,
    place: Place,
}

/// Reads what lies beside or above the folder.
pub(super) fn read(folder: &Folder, options: &ReadOptions, diagnostics: &mut Vec<Diagnostic>) -> Settings {
    let mut settings = Settings::default();
    for name in FILES {
        let Some(file) = folder.above(name) else { continue };
        match file.source() {
            Ok(source) => {
                let is_toml = name.to_ascii_lowercase().ends_with(".toml");
                let entries = if is_toml { toml::entries(&source, diagnostics) } else { of_properties(&source) };
                for entry in entries {
                    settings.take(entry, folder, diagnostics);
                }
            }
            Err(problem) => diagnostics.push(*problem),
        }
    }
    for (name, value) in options.environment.iter() {
        if let Some(name) = name.strip_prefix("FLYWAY_PLACEHOLDERS_") {
            settings.placeholders = std::mem::take(&mut settings.placeholders).with(name.to_lowercase(), value);
        }
    }
    for (name, value) in options.placeholders.iter() {
        settings.placeholders = std::mem::take(&mut settings.placeholders).with(name, value);
    }
    settings
}

fn of_properties(source: &Source) -> Vec<Entry> {
    let entry = |property: properties::Property| {
        let key = property.key.strip_prefix("flyway.")?.to_owned();
        let mut place = Place::in_source(source, property.at);
        place.line = None;
        Some(Entry { key, value: property.value.trim_end().to_owned(), place })
    };
    properties::parse(source, Backslash::Literal).into_iter().filter_map(entry).collect()
}

impl Settings {
    fn take(&mut self, entry: Entry, folder: &Folder, diagnostics: &mut Vec<Diagnostic>) {
        let Entry { key, value, place } = entry;
        if let Some(name) = key.strip_prefix("placeholders.") {
            self.placeholders = std::mem::take(&mut self.placeholders).with(name, value);
            return;
        }
        let mut flag = |flag: &mut bool| match value.as_str() {
            "true" => *flag = true,
            "false" => *flag = false,
            other => diagnostics.push(
                Diagnostic::error(codes::FOREIGN_FILE, format!("flyway.{key} is true or false, not `{other}`"))
                    .at(place.clone()),
            ),
        };
        match key.as_str() {
            "sqlMigrationPrefix" => self.versioned = value,
            "repeatableSqlMigrationPrefix" => self.repeatable = value,
            "baselineMigrationPrefix" => self.baseline = value,
            "undoSqlMigrationPrefix" => self.undo = value,
            "sqlMigrationSeparator" if !value.is_empty() => self.separator = value,
            "sqlMigrationSuffixes" => self.suffixes = value.split(',').map(|one| one.trim().to_owned()).collect(),
            "table" => self.table = value,
            "placeholderPrefix" if !value.is_empty() => self.grammar.prefix = value.into(),
            "placeholderSuffix" if !value.is_empty() => self.grammar.suffix = value.into(),
            "placeholderReplacement" => flag(&mut self.replaces),
            "executeInTransaction" => flag(&mut self.in_transaction),
            "outOfOrder" => flag(&mut self.out_of_order),
            "skipDefaultCallbacks" => flag(&mut self.skips_callbacks),
            "encoding" if !["utf-8", "utf8"].contains(&value.to_lowercase().as_str()) => diagnostics.push(
                Diagnostic::error(codes::NOT_UTF8, format!("flyway.encoding is {value}, and only UTF-8 is read"))
                    .at(place)
                    .help("save the files as UTF-8; Flyway's checksums of plain ASCII files stay the same"),
            ),
            "locations" => diagnostics.extend(locations(&value, folder, place)),
            other => diagnostics.extend(not_honoured(other, &value, place)),
        }
    }
}

/// Several locations are one set; which of them are read is said on our side.
fn locations(value: &str, folder: &Folder, place: Place) -> Option<Diagnostic> {
    let locations: Vec<&str> = value.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if locations.len() < 2 || folder.roots().len() >= locations.len() {
        return None;
    }
    let read: Vec<String> = folder.roots().iter().map(|root| root.display().to_string()).collect();
    Some(
        Diagnostic::warning(
            codes::FOREIGN_FILE,
            format!(
                "flyway.locations names {} folders, and {} is read: {}",
                locations.len(),
                read.len(),
                read.join(", ")
            ),
        )
        .at(place)
        .help(format!("name them all, as paths: {}", locations.join(", ")))
        .help("for good, in migrate.toml: dir = [\"…\", \"…\"]"),
    )
}

/// Settings without which something else would happen, and what takes their place.
const ELSEWHERE: &[(&str, &str)] = &[
    ("initSql", "what is to hold for every connection stands in migrate.toml: [settings.ENGINE]"),
    ("callbacks", "callbacks in Java are not run; put what they do into SQL callbacks"),
    ("resolvers", "resolvers in Java are not run; the files they make must be there"),
    ("target", "say it when you run: migrate up --to VERSION"),
    ("cherryPick", "say it when you run: migrate up --to VERSION, or --out-of-order VERSION"),
];

fn not_honoured(key: &str, value: &str, place: Place) -> Option<Diagnostic> {
    let (_, help) = ELSEWHERE.iter().find(|(name, _)| *name == key && !value.is_empty())?;
    let message = format!("flyway.{key} is not followed");
    Some(Diagnostic::warning(codes::FOREIGN_FILE, message).at(place).help(*help))
}
