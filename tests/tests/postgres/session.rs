//! What a script leaves behind, on our own connection and on the caller's.

use migrate_core::backend::{Backend as _, Effect, End, Locked, Settings, TableName};
use migrate_core::event::Event;
use migrate_core::sql::{Statement, Syntax, classify};
use migrate_core::{Migrator, RunOptions};
use migrate_postgres::{Borrowed, PostgresSession, tokio_postgres};
use migrate_tests::proxy::Proxy;
use migrate_tests::servers::Postgres as Server;

use super::support::{backend, block_on, fragile, set};

/// Whatever a step finds of the one before it, in one row. What is listened to is given up too, at its commit.
const FOUND: &str = "insert into found select current_setting('work_mem'), current_setting('search_path'), \
    current_user::text, coalesce(current_setting('app.tenant', true), ''), \
    (select count(*) from pg_class where relpersistence = 't' and relnamespace = pg_my_temp_schema()), \
    (select count(*) from pg_prepared_statements where name <> 'migrate_append'), \
    (select count(*) from pg_cursors where is_holdable), \
    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";

#[test]
fn every_step_begins_with_what_the_connection_came_with_and_the_lock() {
    let database = Server::shared().database();
    let alone = format!("vacuum;\n{FOUND};");
    let set = set(&[
        (
            "1_found",
            "create table found (work_mem text, path text, role text, tenant text, temporary int, prepared int, \
             held int, locks int)",
        ),
        ("2_clean", FOUND),
        (
            "3_leaves",
            "set work_mem = '7MB'; set search_path = pg_catalog; set app.tenant = 'x'; create temporary table t (n int); \
             prepare p as select 1; declare c cursor with hold for select 1; listen news; set role pg_monitor;",
        ),
        ("4_clean_again", FOUND),
        ("5_leaves_alone", "vacuum; set work_mem = '9MB'; create temporary table t (n int); set role pg_monitor;"),
        ("6_clean_again", &alone),
    ]);
    block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{error}"));
    let found = database.psql("select * from found");
    let rows: Vec<_> = found.lines().collect();
    assert_eq!(rows.len(), 3, "{found}");
    assert!(rows.iter().all(|row| *row == rows[0]), "{found}");
    assert!(rows[0].ends_with("|0|0|0|1"), "nothing left, and one lock: {found}");
}

#[test]
fn nothing_to_do_is_one_trip_after_connecting() {
    let database = Server::shared().database();
    let set = set(&[("1_a", "create table a (n int)"), ("2_b", "create table b (n int)")]);
    block_on(fragile(&database.url(), &set).up()).unwrap();
    let proxy = Proxy::to(&Server::shared().address());
    let url = database.url_by(&proxy.address());
    let trips = |work: &dyn Fn()| {
        let before = proxy.counts();
        work();
        proxy.counts().since(before).round_trips
    };
    let connecting = trips(&|| drop(block_on(backend(&url).connect()).unwrap()));
    let checking = trips(&|| assert!(block_on(fragile(&url, &set).check()).unwrap().is_current()));
    let running = trips(&|| assert!(block_on(fragile(&url, &set).up()).unwrap().is_empty()));
    assert_eq!((checking, running), (connecting + 1, connecting + 1));
}

#[test]
fn settings_hold_for_their_step_alone() {
    let database = Server::shared().database();
    let settings = "-- migrate:settings work_mem=8MB\n-- migrate:timeout lock=3s statement=1m\n";
    let ask = "insert into found select current_setting('work_mem'), current_setting('lock_timeout'), \
               current_setting('statement_timeout')";
    let set = set(&[
        ("1_found", "create table found (a text, b text, c text)"),
        ("2_with", &format!("{settings}{ask}")),
        ("3_without", ask),
        ("4_alone", &format!("{settings}vacuum;\n{ask};")),
        ("5_alone", &format!("vacuum;\n{ask};")),
    ]);
    block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        database.psql("select * from found"),
        "8MB|3s|1min\n4MB|2s|0\n8MB|3s|1min\n4MB|2s|0\n",
        "the defaults are the connection's own and two seconds for locks"
    );
}

#[test]
fn settings_of_a_step_hold_to_its_end_whatever_shares_a_transaction_in_between() {
    let database = Server::shared().database();
    let ask = "insert into found select current_setting('work_mem'), current_setting('statement_timeout')";
    let alone = format!("do $$ begin {ask}; commit; end $$;");
    let set = set(&[
        ("1_found", "create table found (a text, b text)"),
        (
            "2_alone",
            &format!("-- migrate:settings work_mem=8MB\n-- migrate:timeout statement=1m\n{alone}\n{ask};\n{alone}"),
        ),
        ("3_without", &format!("{alone}\n{ask};\n{alone}")),
    ]);
    block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.psql("select * from found"), format!("{}{}", "8MB|1min\n".repeat(3), "4MB|0\n".repeat(3)));
}

#[test]
fn what_a_script_sets_holds_to_its_end_and_where_it_goes_on() {
    let database = Server::shared().database();
    let text = |table: &str| {
        format!(
            "set work_mem = '7MB';\nset role pg_monitor;\nreset role;\nset statement_timeout = '77s';\nvacuum;\n\
             create table {table} as select current_setting('work_mem') as a, current_setting('statement_timeout') as b;"
        )
    };
    let after =
        "create table after as select current_setting('work_mem') as a, current_setting('statement_timeout') as b;";
    let broken = text("no_schema.made");
    let error = block_on(fragile(&database.url(), &set(&[("1_sets", &broken)])).up()).unwrap_err().to_string();
    assert!(error.contains("statement 6 of 6 failed"), "{error}");
    let mended = text("made");
    block_on(fragile(&database.url(), &set(&[("1_sets", &mended), ("2_after", after)])).up())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.psql("select * from made union all select * from after"), "7MB|77s\n4MB|0\n");
}

#[test]
fn a_journalled_script_that_takes_a_role_is_written_down_by_whoever_runs_it() {
    let database = Server::shared().database();
    let text = "set role pg_monitor;\nvacuum (analyze) pg_catalog.pg_class;\nselect 1;";
    block_on(fragile(&database.url(), &set(&[("1_role", text), ("2_after", "create table a (n int)")])).up())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.psql("select tableowner from pg_tables where tablename = 'a'"), "postgres\n");
}

#[test]
fn nothing_of_the_callers_session_is_reset() {
    let database = Server::shared().database();
    let set = set(&[
        ("1_create", "create table a (n int);\nset work_mem = '7MB';"),
        ("2_settings", "-- migrate:settings maintenance_work_mem=9MB\ninsert into a values (1);"),
        ("3_alone", "-- migrate:settings maintenance_work_mem=9MB\nvacuum a;"),
    ]);
    block_on(async {
        let (mut client, connection) =
            tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.expect("the server is there");
        tokio::spawn(connection);
        client
            .batch_execute(
                "set application_name = 'shop'; set maintenance_work_mem = '3MB'; create temporary table mine (n int); \
                 prepare mine as select 1; select pg_advisory_lock(7)",
            )
            .await
            .unwrap();
        let mut notices = Vec::new();
        let mut observer = |event: &Event<'_>| {
            if let Event::Noticed { notice, .. } = event {
                notices.push(notice.message.clone());
            }
        };
        let mut session = PostgresSession::on(&mut client).await.unwrap();
        let migrator = Migrator::new(backend(&database.url()), set.clone());
        let report = migrator.run_on(&mut session, &mut observer).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.steps.len(), 3);
        drop(session);
        let rows = client
            .simple_query(
                "select current_setting('application_name'), current_setting('maintenance_work_mem'), \
                 to_regclass('mine') is not null, (select count(*) from pg_prepared_statements), \
                 (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())",
            )
            .await
            .unwrap();
        let tokio_postgres::SimpleQueryMessage::Row(row) = &rows[1] else { panic!("{rows:?}") };
        let cells: Vec<_> = (0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect();
        assert_eq!(cells, ["shop", "3MB", "t", "1", "1"]);
        assert_eq!(notices, ["a script set work_mem to '7168' for the rest of the session, which is not ours"]);
    });
}

#[test]
fn a_run_on_a_borrowed_connection_that_is_dropped_leaves_no_transaction_and_no_lock() {
    let database = Server::shared().database();
    let set =
        set(&[("1_create", "create table a (n int)"), ("2_slow", "insert into a values (1);\nselect pg_sleep(0.5);")]);
    block_on(async {
        let (mut client, connection) =
            tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.expect("the server is there");
        tokio::spawn(connection);
        let migrator = Migrator::new(Borrowed, set.clone());
        let mut session = PostgresSession::on(&mut client).await.unwrap();
        {
            let mut nobody = ();
            let run = migrator.run_on(&mut session, &mut nobody);
            let sleeping = async {
                let sql = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
                while database.psql(sql) != "1\n" {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                _ = run => panic!("it sleeps"),
                () = sleeping => {}
            }
        }
        drop(session);
        let rows = client
            .simple_query(
                "select now() = statement_timestamp(), (select count(*) from pg_locks where locktype = 'advisory' \
                 and pid = pg_backend_pid())",
            )
            .await
            .unwrap();
        let tokio_postgres::SimpleQueryMessage::Row(row) = &rows[1] else { panic!("{rows:?}") };
        assert_eq!((row.get(0), row.get(1)), (Some("t"), Some("0")), "no transaction is open, and nothing is locked");
        // What had been sent was complete: the server went through it.
        let mut session = PostgresSession::on(&mut client).await.unwrap();
        let left = migrator.run_on(&mut session, &mut ()).await.unwrap_or_else(|error| panic!("{error}")).steps.len();
        assert!(left <= 2, "{left}");
    });
    assert_eq!(database.psql("select count(*) from a"), "1\n", "each migration ran once");
}

#[test]
fn a_callers_open_transaction_is_refused() {
    let database = Server::shared().database();
    block_on(async {
        let (mut client, connection) =
            tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.expect("the server is there");
        tokio::spawn(connection);
        client.batch_execute("begin").await.unwrap();
        let error = PostgresSession::on(&mut client).await.map(drop).unwrap_err();
        assert!(error.message.contains("a transaction is open"), "{error}");
        client.batch_execute("rollback").await.unwrap();
        PostgresSession::on(&mut client).await.map(drop).unwrap();
    });
}

#[test]
fn whoever_drops_a_session_at_work_leaves_no_statement_behind() {
    let database = Server::shared().database();
    // Before 14 the server does not look whether its client is still there, and sleeps to the end.
    let seconds = if Server::shared().version() >= 140_000 { 600 } else { 5 };
    let text = &format!("select pg_sleep({seconds})");
    let class = classify::postgres(text, &Syntax::POSTGRES);
    let statement = Statement { number: 1, text, offset: 0, data: None, class };
    let running = || {
        database.psql(&format!("select count(*) from pg_stat_activity where query like 'select pg_sleep({seconds})%'"))
    };
    block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        let table = TableName::default();
        session.observe(&table).await.unwrap();
        assert!(matches!(session.try_lock(&table, "somebody").await.unwrap(), Locked::Mine { .. }));
        let settings = Settings::default();
        let effects = [Effect::Begin(&settings), Effect::Statement(&statement)];
        {
            let mut nobody = ();
            let performed = session.perform(&table, &effects, &mut nobody);
            let waited = tokio::time::timeout(std::time::Duration::from_millis(500), performed).await;
            assert!(waited.is_err(), "it sleeps");
        }
        assert_eq!(running(), "1\n");
        drop(session);
        // The task that drives the connection ends when it is next looked at.
        tokio::task::yield_now().await;
    });
    // The server looks every half second whether its client is still there.
    migrate_tests::servers::wait_for("the statement to end", || (running() == "0\n").then_some(()));
    let mut next = block_on(backend(&database.url()).connect()).unwrap();
    let locked = block_on(next.try_lock(&TableName::default(), "the next")).unwrap();
    assert!(matches!(locked, Locked::Mine { .. }), "{locked:?}");
}

#[test]
fn a_statement_is_stopped_on_the_server() {
    let database = Server::shared().database();
    let set = set(&[("1_first", "create table a (n int)"), ("2_slow", "vacuum; select pg_sleep(600);")]);
    let migrator = fragile(&database.url(), &set);
    let stop = migrator.stop_handle();
    let mut observer = |event: &Event<'_>| {
        if let Event::StatementStarted { statement: 2, .. } = event {
            let stop = stop.clone();
            // It is announced before it is sent: the first request may come too early, so it is repeated.
            std::thread::spawn(move || {
                for _ in 0..100 {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                    if stop.cancel().is_err() {
                        return;
                    }
                }
            });
        }
    };
    let error = block_on(migrator.run(&mut observer)).unwrap_err();
    assert!(matches!(error.kind(), migrate_core::error::ErrorKind::Stopped { .. }), "{error}");
    assert_eq!(database.psql("select state, cursor from migrate_history where version = '2'"), "interrupted|1\n");
}

#[test]
fn a_remark_and_a_place_inside_a_function_body_are_told() {
    let database = Server::shared().database();
    let set = set(&[("1_block", "-- größe\ndo $$\nbegin\n  raise notice 'größe %', 1;\n  perform 1 / 0;\nend $$;\n")]);
    let mut notices = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Noticed { notice, step } = event {
            notices.push(format!(
                "{}: {} {}",
                step.map(migrate_core::plan::Step::title).unwrap_or_default(),
                notice.level,
                notice.message
            ));
        }
    };
    let error = block_on(fragile(&database.url(), &set).run(&mut observer)).unwrap_err();
    assert_eq!(notices, ["1 block: NOTICE größe 1"]);
    let text = error.to_string();
    assert!(text.contains("migrations/1_block.sql:5:3"), "{text}");
    assert!(text.contains("division by zero (22012)"), "{text}");
}

#[test]
fn places_are_counted_in_characters() {
    let database = Server::shared().database();
    let set = set(&[("1_umlauts", "create table ä (größe int);\nselect 'äöü', größe, nichts from ä;\n")]);
    let error = block_on(fragile(&database.url(), &set).up()).unwrap_err().to_string();
    assert!(error.contains("migrations/1_umlauts.sql:2:22"), "{error}");
    assert!(error.contains("column \"nichts\" does not exist (42703)"), "{error}");
}

/// The options are the defaults where a test needs them to be.
#[test]
fn a_statement_that_takes_too_long_is_named() {
    let database = Server::shared().database();
    let set = set(&[("1_slow", "select 1;\nselect pg_sleep(600);\n")]);
    let mut options = RunOptions::default();
    options.statement_timeout = std::time::Duration::from_millis(200);
    let migrator = Migrator::new(backend(&database.url()), set).options(options);
    let error = block_on(migrator.up()).unwrap_err().to_string();
    assert!(error.contains("1_slow.sql:2:1") && error.contains("--statement-timeout"), "{error}");
    let End::All = block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        session.perform(&TableName::default(), &[Effect::Set(&Settings::default())], &mut ()).await.end
    }) else {
        panic!("the next session works")
    };
}
