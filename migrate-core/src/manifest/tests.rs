//! Manifests as texts → what is understood and what is said.

use std::fmt::Write as _;
use std::time::Duration;

use insta::assert_snapshot;

use super::{Dependency, Manifest, SuffixOrder};
use crate::counts::OnLoss;
use crate::migration::{Phase, Timeouts};
use crate::source::Source;

/// Everything that is said about a manifest.
fn said(text: &str) -> String {
    let (_, diagnostics) = Manifest::parse(Source::new("m/migrations.toml", text));
    diagnostics.iter().fold(String::new(), |mut out, diagnostic| {
        let _ = writeln!(out, "{diagnostic}");
        out
    })
}

#[test]
fn every_key_is_understood() {
    let checksum = format!("sha256:{}", "0a".repeat(32));
    let text = format!(
        r#"
        layout = "native"
        component = "billing"
        minimum = "2.0.0"
        stops = ["2.0.0", "3.0.0"]
        suffix-order = "after"

        [depends-on]
        queue = "1.10"

        [migration."2.1.0/post/50"]
        accept = ["{checksum}"]
        renamed-from = ["2.1.0/post/49", "R__totals"]
        no-transaction = true
        settings = {{ work_mem = "20MB", lock_depth = 3, jit = false }}
        timeout = {{ lock = "2s", statement = "0" }}
        compatible-from = "2.0.0"
        requires-version = "1.9"
        irreversible = "the column is gone"
        optional = "cleanup"

        [migration.20261120103000]
        phase = "post"

        [release."3.4.0"]
        notes = "reindexes orders"
        url = "https://example.org/3.4.0"
        "#
    );
    assert_eq!(said(&text), "");
    let (manifest, _) = Manifest::parse(Source::new("m/migrations.toml", text));
    let version = |text: &str| text.parse().unwrap();
    assert_eq!(manifest.component.as_deref(), Some("billing"));
    assert_eq!(manifest.layout.as_deref(), Some("native"));
    assert_eq!(manifest.minimum, Some(version("2")));
    assert_eq!(manifest.stops, [version("2.0.0"), version("3.0.0")]);
    assert_eq!(manifest.suffix_order, Some(SuffixOrder::After));
    assert_eq!(manifest.depends_on, [Dependency { component: "queue".to_owned(), version: version("1.10") }]);
    assert_eq!(manifest.releases[&version("3.4.0")].notes.as_deref(), Some("reindexes orders"));
    assert_eq!(manifest.migrations[&"20261120103000".parse().unwrap()].phase, Some(Phase::Post));
    let about = &manifest.migrations[&"2.1.0/post/50".parse().unwrap()];
    assert_eq!(about.accept, [checksum]);
    assert_eq!(about.renamed_from, ["2.1.0/post/49".parse().unwrap(), "R totals".parse().unwrap()]);
    let settings: Vec<_> = about.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(settings, ["work_mem=20MB", "lock_depth=3", "jit=false"]);
    let timeouts = Timeouts { lock: Some(Duration::from_secs(2)), statement: Some(Duration::ZERO) };
    assert_eq!((about.timeouts, about.no_transaction), (timeouts, Some(true)));
    assert_eq!(about.optional.as_deref(), Some("cleanup"));
}

#[test]
fn unknown_keys_suggest_the_nearest_one() {
    assert_snapshot!(said("componnt = \"x\"\ncolour = \"red\"\n"), @r#"
    error[M0008]: migrations.toml: there is no key `componnt`
      --> m/migrations.toml:1:1
     1 | componnt = "x"
       | ^^^^^^^^
       = did you mean `component`?
    error[M0008]: migrations.toml: there is no key `colour`
      --> m/migrations.toml:2:1
     2 | colour = "red"
       | ^^^^^^
       = the keys here are layout, component, depends-on, minimum, stops, unmarked, suffix-order, migration, release, preconditions, counts
    "#);
    assert_snapshot!(said("[migration.\"2.1.0\"]\nrenamed_from = []\ntimeout = { locks = \"2s\" }\n"), @r#"
    error[M0008]: migrations.toml: there is no key `renamed_from`
      --> m/migrations.toml:2:1
     2 | renamed_from = []
       | ^^^^^^^^^^^^
       = did you mean `renamed-from`?
    error[M0008]: migrations.toml: there is no key `locks`
      --> m/migrations.toml:3:13
     3 | timeout = { locks = "2s" }
       |             ^^^^^
       = did you mean `lock`?
    "#);
}

#[test]
fn values_of_a_wrong_type_or_form_are_shown_in_their_place() {
    assert_snapshot!(said("minimum = 3.10\nstops = \"2.0.0\"\nsuffix-order = \"before\"\nlayout = \"nativ\"\n"), @r#"
    error[M0008]: migrations.toml: expected a string, found a number
      --> m/migrations.toml:1:11
     1 | minimum = 3.10
       |           ^^^^
       = put it into quotes: "3.10"
    error[M0008]: migrations.toml: expected a list, found a string
      --> m/migrations.toml:2:9
     2 | stops = "2.0.0"
       |         ^^^^^^^
       = put it into brackets: ["2.0.0"]
    error[M0008]: migrations.toml: `before` is no order of suffixes: expected "after"
      --> m/migrations.toml:3:16
     3 | suffix-order = "before"
       |                ^^^^^^^^
       = to have the final release sort last, give it another part: 2.0.0.1 follows 2.0.0-rc1
    error[M0008]: migrations.toml: there is no layout `nativ`
      --> m/migrations.toml:4:10
     4 | layout = "nativ"
       |          ^^^^^^^
       = did you mean `native`?
    "#);
    assert_snapshot!(
        said("[migration.\"2.1.0\"]\naccept = [\"md5:12\"]\nphase = \"past\"\ntimeout = { lock = \"2 weeks\" }\nno-transaction = \"yes\"\n"),
        @r#"
    error[M0008]: migrations.toml: `md5:12` is no checksum: expected sha256: and 64 hex digits
      --> m/migrations.toml:2:11
     2 | accept = ["md5:12"]
       |           ^^^^^^^^
       = `migrate history` shows the checksum of every applied migration
    error[M0008]: migrations.toml: `past` is no phase: expected "pre" or "post"
      --> m/migrations.toml:3:9
     3 | phase = "past"
       |         ^^^^^^
    error[M0008]: migrations.toml: `2 weeks` is no duration: write 50ms, 2s, 5m, 1h or 0
      --> m/migrations.toml:4:20
     4 | timeout = { lock = "2 weeks" }
       |                    ^^^^^^^^^
    error[M0008]: migrations.toml: expected true or false, found a string
      --> m/migrations.toml:5:18
     5 | no-transaction = "yes"
       |                  ^^^^^
    "#
    );
    assert_snapshot!(said("[migration.user_view]\n[release.next]\n[depends-on]\nqueue = \"v1\"\n"), @r#"
    error[M0008]: migrations.toml: `user_view` is not a version: expected numbers separated by dots, like 3 or 2.1.0
      --> m/migrations.toml:1:12
     1 | [migration.user_view]
       |            ^^^^^^^^^
    error[M0008]: migrations.toml: `next` is not a version: expected numbers separated by dots, like 3 or 2.1.0
      --> m/migrations.toml:2:10
     2 | [release.next]
       |          ^^^^
    error[M0008]: migrations.toml: `v1` is not a version: expected numbers separated by dots, like 3 or 2.1.0
      --> m/migrations.toml:4:9
     4 | queue = "v1"
       |         ^^^^
    "#);
}

#[test]
fn several_syntax_errors_are_found_and_the_rest_is_understood() {
    assert_snapshot!(said("\u{feff}minimum = \nstops = [\"1.0\"\n"), @r#"
    error[M0008]: migrations.toml: string values must be quoted, expected literal string
      --> m/migrations.toml:1:11
     1 | minimum =
       |           ^
    error[M0008]: migrations.toml: unclosed array, expected `]`
      --> m/migrations.toml:2:15
     2 | stops = ["1.0"
       |               ^
    "#);
    let (manifest, diagnostics) = Manifest::parse(Source::new("m", "x = = 1\nminimum = \"2.0\"\n"));
    assert_eq!((manifest.minimum, diagnostics.is_empty()), (Some("2.0".parse().unwrap()), false));
}

#[test]
fn counts_are_read_in_their_order_with_what_a_loss_means() {
    let text = "[counts]\nusers = \"select 1\"\non-loss = \"stop\"\norders = \"select 2\"\n";
    let (manifest, diagnostics) = Manifest::parse(Source::new("m/migrations.toml", text));
    assert_eq!(diagnostics, []);
    let each: Vec<_> = manifest.counts.each.iter().map(|count| (count.name.as_str(), count.sql.as_str())).collect();
    assert_eq!(each, [("users", "select 1"), ("orders", "select 2")]);
    assert_eq!(manifest.counts.on_loss, OnLoss::Stop);
    assert_snapshot!(said("[counts]\non-loss = \"stopp\"\nusers = 3\n"), @r#"
    error[M0008]: migrations.toml: `stopp` is not what follows from a loss
      --> m/migrations.toml:2:11
     2 | on-loss = "stopp"
       |           ^^^^^^^
       = did you mean `stop`?
    error[M0008]: migrations.toml: expected a string, found an integer
      --> m/migrations.toml:3:9
     3 | users = 3
       |         ^
       = put it into quotes: "3"
    "#);
}

#[test]
fn preconditions_are_read_by_their_names() {
    let text = "[preconditions]\nfree-space = \"2x\"\nprivileges = true\nno-other-sessions = false\nrequired = true\n";
    let (manifest, diagnostics) = Manifest::parse(Source::new("m/migrations.toml", text));
    assert_eq!(diagnostics, []);
    let shown: Vec<_> = manifest.preconditions.all.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["free-space 2x", "privileges"]);
    assert!(manifest.preconditions.required);
}
