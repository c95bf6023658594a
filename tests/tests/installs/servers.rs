//! The same on servers, and a run that is killed while it installs.

use std::thread;
use std::time::{Duration, Instant};

use migrate_tests::servers::{Flavour, MySql, Postgres};
use migrate_tests::{Project, Random};

use super::{BODY, FILES, project};

/// A squashed project leads where its files led, on an empty database; others are refused as they are on SQLite.
fn installs(url: &str, other: &str, query: impl Fn(&str, &str) -> String) {
    let whole = Project::with(FILES);
    let squashed = project(true);
    let run = |project: &Project, words: &str, url: &str, code: i32| {
        project.migrate(&format!("{words} -d {url}")).exits(code)
    };
    run(&squashed, "up", url, 0);
    assert_eq!(query(url, "select count(*) from people"), "1");
    assert_eq!(query(url, "select count(*) from tags"), "0");
    assert_eq!(query(url, "select count(*) from migrate_history where action = 'snapshot' and state = 'done'"), "4");
    run(&squashed, "check", url, 0);
    assert!(run(&squashed, "up", url, 0).stdout.contains("nothing to do"));
    run(&whole, "up --to 2", other, 0);
    let refused = run(&squashed, "up", other, 1);
    assert!(refused.stderr.contains("3 is not applied, and has no file any more"), "{refused}");
    run(&whole, "up --to 3", other, 0);
    run(&squashed, "up", other, 0);
}

fn installs_on_postgres() {
    let (one, two) = (Postgres::shared().database(), Postgres::shared().database());
    installs(&one.url(), &two.url(), |url, sql| {
        let database = if url == one.url() { &one } else { &two };
        database.psql(sql).trim().to_owned()
    });
}

fn installs_on(flavour: Flavour) {
    let (one, two) = (MySql::shared(flavour).database(), MySql::shared(flavour).database());
    installs(&one.url(), &two.url(), |url, sql| {
        let database = if url == one.url() { &one } else { &two };
        database.sql(sql).trim().to_owned()
    });
}

/// O8: whenever the program is killed, the next run goes on with the snapshot as the snapshot, and everything is there
/// once.
fn killed(flavour: Flavour) {
    // Long enough to be met.
    let slow: String = (0..8).fold(String::new(), |text, n| {
        text + &format!("create table t{n} (n integer);\ninsert into t{n} select sleep(0.02);\n")
    });
    let script = format!("{BODY}{slow}");
    let squashed = project(true);
    let header = std::fs::read_to_string(squashed.path("migrations/B3__all_of_it.sql")).unwrap();
    squashed.write("migrations/B3__all_of_it.sql", &header.replace(BODY, &script));
    let undisturbed = MySql::shared(flavour).database();
    let began = Instant::now();
    squashed.migrate(&format!("up -d {}", undisturbed.url())).exits(0);
    let whole = began.elapsed();
    let mut random = Random::seeded();
    let mut met = 0;
    for _ in 0..8 {
        let database = MySql::shared(flavour).database();
        let words = format!("up -d {}", database.url());
        let mut child = squashed.start(&words);
        let micros = u64::try_from(whole.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(random.below(micros)));
        child.kill().unwrap();
        child.wait().unwrap();
        let there = database.sql("select count(*) from information_schema.tables where table_name = 'migrate_history' and table_schema = database()");
        if there.trim() == "1" {
            met += 1;
            let parts = "select count(*) from migrate_history where action = 'snapshot' and origin like 'B3%'";
            let parts = database.sql(parts);
            assert!(["0", "3"].contains(&parts.trim()), "{parts}");
        }
        squashed.migrate(&words).exits(0);
        squashed.migrate(&format!("check -d {}", database.url())).exits(0);
        for n in 0..8 {
            assert_eq!(database.sql(&format!("select count(*) from t{n}")).trim(), "1");
        }
        assert_eq!(database.sql("select count(*) from people").trim(), "1");
        let rows = "select count(*) from migrate_history where state = 'done' and action in ('snapshot', 'up')";
        assert_eq!(database.sql(rows).trim(), "5");
    }
    assert!(met > 0, "no kill met the run");
}

mod on_postgres {
    #[test]
    fn an_empty_database_is_installed_at_once() {
        super::installs_on_postgres();
    }
}

mod on_mysql {
    use super::*;

    #[test]
    fn an_empty_database_is_installed_at_once() {
        installs_on(Flavour::MySql);
    }

    #[test]
    fn a_killed_installation_goes_on() {
        killed(Flavour::MySql);
    }
}

mod on_mariadb {
    use super::*;

    #[test]
    fn an_empty_database_is_installed_at_once() {
        installs_on(Flavour::MariaDb);
    }

    #[test]
    fn a_killed_installation_goes_on() {
        killed(Flavour::MariaDb);
    }
}
