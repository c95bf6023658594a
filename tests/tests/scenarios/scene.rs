//! A project and a database.

use migrate_tests::servers::{Engine, Place};
use migrate_tests::{Project, Transcript};

/// A project with a set in one layout, and a database of its own.
pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) project: Project,
    pub(crate) place: Place,
}

impl Scene {
    /// These files: paths with their texts.
    pub(crate) fn new(engine: Engine, files: &[(&str, &str)]) -> Self {
        let project = files.iter().fold(Project::new(), |project, (path, text)| project.file(path, text));
        let place = Place::new(engine, &project);
        Self { engine, project, place }
    }

    /// `migrate` with these words on the database, which must end with this code.
    pub(crate) fn migrate(&self, words: &str, code: i32) -> Transcript {
        self.at(&self.place.url(), words, code)
    }

    /// The same at another place.
    pub(crate) fn at(&self, url: &str, words: &str, code: i32) -> Transcript {
        let arguments: Vec<_> = words.split_whitespace().chain(["-d", url]).collect();
        self.project.migrate_with(&arguments).exits(code)
    }

    /// `up`, creating the file where the database is one.
    pub(crate) fn up(&self, words: &str, code: i32) -> Transcript {
        let create = if self.engine == Engine::Sqlite { "up --create-db " } else { "up " };
        self.migrate(&format!("{create}{words}"), code)
    }

    /// What it refuses, in these words, without a change to the database.
    pub(crate) fn refuses(&self, words: &str, code: i32, why: &[&str]) {
        let before = (self.place.contents(), self.rows());
        let said = self.migrate(words, code);
        for why in why {
            assert!(said.stderr.contains(why) || said.stdout.contains(why), "{why}: {said}");
        }
        assert_eq!((self.place.contents(), self.rows()), before, "{said}");
    }

    /// Writes or replaces a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.project.write(path, text);
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.project.path(path)).expect("a file of the project");
    }

    /// One cell or one column of a query, its lines apart by a blank.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.place.sql(sql).trim().replace('\n', " ")
    }

    /// The rows of the history: version, action, state.
    pub(crate) fn rows(&self) -> Vec<String> {
        if !self.has_history() {
            return Vec::new();
        }
        let phase = "case when phase = 'post' then '/post' else '' end";
        let row = ["coalesce(version, name)", phase, "' '", "action", "' '", "state"];
        let row = match self.engine {
            Engine::MySql | Engine::MariaDb => format!("concat({})", row.join(", ")),
            Engine::Sqlite | Engine::Postgres => row.join(" || "),
        };
        self.place.sql(&format!("select {row} from migrate_history order by seq")).lines().map(str::to_owned).collect()
    }

    /// How many statements of a version are done.
    pub(crate) fn cursor(&self, version: &str) -> u64 {
        let quote = if self.engine.commits_definitions() { "`" } else { "" };
        let sql = format!("select max({quote}cursor{quote}) from migrate_history where version = '{version}'");
        self.ask(&sql).parse().unwrap_or(0)
    }

    fn has_history(&self) -> bool {
        let count = match self.engine {
            Engine::Sqlite => "select count(*) from sqlite_schema where name = 'migrate_history'",
            Engine::Postgres => "select count(*) from pg_class where relname = 'migrate_history'",
            Engine::MySql | Engine::MariaDb => {
                "select count(*) from information_schema.tables where table_schema = database() \
                 and table_name = 'migrate_history'"
            }
        };
        self.ask(count) == "1"
    }
}
