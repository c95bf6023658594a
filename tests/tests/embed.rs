//! Programs outside of the workspace that have migrations compiled in: what they say when they were not built again.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use insta::assert_snapshot;
use migrate_tests::program::cargo;
use migrate_tests::{Project, root, target};

const MAIN: &str = r#"
fn main() {
    let set = migrate_sqlite::embed_migrations!("migrations");
    let database = std::env::args().nth(1).expect("the path of a database");
    let migrator = migrate_sqlite::blocking::Migrator::new(migrate_sqlite::Sqlite::open(database), set);
    match migrator.up() {
        Ok(report) => println!("{} applied", report.steps.len()),
        Err(error) => println!("{error}"),
    }
}
"#;

/// The one line that makes cargo see files that are added.
const BUILD: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
"#;

/// A crate of its own, on the path of one backend.
fn program() -> Project {
    let manifest = format!(
        "[package]\nname = \"service\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         migrate-sqlite = {{ path = '{}', features = [\"bundled\"] }}\n",
        root().join("migrate-sqlite").display()
    );
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the workspace has a lock file");
    Project::new()
        .file("Cargo.toml", manifest)
        .file("Cargo.lock", lock)
        .file("src/main.rs", MAIN)
        .file("build.rs", BUILD)
        .file("migrations/1_a.sql", "create table a (n integer);\n")
}

/// Builds it among what is built already, and answers where the program is.
fn build(project: &Project) -> PathBuf {
    let target = target().join("service");
    let mut cargo = cargo();
    cargo.current_dir(project.path("")).args(["build", "--quiet", "--offline", "--target-dir"]).arg(&target);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "it does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    target.join(format!("debug/service{}", env::consts::EXE_SUFFIX))
}

fn run(program: &PathBuf, project: &Project) -> String {
    let output = Command::new(program).arg(project.path("app.db")).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_program_that_was_not_built_again_is_called_stale() {
    let project = program();
    let built = build(&project);
    // Whoever builds another one must not take this one away.
    let program = project.path("service");
    std::fs::copy(&built, &program).expect("a file can be copied");
    assert_eq!(run(&program, &project), "1 applied\n");
    assert_eq!(run(&program, &project), "0 applied\n");

    project.write("migrations/README.md", "no migration");
    assert_eq!(run(&program, &project), "0 applied\n", "what is no migration may change");
    project.write("migrations/2_b.sql", "create table b (n integer);\n");
    assert_snapshot!(run(&program, &project), @r#"
    refused[M0040]: the binary is stale: migrations/2_b.sql was added after it was built
       = nothing was run, and nothing is wrong with the database: build the program again
       = so that cargo does it by itself, in build.rs: println!("cargo::rerun-if-changed=migrations");
    "#);
    project.write("migrations/1_a.sql", "create table a (n integer, m integer);\n");
    assert_snapshot!(run(&program, &project), @"
    refused[M0040]: the binary is stale: migrations/1_a.sql was changed after it was built
       = nothing was run, and nothing is wrong with the database: build the program again
    ");
    for name in ["1_a", "2_b"] {
        std::fs::remove_file(project.path(&format!("migrations/{name}.sql"))).expect("a file can be removed");
    }
    assert_snapshot!(run(&program, &project), @r#"
    refused[M0040]: the binary is stale: migrations/README.md was added after it was built
       = nothing was run, and nothing is wrong with the database: build the program again
       = so that cargo does it by itself, in build.rs: println!("cargo::rerun-if-changed=migrations");
    "#);

    std::fs::rename(project.path("migrations"), project.path("elsewhere")).expect("a folder can be renamed");
    assert_eq!(run(&program, &project), "0 applied\n", "where it was built says nothing on another machine");
    std::fs::rename(project.path("elsewhere"), project.path("migrations")).expect("a folder can be renamed");

    project.write("migrations/1_a.sql", "create table a (n integer);\n");
    project.write("migrations/2_b.sql", "create table b (n integer);\n");
    assert_eq!(run(&build(&project), &project), "1 applied\n", "cargo sees the file that was added");
}
