//! refinery, through its crate.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, nothing, rust};
use migrate_tests::servers::Engine;

const REFINERY: Tool = Tool {
    name: "refinery",
    layout: "refinery",
    folder: "migrations",
    tables: |_| &["refinery_schema_history"],
    alone: false,
    own: 0,
    files,
    beside: nothing,
    run: rust,
};

round_trips!(REFINERY, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    vec![(format!("V{}__{}.sql", step.number, step.name), step.up.clone())]
}
