//! The crate's way: a list of migrations, here read from folders `N-name` with `up.sql`, and `user_version`.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations, SchemaVersion};

use crate::{Command, Engine, Failed, line};

pub(crate) fn run(command: Command, engine: &Engine<'_>, folder: &Path) -> Result<(), Failed> {
    let Engine::Sqlite(path) = engine else { return Err("it knows SQLite alone".into()) };
    let mut folders: Vec<(usize, String)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.split('-').next().and_then(|number| number.parse().ok());
        folders.push((number.ok_or("a folder without a number")?, fs::read_to_string(entry.path().join("up.sql"))?));
    }
    folders.sort();
    let migrations = Migrations::new(folders.iter().map(|(_, text)| M::up(text)).collect());
    let mut connection = Connection::open(path)?;
    match command {
        Command::Up => migrations.to_latest(&mut connection)?,
        Command::Status => {
            let applied = match migrations.current_version(&connection)? {
                SchemaVersion::NoneSet => 0,
                SchemaVersion::Inside(version) => version.get(),
                SchemaVersion::Outside(version) => {
                    return Err(format!("the database is at {version}, too far ahead").into());
                }
            };
            for (number, _) in &folders {
                line(*number <= applied, number);
            }
        }
    }
    Ok(())
}
