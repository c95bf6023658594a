//! Prisma Migrate, through its engine, which knows PostgreSQL and SQLite where it is no native program.

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, node};
use migrate_tests::servers::{Engine, Place};

const PRISMA: Tool = Tool {
    name: "prisma",
    layout: "prisma",
    folder: "prisma/migrations",
    tables: |_| &["_prisma_migrations"],
    // A file with one statement is in no transaction.
    alone: true,
    own: 0,
    files,
    beside,
    run: node,
};

round_trips!(PRISMA, on_sqlite Sqlite, on_postgres Postgres);

fn files(_: Engine, step: &Step) -> Files {
    vec![(format!("{}_{}/migration.sql", step.timestamp(), step.name), step.up.clone())]
}

fn beside(tool: &Tool, place: &Place, project: &Project) {
    let provider = if let Place::Sqlite(_) = place { "sqlite" } else { "postgresql" };
    project.write(&format!("{}/migration_lock.toml", tool.folder), &format!("provider = \"{provider}\"\n"));
}
