//! The start of a service that finds everything applied, at 10, 1,000 and 10,000 migrations: the set as
//! `embed_migrations!` has it, connecting, one question. On SQLite a file, elsewhere a server of this machine.

use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use migrate_core::backend::Backend;
use migrate_core::layout::Folder;
use migrate_core::set::embedded::Embedded;
use migrate_core::{EngineNames, Goal, MigrationSet, Migrator, ReadOptions};
use tokio::runtime::{Builder, Runtime};

const SIZES: [usize; 3] = [10, 1_000, 10_000];

/// What the macro writes into a program, for migrations 1 to `size`.
fn embedded(size: usize, engine: EngineNames) -> &'static Embedded {
    let leak = |text: String| &*Box::leak(text.into_boxed_str());
    let files: Vec<(&'static str, &'static str)> = (1..=size)
        .map(|number| {
            let text = format!(
                "create table t{number} (id integer primary key, name text);\n\
                 create index t{number}_by_name on t{number} (name);\ninsert into t{number} (id) values (1);\n"
            );
            (leak(format!("{number:05}_create_t{number}.sql")), leak(text))
        })
        .collect();
    let set = MigrationSet::from_folder(&Folder::embedded("m", files.iter().copied()), &ReadOptions::new(engine));
    let set = set.unwrap_or_else(|problems| panic!("{}", problems[0])).set;
    Box::leak(Box::new(Embedded {
        folder: "m",
        layout: set.layout(),
        engine,
        files: Box::leak(files.into_boxed_slice()),
        above: &[],
        component: MigrationSet::MAIN,
        digest: leak(set.digest().to_owned()),
        newest: set.last_versioned().map(|newest| leak(newest.id.to_string())),
        calls_back: false,
        origin: None,
    }))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// One engine, whose `fresh` is an empty database.
fn starts<B: Backend + Clone + 'static>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    engine: EngineNames,
    fresh: impl Fn() -> B,
) {
    let runtime = runtime();
    for size in SIZES {
        let (embedded, database) = (embedded(size, engine), fresh());
        let set = MigrationSet::embedded(embedded);
        let newest = set.last_versioned().and_then(|newest| newest.id.version().cloned()).expect("it has one");
        let recording = Migrator::new(database.clone(), set).goal(Goal::Baseline(newest));
        runtime.block_on(recording.up()).unwrap_or_else(|error| panic!("{error}"));
        group.bench_function(format!("{name}, {size} applied"), |bencher| {
            bencher.iter(|| {
                let migrator = Migrator::new(database.clone(), MigrationSet::embedded(embedded));
                let check = runtime.block_on(migrator.check()).unwrap_or_else(|error| panic!("{error}"));
                assert!(check.is_current());
            });
        });
        if size == SIZES[0] {
            group.bench_function(format!("{name}, connecting alone"), |bencher| {
                bencher.iter(|| runtime.block_on(database.connect()).map_or_else(|error| panic!("{error}"), drop));
            });
        }
    }
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    let project = migrate_tests::Project::new();
    let number = std::cell::Cell::new(0);
    starts(&mut group, "SQLite", EngineNames::SQLITE, || {
        number.set(number.get() + 1);
        migrate_sqlite::Sqlite::open(project.path(&format!("{}.db", number.get())))
    });
    #[cfg(unix)]
    servers(&mut group);
    group.finish();
}

#[cfg(unix)]
fn servers(group: &mut BenchmarkGroup<'_, WallTime>) {
    use migrate_tests::servers::{Flavour, MySql, Postgres};
    // They live as long as the process.
    starts(group, "PostgreSQL", EngineNames::POSTGRES, || {
        let database = Box::leak(Box::new(Postgres::shared().database()));
        migrate_postgres::Postgres::from_url(&database.url()).unwrap_or_else(|error| panic!("{error}"))
    });
    for (name, flavour, engine) in
        [("MySQL", Flavour::MySql, EngineNames::MYSQL), ("MariaDB", Flavour::MariaDb, EngineNames::MARIADB)]
    {
        starts(group, name, engine, || {
            let database = Box::leak(Box::new(MySql::shared(flavour).database()));
            migrate_mysql::Mysql::from_url(&database.url()).unwrap_or_else(|error| panic!("{error}"))
        });
    }
}

criterion_group!(benches, start);
criterion_main!(benches);
