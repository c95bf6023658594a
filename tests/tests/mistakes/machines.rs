//! Mistakes as programs read them.

use migrate_tests::{Project, Transcript};
use serde_json::Value;

use crate::{UP, USERS, blog, screen};

/// The one document on stdout.
fn document(transcript: &Transcript) -> Value {
    serde_json::from_str(&transcript.stdout).unwrap_or_else(|error| panic!("{error}\n{transcript}"))
}

#[test]
fn whatever_goes_wrong_stdout_is_one_document() {
    let project = blog().file("migrations/3_change.sql", "drop table comments;\n");
    for (line, exit) in [
        (format!("{UP} --create-db --json"), 3),
        ("status -d sqlite:nowhere.db --json".to_owned(), 6),
        ("up --json".to_owned(), 2),
        ("up --to --json".to_owned(), 2),
        ("revert --json".to_owned(), 2),
        ("check -d sqlite:app.db --json".to_owned(), 7),
        ("down -d sqlite:app.db --steps 1 --json".to_owned(), 1),
        ("validate --dir nowhere --json".to_owned(), 11),
        ("up -d oracle://deploy:hunter2@db.example/shop --json".to_owned(), 2),
    ] {
        let transcript = project.migrate(&line).exits(exit);
        let document = document(&transcript);
        assert_eq!(document["exit"], exit, "{transcript}");
        assert_eq!(document["ok"], false, "{transcript}");
        assert_eq!(document["schema"], 1, "{transcript}");
    }
}

#[test]
fn a_failed_statement_as_a_document() {
    let project = blog().file("migrations/3_change.sql", "update users\n  set name = '';\n");
    let transcript = project.migrate(&format!("{UP} --create-db --json")).exits(3);
    let document = document(&transcript);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["diagnostics"]).expect("a value"));
}

#[test]
fn findings_in_a_workflow() {
    let project = Project::new()
        .file("migrations/1_create_users.sql", USERS)
        .file("migrations/2_seed.sql", "insert into users (email) values\n  ('ada@example.com);\n")
        .file("migrations/3-add-tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &["validate --format github"]));
}

#[test]
fn a_failed_statement_in_a_workflow() {
    let project = blog().file("migrations/3_change.sql", "update users\n  set name = '100%';\n");
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --create-db --format github")]));
}

#[test]
fn events_as_lines() {
    let project = blog().file("migrations/3_change.sql", "drop table comments;\n");
    let transcript = project.migrate(&format!("{UP} --create-db --log-format json")).exits(3);
    for line in transcript.stderr.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["event"].is_string(), "{line}");
    }
}
