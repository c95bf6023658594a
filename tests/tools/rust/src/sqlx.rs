//! What `sqlx migrate run` and `sqlx migrate info` do, through the same crate.

use std::path::Path;

use sqlx::any::install_default_drivers;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{AnyConnection, Connection as _};

use crate::{Command, Engine, Failed, line, runtime};

const TABLE: &str = "_sqlx_migrations";

pub(crate) fn run(command: Command, engine: &Engine<'_>, folder: &Path) -> Result<(), Failed> {
    install_default_drivers();
    let url = match engine {
        Engine::Postgres(url) => (*url).to_owned(),
        Engine::MySql(url) => url.clone(),
        Engine::Sqlite(path) => format!("sqlite:{}?mode=rwc", path.display()),
    };
    runtime()?.block_on(async {
        let migrator = Migrator::new(folder).await?;
        let mut connection = AnyConnection::connect(&url).await?;
        match command {
            Command::Up => migrator.run_direct(None, &mut connection, false).await?,
            Command::Status => {
                let applied = connection.list_applied_migrations(TABLE).await?;
                for migration in migrator.iter().filter(|migration| !migration.migration_type.is_down_migration()) {
                    let found = applied.iter().find(|applied| applied.version == migration.version);
                    if found.is_some_and(|applied| applied.checksum != migration.checksum) {
                        return Err(format!("{} was applied with another checksum", migration.version).into());
                    }
                    line(found.is_some(), migration.version);
                }
            }
        }
        Ok(())
    })
}
