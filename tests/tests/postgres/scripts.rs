//! Scripts as people have them: dumps, indexes that are built beside the traffic, rights that are missing.

use migrate_core::backend::TableName;
use migrate_core::event::Event;
use migrate_core::plan::policy::OnNonempty;
use migrate_core::{Error, MigrationSet, Migrator, Policy};
use migrate_tests::project::Files;
use migrate_tests::servers::{Database, Postgres as Server, Psql};

use super::support::{backend, block_on, fragile, set};

fn up(database: &Database<'_>, files: Files<'_>) -> Result<(), Error> {
    block_on(fragile(&database.url(), &set(files)).up()).map(drop)
}

fn up_to_the_end(database: &Database<'_>, files: Files<'_>) {
    up(database, files).unwrap_or_else(|error| panic!("{error}"));
}

/// What `pg_dump` makes of the database of the test below, but for what changes nothing.
const WRITTEN_BY_HAND: &str = "\\restrict abc
SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE sql
    AS $$ select 1; $$;
CREATE SEQUENCE public.counter START WITH 7;
CREATE TABLE public.pets (id integer NOT NULL, name text, note text);
CREATE VIEW public.names AS SELECT pets.name FROM public.pets;
CREATE TABLE public.owners (pet integer, who text);
COPY public.owners (pet, who) FROM stdin;
\\.

COPY public.pets (id, name, note) FROM stdin;
1\ta;b\ttab\\there
2\t\\N\tback\\\\slash
3\t\\\\.\tgröße
\\.

SELECT pg_catalog.setval('public.counter', 7, false);
ALTER TABLE ONLY public.pets ADD CONSTRAINT pets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.owners ADD CONSTRAINT owners_pet_fkey FOREIGN KEY (pet) REFERENCES public.pets(id);
\\unrestrict abc
";

#[test]
fn a_plain_dump_is_a_migration() {
    let source = Server::shared().database();
    source.psql(
        "create table pets (id int primary key, name text, note text);\n\
         insert into pets values (1, 'a;b', E'tab\\there'), (2, null, E'back\\\\slash'), (3, '\\.', 'größe');\n\
         create table owners (pet int references pets, who text);\n\
         create function f() returns int language sql as $$ select 1; $$;\n\
         create view names as select name from pets;\n\
         create sequence counter start 7;",
    );
    // `pg_dump` refuses servers that are newer than itself.
    let dump = source.dump().unwrap_or_else(|refused| {
        assert!(refused.contains("server version mismatch"), "{refused}");
        WRITTEN_BY_HAND.to_owned()
    });
    assert!(dump.contains("COPY public.pets") && dump.contains("set_config('search_path', '', false)"), "{dump}");
    let copy = Server::shared().database();
    up_to_the_end(&copy, &[("1_dump", &dump), ("2_after", "insert into pets values (4, 'x', 'y');")]);
    copy.psql("delete from pets where id = 4");
    assert_eq!(copy.contents(), source.contents());
    assert_eq!(copy.psql("select count(*) from migrate_history where state = 'done'"), "2\n");
}

#[test]
fn bad_data_of_a_copy_is_named_with_its_line() {
    let database = Server::shared().database();
    let rows = "7\n".repeat(400_000);
    let text = format!("create table t (n int);\ncopy t from stdin;\n1\nx\n{rows}\\.\n");
    let error = up(&database, &[("1_copy", &text)]).unwrap_err().to_string();
    assert!(error.contains("statement 2 of 2 failed"), "{error}");
    assert!(error.contains("COPY t, line 2, column n: \"x\""), "{error}");
    assert_eq!(database.psql("select to_regclass('t') is null"), "t\n", "all of it was rolled back");
    // The connection is as good as before.
    up_to_the_end(
        &database,
        &[("1_copy", "create table t (n int);\ncopy t (n) from stdin;\n1\n\\.\ninsert into t values (2);")],
    );
    assert_eq!(database.psql("select n from t order by n"), "1\n2\n");
}

#[test]
fn what_cannot_be_in_a_transaction_needs_no_annotation() {
    let database = Server::shared().database();
    // A partition can be detached beside its readers since 14.
    let concurrently = if Server::shared().version() >= 140_000 { "concurrently" } else { "" };
    let partitions = format!(
        "create table p (n int) partition by range (n);\n\
         create table p1 partition of p for values from (0) to (9);\nalter table p detach partition p1 {concurrently};"
    );
    up_to_the_end(
        &database,
        &[
            ("1_tables", "create table t (n int, k text);\ncreate type mood as enum ('sad');"),
            (
                "2_mixed",
                "create index concurrently t_n on t (n);\ninsert into t values (1, 'a');\n\
                 create unique index concurrently t_k on t (k);\nvacuum t;\nreindex table concurrently t;\n\
                 drop index concurrently t_n;\nanalyze t;",
            ),
            (
                "3_enum",
                "alter type mood add value 'ok';\nalter type mood add value 'happy';\n\
                 alter table t add column m mood default 'happy';",
            ),
            ("4_partitions", &partitions),
        ],
    );
    assert_eq!(
        database.psql("select indexrelid::regclass, indisvalid from pg_index where indrelid = 't'::regclass"),
        "t_k|t\n"
    );
    assert_eq!(database.psql("select m from t"), "happy\n");
    assert_eq!(database.psql("select count(*) from pg_inherits"), "0\n");
}

#[test]
fn a_concurrent_index_that_failed_is_dropped_and_built_again() {
    let database = Server::shared().database();
    let files: Files<'_> = &[
        ("1_rows", "create table t (n int);\ninsert into t values (1), (1);"),
        ("2_index", "create unique index concurrently t_n on t (n);\ninsert into t values (3);"),
    ];
    let error = up(&database, files).unwrap_err().to_string();
    assert!(error.contains("could not create unique index"), "{error}");
    assert_eq!(database.psql("select count(*) from pg_index where indrelid = 't'::regclass"), "0\n", "nothing is left");
    database.psql("delete from t where ctid = (select min(ctid) from t)");
    up_to_the_end(&database, files);
    assert_eq!(database.psql("select indisvalid from pg_index where indrelid = 't'::regclass"), "t\n");
    assert_eq!(database.psql("select n from t order by n"), "1\n3\n");
}

#[test]
fn an_index_that_others_left_invalid_is_not_taken_for_one() {
    let database = Server::shared().database();
    database.psql("create table t (n int); insert into t values (1), (1)");
    let said = Psql::connect(Server::shared(), &database.url()).run("create unique index concurrently t_n on t (n)");
    assert!(said.contains("could not create unique index"), "{said}");
    assert_eq!(database.psql("select indisvalid from pg_index where indrelid = 't'::regclass"), "f\n");
    let mut policy = Policy::default();
    policy.on_nonempty = OnNonempty::Run;
    let set = set(&[("1_index", "create index concurrently if not exists t_n on t (n)")]);
    let error = block_on(fragile(&database.url(), &set).policy(policy).up()).unwrap_err().to_string();
    assert!(error.contains("public.t_n is there but invalid"), "{error}");
    assert!(error.contains("DROP INDEX CONCURRENTLY public.t_n"), "{error}");
}

#[test]
fn the_history_lives_in_the_schema_that_is_named() {
    let database = Server::shared().database();
    let set = set(&[("1_create", "create table a (n int);\nset search_path = pg_catalog;")]);
    let table = TableName { schema: Some("ops".to_owned()), name: "my history".to_owned() };
    let migrator =
        |creates| Migrator::new(backend(&database.url()).create_schema(creates), set.clone()).table(table.clone());
    let error = block_on(migrator(false).up()).unwrap_err().to_string();
    assert!(error.contains("--create-schema"), "{error}");
    block_on(migrator(true).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.psql("select state from ops.\"my history\""), "done\n");
    assert!(block_on(migrator(false).check()).unwrap().is_current());
}

#[test]
fn objects_of_extensions_do_not_make_a_database_strange() {
    let database = Server::shared().database();
    database.psql("create extension if not exists pageinspect");
    up_to_the_end(&database, &[("1_create", "create table a (n int)")]);
    let other = Server::shared().database();
    other.psql("create function f() returns int language sql as 'select 1'");
    let error = up(&other, &[("1_create", "create table a (n int)")]).unwrap_err().to_string();
    assert!(error.contains('f') && error.contains("not empty"), "{error}");
}

#[test]
fn a_role_needs_no_more_than_its_schema_and_is_told_what_it_lacks() {
    let server = Server::shared();
    let database = server.database();
    let role = format!("deployer_{}", database.name());
    database.psql(&format!("create role {role} login; revoke create on schema public from public"));
    let url = database.url().replacen("://postgres@", &format!("://{role}@"), 1);
    assert_ne!(url, database.url());
    let files: Files<'_> = &[
        ("1_create", "create table a (n int);"),
        ("2_index", "create index concurrently a_n on a (n);\ninsert into a values (1);"),
    ];
    let run = |set: &MigrationSet| block_on(fragile(&url, set).up());
    let error = run(&set(files)).unwrap_err().to_string();
    assert!(error.contains("permission denied for schema public"), "{error}");
    assert!(error.contains("GRANT CREATE ON SCHEMA"), "{error}");
    database.psql(&format!("grant create on schema public to {role}"));
    run(&set(files)).unwrap_or_else(|error| panic!("{error}"));
    // Looking needs less.
    let reader = format!("reader_{}", database.name());
    database.psql(&format!("create role {reader} login; grant select on migrate_history to {reader}"));
    let url = database.url().replacen("://postgres@", &format!("://{reader}@"), 1);
    assert!(block_on(fragile(&url, &set(files)).check()).unwrap().is_current());
    database.psql(&format!("drop owned by {role}; drop owned by {reader}; drop role {role}; drop role {reader}"));
}

#[test]
fn a_deferred_constraint_speaks_before_the_commit() {
    let database = Server::shared().database();
    let mut finished = Vec::new();
    let set = set(&[
        (
            "1_tables",
            "create table a (n int primary key);\ncreate table b (n int references a deferrable initially deferred);",
        ),
        ("2_dangling", "insert into b values (1);"),
        ("3_after", "create table c (n int);"),
    ]);
    let mut observer = |event: &Event<'_>| {
        if let Event::StepFinished { step, .. } = event {
            finished.push(step.title());
        }
    };
    let error = block_on(fragile(&database.url(), &set).run(&mut observer)).unwrap_err().to_string();
    assert!(error.contains("2 dangling: the commit failed"), "{error}");
    assert_eq!(finished, ["1 tables"]);
    assert_eq!(database.psql("select to_regclass('c') is null, count(*) from b"), "t|0\n");
}
