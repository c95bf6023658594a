//! `migrate.toml` → settings with their places.

use std::collections::BTreeMap;
use std::ops::Range;

use migrate_core::{Diagnostic, Place, Source, diagnostic::codes};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Key, Kind, Spec};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Outside of environments.
    pub base: Layer,
    /// `[env.NAME]`, by name.
    pub environments: BTreeMap<String, Layer>,
}

/// The settings of one section and what is below it.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub settings: BTreeMap<Key, FileSetting>,
    pub engine_settings: Vec<FileEngineSetting>,
    pub placeholders: Vec<(String, FileSetting)>,
    /// `[component.NAME]`, by name.
    pub components: Vec<(String, FileComponent)>,
}

/// One section `[component.NAME]`.
#[derive(Debug)]
pub(super) struct FileComponent {
    /// Its folders.
    pub dir: FileSetting,
    /// How their names are read.
    pub layout: Option<FileSetting>,
}

/// A setting as it stands in the file, variables not expanded yet.
#[derive(Debug)]
pub(super) struct FileSetting {
    pub values: Vec<String>,
    pub place: Place,
}

/// One line of `[settings.ENGINE]`.
#[derive(Debug)]
pub(super) struct FileEngineSetting {
    pub engine: String,
    pub name: String,
    pub setting: FileSetting,
}

type Value<'i> = Spanned<DeValue<'i>>;

const SECTIONS: [&str; 9] =
    ["timeouts", "policy", "history", "preconditions", "backup", "settings", "placeholders", "component", "env"];

/// What the settings are called elsewhere, or as flags.
const OTHER_WORDS: [(&str, &str); 8] = [
    ("database", "url"),
    ("database-url", "url"),
    ("dsn", "url"),
    ("dirs", "dir"),
    ("folder", "dir"),
    ("migrations", "dir"),
    ("path", "dir"),
    ("table", "history.table"),
];

/// Reads the file: everything it says, or everything that is wrong with it.
pub(super) fn parse(source: &Source) -> Result<File, Vec<Diagnostic>> {
    let mut reader = Reader { source, problems: Vec::new() };
    let text = source.file();
    // The parser takes no byte order mark; blanks in its place keep every offset.
    let blanked = text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"));
    let (table, errors) = DeTable::parse_recoverable(blanked.as_deref().unwrap_or(text));
    for error in errors {
        reader.problem(error.span().unwrap_or(0..0), &error.message().replace('\n', ", "), None);
    }
    let mut file = File::default();
    if reader.problems.is_empty() {
        file.base = reader.layer(table.get_ref(), true);
        file.environments = reader.environments(table.get_ref());
    }
    if reader.problems.is_empty() { Ok(file) } else { Err(reader.problems) }
}

/// A place in the file, without the text of a line that may hold a password.
pub(super) fn place(source: &Source, at: Range<usize>) -> Place {
    let mut place = Place::in_source(source, at);
    let risky = |line: &String| {
        let line = line.to_ascii_lowercase();
        ["://", "@", "url", "pass", "pwd", "secret", "token", "key"].iter().any(|word| line.contains(word))
    };
    place.line = place.line.filter(|line| !risky(line));
    place
}

struct Reader<'a> {
    source: &'a Source,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn layer(&mut self, table: &DeTable<'_>, top: bool) -> Layer {
        let mut layer = Layer::default();
        for (key, value) in in_order(table) {
            let name = key.get_ref().replace('_', "-");
            match (name.as_str(), value.get_ref()) {
                ("env", _) if top => {}
                ("settings", DeValue::Table(engines)) => self.engines(engines, &mut layer),
                ("placeholders", DeValue::Table(values)) => self.placeholders(values, &mut layer),
                ("component", DeValue::Table(components)) => self.components(components, &mut layer),
                (section @ ("timeouts" | "policy" | "history" | "preconditions" | "backup"), DeValue::Table(inner)) => {
                    for (key, value) in in_order(inner) {
                        self.setting(&format!("{section}.{}", key.get_ref()), key, value, &mut layer);
                    }
                }
                // As a text it names the component of the project's own folder.
                ("component", _) => self.setting("component", key, value, &mut layer),
                (section, _) if SECTIONS.contains(&section) && (top || section != "env") => {
                    self.problem(value.span(), &format!("`{section}` is a section: [{section}]"), None);
                }
                _ => self.setting(key.get_ref(), key, value, &mut layer),
            }
        }
        layer
    }

    fn environments(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Layer> {
        let Some(value) = table.get("env") else { return BTreeMap::new() };
        let DeValue::Table(environments) = value.get_ref() else {
            self.problem(value.span(), "`env` is a section of environments: [env.production]", None);
            return BTreeMap::new();
        };
        let mut layers = BTreeMap::new();
        for (name, value) in in_order(environments) {
            match value.get_ref() {
                DeValue::Table(table) => {
                    layers.insert(name.get_ref().to_string(), self.layer(table, false));
                }
                _ => self.problem(name.span(), &format!("an environment is a section: [env.{}]", name.get_ref()), None),
            }
        }
        layers
    }

    fn setting(&mut self, name: &str, key: &Spanned<toml::de::DeString<'_>>, value: &Value<'_>, layer: &mut Layer) {
        let Some(spec) = Spec::by_name(name) else {
            let known = Spec::ALL.iter().map(|spec| spec.name).chain(SECTIONS);
            let name = name.replace('_', "-");
            let other = OTHER_WORDS.iter().find(|(word, _)| *word == name).map(|(_, ours)| *ours);
            let help = match other.or_else(|| nearest(&name, known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "see all of them: migrate config show".to_owned(),
            };
            self.problem(key.span(), &format!("there is no setting `{name}`"), Some(help));
            return;
        };
        let values = match (spec.kind, value.get_ref()) {
            (Kind::List, DeValue::Array(items)) => {
                let texts: Vec<_> = items.iter().filter_map(|item| text(item.get_ref())).collect();
                (texts.len() == items.len()).then_some(texts)
            }
            (Kind::Duration, DeValue::Integer(number)) if number.as_str() != "0" => {
                self.problem(
                    value.span(),
                    &format!("`{name}` is a duration with its unit, as a text"),
                    Some(format!("write {name} = \"{number}s\", or with ms, m, h", name = key.get_ref())),
                );
                return;
            }
            (_, value) => text(value).map(|text| vec![text]),
        };
        if let Some(values) = values {
            layer.settings.insert(spec.key, FileSetting { values, place: place(self.source, value.span()) });
        } else {
            let expected = if spec.kind == Kind::List { "a text or a list of texts" } else { "a text" };
            self.problem(value.span(), &format!("`{name}` is {expected}"), None);
        }
    }

    fn engines(&mut self, engines: &DeTable<'_>, layer: &mut Layer) {
        for (engine, value) in in_order(engines) {
            let DeValue::Table(table) = value.get_ref() else {
                let message =
                    format!("session settings belong to an engine: [settings.postgres] {} = …", engine.get_ref());
                self.problem(engine.span(), &message, None);
                continue;
            };
            for (name, value) in in_order(table) {
                match text(value.get_ref()) {
                    Some(text) => layer.engine_settings.push(FileEngineSetting {
                        engine: engine.get_ref().to_string(),
                        name: name.get_ref().to_string(),
                        setting: FileSetting { values: vec![text], place: place(self.source, value.span()) },
                    }),
                    None => self.problem(value.span(), "a session setting is a text, a number, true or false", None),
                }
            }
        }
    }

    fn components(&mut self, components: &DeTable<'_>, layer: &mut Layer) {
        for (name, value) in in_order(components) {
            let DeValue::Table(table) = value.get_ref() else {
                let name = name.get_ref();
                self.problem(value.span(), &format!("a component is a section: [component.{name}] dir = \"…\""), None);
                continue;
            };
            // The settings of the same names, in a layer of their own.
            let mut own = Layer::default();
            for (key, value) in in_order(table) {
                let name: &str = key.get_ref();
                match name {
                    "dir" | "layout" => self.setting(name, key, value, &mut own),
                    other => {
                        let help = Some("a component has these: dir, layout".to_owned());
                        self.problem(key.span(), &format!("a component has no setting `{other}`"), help);
                    }
                }
            }
            let layout = own.settings.remove(&Key::Layout);
            match own.settings.remove(&Key::Dir) {
                Some(dir) => layer.components.push((name.get_ref().to_string(), FileComponent { dir, layout })),
                None if table.get("dir").is_some() => {}
                None => {
                    let name_text = name.get_ref();
                    self.problem(
                        name.span(),
                        &format!("component {name_text} has no folder"),
                        Some("write dir = \"…\"".to_owned()),
                    );
                }
            }
        }
    }

    fn placeholders(&mut self, values: &DeTable<'_>, layer: &mut Layer) {
        for (name, value) in in_order(values) {
            let mut place = place(self.source, value.span());
            // It may well be a password.
            place.line = None;
            match text(value.get_ref()) {
                Some(text) => {
                    layer.placeholders.push((name.get_ref().to_string(), FileSetting { values: vec![text], place }));
                }
                None => {
                    self.problem(name.span(), "the value of a placeholder is a text, a number, true or false", None);
                }
            }
        }
    }

    fn problem(&mut self, at: Range<usize>, message: &str, help: Option<String>) {
        let problem = Diagnostic::error(codes::BAD_CONFIG, message).at(place(self.source, at));
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

/// The text of a value that is one.
fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// As it stands in the file; the parser's tables are sorted by name.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<toml::de::DeString<'i>>, &'t Value<'i>)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

/// The candidate that was probably meant: close to the whole, or the same without its section.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let word_last = word.rsplit('.').next().unwrap_or(word);
    candidates
        .map(|candidate| {
            let whole = strsim::osa_distance(word, candidate);
            (whole.min(strsim::osa_distance(word_last, last(candidate))), whole, candidate)
        })
        .filter(|(distance, ..)| *distance <= 2 && *distance < word_last.chars().count())
        .min()
        .map(|(.., candidate)| candidate)
}
