//! What a person sees of code that the program cannot run, and of what is there on request.

use insta::assert_snapshot;
use migrate_core::Migrator;
use migrate_core::async_trait;
use migrate_core::code::{Code, CodeContext, CodeError, CodeMigration};
use migrate_sqlite::Sqlite;
use migrate_tests::Project;
use migrate_tests::backends::{OnSqlite, block_on};
use migrate_tests::transcript::redacted;

use super::kv::FILES;
use super::set;

fn said(project: &Project, words: &str, code: i32) -> String {
    project.migrate(&format!("{words} -d sqlite:app.db")).exits(code).to_string()
}

#[test]
fn the_program_does_not_pass_code_and_says_who_runs_it() {
    let project = Project::with(FILES);
    assert_snapshot!(said(&project, "up --create-db", 1), @"
    $ migrate up --create-db -d sqlite:app.db
    created app.db
    refused[M0221]: 2 kv: is pending, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = apply what comes before it: migrate up --to 1
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    exit 1
    ");
    assert_snapshot!(said(&project, "up --create-db --to 1", 0), @"
    $ migrate up --create-db --to 1 -d sqlite:app.db
    sqlite app.db · 1 pending
      1  accounts   4 statements  _ ms
    1 applied in _ ms · now at 1
    ");
    assert_snapshot!(said(&project, "plan", 1), @"
    $ migrate plan -d sqlite:app.db
    refused[M0221]: 2 kv: is pending, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    exit 1
    ");
    assert_snapshot!(said(&project, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 1 applied, 1 pending, 1 on request
      1  accounts   applied   DATE  _ ms
      2  kv         pending   (Rust code)
      3  drop old   optional  (on request: migrate up --include drop-old)
    refused[M0221]: 2 kv: is pending, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    ");
    assert_snapshot!(said(&project, "up --include drop-old", 1), @"
    $ migrate up --include drop-old -d sqlite:app.db
    refused[M0221]: 2 kv: is pending, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    exit 1
    ");
    assert_snapshot!(said(&project, "resolve 2 --applied", 0), @"
    $ migrate resolve 2 --applied -d sqlite:app.db
    sqlite app.db · 1 to record
      2  kv   recorded as applied  _ ms
    1 resolved in _ ms · now at 2
    2: not applied → applied
    next: migrate status
    ");
    assert_snapshot!(said(&project, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 2 applied, 0 pending, 1 on request
      1  accounts   applied   DATE  _ ms
      2  kv         applied   DATE  _ ms  (done by hand)
      3  drop old   optional  (on request: migrate up --include drop-old)
    ");
    assert_snapshot!(said(&project, "plan --include drop-old", 0), @"
    $ migrate plan --include drop-old -d sqlite:app.db
    1  3 drop old  in a transaction, 2 statements; destructive
          drop table users
          drop table teams
    digest 0d3d89ec · run exactly this: migrate up --include drop-old --plan 0d3d89ec
    ");
}

/// Copies names, and stops at the second.
struct Stumbles;

#[async_trait]
impl Code for Stumbles {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute("create table kv (k varchar(100) primary key)").await?;
        context.commit("ada").await?;
        context.execute("insert into kv (key) values ('ada')").await?;
        Ok(())
    }
}

#[test]
fn code_that_failed_says_what_is_kept_and_where_it_goes_on() {
    let project = Project::with(FILES);
    let backend = Sqlite::open(project.path("app.db"));
    let code = CodeMigration::new("2".parse().unwrap(), "kv", "kv-1", Stumbles).in_batches();
    let migrator = Migrator::new(backend, set::<OnSqlite>(&project.path("migrations"))).with_code([code]).unwrap();
    said(&project, "up --create-db --to 1", 0);
    assert_snapshot!(block_on(migrator.plan()).unwrap(), @"
    1  2 kv  code, in transactions with checkpoints
    digest 66a475d2 · run exactly this: migrate up --plan 66a475d2
    ");
    let folder = project.path("migrations").parent().unwrap().to_owned();
    let error = block_on(migrator.up()).unwrap_err().to_string();
    assert_snapshot!(redacted(&error, &folder.display().to_string()), @"
    error[M0308]: 2 kv: its code failed: table kv has no column named key (SQLITE_ERROR)
      --> migrations/2_kv.sql
       = no migration was completed in this run
       = what it did since checkpoint ada was rolled back: fix the code and run it again, it goes on from there
    ");
    assert_snapshot!(block_on(migrator.plan()).unwrap(), @"
    1  2 kv  code, in transactions with checkpoints; goes on at checkpoint ada
    digest a793cf1d · run exactly this: migrate up --plan a793cf1d
    ");
    assert_snapshot!(said(&project, "status", 0), @"
    $ migrate status -d sqlite:app.db
    sqlite app.db · history migrate_history · layout native · 1 applied, 0 pending, 1 on request, 1 not finished
      1  accounts   applied   DATE  _ ms
      2  kv         failed    DATE  (up after checkpoint ada)
      3  drop old   optional  (on request: migrate up --include drop-old)
    refused[M0221]: 2 kv: was begun and stands after checkpoint ada, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = it said: table kv has no column named key (SQLITE_ERROR)
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    ");
    assert_snapshot!(said(&project, "up", 1), @"
    $ migrate up -d sqlite:app.db
    refused[M0221]: 2 kv: was begun and stands after checkpoint ada, and its work is Rust code, which only the application can run
      --> migrations/2_kv.sql
       = it said: table kv has no column named key (SQLITE_ERROR)
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    exit 1
    ");
}
