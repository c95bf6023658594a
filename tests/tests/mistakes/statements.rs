//! What the database refuses while a migration runs.

use crate::{UP, applied, blog, screen, told};

/// Two more migrations after the two of the blog, the first of them with this text.
fn third(text: &str) -> migrate_tests::Project {
    applied(blog())
        .file("migrations/3_change.sql", text)
        .file("migrations/4_add_tags.sql", "create table tags (name text primary key);\n")
}

#[test]
fn a_syntax_error_on_line_40() {
    let before = (1..=39)
        .map(|line| format!("insert into users (email) values ('user{line}@example.com');\n"))
        .collect::<Vec<_>>()
        .concat();
    let project = third(&format!("{before}insert into users (email) valeus ('ada@example.com');\n"));
    insta::assert_snapshot!(screen(&project, &[UP]));
    assert_eq!(project.query("app.db", "select count(*) from users"), "0\n", "it was rolled back");
}

#[test]
fn a_syntax_error_in_the_middle_of_a_long_statement() {
    let project = third(
        "create table comments (\n  id integer primary key,\n  post integer not null references posts,\n  body text not null default ''\n  written text not null\n);\n",
    );
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_table_that_is_not_there() {
    let project = third("alter table posts add column body text;\ncreate index users_by_name on user (email);\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_column_that_is_not_there() {
    let project = third("update users\n   set email = lower(emial)\n where email <> '';\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_constraint_that_does_not_hold() {
    let project = third(
        "insert into users (email) values ('ada@example.com');\ninsert into users (email)\nvalues ('ada@example.com');\n",
    );
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_foreign_key_that_is_broken_at_commit() {
    let project = third("insert into posts (author, title) values (7, 'who?');\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
    assert_eq!(project.query("app.db", "select count(*) from posts"), "0\n", "it was rolled back");
}

#[test]
fn a_rebuild_that_leaves_rows_without_their_parents() {
    let project = third(
        "create table users_new (id integer primary key, email text not null);\n\
         insert into users_new select id, email from users where email like '%@example.com';\n\
         drop table users;\n\
         alter table users_new rename to users;\n",
    );
    project
        .open("app.db")
        .execute_batch("insert into users values (1, 'ada@example.org'); insert into posts values (1, 1, 'first')")
        .expect("rows");
    insta::assert_snapshot!(screen(&project, &[UP]));
    assert_eq!(project.query("app.db", "select count(*) from posts, users"), "1\n", "it was rolled back");
}

#[test]
fn an_object_that_is_there_already() {
    let project = third("create table users (id integer primary key);\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_failure_after_others_were_applied_in_the_same_run() {
    let project = blog()
        .file("migrations/3_change.sql", "drop table comments;\n")
        .file("migrations/4_add_tags.sql", "create table tags (name text primary key);\n");
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --create-db"), "status -d sqlite:app.db"]));
}

#[test]
fn a_precondition_that_does_not_hold() {
    let project = third(
        "-- migrate:precondition \"no user without a post\" select count(*) = 0 from users where id not in (select author from posts)\nalter table users add column posts integer not null default 1;\n",
    );
    project.open("app.db").execute("insert into users values (1, 'ada@example.com')", []).expect("a row");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

/// Outside a transaction what ran stays: the file is mended from the failed statement on, and its head stays as it is.
#[test]
fn a_journalled_script_that_fails_in_the_middle() {
    let head = "insert into users (email) values ('ada@example.com');\nvacuum;\n";
    let project = third(&format!(
        "-- migrate:no-transaction\n{head}insert into user (email) values ('bob@example.com');\ninsert into users (email) values ('eve@example.com');\n"
    ));
    let mut transcripts = vec![project.migrate(UP), project.migrate("status -d sqlite:app.db")];
    // Somebody changes what has run.
    let mended = "insert into users (email) values ('bob@example.com');\ninsert into users (email) values ('eve@example.com');\n";
    let changed = head.replace("ada@", "countess@");
    project.write("migrations/3_change.sql", &format!("-- migrate:no-transaction\n{changed}{mended}"));
    transcripts.push(project.migrate(UP));
    // And mends it as the first message said.
    project.write("migrations/3_change.sql", &format!("-- migrate:no-transaction\n{head}{mended}"));
    transcripts.push(project.migrate(UP));
    insta::assert_snapshot!(told(&transcripts));
    assert_eq!(
        project.query("app.db", "select email from users order by id"),
        "ada@example.com\nbob@example.com\neve@example.com\n"
    );
}

#[test]
fn a_way_back_that_fails() {
    let project = applied(
        blog()
            .file("migrations/3_add_tags.up.sql", "create table tags (name text);\n")
            .file("migrations/3_add_tags.down.sql", "drop table tag;\n"),
    );
    let mut transcripts = vec![project.migrate("down -d sqlite:app.db --steps 1 --yes")];
    project.write("migrations/3_add_tags.down.sql", "drop table tags;\n");
    transcripts.push(project.migrate("accept 3 -d sqlite:app.db"));
    transcripts.push(project.migrate("down -d sqlite:app.db --steps 1 --yes"));
    insta::assert_snapshot!(told(&transcripts));
}

#[test]
fn a_statement_that_takes_too_long() {
    let project = third(
        "insert into users (email) with recursive n (i) as (select 1 union all select i + 1 from n) select 'user' || i from n;\n",
    );
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --statement-timeout 200ms")]));
}

#[test]
fn a_locked_database() {
    let project = third("insert into users (email) values ('ada@example.com');\n");
    let other = project.open("app.db");
    other.execute_batch("begin immediate; insert into users (email) values ('bob@example.com')").expect("a lock");
    let locked = project.migrate(&format!("{UP} --lock-timeout 100ms --lock-retry-for 300ms"));
    other.execute_batch("rollback").expect("no lock");
    insta::assert_snapshot!(once(&told(&[locked, project.migrate(UP)])));
}

/// How often it was tried depends on the machine.
fn once(screen: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in screen.lines() {
        let again = line.trim_start().strip_prefix("retry ").is_some_and(|retry| !retry.starts_with("1,"));
        if !again && (line.is_empty() || !lines.contains(&line)) {
            lines.push(line);
        }
    }
    lines.join("\n")
}
