//! The project's configuration: what every setting is, and where it comes from.
//!
//! | module | does |
//! |---|---|
//! | [`key`] | lists the settings that there are |
//! | [`mod@file`] | reads `migrate.toml` |
//! | [`layers`] | puts flags over variables over `[env.NAME]` over the file over defaults |
//! | [`values`] | makes typed values of the result |
//!
//! How a set of migrations is to be read belongs to its manifest, `migrations.toml`; that is the core's.

pub mod file;
pub mod key;
pub mod layers;
pub mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use migrate_core::{Diagnostic, Place, Values, diagnostic::codes};

pub use key::{Key, Kind, Spec};

use crate::database_url::DatabaseUrl;
use crate::secret::Secret;

/// Every setting, with where it comes from.
#[derive(Clone, Debug, Default)]
pub struct Config {
    file: Option<PathBuf>,
    environment: Option<String>,
    settings: BTreeMap<Key, Setting>,
    engine_settings: Vec<EngineSetting>,
    placeholders: BTreeMap<String, Placeholder>,
    components: BTreeMap<String, Component>,
}

/// The folders of a component beside the project's own: `[component.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    dir: Setting,
    layout: Option<Setting>,
}

/// The value of one setting. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The text, or the texts of a list.
    pub values: Vec<String>,
    /// Where it was set.
    pub origin: Origin,
    /// The folder that a relative path in it starts from.
    pub base: PathBuf,
    /// Where it stands in the file.
    pub place: Option<Place>,
}

/// A session setting for one engine: `[settings.postgres]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSetting {
    /// The engine.
    pub engine: String,
    /// The variable of the server.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// What a placeholder stands for: `[placeholders]`. It may be a password, so nothing shows it.
#[derive(Clone, Debug)]
pub struct Placeholder {
    /// Its value.
    pub value: Secret,
    /// Where it was set.
    pub origin: Origin,
}

/// Where a setting was set. Later ones go before earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file, at this line.
    File {
        /// The file as it was given.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// A section `[env.NAME]` of the file.
    Environment {
        /// The file as it was given.
        path: String,
        /// The line, from 1.
        line: usize,
        /// `NAME`.
        name: String,
    },
    /// A variable.
    Variable {
        /// Its name.
        name: String,
        /// Whether it stands in the `.env` file.
        from_file: bool,
    },
    /// A flag, without its dashes.
    Flag(&'static str),
}

impl Origin {
    /// How strong it is; origins of one layer are equals.
    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment { .. } => 2,
            Self::Variable { .. } => layers::VARIABLE,
            Self::Flag(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { path, line, name } => write!(f, "{path}:{line} [env.{name}]"),
            Self::Variable { name, from_file: false } => f.write_str(name),
            Self::Variable { name, from_file: true } => write!(f, "{name} in .env"),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.origin)
    }
}

impl Config {
    /// The name of the file where there is none to be named.
    pub const FILE: &str = "migrate.toml";

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The chosen environment.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// A setting that somebody set.
    pub fn get(&self, key: Key) -> Option<&Setting> {
        self.settings.get(&key)
    }

    /// The session settings for an engine that goes by these names, in order.
    pub fn engine_settings<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
        let names: Vec<&str> = names.collect();
        self.engine_settings
            .iter()
            .filter(|setting| names.iter().any(|name| *name == setting.engine))
            .map(|setting| (setting.name.clone(), setting.value.clone()))
            .collect()
    }

    /// The components beside the project's own, by name.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.components.keys().map(String::as_str)
    }

    /// The same for one of them: its folders in place of the project's. A folder that was given as a flag stays.
    #[must_use]
    pub fn of_component(&self, name: &str) -> Option<Self> {
        let component = self.components.get(name)?;
        let mut config = self.clone();
        let typed = config.get(Key::Dir).is_some_and(|setting| setting.origin.rank() >= layers::VARIABLE);
        if !typed {
            config.settings.insert(Key::Dir, component.dir.clone());
            match component.layout.clone() {
                Some(layout) => config.settings.insert(Key::Layout, layout),
                None => config.settings.remove(&Key::Layout),
            };
        }
        let named = Setting { values: vec![name.to_owned()], ..component.dir.clone() };
        config.settings.insert(Key::Component, named);
        Some(config)
    }

    /// What placeholders stand for.
    pub fn placeholders(&self) -> Values {
        self.placeholders.iter().map(|(name, placeholder)| (name, placeholder.value.reveal())).collect()
    }

    /// Every setting as it may be shown: name, value, origin.
    pub fn shown(&self) -> Vec<Shown> {
        let settings = Spec::ALL.iter().filter_map(|spec| {
            let (value, origin) = match self.get(spec.key) {
                Some(setting) => (setting.shown(spec), setting.origin.to_string()),
                None => (spec.default?.to_owned(), Origin::Default.to_string()),
            };
            Some(Shown { name: spec.name.to_owned(), value, origin })
        });
        let engines = self.engine_settings.iter().map(|setting| Shown {
            name: format!("settings.{}.{}", setting.engine, setting.name),
            value: setting.value.clone(),
            origin: setting.origin.to_string(),
        });
        let placeholders = self.placeholders.iter().map(|(name, placeholder)| Shown {
            name: format!("placeholders.{name}"),
            value: "…".to_owned(),
            origin: placeholder.origin.to_string(),
        });
        let components = self.components.iter().flat_map(|(name, component)| {
            let dir = ("dir", &component.dir);
            let layout = component.layout.as_ref().map(|layout| ("layout", layout));
            std::iter::once(dir).chain(layout).map(move |(key, setting)| Shown {
                name: format!("component.{name}.{key}"),
                value: setting.values.join(", "),
                origin: setting.origin.to_string(),
            })
        });
        settings.chain(engines).chain(placeholders).chain(components).collect()
    }
}

/// A setting as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// Its name in the file.
    pub name: String,
    /// Its value, without secrets.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

impl Setting {
    /// The value; the first of a list.
    pub fn text(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// The value as a path.
    pub fn path(&self) -> PathBuf {
        self.base.join(self.text())
    }

    fn shown(&self, spec: &Spec) -> String {
        match spec.kind {
            Kind::Url => DatabaseUrl::new(self.text()).to_string(),
            Kind::Command => match self.text().split_once(' ') {
                Some((program, _)) => format!("{program} …"),
                None => self.text().to_owned(),
            },
            _ => self.values.join(", "),
        }
    }

    /// Something is wrong with it.
    fn problem(&self, message: &str) -> Diagnostic {
        match &self.place {
            Some(place) => Diagnostic::error(codes::BAD_CONFIG, message).at(place.clone()),
            None => Diagnostic::error(codes::USAGE, format!("{}: {message}", self.origin)),
        }
    }
}
