//! sqlx, through its crate.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, nothing, rust};
use migrate_tests::servers::Engine;

const SQLX: Tool = Tool {
    name: "sqlx",
    layout: "sqlx",
    folder: "migrations",
    tables: |_| &["_sqlx_migrations"],
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: rust,
};

round_trips!(SQLX, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { name, up, down, alone, .. } = step;
    let alone = if *alone { "-- no-transaction\n" } else { "" };
    let file = format!("{}_{name}", step.timestamp());
    vec![(format!("{file}.up.sql"), format!("{alone}{up}")), (format!("{file}.down.sql"), down.clone())]
}
