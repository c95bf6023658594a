//! Brings the schema of each tenant up to date, four at a time.
#![allow(clippy::print_stdout)] // it says what became of each

use std::env;
use std::error::Error;

use futures_util::StreamExt as _;
use futures_util::stream;
use migrate_postgres::Postgres;
use migrate_postgres::core::backend::TableName;
use migrate_postgres::core::{Migrator, Report};

/// So many connections at once.
const AT_A_TIME: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL says where the database is")?;
    let tenants: Vec<String> = env::args().skip(1).collect();
    let all = tenants.len();
    let runs = tenants.into_iter().map(|tenant| {
        let url = url.clone();
        async move { (migrated(&url, &tenant).await, tenant) }
    });
    let mut failed = 0;
    let mut runs = stream::iter(runs).buffer_unordered(AT_A_TIME);
    while let Some((result, tenant)) = runs.next().await {
        match result {
            Ok(report) => println!("{tenant}: {} applied", report.steps.len()),
            Err(error) => {
                failed += 1;
                println!("{tenant}: {error}");
            }
        }
    }
    if failed > 0 {
        return Err(format!("{failed} of {all} tenants are not up to date").into());
    }
    Ok(())
}

/// The tenant's schema holds its history, for which it is created where it is missing, and is the first of the
/// connection's, so that everything else is made there too.
async fn migrated(url: &str, tenant: &str) -> Result<Report, Box<dyn Error>> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let place = Postgres::from_url(&format!("{url}{separator}options=-csearch_path%3D{tenant}"))?.create_schema(true);
    let history = TableName { schema: Some(tenant.to_owned()), ..TableName::default() };
    Ok(Migrator::new(place, migrate_postgres::embed_migrations!("migrations")).table(history).up().await?)
}
