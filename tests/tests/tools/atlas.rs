//! Atlas, through its executor.

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, go};
use migrate_tests::servers::{Engine, Place};

const ATLAS: Tool = Tool {
    name: "atlas",
    layout: "atlas",
    folder: "migrations",
    tables: |engine| match engine {
        Engine::Postgres => &["atlas_schema_revisions.atlas_schema_revisions"],
        _ => &["atlas_schema_revisions"],
    },
    alone: true,
    own: 0,
    files,
    beside: hash,
    run: go,
};

round_trips!(ATLAS, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { name, up, alone, body, .. } = step;
    let mut marks = String::new();
    if *alone {
        marks += "-- atlas:txmode none\n\n";
    }
    if *body {
        marks += "-- atlas:delimiter \\n\\n\\n\n\n";
    }
    vec![(format!("{}_{name}.sql", step.timestamp()), marks + up)]
}

/// What was changed on purpose has to be hashed again.
fn hash(tool: &Tool, place: &Place, project: &Project) {
    tool.must("hash", place, project);
}
