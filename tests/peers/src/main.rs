//! `migrate` beside psql, sqlx, refinery and diesel as libraries: the same small migrations, each in a transaction of
//! its own, applied to a new database; then the same call with nothing to do.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml
//! ```
//!
//! All of them take turns in one run, so what counts is the ratio of the medians. psql has no history and no second
//! look: it is what the bare client needs. Connecting and reading the files are part of every figure.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use migrate_postgres::Postgres;
use migrate_tests::proxy::Proxy;
use migrate_tests::servers;
use sqlx::Connection as _;

type Failed = Box<dyn std::error::Error>;

/// A tool and how it brings a database up to date.
struct Peer {
    name: &'static str,
    /// Writes one migration in the tool's own layout.
    write: fn(&Path, usize, &str),
    up: fn(&Path, &str) -> Result<(), Failed>,
    /// Whether it knows what it has applied.
    remembers: bool,
}

const PEERS: &[Peer] = &[
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

fn file(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file can be written");
}

/// Small realistic migrations: a table with an index, a column, rows, a function.
fn text(number: usize) -> String {
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
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

fn main() -> Result<(), Failed> {
    let server = servers::Postgres::start(servers::Options {
        config: vec!["fsync = on".to_owned()],
        ..servers::Options::default()
    });
    compare(&server, "on this machine", 1_000, 5, None)?;
    compare(&server, "over a link with 20 ms round trip", 200, 1, Some(Duration::from_millis(20)))
}

/// Lets all tools take turns and prints the medians.
fn compare(
    server: &servers::Postgres,
    place: &str,
    migrations: usize,
    rounds: usize,
    round_trip: Option<Duration>,
) -> Result<(), Failed> {
    let folders: Vec<_> = PEERS
        .iter()
        .map(|peer| {
            let folder = tempfile::tempdir()?;
            (0..migrations).for_each(|number| (peer.write)(folder.path(), number + 1, &text(number)));
            Ok(folder)
        })
        .collect::<Result<_, std::io::Error>>()?;
    let mut times = vec![[const { Vec::new() }; 2]; PEERS.len()];
    for _ in 0..rounds {
        for ((peer, folder), times) in PEERS.iter().zip(&folders).zip(&mut times) {
            let database = server.database();
            let proxy = round_trip.map(|round_trip| Proxy::delayed(&server.address(), round_trip));
            let url = match &proxy {
                Some(proxy) => database.url_by(&proxy.address()),
                None => database.url(),
            };
            for (which, times) in times.iter_mut().enumerate() {
                if which == 1 && !peer.remembers {
                    continue;
                }
                let began = Instant::now();
                (peer.up)(folder.path(), &url)?;
                times.push(began.elapsed());
            }
        }
    }
    println!("\n{migrations} migrations {place}, median of {rounds}");
    println!("{:<10} {:>12} {:>9} {:>14} {:>9}", "", "all pending", "", "nothing to do", "");
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times.get(times.len() / 2).copied()
    };
    let ours: Vec<_> = times[0].iter().map(|times| median(times)).collect();
    for (peer, times) in PEERS.iter().zip(&times) {
        print!("{:<10}", peer.name);
        for (times, ours) in times.iter().zip(&ours) {
            match (median(times), ours) {
                (Some(time), Some(ours)) => {
                    print!(" {:>9.1} ms {:>8.2}×", time.as_secs_f64() * 1e3, time.as_secs_f64() / ours.as_secs_f64());
                }
                _ => print!(" {:>12} {:>9}", "-", ""),
            }
        }
        println!();
    }
    Ok(())
}
