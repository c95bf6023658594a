//! The peers on PostgreSQL.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use diesel::Connection as _;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use migrate_postgres::Postgres;
use sqlx::Connection as _;

use super::{Failed, Peer, file, runtime};

pub(super) const PEERS: &[Peer] = &[
    Peer {
        name: "migrate",
        write: |folder, n, sql| file(folder, &format!("{n:05}_step.sql"), sql),
        up: migrate,
        remembers: true,
    },
    Peer {
        name: "psql",
        write: |folder, n, sql| file(folder, &format!("{n:05}.sql"), sql),
        up: psql,
        remembers: false,
    },
    Peer {
        name: "sqlx",
        write: |folder, n, sql| file(folder, &format!("{n}_step.sql"), sql),
        up: sqlx,
        remembers: true,
    },
    Peer {
        name: "refinery",
        write: |folder, n, sql| file(folder, &format!("V{n}__step.sql"), sql),
        up: refinery,
        remembers: true,
    },
    Peer {
        name: "diesel",
        write: |folder, n, sql| {
            let folder = folder.join(format!("{n:05}_step"));
            fs::create_dir(&folder).expect("a folder can be made");
            file(&folder, "up.sql", sql);
            file(&folder, "down.sql", "select 1;");
        },
        up: diesel,
        remembers: true,
    },
];

/// Small realistic migrations: a table with an index, a column, rows, a function.
pub(super) fn text(number: usize) -> String {
    let table = number / 4;
    match number % 4 {
        0 => format!(
            "create table t{table} (id bigint generated always as identity primary key, name text not null, \
             created_at timestamptz not null default now());\ncreate index t{table}_by_name on t{table} (name);\n"
        ),
        1 => format!("alter table t{table} add column note text not null default '';\n"),
        2 => format!("insert into t{table} (name) values ('a;b'), ('it''s'), ('c');\n"),
        _ => format!(
            "create function f{table}() returns bigint language plpgsql as $$\nbegin\n  return (select count(*) from t{table});\nend;\n$$;\n"
        ),
    }
}

fn migrate(folder: &Path, url: &str) -> Result<(), Failed> {
    let set = MigrationSet::read(&[folder.to_owned()], &ReadOptions::new(EngineNames::POSTGRES))
        .map_err(|diagnostics| diagnostics[0].to_string())?;
    runtime().block_on(Migrator::new(Postgres::from_url(url)?, set.set).up())?;
    Ok(())
}

/// One session, a transaction for each file.
fn psql(folder: &Path, url: &str) -> Result<(), Failed> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut script = String::new();
    for file in files {
        writeln!(script, "BEGIN;\n\\i {}\nCOMMIT;", file.display())?;
    }
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    psql.stdin.take().expect("it was asked for").write_all(script.as_bytes())?;
    if psql.wait()?.success() { Ok(()) } else { Err("psql failed".into()) }
}

fn sqlx(folder: &Path, url: &str) -> Result<(), Failed> {
    runtime().block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        sqlx::migrate::Migrator::new(folder).await?.run(&mut connection).await?;
        Ok(())
    })
}

fn refinery(folder: &Path, url: &str) -> Result<(), Failed> {
    runtime().block_on(async {
        let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let migrations = refinery::load_sql_migrations(folder)?;
        refinery::Runner::new(&migrations).run_async(&mut client).await?;
        Ok(())
    })
}

fn diesel(folder: &Path, url: &str) -> Result<(), Failed> {
    let mut connection = diesel::PgConnection::establish(url)?;
    let pending = FileBasedMigrations::from_path(folder)?;
    connection.run_pending_migrations(pending).map_err(|error| error.to_string())?;
    Ok(())
}
