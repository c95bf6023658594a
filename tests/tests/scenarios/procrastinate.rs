//! A library that ships its own files, in phases, for databases that others manage: values added to an enum and used
//! later, files that were renamed and mended after their release, a schema of the host's choosing.

use migrate_tests::servers::Engine;

use super::on;
use super::scene::Scene;

const MIGRATE: &str = "dir = \"sql/migrations\"\n";
const MANIFEST: &str = "layout = \"procrastinate\"\n";

/// Versioned functions come before a deploy and go after it; values of an enum are added in one file and used in another.
const FILES: &[(&str, &str)] = &[
    (
        "00.00.00_01_initial",
        "create type job_status as enum ('todo', 'doing');\n\
         create table jobs (id bigint primary key, status job_status not null default 'todo', args text);\n\
         create function defer_v1(bigint) returns bigint language sql as $$ insert into jobs values ($1) returning id; $$;\n",
    ),
    ("00.19.00_02_null_locks", "alter table jobs add column lock_text text;\n"),
    (
        "02.06.00_01_add_aborting",
        "alter type job_status add value 'aborting';\nalter type job_status add value 'aborted';\n",
    ),
    ("02.14.01_01_abort", "create index jobs_aborting on jobs (id) where status = 'aborting';\n"),
    (
        "03.00.00_01_pre_priority",
        "alter table jobs add column priority integer not null default 0;\n\
         create function defer_v2(bigint, integer) returns bigint language sql as \
         $$ insert into jobs (id, priority) values ($1, $2) returning id; $$;\n",
    ),
    (
        "03.00.00_50_post_drop_v1",
        "drop function defer_v1(bigint);\nalter table jobs alter column priority drop default;\n",
    ),
];

fn scene_in(engine: Engine, folder: &[(&str, &str)]) -> Scene {
    let paths: Vec<_> = folder.iter().map(|(name, text)| (format!("sql/migrations/{name}.sql"), *text)).collect();
    let mut files: Vec<_> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    files.extend([("migrate.toml", MIGRATE), ("sql/migrations/migrations.toml", MANIFEST)]);
    Scene::new(engine, &files)
}

/// P4
fn values_are_committed_before_they_are_used(engine: Engine) {
    let scene = scene_in(engine, FILES);
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("6 applied"), "{said}");
    assert_eq!(scene.ask("select count(*) from pg_enum where enumtypid = 'job_status'::regtype"), "4");
    // In one file they are used only once they are committed.
    let together = [
        FILES[0],
        (
            "02.06.00_01_all",
            "alter type job_status add value 'aborting';\n\
        create index jobs_aborting on jobs (id) where status = 'aborting';\n",
        ),
    ];
    let scene = scene_in(engine, &together);
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("2 applied"), "{said}");
}

/// P6
fn a_renamed_and_a_mended_file_are_the_same_migration(engine: Engine) {
    let scene = scene_in(engine, FILES);
    scene.migrate("up", 0);
    let old = scene.ask("select checksum from migrate_history where version = '03.00.00' and phase = 'pre'");
    scene.remove("sql/migrations/00.19.00_02_null_locks.sql");
    scene.write("sql/migrations/00.23.00_01_null_locks.sql", FILES[1].1);
    let path = "sql/migrations/03.00.00_01_pre_priority.sql";
    scene.write(path, &FILES[4].1.replace("integer not null default 0", "integer default 0 not null"));
    scene.refuses("up", 1, &["03.00.00/pre/01 priority was changed"]);
    scene.write(
        "sql/migrations/migrations.toml",
        &format!(
            "{MANIFEST}\n[migration.\"00.23.00/post/01\"]\nrenamed-from = [\"00.19.00/post/02\"]\n\
             [migration.\"03.00.00/pre/01\"]\naccept = [\"{old}\"]\n"
        ),
    );
    scene.migrate("check", 0);
    assert!(scene.migrate("up", 0).stdout.contains("nothing to do"));
}

/// P7
fn everything_lands_in_the_schema_of_the_connection(engine: Engine) {
    let scene = scene_in(engine, FILES);
    scene.place.run("create schema queue;");
    let separator = if scene.place.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-csearch_path%3Dqueue", scene.place.url());
    scene.at(&url, "up", 0);
    let elsewhere =
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'public'";
    assert_eq!(scene.ask(elsewhere), "0");
    assert_eq!(scene.ask("select count(*) from queue.jobs"), "0");
    assert_eq!(scene.ask("select count(*) from queue.migrate_history"), "6");
    assert_eq!(
        scene.ask(
            "select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where nspname = 'queue'"
        ),
        "1"
    );
    scene.at(&url, "check", 0);
}

/// P9: a host framework has applied the first four.
fn what_a_host_framework_applied_is_not_applied_again(engine: Engine) {
    let portable = [
        ("00.00.00_01_initial", "create table jobs (id integer not null primary key);\n"),
        ("03.00.00_01_pre_priority", "alter table jobs add column priority integer;\n"),
        ("03.01.00_01_pre_workers", "create table workers (id integer not null primary key);\n"),
    ];
    let names: Vec<_> = portable.iter().map(|(name, text)| (format!("sql/migrations/{name}.sql"), *text)).collect();
    let mut files: Vec<_> = names.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    files.extend([("migrate.toml", MIGRATE), ("sql/migrations/migrations.toml", MANIFEST)]);
    let scene = Scene::new(engine, &files);
    for (_, text) in &portable[..2] {
        scene.place.run(text);
    }
    scene.place.run(
        "create table django_migrations (id integer not null primary key, app varchar(255) not null, \
         name varchar(255) not null, applied timestamp not null default current_timestamp);\n\
         insert into django_migrations (id, app, name) values (1, 'queue', '0001_initial'), (2, 'queue', '0002_priority');",
    );
    scene.refuses("up", 1, &["Django"]);
    let said = scene.migrate("adopt --to 03.00.00", 0);
    assert!(said.stdout.contains("Django"), "{said}");
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("1 applied"), "{said}");
    assert_eq!(scene.ask("select count(*) from django_migrations"), "2");
    scene.migrate("check", 0);
}

/// A file that is not released yet lies beside the folder, and is none of its migrations.
#[test]
fn what_is_parked_beside_the_folder_is_not_read() {
    let scene = Scene::new(
        Engine::Sqlite,
        &[
            ("migrate.toml", MIGRATE),
            ("sql/migrations/migrations.toml", MANIFEST),
            ("sql/migrations/03.00.00_01_pre_one.sql", "create table one (n integer);\n"),
            ("sql/future_migrations/03.09.00_01_pre_two.sql", "create table two (n integer);\n"),
        ],
    );
    let said = scene.up("", 0);
    assert!(said.stdout.contains("1 applied"), "{said}");
    assert!(!scene.place.contents().contains("two"));
}

on! {
    on_postgres Postgres: {
        values_are_committed_before_they_are_used
        a_renamed_and_a_mended_file_are_the_same_migration
        everything_lands_in_the_schema_of_the_connection
        what_a_host_framework_applied_is_not_applied_again
    }
    on_sqlite Sqlite, on_mysql MySql, on_mariadb MariaDb: {
        what_a_host_framework_applied_is_not_applied_again
    }
}
