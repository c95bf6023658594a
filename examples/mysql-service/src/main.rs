//! A service that answers from its beginning, and is ready once its database is what it needs.
#![allow(clippy::print_stdout)] // it says where it listens

mod initials;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use migrate_mysql::Mysql;
use migrate_mysql::core::plan::{Check, Refusal};
use migrate_mysql::core::{Migrator, code::CodeMigration};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL says where the database is")?;
    // The checksum is that of the file that declares it: whoever changes what the code does counts it up in both.
    let code = CodeMigration::new("3".parse()?, "fill initials", "fill-initials-1", initials::Fill).in_batches();
    let set = migrate_mysql::embed_migrations!("migrations");
    let migrator = Arc::new(Migrator::new(Mysql::from_url(&url)?, set).with_code([code])?);

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned())).await?;
    println!("listening on {}", listener.local_addr()?);
    let asked = Arc::clone(&migrator);
    let ready = move || {
        let migrator = Arc::clone(&asked);
        async move { readiness(&migrator).await }
    };
    // A run that is told to stop ends behind a batch, and the next start goes on there.
    let stop = migrator.stop_handle();
    let stopped = async move {
        tokio::signal::ctrl_c().await.unwrap_or_default();
        stop.stop();
    };
    let serve = axum::serve(listener, Router::new().route("/ready", get(ready))).with_graceful_shutdown(stopped);
    let migrate = async {
        let report = migrator.up().await?;
        println!("{} applied", report.steps.len());
        Ok(())
    };
    // A migration that fails ends the service: whoever starts it again tries again.
    tokio::try_join!(async { serve.await.map_err(Box::<dyn Error>::from) }, migrate)?;
    Ok(())
}

/// Whether the database is what this release needs: one question to it, however many migrations there are.
async fn readiness(migrator: &Migrator) -> (StatusCode, String) {
    let not_ready = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why + "\n");
    match migrator.check().await {
        Ok(Check::Current { .. }) => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Check::Pending { titles }) => not_ready(format!("pending: {}", titles.join(", "))),
        // This replica is at work on it, or another one, or one that died and is gone on from.
        Ok(Check::Blocked(Refusal::Open { entry, .. })) => {
            not_ready(format!("pending: {}, {}", entry.title(), entry.stands()))
        }
        Ok(Check::Ahead(why) | Check::Blocked(why)) => not_ready(format!("a person has to look: {why}")),
        Ok(_) => not_ready("not ready".to_owned()),
        Err(error) => not_ready(format!("nobody knows: {error}")),
    }
}
