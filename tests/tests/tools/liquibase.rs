//! Liquibase, through its Java API, with changelogs in SQL.

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, java};
use migrate_tests::servers::{Engine, Place};

const LIQUIBASE: Tool = Tool {
    name: "liquibase",
    layout: "liquibase",
    folder: "migrations",
    tables: |_| &["DATABASECHANGELOG", "DATABASECHANGELOGLOCK"],
    alone: true,
    own: 0,
    files,
    beside,
    run: java,
};

round_trips!(LIQUIBASE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, alone, body, .. } = step;
    let mut attributes = String::new();
    if *alone {
        attributes += " runInTransaction:false";
    }
    if *body {
        attributes += " splitStatements:false";
    }
    let rollback = down.lines().fold(String::new(), |text, line| text + "--rollback " + line + "\n");
    let text = format!("--liquibase formatted sql\n\n--changeset ada:{name}{attributes}\n{up}{rollback}");
    vec![(format!("{number:03}_{name}.sql"), text)]
}

/// It runs all files of the folder in the order of their names.
fn beside(tool: &Tool, _: &Place, project: &Project) {
    let changelog = format!("databaseChangeLog:\n  - includeAll:\n      path: {}/\n", tool.folder);
    project.write("changelog.yaml", &changelog);
}
