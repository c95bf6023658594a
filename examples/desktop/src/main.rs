//! Notes in a file.
#![allow(clippy::print_stdout)] // it shows the notes

use std::env;
use std::error::Error;

use migrate_sqlite::core::Policy;
use migrate_sqlite::core::plan::OnAhead;
use migrate_sqlite::{Sqlite, blocking::Migrator};
use rusqlite::Connection;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;

    // A file that a newer version wrote is not touched.
    let mut policy = Policy::default();
    policy.on_ahead = OnAhead::Refuse;
    let set = migrate_sqlite::embed_migrations!("migrations");
    let report = Migrator::new(Sqlite::open(&file), set).policy(policy).up()?;
    if !report.is_empty() {
        println!("{file} was brought up to date");
    }

    let notes = Connection::open(&file)?;
    for text in arguments {
        notes.execute("insert into notes (text) values (?1)", [text])?;
    }
    let mut all = notes.prepare("select id, text from notes order by id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        println!("{}  {}", row.get::<_, i64>(0)?, row.get::<_, String>(1)?);
    }
    Ok(())
}
