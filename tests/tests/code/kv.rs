//! L7: the data of old tables is moved by code into a new one, which is built anew after an abort; the old tables go only
//! on request, and not before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use migrate_core::backend::Backend;
use migrate_core::code::{Code, CodeContext, CodeError, CodeMigration, Restart};
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::history::State;
use migrate_core::testing::Crash;
use migrate_core::{Migrator, Policy, RunOptions, async_trait};
use migrate_tests::Project;
use migrate_tests::backends::{Database, OnSqlite, block_on};

use super::{cells, set};

/// Two old tables with their rows, the step that moves them, and the one that drops them.
pub(super) const FILES: &[(&str, &str)] = &[
    (
        "1_accounts",
        "create table users (name varchar(40) primary key);\n\
         create table teams (name varchar(40) primary key);\n\
         insert into users values ('ada'), ('ben'), ('cat');\n\
         insert into teams values ('red'), ('tan');\n",
    ),
    ("2_kv", "-- Moves users and teams.\n-- migrate:code kv-1\n"),
    ("3_drop_old", "-- migrate:optional drop-old\ndrop table users;\ndrop table teams;\n"),
];

const TABLES: [&str; 2] = ["users", "teams"];
const ALL: &str = "teams/red,teams/tan,users/ada,users/ben,users/cat";

/// Builds `kv` from the old tables: a table that commits by itself on one engine, so it starts over.
struct Kv {
    /// After so many rows it gives up.
    most: Arc<AtomicU64>,
}

#[async_trait]
impl Code for Kv {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute("create table kv (k varchar(100) primary key)").await?;
        let (mut done, mut total, mut keys) = (0, 0, Vec::new());
        for table in TABLES {
            let rows = context.query(&format!("select name from {table} order by name")).await?;
            total += rows.len() as u64;
            keys.extend(rows.into_iter().flatten().flatten().map(|name| format!("{table}/{name}")));
        }
        for key in keys {
            if done == self.most.load(Ordering::SeqCst) {
                return Err(CodeError::new("out of space"));
            }
            context.execute(&format!("insert into kv values ('{key}')")).await?;
            done += 1;
            context.progress(done, total);
        }
        Ok(())
    }

    async fn reset(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        context.execute("drop table if exists kv").await?;
        Ok(())
    }
}

/// The service: it has the files and the code.
struct Service {
    most: Arc<AtomicU64>,
    options: RunOptions,
    policy: Policy,
}

impl Service {
    fn migrator<D: Database>(&self, project: &Project, backend: impl Backend + 'static) -> Migrator {
        let kv = Kv { most: Arc::clone(&self.most) };
        let kv = CodeMigration::new("2".parse().unwrap(), "kv", "kv-1", kv).outside_transaction(Restart::FromScratch);
        let migrator = Migrator::new(backend, set::<D>(&project.path("migrations")));
        migrator.with_code([kv]).unwrap().options(self.options.clone()).policy(self.policy.clone())
    }
}

pub(super) fn l7<D: Database>() {
    let project = Project::with(FILES);
    let database = D::create();
    let url = database.url();
    let cli = |words: &str| project.migrate(&format!("{words} -d {url}"));
    let cell = |sql: &str| cells(&*database.backend(), sql);
    let kv = || cell("select k from kv order by k");
    let old = || TABLES.map(|table| cell(&format!("select count(*) from {table}")));
    let there = || assert_eq!(old(), [Some("3".to_owned()), Some("2".to_owned())]);

    // The program knows that there is a step which it cannot run, and goes up to it.
    assert_eq!(cli("up --to 1 --create-db").code, Some(0));
    let refused = cli("up --include drop-old");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("2 kv: is pending, and its work is Rust code"), "{refused}");
    there();

    // The service is aborted in the middle, twice: by its own error, and by the loss of its connection.
    let service =
        Service { most: Arc::new(AtomicU64::new(2)), options: RunOptions::default(), policy: Policy::default() };
    let mut progress = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Progress { done, total, .. } = event {
            progress.push((*done, *total));
        }
    };
    let migrator = service.migrator::<D>(&project, database.backend());
    let error = block_on(migrator.run(&mut observer)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Code(_)), "{error}");
    assert_eq!(progress, [(1, Some(5)), (2, Some(5))]);
    assert_eq!(kv().as_deref(), Some("users/ada,users/ben"));
    let refused = cli("up --include drop-old");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("2 kv: was begun"), "{refused}");
    there();

    service.most.store(u64::MAX, Ordering::SeqCst);
    let mut options = RunOptions::default();
    options.reconnect_for = Duration::ZERO;
    let crashing = Service { options, most: Arc::clone(&service.most), policy: Policy::default() };
    let mut crashes = 0;
    for at in 0.. {
        let backend = Crash::new(database.backend(), at, true);
        let migrator = crashing.migrator::<D>(&project, backend);
        match block_on(migrator.up()) {
            // Whatever it had come to, the next attempt starts over.
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Lost(_)), "crash after {at}: {error}"),
            Ok(_) => break,
        }
        crashes += 1;
        there();
    }
    assert!(crashes > 5, "{crashes}");
    assert_eq!(kv().as_deref(), Some(ALL));
    let state = block_on(migrator.observe()).unwrap();
    let attempts: Vec<_> = state.history.entries().iter().filter(|row| row.id.to_string() == "2").collect();
    let [first, .., last] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!((first.state, last.state), (State::Failed, State::Done));
    assert!(
        attempts[1..attempts.len() - 1]
            .iter()
            .all(|row| row.settled_by.as_deref().is_some_and(|by| by.starts_with("code: it starts over"))),
        "{attempts:?}"
    );

    // Done is done; what is old is there until somebody wants it gone.
    assert!(block_on(migrator.up()).unwrap().is_empty());
    assert_eq!(cli("check").code, Some(0));
    assert!(cli("up").stdout.contains("nothing to do"));
    there();
    let status = cli("status");
    assert!(status.stdout.contains("(on request: migrate up --include drop-old)"), "{status}");
    let mut policy = Policy::default();
    policy.include = vec!["drop-old".to_owned()];
    let dropping = Service { policy, options: RunOptions::default(), most: Arc::clone(&service.most) };
    let report = block_on(dropping.migrator::<D>(&project, database.backend()).up()).unwrap();
    assert_eq!(report.steps.len(), 1);
    assert_eq!((old(), kv().as_deref()), ([None, None], Some(ALL)));
    assert_eq!(cli("check").code, Some(0));
}

#[test]
fn l7_the_old_tables_go_only_on_request_and_behind_the_data_step() {
    l7::<OnSqlite>();
}
