//! What must hold for tools whose migrations are code: their head is a baseline, and what comes next is ours.

use std::path::PathBuf;
use std::process::Command;

use migrate_tests::Project;

use crate::steps::{HALF, Step, steps};
use crate::tool::{Tool, had, said};
use migrate_tests::servers::{Engine, Place};

/// The tests of one tool on one engine.
macro_rules! baselines {
    ($tool:ident, $($module:ident $engine:ident),+ $(,)?) => {
        $(mod $module {
            use super::$tool;
            use crate::baseline;
            use migrate_tests::servers::Engine;

            #[test]
            fn what_comes_after_its_head_is_ours() {
                baseline::what_comes_after_its_head_is_ours(&$tool, Engine::$engine);
            }
        })+
    };
}
pub(crate) use baselines;

/// The tool made half of it; a folder of ours begins after that.
pub(crate) fn what_comes_after_its_head_is_ours(tool: &Tool, engine: Engine) {
    let project = Project::new();
    let place = Place::new(engine, &project);
    tool.write(&project, engine, &place, HALF);
    tool.must("up", &place, &project);
    let table = (tool.tables)(engine)[0];
    let theirs = place.table(table);
    let url = place.url();
    let migrate = |words: &str, code: i32| {
        let mut arguments: Vec<_> = words.split_whitespace().collect();
        arguments.extend(["-d", &url]);
        let transcript = project.migrate_with(&arguments);
        assert_eq!(transcript.code, Some(code), "{transcript}");
        format!("{}{}", transcript.stdout, transcript.stderr)
    };

    for Step { number, name, up, .. } in &steps(engine, tool.alone)[HALF..] {
        project.write(&format!("migrations/{number}_{name}.sql"), up);
    }
    let adopt = format!("adopt --from {}", tool.name);
    let refusal = migrate("up", 1);
    assert!(refusal.contains(&format!("migrate {adopt}")), "{refusal}");
    // Which of our files it has done is not for the tool to tell.
    let refusal = migrate(&adopt, 1);
    assert!(refusal.contains(&format!("migrate {adopt} --to 0")), "{refusal}");
    migrate(&format!("{adopt} --to 0"), 0);
    migrate("up", 0);
    migrate("check", 0);
    assert_eq!(place.sql("select count(*) from busy").trim(), "1");

    assert_eq!(place.table(table), theirs);
    tool.must("up", &place, &project);
    assert_eq!(place.table(table), theirs, "it has nothing to do");
    // Somebody still uses the tool.
    for (path, text) in (tool.files)(engine, &later()) {
        project.write(&format!("{}/{path}", tool.folder), &text);
    }
    tool.must("up", &place, &project);
    let refusal = migrate("up", 1);
    assert!(refusal.contains(tool.name), "{refusal}");
}

/// One more migration of the tool's own.
fn later() -> Step {
    Step {
        number: HALF + 1,
        name: "create_fines",
        up: "create table fine (id integer not null primary key);\n".to_owned(),
        down: "drop table fine;\n".to_owned(),
        alone: false,
        body: false,
    }
}

/// A program of the Python environment.
pub(crate) fn python(program: &str, tool: &Tool, project: &Project, arguments: &[&str]) -> Result<String, String> {
    let program: PathBuf = had(&format!("python/bin/{program}"), tool);
    said(Command::new(program).args(arguments), project)
}

/// The URL as `SQLAlchemy` takes it, with the drivers of `tests/tools/python`.
pub(crate) fn sqlalchemy(place: &Place) -> String {
    let url = place.url();
    match place {
        Place::Sqlite(path) => format!("sqlite:///{}", path.display()),
        Place::Postgres(_) => url.replacen("postgres://", "postgresql+psycopg2://", 1),
        Place::MySql(_) => format!("mysql+pymysql:{}", url.split_once(':').expect("a URL").1),
    }
}
