//! How long it takes to read and plan 10,000 migrations: all of them pending, and all of them applied.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use migrate_core::layout::Folder;
use migrate_core::plan::{Observed, plan};
use migrate_core::{EngineNames, Goal, MigrationSet, Migrator, Policy, ReadOptions};
use migrate_sqlite::Sqlite;
use migrate_sqlite::blocking::block_on;

const FILES: usize = 10_000;

fn files() -> Vec<(String, Arc<str>)> {
    (1..=FILES)
        .map(|number| {
            let text = format!(
                "-- migrate:up\ncreate table t{number} (id integer primary key, name text);\n\
                 create index t{number}_by_name on t{number} (name);\n\
                 insert into t{number} (name) values ('a;b');\n-- migrate:down\ndrop table t{number};\n"
            );
            (format!("{number:05}_create_t{number}.sql"), text.into())
        })
        .collect()
}

fn read(files: &[(String, Arc<str>)]) -> MigrationSet {
    let folder = Folder::embedded("migrations", files.iter().cloned());
    let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

fn planning(criterion: &mut Criterion) {
    let files = files();
    let set = read(&files);
    let database = Sqlite::in_memory().unwrap_or_else(|error| panic!("{error}"));
    // The database lives as long as a connection to it.
    let _session = database.session().unwrap_or_else(|error| panic!("{error}"));
    let migrator = Migrator::new(database, set.clone());
    let dialect = migrator.backend().dialect();
    let observe = || block_on(migrator.observe()).unwrap_or_else(|error| panic!("{error}"));
    let steps = |observed: &Observed| {
        let plan = plan(&set, observed, &Goal::up(), &Policy::default(), dialect);
        plan.unwrap_or_else(|refusal| panic!("{refusal:?}")).steps.len()
    };

    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("read 10,000 files", |bencher| bencher.iter(|| read(&files).len()));
    let empty = observe();
    assert_eq!(steps(&empty), FILES);
    group.bench_function("10,000 pending", |bencher| bencher.iter(|| steps(&empty)));
    block_on(migrator.up()).unwrap_or_else(|error| panic!("{error}"));
    let full = observe();
    assert_eq!(steps(&full), 0);
    group.bench_function("10,000 applied", |bencher| bencher.iter(|| steps(&full)));
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
