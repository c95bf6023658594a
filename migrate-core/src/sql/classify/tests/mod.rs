//! Statements and their classes, per engine.
//!
//! A class is written as its kind, its sharing, and `destructive` and `queues` where they hold.

mod mysql;

use crate::sql::script::Classify;
use crate::sql::{Class, Sharing, StatementKind, Syntax};

/// A class, and statements of it.
type Table = &'static [(&'static str, &'static [&'static str])];

#[track_caller]
fn check(classify: Classify, syntax: &Syntax, table: Table) {
    for (expected, statements) in table {
        for statement in *statements {
            assert_eq!(shown(classify(statement, syntax)), *expected, "{statement}");
        }
    }
}

fn shown(class: Class) -> String {
    let kind = match class.kind {
        StatementKind::Transaction(control) => format!("{control:?}"),
        kind => format!("{kind:?}"),
    };
    let sharing = match class.sharing {
        Sharing::Shares => "shares".to_owned(),
        Sharing::Commits(recovery) => format!("commits:{recovery:?}"),
        Sharing::Alone(recovery) => format!("alone:{recovery:?}"),
    };
    let destructive = if class.destructive { " destructive" } else { "" };
    let queues = if class.queues { " queues" } else { "" };
    format!("{kind} {sharing}{destructive}{queues}").to_ascii_lowercase()
}

#[test]
fn statements_of_every_engine_have_their_class() {
    check(super::postgres, &Syntax::POSTGRES, POSTGRES);
    check(super::mysql, &Syntax::MYSQL, mysql::MYSQL);
    check(super::sqlite, &Syntax::SQLITE, SQLITE);
}

#[test]
fn a_comma_list_or_a_nest_of_parentheses_takes_linear_time() {
    let nested = format!("alter table t {}", "(".repeat(100_000));
    let listed = format!("alter table t {}", "add a int,".repeat(10_000));
    for syntax in [Syntax::POSTGRES, Syntax::MYSQL, Syntax::SQLITE] {
        for text in [&nested, &listed] {
            super::postgres(text, &syntax);
            super::mysql(text, &syntax);
            super::sqlite(text, &syntax);
        }
    }
}

const POSTGRES: Table = &[
    (
        "query shares",
        &[
            "select 1",
            "SELECT * FROM t FOR UPDATE",
            "/* c */ (select 1) union (select 2)",
            "with a as (select 1) select * from a for no key update",
            "values (1)",
            "table t",
            "explain delete from t",
            "explain (costs off, analyze false) delete from t",
            "copy t to stdout",
            "copy (select * from a) to 'f'",
            "show all",
        ],
    ),
    (
        "copyin shares",
        &["copy t from stdin", "copy s.to (a) from stdin", "COPY s.t (a, \"from\") FROM STDIN WITH (FORMAT csv)"],
    ),
    (
        "manipulation shares",
        &[
            "insert into t select * from u",
            "insert into t values ('delete from t')",
            "update t set a = 1",
            "merge into t using s on true when matched then delete",
            "delete from t where a",
            "delete from only t using u where (a)",
            "with a as (delete from t where b returning *) insert into u select * from a",
            "with a as (select 1) update t set b = 1",
            "explain analyze insert into t values (1)",
            "copy t from '/f'",
        ],
    ),
    (
        "manipulation shares destructive",
        &[
            "delete from t",
            "delete from t using (select 1 where true) x",
            "with a as (delete from t returning *) select * from a where b",
            "with a as (select 1 where true) delete from t",
            "explain (analyze, verbose) delete from t",
        ],
    ),
    ("definition shares", &["select 1 as a into t"]),
    (
        "definition shares queues",
        &[
            "create table t (a int)",
            "create or replace function f() returns int language sql begin atomic select 1; end",
            "create index i on concurrently (a)",
            "create unique index if not exists i on t (a)",
            "alter table t add column a int, alter column b drop not null, drop constraint c",
            "alter table if exists only s.t alter a drop default",
            "alter table t detach partition p",
            "alter table t detach partition p finalize",
            "alter type e add value if not exists 'x' before 'y'",
            "alter database d set work_mem = '1MB'",
            "comment on table t is 'drop'",
            "grant select on t to r",
        ],
    ),
    (
        "definition shares destructive queues",
        &[
            "drop table t",
            "DROP INDEX concurrently_named",
            "drop view if exists a, b cascade",
            "truncate t",
            "truncate table only t restart identity",
            "alter table t add a numeric(1,2), drop b",
            "alter table t drop column if exists \"constraint\" cascade",
            "alter type t drop attribute a",
            "drop owned by r",
        ],
    ),
    (
        "definition alone:definition",
        &[
            "create index concurrently i on t (a)",
            "create unique index /* c */ concurrently on t (a)",
            "create database d",
            "create tablespace t location '/x'",
            "create subscription s connection 'c' publication p",
            "create subscription s connection 'c' publication p with (create_slot = true)",
            "create index concurrently on only t (a)",
            "create database d template t owner = o",
            "alter table s.t detach partition s.p concurrently",
            "alter table if exists t detach partition p concurrently",
        ],
    ),
    (
        "definition shares",
        &["create subscription s connection 'c' publication p with (slot_name = none, create_slot = false)"],
    ),
    (
        "definition alone:drop destructive",
        &[
            "drop index concurrently if exists i",
            "drop index concurrently s.i restrict",
            "drop database if exists d",
            "drop tablespace t",
            "drop subscription s",
        ],
    ),
    (
        "definition alone:repeat queues",
        &[
            "alter database d set tablespace t",
            "alter subscription s refresh publication",
            "alter subscription s set publication p",
        ],
    ),
    ("definition alone:definition queues", &["alter subscription s add publication p"]),
    (
        "definition shares queues",
        &["alter subscription s disable", "alter subscription s set publication p with (refresh = false)"],
    ),
    (
        "maintenance alone:repeat",
        &[
            "vacuum",
            "vacuum analyze t",
            "vacuum (full false, verbose) t",
            "vacuum (parallel 2) s.t (a, b)",
            "alter system set work_mem = '1MB'",
            "alter system reset all",
        ],
    ),
    (
        "maintenance alone:definition",
        &[
            "reindex index concurrently i",
            "reindex (verbose, concurrently) table t",
            "reindex (concurrently true) index i",
            "reindex schema concurrently s",
            "reindex database concurrently",
        ],
    ),
    (
        "maintenance alone:repeat queues",
        &[
            "vacuum full t",
            "vacuum (full, analyze) t",
            "cluster",
            "cluster verbose",
            "reindex database d",
            "reindex system",
        ],
    ),
    ("maintenance shares queues", &["cluster t using i", "reindex table t", "refresh materialized view v"]),
    ("maintenance shares", &["analyze t", "checkpoint", "refresh materialized view concurrently v"]),
    (
        "session shares",
        &[
            "set search_path = a",
            "set local statement_timeout = 1",
            "set constraints all immediate",
            "reset all",
            "prepare p as select 1",
            "discard temp",
            "listen c",
        ],
    ),
    ("session shares queues", &["lock table t in exclusive mode"]),
    ("session alone:repeat", &["discard all"]),
    (
        "call shares queues",
        &[
            "do $$ begin create temp table t (a int) on commit delete rows; end $$",
            "do language plpgsql 'begin perform 1; end'",
            "do $$ begin create table t (a int references b on delete cascade); end $$",
        ],
    ),
    (
        "call shares destructive queues",
        &[
            "call p()",
            "execute p(1)",
            "do $a$ begin drop table t; end $a$",
            "do $$ begin execute 'drop table t'; end $$",
            "do $$ begin delete from a; update b set c = 1 where d; end $$",
        ],
    ),
    (
        "call alone:call queues",
        &[
            "do $$ begin for i in 1..2 loop update t set a = 1; commit; end loop; end $$",
            "DO $x$ BEGIN IF true THEN COMMIT; END IF; END $x$",
            "do $$ begin rollback; end $$",
        ],
    ),
    ("begin alone:repeat", &["begin", "BEGIN WORK", "begin transaction", "start transaction"]),
    ("commit alone:nonatomic", &["commit", "end", "commit work", "commit and no chain", "END TRANSACTION"]),
    ("rollback alone:repeat", &["rollback", "abort"]),
    ("savepoint shares", &["savepoint a", "release savepoint a", "rollback to a", "rollback work to savepoint a"]),
    (
        "other alone:nonatomic",
        &[
            "begin isolation level serializable",
            "start transaction read only",
            "commit and chain",
            "rollback and chain",
            "prepare transaction 'x'",
            "commit prepared 'x'",
        ],
    ),
    ("unknown shares destructive queues", &["", "frobnicate", "'select'", "\"select\" 1", "start machine"]),
];

const SQLITE: Table = &[
    ("query shares", &["select 1", "with a as (select 1) select * from a", "values (1)", "explain drop table t"]),
    (
        "manipulation shares",
        &[
            "insert or replace into t values (1)",
            "replace into t values (1)",
            "update t set a = 1",
            "delete from t where a",
            "with a as (select 1) replace into t select * from a",
            "pragma user_version = 3",
        ],
    ),
    ("manipulation shares destructive", &["delete from t", "delete from t returning (select 1 where 2)"]),
    (
        "definition shares",
        &[
            "create table t (a)",
            "create trigger t after insert on x begin delete from y; end",
            "create virtual table f using fts5(a)",
            "alter table t add column a",
            "alter table [t] rename to drop_me",
        ],
    ),
    ("definition shares destructive", &["drop table if exists t", "alter table main.\"t\" drop column a"]),
    ("maintenance shares", &["analyze", "reindex t"]),
    ("maintenance alone:repeat queues", &["vacuum", "vacuum main"]),
    ("maintenance alone:nonatomic queues", &["vacuum into 'f'"]),
    (
        "session alone:repeat queues",
        &[
            "attach 'f' as a",
            "detach a",
            "pragma journal_mode = wal",
            "pragma main.journal_mode(delete)",
            "pragma synchronous = off",
            "pragma wal_checkpoint",
        ],
    ),
    (
        "session shares",
        &["pragma foreign_keys = off", "pragma journal_mode", "pragma table_info(t)", "pragma user_version"],
    ),
    ("begin alone:repeat", &["begin", "begin immediate transaction"]),
    ("commit alone:nonatomic", &["commit", "end transaction"]),
    ("rollback alone:repeat", &["rollback transaction"]),
    ("savepoint shares", &["savepoint a", "release a", "rollback to a", "rollback transaction to savepoint a"]),
    ("unknown shares destructive queues", &["", "truncate t", "[select] 1"]),
];
