//! What can be typed.
//!
//! | module | holds |
//! |---|---|
//! | this one | the common flags and the list of commands |
//! | [`commands`] | the flags of each command |
//! | [`run`] | flags that several commands share: where to go, how long to wait |
//! | [`variables`] | the `MIGRATE_…` variable of every flag |
//! | [`foreign`] | words of other tools, answered with ours |
//!
//! Flags that the configuration knows too are plain texts here: [`config`](crate::config) reads them in the same way
//! wherever they come from, and its messages name the place.

#![expect(clippy::doc_markdown, reason = "the comments of fields are the help that people read")]
#![expect(clippy::struct_excessive_bools, reason = "a flag is a bool")]

pub mod commands;
pub mod foreign;
pub mod run;
pub mod variables;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::config::Key;

pub use commands::{
    AcceptArgs, AdoptArgs, BackupArgs, BaselineArgs, CheckArgs, CompletionsArgs, ConfigArgs, ConfigCommand, DbArgs,
    DbCommand, DownArgs, ExportArgs, HistoryArgs, InitArgs, ManArgs, NewArgs, PlanArgs, RedoArgs, ResolveArgs,
    RestoreArgs, UpArgs, ValidateArgs, WaitArgs,
};
pub use run::{GoalArgs, GuardArgs, RunArgs};

const AFTER_HELP: &str = "Every flag can also be given by a variable: --lock-wait by MIGRATE_LOCK_WAIT, --database \
by MIGRATE_DATABASE_URL or DATABASE_URL. Flags go before variables, variables before migrate.toml.\n\n\
Exit codes: 0 done or current, 1 refused, 2 usage or configuration, 3 a statement failed, 4 in doubt, 5 locked, \
6 no connection, 7 pending, 8 ahead, 9 stopped, 10 precondition or backup failed, 11 findings.";

/// Database schema migrations that cannot get dirty
#[derive(Debug, Parser)]
#[command(name = "migrate", version, after_help = AFTER_HELP, arg_required_else_help = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The database: sqlite:app.db, postgres://user@host/name, 'host=… dbname=…', …
    #[arg(short = 'd', long, visible_alias = "database-url", value_name = "URL", global = true)]
    #[arg(help_heading = "Database")]
    pub database: Option<SecretText>,
    /// A file that holds the database's URL
    #[arg(long, value_name = "FILE", global = true, help_heading = "Database", conflicts_with = "database")]
    pub database_file: Option<String>,
    /// The way to the same database past a pooler, for everything that is done to it
    #[arg(long, value_name = "URL", global = true, help_heading = "Database")]
    pub direct_url: Option<SecretText>,
    /// How long to wait for a server that is starting [default: 0]
    #[arg(long, value_name = "DURATION", global = true, help_heading = "Database")]
    pub connect_wait: Option<String>,
    /// A file that holds the password
    #[arg(long, value_name = "FILE", global = true, help_heading = "Database")]
    pub password_file: Option<String>,
    /// A command that prints the password
    #[arg(long, value_name = "COMMAND", global = true, help_heading = "Database", conflicts_with = "password_file")]
    pub password_command: Option<SecretText>,
    /// A folder of migrations; can be given several times [default: migrations]
    #[arg(long, value_name = "FOLDER", global = true, help_heading = "Project")]
    pub dir: Vec<String>,
    /// How file names are read [default: as migrations.toml says, else what the files and the database tell]
    #[arg(long, value_name = "NAME", global = true, help_heading = "Project")]
    pub layout: Option<String>,
    /// The project's configuration [default: migrate.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Project")]
    pub config: Option<String>,
    /// The environment in the configuration: [env.NAME]
    #[arg(long, value_name = "NAME", global = true, help_heading = "Project")]
    pub env: Option<String>,
    /// Do not read the .env beside the configuration
    #[arg(long, global = true, help_heading = "Project")]
    pub no_env_file: bool,
    /// What a placeholder in the scripts stands for; can be given several times
    #[arg(long, value_name = "NAME=VALUE", global = true, help_heading = "Project")]
    pub placeholder: Vec<PlaceholderText>,
    /// Whose history: an application and the libraries it embeds keep separate ones [default: main]
    #[arg(long, value_name = "NAME", global = true, help_heading = "Project")]
    pub component: Option<String>,
    /// Answer yes where a command would ask
    #[arg(long, global = true, help_heading = "Output")]
    pub yes: bool,
    /// One JSON document on stdout, at the end
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Events on stderr as text, or as JSON lines
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, global = true, help_heading = "Output")]
    pub log_format: LogFormat,
    /// Findings for people, or as annotations of GitHub Actions; of a route, a guide in Markdown [default: github in a GitHub workflow]
    #[arg(long, value_name = "FORMAT", value_enum, global = true, help_heading = "Output")]
    pub format: Option<Format>,
    /// Only errors
    #[arg(short, long, global = true, help_heading = "Output", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Statements and the server's remarks too
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Output")]
    pub verbose: u8,
    /// Colour on a terminal, always, or never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true, help_heading = "Output")]
    pub color: Color,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a project: a folder, a configuration, a manifest
    Init(InitArgs),
    /// Begin a migration
    New(NewArgs),
    /// Apply what is pending
    Up(UpArgs),
    /// Run ways back, as they were stored when their migrations were applied
    Down(DownArgs),
    /// Take the newest migration back and apply it again
    Redo(RedoArgs),
    /// Show what `up` would do
    Plan(PlanArgs),
    /// Show what is applied and what is pending
    Status,
    /// Show what was done to the database
    History(HistoryArgs),
    /// Exit with 0 only if the database is current
    Check(CheckArgs),
    /// Wait until the database is current
    Wait(WaitArgs),
    /// Check the files, without a database
    Validate(ValidateArgs),
    /// Record that a database already has everything up to a version
    Baseline(BaselineArgs),
    /// Take over what another tool's history says
    Adopt(AdoptArgs),
    /// Write another tool's table from the history
    Export(ExportArgs),
    /// Say what became of a migration that was done by hand or is in doubt
    Resolve(ResolveArgs),
    /// Accept the changed text of an applied migration, or put the old text back
    Accept(AcceptArgs),
    /// Copy the database into a file
    Backup(BackupArgs),
    /// Replace the database by a backup
    Restore(RestoreArgs),
    /// Create, drop or reset the database
    Db(DbArgs),
    /// Show the configuration
    Config(ConfigArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// An argument that may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(pub String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The name of a placeholder and its value, which may be a password: what is wrong with it is said without it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlaceholderText {
    /// The name.
    pub name: String,
    /// The value; `None` where there is no `=`.
    pub value: Option<String>,
}

impl From<&str> for PlaceholderText {
    fn from(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, value)) => Self { name: name.trim().to_owned(), value: Some(value.to_owned()) },
            None => Self { name: text.trim().to_owned(), value: None },
        }
    }
}

impl std::fmt::Debug for PlaceholderText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// How events are written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// As workflow commands of GitHub Actions.
    Github,
    /// As a document: the upgrade guide of `plan --route`.
    Markdown,
}

/// When there is colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Common {
    /// What of it the configuration knows too.
    pub fn settings(&self) -> Vec<(Key, Vec<String>)> {
        let secret = |text: &Option<SecretText>| text.as_ref().map(|text| text.0.clone());
        let mut settings = vec![];
        for (key, value) in [
            (Key::Url, secret(&self.database)),
            (Key::DatabaseFile, self.database_file.clone()),
            (Key::DirectUrl, secret(&self.direct_url)),
            (Key::ConnectWait, self.connect_wait.clone()),
            (Key::PasswordFile, self.password_file.clone()),
            (Key::PasswordCommand, secret(&self.password_command)),
            (Key::Layout, self.layout.clone()),
            (Key::Component, self.component.clone()),
        ] {
            settings.extend(value.map(|value| (key, vec![value])));
        }
        if !self.dir.is_empty() {
            settings.push((Key::Dir, self.dir.clone()));
        }
        settings
    }
}

impl Command {
    /// Its name, as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::New(_) => "new",
            Self::Up(_) => "up",
            Self::Down(_) => "down",
            Self::Redo(_) => "redo",
            Self::Plan(_) => "plan",
            Self::Status => "status",
            Self::History(_) => "history",
            Self::Check(_) => "check",
            Self::Wait(_) => "wait",
            Self::Validate(_) => "validate",
            Self::Baseline(_) => "baseline",
            Self::Adopt(_) => "adopt",
            Self::Export(_) => "export",
            Self::Resolve(_) => "resolve",
            Self::Accept(_) => "accept",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::Db(args) => match args.command {
                DbCommand::Create => "db create",
                DbCommand::Drop => "db drop",
                DbCommand::Reset(_) => "db reset",
            },
            Self::Config(_) => "config show",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// The preconditions in spite of which it goes on.
    pub fn waive(&self) -> &[String] {
        self.parts().1.map_or(&[], |run| &run.waive)
    }

    /// What of its flags the configuration knows too.
    pub fn settings(&self) -> Vec<(Key, Vec<String>)> {
        let (goal, run) = self.parts();
        let mut settings = goal.map(GoalArgs::settings).unwrap_or_default();
        settings.extend(run.map(RunArgs::settings).unwrap_or_default());
        let adopts = match self {
            Self::Up(args) => args.adopt,
            Self::Plan(args) => args.adopt,
            _ => false,
        };
        if adopts {
            settings.push((Key::ForeignHistory, vec!["adopt".to_owned()]));
        }
        settings
    }

    /// The flags that it shares with other commands.
    fn parts(&self) -> (Option<&GoalArgs>, Option<&RunArgs>) {
        match self {
            Self::Up(args) => (Some(&args.goal), Some(&args.run)),
            Self::Plan(args) => (Some(&args.goal), None),
            Self::Check(args) => (Some(&args.goal), None),
            Self::Wait(args) => (Some(&args.goal), None),
            Self::Down(args) => (None, Some(&args.run)),
            Self::Redo(args) => (None, Some(&args.run)),
            Self::Baseline(args) => (None, Some(&args.run)),
            Self::Adopt(args) => (None, Some(&args.run)),
            Self::Resolve(args) => (None, Some(&args.run)),
            Self::Accept(args) => (None, Some(&args.run)),
            Self::Db(DbArgs { command: DbCommand::Reset(args) }) => (None, Some(&args.run)),
            _ => (None, None),
        }
    }
}
