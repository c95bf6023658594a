//! The guide in `docs`: its files are written, its commands typed, and what a terminal shows is what it says.
#![cfg(unix)]

use std::fs;

use migrate_tests::example::typed;
use migrate_tests::page::blocks;
use migrate_tests::transcript::redacted;
use migrate_tests::{Project, root};

/// Runs a page from its top to its end, in one empty folder.
fn check(name: &str) {
    let page = fs::read_to_string(root().join("docs").join(name)).expect("a page of the guide");
    let project = Project::new();
    let mut commands = 0;
    for block in blocks(&page) {
        match block.info.split_once(' ') {
            Some(("sql" | "toml", path)) => project.write(path, &block.text),
            Some(("rust", path)) => stands_in(path, &block.text),
            None if block.info == "console" => {
                commands += block.commands().count();
                assert_eq!(redacted(&block.text, "."), typed(&project, &block, &[]), "{name}");
            }
            None if block.info == "yaml" => commands += arguments(&project, &block.text),
            _ => panic!("{name}: nothing tests a block of `{}`", block.info),
        }
    }
    assert!(commands > 0, "{name} shows nothing");
}

/// Code that a page shows is a part of a file that is compiled, or of its documentation, whatever it is indented by there.
fn stands_in(path: &str, code: &str) {
    let file = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: Vec<_> = file.lines().map(|line| line.trim().trim_start_matches("//! ")).collect();
    let code: Vec<_> = code.lines().map(str::trim).collect();
    let found = file.windows(code.len()).any(|window| window == code);
    assert!(!code.is_empty() && found, "{path} does not have these lines:\n{}", code.join("\n"));
}

/// Whether the program takes what a manifest of Kubernetes gives it. How many there are.
fn arguments(project: &Project, yaml: &str) -> usize {
    let lists: Vec<_> =
        yaml.lines().filter_map(|line| line.trim().strip_prefix("args: [")?.strip_suffix(']')).collect();
    for list in &lists {
        let arguments: Vec<_> = list.split(',').map(str::trim).collect();
        // A database that is not there: what is wrong with the words would be said first.
        let said = project.migrate_with(&[&arguments[..], &["-d", "sqlite:none.db"]].concat());
        assert!(said.code != Some(2) || !said.stderr.contains("error: "), "{said}");
    }
    lists.len()
}

#[test]
fn getting_started_is_what_a_terminal_shows() {
    check("getting-started.md");
}

#[test]
fn writing_migrations_is_what_a_terminal_shows() {
    check("writing-migrations.md");
}

#[test]
fn running_in_production_is_what_a_terminal_shows() {
    check("production.md");
}

#[test]
fn moving_from_another_tool_is_what_a_terminal_shows() {
    check("moving.md");
}

#[test]
fn adding_a_backend_is_what_its_example_does() {
    check("adding-a-backend.md");
}
