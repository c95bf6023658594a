//! Flags that several commands share.

use clap::{Args, ValueEnum};
use migrate_core::plan::{PhaseGoal, Strategy, Target};

use crate::config::Key;

/// Where to go, and what is allowed on the way.
#[derive(Args, Clone, Debug, Default)]
pub struct GoalArgs {
    /// Up to and including this: 1.5.0, 1.5.0.* (the newest of that line), 2.1.0/pre/03
    #[arg(long, value_name = "VERSION", value_parser = target, help_heading = "Goal")]
    pub to: Option<Target>,
    /// At most so many migrations
    #[arg(long, value_name = "N", value_parser = steps, help_heading = "Goal", conflicts_with = "to")]
    pub steps: Option<usize>,
    /// What may run before a deploy, what may run only after it, or everything
    #[arg(long, value_name = "PHASE", value_parser = ["pre", "post", "all"], help_heading = "Goal")]
    pub phase: Option<String>,
    /// The release that is deployed: what comes after its deploy may run [default: the one that ran the last migration]
    #[arg(long, value_name = "VERSION", help_heading = "Goal")]
    pub deployed: Option<String>,
    /// Allow this pending migration below an applied one; can be given several times; `all`, `refuse` [default: as the layout's tool does]
    #[arg(long, value_name = "ID", help_heading = "Goal")]
    pub out_of_order: Vec<String>,
    /// With objects but no history: refuse, baseline=VERSION or run [default: refuse]
    #[arg(long, value_name = "POLICY", help_heading = "Goal")]
    pub on_nonempty: Option<String>,
    /// With applied migrations this release does not know: compatible, tolerate, refuse or downgrade [default: compatible]
    #[arg(long, value_name = "POLICY", help_heading = "Goal")]
    pub on_ahead: Option<String>,
    /// Go back with the stored down scripts: --on-ahead downgrade
    #[arg(long, help_heading = "Goal", conflicts_with = "on_ahead")]
    pub allow_downgrade: bool,
    /// An optional migration that is part of the set here; can be given several times
    #[arg(long, value_name = "NAME", help_heading = "Goal")]
    pub include: Vec<String>,
}

/// How long to wait.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// The longest wait for another run to end [default: 10m]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub lock_wait: Option<String>,
    /// The longest wait of a statement for a lock of the database; 0 is no limit [default: 2s]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub lock_timeout: Option<String>,
    /// How long a migration that met a lock is tried again [default: 10m]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub lock_retry_for: Option<String>,
    /// The longest run of a statement; 0 is no limit [default: 0]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub statement_timeout: Option<String>,
    /// How long a lost connection is tried to be had again; 0 is not at all [default: 1m]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub reconnect_for: Option<String>,
    /// After a signal, let the running statement go on for so long [default: 20s, no limit on a terminal]
    #[arg(long, value_name = "DURATION", help_heading = "Waiting")]
    pub stop_grace: Option<String>,
    /// Go on in spite of this precondition, which is written down; can be given several times
    #[arg(long, value_name = "NAME", help_heading = "Goal")]
    pub waive: Vec<String>,
    /// Create the schema of the history where it is missing
    #[arg(long)]
    pub create_schema: bool,
}

/// The backup before a run.
#[derive(Args, Clone, Debug, Default)]
pub struct GuardArgs {
    /// Make a backup before anything runs, as `[backup]` says
    #[arg(long, help_heading = "Database", conflicts_with = "backup_done")]
    pub backup: bool,
    /// There is a backup already, which the history will name: "RDS snapshot X"
    #[arg(long, value_name = "TEXT", help_heading = "Database")]
    pub backup_done: Option<String>,
}

/// A phase to aim for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PhaseArg {
    /// Before a deploy.
    Pre,
    /// After it.
    Post,
}

/// Whether the service is at work during an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyArg {
    /// Old and new replicas side by side.
    Rolling,
    /// It is stopped.
    Stop,
}

impl From<StrategyArg> for Strategy {
    fn from(arg: StrategyArg) -> Self {
        match arg {
            StrategyArg::Rolling => Self::Rolling,
            StrategyArg::Stop => Self::Stop,
        }
    }
}

impl GoalArgs {
    /// The phase, which clap has checked.
    pub fn phase(&self) -> Option<PhaseGoal> {
        self.phase.as_deref().and_then(phase)
    }

    /// As it was typed, each flag with a blank before it.
    pub fn typed(&self) -> String {
        let quoted = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "./-_=".contains(c);
            if text.chars().all(plain) { text.to_owned() } else { format!("\"{text}\"") }
        };
        let mut flags = vec![];
        let mut add = |name: &str, value: &str| flags.push(format!(" --{name} {}", quoted(value)));
        self.to.iter().for_each(|to| add("to", &to.to_string()));
        self.steps.iter().for_each(|steps| add("steps", &steps.to_string()));
        self.phase.iter().for_each(|phase| add("phase", phase));
        self.deployed.iter().for_each(|release| add("deployed", release));
        self.out_of_order.iter().for_each(|id| add("out-of-order", id));
        self.on_nonempty.iter().for_each(|policy| add("on-nonempty", policy));
        self.on_ahead.iter().for_each(|policy| add("on-ahead", policy));
        self.include.iter().for_each(|name| add("include", name));
        if self.allow_downgrade {
            flags.push(" --allow-downgrade".to_owned());
        }
        flags.concat()
    }

    /// What of it the configuration knows too. The phase is part of the goal, not of the policy: `phase` of the
    /// configuration is what the planner takes where no goal names one.
    pub fn settings(&self) -> Vec<(Key, Vec<String>)> {
        let on_ahead = if self.allow_downgrade { Some("downgrade".to_owned()) } else { self.on_ahead.clone() };
        let mut settings = vec![];
        settings.extend(self.deployed.clone().map(|value| (Key::Deployed, vec![value])));
        settings.extend(self.on_nonempty.clone().map(|value| (Key::OnNonempty, vec![value])));
        settings.extend(on_ahead.map(|value| (Key::OnAhead, vec![value])));
        if !self.out_of_order.is_empty() {
            settings.push((Key::OutOfOrder, self.out_of_order.clone()));
        }
        if !self.include.is_empty() {
            settings.push((Key::Include, self.include.clone()));
        }
        settings
    }
}

impl RunArgs {
    /// All of it: the configuration knows the same.
    pub fn settings(&self) -> Vec<(Key, Vec<String>)> {
        let create_schema = self.create_schema.then(|| "true".to_owned());
        [
            (Key::LockWait, &self.lock_wait),
            (Key::LockTimeout, &self.lock_timeout),
            (Key::LockRetryFor, &self.lock_retry_for),
            (Key::StatementTimeout, &self.statement_timeout),
            (Key::ReconnectFor, &self.reconnect_for),
            (Key::StopGrace, &self.stop_grace),
            (Key::CreateSchema, &create_schema),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.clone().map(|value| (key, vec![value])))
        .collect()
    }
}

/// `pre`, `post`, `all`.
pub fn phase(text: &str) -> Option<PhaseGoal> {
    match text {
        "pre" => Some(PhaseGoal::Pre),
        "post" => Some(PhaseGoal::Post),
        "all" => Some(PhaseGoal::All),
        _ => None,
    }
}

pub(super) fn target(text: &str) -> Result<Target, String> {
    text.parse().map_err(|error: migrate_core::migration::ParseMigrationIdError| error.to_string())
}

pub(super) fn steps(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}
