//! Snapshots that install an empty database, statements that are appended, and components, with the built program.
//!
//! The scenarios are those that users of OpenMetadata (a baseline that is killed, a hotfix appended to a released file),
//! of Aurora (squashed migrations, restored dumps) and of Procrastinate (a library's tables in an application's database)
//! had.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod components;
mod servers;

use insta::assert_snapshot;
use migrate_tests::{Project, Transcript};

const FILES: &[(&str, &str)] = &[
    ("1_people", "create table people (id integer primary key, name varchar(40));\n"),
    ("2_pets", "create table pets (id integer primary key, owner integer);\n"),
    ("3_rows", "insert into people values (1, 'ada');\n"),
    ("4_tags", "create table tags (id integer primary key);\n"),
];

/// What the first three lead to.
const BODY: &str = "\
create table people (id integer primary key, name varchar(40));
create table pets (id integer primary key, owner integer);
insert into people values (1, 'ada');
";

/// A project whose snapshot stands for the first three, with their files or without.
fn project(squashed: bool) -> Project {
    let whole = Project::with(FILES);
    whole.migrate("new --snapshot 3 all of it").exits(0);
    let file = "migrations/B3__all_of_it.sql";
    let header = std::fs::read_to_string(whole.path(file)).unwrap();
    whole.write(file, &format!("{header}{BODY}"));
    if squashed {
        for (name, _) in &FILES[..3] {
            std::fs::remove_file(whole.path(&format!("migrations/{name}.sql"))).unwrap();
        }
    }
    whole
}

fn says(project: &Project, words: &str, code: i32) -> Transcript {
    project.migrate(&format!("{words} -d sqlite:app.db")).exits(code)
}

#[test]
fn a_snapshot_begins_with_what_it_stands_for() {
    let project = Project::with(FILES);
    assert_snapshot!(project.migrate("new --snapshot 3 all of it").exits(0), @"");
    let text = std::fs::read_to_string(project.path("migrations/B3__all_of_it.sql")).unwrap();
    assert_snapshot!(text, @"");
    assert_snapshot!(project.migrate("new --snapshot 3.5").exits(2), @"");
    project.migrate("validate").exits(0);
    // A file that is edited afterwards is not what it stands for.
    project.write("migrations/2_pets.sql", "create table pets (id integer primary key);\n");
    assert_snapshot!(project.migrate("validate").exits(11), @"");
}

#[test]
fn an_empty_database_is_installed_at_once_and_its_files_can_go() {
    let one_by_one = Project::with(FILES);
    says(&one_by_one, "up", 0);
    for squashed in [false, true] {
        let project = project(squashed);
        says(&project, "up", 0);
        assert_eq!(project.contents("app.db"), one_by_one.contents("app.db"), "both ways lead to the same");
        says(&project, "check", 0);
        assert!(says(&project, "up", 0).stdout.contains("nothing to do"));
    }
}

#[test]
fn what_a_person_sees_of_a_snapshot() {
    let project = project(true);
    assert_snapshot!(says(&project, "plan", 0), @"");
    assert_snapshot!(timeless(&says(&project, "up", 0)), @"");
    assert_snapshot!(timeless(&says(&project, "status", 0)), @"");
    assert_snapshot!(timeless(&says(&project, "history", 0)), @"");
    assert_snapshot!(says(&project, "down --steps 2 --yes", 1), @"");
}

/// A6 and A4: a database that ran them all goes on without their files, an older dump needs a release that has them, and a
/// dump without a history is recorded.
#[test]
fn databases_from_before_the_snapshot() {
    let squashed = project(true);
    let manifest = "[release.\"3\"]\nurl = \"https://shop.example/releases/3\"\nnotes = \"takes a minute\"\n";
    squashed.write("migrations/migrations.toml", manifest);
    let with_files = Project::with(FILES);
    let into = |name: &str| {
        std::fs::copy(with_files.path("app.db"), squashed.path(name)).unwrap();
    };
    says(&with_files, "up --to 2", 0);
    into("between.db");
    says(&with_files, "up --to 3", 0);
    into("app.db");
    assert_snapshot!(squashed.migrate("up -d sqlite:between.db").exits(1), @"");
    squashed.migrate("check -d sqlite:between.db").exits(1);
    assert!(says(&squashed, "up", 0).stdout.contains("1 applied"));
    assert_snapshot!(timeless(&says(&squashed, "status", 0)), @"");
    assert_snapshot!(timeless(&says(&squashed, "history --prune", 0)), @"");
    assert_snapshot!(timeless(&says(&squashed, "status", 0)), @"");
    says(&squashed, "check", 0);
    assert_snapshot!(says(&squashed, "history --prune", 1), @"");

    squashed.open("dump.db").execute_batch(BODY).unwrap();
    let before = squashed.contents("dump.db");
    squashed.migrate("up -d sqlite:dump.db").exits(1);
    assert_eq!(squashed.query("dump.db", "select name from sqlite_schema where name like 'migrate%'"), "");
    squashed.migrate("baseline 3 -d sqlite:dump.db").exits(0);
    assert_eq!(squashed.contents("dump.db"), before, "a baseline executes nothing");
    squashed.migrate("up -d sqlite:dump.db").exits(0);
    // What cannot be reached is never empty.
    squashed.migrate("up -d postgres://ada@127.0.0.1:1/shop").exits(6);
}

/// O6: what was appended runs on request, and nothing else does; a comment is no difference.
#[test]
fn statements_that_were_appended() {
    let project = Project::with(&FILES[..3]);
    says(&project, "up --to 2", 0);
    project.write("migrations/2_pets.sql", &format!("-- of people\n{}", FILES[1].1));
    says(&project, "check", 7);
    project.write("migrations/2_pets.sql", &format!("{}create index owners on pets (owner);\n", FILES[1].1));
    assert_snapshot!(says(&project, "check", 1), @"");
    assert_snapshot!(timeless(&says(&project, "up --amend 2", 0)), @"");
    assert_eq!(
        project.query("app.db", "select name from sqlite_schema where type = 'index' and sql is not null"),
        "owners\n"
    );
    assert_eq!(project.query("app.db", "select count(*) from people"), "0\n");
    assert_snapshot!(says(&project, "up --amend 2", 1), @"");
    says(&project, "check", 7);
    project.write(
        "migrations/2_pets.sql",
        "create table pets (id integer primary key);\ncreate index owners on pets (id);\n",
    );
    assert_snapshot!(says(&project, "up --amend 2", 1), @"");
}

/// Without what differs from run to run.
fn timeless(transcript: &Transcript) -> String {
    let text = transcript.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("20") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let moment = after.get(..16).filter(|moment| {
            let shape: String = moment.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            shape == "0000-00-00 00:00"
        });
        let (shown, length) = if moment.is_some() { ("2026-11-28 12:00", 16) } else { ("20", 2) };
        out.push_str(shown);
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}
