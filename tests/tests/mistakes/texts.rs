//! What stands in a file, before any of it runs.

use std::fs;

use migrate_core::source::Source;
use migrate_core::sql::{Script, Syntax};
use migrate_core::{Diagnostic, Place, diagnostic::codes};
use migrate_tests::Project;

use crate::{UP, applied, blog, screen, told};

fn with(text: &str) -> Project {
    blog().file("migrations/3_seed.sql", text)
}

#[test]
fn an_unterminated_string() {
    let project = with("insert into users (email) values\n  ('ada@example.com'),\n  ('grace@example.com);\n");
    insta::assert_snapshot!(screen(&project, &["validate", &format!("{UP} --create-db")]));
}

#[test]
fn an_unterminated_quoted_name() {
    insta::assert_snapshot!(screen(&with("create table \"tags (name text);\n"), &["validate"]));
}

#[test]
fn a_trigger_without_its_end() {
    let text = "create trigger no_empty_title before insert on posts\nbegin\n  select raise(abort, 'empty') where new.title = '';\n";
    insta::assert_snapshot!(screen(&with(text), &["validate"]));
}

#[test]
fn a_last_statement_without_its_semicolon() {
    let project = with(
        "insert into users (email) values ('ada@example.com');\ninsert into users (email) values ('bob@example.com')",
    );
    insta::assert_snapshot!(screen(&project, &["validate", &format!("{UP} --create-db")]));
    assert_eq!(project.query("app.db", "select count(*) from users"), "2\n", "it is not lost");
}

#[test]
fn a_file_in_utf_16() {
    let project = blog();
    let bytes: Vec<u8> = "\u{feff}create table tags (name text);\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(project.path("migrations/3_add_tags.sql"), bytes).expect("a file");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn a_file_in_latin_1() {
    let project = blog();
    fs::write(project.path("migrations/3_seed.sql"), b"insert into users (email)\nvalues ('zo\xeb@example.com');\n")
        .expect("a file");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn an_empty_file() {
    let project = with("-- to do\n");
    let mut answers = vec![project.migrate("validate"), project.migrate(&format!("{UP} --create-db"))];
    answers.push(project.migrate("resolve 3 --not-applied -d sqlite:app.db"));
    project.write("migrations/3_seed.sql", "insert into users (email) values ('ada@example.com');\n");
    answers.push(project.migrate(UP));
    insta::assert_snapshot!(told(&answers));
}

#[test]
fn an_unknown_directive() {
    insta::assert_snapshot!(screen(&with("-- migrate:no_transactoin\nvacuum;\n"), &["validate"]));
}

#[test]
fn a_directive_with_a_bad_value() {
    let text = "-- migrate:phase before\n-- migrate:timeout lock=fast\ninsert into users (email) values ('ada@example.com');\n";
    insta::assert_snapshot!(screen(&with(text), &["validate"]));
}

#[test]
fn a_meta_command_of_a_native_client() {
    insta::assert_snapshot!(screen(
        &with(".mode csv\n.import users.csv users\n"),
        &["validate", &format!("{UP} --create-db")]
    ));
}

#[test]
fn a_batch_without_its_bounds() {
    let text = "-- migrate:batch key=id size=500 table=users\nupdate users set email = lower(email);\n";
    let project = applied(blog());
    project.open("app.db").execute("insert into users (email) values ('Ada@example.com')", []).expect("a row");
    let project = project.file("migrations/3_seed.sql", text);
    insta::assert_snapshot!(screen(&project, &["validate", UP]));
}

#[test]
fn a_slip_in_the_manifest() {
    let project = blog().file(
        "migrations/migrations.toml",
        "layout = \"nativ\"\nminumum = \"1\"\n\n[migration.\"3\"]\nno-transaction = true\n",
    );
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

/// PostgreSQL's quote, read by the core alone: this build has no backend for it.
#[test]
fn an_unterminated_dollar_quote() {
    let text =
        "create table a (id int);\n\ncreate function total() returns int as $body$\n  select 1;\n$bdy$ language sql;\n";
    let source = Source::new("migrations/3_total.postgres.sql", text);
    let problems = Script::parse(source.clone(), &Syntax::POSTGRES, |_, _| panic!("nothing to classify"));
    let shown: Vec<String> = problems
        .expect_err("it is open at the end")
        .into_iter()
        .map(|problem| {
            let place = Place::in_source(&source, problem.at);
            let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, format!("3 total: {}", problem.message)).at(place);
            problem.help.into_iter().fold(diagnostic, Diagnostic::help).to_string()
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}
