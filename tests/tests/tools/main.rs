//! The tools whose folders and histories we read, run for real: half of the work is theirs, the rest is ours.
//!
//! | file | holds |
//! |---|---|
//! | `round_trip` | what must hold for each of them, on each database |
//! | `baseline` | what must hold for those whose migrations are code |
//! | `tool` | a tool, and how it is run |
//! | `steps` | what all of their migrations do |
//! | all others | a tool each: its files with its marks |
//!
//! `scripts/tools` gets the tools. The tests of one stand in a module `with_NAME`: by that name they are left out where
//! it cannot be had, and by it they are run alone: `cargo test -p migrate-tests --test tools -- with_goose::`.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod baseline;
mod round_trip;
mod steps;
mod tool;

#[path = "alembic.rs"]
mod with_alembic;
#[path = "atlas.rs"]
mod with_atlas;
#[path = "dbmate.rs"]
mod with_dbmate;
#[path = "diesel.rs"]
mod with_diesel;
#[path = "django.rs"]
mod with_django;
#[path = "drizzle.rs"]
mod with_drizzle;
#[path = "flyway.rs"]
mod with_flyway;
#[path = "golang_migrate.rs"]
mod with_golang_migrate;
#[path = "goose.rs"]
mod with_goose;
#[path = "liquibase.rs"]
mod with_liquibase;
#[path = "mybatis.rs"]
mod with_mybatis;
#[path = "prisma.rs"]
mod with_prisma;
#[path = "refinery.rs"]
mod with_refinery;
#[path = "rusqlite_migration.rs"]
mod with_rusqlite_migration;
#[path = "sql_migrate.rs"]
mod with_sql_migrate;
#[path = "sqlx.rs"]
mod with_sqlx;
