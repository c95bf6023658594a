//! What taking over another tool's history would do.

use super::Migrator;
use crate::error::{Error, ErrorKind};
use crate::plan::adopt::{self, Adoption};
use crate::plan::{AdoptGoal, Goal};

impl Migrator {
    /// What taking over another tool's history would do. Read-only; creates nothing; needs no lock.
    ///
    /// The goal of the migrator says which history is meant ([`Goal::Adopt`]); any other goal means the one that is
    /// there. What stands against it is part of the answer.
    ///
    /// Available with feature `other-tools`.
    ///
    /// # Errors
    /// Those of connecting and reading, and if nobody can tell which history is meant.
    pub async fn adoption(&self) -> Result<Adoption, Error> {
        let goal = match &self.goal {
            Goal::Adopt(goal) => goal.clone(),
            _ => AdoptGoal::default(),
        };
        let mut session = self.connect().await?;
        let observed = self.observed_for(&mut *session, &Goal::Adopt(goal.clone())).await.map_err(ErrorKind::from)?;
        let adoption = adopt::adoption(&self.set, &observed, &goal, &self.policy, self.backend.dialect());
        Ok(adoption.map_err(ErrorKind::Refused)?)
    }
}
