//! A server with numbered pairs of files that hold transactions of their own, some without a way back, one with another
//! number of zeros; an exact gate at its start.

use migrate_tests::servers::{Engine, Place, wait_for};

use super::on;
use super::scene::Scene;

const FOLDER: &str = "pkg/ddl";

/// Names with their ups and downs. What is applied by them twice must be as if it were once.
fn files(engine: Engine) -> Vec<(&'static str, String)> {
    let end = if engine.commits_definitions() { "commit" } else { "end" };
    let texts = [
        (
            "000001_init.up",
            "begin;\ncreate table repositories (id varchar(40) not null primary key, size integer);\ncommit;\n",
        ),
        ("000001_init.down", "begin;\ndrop table repositories;\ncommit;\n"),
        ("000002_branches.up", "begin;\ncreate table branches (repository varchar(40), name varchar(40));\nEND;\n"),
        ("000002_branches.down", "drop table branches;\n"),
        // Nothing takes rows back.
        (
            "000024_default_rows.up",
            "insert into repositories (id, size) select 'default', 0 where not exists \
           (select 1 from repositories where id = 'default');\n",
        ),
        (
            "000027_generations.up",
            "begin;\nalter table branches add column generation integer;\ncommit;\n\
           begin;\nupdate branches set generation = 1 where generation is null;\ncommit;\n",
        ),
        ("000027_generations.down", "alter table branches drop column generation;\n"),
        ("000033_protection.up", "create table protections (repository varchar(40), rule_text varchar(40));\n"),
        ("000034_external_users.up", "create table external_users (id varchar(40));\n"),
        ("00034_external_users.down", "drop table external_users;\n"),
        ("000035_staging.up", "create table staging (repository varchar(40), k varchar(40));\n"),
        ("000035_staging.down", "drop table staging;\n"),
        ("000036_owner.up", "begin;\nalter table repositories add column owner_name varchar(40);\ncommit;"),
        ("000036_owner.down", "alter table repositories drop column owner_name;"),
        ("000037_no_tags.up", "create table tags (n integer);\ninsert into tags values (1);\n"),
        ("000037_no_tags.down", "drop table tags;\n"),
        ("000038_branches_by_name.up", "create index branches_by_name on branches (name);\n"),
        (
            "000038_branches_by_name.down",
            if engine.commits_definitions() {
                "drop index branches_by_name on branches;\n"
            } else {
                "drop index branches_by_name;\n"
            },
        ),
    ];
    texts.into_iter().map(|(name, text)| (name, text.replace("END", end))).collect()
}

fn scene_below(engine: Engine, limit: u32) -> Scene {
    let of = |name: &str| name.split('_').next().and_then(|number| number.parse::<u32>().ok()).unwrap_or_default();
    let files: Vec<_> = files(engine)
        .into_iter()
        .filter(|(name, _)| of(name) < limit)
        .map(|(name, text)| (format!("{FOLDER}/{name}.sql"), text))
        .collect();
    let mut files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("migrate.toml", "layout = \"golang-migrate\"\ndir = \"pkg/ddl\"\n"));
    Scene::new(engine, &files)
}

fn scene(engine: Engine) -> Scene {
    scene_below(engine, 99)
}

/// Writes what a later release has.
fn release(scene: &Scene) {
    for (name, text) in files(scene.engine) {
        scene.write(&format!("{FOLDER}/{name}.sql"), &text);
    }
}

fn is_up(name: &str) -> bool {
    name.rsplit('.').next() == Some("up")
}

/// The files in their order, by the native client.
fn by_the_client(place: &Place, engine: Engine, limit: usize) {
    for (_, text) in files(engine).iter().filter(|(name, _)| is_up(name)).take(limit) {
        place.run(text);
    }
}

/// L1, L3
fn all_of_it_gives_what_the_client_gives(engine: Engine) {
    let scene = scene(engine);
    let said = scene.up("", 0);
    assert!(said.stdout.contains("10 applied"), "{said}");
    let status = scene.migrate("status", 0);
    assert!(status.stdout.contains("10 applied, 0 pending"), "{status}");
    let other = Scene::new(engine, &[]);
    by_the_client(&other.place, engine, 99);
    assert_eq!(scene.place.contents(), other.place.contents());
    // The rows of 24 and 27 once more.
    for (name, text) in files(engine).iter().filter(|(name, _)| name.starts_with("000024")) {
        assert!(is_up(name), "it has no way back");
        scene.place.run(text);
    }
    assert_eq!(scene.place.contents(), other.place.contents());
    scene.migrate("check", 0);
}

/// L2: a table with one number.
fn a_database_of_golang_migrate_goes_on(engine: Engine) {
    let scene = scene(engine);
    by_the_client(&scene.place, engine, 5);
    let table = match engine {
        Engine::Sqlite => {
            "create table schema_migrations (version uint64, dirty bool);\n\
                           create unique index version_unique on schema_migrations (version);\n"
        }
        _ => "create table schema_migrations (version bigint not null primary key, dirty boolean not null);\n",
    };
    scene.place.run(&format!("{table}insert into schema_migrations values (33, false);"));
    let before = scene.place.table("schema_migrations");
    let said = scene.migrate("adopt", 0);
    assert!(said.stdout.contains("golang-migrate"), "{said}");
    let status = scene.migrate("status", 0);
    assert!(status.stdout.contains("5 applied, 5 pending"), "{status}");
    assert!(status.stdout.contains("inferred"), "nobody wrote a checksum down: {status}");
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("5 applied"), "{said}");
    assert_eq!(scene.place.table("schema_migrations"), before);
}

/// L4
fn the_gate_at_the_start_tells_three_things_apart_and_writes_nothing(engine: Engine) {
    let scene = scene_below(engine, 34);
    if engine == Engine::Sqlite {
        scene.place.run("pragma user_version = 0");
    }
    scene.refuses("check", 7, &["pending: 5"]);
    scene.migrate("up", 0);
    release(&scene);
    scene.refuses("check", 7, &["pending: 5", "34"]);
    scene.migrate("up", 0);
    scene.migrate("check", 0);
    for (name, _) in files(engine).iter().filter(|(name, _)| name.trim_start_matches('0') >= "34") {
        scene.remove(&format!("{FOLDER}/{name}.sql"));
    }
    scene.refuses("check --on-ahead refuse", 8, &["38", "33"]);
}

/// L5: killed in the middle of a file with transactions of its own.
fn what_is_half_done_is_never_taken_for_current(engine: Engine) {
    let scene = scene(engine);
    let slow = match engine {
        Engine::Sqlite => {
            "update branches set generation = (with recursive c (n) as (select 1 union all select n + 1 from c \
             where n < 20000000) select max(n) from c)"
        }
        Engine::Postgres => "select pg_sleep(2)",
        Engine::MySql | Engine::MariaDb => "do sleep(2)",
    };
    let path = &format!("{FOLDER}/000027_generations.up.sql");
    let text = std::fs::read_to_string(scene.project.path(path)).expect("a file");
    scene.write(
        path,
        &text.replace("update branches set generation = 1", &format!("{slow};\nupdate branches set generation = 1")),
    );
    scene.up("--to 24", 0);
    scene.place.run("insert into branches values ('r', 'main')");
    let mut child = scene.project.start(&format!("up -d {}", scene.place.url()));
    wait_for("the slow statement", || (scene.cursor("000027") >= 3).then_some(()));
    child.kill().expect("a process that can be killed");
    child.wait().expect("it ends");
    let said = scene.migrate("check", 1);
    for part in ["27", "statement"] {
        assert!(said.stdout.contains(part) || said.stderr.contains(part), "{part}: {said}");
    }
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("now at 000038") || said.stdout.contains("now at 38"), "{said}");
    assert_eq!(scene.ask("select count(*) from branches where generation is not null"), "1");
    scene.migrate("check", 0);
}

/// L6: the release that moves the data must run once, whichever is the newest.
fn a_stepping_stone_is_named_with_the_way_over_it(engine: Engine) {
    let scene = scene_below(engine, 34);
    scene.up("", 0);
    release(&scene);
    scene.write(&format!("{FOLDER}/000039_after_the_move.up.sql"), "create table moved (n integer);\n");
    scene.write(&format!("{FOLDER}/000040_newest.up.sql"), "create table newest (n integer);\n");
    scene.write(
        &format!("{FOLDER}/migrations.toml"),
        "layout = \"golang-migrate\"\nstops = [\"38\"]\n\
         [release.\"38\"]\nnotes = \"Run 0.80.2: it moves the data.\"\nurl = \"https://example.org/move\"\n",
    );
    let way = [
        "stops at 38 first",
        "the route: 38, then 000040",
        "migrate up --to 000038",
        "Run 0.80.2",
        "https://example.org/move",
    ];
    scene.refuses("up", 1, &way);
    scene.refuses("check", 1, &["stops at 38 first"]);
    let route = scene.migrate("plan --route", 0);
    assert!(route.stdout.contains("Run 0.80.2"), "{route}");
    scene.migrate("up --to 38", 0);
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("2 applied"), "whatever comes after it goes straight on: {said}");
}

/// L9
fn a_way_back_ends_before_what_has_none(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    scene.refuses("down --to 27 --yes", 1, &["33"]);
    let said = scene.migrate("down --to 35 --yes", 0);
    let order: Vec<_> = ["38", "37", "36"].iter().map(|version| said.stdout.find(&format!("0000{version}"))).collect();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{said}");
    let status = scene.migrate("status", 0);
    assert!(status.stdout.contains("7 applied, 3 pending"), "{status}");
}

on! {
    on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb: {
        all_of_it_gives_what_the_client_gives
        a_database_of_golang_migrate_goes_on
        the_gate_at_the_start_tells_three_things_apart_and_writes_nothing
        what_is_half_done_is_never_taken_for_current
        a_stepping_stone_is_named_with_the_way_over_it
        a_way_back_ends_before_what_has_none
    }
}
