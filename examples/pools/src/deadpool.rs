//! A service with a pool of deadpool's, which migrates on a connection of that pool.
#![allow(clippy::print_stdout)] // it says what it did

use std::env;
use std::error::Error;

use deadpool_postgres::{Config, Runtime};
use migrate_postgres::core::Migrator;
use migrate_postgres::{Borrowed, PostgresSession};
use tokio_postgres::NoTls;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL says where the database is")?;
    let config = Config { url: Some(url), ..Config::default() };
    let pool = config.create_pool(Some(Runtime::Tokio1), NoTls)?;

    // On a connection of the pool's, for whoever has no URL: what is set for the run is put back behind it. A run by the
    // URL can do more: it connects again, names who is in the way, and can be stopped.
    let mut connection = pool.get().await?;
    let migrator = Migrator::new(Borrowed, migrate_postgres::embed_migrations!("migrations"));
    let report = migrator.run_on(&mut PostgresSession::on(&mut connection).await?, &mut ()).await?;
    println!("{} applied", report.steps.len());

    connection.execute("insert into visits default values", &[]).await?;
    let visits: i64 = connection.query_one("select count(*) from visits", &[]).await?.get(0);
    println!("visit {visits}");
    Ok(())
}
