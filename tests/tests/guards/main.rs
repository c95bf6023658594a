//! What guards a run, on every engine: session settings, what must hold before it, the backup.
//!
//! The scenarios are those that users of lakeFS (checks before an upgrade, a backup) and of OpenMetadata (memory for the
//! session of a migration, a backup that must be there) had in documents only.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::future::Future;

use migrate_core::backend::{Backend, Session};
use migrate_core::condition::{Condition, Conditions, Outcome};
use migrate_core::error::ErrorKind;
use migrate_core::layout::{EngineNames, Folder};
use migrate_core::{MigrationSet, Migrator, Policy, ReadOptions, RunOptions};
use tokio::runtime::{Builder, Runtime};

mod screens;
#[cfg(unix)]
mod servers;

/// A database, and how it is reached.
trait Database {
    fn engine() -> EngineNames;
    fn create() -> Self;
    fn backend(&self) -> Box<dyn Backend>;

    /// A connection that is not a run of ours.
    fn other(&self) -> Box<dyn Session> {
        block_on(self.backend().connect()).unwrap()
    }
}

/// A setting of a session: its name, a value, and the expression that reads it.
struct Setting {
    name: &'static str,
    value: &'static str,
    read: &'static str,
    /// What a script does that sets another value for its session.
    changed: &'static str,
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

fn set<D: Database>(files: &[(&str, &str)]) -> MigrationSet {
    let folder = Folder::embedded("migrations", files.iter().copied());
    let options = ReadOptions { layout: Some("native".to_owned()), ..ReadOptions::new(D::engine()) };
    MigrationSet::from_folder(&folder, &options).unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

fn cell<D: Database>(database: &D, sql: &str) -> String {
    block_on(async {
        let mut session = database.backend().connect().await.unwrap();
        let rows = session.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().flatten().flatten().collect::<Vec<_>>().join(",")
    })
}

/// O9: the setting holds in every migration, whatever the one before it did, and in no session afterwards.
fn settings<D: Database>(Setting { name, value, read, changed }: &Setting) {
    let database = D::create();
    let insert = format!("insert into seen values ({read});\n");
    let first = format!("create table seen (value varchar(40));\n{insert}");
    let second = format!("{insert}{changed};\n");
    let files = [("1_first.sql", first.as_str()), ("2_second.sql", &second), ("3_third.sql", &insert)];
    let mut options = RunOptions::default();
    options.settings = vec![((*name).to_owned(), (*value).to_owned())];
    let migrator = Migrator::new(database.backend(), set::<D>(&files)).options(options);
    let plan = block_on(migrator.plan()).unwrap_or_else(|error| panic!("{error}"));
    assert!(plan.to_string().contains(&format!("settings: {name} = {value}\n")), "{plan}");
    block_on(async {
        let backend = database.backend();
        let mut session = backend.connect().await.unwrap();
        let read = format!("select {read}");
        let before = session.query(&read).await.unwrap();
        migrator.run_on(&mut *session, &mut ()).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(session.query(&read).await.unwrap(), before, "the session has what it had");
        let mut other = backend.connect().await.unwrap();
        assert_eq!(other.query(&read).await.unwrap(), before, "other sessions never had it");
    });
    let seen = cell(&database, "select value from seen");
    assert_eq!(seen, [*value; 3].join(","));
}

fn conditions(texts: &[(&str, &str)], required: bool) -> Policy {
    let all = texts.iter().map(|(name, value)| Condition::parse(name, value).unwrap().unwrap()).collect();
    let mut policy = Policy::default();
    policy.conditions = Conditions { all, required };
    policy
}

/// L8: each check is reported, nothing runs, and each can be waived by name.
fn checks_before_a_run<D: Database>() {
    let database = D::create();
    let files = [("1_a.sql", "create table a (n int);\n")];
    let texts = [("free-space", "2x"), ("server-version", ">=999"), ("privileges", "true")];
    let migrator = |options: RunOptions| {
        Migrator::new(database.backend(), set::<D>(&files)).policy(conditions(&texts, false)).options(options)
    };
    let error = block_on(migrator(RunOptions::default()).up()).unwrap_err();
    let ErrorKind::Preconditions { findings, .. } = error.kind() else { panic!("{error}") };
    let outcomes: Vec<_> = findings.iter().map(|finding| (finding.name, finding.outcome)).collect();
    assert_eq!(outcomes[1..], [("server-version", Outcome::Failed), ("privileges", Outcome::Passed)], "{error}");
    assert_ne!(outcomes[0].1, Outcome::Failed, "{error}");
    let observed = block_on(migrator(RunOptions::default()).observe()).unwrap();
    assert!(!observed.server.has_history && observed.server.objects.is_empty(), "nothing was written: {observed:?}");

    let mut options = RunOptions::default();
    options.waive = vec!["server-version".to_owned()];
    options.backup = Some("snapshot 1".to_owned());
    let report = block_on(migrator(options.clone()).up()).unwrap_or_else(|error| panic!("{error}"));
    assert!(report.notes.iter().any(|note| note.message.starts_with("going on in spite of it")), "{report:?}");
    let observed = block_on(migrator(options).observe()).unwrap();
    let row = &observed.history.entries()[0];
    assert_eq!(row.guarded_by(), Some("backup snapshot 1; waived server-version"));
    assert!(row.is_of_install());
}

/// What nobody can tell passes, unless that is required.
fn what_is_unknown<D: Database>(name: &str, value: &str) {
    let database = D::create();
    let files = [("1_a.sql", "create table a (n int);\n")];
    let migrator =
        |required| Migrator::new(database.backend(), set::<D>(&files)).policy(conditions(&[(name, value)], required));
    let error = block_on(migrator(true).up()).unwrap_err();
    assert!(error.to_string().contains(&format!("unknown: {name}")), "{error}");
    let report = block_on(migrator(false).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.steps.len(), 1);
}

/// L8: somebody else is connected.
#[cfg(unix)]
fn other_sessions<D: Database>() {
    let database = D::create();
    let files = [("1_a.sql", "create table a (n int);\n")];
    let up = || {
        let policy = conditions(&[("no-other-sessions", "true")], false);
        block_on(Migrator::new(database.backend(), set::<D>(&files)).policy(policy).up())
    };
    let other = database.other();
    let error = up().unwrap_err();
    assert!(error.to_string().contains("failed: no-other-sessions: 1 other session: "), "{error}");
    drop(other);
    migrate_tests::servers::wait_for("the other session has ended", || up().ok());
}

struct OnSqlite(tempfile::TempDir);

impl Database for OnSqlite {
    fn engine() -> EngineNames {
        EngineNames::SQLITE
    }

    fn create() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn backend(&self) -> Box<dyn Backend> {
        Box::new(migrate_sqlite::Sqlite::open(self.0.path().join("app.db")))
    }
}

mod on_sqlite {
    use super::*;

    #[test]
    fn settings_hold_in_every_migration_and_nowhere_else() {
        settings::<OnSqlite>(&Setting {
            name: "cache_size",
            value: "-4000",
            read: "(select cache_size from pragma_cache_size)",
            changed: "pragma cache_size = 10",
        });
    }

    #[test]
    fn checks_are_reported_at_once_and_waived_by_name() {
        checks_before_a_run::<OnSqlite>();
    }

    #[test]
    fn what_nobody_can_tell_passes_unless_required() {
        what_is_unknown::<OnSqlite>("no-other-sessions", "true");
    }

    #[test]
    #[cfg(unix)]
    fn a_full_disk_is_seen() {
        let database = OnSqlite::create();
        let policy = conditions(&[("free-space", "900000TB")], false);
        let set = set::<OnSqlite>(&[("1_a.sql", "create table a (n int);\n")]);
        let error = block_on(Migrator::new(database.backend(), set).policy(policy).up()).unwrap_err();
        assert!(error.to_string().contains("failed: free-space 900000 TB: "), "{error}");
    }
}
