//! A scheduler whose ways back travel with the database: an older release takes back what it has never seen.

use migrate_tests::Project;
use migrate_tests::servers::{Engine, Place};

use super::on;
use super::scene::Scene;

/// Names, ways forward and ways back. The ninth makes two tables of which one refers to the other.
fn changes() -> Vec<(String, String, String)> {
    let mut changes: Vec<(String, String, String)> = (1..=10)
        .map(|n| {
            let name = format!("{n:03}_change_{n}");
            let up = format!("create table t{n} (id int not null primary key, what varchar(20));\ninsert into t{n} values ({n}, 'generated');\n");
            (name, up, format!("drop table t{n};\n"))
        })
        .collect();
    changes[8].1 = String::from(
        "create table images (id int not null primary key);\n\
        create table uses (id int not null primary key, image int not null, foreign key (image) references images (id));\n\
        insert into images values (1);\ninsert into uses values (1, 1);\n",
    );
    changes[8].2 = String::from("drop table uses;\ndrop table images;\n");
    changes
}

/// The way back of the ninth as it was written first.
const WRONG_ORDER: &str = "drop table images;\ndrop table uses;\n";

fn up_file(name: &str) -> String {
    format!("migrations/{name}.up.sql")
}

fn down_file(name: &str) -> String {
    format!("migrations/{name}.down.sql")
}

fn scene_with(engine: Engine, ninth: &str) -> Scene {
    let scene = Scene::new(engine, &[]);
    release(&scene, 1..=10);
    scene.write(&down_file("009_change_9"), ninth);
    scene
}

fn scene(engine: Engine) -> Scene {
    scene_with(engine, &changes()[8].2)
}

/// Writes the files of these changes.
fn release(scene: &Scene, numbers: impl IntoIterator<Item = usize>) {
    let changes = changes();
    for number in numbers {
        let (name, up, down) = &changes[number - 1];
        scene.write(&up_file(name), up);
        scene.write(&down_file(name), down);
    }
}

/// Takes the files of these changes away: a release that does not know them.
fn forget(scene: &Scene, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let name = &changes()[number - 1].0;
        scene.remove(&up_file(name));
        scene.remove(&down_file(name));
    }
}

fn last_rows(scene: &Scene, count: usize) -> Vec<String> {
    let rows = scene.rows();
    rows[rows.len() - count..].to_vec()
}

/// A1
fn every_way_back_is_stored_with_its_row(engine: Engine) {
    let scene = scene(engine);
    scene.place.run("create table legacy (n int);\ninsert into legacy values (1);");
    scene.migrate("up --on-nonempty run", 0);
    assert_eq!(scene.rows().len(), 10);
    assert_eq!(scene.ask("select count(*) from migrate_history where down_script is null"), "0");
    for (name, _, down) in changes() {
        let version = name.split('_').next().unwrap_or_default();
        let stored = scene.ask(&format!("select down_script from migrate_history where version = '{version}'"));
        for line in down.lines() {
            assert!(stored.contains(line), "{version}: {stored}");
        }
    }
    assert_eq!(scene.ask("select n from legacy"), "1");
}

/// A2
fn an_older_release_takes_back_what_it_does_not_know_and_no_more(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    forget(&scene, 8..=10);
    let said = scene.migrate("up --allow-downgrade --yes", 0);
    assert_eq!(last_rows(&scene, 3), ["010 down done", "009 down done", "008 down done"], "{said}");
    let again = scene.migrate("up --allow-downgrade --yes", 0);
    assert!(again.stdout.contains("nothing to do"), "{again}");
    scene.migrate("check", 0);
    release(&scene, 8..=10);
    let said = scene.migrate("up", 0);
    assert!(said.stdout.contains("3 applied"), "{said}");
    assert_eq!(last_rows(&scene, 3), ["008 up done", "009 up done", "010 up done"]);
}

/// A2: nothing is upgraded by a run that goes back, although something is pending.
fn a_run_that_goes_back_applies_nothing(engine: Engine) {
    let scene = scene(engine);
    forget(&scene, [7]);
    scene.up("", 0);
    forget(&scene, 9..=10);
    release(&scene, [7]);
    let said = scene.migrate("up --allow-downgrade --yes --out-of-order all", 0);
    assert_eq!(last_rows(&scene, 2), ["010 down done", "009 down done"], "{said}");
    assert!(!scene.rows().iter().any(|row| row.starts_with("007")));
}

/// A2: a way back that fails leaves its migration applied.
fn a_way_back_that_fails_changes_nothing(engine: Engine) {
    let scene = scene_with(engine, WRONG_ORDER);
    scene.up("", 0);
    forget(&scene, 8..=10);
    let said = scene.migrate("up --allow-downgrade --yes", 3);
    assert!(said.stderr.contains("009 change 9") && said.stderr.contains("statement 1 of 2"), "{said}");
    assert_eq!(scene.ask("select count(*) from uses"), "1");
    assert_eq!(scene.ask("select count(*) from images"), "1");
    let status = scene.migrate("status", 0);
    assert!(!status.stdout.contains("010 "), "the tenth was taken back: {status}");
}

/// A2: no more at once than a limit, and none through what has no way back.
fn what_is_too_far_or_has_no_way_back_is_refused(engine: Engine) {
    let scene = scene(engine);
    scene.write("migrations/011_last.up.sql", "create table last_one (n int);\n");
    scene.write("migrations/011_last.down.sql", "drop table last_one;\n");
    scene.write("migrations/012_more.up.sql", "create table one_more (n int);\n");
    scene.write("migrations/012_more.down.sql", "drop table one_more;\n");
    scene.up("", 0);
    forget(&scene, 2..=10);
    let more = ["011_last", "012_more"];
    for name in more {
        scene.remove(&up_file(name));
        scene.remove(&down_file(name));
    }
    scene.refuses("up --allow-downgrade --yes", 8, &["11 ways back", "the limit is 10"]);

    let scene = Scene::new(
        engine,
        &[
            ("migrations/1_a.up.sql", "create table a (n int);\n"),
            ("migrations/1_a.down.sql", "drop table a;\n"),
            ("migrations/2_b.up.sql", "-- migrate:irreversible \"rows are gone\"\ncreate table b (n int);\n"),
            ("migrations/3_c.up.sql", "create table c (n int);\n"),
            ("migrations/3_c.down.sql", "drop table c;\n"),
        ],
    );
    scene.up("", 0);
    for file in ["2_b.up", "3_c.up", "3_c.down"] {
        scene.remove(&format!("migrations/{file}.sql"));
    }
    scene.refuses("up --allow-downgrade --yes", 1, &["2 b: there is no way back"]);
}

/// A3
fn without_leave_an_older_release_says_what_would_be_taken_back(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    forget(&scene, 8..=10);
    scene.refuses("up --on-ahead refuse", 8, &["010 change 10", "009 change 9", "008 change 8", "--allow-downgrade"]);
    let plan = scene.migrate("plan --allow-downgrade", 0);
    let order: Vec<_> = ["010", "009", "008"].iter().map(|id| plan.stdout.find(id)).collect();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{plan}");
    // Left alone, it is tolerated with a warning.
    let said = scene.migrate("up", 0);
    assert!(said.stderr.contains("warning"), "{said}");
}

/// A4
fn what_was_folded_away_below_is_left_alone(engine: Engine) {
    let scene = scene(engine);
    scene.up("", 0);
    forget(&scene, 1..=5);
    let said = scene.migrate("up --allow-downgrade --yes", 0);
    assert!(said.stdout.contains("nothing to do"), "{said}");
    let status = scene.migrate("status", 0);
    assert!(status.to_string().contains("squashed"), "{status}");
    assert!(!scene.rows().iter().any(|row| row.contains("down")));
    scene.migrate("check", 0);
}

/// A6: the history is in the dump.
fn an_older_dump_goes_on_from_where_it_was_made(engine: Engine) {
    let scene = scene(engine);
    forget(&scene, 6..=10);
    scene.up("", 0);
    release(&scene, 6..=10);
    let project = Project::new();
    let restored = Place::new(engine, &project);
    copy(&scene.place, &restored);
    let said = scene.at(&restored.url(), "up", 0);
    assert!(said.stdout.contains("5 applied"), "{said}");
    scene.up("", 0);
    assert_eq!(restored.contents(), scene.place.contents());

    // The newest schema, and no history.
    scene.place.drop("migrate_history");
    scene.refuses("up", 1, &["has no history", "migrate baseline 010"]);
    let before = scene.place.contents();
    scene.migrate("baseline 10", 0);
    assert_eq!(scene.place.contents(), before);
    scene.migrate("check", 0);
}

/// As the engine's own dump program does.
fn copy(from: &Place, to: &Place) {
    match (from, to) {
        (Place::Sqlite(from), Place::Sqlite(to)) => {
            std::fs::copy(from, to).expect("a file that can be copied");
        }
        (Place::Postgres(from), Place::Postgres(to)) => {
            to.feed(&from.dump().expect("a dump"));
        }
        (Place::MySql(from), Place::MySql(to)) => {
            to.feed(&from.dump().expect("a dump")).expect("it is restored");
        }
        _ => panic!("{from:?} and {to:?} are of two kinds"),
    }
}

/// A7
fn a_way_back_that_was_mended_is_refreshed_and_the_old_one_kept(engine: Engine) {
    let scene = scene_with(engine, WRONG_ORDER);
    scene.up("", 0);
    scene.write(&down_file("009_change_9"), &changes()[8].2);
    scene.migrate("check", 0);
    scene.migrate("up", 0);
    assert_eq!(last_rows(&scene, 1), ["009 refresh done"]);
    assert!(scene.migrate("up", 0).stdout.contains("nothing to do"));
    let stored = scene.place.sql("select down_script from migrate_history where version = '009' order by seq");
    let (old, new) = (stored.find("drop table images"), stored.rfind("drop table uses"));
    assert!(old.is_some() && old < new, "{stored}");
    forget(&scene, 8..=10);
    scene.migrate("up --allow-downgrade --yes", 0);
    assert_eq!(last_rows(&scene, 3), ["010 down done", "009 down done", "008 down done"]);
}

on! {
    on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb: {
        every_way_back_is_stored_with_its_row
        an_older_release_takes_back_what_it_does_not_know_and_no_more
        a_run_that_goes_back_applies_nothing
        a_way_back_that_fails_changes_nothing
        what_is_too_far_or_has_no_way_back_is_refused
        without_leave_an_older_release_says_what_would_be_taken_back
        what_was_folded_away_below_is_left_alone
        an_older_dump_goes_on_from_where_it_was_made
        a_way_back_that_was_mended_is_refreshed_and_the_old_one_kept
    }
}
