//! The peers on MySQL and MariaDB.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use migrate_mysql::Mysql;
use migrate_tests::servers::mysql::{Flavour, client_program};
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
        name: "client",
        write: |folder, n, sql| file(folder, &format!("{n:05}.sql"), sql),
        up: client,
        remembers: false,
    },
    Peer {
        name: "client each",
        write: |folder, n, sql| file(folder, &format!("{n:05}.sql"), sql),
        up: client_for_each,
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
];

/// Small realistic migrations: a table with an index, a column, rows, a view.
pub(super) fn text(number: usize) -> String {
    let table = number / 4;
    match number % 4 {
        0 => format!(
            "create table t{table} (id bigint auto_increment primary key, name varchar(100) not null, \
             created_at timestamp not null default current_timestamp);\ncreate index t{table}_by_name on t{table} (name);\n"
        ),
        1 => format!("alter table t{table} add column note varchar(100) not null default '';\n"),
        2 => format!("insert into t{table} (name) values ('a;b'), ('it''s'), ('c');\n"),
        _ => format!("create view v{table} as select id, name from t{table} where note <> '';\n"),
    }
}

/// What needs no note: rows, and what may be made again.
pub(super) fn plain(number: usize) -> String {
    let table = number / 2;
    match number % 2 {
        0 => {
            format!("create table if not exists t{table} (id bigint auto_increment primary key, name varchar(100));\n")
        }
        _ => format!("insert into t{table} (name) values ('a;b'), ('it''s'), ('c');\n"),
    }
}

fn migrate(folder: &Path, url: &str) -> Result<(), Failed> {
    let set = MigrationSet::read(&[folder.to_owned()], &ReadOptions::new(EngineNames::MYSQL))
        .map_err(|diagnostics| diagnostics[0].to_string())?;
    runtime().block_on(Migrator::new(Mysql::from_url(url)?, set.set).up())?;
    Ok(())
}

/// One session that is fed the files one after another.
fn client(folder: &Path, url: &str) -> Result<(), Failed> {
    let mut script = String::new();
    for file in files(folder)? {
        writeln!(script, "{}", fs::read_to_string(file)?)?;
    }
    let mut client = client_of(url)?.stdin(Stdio::piped()).spawn()?;
    client.stdin.take().expect("it was asked for").write_all(script.as_bytes())?;
    if client.wait()?.success() { Ok(()) } else { Err("the client failed".into()) }
}

/// `for file in *.sql; do mysql … < "$file"; done`, as it is done by hand: what fails ends it at its file.
fn client_for_each(folder: &Path, url: &str) -> Result<(), Failed> {
    for file in files(folder)? {
        if !client_of(url)?.stdin(fs::File::open(&file)?).status()?.success() {
            return Err(format!("the client failed at {}", file.display()).into());
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

fn client_of(url: &str) -> Result<Command, Failed> {
    let (scheme, rest) = url.split_once("://").ok_or("a URL has a scheme")?;
    let (credentials, place) = rest.split_once('@').ok_or("the URL of a test has a user")?;
    let (user, password) = credentials.split_once(':').ok_or("the user of a test has a password")?;
    let (address, database) = place.split_once('/').ok_or("the URL of a test has a database")?;
    let (host, port) = address.split_once(':').ok_or("the URL of a test has a port")?;
    let mut client = Command::new(client_program(if scheme == "mariadb" { Flavour::MariaDb } else { Flavour::MySql }));
    client.args(["--no-defaults", "--batch", "-h", host, "-P", port, "-u", user, database]);
    client.env("MYSQL_PWD", password).stdout(Stdio::null());
    Ok(client)
}

/// The peers know no `mariadb:`.
fn as_mysql(url: &str) -> String {
    url.replacen("mariadb://", "mysql://", 1)
}

fn sqlx(folder: &Path, url: &str) -> Result<(), Failed> {
    runtime().block_on(async {
        let url = format!("{}?ssl-mode=DISABLED", as_mysql(url));
        let mut connection = sqlx::MySqlConnection::connect(&url).await?;
        sqlx::migrate::Migrator::new(folder).await?.run(&mut connection).await?;
        Ok(())
    })
}

fn refinery(folder: &Path, url: &str) -> Result<(), Failed> {
    runtime().block_on(async {
        // Or it would go on through the socket of the server, past the link.
        let url = format!("{}?prefer_socket=false", as_mysql(url));
        let mut pool = mysql_async::Pool::new(url.as_str());
        let migrations = refinery::load_sql_migrations(folder)?;
        refinery::Runner::new(&migrations).run_async(&mut pool).await?;
        pool.disconnect().await?;
        Ok(())
    })
}
