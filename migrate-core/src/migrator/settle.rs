//! What a person says of a statement that nobody else can tell of.

use crate::apply::{Halt, Run};
use crate::error::ErrorKind;
use crate::history::State;
use crate::migration::MigrationId;
use crate::plan::{self, Refusal};

use super::Migrator;

impl Migrator {
    pub(super) async fn settle_open(
        &self,
        run: &mut Run<'_>,
        id: &MigrationId,
        statement: usize,
        ran: bool,
    ) -> Result<(), Halt> {
        run.lock(self.set.component()).await?;
        let observed = self.observed(&mut *run.session).await?;
        let open = observed.history.open().filter(|open| open.id == *id && open.state == State::InFlight);
        let Some(open) = open else {
            return Err(ErrorKind::from(Refusal::Already {
                what: format!("nothing is in doubt about {id}"),
                help: "see where it stands with `migrate status`".to_owned(),
            })
            .into());
        };
        if open.cursor + 1 != statement as u64 {
            return Err(ErrorKind::from(Refusal::Already {
                what: format!(
                    "the doubt about {} is about statement {}, not {statement}",
                    open.title(),
                    open.cursor + 1
                ),
                help: format!(
                    "say whether that one ran: migrate resolve {} --statement {} --ran, or --not-run",
                    id.typed(),
                    open.cursor + 1
                ),
            })
            .into());
        }
        let script = plan::open_script(&self.set, &observed, open, self.backend.dialect())?;
        run.settle_by_person(open, &script, ran).await
    }
}
