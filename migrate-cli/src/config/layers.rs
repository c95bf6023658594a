//! Flags over variables over `[env.NAME]` over the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_core::{Diagnostic, Place, Source, diagnostic::codes};

use super::file::{self, File, FileSetting, Layer};
use super::{Component, Config, EngineSetting, Key, Kind, Origin, Placeholder, Setting, Spec};
use crate::args::PlaceholderText;
use crate::environment::Environment;
use crate::secret::Secret;

/// Everything that settings come from.
pub struct Sources<'a> {
    /// The folder that paths in flags and variables start from.
    pub cwd: &'a Path,
    /// `--config`.
    pub file: Option<&'a str>,
    /// `--env`.
    pub environment_name: Option<&'a str>,
    /// Settings given as flags, also those that stand for a variable.
    pub flags: Vec<(Key, Vec<String>)>,
    /// Values given with `--placeholder`.
    pub placeholders: &'a [PlaceholderText],
    /// Which flags stand for a variable.
    pub variables: &'a BTreeMap<String, String>,
    /// What `${VAR}` in the file is replaced from.
    pub environment: &'a Environment,
}

/// The rank of a variable among origins.
pub(super) const VARIABLE: u8 = 3;

/// Keys of which one silences the other where it comes from a stronger source.
const EITHER: [(Key, Key); 2] = [(Key::Url, Key::DatabaseFile), (Key::PasswordFile, Key::PasswordCommand)];

/// The file that will be read, where there is one.
///
/// # Errors
/// If a file was named that is not there.
pub fn find(cwd: &Path, named: Option<&str>) -> Result<Option<PathBuf>, Box<Diagnostic>> {
    let path = cwd.join(named.unwrap_or(Config::FILE));
    if path.is_file() {
        return Ok(Some(path));
    }
    match named {
        None => Ok(None),
        Some(named) => Err(Box::new(
            Diagnostic::error(codes::BAD_CONFIG, format!("there is no configuration file {named}"))
                .help("name one that exists, or write one: migrate init"),
        )),
    }
}

impl Config {
    /// Reads the file and lays everything over it.
    ///
    /// # Errors
    /// Everything that is wrong with the file; values that are not what their setting holds; an environment that is
    /// not in the file; a variable in the file that is not set.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Vec<Diagnostic>> {
        let path = find(sources.cwd, sources.file).map_err(|problem| vec![*problem])?;
        let mut config = Self { file: path.clone(), ..Self::default() };
        let mut problems = Vec::new();
        if let Some(path) = &path {
            let (source, mut file) = read(path)?;
            let base = path.parent().unwrap_or(Path::new("")).to_owned();
            let chosen = match sources.environment_name {
                Some(name) => Some((name, environment(&mut file, name, path).map_err(|problem| vec![*problem])?)),
                None => None,
            };
            let mut lay = |layer: Layer, name: Option<&str>| {
                config.lay(layer, name, &source, &base, sources.environment, &mut problems);
            };
            lay(file.base, None);
            if let Some((name, layer)) = chosen {
                lay(layer, Some(name));
                config.environment = Some(name.to_owned());
            }
        } else if let Some(name) = sources.environment_name {
            return Err(vec![
                Diagnostic::error(codes::BAD_CONFIG, format!("there is no {} to look up --env {name} in", Self::FILE))
                    .help("run it where the file is, or name it: --config FILE"),
            ]);
        }
        for (key, values) in &sources.flags {
            let flag = Spec::of(*key).flag.unwrap_or_default();
            let origin = match sources.variables.get(flag) {
                Some(variable) => {
                    Origin::Variable { name: variable.clone(), from_file: sources.environment.is_from_file(variable) }
                }
                None => Origin::Flag(flag),
            };
            let base = sources.cwd.to_owned();
            config.settings.insert(*key, Setting { values: values.clone(), origin, base, place: None });
        }
        for PlaceholderText { name, value } in sources.placeholders {
            let origin = Origin::Flag("placeholder");
            let Some(value) = value.as_ref().filter(|_| !name.is_empty()) else {
                let help = "write --placeholder NAME=VALUE";
                problems.push(Diagnostic::error(codes::USAGE, "--placeholder has no name, or no value").help(help));
                continue;
            };
            config.placeholders.insert(name.clone(), Placeholder { value: Secret::new(value), origin });
        }
        config.look_up(sources.environment, sources.cwd);
        config.silence(&mut problems);
        config.silence_direct_url();
        config.expand(sources.environment, &mut problems);
        config.check(&mut problems);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn lay(
        &mut self,
        layer: Layer,
        environment_name: Option<&str>,
        source: &Source,
        base: &Path,
        environment: &Environment,
        problems: &mut Vec<Diagnostic>,
    ) {
        let origin = |setting: &FileSetting| {
            let (path, line) = (source.path().to_owned(), setting.place.position.map_or(1, |position| position.line));
            match environment_name {
                Some(name) => Origin::Environment { path, line, name: name.to_owned() },
                None => Origin::File { path, line },
            }
        };
        for (key, setting) in layer.settings {
            let origin = origin(&setting);
            let (values, place) = (setting.values, Some(setting.place));
            self.settings.insert(key, Setting { values, origin, base: base.to_owned(), place });
        }
        for (name, component) in layer.components {
            let of = |setting: FileSetting| {
                let origin = origin(&setting);
                Setting { values: setting.values, origin, base: base.to_owned(), place: Some(setting.place) }
            };
            let component = Component { dir: of(component.dir), layout: component.layout.map(of) };
            self.components.insert(name, component);
        }
        for (name, setting) in layer.placeholders {
            let origin = origin(&setting);
            let value = expanded(&setting.values.concat(), environment).unwrap_or_else(|variable| {
                problems.push(unset(&variable, &setting.place));
                String::new()
            });
            self.placeholders.insert(name, Placeholder { value: Secret::new(value), origin });
        }
        for engine_setting in layer.engine_settings {
            let origin = origin(&engine_setting.setting);
            let text = engine_setting.setting.values.join(",");
            let value = expanded(&text, environment).unwrap_or_else(|variable| {
                problems.push(unset(&variable, &engine_setting.setting.place));
                String::new()
            });
            let same =
                |other: &EngineSetting| other.engine == engine_setting.engine && other.name == engine_setting.name;
            self.engine_settings.retain(|other| !same(other));
            let (engine, name) = (engine_setting.engine, engine_setting.name);
            self.engine_settings.push(EngineSetting { engine, name, value, origin });
        }
    }

    /// Variables of settings that are no flags of the command at hand, so that a setting is the same wherever it is
    /// shown.
    fn look_up(&mut self, environment: &Environment, cwd: &Path) {
        for spec in &Spec::ALL {
            let weak = self.settings.get(&spec.key).is_none_or(|setting| setting.origin.rank() < VARIABLE);
            let Some(name) = spec.variable().filter(|_| weak) else { continue };
            let Some(value) = environment.get(&name) else { continue };
            let values = match spec.kind {
                Kind::List => value.split(',').map(|part| part.trim().to_owned()).collect(),
                _ => vec![value.to_owned()],
            };
            let origin = Origin::Variable { from_file: environment.is_from_file(&name), name };
            self.settings.insert(spec.key, Setting { values, origin, base: cwd.to_owned(), place: None });
        }
    }

    /// Of two settings for one thing the stronger source counts.
    fn silence(&mut self, problems: &mut Vec<Diagnostic>) {
        for (one, other) in EITHER {
            let (Some(a), Some(b)) = (self.settings.get(&one), self.settings.get(&other)) else { continue };
            match a.origin.rank().cmp(&b.origin.rank()) {
                std::cmp::Ordering::Less => drop(self.settings.remove(&one)),
                std::cmp::Ordering::Greater => drop(self.settings.remove(&other)),
                std::cmp::Ordering::Equal => {
                    let (one, other) = (Spec::of(one).name, Spec::of(other).name);
                    problems.push(b.problem(&format!("`{one}` and `{other}` say the same thing: keep one of them")));
                }
            }
        }
    }

    /// Another way to the same database belongs to the URL beside it: one that was named for good must not lead away
    /// from the database that is named now.
    fn silence_direct_url(&mut self) {
        let rank = |key| self.settings.get(&key).map_or(0, |setting: &Setting| setting.origin.rank());
        if rank(Key::DirectUrl) < rank(Key::Url).max(rank(Key::DatabaseFile)) {
            self.settings.remove(&Key::DirectUrl);
        }
    }

    /// Replaces `${VAR}` in what counts. What a stronger source silences may name variables that are not set here.
    fn expand(&mut self, environment: &Environment, problems: &mut Vec<Diagnostic>) {
        for setting in self.settings.values_mut() {
            let Some(place) = &setting.place else { continue };
            for value in &mut setting.values {
                match expanded(value, environment) {
                    Ok(text) => *value = text,
                    Err(variable) => problems.push(unset(&variable, place)),
                }
            }
        }
    }
}

fn read(path: &Path) -> Result<(Source, File), Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        vec![
            Diagnostic::error(codes::BAD_CONFIG, format!("cannot read the configuration: {error}"))
                .at(Place::path(&shown)),
        ]
    })?;
    let source = Source::new(shown, text);
    let file = file::parse(&source)?;
    Ok((source, file))
}

fn environment(file: &mut File, name: &str, path: &Path) -> Result<Layer, Box<Diagnostic>> {
    if let Some(layer) = file.environments.remove(name) {
        return Ok(layer);
    }
    let known: Vec<_> = file.environments.keys().map(String::as_str).collect();
    let help =
        if known.is_empty() { format!("write it: [env.{name}]") } else { format!("there are: {}", known.join(", ")) };
    Err(Box::new(
        Diagnostic::error(codes::BAD_CONFIG, format!("there is no environment `{name}`"))
            .at(Place::path(path.display().to_string()))
            .help(help),
    ))
}

fn unset(variable: &str, place: &Place) -> Diagnostic {
    Diagnostic::error(codes::BAD_CONFIG, format!("the variable {variable} is not set"))
        .at(place.clone())
        .help(format!("set it: {variable}=… migrate …, or a line {variable}=… in .env"))
}

/// `${VAR}` replaced by its value; `$${` is a plain `${`. The error is the variable that is not set.
fn expanded(text: &str, environment: &Environment) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else { break };
        let name = &rest[at + 2..at + end];
        out.push_str(&rest[..at]);
        out.push_str(environment.get(name).ok_or(name)?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}
