//! Drizzle, through the migrators of its library.

use std::fs;

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, node};
use migrate_tests::servers::{Engine, Place};

const DRIZZLE: Tool = Tool {
    name: "drizzle",
    layout: "drizzle",
    folder: "drizzle",
    tables: |engine| match engine {
        Engine::Postgres => &["drizzle.__drizzle_migrations"],
        _ => &["__drizzle_migrations"],
    },
    // All that is pending is in one transaction.
    alone: false,
    own: 0,
    files,
    beside: journal,
    run: node,
};

round_trips!(DRIZZLE, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, body, .. } = step;
    let text = if *body { up.clone() } else { up.replace(";\ninsert", ";\n--> statement-breakpoint\ninsert") };
    let text = text.replace(";\ncreate index", ";\n--> statement-breakpoint\ncreate index");
    vec![(format!("{number:04}_{name}.sql"), text)]
}

/// The journal lists the files that are there.
fn journal(tool: &Tool, place: &Place, project: &Project) {
    let dialect = match place {
        Place::Sqlite(_) => "sqlite",
        Place::Postgres(_) => "postgresql",
        Place::MySql(_) => "mysql",
    };
    let folder =
        fs::read_dir(project.path(tool.folder)).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut tags: Vec<_> = folder
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    tags.sort();
    let entry = |(index, tag): (usize, &String)| {
        let when = 1_704_110_400_000 + 86_400_000 * index;
        format!(r#"{{"idx": {index}, "version": "6", "when": {when}, "tag": "{tag}", "breakpoints": true}}"#)
    };
    let entries: Vec<_> = tags.iter().enumerate().map(entry).collect();
    let text = format!(r#"{{"version": "6", "dialect": "{dialect}", "entries": [{}]}}"#, entries.join(", "));
    project.write(&format!("{}/meta/_journal.json", tool.folder), &text);
}
