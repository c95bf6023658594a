//! A connection is lost while a statement runs for long. Whoever goes on waits until the server's thread has ended, and
//! the statement runs once: by the row that the orphan wrote, or by what it left.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use migrate_core::backend::Holder;
use migrate_core::diagnostic::codes;
use migrate_core::error::ErrorKind;
use migrate_core::{Error, Event, MigrationSet, Migrator, RunOptions};
use migrate_tests::proxy::{Cut, How, Side};
use migrate_tests::servers::mysql::{Client, Database, Options};
use migrate_tests::servers::{MySql as Server, wait_for};

use super::FLAVOUR;
use super::support::{assert_whole, backend, block_on, fragile, history, proxied, set};

/// Who goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Another run.
    Another,
    /// The same one, on another connection.
    TheSame,
}

/// What becomes of the orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It comes to its end.
    Finishes,
    /// An administrator ends it.
    Killed,
    /// The server dies with it.
    ServerDies,
}

/// Tables with `rows` rows, and a slow statement between others.
fn slow(rows: u32, statement: &str) -> MigrationSet {
    let create = format!(
        "create table ran (what text not null);\ncreate table a (n int primary key auto_increment, m int not null, t varchar(200));\n\
         create table b (n int not null, m int not null);\n\
         insert into a (m, t) with recursive i as (select 1 as i union all select i + 1 from i where i < 1000) \
         select i, repeat('x', 150) from i limit {};\n{}insert into ran values ('1');",
        rows.min(1000),
        "insert into a (m, t) select m, t from a;\n".repeat((rows / 1000).max(1).ilog2() as usize)
    );
    set(&[
        ("1_create", &create),
        ("2_slow", &format!("insert into ran values ('2a');\n{statement};\ninsert into ran values ('2b');")),
        ("3_last", "insert into ran values ('3');"),
    ])
}

fn undisturbed(set: &MigrationSet) -> String {
    let database = Server::shared(FLAVOUR).database();
    block_on(fragile(&database.url(), set).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    database.contents()
}

fn first_only(set: &MigrationSet) -> MigrationSet {
    MigrationSet::new("main", vec![set.iter().next().expect("a migration").clone()]).expect("one is no two")
}

/// The connection that runs a statement which begins like this.
fn runs(watcher: &mut Client, database: &Database<'_>, beginning: &str) -> u64 {
    // Its packet begins with ours. Which statement of a packet it is, is told by what it does.
    let sql = format!(
        "select id from information_schema.processlist where db = '{}' and command = 'Query' \
         and (info like '{beginning}%' or state like 'Waiting for table metadata lock%') and id <> connection_id()",
        database.name()
    );
    wait_for("it runs", || watcher.run(&sql).lines().last()?.trim().parse().ok())
}

/// A run that waits as long as it must, and tells whom it waits for.
fn run(url: &str, set: &MigrationSet, next: Next, waits: &Sender<Holder>) -> Result<(), Error> {
    let mut options = RunOptions::default();
    options.lock_timeout = Duration::from_secs(50);
    if next == Next::Another {
        options.reconnect_for = Duration::ZERO;
    }
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { holder, .. } = event {
            let _ = waits.send((*holder).clone());
        }
    };
    let migrator = Migrator::new(backend(url), set.clone()).options(options);
    block_on(migrator.run(&mut observer)).map(drop)
}

/// The connection is cut while the statement runs: kept waiting by another session, or at work on many rows.
fn half_way(server: &Server, statement: &str, held: bool, next: Next, end: End) {
    let context = format!("{statement}, held: {held}, {next:?}, {end:?}");
    let set = slow(if held { 1000 } else { 100_000 }, statement);
    let expected = undisturbed(&set);
    let database = server.database();
    block_on(fragile(&database.url(), &first_only(&set)).up()).unwrap_or_else(|error| panic!("{context}: {error}"));
    let (proxy, url) = proxied(&database);
    let (url, set) = (&*url, &set);
    thread::scope(|scope| {
        // In here, so that nothing waits for them when this fails.
        let mut blocker = database.client();
        let mut watcher = Client::connect(server, &server.address(), "mysql");
        if held {
            blocker.run("begin; select count(*) from a for update; select count(*) from b");
        }
        let (waits, told) = channel();
        let mut going_on = scope.spawn({
            let waits = waits.clone();
            move || run(url, set, next, &waits)
        });
        let beginning = statement.split(' ').next().expect("a word");
        let orphan = runs(&mut watcher, &database, beginning);
        proxy.cut_all(How::Reset);
        if next == Next::Another {
            let result = going_on.join().expect("a run");
            assert!(result.is_err(), "{context}: it did not lose its connection");
            going_on = scope.spawn(move || run(url, set, next, &waits));
        }
        if held && end != End::ServerDies {
            let holder: Holder = wait_for("who goes on waits", || told.try_recv().ok());
            assert!(holder.who.ends_with(&format!("connection {orphan}")), "{context}: {holder:?}");
        }
        match end {
            End::Finishes => {}
            End::Killed => drop(watcher.run(&format!("kill {orphan}"))),
            End::ServerDies => {
                server.kill9();
                server.restart();
            }
        }
        if held && end != End::ServerDies {
            blocker.run("rollback");
        }
        let mut result = going_on.join().expect("a run");
        if end == End::ServerDies && next == Next::Another {
            // It may have lost its own.
            result = result.or_else(|_| run(url, set, next, &channel().0));
        }
        result.unwrap_or_else(|error| panic!("{context}: {error:#?}\n{}", history(&database)));
    });
    assert_whole(&database, set, &expected, &context);
    let settled = database.sql("select settled_by from migrate_history where settled_by is not null");
    let defines = !statement.starts_with("insert") && !statement.starts_with("update");
    match end {
        // The orphan wrote its row.
        End::Finishes => assert_eq!(settled, "", "{context}"),
        End::Killed if held && defines => assert_eq!(settled.lines().count(), 1, "{context}\n{}", history(&database)),
        // What shares a transaction with its row leaves nothing; what was not held may have come to its end.
        End::Killed | End::ServerDies => {}
    }
}

fn all_ends(statement: &str) {
    let own = Server::start(FLAVOUR, Options::default());
    for next in [Next::Another, Next::TheSame] {
        for end in [End::Finishes, End::Killed] {
            half_way(Server::shared(FLAVOUR), statement, true, next, end);
        }
        half_way(Server::shared(FLAVOUR), statement, false, next, End::Finishes);
    }
    half_way(&own, statement, true, Next::TheSame, End::ServerDies);
    half_way(&own, statement, false, Next::Another, End::ServerDies);
}

#[test]
fn a_table_that_is_copied_is_altered_once_whatever_ended_the_first_try() {
    all_ends("alter table a add column c int, algorithm=copy");
}

#[test]
fn an_index_is_built_once_whatever_ended_the_first_try() {
    all_ends("create index a_m on a (m, t)");
}

#[test]
fn rows_are_inserted_once_whatever_ended_the_first_try() {
    all_ends("insert into b select n, m from a");
}

#[test]
fn rows_are_updated_once_whatever_ended_the_first_try() {
    all_ends("update a set m = m + 1");
}

#[test]
fn a_statement_that_was_stopped_is_looked_after_by_the_next_run() {
    // MariaDB may say that a statement was interrupted although all of it is done.
    let set = &slow(1000, "alter table a add key (m)");
    let expected = undisturbed(set);
    let database = Server::shared(FLAVOUR).database();
    block_on(fragile(&database.url(), &first_only(set)).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    let url = &*database.url();
    let result = thread::scope(|scope| {
        let mut blocker = database.client();
        let mut watcher = Client::connect(database.server(), &database.server().address(), "mysql");
        blocker.run("begin; select count(*) from a");
        let run = scope.spawn(|| run(url, set, Next::TheSame, &channel().0));
        let id = runs(&mut watcher, &database, "alter");
        watcher.run(&format!("kill query {id}"));
        let result = run.join().expect("a run");
        blocker.run("rollback");
        result
    });
    let error = result.expect_err("it was stopped");
    let ErrorKind::Statement(failure) = error.kind() else { panic!("{error:#?}") };
    assert!(failure.unsettled, "{error:#?}");
    block_on(fragile(url, set).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    assert_whole(&database, set, &expected, "stopped");
    let settled = database.sql("select settled_by from migrate_history where settled_by is not null");
    assert!(settled.starts_with("fingerprint: "), "{settled}");
}

#[test]
fn what_ended_with_the_first_connection_is_not_taken_for_something_else() {
    for (first, needs) in [
        ("select max(n) into @n from a", "insert into ran values (concat('found ', ifnull(@n, 'nothing')))"),
        ("set @n = (select max(n) from a)", "insert into ran values (concat('found ', @n))"),
        // Behind it there is another one of that name.
        ("create temporary table b as select n from a", "insert into ran select concat('found ', count(*)) from b"),
    ] {
        let create = "create table ran (what text not null);\ncreate table a (n int primary key auto_increment, m int);\n\
                      create table b (n int);\ninsert into a (m) values (1);";
        let with = |needs: &str| {
            let text = format!("{first};\ninsert into a (m) values (2);\nalter table a add column c int;\n{needs};");
            set(&[("1_create", create), ("2_slow", &text)])
        };
        let (set, changed) = (&with(needs), with("insert into ran values ('found 1')"));
        let expected = undisturbed(set);
        let database = Server::shared(FLAVOUR).database();
        block_on(fragile(&database.url(), &first_only(set)).up()).unwrap_or_else(|error| panic!("{first}: {error}"));
        let (proxy, url) = proxied(&database);
        let result = thread::scope(|scope| {
            let mut blocker = database.client();
            let mut watcher = Client::connect(database.server(), &database.server().address(), "mysql");
            blocker.run("begin; select count(*) from a");
            let run = scope.spawn(|| run(&url, set, Next::TheSame, &channel().0));
            let orphan = runs(&mut watcher, &database, "alter");
            proxy.cut_all(How::Reset);
            watcher.run(&format!("kill {orphan}"));
            blocker.run("rollback");
            run.join().expect("a run")
        });
        let error = result.expect_err("it cannot go on").diagnostics().remove(0);
        assert_eq!(error.code, codes::FORGOTTEN, "{first}: {error:?}");
        block_on(fragile(&database.url(), &changed).up()).unwrap_or_else(|error| panic!("{first}: {error:#?}"));
        assert_whole(&database, &changed, &expected, first);
    }
}

/// How people make an index where there is none yet: with a statement that depends on the catalog.
#[test]
fn what_was_prepared_before_a_failure_is_there_again() {
    let database = Server::shared(FLAVOUR).database();
    let block = "set @s = (select if((select count(*) from information_schema.statistics where table_schema = database() \
                 and index_name = 'by_late') > 0, 'select 1', 'create index by_late on a (late)'));\n\
                 prepare make_it from @s;\nexecute make_it;\ndeallocate prepare make_it;\n";
    let files = [("1_create", "create table a (n int primary key);"), ("2_index", block)];
    let up = |files: &[(&str, &str)]| block_on(fragile(&database.url(), &set(files)).up());
    let error = up(&files).unwrap_err().to_string();
    assert!(error.contains("statement 3 of 4 failed: Key column 'late' doesn't exist"), "{error}");
    database.sql("alter table a add late int");
    up(&files).unwrap();
    assert!(database.schema().contains("by_late"));

    // It was made, and what is left is to give up what made it.
    database.sql(
        "update migrate_history set state = 'in_flight', `cursor` = 2, finished_at = null, prefix_digest = \
         (select d from (select prefix_digest d from migrate_history where state = 'failed') f), note = concat(\
         'execute:f2:0;', database(), '\\ncreate index by_late on a (late)') where seq = 3",
    );
    up(&files).unwrap();
    let settled = database.sql("select settled_by from migrate_history where settled_by is not null");
    assert_eq!(settled, "catalog: the index by_late of a is there\n");
    assert_eq!(database.sql("select state, `cursor` from migrate_history order by seq desc limit 1"), "done\t4\n");
}

#[test]
fn a_server_that_forgets_to_answer_is_not_waited_for_without_end() {
    // As MariaDB does that is told to stop just between two statements of a packet.
    let set = &set(&[
        ("1_create", "create table ran (what text not null);\ncreate table a (n int);"),
        ("2_both", "insert into ran values ('2a');\nalter table a add key (n);\ninsert into ran values ('2b');"),
    ]);
    let begun = || {
        let database = Server::shared(FLAVOUR).database();
        block_on(fragile(&database.url(), &first_only(set)).up()).unwrap_or_else(|error| panic!("{error:#?}"));
        database
    };
    let undisturbed = begun();
    let (proxy, url) = proxied(&undisturbed);
    block_on(fragile(&url, set).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    // The answers to the packet are the last of so many.
    let mut passed = 0;
    let mut message = 0;
    for turn in proxy.moments().chunk_by(|(one, _), (next, _)| one == next).filter(|turn| turn[0].0 == Side::Server) {
        if turn.len() > 15 {
            message = passed + turn.len() as u64 / 2;
        }
        passed += turn.len() as u64;
    }
    let database = begun();
    let (proxy, url) = proxied(&database);
    proxy.cut(Cut { side: Side::Server, message, after: false, how: How::Silence, lasting: false });
    let mut options = RunOptions::default();
    options.lock_timeout = Duration::from_secs(10);
    let mut reconnected = 0;
    let mut observer = |event: &Event<'_>| reconnected += u32::from(matches!(event, Event::Reconnecting { .. }));
    let migrator = Migrator::new(backend(&url), set.clone()).options(options);
    block_on(migrator.run(&mut observer)).unwrap_or_else(|error| panic!("{error:#?}"));
    assert_whole(&database, set, &undisturbed.contents(), "silence");
    assert!(reconnected == 1 && proxy.was_cut(), "{reconnected}");
}
