//! Flyway, through its Java API.

use migrate_tests::Project;

use crate::place::{Engine, Place};
use crate::round_trip::{Begun, round_trips};
use crate::steps::Step;
use crate::tool::{Files, Tool, java};

const FLYWAY: Tool = Tool {
    name: "flyway",
    layout: "flyway",
    folder: "migrations",
    tables: |_| &["flyway_schema_history"],
    alone: true,
    own: 0,
    files,
    beside,
    run: java,
};

round_trips!(FLYWAY, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, down, .. } = step;
    vec![(format!("V{number}__{name}.sql"), up.clone()), (format!("U{number}__{name}.sql"), down.clone())]
}

/// Its lock would keep indexes from being built concurrently.
fn beside(tool: &Tool, _: &Place, project: &Project) {
    project.write(&format!("{}/flyway.conf", tool.folder), "flyway.postgresql.transactional.lock=false\n");
}

/// By this name the test is left out where Flyway cannot be had.
mod screens {
    use super::*;

    /// What a person types who comes from Flyway, and reads.
    #[test]
    fn from_flyway_to_ours() {
        let begun = Begun::new(&FLYWAY, Engine::Sqlite);
        let typed = ["status", "up", "adopt --dry-run", "adopt", "up", "status"];
        let read = |words: &str| begun.project.migrate(&format!("{words} -d sqlite:app.db")).to_string();
        insta::assert_snapshot!(typed.map(read).join("\n"));
    }
}
