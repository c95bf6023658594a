//! Directives by example, good and bad.

use super::{Directives, directives, run_attributes};
use crate::source::Source;
use crate::sql::Syntax;

/// The directives of `text` as `Debug` shows their kinds, without the noise of nested types.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let Directives { found, problems } = directives(&Source::new("x.sql", text), &Syntax::POSTGRES);
    let kinds: Vec<_> = found.iter().map(|directive| format!("{:?}", directive.kind)).collect();
    assert_eq!(
        (&kinds[..], &problems[..]),
        (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], &[][..])
    );
    assert!(found.iter().all(|directive| text[directive.at.clone()].starts_with("--")));
}

/// One problem: what it is about, what is wrong, what helps.
#[track_caller]
fn check_problem(text: &str, about: &str, message: &str, help: &str) {
    let Directives { found, problems } = directives(&Source::new("x.sql", text), &Syntax::POSTGRES);
    assert_eq!(found, [], "{text}");
    let [problem] = &problems[..] else { panic!("{text}: {problems:?}") };
    let shown = (&text[problem.at.clone()], problem.message.as_str(), problem.help.as_deref().unwrap_or(""));
    assert_eq!(shown, (about, message, help), "{text}");
}

#[test]
fn directives_become_values() {
    check("-- migrate:up\ncreate table a (b int);\n--migrate:down\r\ndrop table a;", &["Up", "Down"]);
    check("--   migrate:up transaction:false  \n-- migrate:down transaction:true", &["Up", "NoTransaction", "Down"]);
    check("-- migrate:phase post\n-- migrate:phase pre", &["Phase(Post)", "Phase(Pre)"]);
    check("-- migrate:no-transaction", &["NoTransaction"]);
    check(
        "-- migrate:settings work_mem=20MB  a.b='x ''y''' c=\"\" d=",
        &[r#"Settings([("work_mem", "20MB"), ("a.b", "x 'y'"), ("c", ""), ("d", "")])"#],
    );
    check("-- migrate:timeout lock=2s statement=0", &["Timeout(Timeouts { lock: Some(2s), statement: Some(0ns) })"]);
    check("-- migrate:timeout statement=1h", &["Timeout(Timeouts { lock: None, statement: Some(3600s) })"]);
    check(
        "\n-- migrate:precondition \"no \"\"nulls\"\"\" SELECT count(*) = 0 FROM t WHERE a = ';' ;",
        &[
            r#"Precondition(Precondition { text: "no \"nulls\"", sql: "SELECT count(*) = 0 FROM t WHERE a = ';'", offset: 1 })"#,
        ],
    );
    check(
        "-- migrate:requires-version 2.0\n-- migrate:compatible-from 1.9-x",
        &["RequiresVersion(Version(2.0))", "CompatibleFrom(Version(1.9-x))"],
    );
    check("-- migrate:irreversible 'rows are gone'", &["Irreversible(\"rows are gone\")"]);
    check(
        "-- migrate:optional fts\n-- migrate:requires a, b c,",
        &["Optional(\"fts\")", r#"Requires(["a", "b", "c"])"#],
    );
    check(
        "-- migrate:batch key=id size=5000 pause=50ms table=s.t\ninsert into x select 1",
        &[r#"Batch(BatchAt { offset: 54, batch: Ranges { table: "s.t", key: "id", size: 5000, pause: 50ms } })"#],
    );
    check(
        "-- migrate:batch size=5 key=id\n/* c */ update only s.\"t\" set a = 1",
        &[r#"Batch(BatchAt { offset: 30, batch: Ranges { table: "s.\"t\"", key: "id", size: 5, pause: 0ns } })"#],
    );
    check(
        "-- migrate:batch until-empty limit=10 pause=1m\ndelete from t",
        &["Batch(BatchAt { offset: 46, batch: UntilEmpty { limit: 10, pause: 60s } })"],
    );
    check(
        "-- migrate:replaces 1 1.2/post, 2/pre/07=sha256:ab",
        &["Replaces([Replaced { id: Versioned { version: Version(1), phase: Pre, ordinal: 0 }, checksum: None }, \
         Replaced { id: Versioned { version: Version(1.2), phase: Post, ordinal: 0 }, checksum: None }, \
         Replaced { id: Versioned { version: Version(2), phase: Pre, ordinal: 7 }, checksum: Some(\"sha256:ab\") }])"],
    );
}

#[test]
fn only_comments_hold_directives() {
    check("select '\n-- migrate:up\n'; do $$\n-- migrate:down\n$$; /*\n-- migrate:up\n*/ -- see migrate:up", &[]);
    check("-- migrate: the rows of last year", &[]);
    check("copy t from stdin;\n-- migrate:up\n\\.\n-- migrate:down", &["Down"]);
    check("-- migrate:up\n# migrate:down", &["Up"]);
}

#[test]
fn what_is_wrong_is_named_with_what_is_expected() {
    let known = "known are: up, down, phase, no-transaction, settings, timeout, precondition, requires-version, \
                 compatible-from, irreversible, optional, code, requires, batch, replaces, statement";
    check_problem(
        "-- migrate:no_transaction",
        "no_transaction",
        "unknown directive `no_transaction`",
        "did you mean `no-transaction`?",
    );
    check_problem("-- migrate:UP", "UP", "unknown directive `UP`", "did you mean `up`?");
    check_problem("-- migrate:frobnicate x", "frobnicate", "unknown directive `frobnicate`", known);
    check_problem("-- migrate:", "", "unknown directive ``", known);
    check_problem(
        "-- migrate: down",
        " ",
        "a blank between `migrate:` and the name of a directive",
        "remove the blank",
    );
    check_problem(
        "-- migrate:up transaction",
        "transaction",
        "unexpected `transaction`",
        "expected nothing, or `transaction:false`",
    );
    check_problem("-- migrate:phase middle", "middle", "unexpected `middle`", "expected `pre` or `post`");
    check_problem("-- migrate:phase", "-- migrate:phase", "the directive ends too early", "expected `pre` or `post`");
    check_problem(
        "-- migrate:no-transaction now",
        "now",
        "unexpected `now`",
        "expected nothing more after `no-transaction` and its values",
    );
    let timeouts = "expected lock=2s, statement=10m, or both; 0 is no limit";
    check_problem("-- migrate:timeout lock=2", "lock=2", "`2` is no duration: write 50ms, 2s, 5m, 1h or 0", timeouts);
    check_problem("-- migrate:timeout lok=2s", "lok=2s", "unknown `lok`: did you mean `lock`?", timeouts);
    check_problem("-- migrate:timeout lock=1s lock=2s", "lock=2s", "`lock` is given twice", timeouts);
    check_problem("-- migrate:timeout lock 2s", "lock", "unexpected `lock`", timeouts);
    check_problem("-- migrate:settings a='b", "'", "this quote is never closed", "close it with '");
    check_problem(
        "-- migrate:settings a;b=c",
        "a;b=c",
        "`a;b` is no name of a setting",
        "expected settings: name=value, or name='a value'",
    );
    check_problem(
        "-- migrate:requires-version v2",
        "v2",
        "`v2` is not a version: expected numbers separated by dots, like 3 or 2.1.0",
        "expected a version, like 2.1.0",
    );
    check_problem(
        "-- migrate:irreversible data",
        "data",
        "unexpected `data`",
        "expected the reason in quotes: irreversible \"why\"",
    );
    check_problem(
        "-- migrate:precondition \"a\"",
        "-- migrate:precondition \"a\"",
        "the directive ends too early",
        "expected a query that returns one true value",
    );
    check_problem(
        "-- migrate:batch key=id size=0",
        "size=0",
        "`0` is no positive number",
        "expected `until-empty`, or key=id size=5000, and pause=50ms and table=t if needed",
    );
    check_problem(
        "-- migrate:batch key=id size=1\ninsert into a select 1",
        "-- migrate:batch key=id size=1",
        "the directive ends too early",
        "expected table=t, since the next statement is no `UPDATE` or `DELETE` that names it",
    );
    check_problem(
        "-- migrate:replaces 1 x/pre",
        "x/pre",
        "`x/pre` is no id of a migration",
        "expected ids, like 2.1.0/pre/01, each with `=` and its checksum if there is one",
    );
}

#[test]
fn places_count_in_the_whole_file() {
    let file = Source::new("x.sql", "select 1;\n-- migrate:down\n-- migrate:phse post\n");
    let Directives { found, problems } = directives(&file.part(10..file.text().len()), &Syntax::SQLITE);
    assert_eq!(found[0].at, 10..25);
    assert_eq!(&file.file()[problems[0].at.clone()], "phse");
}

#[test]
fn mysql_needs_a_blank_after_two_dashes() {
    let file = Source::new("x.sql", "--migrate:up\nselect 1;\n-- migrate:down\n");
    let Directives { found, problems } = directives(&file, &Syntax::MYSQL);
    assert_eq!((found.len(), problems.len(), problems[0].at.clone()), (1, 1, 0..10));
}

#[test]
fn limits_on_two_lines_are_both_kept() {
    let text = "-- migrate:timeout lock=2s\n-- migrate:timeout statement=0\n-- migrate:settings a=1\nselect 1";
    let run = run_attributes(&directives(&Source::new("x.sql", text), &Syntax::POSTGRES).found);
    assert_eq!(run.timeouts.lock, Some(std::time::Duration::from_secs(2)));
    assert_eq!(run.timeouts.statement, Some(std::time::Duration::ZERO));
    assert_eq!(run.settings, [("a".to_owned(), "1".to_owned())]);
}
