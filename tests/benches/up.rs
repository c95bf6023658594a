//! Whole processes: `migrate up` of 1,000 pending files, one transaction each, beside the `sqlite3` shell doing the same
//! with the same durability, once with nothing and once with one small row that remembers each file; and `migrate up` with nothing to do after 10,000 files.
//!
//! What counts is the ratio inside one run: it is printed at the end. A disk that lies about flushing makes both sides
//! fast, so set `TMPDIR` to a real one.
#![expect(clippy::print_stdout, reason = "the ratios are the result")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
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

/// Every file in a transaction of its own, and nothing that remembers it.
fn shell(project: &Project) {
    type_into_shell(project, |_| String::new());
}

/// Every file in a transaction of its own, with the least that remembers it.
fn shell_with_a_row(project: &Project) {
    project.query("app.db", "create table applied (version integer primary key, name text, at text)");
    let row = |number| format!("insert into applied values ({number}, '{number:05}_step.sql', datetime('now'));\n");
    type_into_shell(project, row);
}

fn type_into_shell(project: &Project, row: impl Fn(usize) -> String) {
    let mut script = String::from(".bail on\n");
    for number in 1..=PENDING {
        let _ = write!(script, "begin immediate;\n.read migrations/{number:05}_step.sql\n{}commit;\n", row(number));
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

/// All sides in turn, so that whatever else the machine does meets all of them.
fn pending(criterion: &mut Criterion) {
    type Side = (&'static str, fn(&Project));
    const SIDES: [Side; 3] =
        [("migrate", migrate), ("sqlite3 shell", shell), ("sqlite3 shell with a row", shell_with_a_row)];
    let mut group = criterion.benchmark_group("up");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(100));
    let mut ratios = String::new();
    for journal in ["delete", "wal"] {
        let mut times = SIDES.map(|_| Vec::new());
        group.bench_function(format!("1,000 pending, {journal} journal"), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut ours = Duration::ZERO;
                for _ in 0..iterations {
                    for ((_, run), times) in SIDES.iter().zip(&mut times) {
                        let project = project(PENDING, journal);
                        let begin = Instant::now();
                        run(&project);
                        times.push(begin.elapsed());
                    }
                    ours += times[0].last().copied().unwrap_or_default();
                }
                ours
            });
        });
        let [ours, others @ ..] = times.map(median);
        for ((name, _), other) in SIDES[1..].iter().zip(others) {
            let ratio = ours.as_secs_f64() / other.as_secs_f64();
            let _ = writeln!(ratios, "{journal} journal: migrate {ours:.0?}, {name} {other:.0?}, ratio {ratio:.2}");
        }
    }
    group.finish();
    println!("1,000 pending, medians\n{ratios}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
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
