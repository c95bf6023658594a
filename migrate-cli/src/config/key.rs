//! The settings that there are.

use crate::args::variables::variable;

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each is")]
pub enum Key {
    Url,
    DatabaseFile,
    DirectUrl,
    PasswordFile,
    PasswordCommand,
    Dir,
    Layout,
    Component,
    AppVersion,
    ConnectWait,
    LockWait,
    LockTimeout,
    LockRetryFor,
    StatementTimeout,
    ReconnectFor,
    StopGrace,
    Phase,
    Deployed,
    RequireDeployed,
    Include,
    OnAhead,
    OnNonempty,
    OutOfOrder,
    DowngradeLimit,
    ForeignHistory,
    HistoryTable,
    HistorySchema,
    CreateSchema,
    StoreScript,
    Mirror,
    MirrorTable,
    FreeSpace,
    ServerVersion,
    Privileges,
    NoOtherSessions,
    ReplicationLag,
    ConditionsRequired,
    BackupCommand,
    BackupDir,
    BackupRequired,
}

/// What a setting is.
#[derive(Debug)]
pub struct Spec {
    /// Which.
    pub key: Key,
    /// Its name in the file, with its section.
    pub name: &'static str,
    /// Its flag, where it has one.
    pub flag: Option<&'static str>,
    /// What it holds.
    pub kind: Kind,
    /// What it is where nobody sets it, as it would be written.
    pub default: Option<&'static str>,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A URL, which may hold a password.
    Url,
    /// A command line, which may hold a password.
    Command,
    /// Any text.
    Text,
    /// A path.
    Path,
    /// A number from 1.
    Number,
    /// `2s`.
    Duration,
    /// One of these.
    Choice(&'static [&'static str]),
    /// `refuse`, `run` or `baseline=VERSION`.
    OnNonempty,
    /// What must hold of the server: the value of the condition that is called as the setting is.
    Condition,
    /// `3.4.0`.
    Version,
    /// Yes or no.
    Switch,
    /// One text or a list of them.
    List,
}

const fn spec(key: Key, name: &'static str, kind: Kind) -> Spec {
    Spec { key, name, flag: None, kind, default: None }
}

impl Spec {
    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 40] = [
        spec(Key::Url, "url", Kind::Url).flag("database"),
        spec(Key::DatabaseFile, "database-file", Kind::Path).flag("database-file"),
        spec(Key::DirectUrl, "direct-url", Kind::Url).flag("direct-url"),
        spec(Key::PasswordFile, "password-file", Kind::Path).flag("password-file"),
        spec(Key::PasswordCommand, "password-command", Kind::Command).flag("password-command"),
        spec(Key::Dir, "dir", Kind::List).flag("dir").default("migrations"),
        spec(Key::Layout, "layout", Kind::Text).flag("layout"),
        spec(Key::Component, "component", Kind::Text).flag("component"),
        spec(Key::AppVersion, "app-version", Kind::Text),
        spec(Key::ConnectWait, "timeouts.connect-wait", Kind::Duration).flag("connect-wait").default("0"),
        spec(Key::LockWait, "timeouts.lock-wait", Kind::Duration).flag("lock-wait").default("10m"),
        spec(Key::LockTimeout, "timeouts.lock-timeout", Kind::Duration).flag("lock-timeout").default("2s"),
        spec(Key::LockRetryFor, "timeouts.lock-retry-for", Kind::Duration).flag("lock-retry-for").default("10m"),
        spec(Key::StatementTimeout, "timeouts.statement-timeout", Kind::Duration)
            .flag("statement-timeout")
            .default("0"),
        spec(Key::ReconnectFor, "timeouts.reconnect-for", Kind::Duration).flag("reconnect-for").default("1m"),
        spec(Key::StopGrace, "timeouts.stop-grace", Kind::Duration).flag("stop-grace"),
        spec(Key::Phase, "policy.phase", Kind::Choice(&["pre", "post", "all"])),
        spec(Key::Deployed, "policy.deployed", Kind::Version).flag("deployed"),
        spec(Key::RequireDeployed, "policy.require-deployed", Kind::Switch).default("false"),
        spec(Key::Include, "policy.include", Kind::List).flag("include"),
        spec(Key::OnAhead, "policy.on-ahead", Kind::Choice(&["compatible", "tolerate", "refuse", "downgrade"]))
            .flag("on-ahead")
            .default("compatible"),
        spec(Key::OnNonempty, "policy.on-nonempty", Kind::OnNonempty).flag("on-nonempty").default("refuse"),
        spec(Key::OutOfOrder, "policy.out-of-order", Kind::List).flag("out-of-order").default("layout"),
        spec(Key::DowngradeLimit, "policy.downgrade-limit", Kind::Number).default("10"),
        spec(Key::ForeignHistory, "policy.foreign-history", Kind::Choice(&["refuse", "adopt", "ignore"]))
            .default("refuse"),
        spec(Key::HistoryTable, "history.table", Kind::Text).default("migrate_history"),
        spec(Key::HistorySchema, "history.schema", Kind::Text),
        spec(Key::CreateSchema, "history.create-schema", Kind::Switch).flag("create-schema").default("false"),
        spec(Key::StoreScript, "history.store-script", Kind::Choice(&["full", "redacted", "none"])).default("full"),
        spec(Key::Mirror, "history.mirror", Kind::Choice(&["flyway"])),
        spec(Key::MirrorTable, "history.mirror-table", Kind::Text).default("flyway_schema_history"),
        spec(Key::FreeSpace, "preconditions.free-space", Kind::Condition),
        spec(Key::ServerVersion, "preconditions.server-version", Kind::Condition),
        spec(Key::Privileges, "preconditions.privileges", Kind::Condition),
        spec(Key::NoOtherSessions, "preconditions.no-other-sessions", Kind::Condition),
        spec(Key::ReplicationLag, "preconditions.replication-lag", Kind::Condition),
        spec(Key::ConditionsRequired, "preconditions.required", Kind::Switch).default("false"),
        spec(Key::BackupCommand, "backup.command", Kind::Command),
        spec(Key::BackupDir, "backup.dir", Kind::Path).default("backups"),
        spec(Key::BackupRequired, "backup.required", Kind::Switch).default("false"),
    ];

    /// The one called so in the file. `_` and `-` are the same.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        let name = name.replace('_', "-");
        Self::ALL.iter().find(|spec| spec.name == name)
    }

    /// Its variable, where it is not looked up as that of a flag of every command.
    pub fn variable(&self) -> Option<String> {
        match (self.flag, self.name.split_once('.')) {
            (Some(flag), Some(_)) => Some(variable(flag)),
            // What a command aims for is its own affair.
            (Some(_), None) | (None, Some(("policy", "phase"))) => None,
            (None, Some(("policy", name))) => Some(variable(name)),
            (None, _) => Some(variable(&self.name.replace('.', "-"))),
        }
    }

    /// The one of a key.
    pub fn of(key: Key) -> &'static Self {
        // The array is a constant of this file, in the order of the keys; a test says so.
        &Self::ALL[key as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_place_in_the_table() {
        for (index, spec) in Spec::ALL.iter().enumerate() {
            assert_eq!(spec.key as usize, index, "{}", spec.name);
            assert_eq!(Spec::by_name(&spec.name.replace('-', "_")).map(|spec| spec.key), Some(spec.key));
        }
    }

    #[test]
    fn settings_without_a_flag_have_a_variable_too() {
        let shown: Vec<_> = Spec::ALL.iter().filter(|spec| spec.flag.is_none()).filter_map(Spec::variable).collect();
        assert_eq!(
            shown,
            [
                "MIGRATE_APP_VERSION",
                "MIGRATE_REQUIRE_DEPLOYED",
                "MIGRATE_DOWNGRADE_LIMIT",
                "MIGRATE_FOREIGN_HISTORY",
                "MIGRATE_HISTORY_TABLE",
                "MIGRATE_HISTORY_SCHEMA",
                "MIGRATE_HISTORY_STORE_SCRIPT",
                "MIGRATE_HISTORY_MIRROR",
                "MIGRATE_HISTORY_MIRROR_TABLE",
                "MIGRATE_PRECONDITIONS_FREE_SPACE",
                "MIGRATE_PRECONDITIONS_SERVER_VERSION",
                "MIGRATE_PRECONDITIONS_PRIVILEGES",
                "MIGRATE_PRECONDITIONS_NO_OTHER_SESSIONS",
                "MIGRATE_PRECONDITIONS_REPLICATION_LAG",
                "MIGRATE_PRECONDITIONS_REQUIRED",
                "MIGRATE_BACKUP_COMMAND",
                "MIGRATE_BACKUP_DIR",
                "MIGRATE_BACKUP_REQUIRED",
            ]
        );
    }

    #[test]
    fn every_flag_of_the_table_exists() {
        use clap::CommandFactory as _;
        fn longs(command: &clap::Command, all: &mut Vec<String>) {
            all.extend(command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)));
            command.get_subcommands().for_each(|inner| longs(inner, all));
        }
        let mut all = vec![];
        longs(&crate::args::Cli::command(), &mut all);
        for flag in Spec::ALL.iter().filter_map(|spec| spec.flag) {
            assert!(all.iter().any(|long| long == flag), "--{flag}");
        }
    }
}
