//! Transactions travel together: one trip for many, and what fails in one is told of that one.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use migrate_core::backend::{Backend as _, Effect, End, NewEntry, Settings, TableName};
use migrate_core::error::ErrorKind;
use migrate_core::sql::Syntax;
use migrate_core::sql::{Script, classify};
use migrate_core::testing::fixture::entry;
use migrate_core::{Error, Event, MigrationSet, Migrator, Source};
use migrate_tests::proxy::Proxy;
use migrate_tests::servers::{Database, Postgres as Server, wait_for};

use super::support::{backend, block_on, fragile, set};

/// There and back.
const FAR: Duration = Duration::from_millis(20);

/// Migrations 1 to `count`, each of which creates a table and says so.
fn small(count: usize) -> MigrationSet {
    let texts: Vec<_> = (1..=count)
        .map(|number| match number {
            1 => ("1_small".to_owned(), "create table ran (n integer);\ninsert into ran values (1);".to_owned()),
            _ => (
                format!("{number}_small"),
                format!("create table t{number} (n integer);\ninsert into ran values ({number});"),
            ),
        })
        .collect();
    set(&texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn ran(database: &Database<'_>) -> String {
    database.psql("select coalesce(string_agg(n::text, ' ' order by n), '') from ran").trim().to_owned()
}

/// The trips of a run that applies what a set has beyond the first migration, and how long they took.
fn trips(count: usize) -> (u64, Duration) {
    let database = Server::shared().database();
    block_on(fragile(&database.url(), &small(1)).up()).unwrap();
    let proxy = Proxy::delayed(&Server::shared().address(), FAR);
    let begin = Instant::now();
    block_on(fragile(&database.url_by(&proxy.address()), &small(count)).up()).unwrap();
    let all: Vec<_> = (1..=count).map(|number| number.to_string()).collect();
    assert_eq!(ran(&database), all.join(" "));
    (proxy.counts().round_trips, begin.elapsed())
}

#[test]
fn sixty_four_migrations_take_as_many_trips_as_one() {
    let (one, _) = trips(2);
    let (many, elapsed) = trips(65);
    assert_eq!(many, one, "64 migrations travel together");
    let (two_windows, _) = trips(66);
    assert_eq!(two_windows, one + 1, "the 65th is in a window of its own");
    assert!(elapsed < FAR * 64, "{elapsed:?}");
}

#[test]
fn a_transaction_is_one_trip_and_so_are_many() {
    let database = Server::shared().database();
    let proxy = Proxy::delayed(&Server::shared().address(), FAR);
    let table = TableName::default();
    let mut session = block_on(backend(&database.url_by(&proxy.address())).connect()).unwrap();
    block_on(session.ensure_history(&table)).unwrap();
    // Asked once for a session.
    block_on(session.observe(&table)).unwrap();
    let text = "create temporary table t on commit drop as select 1 as n; insert into t values (2);";
    let script = Script::parse(Source::new("a.sql", text), &Syntax::POSTGRES, classify::postgres).unwrap();
    let statements: Vec<_> = script.statements().collect();
    let settings = Settings { lock_timeout: Some(Duration::from_secs(2)), ..Settings::default() };
    let mut seq = 0;
    for transactions in [1, 1, 5, 64] {
        let rows: Vec<_> = (0..transactions)
            .map(|_| {
                seq += 1;
                NewEntry { entry: entry(seq, &seq.to_string()), script: None, down_script: None, asked: None }
            })
            .collect();
        let effects: Vec<_> = rows
            .iter()
            .flat_map(|row| {
                let statements = statements.iter().map(Effect::Statement);
                [Effect::Begin(&settings)].into_iter().chain(statements).chain([Effect::Append(row), Effect::Commit])
            })
            .collect();
        let before = proxy.counts();
        let end = block_on(session.perform(&table, &effects, &mut ())).end;
        assert_eq!(end, End::All);
        let passed = proxy.counts().since(before);
        assert_eq!(passed.round_trips, 1, "{transactions} transactions: {passed:?}");
    }
}

/// How a statement of a window can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Its grammar, which the server looks at before it carries out anything of the text.
    Grammar,
    /// A name that is not there.
    Name,
    /// Its data.
    Data,
    /// A constraint that is checked at the end of the transaction.
    Deferred,
    /// It ends its own connection.
    Lost,
}

impl Fault {
    fn statement(self) -> &'static str {
        match self {
            Self::Grammar => "/* größer */ insert into ran valuess (99)",
            Self::Name => "/* größer */ insert into nosuch values (99)",
            Self::Data => "/* größer */ insert into ran values (1 / (select 0))",
            Self::Deferred => "insert into ordered values (99)",
            Self::Lost => "select pg_terminate_backend(pg_backend_pid())",
        }
    }

    /// Line and column of the error, if it is about a place.
    fn place(self) -> Option<(usize, usize)> {
        match self {
            Self::Grammar => Some((5, 30)),
            Self::Name => Some((5, 26)),
            // The server names no place for what its data is about, so it is where the statement begins.
            Self::Data => Some((5, 14)),
            Self::Deferred | Self::Lost => None,
        }
    }
}

/// Six migrations in one window, of which one has a fault in its second statement.
fn window(position: usize, fault: Option<Fault>) -> MigrationSet {
    let mut texts = vec![(
        "1_create".to_owned(),
        "create table ran (n integer);\ncreate table keys (n integer primary key);\n\
         create table ordered (n integer references keys deferrable initially deferred);"
            .to_owned(),
    )];
    for number in 2..=7 {
        let mut text = format!("-- Überschrift\n\ninsert into ran\n  values ({number});\n");
        if let Some(fault) = fault.filter(|_| position == number) {
            let _ = writeln!(text, "{};", fault.statement());
        }
        let _ = writeln!(text, "create table t{number} (n integer);\ninsert into ran values ({number});");
        texts.push((format!("{number}_step"), text));
    }
    set(&texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn failure(error: &Error, position: usize, fault: Fault, context: &str) {
    if fault == Fault::Lost {
        assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{context}: {error:#?}");
        return;
    }
    let ErrorKind::Statement(failure) = error.kind() else { panic!("{context}: {error:#?}") };
    assert_eq!(failure.title, format!("{position} step"), "{context}: {error}");
    let place = error.diagnostics()[0].place.clone().unwrap_or_else(|| panic!("{context}: no place: {error}"));
    assert_eq!(place.path, format!("migrations/{position}_step.sql"), "{context}");
    if let Some((line, column)) = fault.place() {
        let found = place.position.unwrap_or_else(|| panic!("{context}: no line: {error}"));
        assert_eq!((found.line, found.column), (line, column), "{context}: {error}");
        assert_eq!(failure.statement, Some(2), "{context}");
    }
    let pending: Vec<_> = (position + 1..=7).map(|number| format!("{number} step")).collect();
    assert_eq!(failure.pending, pending, "{context}");
}

#[test]
fn what_fails_in_a_window_is_told_of_its_place_and_nothing_behind_it_is_applied() {
    for fault in [Fault::Grammar, Fault::Name, Fault::Data, Fault::Deferred, Fault::Lost] {
        for position in 2..=7 {
            let context = format!("{fault:?} in {position}");
            let database = Server::shared().database();
            block_on(fragile(&database.url(), &window(0, None)).goal(up_to_first()).up()).unwrap();
            let error = block_on(fragile(&database.url(), &window(position, Some(fault))).up()).unwrap_err();
            failure(&error, position, fault, &context);
            let before: Vec<_> = (2..position).map(|number| format!("{number} {number}")).collect();
            assert_eq!(ran(&database), before.join(" "), "{context}");
            let tables = database.psql("select count(*) from pg_class where relname ~ '^t[0-9]$'");
            assert_eq!(tables.trim(), before.len().to_string(), "{context}");
            let reported = error.report().steps.len();
            // Whose connection is lost may not have heard of what was done.
            let heard = fault == Fault::Lost && reported < before.len();
            assert!(heard || reported == before.len(), "{context}: {:?}", error.report());
            // Mended, it goes on.
            block_on(fragile(&database.url(), &window(0, None)).up()).unwrap_or_else(|e| panic!("{context}: {e}"));
            assert_eq!(ran(&database), "2 2 3 3 4 4 5 5 6 6 7 7", "{context}");
        }
    }
}

fn up_to_first() -> migrate_core::Goal {
    use migrate_core::plan::{Goal, Target, UpGoal};
    Goal::Up(UpGoal { to: Some(Target::Version("1".parse().unwrap())), ..UpGoal::default() })
}

#[test]
fn what_ends_its_own_connection_is_not_tried_for_ever() {
    let database = Server::shared().database();
    let set = window(4, Some(Fault::Lost));
    let error = block_on(Migrator::new(backend(&database.url()), set).up()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{error:#?}");
    assert_eq!(ran(&database), "2 2 3 3");
}

#[test]
fn a_script_that_ends_as_another_role_is_written_down_by_whoever_runs_it() {
    let database = Server::shared().database();
    let role = format!("{}_owner", database.name());
    let own = format!("set role {role};\ncreate table owned (n integer);");
    database.psql(&format!("create role {role}; grant all on schema public to {role}"));
    let set = set(&[
        ("1_own", &own),
        ("2_mine", "create table mine (n integer);"),
        ("3_again", &own.replace("owned", "owned_too")),
    ]);
    let result = block_on(fragile(&database.url(), &set).up());
    let owners = database.psql(
        "select string_agg(tablename || ' ' || (tableowner = 'postgres'), ', ' order by tablename) \
                                from pg_tables where schemaname = 'public' and tablename !~ '^migrate'",
    );
    database.psql(&format!("drop owned by {role}; drop role {role}"));
    result.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(owners, "mine true, owned false, owned_too false\n");
}

#[test]
fn a_transaction_that_cannot_be_serialized_is_tried_again_before_anything_behind_it() {
    let database = Server::shared().database();
    let create =
        ("1_create", "create table ran (n integer);\ncreate table a (n integer);\ncreate table b (n integer);");
    block_on(fragile(&database.url(), &set(&[create])).up()).unwrap();
    // Reads what the other writes and writes what the other reads, then waits until the other has committed.
    let skewed = "set transaction isolation level serializable;\ninsert into a select count(*) from b;\n\
                  insert into ran values (2);\nselect pg_advisory_xact_lock(7);";
    let set = set(&[
        create,
        ("2_skewed", skewed),
        ("3_behind", "insert into ran select 3 where exists (select from ran where n = 2);"),
    ]);
    let mut other = database.client();
    other.run("select pg_advisory_lock(7)");
    let mut retries = 0;
    let mut observer = |event: &Event<'_>| retries += usize::from(matches!(event, Event::Retry { .. }));
    std::thread::scope(|scope| {
        let (url, set) = (database.url(), &set);
        let observer = &mut observer;
        let run = scope.spawn(move || block_on(fragile(&url, set).run(observer)).map(drop));
        let waiting =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
        wait_for("it waits", || (run.is_finished() || database.psql(waiting) == "1\n").then_some(()));
        let committed = other.run(
            "begin isolation level serializable; insert into b select count(*) from a; commit; \
             select pg_advisory_unlock(7)",
        );
        assert_eq!(committed, "t\n");
        run.join().expect("a run").unwrap_or_else(|error| panic!("{error:#?}"));
    });
    assert_eq!(retries, 1, "nothing was tried again: this tests nothing");
    assert_eq!(ran(&database), "2 3");
    assert_eq!(database.psql("select (select n from a), (select n from b)"), "1|0\n", "one after the other");
}
