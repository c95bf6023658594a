//! What a person sees of what guards a run.

use insta::assert_snapshot;
use migrate_tests::{Project, Transcript};

const FIRST: &str = "create table people (id integer primary key);\n";

fn says(project: &Project, words: &str, code: i32) -> Transcript {
    project.migrate(&format!("{words} -d sqlite:app.db")).exits(code)
}

/// A release with notes is pending on a database that has the one before it.
fn project() -> Project {
    let project = Project::with(&[("1.0.0_01_pre_people", FIRST)]).file("app.db", "");
    says(&project, "up", 0);
    project.file(
        "migrations/migrations.toml",
        "[release.\"1.1.0\"]\nurl = \"https://shop.example/1.1.0\"\nnotes = \"\"\"\nStop the workers first.\n\
         It takes a minute.\n\"\"\"\n",
    )
}

#[test]
fn what_does_not_hold_says_what_there_is_to_read() {
    let project = project().file("migrations/1.1.0_01_pre_pets.sql", "create table pets (id integer primary key);\n");
    project.write("migrate.toml", "[preconditions]\nserver-version = \"sqlite>=99\"\n");
    let version = rusqlite::version();
    assert_snapshot!(says(&project, "up", 10).to_string().replace(version, "VERSION"), @"
    $ migrate up -d sqlite:app.db
    sqlite app.db · 1 pending
    refused[M0301]: 1 of 1 precondition does not hold
       = failed: server-version sqlite>=99: it is SQLite VERSION
       = nothing was run: make it hold and run the same command again
       = or go on in spite of it, which is written down: migrate up --waive server-version
       = notes on 1.1.0: Stop the workers first.
       = notes on 1.1.0: It takes a minute.
       = more on 1.1.0: https://shop.example/1.1.0
    exit 10
    ");
    project.write("migrate.toml", "");
    let pets = "-- migrate:precondition \"nobody is there\" select count(*) = 0 from people\ncreate table pets (id integer);\n";
    project.write("migrations/1.1.0_01_pre_pets.sql", pets);
    project.open("app.db").execute("insert into people values (1)", []).unwrap();
    assert_snapshot!(says(&project, "up", 10), @r#"
    $ migrate up -d sqlite:app.db
    sqlite app.db · 1 pending
    refused[M0301]: 1.1.0/pre/01 pets: the precondition does not hold: nobody is there
      --> migrations/1.1.0_01_pre_pets.sql:1:1
     1 | -- migrate:precondition "nobody is there" select count(*) = 0 from people
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = asked: select count(*) = 0 from people
       = answer: 0
       = nothing of this migration has run: make the precondition true and run `migrate up` again
       = or go on in spite of it, which is written down: migrate up --waive "nobody is there"
       = notes on 1.1.0: Stop the workers first.
       = notes on 1.1.0: It takes a minute.
       = more on 1.1.0: https://shop.example/1.1.0
    exit 10
    "#);
    // Of a release without notes there is nothing to say.
    project.write("migrations/1.2.0_01_pre_toys.sql", &pets.replace("pets", "toys"));
    std::fs::remove_file(project.path("migrations/1.1.0_01_pre_pets.sql")).unwrap();
    let refused = says(&project, "up", 10);
    assert!(!refused.stderr.contains("notes on"), "{refused}");
}

#[test]
fn going_back_needs_a_backup_as_going_on_does() {
    let project = project().file("migrate.toml", "[backup]\nrequired = true\n");
    project.write("migrations/1.1.0_01_pre_pets.up.sql", "create table pets (id integer primary key);\n");
    project.write("migrations/1.1.0_01_pre_pets.down.sql", "drop table pets;\n");
    says(&project, "up --backup-done nightly", 0);
    assert_snapshot!(says(&project, "down --steps 1 --dry-run", 0), @"
    $ migrate down --steps 1 --dry-run -d sqlite:app.db
    1  down 1.1.0/pre/01 pets  in a transaction, 1 statement; destructive
          drop table pets
    a backup is required: migrate down --steps 1 --backup, or --backup-done TEXT where there is one
    ");
    assert_snapshot!(says(&project, "down --steps 1 --yes", 10), @r#"
    $ migrate down --steps 1 --yes -d sqlite:app.db
    refused[M0408]: app.db has no backup, and backup.required asks for one
       = nothing was run: make one on the way: migrate down --steps 1 --backup
       = or say which one there is: migrate down --steps 1 --backup-done "RDS snapshot X"
    exit 10
    "#);
    let down = says(&project, "down --steps 1 --yes --backup", 0);
    let file = down
        .stdout
        .lines()
        .find_map(|line| line.split_once(": backup of app.db"))
        .unwrap_or_else(|| panic!("{down}"))
        .0;
    assert!(project.query(file, "select name from sqlite_schema where type = 'table'").contains("pets"), "{down}");
    says(&project, "up --backup-done nightly", 0);
    assert_snapshot!(says(&project, "redo --yes", 10), @r#"
    $ migrate redo --yes -d sqlite:app.db
    refused[M0408]: app.db has no backup, and backup.required asks for one
       = nothing was run: make one on the way: migrate redo --backup
       = or say which one there is: migrate redo --backup-done "RDS snapshot X"
    exit 10
    "#);
    says(&project, "redo --yes --backup-done hourly", 0);
    let history = says(&project, "history", 0);
    let named: Vec<_> =
        history.stdout.lines().filter_map(|line| line.split_once("backup ")).map(|(_, name)| name).collect();
    assert_eq!(named, ["nightly", file, "nightly", "hourly", "hourly"], "{history}");
    // Where nothing is taken back nothing is needed.
    says(&project, "down --to 1.1.0 --yes", 0);
}

#[test]
fn one_backup_is_made_for_all_components() {
    let project = Project::with(&[("1_people", FIRST)]).file("app.db", "");
    let project = project.file("vendor/1_jobs.sql", "create table jobs (id integer primary key);\n");
    let project = project.file("migrate.toml", "[backup]\nrequired = true\n[component.queue]\ndir = \"vendor\"\n");
    assert_snapshot!(says(&project, "up", 10), @r#"
    $ migrate up -d sqlite:app.db
    component main
    refused[M0408]: app.db has no backup, and backup.required asks for one
       = nothing was run: make one on the way: migrate up --backup
       = or say which one there is: migrate up --backup-done "RDS snapshot X"
    exit 10
    "#);
    let up = says(&project, "up --backup", 0);
    assert_eq!(up.stdout.matches("backup of app.db").count(), 1, "{up}");
    let made = project.path("backups").read_dir().unwrap().count();
    assert_eq!(made, 1, "{up}");
    let named = "select count(*) from migrate_history where origin like '%backup %'";
    assert_eq!(project.query("app.db", named), "2\n");
}
