//! The guide in `docs`: its files are written, its commands typed, and what a terminal shows is what it says.
#![cfg(unix)]

use std::fs;

use migrate_tests::transcript::redacted;
use migrate_tests::{Project, root};

/// A fenced block: what stands behind the fence, and its lines.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new() }),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

/// Runs a page from its top to its end, in one empty folder.
fn check(name: &str) {
    let page = fs::read_to_string(root().join("docs").join(name)).expect("a page of the guide");
    let project = Project::new();
    let mut commands = 0;
    for block in blocks(&page) {
        match block.info.split_once(' ') {
            Some(("sql" | "toml", path)) => project.write(path, &block.text),
            None if block.info == "console" => {
                let lines = block.text.lines().filter_map(|line| line.strip_prefix("$ "));
                let screens: Vec<_> = lines.map(|line| format!("$ {line}\n{}", project.typed(line))).collect();
                commands += screens.len();
                assert_eq!(redacted(&block.text, "."), screens.join("\n"), "{name}");
            }
            None if block.info == "yaml" => commands += arguments(&project, &block.text),
            _ => panic!("{name}: nothing tests a block of `{}`", block.info),
        }
    }
    assert!(commands > 0, "{name} shows nothing");
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
