//! dbmate, its program.

use std::process::Command;

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, had, nothing, said};
use migrate_tests::servers::{Engine, Place};

const DBMATE: Tool = Tool {
    name: "dbmate",
    layout: "dbmate",
    folder: "migrations",
    tables: |_| &["schema_migrations"],
    alone: true,
    own: 0,
    files,
    beside: nothing,
    run: dbmate,
};

round_trips!(DBMATE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { name, up, down, alone, .. } = step;
    let alone = if *alone { " transaction:false" } else { "" };
    let text = format!("-- migrate:up{alone}\n{up}\n-- migrate:down{alone}\n{down}");
    vec![(format!("{}_{name}.sql", step.timestamp()), text)]
}

fn dbmate(tool: &Tool, command: &str, place: &Place, project: &Project) -> Result<String, String> {
    let url = match place {
        Place::Sqlite(_) => place.url(),
        Place::Postgres(_) => place.url() + "?sslmode=disable",
        Place::MySql(_) => place.url().replacen("mariadb://", "mysql://", 1),
    };
    let mut dbmate = Command::new(had("node/node_modules/.bin/dbmate", tool));
    dbmate.args(["--url", &url, "--no-dump-schema", "--migrations-dir", tool.folder]);
    dbmate.arg(if command == "up" { "migrate" } else { command });
    let said = said(&mut dbmate, project)?;
    // `[X] file` is applied, `[ ] file` is not.
    Ok(said.replace("[X] ", "applied ").replace("[ ] ", "pending "))
}
