//! Whole processes: `migrate up` of 1,000 pending files, one transaction each, beside the `sqlite3` shell doing the same
//! with the same durability; and `migrate up` with nothing to do after 10,000 files.
//!
//! What counts is the ratio inside one run: it is printed at the end. A disk that lies about flushing makes both sides
//! fast, so set `TMPDIR` to a real one.
#![expect(clippy::print_stdout, reason = "the ratios are the result")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use migrate_tests::Project;

const PENDING: usize = 1_000;
const APPLIED: usize = 10_000;
const UP: &str = "up -q -d sqlite:app.db --dir migrations";

/// Small realistic migrations: a table with an index, a column, rows.
fn text(number: usize) -> String {
    let table = number / 3;
    match number % 3 {
        0 => format!(
            "create table t{table} (id integer primary key, name text not null, created_at text);\n\
             create index t{table}_by_name on t{table} (name);\n"
        ),
        1 => format!("alter table t{table} add column note text not null default '';\n"),
        _ => format!("insert into t{table} (name) values ('a;b'), ('it''s'), ('c');\n"),
    }
}

/// `files` migrations and an empty database with this journal mode.
fn project(files: usize, journal: &str) -> Project {
    let project = Project::new();
    for number in 0..files {
        project.write(&format!("migrations/{:05}_step.sql", number + 1), &text(number));
    }
    project.query("app.db", &format!("pragma journal_mode = {journal}"));
    project
}

fn migrate(project: &Project) {
    project.migrate(UP).exits(0);
}

/// Every file in a transaction of its own, with no history: the least a person could do by hand.
fn shell(project: &Project) {
    let mut script = String::from(".bail on\n");
    for number in 1..=PENDING {
        script.push_str(&format!("begin immediate;\n.read migrations/{number:05}_step.sql\ncommit;\n"));
    }
    let mut child = Command::new("sqlite3")
        .arg("app.db")
        .current_dir(project.path(""))
        .stdin(Stdio::piped())
        .spawn()
        .expect("the sqlite3 shell is installed: ./scripts/test does it");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("the shell reads");
    assert!(child.wait().expect("the shell ends").success());
}

fn pending(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("up");
    group.sample_size(10).measurement_time(Duration::from_secs(30));
    let mut ratios = Vec::new();
    for journal in ["delete", "wal"] {
        let mut times = [Duration::MAX; 2];
        for (side, (name, run)) in
            [("migrate", migrate as fn(&Project)), ("sqlite3 shell", shell)].into_iter().enumerate()
        {
            group.bench_function(format!("1,000 pending, {journal} journal, {name}"), |bencher| {
                bencher.iter_batched(
                    || project(PENDING, journal),
                    |project| {
                        let begin = Instant::now();
                        run(&project);
                        times[side] = times[side].min(begin.elapsed());
                        project
                    },
                    BatchSize::PerIteration,
                );
            });
        }
        ratios.push((journal, times));
    }
    group.finish();
    for (journal, [ours, theirs]) in ratios {
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("1,000 pending, {journal} journal: migrate {ours:.0?}, sqlite3 shell {theirs:.0?}, ratio {ratio:.2}");
    }
}

fn nothing(criterion: &mut Criterion) {
    let project = project(APPLIED, "wal");
    migrate(&project);
    let mut group = criterion.benchmark_group("up");
    group.sample_size(20);
    let mut least = Duration::MAX;
    group.bench_function("nothing pending, 10,000 applied", |bencher| {
        bencher.iter(|| {
            let begin = Instant::now();
            migrate(&project);
            least = least.min(begin.elapsed());
        });
    });
    group.finish();
    let begin = Instant::now();
    let bytes: usize = fs::read_dir(project.path("migrations"))
        .expect("the folder")
        .map(|entry| fs::read(entry.expect("a file").path()).expect("a file").len())
        .sum();
    let reading = begin.elapsed();
    let ratio = least.as_secs_f64() / reading.as_secs_f64();
    println!(
        "nothing pending, 10,000 applied: {least:.0?}, reading the {bytes} bytes alone {reading:.0?}, ratio {ratio:.2}"
    );
}

criterion_group!(benches, pending, nothing);
criterion_main!(benches);
