//! A service with a pool of sqlx's.
#![allow(clippy::print_stdout)] // it says what it did

use std::env;
use std::error::Error;

use migrate_postgres::Postgres;
use migrate_postgres::core::Migrator;
use sqlx::PgPool;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL says where the database is")?;

    // By the URL: the run has a connection of its own, as its lock and its settings need one. It is closed behind it.
    let set = migrate_postgres::embed_migrations!("migrations");
    let report = Migrator::new(Postgres::from_url(&url)?, set).up().await?;
    println!("{} applied", report.steps.len());

    // Behind that, so that no connection of the pool's ever saw what was there before.
    let pool = PgPool::connect(&url).await?;
    sqlx::query("insert into visits default values").execute(&pool).await?;
    let visits: i64 = sqlx::query_scalar("select count(*) from visits").fetch_one(&pool).await?;
    println!("visit {visits}");
    Ok(())
}
