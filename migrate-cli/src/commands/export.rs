//! `export`: write another tool's table from the history.

use migrate_core::error::count;
use migrate_core::plan::Goal;
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::ExportArgs;
use crate::backends::block_on;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn export(project: &Project<'_>, args: &ExportArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set, Goal::up())?;
    let table = args.to_table.clone();
    if args.dry_run {
        let export = block_on(opened.backend, migrator.export(&args.to, table))?;
        for sql in export.definitions.iter().chain(&export.rows) {
            screen.line(&format!("{sql};"));
        }
        return Ok(Outcome::done(json!({ "export": export })));
    }
    let export = block_on(opened.backend, migrator.write_export(&args.to, table))?;
    screen.line(&format!("{} written into {}", count(export.rows.len(), "row"), export.table));
    screen.line(&format!("next: let {} look at it; migrate's own history is as it was", export.tool));
    Ok(Outcome::done(json!({ "export": export })))
}
