//! Alembic, its program.

use migrate_tests::Project;

use crate::baseline::{baselines, python, sqlalchemy};
use crate::steps::Step;
use crate::tool::{Files, Tool};
use migrate_tests::servers::{Engine, Place};

const ALEMBIC: Tool = Tool {
    name: "alembic",
    layout: "native",
    folder: "alembic",
    tables: |_| &["alembic_version"],
    alone: false,
    own: 0,
    files,
    beside,
    run: alembic,
};

baselines!(ALEMBIC, on_sqlite Sqlite, on_postgres Postgres, on_mariadb MariaDb);

/// A revision is what its author calls it.
fn revision(number: usize) -> String {
    format!("a{:011x}", number * 0x9e37)
}

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, name, up, .. } = step;
    let before = if *number == 1 { "None".to_owned() } else { format!("\"{}\"", revision(number - 1)) };
    let calls = up
        .trim_end()
        .split_terminator(';')
        .fold(String::new(), |text, statement| text + "    op.execute(\"\"\"" + statement.trim() + "\"\"\")\n");
    let text = format!(
        "from alembic import op\n\nrevision = \"{}\"\ndown_revision = {before}\n\n\ndef upgrade():\n{calls}",
        revision(*number)
    );
    vec![(format!("versions/{}_{name}.py", revision(*number)), text)]
}

fn beside(tool: &Tool, place: &Place, project: &Project) {
    let settings = format!("[alembic]\nscript_location = {}\nsqlalchemy.url = {}\n", tool.folder, sqlalchemy(place));
    project.write("alembic.ini", &settings);
    let environment = "from alembic import context\nfrom sqlalchemy import create_engine\n\n\
                       engine = create_engine(context.config.get_main_option(\"sqlalchemy.url\"))\n\
                       with engine.connect() as connection:\n    context.configure(connection=connection)\n    \
                       with context.begin_transaction():\n        context.run_migrations()\n";
    project.write(&format!("{}/env.py", tool.folder), environment);
}

fn alembic(tool: &Tool, _: &str, _: &Place, project: &Project) -> Result<String, String> {
    python("alembic", tool, project, &["upgrade", "head"])
}
