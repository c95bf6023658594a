//! A service with embedded Flyway: `V1`, `V2`, `V2.1` to `V3.0`, a database that is older than its history, and files
//! that do not end as files should.

use migrate_tests::servers::Engine;

use super::on;
use super::scene::Scene;

const VERSIONS: [&str; 12] = ["1", "2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "3.0"];

/// The name of a version's file.
fn name(version: &str) -> String {
    let what = match version {
        "1" => "Baseline".to_owned(),
        "2" => "RELEASE_0.6_Sources_AND_Their_Jobs".to_owned(),
        _ => format!("Change_{}", version.replace('.', "_")),
    };
    format!("db/migration/V{version}__{what}.sql")
}

/// Each file writes down that it ran, and what it found of the session: the traps are what the one before it left.
fn files(engine: Engine) -> Vec<(String, String)> {
    let text = |version: &str| {
        // To MySQL three are no comment.
        let dashes = if engine.commits_definitions() { "--" } else { "---" };
        let ran = format!("insert into ran select count(*) + 1, '{version}' from ran");
        match version {
            "1" => {
                let leaks = match engine {
                    Engine::Postgres => {
                        "set lock_timeout = 0; set statement_timeout = 0; set client_encoding = 'UTF8';"
                    }
                    Engine::MySql | Engine::MariaDb => "set foreign_key_checks = 0; set sql_mode = '';",
                    Engine::Sqlite => "pragma cache_size = 77;",
                };
                format!(
                    "--\n-- What was there before there were migrations.\n--\n{leaks}\n\
                     create table ran (n integer not null, version varchar(20) not null);\n\
                     create table projects (name varchar(50) not null primary key);\n\
                     create table sources (id integer not null primary key, topics varchar(50), servers varchar(50), \
                     project varchar(50) not null references projects (name));\n{ran};\n"
                )
            }
            "2" => format!(
                "{dashes} is a comment too\ncreate temporary table converted (id integer);\n\
                 insert into converted select id from sources;\n\
                 alter table sources add column config varchar(200);\n{ran};\n"
            ),
            // What the application did by itself when it met an old row is done for all that are left.
            "2.1" => format!(
                "update sources set config = {} where config is null;\n{ran};\n",
                match engine {
                    Engine::MySql | Engine::MariaDb => "concat(servers, '/', topics)",
                    _ => "servers || '/' || topics",
                }
            ),
            "2.2" | "2.3" => format!("create table t{} (n integer);\n{ran};", version.replace('.', "_")),
            "2.5" => format!("create table t2_5 (n integer);\n{ran}"),
            "2.6" => format!("alter table sources drop column topics;\n{ran};\n"),
            "2.9" => format!("create table feature_tables (name varchar(50) not null, project varchar(50));\n{ran};"),
            "3.0" if engine == Engine::Postgres => {
                format!("alter table feature_tables add column is_deleted boolean not null;\n{ran};\n")
            }
            "3.0" => format!("create unique index one_name on feature_tables (name);\n{ran};\n"),
            _ => format!("create table t{} (n integer);\n{ran};\n", version.replace('.', "_")),
        }
    };
    VERSIONS.iter().map(|version| (name(version), text(version))).collect()
}

const MIGRATE: &str = "layout = \"flyway\"\ndir = \"db/migration\"\n[history]\nmirror = \"flyway\"\n";

fn scene_of(engine: Engine, versions: &[&str]) -> Scene {
    let files = files(engine);
    let wanted = |(path, _): &&(String, String)| versions.iter().any(|version| *path == name(version));
    let mut files: Vec<_> = files.iter().filter(wanted).map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("migrate.toml", MIGRATE));
    Scene::new(engine, &files)
}

fn scene(engine: Engine) -> Scene {
    scene_of(engine, &VERSIONS)
}

/// Adds what a later release brings.
fn release(scene: &Scene, versions: &[&str]) {
    for (path, text) in files(scene.engine) {
        if versions.iter().any(|version| path == name(version)) {
            scene.write(&path, &text);
        }
    }
}

fn ran(scene: &Scene) -> String {
    scene.ask("select version from ran order by n")
}

fn flyway(scene: &Scene) -> String {
    let sql = "select installed_rank, version, description, type, checksum from flyway_schema_history \
               order by installed_rank";
    scene.place.sql(sql).replace('\t', "|")
}

/// A database as a release before the history was there left it, with rows.
fn by_hand(scene: &Scene) {
    let baseline = files(scene.engine).swap_remove(0).1;
    // Of a temporary session; what it sets is nobody's.
    scene.place.run(&baseline);
    scene.place.run(
        "insert into projects values ('p');\ninsert into sources (id, topics, servers, project) values (1, 't', 's', 'p');",
    );
}

/// F1
fn the_whole_folder_runs_in_the_order_of_numbers_and_then_never_again(engine: Engine) {
    let scene = scene(engine);
    let said = scene.up("", 0);
    assert!(said.stdout.contains("12 applied"), "{said}");
    assert_eq!(ran(&scene), VERSIONS.join(" "), "numbers, not texts: 2 before 2.1");
    let again = scene.up("", 0);
    assert!(again.stdout.contains("nothing to do"), "{again}");
    let rows = flyway(&scene);
    let ours: Vec<_> = rows.lines().map(|line| line.split('|').nth(1).unwrap_or_default()).collect();
    assert_eq!(ours, VERSIONS);
    assert!(rows.contains("2|2|RELEASE 0.6 Sources AND Their Jobs|SQL|"), "{rows}");
}

/// F2, F3
fn a_database_older_than_its_history_is_refused_or_taken_as_the_baseline(engine: Engine) {
    let scene = scene(engine);
    by_hand(&scene);
    scene.refuses("up", 1, &["has no history", "migrate baseline"]);
    let said = scene.migrate("up --on-nonempty baseline=1", 0);
    assert!(said.stdout.contains("11 applied"), "{said}");
    assert_eq!(ran(&scene), VERSIONS.join(" "));
    let first = flyway(&scene).lines().next().unwrap_or_default().trim_end_matches("NULL").to_owned();
    assert_eq!(first, "1|1|<< Flyway Baseline >>|BASELINE|");
    assert_eq!(scene.ask("select config from sources"), "s/t", "data arrive as the system itself left them");
}

/// F4
fn a_step_that_rows_forbid_leaves_no_trace(engine: Engine) {
    let scene = scene(engine);
    scene.up("--to 2.9", 0);
    let rows = if engine == Engine::Postgres {
        "insert into feature_tables values ('f', 'p')"
    } else {
        "insert into feature_tables values ('f', 'p'), ('f', 'q')"
    };
    scene.place.run(rows);
    let before = scene.place.contents();
    let said = scene.migrate("up", 3);
    let file = &name("3.0");
    for part in ["3.0 Change 3 0: statement 1 of 2 failed", file.as_str()] {
        assert!(said.stderr.contains(part), "{part}: {said}");
    }
    if engine == Engine::Postgres {
        assert!(said.stderr.contains("(23502)"), "{said}");
    }
    assert_eq!(ran(&scene), VERSIONS[..11].join(" "));
    if !engine.commits_definitions() {
        assert_eq!(scene.place.contents(), before);
        assert!(!scene.rows().iter().any(|row| row.starts_with("3.0")), "{:?}", scene.rows());
    }
    scene.place.run("delete from feature_tables");
    scene.migrate("up", 0);
    assert_eq!(ran(&scene), VERSIONS.join(" "));
}

/// F5: Flyway's table, and nothing of ours.
fn an_existing_history_goes_on_where_it_stands(engine: Engine) {
    let scene = scene_of(engine, &VERSIONS[..7]);
    scene.up("", 0);
    scene.place.drop("migrate_history");
    let before = scene.place.table("flyway_schema_history");
    release(&scene, &VERSIONS[7..]);
    scene.write("migrate.toml", &MIGRATE.replace("[history]\nmirror = \"flyway\"\n", ""));
    scene.refuses("up", 1, &["Flyway", "migrate adopt"]);
    let said = scene.migrate("up --adopt", 0);
    assert!(said.stdout.contains("5 applied"), "{said}");
    assert_eq!(ran(&scene), VERSIONS.join(" "));
    assert_eq!(scene.place.table("flyway_schema_history"), before, "what Flyway wrote stays as it was");
}

/// F6
fn line_ends_are_no_change_and_a_word_is(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    scene.place.drop("migrate_history");
    scene.migrate("adopt", 0);
    let (path, text) = files(engine).swap_remove(2);
    scene.write(&path, &format!("\u{feff}{}", text.replace('\n', "\r\n")));
    scene.migrate("check", 0);
    scene.write(&path, &text.replace("config is null", "config is not null"));
    scene.refuses("check", 1, &["2.1 Change 2 1 was changed", "| - update sources", "| + update sources"]);
    // Where nobody has the old text, both checksums are named.
    scene.place.drop("migrate_history");
    let recorded = scene.ask("select checksum from flyway_schema_history where version = '2.1'");
    scene.refuses("adopt", 1, &["2.1", &recorded]);
}

/// F7
fn two_at_once_apply_each_file_once(engine: Engine) {
    let scene = scene(engine);
    let url = scene.place.url();
    let children: Vec<_> = (0..2).map(|_| scene.project.start(&format!("up --create-db -d {url}"))).collect();
    let mut applied = Vec::new();
    for child in children {
        let said = scene.project.end("up", child).exits(0);
        applied.push(said.stdout.contains("12 applied"));
    }
    assert_eq!(
        applied.iter().filter(|all| **all).count(),
        if engine == Engine::Sqlite { applied.iter().filter(|all| **all).count() } else { 1 }
    );
    assert_eq!(ran(&scene), VERSIONS.join(" "));
}

/// F8
fn an_older_release_warns_or_refuses(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    for version in &VERSIONS[7..] {
        scene.remove(&name(version));
    }
    let said = scene.migrate("up", 0);
    assert!(said.stderr.contains("warning") && said.stderr.contains("3.0 Change 3 0"), "{said}");
    scene.refuses("up --on-ahead refuse", 8, &["3.0 Change 3 0", "this is 2.5"]);
}

on! {
    on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb: {
        the_whole_folder_runs_in_the_order_of_numbers_and_then_never_again
        a_database_older_than_its_history_is_refused_or_taken_as_the_baseline
        a_step_that_rows_forbid_leaves_no_trace
        an_existing_history_goes_on_where_it_stands
        line_ends_are_no_change_and_a_word_is
        two_at_once_apply_each_file_once
        an_older_release_warns_or_refuses
    }
}
