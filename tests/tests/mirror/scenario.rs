//! What holds on every engine.

use super::*;

const V1: (&str, &str) = ("V1__create_users.sql", "create table users (id integer primary key);\n");
const V2: (&str, &str) = ("V1_1__add_name.sql", "alter table users add column name varchar(20);\n");
const V3: (&str, &str) = ("V2__insert__users.sql", "insert into users (id) values (1);\n");
const U3: (&str, &str) = ("U2__insert__users.sql", "delete from users where id = 1;\n");
const V4: (&str, &str) = ("V3__more.sql", "insert into users (id) values (2);\n");
const R: (&str, &str) = ("R__user_view.sql", "-- a comment\nselect 1;\n");

pub(crate) fn rows_of_a_first_run<D: Database>() {
    let database = D::create();
    up(&database, &[V1, V2, V3, R]).unwrap();
    let expected = format!(
        "1|1|create users|SQL|V1__create_users.sql|{}|yes\n\
         2|1.1|add name|SQL|V1_1__add_name.sql|{}|yes\n\
         3|2|insert  users|SQL|V2__insert__users.sql|{}|yes\n\
         4|-|user view|SQL|R__user_view.sql|{}|yes\n",
        crc(V1),
        crc(V2),
        crc(V3),
        crc(R)
    );
    assert_eq!(rows(&database), expected);
    let report = up(&database, &[V1, V2, V3, R]).unwrap();
    assert!(report.is_empty(), "{report:?}");
    let changed = (R.0, "select 2;\n");
    up(&database, &[V1, V2, V3, changed]).unwrap();
    let appended = format!("5|-|user view|SQL|R__user_view.sql|{}|yes\n", crc(changed));
    assert_eq!(rows(&database), expected + &appended, "a repeatable appends a row");
    let columns = "select count(*) from flyway_schema_history where installed_by is null or installed_on is null \
                   or execution_time < 0";
    assert_eq!(query(&database, columns), [[Some("0".to_owned())]]);
}

pub(crate) fn a_failed_row_is_replaced<D: Database>(journalled: &Journalled) {
    let database = D::create();
    let Journalled { first, broken, mended } = *journalled;
    up(&database, &[V1, V2]).unwrap();
    let before = rows(&database);
    let broken = format!("{first}\n{broken}\n");
    let files = [V1, V2, ("V3__half.sql", broken.as_str()), ("V3__half.sql.conf", "executeInTransaction=false\n")];
    let error = up(&database, &files).unwrap_err();
    assert!(error.contains("statement 2 of 2 failed"), "{error}");
    let failed = format!("3|3|half|SQL|V3__half.sql|{}|no\n", crc(files[2]));
    assert_eq!(rows(&database), before.clone() + &failed);
    // It stays one row, however often it fails.
    up(&database, &files).unwrap_err();
    assert_eq!(rows(&database), before.clone() + &failed);
    let mended = format!("{first}\n{mended}\n");
    let files = [files[0], files[1], ("V3__half.sql", mended.as_str()), files[3]];
    up(&database, &files).unwrap_or_else(|error| panic!("{error}"));
    let done = format!("3|3|half|SQL|V3__half.sql|{}|yes\n", crc(files[2]));
    assert_eq!(rows(&database), before + &done);
    assert_eq!(query(&database, "select count(*) from users"), [[Some("1".to_owned())]]);
}

pub(crate) fn a_tombstone_for_what_is_taken_back<D: Database>() {
    let database = D::create();
    let files = [V1, V3, U3];
    up(&database, &files).unwrap();
    let before = rows(&database);
    let down = Goal::Down(DownGoal::To(Target::Version("1".parse().unwrap())));
    block_on(migrator(&database, &files).goal(down).up()).unwrap_or_else(|error| panic!("{error}"));
    let gone = format!("3|2|insert  users|DELETE|V2__insert__users.sql|{}|yes\n", crc(V3));
    assert_eq!(rows(&database), before.clone() + &gone);
    up(&database, &files).unwrap();
    let again = format!("4|2|insert  users|SQL|V2__insert__users.sql|{}|yes\n", crc(V3));
    assert_eq!(rows(&database), before + &gone + &again);
}

pub(crate) fn side_by_side<D: Database>() {
    let database = D::create();
    up(&database, &[V1, V2]).unwrap();
    // What Flyway itself would do.
    query(&database, V3.1.trim_end().trim_end_matches(';'));
    let row = format!(
        "insert into flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, \
         execution_time, success) values (7, '2', 'insert  users', 'SQL', '{}', {}, 'flyway', 3, {})",
        V3.0,
        crc(V3),
        if D::engine() == EngineNames::POSTGRES { "true" } else { "1" }
    );
    query(&database, &row);
    let report = up(&database, &[V1, V2, V3, V4]).unwrap_or_else(|error| panic!("{error}"));
    let steps: Vec<_> = report.steps.iter().map(|step| format!("{} {}", step.action, step.id)).collect();
    assert_eq!(steps[0], "adopt 2", "{steps:?}");
    assert_eq!(steps.last().unwrap(), "up 3", "{steps:?}");
    assert_eq!(query(&database, "select count(*) from users"), [[Some("2".to_owned())]], "nothing ran twice");
    let shown = rows(&database);
    assert!(shown.ends_with(&format!("8|3|more|SQL|V3__more.sql|{}|yes\n", crc(V4))), "{shown}");
    assert!(up(&database, &[V1, V2, V3, V4]).unwrap().is_empty());
    assert_eq!(rows(&database), shown);
}

pub(crate) fn turned_on_later<D: Database>() {
    let database = D::create();
    let files = [V1, V2, V3];
    block_on(Migrator::new(database.backend(), set::<D>(&files[..2])).up()).unwrap();
    up(&database, &files).unwrap();
    let expected = format!(
        "1|1|create users|SQL|V1__create_users.sql|{}|yes\n\
         2|1.1|add name|SQL|V1_1__add_name.sql|{}|yes\n\
         3|2|insert  users|SQL|V2__insert__users.sql|{}|yes\n",
        crc(V1),
        crc(V2),
        crc(V3)
    );
    assert_eq!(rows(&database), expected);
    // Where nothing is pending, too.
    let database = D::create();
    block_on(Migrator::new(database.backend(), set::<D>(&files)).up()).unwrap();
    up(&database, &files).unwrap();
    assert_eq!(rows(&database), expected);
}

pub(crate) fn a_baseline<D: Database>() {
    let database = D::create();
    query(&database, V1.1.trim_end().trim_end_matches(';'));
    let mut policy = mirrored();
    policy.on_nonempty = OnNonempty::Baseline("1".parse().unwrap());
    block_on(Migrator::new(database.backend(), set::<D>(&[V1, V2])).policy(policy).up())
        .unwrap_or_else(|error| panic!("{error}"));
    let expected = format!(
        "1|1|<< Flyway Baseline >>|BASELINE|<< Flyway Baseline >>|-|yes\n\
         2|1.1|add name|SQL|V1_1__add_name.sql|{}|yes\n",
        crc(V2)
    );
    assert_eq!(rows(&database), expected);
}

pub(crate) fn several_at_once<D: Database + Sync>() {
    let database = D::create();
    let files = [V1, V2, V3, R];
    std::thread::scope(|threads| {
        let runs: Vec<_> = (0..4).map(|_| threads.spawn(|| up(&database, &files))).collect();
        for run in runs {
            run.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
        }
    });
    let shown = rows(&database);
    let ranks: Vec<_> = shown.lines().filter_map(|line| line.split('|').next()).collect();
    assert_eq!(ranks, ["1", "2", "3", "4"], "{shown}");
}

pub(crate) fn a_failure_that_is_forgotten<D: Database>(journalled: &Journalled) {
    let database = D::create();
    let Journalled { first, broken, mended } = *journalled;
    up(&database, &[V1, V2]).unwrap();
    let before = rows(&database);
    let broken = format!("{broken}\n{first}\n");
    let conf = ("V3__half.sql.conf", "executeInTransaction=false\n");
    up(&database, &[V1, V2, ("V3__half.sql", broken.as_str()), conf]).unwrap_err();
    assert_ne!(rows(&database), before);
    let mended = format!("{mended}\n");
    let files = [V1, V2, ("V3__half.sql", mended.as_str()), conf];
    let forget = Goal::ResolveNotApplied("3".parse().unwrap());
    block_on(migrator(&database, &files).goal(forget).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows(&database), before);
    up(&database, &files).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows(&database), before + &format!("3|3|half|SQL|V3__half.sql|{}|yes\n", crc(files[2])));
}

pub(crate) fn made_and_then_killed<D: Database>() {
    let database = D::create();
    up(&database, &[V1]).unwrap();
    // As if the run had ended before its first transaction.
    for sql in ["delete from flyway_schema_history", "delete from migrate_history", "drop table users"] {
        query(&database, sql);
    }
    up(&database, &[V1, V2]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows(&database).lines().count(), 2);
}

pub(crate) fn a_table_that_was_tampered_with<D: Database>() {
    let database = D::create();
    up(&database, &[V1, V2]).unwrap();
    query(&database, "update flyway_schema_history set type = 'OURS' where version = '1.1'");
    let before = rows(&database);
    let error = up(&database, &[V1, V2, V3]).unwrap_err();
    assert!(error.contains("`OURS` is no type that Flyway knows"), "{error}");
    assert_eq!(rows(&database), before);
}

fn crc(file: (&str, &str)) -> i32 {
    migrate_core::checksum::foreign::flyway(file.1)
}
