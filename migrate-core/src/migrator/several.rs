//! Several components in one database, in the order of their needs.

use std::collections::BTreeMap;

use crate::apply::Report;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::plan::{Check, Plan};
use crate::set::{MigrationSet, in_order};

use super::Migrator;

/// Several components in one database: an application and the libraries in it that bring tables of their own. Each has its
/// own rows in the history; what one needs of another, as its manifest's `depends-on` says, decides the order.
///
/// ```
/// # #[cfg(feature = "testing")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use migrate_core::testing::memory::Memory;
/// use migrate_core::{MigrationSet, Migrator, Migrators};
///
/// let database = Memory::transactional();
/// let of = |component| MigrationSet::new(component, Vec::new());
/// let said = |problems: Vec<migrate_core::Diagnostic>| problems[0].to_string();
/// let all = [of("main").map_err(said)?, of("queue").map_err(said)?];
/// let migrators = Migrators::new(all.map(|set| Migrator::new(database.clone(), set)).into()).map_err(said)?;
/// let reports = futures_executor::block_on(migrators.up())?;
/// assert!(reports.iter().all(|report| report.is_empty()));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Migrators {
    all: Vec<Migrator>,
}

impl Migrators {
    /// Puts them into their order.
    ///
    /// # Errors
    /// If two are of one component, or some need each other in a circle.
    pub fn new(all: Vec<Migrator>) -> Result<Self, Vec<Diagnostic>> {
        let sets: Vec<&MigrationSet> = all.iter().map(Migrator::set).collect();
        let order = in_order(&sets)?;
        let mut all: Vec<Option<Migrator>> = all.into_iter().map(Some).collect();
        Ok(Self { all: order.into_iter().filter_map(|at| all[at].take()).collect() })
    }

    /// What is needed comes before what needs it.
    pub fn iter(&self) -> std::slice::Iter<'_, Migrator> {
        self.all.iter()
    }

    /// Carries the goals out one after the other; the first that is not reached ends it. One report for each.
    ///
    /// # Errors
    /// As of [`Migrator::up`], of the first component that fails: those before it are done.
    pub async fn up(&self) -> Result<Vec<Report>, Error> {
        let mut reports = Vec::new();
        for migrator in &self.all {
            reports.push(migrator.up().await?);
        }
        Ok(reports)
    }

    /// What [`up`](Self::up) would do, one plan for each: each as if those before it were carried out. Read-only; creates
    /// nothing; needs no lock.
    ///
    /// # Errors
    /// As of [`Migrator::plan`], of the first component that has none.
    pub async fn plans(&self) -> Result<Vec<Plan>, Error> {
        let (mut plans, mut reached) = (Vec::new(), BTreeMap::new());
        for migrator in &self.all {
            plans.push(migrator.plan_after(&mut reached).await?);
        }
        Ok(plans)
    }

    /// Whether a service may run on the database: the first answer that is not "current", with its component's name, or
    /// `None` where all are.
    ///
    /// # Errors
    /// As of [`Migrator::check`].
    pub async fn check(&self) -> Result<Option<(&str, Check)>, Error> {
        for migrator in &self.all {
            let check = migrator.check().await?;
            if !check.is_current() {
                return Ok(Some((migrator.set().component(), check)));
            }
        }
        Ok(None)
    }
}

impl<'a> IntoIterator for &'a Migrators {
    type Item = &'a Migrator;
    type IntoIter = std::slice::Iter<'a, Migrator>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
