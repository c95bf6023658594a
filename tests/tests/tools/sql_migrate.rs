//! sql-migrate, through its library.

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, go, nothing};
use migrate_tests::servers::Engine;

const SQL_MIGRATE: Tool = Tool {
    name: "sql-migrate",
    layout: "sql-migrate",
    folder: "migrations",
    tables: |_| &["gorp_migrations"],
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: go,
};

round_trips!(SQL_MIGRATE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, alone, body, .. } = step;
    let alone = if *alone { " notransaction" } else { "" };
    let up = if *body { format!("-- +migrate StatementBegin\n{up}-- +migrate StatementEnd\n") } else { up.clone() };
    vec![(format!("{number}-{name}.sql"), format!("-- +migrate Up{alone}\n{up}\n-- +migrate Down{alone}\n{down}"))]
}
