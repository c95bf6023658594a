//! Typed values of settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use migrate_core::apply::{RunOptions, StoreScript};
use migrate_core::backend::TableName;
use migrate_core::condition::{Condition, Conditions};
use migrate_core::history::format::flyway;
use migrate_core::plan::{ForeignHistory, OnAhead, OnNonempty, OutOfOrder, Policy};
use migrate_core::{Diagnostic, MigrationId, Version};

use super::{Config, Key, Kind, Setting, Spec};
use crate::args::run::phase;
use crate::duration;

impl Config {
    /// The folders of migrations.
    pub fn folders(&self) -> Vec<PathBuf> {
        if let Some(setting) = self.get(Key::Dir) {
            return setting.values.iter().map(|folder| setting.base.join(folder)).collect();
        }
        let base = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        vec![base.join("migrations")]
    }

    /// A duration, where somebody set it.
    pub fn duration(&self, key: Key) -> Option<Duration> {
        self.get(key).and_then(|setting| duration::parse(setting.text()).ok())
    }

    /// Whether somebody switched it on.
    pub fn is_on(&self, key: Key) -> bool {
        self.text(key).and_then(switch).unwrap_or(false)
    }

    /// A text, where somebody set it.
    pub fn text(&self, key: Key) -> Option<&str> {
        self.get(key).map(Setting::text)
    }

    /// The history's table.
    pub fn table(&self) -> TableName {
        let mut table = TableName::default();
        if let Some(name) = self.text(Key::HistoryTable) {
            name.clone_into(&mut table.name);
        }
        table.schema = self.text(Key::HistorySchema).map(str::to_owned);
        table
    }

    /// How a run behaves.
    pub fn run_options(&self) -> RunOptions {
        let mut options = RunOptions::default();
        let set = |key, field: &mut Duration| *field = self.duration(key).unwrap_or(*field);
        set(Key::LockWait, &mut options.lock_wait);
        set(Key::LockTimeout, &mut options.lock_timeout);
        set(Key::LockRetryFor, &mut options.lock_retry_for);
        set(Key::StatementTimeout, &mut options.statement_timeout);
        set(Key::ReconnectFor, &mut options.reconnect_for);
        options.app_version = self.text(Key::AppVersion).map(str::to_owned);
        options.store = match self.text(Key::StoreScript) {
            Some("redacted") => StoreScript::Redacted,
            Some("none") => StoreScript::None,
            _ => StoreScript::Full,
        };
        options
    }

    /// What is allowed. `find` makes an identity of what somebody typed for `out-of-order`.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn policy<E>(&self, find: impl Fn(&str) -> Result<MigrationId, E>) -> Result<Policy, E> {
        let mut policy = Policy::default();
        policy.on_ahead = match self.text(Key::OnAhead) {
            Some("tolerate") => OnAhead::Tolerate,
            Some("refuse") => OnAhead::Refuse,
            Some("downgrade") => OnAhead::Downgrade,
            _ => OnAhead::Compatible,
        };
        policy.on_nonempty = self.text(Key::OnNonempty).and_then(on_nonempty).unwrap_or(OnNonempty::Refuse);
        policy.out_of_order = match self.get(Key::OutOfOrder) {
            None => OutOfOrder::AsLayout,
            Some(setting) => match setting.text() {
                "layout" => OutOfOrder::AsLayout,
                "refuse" => OutOfOrder::Refuse,
                "all" => OutOfOrder::AllowAll,
                _ => OutOfOrder::Allow(setting.values.iter().map(|id| find(id)).collect::<Result<_, _>>()?),
            },
        };
        if let Some(limit) = self.text(Key::DowngradeLimit).and_then(|text| text.parse().ok()) {
            policy.downgrade_limit = limit;
        }
        policy.foreign_history = match self.text(Key::ForeignHistory) {
            Some("ignore") => ForeignHistory::Ignore,
            Some("adopt") => ForeignHistory::Adopt,
            _ => ForeignHistory::Refuse,
        };
        if self.text(Key::Mirror).is_some() {
            let name = self.text(Key::MirrorTable).unwrap_or(flyway::write::TABLE);
            policy.mirror = Some(match name.split_once('.') {
                Some((schema, name)) => TableName { schema: Some(schema.to_owned()), name: name.to_owned() },
                None => TableName { schema: None, name: name.to_owned() },
            });
        }
        policy.conditions = self.conditions();
        policy.deployed = self.text(Key::Deployed).and_then(|text| text.parse().ok());
        policy.require_deployed = self.is_on(Key::RequireDeployed);
        policy.phase = self.text(Key::Phase).and_then(phase);
        policy.include = self.get(Key::Include).map(|setting| setting.values.clone()).unwrap_or_default();
        Ok(policy)
    }

    /// What must hold of the server before something runs.
    fn conditions(&self) -> Conditions {
        const KEYS: [Key; 5] =
            [Key::FreeSpace, Key::ServerVersion, Key::Privileges, Key::NoOtherSessions, Key::ReplicationLag];
        let all = KEYS.iter().filter_map(|key| condition(Spec::of(*key), self.text(*key)?).ok().flatten()).collect();
        Conditions { all, required: self.is_on(Key::ConditionsRequired) }
    }

    /// Every value is what its setting holds, so that reading it later cannot fail.
    pub(super) fn check(&self, problems: &mut Vec<Diagnostic>) {
        for (key, setting) in &self.settings {
            let spec = Spec::of(*key);
            if let Err(message) = check(spec, setting) {
                problems.push(setting.problem(&message));
            }
        }
    }
}

fn check(spec: &Spec, setting: &Setting) -> Result<(), String> {
    let text = setting.text();
    match spec.kind {
        Kind::Duration => duration::parse(text).map(drop).map_err(|error| error.to_string()),
        Kind::Number => match text.parse::<usize>() {
            Ok(0) | Err(_) => Err(format!("`{text}` is not a number from 1")),
            Ok(_) => Ok(()),
        },
        Kind::Choice(choices) if !choices.contains(&text) => {
            let near = super::file::nearest(text, choices.iter().copied());
            let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            Err(format!("`{text}` is not one of {}{hint}", choices.join(", ")))
        }
        Kind::Version => text.parse::<Version>().map(drop).map_err(|error| error.to_string()),
        Kind::Switch if switch(text).is_none() => Err(format!("`{text}` is neither true nor false")),
        Kind::Condition => condition(spec, text).map(drop),
        Kind::OnNonempty if on_nonempty(text).is_none() => {
            Err(format!("`{text}` is not one of refuse, run, baseline=VERSION"))
        }
        Kind::Text | Kind::Path | Kind::List if setting.values.iter().any(String::is_empty) => {
            Err(format!("`{}` is empty", spec.name))
        }
        _ => Ok(()),
    }
}

/// As a variable of a flag may say it, too.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The condition of a setting in the section of preconditions.
fn condition(spec: &Spec, text: &str) -> Result<Option<Condition>, String> {
    Condition::parse(spec.name.trim_start_matches("preconditions."), text)
}

fn on_nonempty(text: &str) -> Option<OnNonempty> {
    match text {
        "refuse" => Some(OnNonempty::Refuse),
        "run" => Some(OnNonempty::Run),
        _ => {
            let version: Version = text.strip_prefix("baseline=")?.parse().ok()?;
            Some(OnNonempty::Baseline(version))
        }
    }
}
