//! diesel, through its crates.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, nothing, rust};
use migrate_tests::servers::Engine;

const DIESEL: Tool = Tool {
    name: "diesel",
    layout: "diesel",
    folder: "migrations",
    tables: |_| &["__diesel_schema_migrations"],
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: rust,
};

round_trips!(DIESEL, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, alone, .. } = step;
    let folder = format!("2024-01-0{number}-120000_{name}");
    let mut files = vec![(format!("{folder}/up.sql"), up.clone()), (format!("{folder}/down.sql"), down.clone())];
    if *alone {
        files.push((format!("{folder}/metadata.toml"), "run_in_transaction = false\n".to_owned()));
    }
    files
}
