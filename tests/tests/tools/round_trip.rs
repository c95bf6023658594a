//! What must hold for each tool, on each database.

use migrate_tests::{Project, difference};

use crate::steps::{HALF, steps};
use crate::tool::Tool;
use migrate_tests::servers::{Engine, Place};

/// The tests of one tool on one engine.
macro_rules! round_trips {
    ($tool:ident, $($module:ident $engine:ident),+ $(,)?) => {
        $(mod $module {
            use migrate_tests::servers::Engine;
            use super::$tool;
            use crate::round_trip;

            #[test]
            fn what_it_began_is_ended_by_ours() {
                round_trip::what_it_began_is_ended_by_ours(&$tool, Engine::$engine);
            }

            #[test]
            fn what_it_writes_after_its_adoption_is_named() {
                round_trip::what_it_writes_after_its_adoption_is_named(&$tool, Engine::$engine);
            }
        })+
    };
}
pub(crate) use round_trips;

/// A project of which the tool has applied the first half, and all of it is there.
pub(crate) struct Begun {
    pub(crate) project: Project,
    pub(crate) place: Place,
}

impl Begun {
    pub(crate) fn new(tool: &Tool, engine: Engine) -> Self {
        let project = Project::new();
        let place = Place::new(engine, &project);
        tool.write(&project, engine, &place, HALF);
        tool.must("up", &place, &project);
        tool.write(&project, engine, &place, steps(engine, tool.alone).len());
        Self { project, place }
    }

    /// `migrate` with these words, at this database and folder, which must end with this code.
    fn migrate(&self, tool: &Tool, words: &str, code: i32) -> String {
        let url = self.place.url();
        let mut arguments: Vec<_> = words.split_whitespace().collect();
        arguments.extend(["-d", &url, "--dir", tool.folder, "--layout", tool.layout]);
        let transcript = self.project.migrate_with(&arguments);
        assert_eq!(transcript.code, Some(code), "{transcript}");
        format!("{}{}", transcript.stdout, transcript.stderr)
    }

    fn tables(&self, tool: &Tool, engine: Engine) -> String {
        let tables: String = (tool.tables)(engine).iter().map(|table| self.place.table(table)).collect();
        if engine == Engine::Sqlite { tables + &self.place.sql("pragma user_version") } else { tables }
    }
}

/// The tool applies half, ours adopts that and applies the rest: it is what the tool would have made of all, and the
/// tool's own table is as it left it.
pub(crate) fn what_it_began_is_ended_by_ours(tool: &Tool, engine: Engine) {
    let begun = Begun::new(tool, engine);
    let Begun { project, place } = &begun;
    let all = steps(engine, tool.alone).len();
    assert_eq!(tool.counts(place, project), (tool.own + HALF, all - HALF));
    let theirs = begun.tables(tool, engine);

    // It does not guess, and says what to type.
    let refusal = begun.migrate(tool, "up", 1);
    assert!(refusal.contains(&format!("migrate adopt --from {}", tool.name)), "{refusal}");
    begun.migrate(tool, "adopt --dry-run", 0);
    begun.migrate(tool, "up", 1);
    begun.migrate(tool, "adopt", 0);
    begun.migrate(tool, "up", 0);
    begun.migrate(tool, "status", 0);
    begun.migrate(tool, "check", 0);

    // Where it knows of nothing but what it applied, it agrees with its table and has nothing to do.
    let half = Project::new();
    tool.write(&half, engine, place, HALF);
    tool.must("up", place, &half);
    assert_eq!(begun.tables(tool, engine), theirs);
    assert_eq!(tool.counts(place, project), (tool.own + HALF, all - HALF));
    let whole = whole(tool, engine);
    for table in (tool.tables)(engine) {
        place.drop(table);
    }
    let contents = contents(place);
    assert!(contents == whole, "{}", difference(&contents, &whole));
}

/// Everything in a database, without what MySQL and MariaDB remember of the connection that made a view or a trigger,
/// as each driver sets its own, and without empty lines, which SQLite keeps where they end a statement.
pub(crate) fn contents(place: &Place) -> String {
    let contents = place.contents();
    let bare = |line: &str| match line.split_once("\tutf8mb4\t") {
        Some((text, _)) => text.replace("\tIGNORE_SPACE,", "\t"),
        None => line.to_owned(),
    };
    contents.lines().filter(|line| !line.is_empty()).map(bare).fold(String::new(), |text, line| text + &line + "\n")
}

/// What the tool makes of all of it, without its own tables.
pub(crate) fn whole(tool: &Tool, engine: Engine) -> String {
    let project = Project::new();
    let place = Place::new(engine, &project);
    let all = steps(engine, tool.alone).len();
    tool.write(&project, engine, &place, all);
    tool.must("up", &place, &project);
    assert_eq!(tool.counts(&place, &project), (tool.own + all, 0));
    for table in (tool.tables)(engine) {
        place.drop(table);
    }
    contents(&place)
}

/// Somebody still uses the tool.
pub(crate) fn what_it_writes_after_its_adoption_is_named(tool: &Tool, engine: Engine) {
    let begun = Begun::new(tool, engine);
    begun.migrate(tool, "adopt", 0);
    tool.must("up", &begun.place, &begun.project);
    let refusal = begun.migrate(tool, "up", 1);
    assert!(refusal.contains(tool.name), "{refusal}");
}
