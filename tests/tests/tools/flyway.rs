//! Flyway, through its Java API.

use migrate_tests::Project;

use crate::round_trip::{Begun, round_trips};
use crate::steps::Step;
use crate::tool::{Files, Tool, java};
use migrate_tests::servers::{Engine, Place};

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

/// Flyway's own table is written along, so that both can go on.
mod beside_ours {
    use super::*;
    use crate::round_trip::{contents, whole};
    use crate::steps::{HALF, steps};

    fn both_apply_in_turns(engine: Engine) {
        let project = Project::new();
        let place = Place::new(engine, &project);
        project.write("migrate.toml", "[history]\nmirror = \"flyway\"\n");
        let url = place.url();
        let ours = |words: &str| {
            let mut arguments: Vec<_> = words.split(' ').collect();
            arguments.extend(["-d", &url, "--dir", FLYWAY.folder, "--layout", FLYWAY.layout]);
            project.migrate_with(&arguments).exits(0).stdout
        };
        let all = steps(engine, FLYWAY.alone).len();

        FLYWAY.write(&project, engine, &place, HALF);
        ours("up --create-db");
        FLYWAY.must("validate", &place, &project);
        assert_eq!(FLYWAY.counts(&place, &project), (HALF, 0));

        FLYWAY.write(&project, engine, &place, HALF + 1);
        FLYWAY.must("up", &place, &project);

        FLYWAY.write(&project, engine, &place, all);
        let said = ours("up");
        assert!(said.contains("applied by flyway"), "{said}");
        FLYWAY.must("validate", &place, &project);
        FLYWAY.must("up", &place, &project);
        assert_eq!(FLYWAY.counts(&place, &project), (all, 0));
        assert!(ours("up").contains("nothing to do"));

        place.drop("flyway_schema_history");
        let (contents, whole) = (contents(&place), whole(&FLYWAY, engine));
        assert!(contents == whole, "{}", migrate_tests::difference(&contents, &whole));
    }

    macro_rules! on {
        ($($module:ident $engine:ident),+) => {
            $(mod $module {
                #[test]
                fn both_apply_in_turns() {
                    super::both_apply_in_turns(migrate_tests::servers::Engine::$engine);
                }
            })+
        };
    }
    on!(on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);
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
