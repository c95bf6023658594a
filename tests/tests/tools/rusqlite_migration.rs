//! `rusqlite_migration`: a list in code, and a number in the file's header.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, nothing, rust};
use migrate_tests::servers::Engine;

const RUSQLITE_MIGRATION: Tool = Tool {
    name: "rusqlite_migration",
    layout: "rusqlite_migration",
    folder: "migrations",
    tables: |_| &[],
    alone: false,
    own: 0,
    files,
    beside: nothing,
    run: rust,
};

round_trips!(RUSQLITE_MIGRATION, on_sqlite Sqlite);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, .. } = step;
    vec![(format!("{number}-{name}/up.sql"), up.clone()), (format!("{number}-{name}/down.sql"), down.clone())]
}
