//! The backup before a run: the same gate for everything that runs a migration or takes one back.

use migrate_core::apply::Report;
use migrate_core::error::ErrorKind;
use migrate_core::plan::Plan;
use migrate_core::{Error, Migrator};
use serde_json::Value;

use super::apply;
use crate::args::GuardArgs;
use crate::backends::block_on;
use crate::backup::{self, Made};
use crate::config::Key;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::screen::Screen;

/// The gate of one command, which makes one backup at most.
pub(super) struct Guard<'a> {
    args: &'a GuardArgs,
    made: Option<Made>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(args: &'a GuardArgs) -> Self {
        Self { args, made: None }
    }

    /// Whether nothing may run before there is a backup.
    pub(super) fn is_shut(&self, project: &Project<'_>) -> bool {
        let asked = self.args.backup || project.config.is_on(Key::BackupRequired);
        asked && self.made.is_none() && self.args.backup_done.is_none()
    }

    /// The migrator whose rows name the backup; it is made now where it was asked for and the plan runs something.
    ///
    /// # Errors
    /// If one is required and nobody asked for it or names one, it cannot be made, or something else keeps the run from
    /// beginning.
    pub(super) fn pass(
        &mut self,
        project: &Project<'_>,
        screen: &mut Screen<'_>,
        opened: &Opened<'_>,
        migrator: Migrator,
        plan: &Plan,
    ) -> Result<Migrator, Failure> {
        if self.is_shut(project) && plan.runs() {
            self.made = Some(self.make(project, screen, opened, &migrator, plan)?);
        }
        Ok(self.named(migrator))
    }

    /// The migrator whose rows name what is known of a backup.
    pub(super) fn named(&self, migrator: Migrator) -> Migrator {
        let made = self.made.as_ref().map(|made| made.file.display().to_string());
        let Some(backup) = made.or_else(|| self.args.backup_done.clone()) else { return migrator };
        let mut options = migrator.run_options().clone();
        options.backup = Some(backup);
        migrator.options(options)
    }

    /// What a run did, with the backup that was made before it.
    pub(super) fn result(&self, report: &Report) -> Value {
        let mut result = apply::result(report);
        if let Some(made) = &self.made {
            result["backup"] = made.result();
        }
        result
    }

    fn make(
        &self,
        project: &Project<'_>,
        screen: &mut Screen<'_>,
        opened: &Opened<'_>,
        migrator: &Migrator,
        plan: &Plan,
    ) -> Result<Made, Failure> {
        if !self.args.backup {
            return Err(backup::required(&opened.database.name(), &apply::typed(project)));
        }
        // It may take long: what keeps the run from beginning is said before it.
        let findings = block_on(opened.backend, migrator.findings(plan))?;
        if findings.iter().any(|finding| finding.stops) {
            return Err(Error::from(ErrorKind::Preconditions { findings, about: plan.about.clone() }).into());
        }
        let made = backup::before_run(project, screen, opened, plan.from.as_ref())?;
        screen.line(&made.line(&opened.database.name()));
        Ok(made)
    }
}
