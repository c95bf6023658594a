//! A server whose releases are folders, for two engines: files from two eras, empty ones, a text that comes again and
//! again, statements that fail half-way where nothing rolls back.

use migrate_tests::Project;
use migrate_tests::servers::{Engine, Place};

use super::on;
use super::scene::Scene;

const MIGRATE: &str = "layout = \"openmetadata\"\ndir = \"bootstrap\"\n";

/// The text that comes again.
const AGAIN: &str = "delete from automations;\n";

fn part(engine: Engine, version: &str, name: &str) -> String {
    let folder = if engine == Engine::Postgres { "postgres" } else { "mysql" };
    format!("bootstrap/native/{version}/{folder}/{name}.sql")
}

fn schema(engine: Engine, version: &str) -> String {
    part(engine, version, "schemaChanges")
}

fn after(engine: Engine, version: &str) -> String {
    part(engine, version, "postDataMigrationSQLScript")
}

fn scene(engine: Engine) -> Scene {
    let old = if engine == Engine::Postgres { "org.postgresql.Driver" } else { "com.mysql.cj.jdbc.Driver" };
    let old = |name: &str| format!("bootstrap/flyway/{old}/{name}.sql");
    let files = [
        (
            old("v001__create_entities"),
            "create table entities (id varchar(36) not null primary key, json_text varchar(200));\n",
        ),
        (old("v013__create_logs"), "create table automations (id varchar(36) not null);\n"),
        (schema(engine, "1.1.0"), "create table teams (id varchar(36) not null primary key);\n"),
        (after(engine, "1.1.0"), "insert into teams values ('admins');\n"),
        (schema(engine, "1.1.6"), ""),
        (after(engine, "1.1.6"), ""),
        (schema(engine, "1.4.5"), AGAIN),
        (after(engine, "1.4.5"), "-- nothing to do\n"),
        (schema(engine, "1.5.0"), AGAIN),
        (schema(engine, "1.6.0"), AGAIN),
        (schema(engine, "1.9.0"), "create table r1_9_0 (n int);\n"),
        (schema(engine, "1.10.0"), "create table r1_10_0 (n int);\n"),
        (schema(engine, "1.9.0.1"), "create table r1_9_0_1 (n int);\n"),
        (schema(engine, "1.10.0-extension"), "create table r1_10_0_extension (n int);\n"),
    ];
    let mut files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    files.push(("migrate.toml", MIGRATE));
    Scene::new(engine, &files)
}

/// O1, O2
fn both_eras_run_in_the_order_of_releases_and_empty_files_are_recorded(engine: Engine) {
    let scene = scene(engine);
    let said = scene.up("", 0);
    assert!(said.stdout.contains("14 applied"), "{said}");
    let order = [
        "001",
        "013",
        "1.1.0",
        "1.1.0",
        "1.1.6",
        "1.1.6",
        "1.4.5",
        "1.4.5",
        "1.5.0",
        "1.6.0",
        "1.9.0",
        "1.9.0.1",
        "1.10.0",
        "1.10.0-extension",
    ];
    let rows = scene.rows();
    let versions: Vec<_> =
        rows.iter().map(|row| row.split(' ').next().unwrap_or_default().replace("0.0.", "")).collect();
    assert_eq!(versions, order, "{rows:?}");
    assert!(rows.iter().all(|row| row.ends_with(" up done")), "{rows:?}");
    scene.migrate("check", 0);
}

/// O3
fn a_statement_that_fails_half_way_is_where_the_next_run_begins(engine: Engine) {
    let scene = scene(engine);
    let database = scene.ask("select database()");
    scene.place.run(&format!("alter database {database} character set latin1"));
    let long = format!("insert into notes values (1, '{}')", "x".repeat(12_000));
    let text = format!(
        "create table notes (id int, what longtext);\n\
         -- an arrow \u{2194} and a \u{1F600}, which latin1 has not\n{long};\n\
         alter table entities add unique key one_text (json_text);\n\
         create table fourth (n int);\ninsert into notes values (5, 'last');\n"
    );
    scene.write(&schema(engine, "1.11.0"), &text);
    scene.up("--to 1.10.0-extension", 0);
    scene.place.run("insert into entities values ('a', 'same'), ('b', 'same')");
    let said = scene.migrate("up", 3);
    for part in ["1.11.0", "statement 3 of 5 failed", "statements 1 and 2 are applied and recorded"] {
        assert!(said.stderr.contains(part), "{part}: {said}");
    }
    assert_eq!(scene.cursor("1.11.0"), 2);
    scene.refuses("check", 1, &["1.11.0"]);
    scene.place.run("delete from entities where id = 'b'");
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("statements 3 to 5 of 5"), "{said}");
    assert_eq!(scene.ask("select count(*) from notes where id = 1"), "1", "the second did not run again");
    assert_eq!(scene.ask("select count(*) from notes"), "2");
    scene.migrate("check", 0);
}

/// O4
fn a_text_that_comes_again_runs_again(engine: Engine) {
    let scene = scene(engine);
    scene.up("--to 1.1.6", 0);
    for version in ["1.4.5", "1.5.0", "1.6.0"] {
        scene.place.run("insert into automations values ('row')");
        scene.migrate(&format!("up --to {version}"), 0);
        assert_eq!(scene.ask("select count(*) from automations"), "0", "{version}");
    }
}

/// O5
fn a_release_that_was_left_out_is_named(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    scene.write(&schema(engine, "1.10.3"), "create table r1_10_3 (n int);\n");
    scene.migrate("up", 0);
    scene.write(&schema(engine, "1.10.2"), "create table r1_10_2 (n int);\n");
    let status = scene.migrate("status", 0);
    assert!(status.stdout.contains("release 1.10.2") && status.stdout.contains("1 pending"), "{status}");
    assert!(status.stderr.contains("1.10.2/pre/01 schema changes is not applied, but 1.10.3/pre/01"), "{status}");
    scene.refuses("check --out-of-order refuse", 1, &["1.10.2", "1.10.3"]);
    scene.refuses("up --out-of-order refuse", 1, &["1.10.2", "1.10.3"]);
    scene.migrate("up --out-of-order 1.10.2/pre/01", 0);
    assert_eq!(scene.ask("select count(*) from r1_10_2"), "0");
    scene.migrate("check", 0);
}

/// O7
fn a_database_below_the_minimum_is_refused_and_an_empty_one_is_not(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    scene.write(&schema(engine, "2.0.0"), "create table r2_0_0 (n int);\n");
    scene.write(&schema(engine, "2.1.0"), "create table r2_1_0 (n int);\n");
    scene.write(
        "bootstrap/migrations.toml",
        "layout = \"openmetadata\"\nminimum = \"2.0.0\"\n\
         [release.\"2.0.0\"]\nurl = \"https://example.org/2.0.0\"\n",
    );
    for words in ["up", "up --phase all --out-of-order all --on-ahead tolerate --yes", "check"] {
        scene.refuses(words, 1, &["1.10.0-extension", "2.0.0", "https://example.org/2.0.0"]);
    }
    let empty = Place::new(engine, &Project::new());
    scene.at(&empty.url(), "up", 0);
}

/// O11: numbers before and after each version are kept, and a loss is told or ends the run.
fn what_is_counted_is_kept_and_a_loss_is_told(engine: Engine) {
    let file = |version: &str| format!("migrations/{version}_changes.sql");
    let scene =
        Scene::new(engine, &[(&file("1.10.0"), "create table entities (id varchar(36), json_text varchar(9));\n")]);
    scene.up("", 0);
    scene.place.run("insert into entities values ('a', 'x'), ('b', 'y'), ('c', 'z')");
    let manifest = |on_loss: &str| {
        let counts = "entities = \"select count(*) from entities\"\nextras = \"select count(*) from extras\"";
        scene.write("migrations/migrations.toml", &format!("[counts]\n{counts}\non-loss = \"{on_loss}\"\n"));
    };
    manifest("warn");
    scene.write(&file("1.12.0"), "create table extras (n int);\ninsert into extras values (1);\n");
    scene.write(&file("1.12.1"), "delete from entities where id = 'a';\n");
    let said = scene.migrate("up", 0);
    let loss = "1.12.1 changes: there is less than before it: entities 3 to 2";
    assert!(said.stderr.contains("warning") && said.stderr.contains(loss), "{said}");
    let history = scene.migrate("history --last 2", 0);
    for kept in ["counts: entities 3, extras unknown to 1", "counts: entities 3 to 2, extras 1"] {
        assert!(history.stdout.contains(kept), "{kept}: {history}");
    }

    // What is one transaction is rolled back, on every engine.
    manifest("stop");
    let later = file("1.13.1");
    scene.write(&file("1.13.0"), "insert into extras values (2);\ndelete from entities where id = 'b';\n");
    scene.write(&later, "create table later (n int);\n");
    let said = scene.migrate("up", 1);
    let gone = "1.13.0 changes: there is less than before it: entities 2 to 1";
    for part in [gone, "it was rolled back, and nothing was run after it", "not begun: 1.13.1"] {
        assert!(said.stderr.contains(part), "{part}: {said}");
    }
    assert_eq!(scene.ask("select count(*) from entities"), "2");
    scene.write(&file("1.13.0"), "insert into extras values (2);\n");
    scene.migrate("up --to 1.13.0", 0);
    let history = scene.migrate("history --last 1", 0);
    assert!(history.stdout.contains("counts: entities 2, extras 1 to 2"), "{history}");

    // A table that is gone has nothing left. Where its removal commits by itself it stays removed, which is said.
    scene.write(&later, "drop table extras;\n");
    scene.write(&file("1.13.2"), "create table last (n int);\n");
    let said = scene.migrate("up", 1);
    let what = if engine.commits_definitions() {
        "it stays applied: its statements are not in one"
    } else {
        "it was rolled back"
    };
    for part in ["1.13.1 changes: there is less", "extras 2 to unknown", "not begun: 1.13.2", what] {
        assert!(said.stderr.contains(part), "{part}: {said}");
    }
    if engine.commits_definitions() {
        let said = scene.migrate("up", 0);
        assert!(said.stdout.contains("1 applied"), "what was looked at is not asked about again: {said}");
    } else {
        assert_eq!(scene.ask("select count(*) from extras"), "2");
        scene.migrate("up", 1);
        manifest("warn");
        let said = scene.migrate("up", 0);
        assert!(said.stdout.contains("2 applied"), "{said}");
    }
    scene.migrate("check", 0);
}

/// O11: what a script sets for its session is no loss, and a snapshot's numbers stand in the snapshot's row.
fn counts_mean_what_they_say(engine: Engine) {
    let scene = Scene::new(engine, &[("migrations/1_a.sql", "create table a (n int);\ninsert into a values (1);\n")]);
    scene.write("migrations/migrations.toml", "[counts]\na = \"select count(*) from a\"\non-loss = \"stop\"\n");
    scene.project.migrate("new --snapshot 1 all").exits(0);
    let snapshot = std::fs::read_to_string(scene.project.path("migrations/B1__all.sql")).expect("a snapshot");
    scene.write("migrations/B1__all.sql", &format!("{snapshot}create table a (n int);\ninsert into a values (1);\n"));
    scene.up("", 0);
    let history = scene.migrate("history", 0);
    let noted: Vec<_> = history.stdout.lines().filter(|line| line.contains("counts: ")).collect();
    assert!(
        matches!(noted.as_slice(), [line] if line.contains("B1 all") && line.contains("a unknown to 1")),
        "{history}"
    );
    let elsewhere = match engine {
        Engine::Sqlite => "pragma foreign_keys = off",
        Engine::Postgres => "set search_path to pg_catalog",
        Engine::MySql | Engine::MariaDb => "use mysql",
    };
    scene.write("migrations/2_b.sql", &format!("insert into a values (2);\n{elsewhere};\n"));
    scene.migrate("up", 0);
    let history = scene.migrate("history --last 1", 0);
    assert!(history.stdout.contains("counts: a 1 to 2"), "{history}");
}

/// O12
fn a_reader_can_check(engine: Engine) {
    let scene = scene(engine);
    scene.up("--to 1.6.0", 0);
    let account = Reader::of(&scene);
    let said = scene.at(&account.url, "check", 7);
    assert!(said.stdout.contains("pending: 4") && said.stdout.contains("1.9.0"), "{said}");
    let listed = scene.at(&account.url, "status", 0);
    for version in ["1.9.0", "1.9.0.1", "1.10.0", "1.10.0-extension"] {
        assert!(listed.stdout.contains(version), "{version}: {listed}");
    }
    scene.migrate("up", 0);
    scene.at(&account.url, "check", 0);
}

/// An account that may SELECT from the history and nothing else. It is dropped with the value.
struct Reader<'s> {
    scene: &'s Scene,
    name: String,
    url: String,
}

impl<'s> Reader<'s> {
    fn of(scene: &'s Scene) -> Self {
        let (name, url) = match &scene.place {
            Place::Sqlite(_) => panic!("a file has no accounts"),
            Place::Postgres(database) => {
                let name = format!("reader_{}", database.name().rsplit('_').next().unwrap_or_default());
                let name = format!("{name}_{}", std::process::id());
                database.psql(&format!("create role {name} login; grant select on migrate_history to {name}"));
                let url = database.url().replacen("postgres://postgres@", &format!("postgres://{name}@"), 1);
                (name, url)
            }
            Place::MySql(database) => {
                let name =
                    format!("r{}_{}", std::process::id(), database.name().rsplit('_').next().unwrap_or_default());
                let grant = format!("grant select on {}.migrate_history to {name}@'%'", database.name());
                database
                    .server()
                    .sql_as_root(database.name(), &format!("create user {name}@'%' identified by 'r'; {grant}"));
                (name.clone(), database.url().replacen("test:test@", &format!("{name}:r@"), 1))
            }
        };
        assert_ne!(url, scene.place.url());
        Self { scene, name, url }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        match &self.scene.place {
            Place::Sqlite(_) => {}
            Place::Postgres(database) => {
                database.psql(&format!("drop owned by {0}; drop role {0}", self.name));
            }
            Place::MySql(database) => {
                database.server().sql_as_root(database.name(), &format!("drop user {}@'%'", self.name));
            }
        }
    }
}

/// O13
fn what_cannot_be_read_stops_everything_before_the_first_statement(engine: Engine) {
    let scene = scene(engine);
    let path = schema(engine, "1.11.0");
    scene.write(&path, "insert into teams values ('open);\n");
    scene.refuses("up", 2, &["1.11.0", &path]);
    scene.remove(&path);
    scene.migrate("up", 0);
}

/// O8: a server that does not answer is never one without tables.
#[test]
fn a_server_that_is_not_there_is_no_empty_database() {
    let scene = Scene::new(Engine::Sqlite, &[("migrations/1_a.sql", "create table a (n int);\n")]);
    let said = scene.at("postgres://nobody@127.0.0.1:1/none", "up", 6);
    assert!(said.stderr.contains("127.0.0.1:1"), "{said}");
}

on! {
    on_sqlite Sqlite: {
        what_is_counted_is_kept_and_a_loss_is_told
        counts_mean_what_they_say
    }
    on_postgres Postgres: {
        both_eras_run_in_the_order_of_releases_and_empty_files_are_recorded
        a_text_that_comes_again_runs_again
        a_release_that_was_left_out_is_named
        a_database_below_the_minimum_is_refused_and_an_empty_one_is_not
        what_is_counted_is_kept_and_a_loss_is_told
        counts_mean_what_they_say
        a_reader_can_check
        what_cannot_be_read_stops_everything_before_the_first_statement
    }
    on_mysql MySql, on_mariadb MariaDb: {
        both_eras_run_in_the_order_of_releases_and_empty_files_are_recorded
        a_statement_that_fails_half_way_is_where_the_next_run_begins
        a_text_that_comes_again_runs_again
        a_release_that_was_left_out_is_named
        a_database_below_the_minimum_is_refused_and_an_empty_one_is_not
        what_is_counted_is_kept_and_a_loss_is_told
        counts_mean_what_they_say
        a_reader_can_check
        what_cannot_be_read_stops_everything_before_the_first_statement
    }
}
