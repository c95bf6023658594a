//! Orders, each of them confirmed by a mail that a queue sends.
#![allow(clippy::print_stdout)] // it says what it did

use std::env;
use std::error::Error;

use migrate_sqlite::blocking::block_on;
use migrate_sqlite::core::{Migrator, Migrators};
use migrate_sqlite::rusqlite::Connection;
use migrate_sqlite::{Sqlite, embed_migrations};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let database = Sqlite::open(&file);

    // In whatever order they are named: what `depends-on` says decides.
    let ours = Migrator::new(database.clone(), embed_migrations!("migrations"));
    let queue = Migrator::new(database, example_queue::migrations());
    let all = Migrators::new(vec![ours, queue]).map_err(|problems| problems[0].to_string())?;
    for (migrator, report) in all.iter().zip(block_on(all.up())?) {
        println!("{}: {} applied", migrator.set().component(), report.steps.len());
    }

    let mut connection = Connection::open(&file)?;
    for customer in arguments {
        // One transaction of the application's for its own row and for the library's.
        let transaction = connection.transaction()?;
        let mail = example_queue::put(&transaction, &format!("thank {customer}"))?;
        transaction.execute("insert into orders (customer, mail) values (?1, ?2)", (customer, mail))?;
        transaction.commit()?;
    }
    while let Some((job, work)) = example_queue::take(&connection)? {
        println!("job {job}: {work}");
    }
    Ok(())
}
