//! The flags of each command.

use clap::{ArgGroup, Args, Subcommand};
use clap_complete::Shell;
use migrate_core::Version;
use migrate_core::backend::TableName;
use migrate_core::plan::Target;

use super::run::{GoalArgs, GuardArgs, PhaseArg, RunArgs, StrategyArg, steps, target};

/// `init`
#[derive(Args, Debug)]
pub struct InitArgs {}

/// `new`
#[derive(Args, Debug)]
pub struct NewArgs {
    /// What it does, in words or with underscores: create_users
    #[arg(required_unless_present = "snapshot", value_name = "NAME")]
    pub name: Vec<String>,
    /// With a way back
    #[arg(long, conflicts_with = "repeatable")]
    pub reversible: bool,
    /// Only for this engine: postgres, mysql, mariadb, sqlite
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,
    /// Part of this release of the application
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub release: Option<Version>,
    /// Before or after the deploy of that release
    #[arg(long, value_name = "PHASE", value_enum, requires = "release")]
    pub phase: Option<PhaseArg>,
    /// Runs again whenever its text changes: a view, a function
    #[arg(long, conflicts_with_all = ["release", "sequential"])]
    pub repeatable: bool,
    /// Numbered 0001, 0002, … instead of by the time
    #[arg(long, conflicts_with = "release")]
    pub sequential: bool,
    /// A snapshot, which installs an empty database at this version in place of all migrations up to it
    #[arg(long, value_name = "VERSION", value_parser = version,
        conflicts_with_all = ["reversible", "release", "repeatable", "sequential"])]
    pub snapshot: Option<Version>,
}

/// `up`
#[derive(Args, Debug)]
pub struct UpArgs {
    /// Where to go.
    #[command(flatten)]
    pub goal: GoalArgs,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
    /// Show the plan and do nothing
    #[arg(long, help_heading = "Goal")]
    pub dry_run: bool,
    /// Only if the plan has this digest, which `migrate plan` prints
    #[arg(long, value_name = "DIGEST", help_heading = "Goal")]
    pub plan: Option<String>,
    /// Take another tool's history over first: see `migrate adopt`
    #[arg(long, help_heading = "Goal")]
    pub adopt: bool,
    /// Run the statements that were appended to this applied migration, and nothing else
    #[arg(long, value_name = "ID", help_heading = "Goal", conflicts_with_all = ["to", "steps", "phase", "adopt"])]
    pub amend: Option<String>,
    /// Create the database if it is not there
    #[arg(long, help_heading = "Database")]
    pub create_db: bool,
    /// The backup before it.
    #[command(flatten)]
    pub guard: GuardArgs,
}

/// `down`
#[derive(Args, Debug)]
pub struct DownArgs {
    /// The backup before it.
    #[command(flatten)]
    pub guard: GuardArgs,
    /// Down to this version, which stays applied; 0 takes everything back
    #[arg(long, value_name = "VERSION", value_parser = target, help_heading = "Goal", conflicts_with = "steps")]
    pub to: Option<Target>,
    /// So many migrations, newest first
    #[arg(long, value_name = "N", value_parser = steps, help_heading = "Goal")]
    pub steps: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long, help_heading = "Goal")]
    pub dry_run: bool,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `redo`
#[derive(Args, Debug)]
pub struct RedoArgs {
    /// The backup before it.
    #[command(flatten)]
    pub guard: GuardArgs,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `plan`
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// A complete script for the database's own client, which leaves the history as `up` would
    #[arg(long)]
    pub sql: bool,
    /// Take another tool's history over first: see `migrate adopt`
    #[arg(long, help_heading = "Goal")]
    pub adopt: bool,
    /// The way to a release: what runs before each deploy, and what after it
    #[arg(long, help_heading = "Route", conflicts_with_all = ["sql", "adopt", "steps", "phase"])]
    pub route: bool,
    /// From this version on, without a database [default: from where the database is]
    #[arg(long, value_name = "VERSION", value_parser = version, help_heading = "Route", requires = "route")]
    pub from: Option<Version>,
    /// With the service at work, or stopped [default: rolling, and in one line the other]
    #[arg(long, value_name = "STRATEGY", value_enum, help_heading = "Route", requires = "route")]
    pub strategy: Option<StrategyArg>,
    /// Where to go.
    #[command(flatten)]
    pub goal: GoalArgs,
}

/// `history`
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// Only the last so many rows
    #[arg(long, value_name = "N", value_parser = steps)]
    pub last: Option<usize>,
    /// Keep no longer what is squashed: applied, and without a file since its files were taken out of the folder. Rows are
    /// added that say so, none is deleted
    #[arg(long, conflicts_with = "last")]
    pub prune: bool,
}

/// `check`
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// What counts as current.
    #[command(flatten)]
    pub goal: GoalArgs,
}

/// `wait`
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Give up after so long [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse)]
    pub timeout: Option<std::time::Duration>,
    /// What counts as current.
    #[command(flatten)]
    pub goal: GoalArgs,
}

/// `validate`
#[derive(Args, Debug)]
pub struct ValidateArgs {
    /// Compare with the migrations of a Git revision, which are taken for released: a branch, a tag, a commit
    #[arg(long, value_name = "GIT_REF")]
    pub since: Option<String>,
    /// Every migration has a way back, or says why not
    #[arg(long)]
    pub require_down: bool,
    /// For this engine [default: that of the database's URL, else all that are compiled in]
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,
}

/// `baseline`
#[derive(Args, Debug)]
pub struct BaselineArgs {
    /// The version the database is at
    #[arg(value_name = "VERSION", value_parser = version)]
    pub version: Version,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `adopt`
#[derive(Args, Debug)]
pub struct AdoptArgs {
    /// Whose history: flyway, golang-migrate, sqlx, goose, … [default: the one that is there]
    #[arg(long, value_name = "TOOL")]
    pub from: Option<String>,
    /// Its table, where it has not the tool's usual name: TABLE or SCHEMA.TABLE
    #[arg(long, value_name = "TABLE", value_parser = table, requires = "from")]
    pub from_table: Option<TableName>,
    /// Up to which version the database has these migrations, where the tool's own are code; 0 is none of them
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub to: Option<Version>,
    /// A migration whose file may differ from what the tool recorded; can be given several times, `all` allows all
    #[arg(long, value_name = "ID")]
    pub accept_changed: Vec<String>,
    /// Show what would happen and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `export`
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Whose table: flyway, golang-migrate, sqlx, goose, refinery, diesel, dbmate
    #[arg(long, value_name = "TOOL")]
    pub to: String,
    /// Its name, where it is not the tool's usual one: TABLE or SCHEMA.TABLE
    #[arg(long, value_name = "TABLE", value_parser = table)]
    pub to_table: Option<TableName>,
    /// Show the statements and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `resolve`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("answer").required(true).args(["applied", "not_applied", "statement"])))]
#[command(group(ArgGroup::new("outcome").args(["ran", "not_run"]).requires("statement")))]
pub struct ResolveArgs {
    /// The migration, as `status` names it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Somebody did all of it by hand: record it as applied
    #[arg(long)]
    pub applied: bool,
    /// Somebody undid all of it by hand: record it as not applied
    #[arg(long)]
    pub not_applied: bool,
    /// The statement that is in doubt, from 1
    #[arg(long, value_name = "N", value_parser = steps, requires = "outcome")]
    pub statement: Option<usize>,
    /// It did run
    #[arg(long)]
    pub ran: bool,
    /// It did not run
    #[arg(long)]
    pub not_run: bool,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `accept`
#[derive(Args, Debug)]
pub struct AcceptArgs {
    /// The migration, as `status` names it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Write the text that was applied back into the file
    #[arg(long)]
    pub restore: bool,
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `backup`
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub file: String,
}

/// `restore`
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// A file that `migrate backup` wrote
    #[arg(value_name = "FILE")]
    pub file: String,
}

/// `db`
#[derive(Args, Debug)]
pub struct DbArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: DbCommand,
}

/// What to do with a database.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Create the database
    Create,
    /// Drop the database with everything in it
    Drop,
    /// Drop the database, create it again and apply all migrations
    Reset(ResetArgs),
}

/// `db reset`
#[derive(Args, Debug)]
pub struct ResetArgs {
    /// How long to wait.
    #[command(flatten)]
    pub run: RunArgs,
}

/// `config`
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show each value and where it comes from
    Show,
}

/// `completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `man`
#[derive(Args, Debug)]
pub struct ManArgs {}

fn version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|error: migrate_core::version::ParseVersionError| error.to_string())
}

fn table(text: &str) -> Result<TableName, String> {
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, text),
    };
    if name.is_empty() || schema.is_some_and(str::is_empty) {
        return Err("expected TABLE or SCHEMA.TABLE".to_owned());
    }
    Ok(TableName { schema: schema.map(str::to_owned), name: name.to_owned() })
}
