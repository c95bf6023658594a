//! golang-migrate, through its library.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, go, nothing};
use migrate_tests::servers::Engine;

const GOLANG_MIGRATE: Tool = Tool {
    name: "golang-migrate",
    layout: "golang-migrate",
    folder: "migrations",
    tables: |_| &["schema_migrations"],
    // A file with one statement is in no transaction.
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: go,
};

round_trips!(GOLANG_MIGRATE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, .. } = step;
    vec![(format!("{number:06}_{name}.up.sql"), up.clone()), (format!("{number:06}_{name}.down.sql"), down.clone())]
}
