//! A program with the fewest features there are, and one with `embed` alone: what works, and what is said of the rest.
#![cfg(test)]

mod beside;
mod histories;
mod messages;

use migrate_sqlite::blocking::Migrator;
use migrate_sqlite::core::layout::Folder;
use migrate_sqlite::core::{EngineNames, MigrationSet, ReadOptions};
use migrate_sqlite::{Sqlite, rusqlite};

const USERS: &str = "create table users (name text);\n";

/// A set of scripts that are compiled in, or everything that is wrong with it.
fn read(layout: Option<&str>, files: &[(&'static str, &'static str)]) -> Result<MigrationSet, String> {
    let folder = Folder::embedded("m", files.iter().copied());
    let mut options = ReadOptions::new(EngineNames::SQLITE);
    options.layout = layout.map(str::to_owned);
    let problems = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
    MigrationSet::from_folder(&folder, &options).map(|loaded| loaded.set).map_err(problems)
}

fn set(files: &[(&'static str, &'static str)]) -> MigrationSet {
    read(None, files).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A database in a file of its own.
struct Database(std::path::PathBuf);

impl Database {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("migrate-smallest-{}-{name}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn migrator(&self, set: MigrationSet) -> Migrator {
        Migrator::new(Sqlite::open(&self.0).create(true), set)
    }

    fn run(&self, sql: &str) {
        let connection = rusqlite::Connection::open(&self.0).expect("the file opens");
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn scripts_are_read_and_run_and_found_applied() {
    let files = [("1_create_users.sql", USERS), ("2_add_email.sql", "alter table users add column email text;\n")];
    let database = Database::new("runs");
    let migrator = database.migrator(set(&files));
    assert_eq!(migrator.up().expect("both run").steps.len(), 2);
    assert!(migrator.check().expect("it answers").is_current());
    // So do those of another tool's layout.
    let flyway = read(Some("flyway"), &[("V1__create_users.sql", USERS)]).expect("scripts alone");
    assert_eq!(Database::new("flyway").migrator(flyway).up().expect("it runs").steps.len(), 1);
}
