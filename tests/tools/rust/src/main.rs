//! Other tools that are crates, each behind the same two words:
//!
//! ```sh
//! migrate-tools TOOL up URL FOLDER       # applies what is pending, as the tool's own command does
//! migrate-tools TOOL status URL FOLDER   # a line for each migration: "applied ID" or "pending ID", as the tool sees it
//! ```
//!
//! URL is `postgres://user@host:port/database`, `mysql://user:password@host:port/database`, `mariadb://…` or
//! `sqlite:/path`.

use std::path::Path;
use std::process::ExitCode;

#[cfg(feature = "diesel")]
mod diesel;
mod refinery;
mod rusqlite_migration;
mod sqlx;

type Failed = Box<dyn std::error::Error>;

/// What a tool is asked to do.
#[derive(Clone, Copy, Debug)]
enum Command {
    Up,
    Status,
}

/// A database, as the drivers call it.
enum Engine<'a> {
    Postgres(&'a str),
    /// With the scheme `mysql`, also for MariaDB: drivers know no other.
    MySql(String),
    /// The path of a file.
    Sqlite(&'a Path),
}

impl<'a> Engine<'a> {
    fn of(url: &'a str) -> Result<Self, Failed> {
        match url.split_once(':') {
            Some(("sqlite", path)) => Ok(Self::Sqlite(Path::new(path))),
            Some(("postgres", _)) => Ok(Self::Postgres(url)),
            Some(("mysql" | "mariadb", rest)) => Ok(Self::MySql(format!("mysql:{rest}"))),
            _ => Err(format!("{url}: no scheme of these").into()),
        }
    }
}

/// A line of `status`.
fn line(applied: bool, id: impl std::fmt::Display) {
    println!("{} {id}", if applied { "applied" } else { "pending" });
}

fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failed> {
    let [tool, command, url, folder] = arguments else {
        return Err("usage: TOOL up|status URL FOLDER".into());
    };
    let command = match command.as_str() {
        "up" => Command::Up,
        "status" => Command::Status,
        other => return Err(format!("{other} is no command of these").into()),
    };
    let folder = Path::new(folder);
    match tool.as_str() {
        #[cfg(feature = "diesel")]
        "diesel" => diesel::run(command, &Engine::of(url)?, folder),
        "refinery" => refinery::run(command, &Engine::of(url)?, folder),
        "rusqlite_migration" => rusqlite_migration::run(command, &Engine::of(url)?, folder),
        "sqlx" => sqlx::run(command, &Engine::of(url)?, folder),
        other => Err(format!("{other} is no tool of these").into()),
    }
}
