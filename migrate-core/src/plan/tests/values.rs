//! A plan as a value: its digest, its JSON, and what `check` makes of it.

use insta::assert_snapshot;

use super::case;
use crate::plan::Check;

fn digest(fixture: &str) -> String {
    case(fixture).plan().unwrap().digest()
}

const TWO: &str = "file 1 up:\"select 1\"\nfile 2 up:\"select 2\"";

#[test]
fn the_same_work_has_the_same_digest() {
    assert_eq!(digest(TWO), digest(TWO));
    // Whatever led to it: another order of lines, a target, rows about something else.
    assert_eq!(digest(TWO), digest("file 2 up:\"select 2\"\nfile 1 up:\"select 1\""));
    assert_eq!(digest(TWO), digest(&format!("{TWO}\ngoal up --to 2")));
    assert_eq!(digest(TWO), digest(&format!("{TWO}\nfile 0 up:\"select 0\"\nrow up 0")));
    assert_eq!(digest(TWO).len(), 8);
}

#[test]
fn any_other_work_has_another_digest() {
    let mut digests = vec![digest(TWO)];
    for other in [
        TWO.replace("select 2", "select 3"),
        TWO.replace("select 2", "select 2;"),
        TWO.replace("file 2", "file 3"),
        format!("{TWO}\nfile 3"),
        format!("{TWO}\nrow up 1"),
        format!("{TWO}\ngoal baseline 2"),
        format!("{TWO}\ngoal baseline 1"),
        format!("{TWO}\nengine mysql"),
        format!("{TWO}\nrow up 1 failed"),
        format!("{TWO}\nmanifest [migration.2]\nmanifest settings = {{ work_mem = \"1MB\" }}"),
        format!("{TWO}\nmanifest [migration.2]\nmanifest timeout = {{ lock = \"1s\" }}"),
        format!("{TWO}\nmanifest [migration.2]\nmanifest no-transaction = true"),
        "file 1 up:\"select 4\"\nfile 2 up:\"select 2\"\ngoal baseline 2".to_owned(),
    ] {
        digests.push(digest(&other));
    }
    let all = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), all);
}

#[test]
fn the_text_names_the_digest_and_the_command() {
    let plan = case("file 1").plan().unwrap();
    let digest = plan.digest();
    assert!(plan.to_string().ends_with(&format!("\ndigest {digest} · run exactly this: migrate up --plan {digest}\n")));
}

const SECRET: &str = "file 1 up:\"create role a password 'hunter2'\"";

#[test]
fn no_secret_is_shown() {
    assert_snapshot!(super::planned(SECRET), @"
    1  1 test  in a transaction, 1 statement
          create role a password '***'
    then the set is complete
    ");
}

#[cfg(feature = "serde")]
#[test]
#[allow(clippy::too_many_lines)] // one document
fn as_json_it_names_everything_that_will_run() {
    let plan = case(&format!(
        r#"
        {SECRET}
        file 2.0/post/50 cleanup up:"drop table a; vacuum" from:2.0
        file 3 up:"delete from a" batch:"until-empty limit=10 pause=1s"
        "#
    ))
    .plan()
    .unwrap();
    let mut json = serde_json::to_value(&plan).unwrap();
    json["digest"] = "…".into();
    for step in json["steps"].as_array_mut().unwrap() {
        step["checksum"] = "…".into();
    }
    assert_snapshot!(serde_json::to_string_pretty(&json).unwrap(), @r#"
    {
      "after": 0,
      "component": "main",
      "conditions": [],
      "counts": {
        "each": [],
        "on-loss": "warn"
      },
      "digest": "…",
      "engine": "postgres",
      "from": null,
      "notes": [],
      "settings": [],
      "steps": [
        {
          "action": "up",
          "checksum": "…",
          "description": "test",
          "destructive": false,
          "id": "1",
          "mode": "transaction",
          "preconditions": [],
          "resumes": null,
          "settings": [],
          "statements": [
            {
              "batch": null,
              "class": {
                "destructive": false,
                "kind": "definition",
                "queues": true,
                "sharing": "shares"
              },
              "number": 1,
              "text": "create role a password '***'"
            }
          ]
        },
        {
          "action": "up",
          "checksum": "…",
          "description": "cleanup",
          "destructive": true,
          "id": "2.0/post/50",
          "mode": "journal",
          "preconditions": [],
          "resumes": null,
          "settings": [],
          "statements": [
            {
              "batch": null,
              "class": {
                "destructive": true,
                "kind": "definition",
                "queues": true,
                "sharing": "shares"
              },
              "number": 1,
              "text": "drop table a"
            },
            {
              "batch": null,
              "class": {
                "destructive": false,
                "kind": "maintenance",
                "queues": false,
                "sharing": {
                  "alone": "repeat"
                }
              },
              "number": 2,
              "text": "vacuum"
            }
          ]
        },
        {
          "action": "up",
          "checksum": "…",
          "description": "test",
          "destructive": true,
          "id": "3",
          "mode": "journal",
          "preconditions": [],
          "resumes": null,
          "settings": [],
          "statements": [
            {
              "batch": {
                "until-empty": {
                  "limit": 10,
                  "pause": {
                    "nanos": 0,
                    "secs": 1
                  }
                }
              },
              "class": {
                "destructive": true,
                "kind": "manipulation",
                "queues": false,
                "sharing": "shares"
              },
              "number": 1,
              "text": "delete from a"
            }
          ]
        }
      ]
    }
    "#);
}

fn checked(fixture: &str) -> String {
    let case = case(fixture);
    let at = case.observed().history.newest().cloned();
    match Check::from_planned(case.plan(), at) {
        Check::Current { at, notes } => format!("current at {}, {} notes", at.unwrap(), notes.len()),
        Check::Pending { titles } => format!("pending: {}", titles.join(", ")),
        Check::Ahead(refusal) => format!("ahead: {}", refusal.diagnostics()[0].message),
        Check::Blocked(refusal) => format!("blocked: {}", refusal.diagnostics()[0].message),
    }
}

#[test]
fn a_check_is_one_of_five_answers() {
    assert_snapshot!(checked("file 1\nrow up 1"), @"current at 1, 0 notes");
    assert_snapshot!(checked("file 1\nrow up 1\nrow up 2"), @"current at 2, 1 notes");
    assert_snapshot!(checked("file 1\nfile 2 two\nfile R view\nrow up 1"), @"pending: 2 two, R view");
    assert_snapshot!(checked("file 1.0/pre/1\nfile 1.0/post/1\nfile 2.0/pre/1\nrow up 1.0/pre/1"), @"pending: 2.0/pre/01 test, 1.0/post/01 test");
    assert_snapshot!(checked("file 1\nrow up 1\nrow up 2 down:\"drop table a\"\npolicy on-ahead=downgrade"), @"pending: down 2 of another release");
    assert_snapshot!(checked("file 1\nrow up 1\nrow up 2.0/post/1"), @"ahead: the database is ahead: 2.0/post/01 of another release takes away what an older release may still use (this is 1)");
    assert_snapshot!(checked("file 1\nfile 2\nrow up 1\nrow up 2 failed"), @"blocked: 2 test: up failed at statement 1 of 1, and must be finished first");
    assert_snapshot!(checked("file 1\nfile 2\nrow up 1 seq:2"), @"blocked: the history has a gap: row 1 is missing");
    assert_snapshot!(checked("file 2\nmanifest minimum = \"2\"\nrow up 1"), @"blocked: the database is at 1, and this release starts from 2");
}
