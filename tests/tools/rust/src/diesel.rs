//! What `diesel migration run` and `diesel migration list` do, through the same crates.

use std::path::Path;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
use diesel::{Connection as _, MysqlConnection, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::{Command, Engine, Failed, line};

pub(crate) fn run(command: Command, engine: &Engine<'_>, folder: &Path) -> Result<(), Failed> {
    let migrations = FileBasedMigrations::from_path(folder)?;
    match engine {
        Engine::Postgres(url) => with(command, &mut PgConnection::establish(url)?, migrations),
        Engine::MySql(url) => with(command, &mut MysqlConnection::establish(url)?, migrations),
        Engine::Sqlite(path) => {
            with(command, &mut SqliteConnection::establish(&path.to_string_lossy())?, migrations)
        }
    }
}

fn with<B: Backend>(
    command: Command,
    connection: &mut impl MigrationHarness<B>,
    migrations: FileBasedMigrations,
) -> Result<(), Failed>
where
    FileBasedMigrations: MigrationSource<B>,
{
    match command {
        Command::Up => {
            connection.run_pending_migrations(migrations).map_err(|error| error.to_string())?;
        }
        Command::Status => {
            let applied = connection.applied_migrations().map_err(|error| error.to_string())?;
            let mut all = migrations.migrations().map_err(|error| error.to_string())?;
            all.sort_by_key(|migration| migration.name().version().as_owned());
            for migration in all {
                let version = migration.name().version().as_owned();
                line(applied.contains(&version), version);
            }
        }
    }
    Ok(())
}
