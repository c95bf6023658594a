//! An upgrade from release to release with the built program, on a set in the shape of a library's that ships its own:
//! a database that its snapshot made, the route to a later release, and each command on it. In `rolling` applications go
//! on meanwhile.
#![cfg(unix)]

mod rolling;

use insta::assert_snapshot;
use migrate_tests::servers::Engine;
use migrate_tests::{Project, Transcript};

/// Two columns and a table come, two columns go. The first file is from before there were phases.
const FILES: &[(&str, &str)] = &[
    ("02.05.00_01_jobs", "create table jobs (id integer primary key, turn integer, weight integer);"),
    ("03.02.00_01_pre_add_rank", "alter table jobs add column place integer;"),
    ("03.02.00_50_post_drop_turn", "alter table jobs drop column turn;"),
    ("03.03.00_01_pre_add_hold", "alter table jobs add column held integer;"),
    ("03.04.00_01_pre_add_beats", "create table beats (id integer primary key);"),
    ("03.04.00_50_post_drop_weight", "alter table jobs drop column weight;"),
];

const MANIFEST: &str = r#"
layout = "procrastinate"

[release."3.3.0"]
notes = "Workers hold what they work on."

[release."3.4.0"]
notes = "Workers give signs of life."
url = "https://example.org/queue/3.4.0"
"#;

/// What a new installation of 3.2 makes, without any history.
const SNAPSHOT: &str = "create table jobs (id integer primary key, weight integer, place integer)";

fn project() -> Project {
    Project::with(FILES).file("migrations/migrations.toml", MANIFEST)
}

/// A database, and the program on it.
struct Place<'a> {
    project: &'a Project,
    url: &'a str,
    contents: &'a dyn Fn() -> String,
}

impl Place<'_> {
    fn says(&self, words: &str, code: i32) -> Transcript {
        self.project.migrate(&format!("{words} -d {}", self.url)).exits(code)
    }
}

const ROUTE: &str = "\
up --phase pre  --to 3.3.0     1 migration: 03.03.00/pre/01
deploy 3.3.0
  notes on 3.3.0: Workers hold what they work on.
up --phase post --to 3.3.0     nothing
up --phase pre  --to 3.4.0     1 migration: 03.04.00/pre/01
deploy 3.4.0
  notes on 3.4.0: Workers give signs of life.
  notes on 3.4.0: https://example.org/queue/3.4.0
up --phase post --to 3.4.0     1 migration: 03.04.00/post/50
";

/// The whole upgrade: what a snapshot made is recorded, the route is shown, and nothing runs too early.
fn check(place: &Place<'_>) {
    place.says("up", 1);
    let made = (place.contents)();
    let baseline = place.says("baseline 3.2.0", 0);
    assert!(baseline.stdout.contains("3 recorded as there before"), "{baseline}");
    assert_eq!((place.contents)(), made, "a baseline executes nothing");

    let rolling = place.says("plan --route --to 3.4.0 --strategy rolling", 0);
    assert_eq!(rolling.stdout, ROUTE);
    let without = place.project.migrate("plan --route --from 3.2.0 --to 3.4.0 --strategy rolling").exits(0);
    assert_eq!(without.stdout, ROUTE);
    let stopped = place.says("plan --route --to 3.4.0 --strategy stop", 0);
    let all = "up --phase all --to 3.4.0     3 migrations: 03.03.00/pre/01, 03.04.00/pre/01, 03.04.00/post/50\n";
    assert!(stopped.stdout.starts_with(all), "{stopped}");

    let refused = |words: &str, why: &str| {
        let before = (place.contents)();
        let said = place.says(words, 1);
        assert!(said.stderr.contains(why), "{said}");
        assert_eq!((place.contents)(), before);
    };
    refused("up --phase pre --to 3.4.0 --deployed 3.2.0", "03.04.00/pre/01 add beats runs once 3.3.0 is deployed");
    refused("up --phase post --to 3.4.0", "comes after 03.03.00/pre/01 add hold, which is still pending");
    let next = place.says("up --phase pre --to 3.3.0 --deployed 3.2.0", 0);
    assert!(next.stdout.contains("1 applied"), "{next}");
    place.says("up --phase pre --to 3.4.0 --deployed 3.3.0", 0);
    refused("up --phase post --deployed 3.3.0", "03.04.00/post/50 drop weight runs once 3.4.0 is deployed");
    place.says("up --phase post --to 3.4.0 --deployed 3.4.0", 0);
    let end = place.says("plan --route", 0);
    assert_eq!(end.stdout, "nothing to do: the database is at 3.4.0\n");
    place.says("check", 0);
}

#[test]
fn a_route_is_shown_and_walked_on_sqlite() {
    let project = project();
    project.open("queue.db").execute(SNAPSHOT, []).expect("a table");
    let contents = || project.contents("queue.db");
    check(&Place { project: &project, url: "sqlite:queue.db", contents: &contents });
}

#[test]
fn what_a_person_sees_on_the_way() {
    let project = project();
    project.open("queue.db").execute(SNAPSHOT, []).expect("a table");
    let contents = || project.contents("queue.db");
    let place = Place { project: &project, url: "sqlite:queue.db", contents: &contents };
    let said = |words: &str, code| place.says(words, code).to_string();
    said("baseline 3.2.0", 0);
    assert_snapshot!(said("plan --route", 0), @"
    $ migrate plan --route -d sqlite:queue.db
    up --phase pre  --to 3.3.0     1 migration: 03.03.00/pre/01
    deploy 3.3.0
      notes on 3.3.0: Workers hold what they work on.
    up --phase post --to 3.3.0     nothing
    up --phase pre  --to 3.4.0     1 migration: 03.04.00/pre/01
    deploy 3.4.0
      notes on 3.4.0: Workers give signs of life.
      notes on 3.4.0: https://example.org/queue/3.4.0
    up --phase post --to 3.4.0     1 migration: 03.04.00/post/50
    or, with the service stopped: up --phase all --to 3.4.0, then deploy 3.4.0
    ");
    assert_snapshot!(said("status", 0), @"
    $ migrate status -d sqlite:queue.db
    sqlite queue.db · history migrate_history · layout procrastinate · 3 applied, 3 pending
      release 02.05.00
        post  01  jobs          applied  DATE  _ ms  (baseline)
      release 03.02.00
        pre   01  add rank      applied  DATE  _ ms  (baseline)
        post  50  drop turn     applied  DATE  _ ms  (baseline)
      release 03.03.00
        pre   01  add hold      pending
      release 03.04.00
        pre   01  add beats     pending
        post  50  drop weight   pending
    next: migrate up --phase pre --to 3.3.0      then deploy 3.3.0, then migrate up --phase post --to 3.3.0; the whole way: migrate plan --route
    ");
    assert_snapshot!(said("up --phase pre --to 3.3.0", 0), @"
    $ migrate up --phase pre --to 3.3.0 -d sqlite:queue.db
    sqlite queue.db · 1 pending
      03.03.00/pre/01  add hold   1 statement  _ ms
    1 applied in _ ms · now at 03.03.00/pre/01
    ");
    assert_snapshot!(said("up --phase pre --deployed 3.2.0", 1), @"
    $ migrate up --phase pre --deployed 3.2.0 -d sqlite:queue.db
    refused[M0210]: 03.04.00/pre/01 add beats runs once 3.3.0 is deployed, and 3.2.0 is said to be
       = next: deploy 3.3.0
       = once it is: migrate up --phase pre --deployed 3.3.0
       = with the service stopped, all at once: migrate up --phase all
       = notes on 3.3.0: Workers hold what they work on.
    exit 1
    ");
    assert_snapshot!(said("up --phase pre --deployed 3.3.0", 0), @"
    $ migrate up --phase pre --deployed 3.3.0 -d sqlite:queue.db
    sqlite queue.db · 1 pending
      03.04.00/pre/01  add beats   1 statement  _ ms
    1 applied in _ ms · now at 03.04.00/pre/01
    next: deploy 3.4.0, then migrate up --phase post
      notes on 3.4.0: Workers give signs of life.
      notes on 3.4.0: https://example.org/queue/3.4.0
    ");
    assert_snapshot!(said("status", 0), @"
    $ migrate status -d sqlite:queue.db
    sqlite queue.db · history migrate_history · layout procrastinate · 5 applied, 1 pending
      release 02.05.00
        post  01  jobs          applied  DATE  _ ms  (baseline)
      release 03.02.00
        pre   01  add rank      applied  DATE  _ ms  (baseline)
        post  50  drop turn     applied  DATE  _ ms  (baseline)
      release 03.03.00
        pre   01  add hold      applied  DATE  _ ms
      release 03.04.00
        pre   01  add beats     applied  DATE  _ ms
        post  50  drop weight   pending
    next: once 3.4.0 is deployed, migrate up --phase post
    ");
    assert_snapshot!(said("up --phase post --deployed 3.3.0", 1), @"
    $ migrate up --phase post --deployed 3.3.0 -d sqlite:queue.db
    refused[M0210]: 03.04.00/post/50 drop weight runs once 3.4.0 is deployed, and 3.3.0 is said to be
       = next: deploy 3.4.0 (https://example.org/queue/3.4.0)
       = once it is: migrate up --phase post --deployed 3.4.0
       = with the service stopped, all at once: migrate up --phase all
       = notes on 3.4.0: Workers give signs of life.
    exit 1
    ");
}

#[test]
fn a_guide_is_a_document() {
    let project = project().file("migrate.toml", "url = \"sqlite:queue.db\"\n[settings.sqlite]\ncache_size = -20000\n");
    let guide = project.migrate("plan --route --from 3.2.0 --format markdown").exits(0);
    assert_snapshot!(guide.stdout, @"
    # Upgrade from 3.2.0 to 3.4.0

    ## Before you begin

    - Backup: make one, and see that it can be restored; `up --backup` makes one before it runs anything.
    - Setting of every migration's session: `cache_size = -20000`

    ## 3.3.0

    3.3.0: Workers hold what they work on.

    1. `migrate up --phase pre --to 3.3.0`
       - 03.03.00/pre/01 add hold
    2. Deploy 3.3.0
    3. `migrate up --phase post --to 3.3.0`: nothing is pending

    ## 3.4.0

    3.4.0: Workers give signs of life.
    https://example.org/queue/3.4.0

    1. `migrate up --phase pre --to 3.4.0`
       - 03.04.00/pre/01 add beats
    2. Deploy 3.4.0
    3. `migrate up --phase post --to 3.4.0`
       - 03.04.00/post/50 drop weight
    ");
    let json = project.migrate("plan --route --from 3.2.0 --to 3.3.0 --json").exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    let leg = &json["route"]["legs"][0];
    assert_eq!(leg["release"], "3.3.0");
    assert_eq!(leg["before"][0]["id"], "03.03.00/pre/01");
    assert_eq!(leg["notes"][0]["notes"], "Workers hold what they work on.");
    assert_eq!(json["stopped"]["legs"][0]["after"], serde_json::json!([]));
    for (words, why) in [
        ("up --format markdown", "--format markdown is for routes"),
        ("plan --route --from 3.2.0 --to 3.4.0/pre/01", "a route leads to a release"),
        ("plan --from 3.2.0", "--route"),
        ("plan --route --from 3.2.0 --to 3.9.0", "there is no migration 3.9.0"),
    ] {
        let refused = project.migrate(words);
        assert!(refused.code != Some(0) && refused.stderr.contains(why), "{refused}");
    }
}

/// A library's manifest says how files from before there were phases are read, before anything is applied or after.
#[test]
fn files_from_before_phases_are_read_as_the_manifest_says() {
    let project = project();
    let status = |project: &Project| project.migrate("status -d sqlite:queue.db").exits(0).stdout;
    project.migrate("up --create-db -d sqlite:queue.db --phase all").exits(0);
    let before = status(&project);
    assert!(before.contains("6 applied, 0 pending"), "{before}");
    project.write(
        "migrations/migrations.toml",
        &MANIFEST.replace("\n\n[release.\"3.3.0\"]", "\nunmarked = \"pre\"\n\n[release.\"3.3.0\"]"),
    );
    let after = status(&project);
    assert!(after.contains("6 applied, 0 pending") && after.contains("as 02.05.00/post/01"), "{after}");
}

mod on_postgres {
    use migrate_tests::servers::Postgres;

    use super::*;

    #[test]
    fn a_route_is_shown_and_walked() {
        let database = Postgres::shared().database();
        database.psql(SNAPSHOT);
        let project = project();
        let contents = || database.contents();
        check(&Place { project: &project, url: &database.url(), contents: &contents });
    }

    #[test]
    fn no_query_fails_on_the_way_through_four_releases() {
        rolling::no_query_fails(Engine::Postgres);
    }
}

mod on_mysql {
    #[test]
    fn no_query_fails_on_the_way_through_four_releases() {
        super::rolling::no_query_fails(super::Engine::MySql);
    }
}

mod on_mariadb {
    #[test]
    fn no_query_fails_on_the_way_through_four_releases() {
        super::rolling::no_query_fails(super::Engine::MariaDb);
    }
}

#[test]
fn no_query_fails_on_the_way_through_four_releases_on_sqlite() {
    rolling::no_query_fails(Engine::Sqlite);
}

/// While several releases wait, what comes next is about the first of them; what is optional takes its flag along.
#[test]
fn what_comes_next_is_about_one_release() {
    let table = |name: &str| format!("create table {name} (id integer);\n");
    let (a, b, c, d) = (table("a"), table("b"), table("c"), table("d"));
    let project = Project::with(&[
        ("1.0.0_01_pre_a", a.as_str()),
        ("1.1.0_01_pre_b", &b),
        ("1.1.0_50_post_drop_a", "drop table a;\n"),
        ("1.2.0_01_pre_c", &c),
        ("1.2.0_50_post_d", &d),
        ("1.2.0_60_post_drop_b", "-- migrate:optional drop-b\ndrop table b;\n"),
    ])
    .file("app.db", "");
    let run = |words: &str, code: i32| project.migrate(&format!("{words} -d sqlite:app.db")).exits(code);
    run("up --to 1.0.0", 0);
    let said = run("up --phase pre --to 1.1.0", 0);
    assert!(said.stdout.ends_with("next: deploy 1.1.0, then migrate up --phase post --to 1.1.0\n"), "{said}");
    let said = run("up --phase pre --to 1.2.0", 1);
    let next = "what comes next, once 1.1.0 is deployed, is: migrate up --phase post --to 1.1.0";
    assert!(said.stderr.contains(next), "{said}");
    run("up --phase post --to 1.1.0", 0);
    let said = run("up --phase pre", 0);
    assert!(said.stdout.ends_with("next: deploy 1.2.0, then migrate up --phase post\n"), "{said}");
    run("up --phase post", 0);
    let said = run("status", 0);
    assert!(said.stdout.contains("on request: migrate up --phase post --include drop-b"), "{said}");
    let said = run("up --include drop-b", 1);
    assert!(said.stderr.contains("after it: migrate up --phase post --include drop-b"), "{said}");
    run("up --phase post --include drop-b", 0);
}
