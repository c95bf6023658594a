//! What `refinery migrate` does, through the same crate.

use std::path::Path;

use refinery::{Migration, Runner};

use crate::{Command, Engine, Failed, line, runtime};

pub(crate) fn run(command: Command, engine: &Engine<'_>, folder: &Path) -> Result<(), Failed> {
    let mut migrations = refinery::load_sql_migrations(folder)?;
    migrations.sort();
    let runner = Runner::new(&migrations);
    let applied = match engine {
        Engine::Sqlite(path) => {
            let mut connection = rusqlite::Connection::open(path)?;
            match command {
                Command::Up => runner.run(&mut connection).map(|_| Vec::new())?,
                Command::Status => runner.get_applied_migrations(&mut connection)?,
            }
        }
        Engine::Postgres(url) => runtime()?.block_on(async {
            let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            asynchronous(command, &runner, &mut client).await
        })?,
        Engine::MySql(url) => runtime()?.block_on(async {
            let mut pool = mysql_async::Pool::from_url(url)?;
            let applied = asynchronous(command, &runner, &mut pool).await?;
            pool.disconnect().await?;
            Ok::<_, Failed>(applied)
        })?,
    };
    if let Command::Status = command {
        for migration in &migrations {
            let found = applied.iter().find(|applied| applied.version() == migration.version());
            if found.is_some_and(|applied| applied.checksum() != migration.checksum()) {
                return Err(format!("{migration} was applied with another checksum").into());
            }
            line(found.is_some(), migration.version());
        }
    }
    Ok(())
}

async fn asynchronous<C: refinery::AsyncMigrate + Send>(
    command: Command,
    runner: &Runner,
    connection: &mut C,
) -> Result<Vec<Migration>, Failed> {
    match command {
        Command::Up => {
            runner.run_async(connection).await?;
            Ok(Vec::new())
        }
        Command::Status => Ok(runner.get_applied_migrations_async(connection).await?),
    }
}
