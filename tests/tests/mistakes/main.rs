//! Typical mistakes, and what a person reads then: each snapshot is one screen.
//!
//! Whoever changes a message reads it here aloud: does it name the file, the line and the place in it, does it say what
//! is committed, and does what it tells to type work?
//!
//! | module | mistakes |
//! |---|---|
//! | [`names`] | files that are missing, misplaced or misnamed |
//! | [`texts`] | what stands in a file, before any of it runs |
//! | [`statements`] | what the database refuses while a migration runs |
//! | [`edited`] | files that changed after they were applied or released |
//! | [`order`] | what is applied, what is asked for, and which comes first |
//! | [`interrupted`] | migrations that were left half-way |
//! | [`history`] | databases with another past than the files |
//! | [`databases`] | databases that are not there, not usable, or not ours |
//! | [`configuration`] | `migrate.toml` and variables |
//! | [`typed`] | commands and flags |
//! | [`machines`] | mistakes as programs read them |
//! | [`secrets`] | passwords, wherever something goes wrong with them |

mod configuration;
mod databases;
mod edited;
mod history;
mod interrupted;
mod machines;
mod names;
mod order;
mod secrets;
mod statements;
mod texts;
mod typed;

use migrate_tests::{Project, Transcript};

const UP: &str = "up -d sqlite:app.db";
const USERS: &str = "create table users (\n  id integer primary key,\n  email text not null unique\n);\n";
const POSTS: &str = "create table posts (\n  id integer primary key,\n  author integer not null references users,\n  title text not null\n);\n";

/// Two migrations and nothing wrong with them.
fn blog() -> Project {
    Project::new().file("migrations/1_create_users.sql", USERS).file("migrations/2_create_posts.sql", POSTS)
}

/// The same project after its migrations ran.
fn applied(project: Project) -> Project {
    project.migrate(&format!("{UP} --create-db")).exits(0);
    project
}

/// Runs each line, and shows them all as one screen.
fn screen(project: &Project, lines: &[&str]) -> String {
    told(&lines.iter().map(|line| project.migrate(line)).collect::<Vec<_>>())
}

/// Several commands as one screen.
fn told(transcripts: &[Transcript]) -> String {
    transcripts.iter().map(Transcript::to_string).collect::<Vec<_>>().join("\n")
}
