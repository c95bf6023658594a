//! A newcomer's path: what the README tells to type, typed literally in an empty folder.

use std::fs;

use migrate_tests::transcript::redacted;
use migrate_tests::{Project, Transcript, root};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("the README is there")
}

/// One screen of several commands.
fn story(transcripts: &[Transcript]) -> String {
    transcripts.iter().map(Transcript::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_main_job_of_the_readme_works() {
    let readme = readme();
    let words = readme.lines().find_map(|line| line.strip_prefix("cargo run -- ")).expect("the README has it");
    let project = Project::shop();
    insta::assert_snapshot!(story(&[project.migrate(words).exits(0), project.migrate(words).exits(0)]));
    assert_eq!(
        project.query("shop.db", "select email, total_cents from order_totals order by email"),
        "ada@example.com|5300\ngrace@example.com|1850\n"
    );
    assert_eq!(project.query("shop.db", "select count(*) from order_lines"), "3\n", "they survive the rebuild");
}

/// Durations aside, what the README shows is what a terminal shows.
#[cfg(unix)]
#[test]
fn the_example_of_the_readme_is_what_a_terminal_shows() {
    let readme = readme();
    let (_, block) = readme.split_once("```console\n").expect("the README has an example");
    let (block, _) = block.split_once("```").expect("a block ends");
    let project = Project::shop_in("migrations");
    let lines = block.lines().filter_map(|line| line.strip_prefix("$ "));
    let screens: Vec<_> = lines.map(|line| format!("$ {line}\n{}", project.typed(line))).collect();
    assert_eq!(redacted(block, "."), screens.join("\n"));
}

/// Every way back of the example leads exactly to where it came from.
#[test]
fn every_way_back_of_the_example_leads_to_where_it_came_from() {
    let project = Project::shop();
    let set = "-d sqlite:shop.db --dir examples/shop/migrations";
    project.migrate(&format!("up --create-db {set} --to 1.0.0")).exits(0);
    let mut states = Vec::new();
    for next in ["1.1.0", "1.2.0", "1.3.0"] {
        states.push((next, project.contents("shop.db")));
        project.migrate(&format!("up {set} --to {next}")).exits(0);
    }
    // A rebuilt table has its name in quotes: what SQLite writes, not what we wrote.
    let same = |text: String| text.replace('"', "").to_lowercase();
    for (version, before) in states.into_iter().rev() {
        project.migrate(&format!("down {set} --steps 1 --yes")).exits(0);
        assert_eq!(same(project.contents("shop.db")), same(before), "down of {version}");
    }
}

#[test]
fn a_rolling_deploy_takes_the_example_in_two_halves() {
    let project = Project::shop();
    let set = "-d sqlite:shop.db --dir examples/shop/migrations";
    project.migrate(&format!("up --create-db {set} --to 1.3.0")).exits(0);
    let refused = project.migrate(&format!("up {set}")).exits(1);
    let before = project.migrate(&format!("up {set} --phase pre")).exits(0);
    // Version 1 is still running and writes what it knows.
    let written = "insert into customers (email, full_name) values ('mary@example.com', 'Mary Ann Bird')";
    project.open("shop.db").execute(written, []).expect("version 1 can write");
    let status = project.migrate(&format!("status {set}")).exits(0);
    let after = project.migrate(&format!("up {set} --phase post")).exits(0);
    assert_eq!(
        project.query("shop.db", "select given_name, family_name from customers where email like 'mary%'"),
        "Mary|Ann Bird\n"
    );
    let check = project.migrate(&format!("check {set}")).exits(0);
    insta::assert_snapshot!(story(&[refused, before, status, after, check]));
}

#[test]
fn from_nothing_to_a_migrated_database_and_back() {
    let project = Project::new();
    let init = project.migrate("init").exits(0);
    let new = project.migrate("new create_users --reversible").exits(0);
    let created = |ending: &str| {
        let mut files: Vec<_> = fs::read_dir(project.path("migrations"))
            .expect("init made the folder")
            .map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(ending))
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        format!("migrations/{}", files.remove(0))
    };
    project.write(&created(".up.sql"), "create table users (id integer primary key, name text not null);\n");
    project.write(&created(".down.sql"), "drop table users;\n");
    let validate = project.migrate("validate").exits(0);
    let up = project.migrate("up -d sqlite:app.db --create-db").exits(0);
    assert!(project.contents("app.db").starts_with("table|users|users|"));
    let status = project.migrate("status -d sqlite:app.db").exits(0);
    let current = project.migrate("check -d sqlite:app.db").exits(0);
    let down = project.migrate("down -d sqlite:app.db --steps 1 --yes").exits(0);
    assert_eq!(project.contents("app.db"), "", "nothing but the history is left");
    let pending = project.migrate("check -d sqlite:app.db").exits(7);
    insta::assert_snapshot!(story(&[init, new, validate, up, status, current, down, pending]));
}

/// Release 1.2.0 knows nothing of what came after it; what it runs was stored when that was applied.
#[test]
fn an_older_release_tolerates_the_newer_database_or_takes_it_back_with_the_stored_scripts() {
    let project = Project::shop_in("migrations");
    project.migrate("up --create-db -d sqlite:shop.db --to 1.2.0").exits(0);
    let before = project.contents("shop.db");
    project.migrate("up -d sqlite:shop.db --phase pre").exits(0);
    for newer in fs::read_dir(project.path("migrations")).expect("the set") {
        let newer = newer.expect("a file").path();
        let name = newer.file_name().and_then(|name| name.to_str()).expect("a plain name");
        if ["1.3", "2.0", "R__"].iter().any(|release| name.starts_with(release)) {
            fs::remove_file(&newer).expect("a file can be removed");
        }
    }
    let tolerates = project.migrate("up -d sqlite:shop.db").exits(0);
    let back = project.migrate("up -d sqlite:shop.db --allow-downgrade --yes").exits(0);
    let same = |text: String| text.replace('"', "").to_lowercase();
    assert_eq!(same(project.contents("shop.db")), same(before));
    insta::assert_snapshot!(story(&[tolerates, back]));
}
