//! Other tools' tables, as each tool leaves them, taken over on every engine that the tool supports.
//!
//! | file | holds |
//! |---|---|
//! | `dumps` | what each tool leaves: its table with two rows, and three files |
//! | `screens` | what a person sees who comes from another tool, and who leaves for one |
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod dumps;
mod screens;

use std::future::Future;
use std::time::Duration;

use dumps::{Dump, Engine};
use migrate_core::backend::TableName;
use migrate_core::error::ErrorKind;
use migrate_core::history::format::{self, export, flyway::write, lock::Locking};
use migrate_core::layout::Folder;
use migrate_core::plan::{AdoptGoal, Check, ForeignHistory, Goal, Policy, Refusal};
use migrate_core::{Backend, EngineNames, Error, MigrationSet, Migrator, ReadOptions, RunOptions};

/// A database in which a tool was at work.
trait Place {
    type Backend: Backend + 'static;

    fn engine(&self) -> (Engine, EngineNames);
    fn backend(&self) -> Self::Backend;
    /// Runs statements with the engine's own client.
    fn run(&self, sql: &str);
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
}

/// What a dump's files are for an engine.
fn set(dump: &Dump, engine: Engine, names: EngineNames) -> MigrationSet {
    let (provider, dialect) = match engine {
        Engine::Postgres => ("postgresql", "postgres"),
        Engine::MySql => ("mysql", "mysql"),
        Engine::Sqlite => ("sqlite", "sqlite"),
    };
    let fitting = |text: &str| text.replace("PROVIDER", provider).replace("DIALECT", dialect);
    let files: Vec<_> = dump.files.iter().map(|(name, text)| (name.as_str(), fitting(text))).collect();
    let folder = Folder::embedded("m", files.iter().map(|(name, text)| (*name, text.as_str())));
    let mut options = ReadOptions::new(names);
    options.layout = Some(dump.layout.to_owned());
    let loaded = MigrationSet::from_folder(&folder, &options);
    loaded.unwrap_or_else(|problems| panic!("{}: {}", dump.tool, problems[0])).set
}

fn refused(error: &Error) -> &Refusal {
    match error.kind() {
        ErrorKind::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The whole way: the history is named, taken over, what is pending runs, and the tool's table is as it was.
fn check(dump: &Dump, place: &impl Place) {
    let tool = dump.tool;
    let (engine, names) = place.engine();
    place.run(&(dump.table)(engine));
    place.run(dumps::USERS);
    place.run(dumps::PETS);
    let set = set(dump, engine, names);
    let migrator = |goal: Goal| Migrator::new(place.backend(), set.clone()).goal(goal);
    let goal = AdoptGoal {
        // Whose layout the files have not, that one must be named.
        from: (dump.layout == "native").then(|| tool.to_owned()),
        to: dump.to.map(|to| to.parse().unwrap()),
        ..AdoptGoal::default()
    };
    let adopt = || migrator(Goal::Adopt(goal.clone()));

    let before = place.block_on(migrator(Goal::up()).plan()).unwrap_err();
    match refused(&before) {
        Refusal::Foreign { found, .. } => assert_eq!(found[0].tool, tool, "{before}"),
        other => panic!("{tool}: {other:?}"),
    }

    let adoption = place.block_on(adopt().adoption()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    assert_eq!(adoption.refusal(), None, "{tool}\n{adoption}");
    let ids =
        |texts: &[String]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<migrate_core::MigrationId>>();
    let all: Vec<_> = set.iter().map(|one| one.id.to_string()).collect();
    let applied: Vec<_> = adoption.applied.iter().map(|one| one.id.clone()).collect();
    assert_eq!(applied, ids(&all[..2]), "{tool}\n{adoption}");
    assert!(
        adoption.unknown.is_empty() && adoption.applied.iter().all(|one| one.verdict.agrees()),
        "{tool}\n{adoption}"
    );
    let rows_before = rows(place, &set, &goal);

    place.block_on(adopt().up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    let report = place.block_on(migrator(Goal::up()).up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    let ran: Vec<_> = report.steps.iter().map(|step| step.id.clone()).collect();
    assert_eq!(ran, ids(&all[2..]), "{tool}");
    let check = place.block_on(migrator(Goal::up()).check()).unwrap();
    assert!(check.is_current(), "{tool}: {check:?}");
    assert_eq!(rows(place, &set, &goal), rows_before, "{tool}: its table is not as it was");

    goes_on(dump, place, &migrator, &set);
}

/// The rows of the tool's table, as a digest.
fn rows(place: &impl Place, set: &MigrationSet, goal: &AdoptGoal) -> String {
    let migrator = Migrator::new(place.backend(), set.clone()).goal(Goal::Adopt(goal.clone()));
    let observed = place.block_on(migrator.observe()).unwrap();
    observed.foreign.reading.expect("it can still be read").digest()
}

/// What the tool does afterwards is no news where we did the same, and named where we did not.
fn goes_on(dump: &Dump, place: &impl Place, migrator: &impl Fn(Goal) -> Migrator, set: &MigrationSet) {
    let tool = dump.tool;
    let (engine, _) = place.engine();
    place.run(&(dump.later)(engine));
    let last = set.last_versioned().unwrap().id.clone();
    let check = place.block_on(migrator(Goal::up()).check()).unwrap();
    if dump.to.is_none() {
        assert!(check.is_current(), "{tool}: {check:?}");
        place.block_on(migrator(Goal::ResolveNotApplied(last)).up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    }
    let check = place.block_on(migrator(Goal::up()).check()).unwrap();
    let Check::Blocked(Refusal::ForeignMoved { tool: named, news, .. }) = check else { panic!("{tool}: {check:?}") };
    assert_eq!((named, news.len()), (tool, 1), "{news:?}");
    if dump.to.is_none() {
        let mut policy = Policy::default();
        policy.foreign_history = ForeignHistory::Adopt;
        let report =
            place.block_on(migrator(Goal::up()).policy(policy).up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
        assert_eq!(report.steps.len(), 2, "{tool}: {:?}", report.steps);
    }
    place.run("drop table owners");
}

/// What is written for a tool is what that tool would have written: it can be taken over again, checksums and all.
fn leaves_again(dump: &Dump, place: &impl Place) {
    let tool = dump.tool;
    let (engine, names) = place.engine();
    let set = set(dump, engine, names);
    let migrator = |goal: Goal| Migrator::new(place.backend(), set.clone()).goal(goal);
    place.block_on(migrator(Goal::up()).up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    let planned = place.block_on(migrator(Goal::up()).export(tool, None)).unwrap();
    let written =
        place.block_on(migrator(Goal::up()).write_export(tool, None)).unwrap_or_else(|error| panic!("{tool}: {error}"));
    assert_eq!(written, planned, "{tool}");
    let again = place.block_on(migrator(Goal::up()).write_export(tool, None)).unwrap_err();
    assert!(matches!(refused(&again), Refusal::Already { .. }), "{tool}: {again}");
    place.run("drop table migrate_history");
    let goal = Goal::Adopt(AdoptGoal { from: Some(tool.to_owned()), ..AdoptGoal::default() });
    let adoption = place.block_on(migrator(goal).adoption()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    assert_eq!(adoption.refusal(), None, "{tool}\n{adoption}");
    let whole = adoption.applied.len() == set.len() && adoption.pending.is_empty() && adoption.unknown.is_empty();
    assert!(whole && adoption.applied.iter().all(|one| one.verdict.agrees()), "{tool}\n{adoption}");
}

/// What a mirror of ours does to Flyway's table besides appending rows.
fn mirrors(place: &impl Place) {
    let dump = dumps::named("flyway");
    let (engine, names) = place.engine();
    place.run(&(dump.table)(engine));
    let set = set(&dump, engine, names);
    let adoption = || {
        let migrator = Migrator::new(place.backend(), set.clone()).goal(Goal::Adopt(AdoptGoal::default()));
        place.block_on(migrator.adoption()).unwrap()
    };
    let product = place.block_on(Migrator::new(place.backend(), set.clone()).observe()).unwrap().server.product;
    let theirs = format::Engine::of(place.backend().dialect().name(), &product).unwrap();
    let table = TableName { schema: None, name: write::TABLE.to_owned() };
    let third = set.last_versioned().unwrap();

    let failed = write::Row::failed(third, Some("m"), Duration::from_millis(3)).unwrap();
    place.run(&write::insert(theirs, &table, &failed));
    let refusal = adoption().refusal().unwrap();
    assert!(refusal.diagnostics()[0].message.starts_with("3 owners: Flyway failed"), "{refusal:?}");
    place.run(&write::forget_failure(theirs, &table, &failed));
    assert_eq!(adoption().refusal(), None);

    let done = write::Row::applied(third, Some("m"), Duration::from_millis(3)).unwrap();
    let edited = write::Row { checksum: Some(5), ..done.clone() };
    place.run(&write::insert(theirs, &table, &edited));
    assert!(adoption().refusal().is_some(), "the checksum is another file's");
    place.run(&write::repair(theirs, &table, &done).unwrap());
    assert_eq!((adoption().refusal(), adoption().pending.len()), (None, 0));

    place.run(&write::delete(theirs, &table, "3"));
    let pending: Vec<_> = adoption().pending.iter().map(|one| one.title.clone()).collect();
    assert_eq!(pending, ["3 owners"]);
}

/// Whoever holds the tool's own lock keeps us out, and has it again afterwards.
fn waits_for_the_tool(dump: &Dump, place: &impl Place) {
    let tool = dump.tool;
    let (engine, names) = place.engine();
    place.run(&(dump.table)(engine));
    let set = set(dump, engine, names);
    let goal =
        AdoptGoal { from: Some(tool.to_owned()), to: dump.to.map(|to| to.parse().unwrap()), ..AdoptGoal::default() };
    let adopt = || {
        let mut options = RunOptions::default();
        options.lock_wait = Duration::ZERO;
        Migrator::new(place.backend(), set.clone()).goal(Goal::Adopt(goal.clone())).options(options)
    };
    let observed = place.block_on(adopt().observe()).unwrap();
    let found = observed.foreign.reading.unwrap().found;
    let at = Locking {
        engine: format::Engine::of(place.backend().dialect().name(), &observed.server.product).unwrap(),
        database: &observed.server.database,
        table: &found.table,
        beside: &found.beside,
        owner: "another",
    };
    let locks = found.format().locks(&at);
    assert!(!locks.is_empty(), "{tool} has no lock");
    let mut other = place.block_on(place.backend().connect()).unwrap();
    let mut ask = |statements: &[String]| {
        let mut last = Vec::new();
        for sql in statements {
            last = place.block_on(other.query(sql)).unwrap_or_else(|error| panic!("{tool}: {error}: {sql}"));
        }
        last.first().and_then(|row| row[0].clone())
    };
    for lock in &locks {
        assert_eq!(ask(&lock.take).as_ref(), Some(&lock.ours), "{tool}: {}", lock.name);
        let error = place.block_on(adopt().up()).unwrap_err();
        assert!(error.is_locked() && error.to_string().contains(&lock.name), "{tool}: {error}");
        ask(&lock.give_back);
    }
    let report = place.block_on(adopt().up()).unwrap_or_else(|error| panic!("{tool}: {error}"));
    assert!(!report.is_empty());
    for lock in &locks {
        assert_eq!(ask(&lock.take).as_ref(), Some(&lock.ours), "{tool} has not its lock again: {}", lock.name);
    }
}

mod on_sqlite {
    use std::cell::RefCell;

    use migrate_sqlite::Sqlite;
    use migrate_sqlite::blocking::block_on;
    use migrate_sqlite::rusqlite::Connection;

    use super::*;

    struct File {
        folder: tempfile::TempDir,
        connection: RefCell<Connection>,
    }

    impl Place for File {
        type Backend = Sqlite;

        fn engine(&self) -> (Engine, EngineNames) {
            (Engine::Sqlite, EngineNames::SQLITE)
        }

        fn backend(&self) -> Sqlite {
            Sqlite::open(self.folder.path().join("app.db"))
        }

        fn run(&self, sql: &str) {
            self.connection.borrow().execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            block_on(future)
        }
    }

    #[test]
    fn the_table_of_every_tool_is_taken_over() {
        for dump in dumps::all().iter().filter(|dump| dump.engines.contains(&Engine::Sqlite)) {
            check(dump, &file());
        }
    }

    #[test]
    fn flyways_table_is_kept_as_flyway_keeps_it() {
        mirrors(&file());
    }

    #[test]
    fn the_table_of_another_tool_is_written() {
        for tool in export::TOOLS {
            leaves_again(&dumps::named(tool), &file());
        }
    }

    #[test]
    fn liquibase_keeps_its_lock_in_a_row() {
        waits_for_the_tool(&dumps::named("liquibase"), &file());
    }

    fn file() -> File {
        let folder = tempfile::tempdir().unwrap();
        let connection = RefCell::new(Connection::open(folder.path().join("app.db")).unwrap());
        File { folder, connection }
    }
}

mod on_postgres {
    use migrate_postgres::Postgres;
    use migrate_tests::servers::{Database, Postgres as Server};
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    struct Fresh {
        database: Database<'static>,
        runtime: Runtime,
    }

    impl Place for Fresh {
        type Backend = Postgres;

        fn engine(&self) -> (Engine, EngineNames) {
            (Engine::Postgres, EngineNames::POSTGRES)
        }

        fn backend(&self) -> Postgres {
            Postgres::from_url(&self.database.url()).unwrap()
        }

        fn run(&self, sql: &str) {
            self.database.psql(sql);
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            self.runtime.block_on(future)
        }
    }

    #[test]
    fn the_table_of_every_tool_is_taken_over() {
        for dump in dumps::all().iter().filter(|dump| dump.engines.contains(&Engine::Postgres)) {
            check(dump, &fresh());
        }
    }

    #[test]
    fn flyways_table_is_kept_as_flyway_keeps_it() {
        mirrors(&fresh());
    }

    #[test]
    fn the_table_of_another_tool_is_written() {
        for tool in export::TOOLS {
            leaves_again(&dumps::named(tool), &fresh());
        }
    }

    #[test]
    fn whoever_has_the_tools_lock_is_waited_for() {
        for tool in ["flyway", "golang-migrate", "sqlx", "goose", "prisma", "atlas", "liquibase", "rails", "sqitch"] {
            waits_for_the_tool(&dumps::named(tool), &fresh());
        }
    }

    /// Or a service in another place of the world would think that the tool had been at work.
    #[test]
    fn what_is_read_does_not_depend_on_the_session() {
        let (dump, place) = (dumps::named("django"), fresh());
        place.run(&(dump.table)(Engine::Postgres));
        let set = set(&dump, Engine::Postgres, EngineNames::POSTGRES);
        let goal = AdoptGoal { from: Some("django".to_owned()), ..AdoptGoal::default() };
        let here = rows(&place, &set, &goal);
        let url = place.database.url();
        let more = if url.contains('?') { '&' } else { '?' };
        let elsewhere = format!("{url}{more}options=-c%20TimeZone%3DAsia/Tokyo%20-c%20DateStyle%3DSQL");
        let migrator = Migrator::new(Postgres::from_url(&elsewhere).unwrap(), set).goal(Goal::Adopt(goal));
        let observed = place.block_on(migrator.observe()).unwrap();
        assert_eq!(observed.foreign.reading.unwrap().digest(), here);
    }

    fn fresh() -> Fresh {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Fresh { database: Server::shared().database(), runtime }
    }
}

/// MySQL and MariaDB have the same tables.
macro_rules! on_mysql {
    ($module:ident, $flavour:ident, $names:ident) => {
        mod $module {
            use migrate_mysql::Mysql;
            use migrate_tests::servers::mysql::Database;
            use migrate_tests::servers::{Flavour, MySql as Server};
            use tokio::runtime::{Builder, Runtime};

            use super::*;

            struct Fresh {
                database: Database<'static>,
                runtime: Runtime,
            }

            impl Place for Fresh {
                type Backend = Mysql;

                fn engine(&self) -> (Engine, EngineNames) {
                    (Engine::MySql, EngineNames::$names)
                }

                fn backend(&self) -> Mysql {
                    Mysql::from_url(&self.database.url()).unwrap()
                }

                fn run(&self, sql: &str) {
                    self.database.sql(sql);
                }

                fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
                    self.runtime.block_on(future)
                }
            }

            #[test]
            fn the_table_of_every_tool_is_taken_over() {
                for dump in dumps::all().iter().filter(|dump| dump.engines.contains(&Engine::MySql)) {
                    check(dump, &fresh());
                }
            }

            #[test]
            fn flyways_table_is_kept_as_flyway_keeps_it() {
                mirrors(&fresh());
            }

            #[test]
            fn the_table_of_another_tool_is_written() {
                for tool in export::TOOLS {
                    leaves_again(&dumps::named(tool), &fresh());
                }
            }

            #[test]
            fn whoever_has_the_tools_lock_is_waited_for() {
                for tool in ["flyway", "golang-migrate", "sqlx", "prisma", "atlas", "liquibase", "rails"] {
                    waits_for_the_tool(&dumps::named(tool), &fresh());
                }
            }

            fn fresh() -> Fresh {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                Fresh { database: Server::shared(Flavour::$flavour).database(), runtime }
            }
        }
    };
}

on_mysql!(on_mysql, MySql, MYSQL);
on_mysql!(on_mariadb, MariaDb, MARIADB);
