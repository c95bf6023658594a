//! goose, through its library.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, go, nothing};
use migrate_tests::servers::Engine;

const GOOSE: Tool = Tool {
    name: "goose",
    layout: "goose",
    folder: "migrations",
    tables: |_| &["goose_db_version"],
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: go,
};

round_trips!(GOOSE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, alone, body, .. } = step;
    let alone = if *alone { "-- +goose NO TRANSACTION\n" } else { "" };
    let up = if *body { format!("-- +goose StatementBegin\n{up}-- +goose StatementEnd\n") } else { up.clone() };
    vec![(format!("{number:05}_{name}.sql"), format!("{alone}-- +goose Up\n{up}\n-- +goose Down\n{down}"))]
}
