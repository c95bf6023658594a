//! Flyway's table, written along.

use insta::assert_snapshot;

use super::planned;

#[test]
fn what_flyway_cannot_have_is_refused_before_anything_runs() {
    let files =
        "engine postgres\npolicy mirror=flyway_schema_history\nfile 1\nfile 2.0/post/50\nfile 2.1/pre/01\nfile 4";
    assert_snapshot!(planned(files), @"
    refused[M0227]: 2.0/post/50 test: flyway knows neither phases nor ordinals
       = nothing was run: Flyway's table is written along because `mirror` under [history] says so
       = take `mirror = \"flyway\"` out of migrate.toml once Flyway is no longer used
    refused[M0227]: 2.1/pre/01 test: flyway knows neither phases nor ordinals
       = nothing was run: Flyway's table is written along because `mirror` under [history] says so
       = take `mirror = \"flyway\"` out of migrate.toml once Flyway is no longer used
    ");
}
