//! Snapshots that install an empty database, statements that are appended, and components, with the built program.
//!
//! The scenarios are those that users of OpenMetadata (a baseline that is killed, a hotfix appended to a released file),
//! of Aurora (squashed migrations, restored dumps) and of Procrastinate (a library's tables in an application's database)
//! had.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod components;
mod engines;

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

/// A project with these files, and an empty database.
fn with(files: &[(&str, &str)]) -> Project {
    Project::with(files).file("app.db", "")
}

/// A project whose snapshot stands for the first three, with their files or without.
fn project(squashed: bool) -> Project {
    let whole = with(FILES);
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
    let project = with(FILES);
    assert_snapshot!(project.migrate("new --snapshot 3 all of it").exits(0), @"
    $ migrate new --snapshot 3 all of it
    migrations/B3__all_of_it.sql
    next: put into it what an empty database needs to be at 3
    ");
    let text = std::fs::read_to_string(project.path("migrations/B3__all_of_it.sql")).unwrap();
    assert_snapshot!(text, @"
    -- Installs an empty database at 3, in place of the migrations that it names.
    -- Those that have run everywhere can then be taken out of the folder, one release after this file came.
    -- migrate:replaces 1=sha256:974ec3b6e1b50bbbb845e14c0217eab82e552dab13baff91c7e87d3db7dc2e4a
    -- migrate:replaces 2=sha256:df7f02416523dae297187763cc1be69737188e986579b7d354b28388c7721187
    -- migrate:replaces 3=sha256:035713e4785f433840bf076a93146b175da8161603434d4e8f35acc8fc7bf76f

    -- Below goes what makes the schema and its first rows: a dump of a database that all of them have run on,
    -- without the table of the migrations.
    ");
    assert_snapshot!(project.migrate("new --snapshot 3.5").exits(2), @"
    $ migrate new --snapshot 3.5
    error[M0211]: there is no migration 3.5
       = a snapshot is of a version that the set has, like the newest: 1, 2, 3, 4
    exit 2
    ");
    project.migrate("validate").exits(0);
    // A file that is edited afterwards is not what it stands for.
    project.write("migrations/2_pets.sql", "create table pets (id integer primary key);\n");
    assert_snapshot!(project.migrate("validate").exits(11), @r#"
    $ migrate validate
    4 migrations · 1 finding, 1 remark
    warning[M0011]: B3 all of it: has no statement
      --> migrations/B3__all_of_it.sql
       = write one, or delete the file if it was never applied
    error[M0229]: B3 all of it: stands for another text of 2 pets
      --> migrations/B3__all_of_it.sql
       = it names sha256:df7f02416523dae297187763cc1be69737188e986579b7d354b28388c7721187
       = migrations/2_pets.sql is sha256:9803c7bde2bc946f0500ee5d70055f33934bc662f6b9047d804731ac9cb28f23
       = put the old text back, or make the snapshot anew
       = or, if both lead to the same: in migrations.toml, [migration."2"] accept = ["sha256:df7f02416523dae297187763cc1be69737188e986579b7d354b28388c7721187"]
    exit 11
    "#);
}

#[test]
fn an_empty_database_is_installed_at_once_and_its_files_can_go() {
    let one_by_one = with(FILES);
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
    assert_snapshot!(says(&project, "plan", 0), @"
    $ migrate plan -d sqlite:app.db
    1  B3 all of it  in a transaction, 3 statements; stands for 1, 2, 3
          create table people (id integer primary key, name varchar(40))
          create table pets (id integer primary key, owner integer)
          insert into people values (1, 'ada')
    2  4 tags        in a transaction, 1 statement
          create table tags (id integer primary key)
    digest 94fbee74 · run exactly this: migrate up --plan 94fbee74
    ");
    assert_snapshot!(says(&project, "up", 0), @"
    $ migrate up -d sqlite:app.db
    sqlite app.db · 2 pending
      B3  all of it   3 statements, stands for 3 migrations  _ ms
      4   tags        1 statement  _ ms
    1 applied, 1 snapshot installed in _ ms · now at 4
    ");
    assert_snapshot!(says(&project, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 1 applied, 3 squashed, 0 pending
      1         squashed  DATE  _ ms  (from B3 all of it)
      2         squashed  DATE  _ ms  (from B3 all of it)
      3         squashed  DATE  _ ms  (from B3 all of it)
      4  tags   applied   DATE  _ ms
    ");
    assert_snapshot!(says(&project, "history", 0), @"
    $ migrate history -d sqlite:app.db
    row  when (UTC)        action    migration     state  time  by
    1    DATE  snapshot  B3 all of it  done  _ ms  ada@desk
    2    DATE  snapshot  1             done  _ ms  ada@desk
    3    DATE  snapshot  2             done  _ ms  ada@desk
    4    DATE  snapshot  3             done  _ ms  ada@desk
    5    DATE  up        4 tags        done  _ ms  ada@desk
    ");
    assert_snapshot!(says(&project, "down --steps 2 --yes", 1), @"
    $ migrate down --steps 2 --yes -d sqlite:app.db
    refused[M0206]: what is squashed is never taken back: 3
       = nothing was run: these are applied, below the newest migration of this set, and have no files in it
       = go back with a release that still has them
    exit 1
    ");
}

/// A6 and A4: a database that ran them all goes on without their files, an older dump needs a release that has them, and a
/// dump without a history is recorded.
#[test]
fn databases_from_before_the_snapshot() {
    let squashed = project(true);
    let manifest = "[release.\"3\"]\nurl = \"https://shop.example/releases/3\"\nnotes = \"takes a minute\"\n";
    squashed.write("migrations/migrations.toml", manifest);
    let with_files = with(FILES);
    let into = |name: &str| {
        std::fs::copy(with_files.path("app.db"), squashed.path(name)).unwrap();
    };
    says(&with_files, "up --to 2", 0);
    into("between.db");
    says(&with_files, "up --to 3", 0);
    into("app.db");
    assert_snapshot!(squashed.migrate("up -d sqlite:between.db").exits(1), @"
    $ migrate up -d sqlite:between.db
    refused[M0209]: the database is at 2: 3 is not applied, and has no file any more: B3 all of it stands for it
      --> migrations/B3__all_of_it.sql
       = nothing was run: a snapshot is only for an empty database
       = the route: migrate up with release 3 (https://shop.example/releases/3), which still has the files, then with this one
       = notes on 3: takes a minute
    exit 1
    ");
    squashed.migrate("check -d sqlite:between.db").exits(1);
    assert!(says(&squashed, "up", 0).stdout.contains("1 applied"));
    assert_snapshot!(says(&squashed, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 1 applied, 3 squashed, 0 pending
      1  people   squashed  DATE  _ ms
      2  pets     squashed  DATE  _ ms
      3  rows     squashed  DATE  _ ms
      4  tags     applied   DATE  _ ms
    ");
    assert_snapshot!(says(&squashed, "history --prune", 0), @"
    $ migrate history --prune -d sqlite:app.db
    sqlite app.db · 4 to record
      1  people     no longer kept  _ ms
      2  pets       no longer kept  _ ms
      3  rows       no longer kept  _ ms
      3  baseline   everything up to here  _ ms
    3 no longer kept in _ ms · now at 4
    ");
    assert_snapshot!(says(&squashed, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 1 applied, 0 pending
      4  tags   applied  DATE  _ ms
    ");
    says(&squashed, "check", 0);
    assert_snapshot!(says(&squashed, "history --prune", 1), @"
    $ migrate history --prune -d sqlite:app.db
    refused[M0216]: nothing is squashed: everything that is applied has its file
       = see where everything stands with `migrate status`
    exit 1
    ");

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
    let project = with(&FILES[..3]);
    says(&project, "up --to 2", 0);
    project.write("migrations/2_pets.sql", &format!("-- of people\n{}", FILES[1].1));
    says(&project, "check", 7);
    project.write("migrations/2_pets.sql", &format!("{}create index owners on pets (owner);\n", FILES[1].1));
    assert_snapshot!(says(&project, "check", 1), @"
    $ migrate check -d sqlite:app.db
    error[M0110]: 2 pets was changed after it was applied (DATE by ada@desk)
      --> migrations/2_pets.sql
       |   create table pets (id integer primary key, owner integer);
       | + create index owners on pets (owner);
       = run what was appended, and nothing else: migrate up --amend 2
       = put the old text back:   migrate accept 2 --restore
       = or accept the new text:  migrate accept 2
    exit 1
    ");
    assert_snapshot!(says(&project, "up --amend 2", 0), @"
    $ migrate up --amend 2 -d sqlite:app.db
    sqlite app.db · 1 pending
      2  pets   statement 2 of 2  _ ms
    1 applied in _ ms · now at 2
    ");
    assert_eq!(
        project.query("app.db", "select name from sqlite_schema where type = 'index' and sql is not null"),
        "owners\n"
    );
    assert_eq!(project.query("app.db", "select count(*) from people"), "0\n");
    assert_snapshot!(says(&project, "up --amend 2", 1), @"
    $ migrate up --amend 2 -d sqlite:app.db
    refused[M0216]: 2 pets has no statement that was not applied
       = if its text is meant to count as it is: migrate accept 2
    exit 1
    ");
    says(&project, "check", 7);
    project.write(
        "migrations/2_pets.sql",
        "create table pets (id integer primary key);\ncreate index owners on pets (id);\n",
    );
    assert_snapshot!(says(&project, "up --amend 2", 1), @"
    $ migrate up --amend 2 -d sqlite:app.db
    error[M0204]: 2 pets: the part that has already run was changed (2 statements had run)
      --> migrations/2_pets.sql
       | - create table pets (id integer primary key, owner integer);
       | - create index owners on pets (owner);
       | + create table pets (id integer primary key);
       | + create index owners on pets (id);
       = put that part of the file back as it was; only what has not run yet can be changed
    exit 1
    ");
}
