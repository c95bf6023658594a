//! Routes: where an upgrade stops, what runs before each deploy and after it.

use std::fmt::Write as _;

use insta::assert_snapshot;

use super::super::route::{route, route_from};
use super::super::{Refusal, Route, Strategy};
use super::{Case, POSTGRES, case, lines, plan};
use crate::condition::{Condition, Conditions};
use crate::version::Version;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn from(case: &Case, from: &str, to: Option<&str>, strategy: Strategy) -> Result<Route, Refusal> {
    route_from(&case.set, &version(from), &case.policy, to.map(version).as_ref(), strategy)
}

fn here(case: &Case, to: Option<&str>, strategy: Strategy) -> Result<Route, Refusal> {
    let to = to.map(version);
    route(&case.set, &case.observed(), &case.policy, &POSTGRES, to.as_ref(), strategy)
}

fn shown(route: Result<Route, Refusal>) -> String {
    route.map_or_else(|refusal| lines(&refusal.diagnostics()), |route| route.to_string())
}

/// Releases of a queue in the shape of Procrastinate's: the second ships only what comes before a deploy.
const QUEUE: &str = r#"
    layout procrastinate
    file 03.02.00_01_pre_add_wait.sql "create table w (n int)"
    file 03.02.00_50_post_drop_turn.sql "drop table t"
    file 03.03.00_01_pre_add_lock.sql "create table l (n int)"
    file 03.04.00_01_pre_add_beat.sql "create table b (n int)"
    file 03.04.00_50_post_drop_wait.sql "drop table w"
"#;

#[test]
fn a_rolling_upgrade_stops_at_every_release_that_ships_migrations() {
    let case = case(QUEUE);
    assert_snapshot!(shown(from(&case, "3.2.0", Some("3.4.0"), Strategy::Rolling)), @"
    up --phase pre  --to 3.3.0     1 migration: 03.03.00/pre/01
    deploy 3.3.0
    up --phase post --to 3.3.0     nothing
    up --phase pre  --to 3.4.0     1 migration: 03.04.00/pre/01
    deploy 3.4.0
    up --phase post --to 3.4.0     1 migration: 03.04.00/post/50
    ");
    assert_snapshot!(shown(from(&case, "3.2.0", Some("3.3.0"), Strategy::Rolling)), @"
    up --phase pre  --to 3.3.0     1 migration: 03.03.00/pre/01
    deploy 3.3.0
    up --phase post --to 3.3.0     nothing
    ");
    assert_snapshot!(shown(from(&case, "3.4.0", None, Strategy::Rolling)), @"nothing to do: the database is at 3.4.0");
    assert_snapshot!(shown(from(&case, "3.2.0", Some("3.5.0"), Strategy::Rolling)), @"
    refused[M0211]: there is no migration 3.5.0
       = there are: 03.02.00/pre/01, 03.02.00/post/50, 03.03.00/pre/01, 03.04.00/pre/01, 03.04.00/post/50
    ");
}

#[test]
fn with_the_service_stopped_everything_runs_before_one_deploy() {
    let case = case(QUEUE);
    let route = from(&case, "3.2.0", Some("3.4.0"), Strategy::Stop).unwrap();
    assert_snapshot!(route.to_string(), @"
    up --phase all --to 3.4.0     3 migrations: 03.03.00/pre/01, 03.04.00/pre/01, 03.04.00/post/50
    deploy 3.4.0
    ");
    assert_eq!(route.in_one_line(), "up --phase all --to 3.4.0, then deploy 3.4.0");
    let ids: Vec<String> = route.legs[0].before.iter().map(|waypoint| waypoint.id.to_string()).collect();
    assert_eq!(ids, ["03.03.00/pre/01", "03.04.00/pre/01", "03.04.00/post/50"]);
}

#[test]
fn a_route_begins_where_the_database_is() {
    let applied = format!("{QUEUE}\nrow up 03.02.00/pre/01\nrow up 03.02.00/post/50\nrow up 03.03.00/pre/01");
    assert_snapshot!(shown(here(&case(&applied), None, Strategy::Rolling)), @"
    deploy 3.3.0                   unless it is: what runs before that is applied
    up --phase pre  --to 3.4.0     1 migration: 03.04.00/pre/01
    deploy 3.4.0
    up --phase post --to 3.4.0     1 migration: 03.04.00/post/50
    ");
    // The history says that it is deployed, or somebody does.
    assert_snapshot!(shown(here(&case(&format!("{applied} app:3.3.1")), None, Strategy::Rolling)), @"
    up --phase pre  --to 3.4.0     1 migration: 03.04.00/pre/01
    deploy 3.4.0
    up --phase post --to 3.4.0     1 migration: 03.04.00/post/50
    ");
    assert_snapshot!(shown(here(&case(&applied), None, Strategy::Stop)), @"
    up --phase all --to 3.4.0     2 migrations: 03.04.00/pre/01, 03.04.00/post/50
    deploy 3.4.0
    ");
    // A new database has no release at work on it.
    let new = here(&case(QUEUE), None, Strategy::Rolling);
    assert_snapshot!(shown(new), @"
    up --phase all --to 3.4.0     5 migrations: 03.02.00/pre/01, 03.02.00/post/50, 03.03.00/pre/01, 03.04.00/pre/01, 03.04.00/post/50
    deploy 3.4.0
    ");
    assert_snapshot!(shown(here(&case(&format!("{QUEUE}\nobjects users")), None, Strategy::Rolling)), @"
    refused[M0207]: shop is not empty and has no history: it has users
       = if it already has what the migrations make, record that: migrate baseline 03.04.00
       = or run them all beside what is there: migrate up --on-nonempty run
    ");
    let late = format!("{QUEUE}\nrow up 03.04.00/pre/01");
    assert_snapshot!(shown(here(&case(&late), None, Strategy::Rolling)), @"
    refused[M0201]: 03.02.00/pre/01 add wait, 03.02.00/post/50 drop turn, 03.03.00/pre/01 add lock are not applied, but 03.04.00/pre/01 already is
      --> m/03.02.00_01_pre_add_wait.sql
       = give the files versions above 03.04.00/pre/01
       = or, if they do not depend on the order: migrate up --out-of-order 03.02.00/pre/01 --out-of-order 03.02.00/post/50 --out-of-order 03.03.00/pre/01
    ");
}

const GATED: &str = r#"
    file 2.0/pre/01
    file 2.1/pre/01
    file 2.1/post/01
    file 3.0/pre/01 needs:2.5
    file 3.1/post/01
    manifest minimum = "2.0"
    manifest stops = ["2.1", "3.0.5"]
    manifest [release."2.0"]
    manifest url = "https://example.org/2.0"
    manifest [release."2.1"]
    manifest notes = "moves the orders\ntakes an hour"
    manifest [release."2.5.0"]
    manifest notes = "the last one that reads the old files"
"#;

#[test]
fn gates_are_stops_of_every_strategy() {
    let case = case(GATED);
    assert_snapshot!(shown(from(&case, "1.0", None, Strategy::Rolling)), @"
    upgrade to 2.0 with its own release       this set starts from it
      notes on 2.0: https://example.org/2.0
    up --phase pre  --to 2.1                  1 migration: 2.1/pre/01
    deploy 2.1                                a stop: it must run once
      notes on 2.1: moves the orders
      notes on 2.1: takes an hour
    up --phase post --to 2.1                  1 migration: 2.1/post/01
    upgrade to 2.5.0 with its own release     3.0/pre/01 test needs it first
      notes on 2.5.0: the last one that reads the old files
    up --phase pre  --to 3.0                  1 migration: 3.0/pre/01
    deploy 3.0
    up --phase post --to 3.0                  nothing
    deploy 3.0.5                              a stop: it must run once
    up --phase pre  --to 3.1                  nothing
    deploy 3.1
    up --phase post --to 3.1                  1 migration: 3.1/post/01
    ");
    assert_snapshot!(shown(from(&case, "1.0", None, Strategy::Stop)), @"
    upgrade to 2.0 with its own release       this set starts from it
      notes on 2.0: https://example.org/2.0
    up --phase all --to 2.1                   2 migrations: 2.1/pre/01, 2.1/post/01
    deploy 2.1                                a stop: it must run once
      notes on 2.1: moves the orders
      notes on 2.1: takes an hour
    upgrade to 2.5.0 with its own release     3.0/pre/01 test needs it first
      notes on 2.5.0: the last one that reads the old files
    up --phase all --to 3.0.5                 1 migration: 3.0/pre/01
    deploy 3.0.5                              a stop: it must run once
    up --phase all --to 3.1                   1 migration: 3.1/post/01
    deploy 3.1
    ");
}

#[test]
fn numbers_that_are_no_releases_are_one_leg() {
    let case = case("file 20260101\nfile 20260102\nfile 20260103");
    let route = from(&case, "20260101", None, Strategy::Rolling).unwrap();
    assert_snapshot!(route.to_string(), @"
    up --phase pre  --to 20260103     2 migrations: 20260102, 20260103
    deploy the release that has 20260103
    up --phase post --to 20260103     nothing
    ");
    // Nor are dotted ones where nothing has a phase.
    let case = super::case("file 2.1\nfile 2.2\nfile 2.10\nfile 3.0");
    assert_snapshot!(shown(from(&case, "2.1", None, Strategy::Rolling)), @"
    up --phase pre  --to 3.0     3 migrations: 2.2, 2.10, 3.0
    deploy 3.0
    up --phase post --to 3.0     nothing
    ");
    let named = super::case("file 2.1\nfile 2.2\nfile 2.10\nfile 3.0\nmanifest [release.\"2.10\"]");
    assert_snapshot!(shown(from(&named, "2.1", None, Strategy::Rolling)), @"
    up --phase pre  --to 2.10     2 migrations: 2.2, 2.10
    deploy 2.10
    up --phase post --to 2.10     nothing
    up --phase pre  --to 3.0      1 migration: 3.0
    deploy 3.0
    up --phase post --to 3.0      nothing
    ");
}

#[test]
fn a_guide_says_what_to_do_in_which_order() {
    let guide = case(
        r#"
        file 1.0/pre/01
        file 2.0/pre/01 add_owner up:"-- migrate:settings work_mem=20MB\n-- migrate:precondition \"no owner is missing\" select true\nselect 1"
        file 2.0/post/50 drop_name up:"drop table z"
        file 3.0/pre/01 add_day
        manifest [release."2.0"]
        manifest notes = "Owners are shown on every page."
        manifest url = "https://example.org/2.0"
        "#,
    );
    let settings = [("lock_timeout".to_owned(), "1s".to_owned())];
    let conditions = Conditions { all: vec![Condition::NoOtherSessions], required: true };
    let rolling = from(&guide, "1.0", None, Strategy::Rolling).unwrap();
    assert_snapshot!(rolling.guide(&settings, &conditions), @"
    # Upgrade from 1.0 to 3.0

    ## Before you begin

    - Backup: make one, and see that it can be restored; `up --backup` makes one before it runs anything.
    - Setting of every migration's session: `lock_timeout = 1s`
    - Setting of 2.0/pre/01 add owner alone: `work_mem = 20MB`
    - Precondition of every run: no-other-sessions; what the server does not tell counts as failed
    - Precondition of 2.0/pre/01 add owner: no owner is missing

    ## 2.0

    2.0: Owners are shown on every page.
    https://example.org/2.0

    1. `migrate up --phase pre --to 2.0`
       - 2.0/pre/01 add owner
    2. Deploy 2.0
    3. `migrate up --phase post --to 2.0`
       - 2.0/post/50 drop name

    ## 3.0

    1. `migrate up --phase pre --to 3.0`
       - 3.0/pre/01 add day
    2. Deploy 3.0
    3. `migrate up --phase post --to 3.0`: nothing is pending
    ");
    let stopped = from(&guide, "1.0", None, Strategy::Stop).unwrap();
    assert_snapshot!(stopped.guide(&[], &Conditions::default()), @"
    # Upgrade from 1.0 to 3.0

    ## Before you begin

    - Backup: make one, and see that it can be restored; `up --backup` makes one before it runs anything.
    - Setting of 2.0/pre/01 add owner alone: `work_mem = 20MB`
    - Precondition of 2.0/pre/01 add owner: no owner is missing
    - The service is stopped until the end.

    ## 3.0

    2.0: Owners are shown on every page.
    https://example.org/2.0

    1. `migrate up --phase all --to 3.0`
       - 2.0/pre/01 add owner
       - 2.0/post/50 drop name
       - 3.0/pre/01 add day
    2. Deploy 3.0
    ");
    assert_snapshot!(from(&guide, "3.0", None, Strategy::Rolling).unwrap().guide(&[], &Conditions::default()), @"
    # Upgrade from 3.0 to 3.0

    Nothing to do: the database is at 3.0.
    ");
}

/// What a route says is what `up` does: each command runs exactly what is listed, and is not refused.
#[test]
fn every_command_of_a_route_runs_what_it_lists() {
    for fixture in [
        format!("{QUEUE}\nrow up 03.02.00/pre/01"),
        format!("{QUEUE}\nrow up 03.02.00/pre/01\nrow up 03.02.00/post/50"),
        "file 1.0/pre/01\nfile 2.0/pre/01\nfile 2.0/pre/02\nfile 3.0/post/01\nfile 4.0/pre/01\nfile 4.0/post/01\n\
         manifest stops = [\"3.0\"]\nrow up 1.0/pre/01"
            .to_owned(),
        "file 1.0/pre/01\nfile 2.0/pre/01\nfile 3.0/pre/01\nfile 3.0/post/01\nmanifest stops = [\"2.5\"]\nrow up 1.0/pre/01"
            .to_owned(),
        "file 20260101\nfile 20260102\nfile 20260103\nrow up 20260101".to_owned(),
    ] {
        for strategy in [Strategy::Rolling, Strategy::Stop] {
            let route = here(&case(&fixture), None, strategy).unwrap();
            let mut now = fixture.clone();
            for leg in &route.legs {
                let commands = match strategy {
                    Strategy::Rolling => vec![("pre", &leg.before), ("post", &leg.after)],
                    Strategy::Stop => vec![("all", &leg.before)],
                };
                for (phase, listed) in commands {
                    if phase == "post" {
                        writeln!(now, "\npolicy deployed={}", leg.release).unwrap();
                    }
                    if !leg.has_migrations() {
                        continue;
                    }
                    let goal = format!("goal up --phase {phase} --to {}", leg.release);
                    let case = case(&format!("{now}\n{goal}"));
                    let plan = plan(&case.set, &case.observed(), &case.goal, &case.policy, &POSTGRES);
                    let plan = plan.unwrap_or_else(|refusal| panic!("{goal}: {}", lines(&refusal.diagnostics())));
                    let runs: Vec<_> = plan.steps.iter().map(|step| step.id.clone()).collect();
                    let listed: Vec<_> = listed.iter().map(|waypoint| waypoint.id.clone()).collect();
                    assert_eq!(runs, listed, "{goal}");
                    for id in &runs {
                        writeln!(now, "\nrow up {id}").unwrap();
                    }
                }
                writeln!(now, "\npolicy deployed={}", leg.release).unwrap();
            }
            let left = here(&case(&now), None, strategy).unwrap();
            assert!(left.legs.is_empty(), "{left}");
        }
    }
}
