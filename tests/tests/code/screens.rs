//! What a person sees of code that the program cannot run, and of what is there on request.

use insta::assert_snapshot;
use migrate_core::Migrator;
use migrate_core::async_trait;
use migrate_core::code::{Code, CodeContext, CodeError, CodeMigration};
use migrate_tests::Project;

use super::kv::FILES;
use super::{Database, OnSqlite, block_on, set};

fn said(project: &Project, words: &str, code: i32) -> String {
    let transcript = project.migrate(&format!("{words} -d sqlite:app.db")).exits(code);
    format!("{}{}", transcript.stdout, transcript.stderr)
}

#[test]
fn the_program_goes_up_to_code_and_says_who_runs_it() {
    let project = Project::with(FILES);
    assert_snapshot!(said(&project, "up --create-db", 1), @"");
    assert_snapshot!(said(&project, "up --create-db --to 1", 0), @"");
    assert_snapshot!(said(&project, "plan", 1), @"");
    assert_snapshot!(said(&project, "status", 0), @"");
    assert_snapshot!(said(&project, "up --include drop-old", 1), @"");
    assert_snapshot!(said(&project, "resolve 2 --applied", 0), @"");
    assert_snapshot!(said(&project, "status", 0), @"");
    assert_snapshot!(said(&project, "plan --include drop-old", 0), @"");
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
    let backend = OnSqlite.backend(&project);
    let code = CodeMigration::new("2".parse().unwrap(), "kv", "kv-1", Stumbles).in_batches();
    let migrator = Migrator::new(backend, set::<OnSqlite>(&project.path("migrations"))).with_code([code]).unwrap();
    said(&project, "up --create-db --to 1", 0);
    assert_snapshot!(block_on(migrator.plan()).unwrap(), @"");
    assert_snapshot!(block_on(migrator.up()).unwrap_err(), @"");
    assert_snapshot!(block_on(migrator.plan()).unwrap(), @"");
    assert_snapshot!(said(&project, "status", 0), @"");
    assert_snapshot!(said(&project, "up", 1), @"");
}
