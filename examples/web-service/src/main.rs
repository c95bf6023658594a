//! A web service whose replicas migrate their database at their start.
#![allow(clippy::print_stdout)] // it says where it listens

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
use migrate_mysql::core::{Migrator, plan::Check};
#[cfg(feature = "postgres")]
use migrate_postgres::core::{Migrator, plan::Check};
#[cfg(all(feature = "sqlite", not(feature = "postgres")))]
use migrate_sqlite::core::{Migrator, plan::Check};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL says where the database is")?;
    let migrator = Arc::new(migrator(&url)?);
    let report = migrator.up().await?;
    println!("{} applied", report.steps.len());

    let listener = TcpListener::bind(env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned())).await?;
    println!("listening on {}", listener.local_addr()?);
    let ready = move || {
        let migrator = Arc::clone(&migrator);
        async move { readiness(&migrator).await }
    };
    let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, Router::new().route("/ready", get(ready))).with_graceful_shutdown(stopped).await?;
    Ok(())
}

/// Whether this release may serve on the database as it is.
async fn readiness(migrator: &Migrator) -> (StatusCode, String) {
    match migrator.check().await {
        Ok(check) if check.is_current() => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Check::Pending { titles }) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{} migrations are pending\n", titles.len()))
        }
        Ok(Check::Ahead(why) | Check::Blocked(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// What brings the database there, by the URL's scheme.
fn migrator(url: &str) -> Result<Migrator, Box<dyn Error>> {
    match url.split(':').next() {
        #[cfg(feature = "postgres")]
        Some("postgres" | "postgresql") => Ok(Migrator::new(
            migrate_postgres::Postgres::from_url(url)?,
            migrate_postgres::embed_migrations!("migrations"),
        )),
        #[cfg(feature = "mysql")]
        Some("mysql") => {
            Ok(Migrator::new(migrate_mysql::Mysql::from_url(url)?, migrate_mysql::embed_migrations!("migrations")))
        }
        #[cfg(feature = "mysql")]
        Some("mariadb") => Ok(Migrator::new(
            migrate_mysql::Mysql::from_url(url)?,
            migrate_mysql::embed_migrations!(mariadb, "migrations"),
        )),
        #[cfg(feature = "sqlite")]
        Some("sqlite") => Ok(Migrator::new(
            migrate_sqlite::Sqlite::open(url.trim_start_matches("sqlite:")),
            migrate_sqlite::embed_migrations!("migrations"),
        )),
        _ => Err("this build is for another database".into()),
    }
}
