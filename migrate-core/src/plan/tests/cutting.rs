//! Scripts cut into what is sent together.

use insta::assert_snapshot;

use super::super::units::{How, Unit};
use super::planned;

/// The mode and the units of a script: `1-3: together 2-2`.
fn cut(engine: &str, up: &str) -> String {
    let case = super::case(&format!("engine {engine}\nfile 1 up:\"{up}\""));
    match case.plan() {
        Ok(plan) => {
            let units: Vec<String> = plan.steps[0].units.iter().map(unit).collect();
            format!("{:?}: {}", plan.steps[0].mode, units.join(" · "))
        }
        Err(refusal) => super::lines(&refusal.diagnostics()),
    }
}

fn unit(unit: &Unit) -> String {
    let Unit { covers, runs, how } = unit;
    let how = match how {
        How::Together => "together".to_owned(),
        How::Discarded => "discarded".to_owned(),
        How::Alone(recovery) => format!("alone {recovery:?}"),
        How::Batch(_) => "batch".to_owned(),
    };
    let range = |range: &std::ops::Range<usize>| match range.len() {
        0 => "none".to_owned(),
        1 => format!("{}", range.start + 1),
        _ => format!("{}-{}", range.start + 1, range.end),
    };
    if covers == runs { format!("{} {how}", range(covers)) } else { format!("{} {how} {}", range(covers), range(runs)) }
}

const C: &str = "create table a (n int)";
const I: &str = "insert into a values (1)";

#[test]
fn what_can_share_is_one_transaction() {
    assert_eq!(cut("postgres", &format!("{C}; {I}; {C}")), "Transaction: 1-3 together");
    assert_eq!(cut("mysql", &format!("{I}; {I}")), "Transaction: 1-2 together");
    assert_eq!(cut("postgres", "-- nothing"), "Transaction: none together");
    assert_eq!(cut("postgres", &format!("{I}; savepoint s; {I}; rollback to s")), "Transaction: 1-4 together");
}

#[test]
fn what_cannot_is_journalled_statement_by_statement() {
    assert_eq!(
        cut("mysql", &format!("{C}; {I}; drop table a, b")),
        "Journal: 1 alone Definition · 2 together · 3 alone Drop"
    );
    assert_eq!(
        cut("postgres", "create index concurrently i on a (n); vacuum a"),
        "Journal: 1 alone Definition · 2 alone Repeat"
    );
    assert_eq!(cut("postgres", &format!("-- migrate:no-transaction\\n{C}; {I}")), "Journal: 1 together · 2 together");
}

#[test]
fn what_needs_no_transaction_needs_no_word_about_it() {
    for (statement, how) in [
        ("create index concurrently i on a (n)", "Definition"),
        ("drop index concurrently i", "Drop"),
        ("reindex index concurrently i", "Definition"),
        ("alter table a detach partition b concurrently", "Definition"),
        ("vacuum a", "Repeat"),
        ("alter system set work_mem = 1", "Repeat"),
        ("create database d", "Definition"),
    ] {
        assert_eq!(
            cut("postgres", &format!("{C}; {statement}; {I}")),
            format!("Journal: 1 together · 2 alone {how} · 3 together")
        );
    }
}

#[test]
fn an_added_value_is_committed_before_it_is_used() {
    let add = "alter type mood add value 'ok'";
    let used = "insert into a values ('ok')";
    assert_eq!(cut("postgres", &format!("{add}; {used}")), "Journal: 1 together · 2 together");
    assert_eq!(cut("postgres", &format!("{add}; {I}")), "Transaction: 1-2 together");
    // Whoever wrote a transaction around it gets the server's answer.
    let own = format!("begin; {add}; {used}; commit");
    assert_eq!(cut("postgres", &own), "Transaction: 1 together none · 2-3 together · 4 together none");
}

#[test]
fn a_plain_dump_is_one_transaction() {
    // As pg_dump writes it since August 2025, without its `OWNER TO` lines.
    let dump = r"--
-- PostgreSQL database dump
--

\\restrict 3XhTbJzu9kQ0

-- Dumped from database version 17.6
-- Dumped by pg_dump version 17.6

SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;

--
-- Name: mood; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.mood AS ENUM (
    'ok',
    'it''s; bad'
);

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  new.at := now(); return new;
end $$;

SET default_tablespace = '';

CREATE TABLE public.users (
    id integer NOT NULL,
    name text
);

--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.users (id, name) FROM stdin;
1\\tO'Hara; \\N
\\restrict\\tit's; data
\\.

SELECT pg_catalog.setval('public.users_id_seq', 2, true);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

\\unrestrict 3XhTbJzu9kQ0
";
    assert_eq!(cut("postgres", &dump.replace('\n', "\\n")), "Transaction: 1-12 together");
}

#[test]
fn an_outer_pair_is_our_own_transaction() {
    assert_eq!(
        cut("postgres", &format!("begin; {C}; {I}; commit")),
        "Transaction: 1 together none · 2-3 together · 4 together none"
    );
    assert_eq!(cut("postgres", "begin; commit"), "Transaction: 1 together none · none together · 2 together none");
}

#[test]
fn transactions_in_the_middle_are_units_of_their_own() {
    assert_eq!(
        cut("postgres", &format!("{I}; begin; {C}; {I}; commit; {I}")),
        "Journal: 1 together · 2-5 together 3-4 · 6 together"
    );
    assert_eq!(
        cut("postgres", &format!("begin; {C}; commit; begin; {I}; rollback")),
        "Journal: 1-3 together 2 · 4-6 discarded 5"
    );
    assert_eq!(
        cut("postgres", &format!("begin; {I}; savepoint s; {I}; commit; vacuum")),
        "Journal: 1-5 together 2-4 · 6 alone Repeat"
    );
}

#[test]
fn stray_ends_are_passed_over() {
    assert_eq!(cut("postgres", &format!("{I}; commit")), "Journal: 1 together · 2 together none");
    assert_eq!(cut("postgres", &format!("rollback; {I}")), "Journal: 1 together none · 2 together");
}

#[test]
fn a_transaction_that_does_not_end_is_refused() {
    assert_snapshot!(cut("postgres", &format!("{I};\\nbegin;\\n{C}; {I}")), @"
    error[M0009]: 1 test: the transaction opened here is never committed
      --> m/1_test.up.sql:2:1
     2 | begin;
       | ^^^^^
       = end it with COMMIT, or take the BEGIN out: a migration runs in a transaction anyway
       = nothing was run: fix the file and run the same command again
    ");
}

#[test]
fn a_definition_that_commits_ends_the_transaction_it_is_in() {
    assert_eq!(
        cut("mysql", &format!("start transaction; {I}; {I}; {C}; {I}; commit; {I}")),
        "Journal: 1-3 together 2-3 · 4 alone Definition · 5 together · 6 together none · 7 together"
    );
    assert_eq!(
        cut("mysql", &format!("begin; {C}; commit")),
        "Journal: 1 together none · 2 alone Definition · 3 together none"
    );
}

#[test]
fn a_transaction_that_ends_early_is_refused() {
    assert_snapshot!(cut("mysql", &format!("start transaction;\\n{I};\\n{C};\\nrollback")), @"
    error[M0009]: 1 test: statement 3 ends the transaction that statement 1 opens
      --> m/1_test.up.sql:3:1
     3 | create table a (n int);
       | ^^^^^^^^^^^^^^^^^^^^^^
       = take the BEGIN and COMMIT around it out: every statement of the file is written down by itself
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", "begin;\\nvacuum;\\ncommit"), @"
    error[M0009]: 1 test: statement 2 cannot run inside the transaction that statement 1 opens
      --> m/1_test.up.sql:2:1
     2 | vacuum;
       | ^^^^^^
       = take the BEGIN and COMMIT around it out: every statement of the file is written down by itself
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", &format!("begin; {I};\\nbegin; {C};\\ncommit; commit")), @"
    error[M0009]: 1 test: statement 3 cannot be carried out inside a transaction of the script
      --> m/1_test.up.sql:2:1
     2 | begin; create table a (n int);
       | ^^^^^
       = end the transaction that is open here first
       = nothing was run: fix the file and run the same command again
    ");
}

#[test]
fn a_batch_is_a_unit_of_its_own() {
    assert_eq!(
        cut(
            "postgres",
            &format!("{I};\\n-- migrate:batch key=n size=10\\nupdate a set n = 1 where n between :lo and :hi; {I}")
        ),
        "Journal: 1 together · 2 batch · 3 together"
    );
}

#[test]
fn a_batch_must_fit_its_statement() {
    assert_snapshot!(cut("postgres", &format!("-- migrate:batch key=n size=10 table=a\\n{C}")), @"
    error[M0009]: 1 test: statement 1 cannot run in batches: it is not a change of rows
      --> m/1_test.up.sql:1:1
     1 | -- migrate:batch key=n size=10 table=a
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = only INSERT, UPDATE and DELETE can share a transaction with their checkpoint
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", &format!("{I};\\n-- migrate:batch until-empty limit=10\\n")), @"
    error[M0009]: 1 test: the batch directive has no statement after it
      --> m/1_test.up.sql:2:1
     2 | -- migrate:batch until-empty limit=10
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = put it on the line before the statement that it repeats
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", "-- migrate:batch key=n size=10\\nupdate a set n = 1"), @"
    error[M0009]: 1 test: statement 1 would change all rows in every round: it does not name :lo and :hi
      --> m/1_test.up.sql:1:1
     1 | -- migrate:batch key=n size=10
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = say which rows a round is about: WHERE key BETWEEN :lo AND :hi
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", "-- migrate:batch until-empty limit=1\\n-- migrate:batch until-empty limit=2\\ndelete from a"), @"
    error[M0009]: 1 test: statement 1 has two batch directives
      --> m/1_test.up.sql:2:1
     2 | -- migrate:batch until-empty limit=2
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = take one of them out
       = nothing was run: fix the file and run the same command again
    ");
    assert_snapshot!(cut("postgres", "begin;\\n-- migrate:batch until-empty limit=1\\ndelete from a;\\ncommit; vacuum"), @"
    error[M0009]: 1 test: statement 2 cannot run in batches inside a transaction of the script
      --> m/1_test.up.sql:3:1
     3 | delete from a;
       | ^^^^^^^^^^^^^
       = take the BEGIN and COMMIT around it out: each round is a transaction of its own
       = nothing was run: fix the file and run the same command again
    ");
}

#[test]
fn a_script_that_cannot_be_split_is_refused_before_anything_runs() {
    assert_snapshot!(planned("file 1\nfile 2 up:\"select 1;\\nselect 'x\""), @"
    error[M0009]: 2 test: this string is never closed
      --> m/2_test.up.sql:2:8
     2 | select 'x
       |        ^
       = close it with `'`
       = nothing was run: fix the file and run the same command again
    ");
}
