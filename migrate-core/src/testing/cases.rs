//! The cases of the conformance suite. [`conformance!`](crate::conformance) makes one named test of each.
//!
//! They speak the SQL that every engine knows: `CREATE TABLE`, `DROP TABLE`, `INSERT`, `SELECT`. What only one engine
//! has is tested in its own crate.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fixture::{self, Fixture, id, set};
use super::{Crash, Record};
use crate::backend::{
    Advance, Atomicity, Backend, Cancel, Effect, End, Exclusion, Fault, Locked, NewEntry, Session, Settings, TableName,
};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::{EntryKey, State};
use crate::migration::{MigrationId, Precondition};
use crate::plan::{DownGoal, Goal, OnAhead, Policy, Refusal, Target};
use crate::set::MigrationSet;
use crate::sql::Statement;
use crate::{Check, Error, Migrator, Report};

const THREE: &[fixture::Text<'_>] = &[
    (
        "1",
        "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER);",
        "DROP TABLE b; DROP TABLE a;",
    ),
    ("2", "INSERT INTO a VALUES (2);", "DELETE FROM b;"),
    ("10", "CREATE TABLE c (n INTEGER);", "DROP TABLE c;"),
];

fn migrator<F: Fixture>(fixture: &F, set: &MigrationSet) -> Migrator {
    Migrator::new(fixture.backend(), set.clone())
}

fn up<F: Fixture>(fixture: &F, set: &MigrationSet) -> Result<Report, Error> {
    F::block_on(migrator(fixture, set).up())
}

fn down<F: Fixture>(fixture: &F, set: &MigrationSet, goal: DownGoal) -> Result<Report, Error> {
    F::block_on(migrator(fixture, set).goal(Goal::Down(goal)).up())
}

fn session<F: Fixture>(fixture: &F) -> Box<dyn Session> {
    F::block_on(fixture.backend().connect()).expect("the database of a fixture can be reached")
}

/// The numbers in a table, sorted; `None` if there is no such table.
fn numbers<F: Fixture>(fixture: &F, table: &str) -> Option<Vec<i64>> {
    let mut session = session(fixture);
    let rows = F::block_on(session.query(&format!("SELECT n FROM {table}"))).ok()?;
    let mut numbers: Vec<i64> = rows.into_iter().filter_map(|row| row.into_iter().next()??.parse().ok()).collect();
    numbers.sort_unstable();
    Some(numbers)
}

fn done(report: &Report) -> Vec<String> {
    report.steps.iter().map(|step| format!("{} {}", step.action, step.id)).collect()
}

fn perform<F: Fixture>(session: &mut dyn Session, effects: &[Effect<'_>]) -> End {
    F::block_on(session.perform(&TableName::default(), effects, &mut ())).end
}

fn statement<'a>(backend: &impl Backend, text: &'a str) -> Statement<'a> {
    let dialect = backend.dialect();
    Statement { number: 1, text, offset: 0, data: None, class: (dialect.classify)(text, &dialect.syntax) }
}

/// Everything pending is applied in the order of versions, and a second run has nothing to do.
pub fn up_applies_everything_once<F: Fixture>() {
    let fixture = F::create();
    let report = up(&fixture, &set(THREE)).unwrap();
    assert_eq!(done(&report), ["up 1", "up 2", "up 10"]);
    assert_eq!(report.now_at, Some(id("10")));
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2]));
    let again = up(&fixture, &set(THREE)).unwrap();
    assert_eq!((done(&again), again.now_at), (vec![], Some(id("10"))));
}

/// Ways back run highest first and leave nothing of the application behind.
pub fn down_returns_to_the_start<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &set(THREE)).unwrap();
    let report = down(&fixture, &set(THREE), DownGoal::To(Target::Version("2".parse().unwrap()))).unwrap();
    assert_eq!((done(&report), report.now_at), (vec!["down 10".to_owned()], Some(id("2"))));
    let report = down(&fixture, &set(THREE), DownGoal::Empty).unwrap();
    assert_eq!(done(&report), ["down 2", "down 1"]);
    let observed = F::block_on(migrator(&fixture, &set(THREE)).observe()).unwrap();
    assert_eq!(observed.server.objects, Vec::<String>::new());
    up(&fixture, &set(THREE)).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2]));
}

/// What is declared about definitions is what the engine does, in both directions.
pub fn atomicity_is_as_declared<F: Fixture>() {
    let fixture = F::create();
    let backend = fixture.backend();
    let mut session = session(&fixture);
    let settings = Settings::default();
    let create = statement(&backend, "CREATE TABLE probe (n INTEGER)");
    let effects = [Effect::Begin(&settings), Effect::Statement(&create), Effect::Rollback];
    assert_eq!(perform::<F>(&mut *session, &effects), End::All);
    let expected = match backend.dialect().atomicity {
        Atomicity::Script => None,
        Atomicity::Statement => Some(vec![]),
    };
    assert_eq!(numbers(&fixture, "probe"), expected, "a table created in a transaction that was rolled back");
}

/// A statement that the engine refuses in a transaction is refused there, and known as such.
pub fn what_runs_alone_is_known<F: Fixture>() {
    let fixture = F::create();
    let backend = fixture.backend();
    let alone = statement(&backend, F::alone());
    assert!(alone.class.sharing.recovery().is_some(), "{} is not classified as running alone", F::alone());
    let mut session = session(&fixture);
    assert_eq!(perform::<F>(&mut *session, &[Effect::Statement(&alone)]), End::All);
    let set = set(&[("1", &format!("CREATE TABLE a (n INTEGER); {}; INSERT INTO a VALUES (1);", F::alone()), "")]);
    up(&fixture, &set).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![1]));
}

/// A failing statement leaves what the engine's atomicity says, names itself, and the run goes on with the mended file.
pub fn a_failed_statement_is_named_and_the_run_goes_on<F: Fixture>() {
    let fixture = F::create();
    let first = "CREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n";
    let broken = format!("{first}INSERT INTO nosuch VALUES (2);\nINSERT INTO a VALUES (3);");
    let mended = format!("{first}INSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3);");
    let error = up(&fixture, &set(&[("1", &broken, "")])).unwrap_err();
    let ErrorKind::Statement(failure) = error.kind() else { panic!("{error}") };
    assert_eq!((failure.statement, failure.statements), (Some(3), 4));
    let place = error.diagnostics()[0].place.clone().unwrap();
    assert_eq!(place.position.unwrap().line, 3, "{error}");
    match fixture.backend().dialect().atomicity {
        Atomicity::Script => assert_eq!(numbers(&fixture, "a"), None),
        Atomicity::Statement => assert_eq!(numbers(&fixture, "a"), Some(vec![1])),
    }
    let report = up(&fixture, &set(&[("1", &mended, "")])).unwrap();
    assert_eq!(done(&report), ["up 1"]);
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]));
}

/// A journalled script whose done part was changed is not gone on with.
pub fn a_changed_beginning_is_refused<F: Fixture>() {
    let fixture = F::create();
    let text = |first: &str, last: &str| {
        format!(
            "CREATE TABLE a (n INTEGER); {}; INSERT INTO a VALUES ({first}); INSERT INTO {last} VALUES (2);",
            F::alone()
        )
    };
    up(&fixture, &set(&[("1", &text("1", "nosuch"), "")])).unwrap_err();
    let error = up(&fixture, &set(&[("1", &text("7", "a"), "")])).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::PrefixChanged { .. })), "{error}");
    up(&fixture, &set(&[("1", &text("1", "a"), "")])).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2]));
}

/// One session has the lock; another sees who; it is free once the holder is gone.
pub fn the_lock_excludes_and_dies_with_its_holder<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let (mut first, mut second) = (session(&fixture), session(&fixture));
    let taken = F::block_on(first.try_lock(&table, "the first")).unwrap();
    assert!(matches!(taken, Locked::Mine { .. }));
    match F::block_on(second.try_lock(&table, "the second")).unwrap() {
        Locked::HeldBy(holder) => assert!(holder.who.contains("the first"), "{holder:?}"),
        Locked::Mine { .. } => panic!("two sessions have the lock"),
    }
    drop(first);
    let freed = (0..500).any(|_| {
        let free = matches!(F::block_on(second.try_lock(&table, "the second")).unwrap(), Locked::Mine { .. });
        if !free {
            F::block_on(fixture.backend().pause(std::time::Duration::from_millis(20)));
        }
        free
    });
    assert!(freed, "the lock outlives its holder");
    F::block_on(second.unlock(&table)).unwrap();
    let mut third = session(&fixture);
    assert!(matches!(F::block_on(third.try_lock(&table, "the third")).unwrap(), Locked::Mine { .. }));
}

/// Every column of a row survives being written and read, whatever is in it.
pub fn rows_come_back_as_they_were_written<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let mut session = session(&fixture);
    F::block_on(session.ensure_history(&table)).unwrap();
    F::block_on(session.ensure_history(&table)).unwrap();
    let hostile = "it's \"quoted\" `so` [or] \\ %s ; -- /* */ $$ 🦀 größe\n\tline\r\n:lo ? $1";
    let mut written = fixture::entry(1, "2.1.0-x");
    hostile.clone_into(&mut written.description);
    written.state = State::InFlight;
    for text in [
        &mut written.note,
        &mut written.settled_by,
        &mut written.origin,
        &mut written.checkpoint,
        &mut written.error,
        &mut written.installed_by,
    ] {
        *text = Some(hostile.to_owned());
    }
    written.compatible_from = Some("2.0".parse().unwrap());
    written.statements = 7;
    let long = "x".repeat(1 << 20);
    let new = NewEntry { entry: written.clone(), script: Some(hostile.to_owned()), down_script: Some(long.clone()) };
    assert_eq!(perform::<F>(&mut *session, &[Effect::Append(&new)]), End::All);
    let read = F::block_on(session.load(&table)).unwrap().remove(0);
    assert!(read.started_at.is_some() && read.finished_at.is_none(), "the server writes the times: {read:?}");
    written.started_at = read.started_at;
    written.has_down = true;
    assert_eq!(read, written);
    assert_eq!(F::block_on(session.head(&table, "main")).unwrap(), Some(written.clone()));
    assert_eq!(F::block_on(session.head(&table, "other")).unwrap(), None);
    let texts = F::block_on(session.texts(&table, &[written.key.clone()])).unwrap();
    assert_eq!((texts[0].script.as_deref(), texts[0].down_script.as_deref()), (Some(hostile), Some(&*long)));
}

/// A row number that is taken, and a row that is not as expected, are errors of their own.
pub fn lost_races_are_told_apart<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let mut session = session(&fixture);
    F::block_on(session.ensure_history(&table)).unwrap();
    let new = NewEntry { entry: fixture::entry(1, "1"), script: None, down_script: None };
    assert_eq!(perform::<F>(&mut *session, &[Effect::Append(&new)]), End::All);
    let fault = |end: End| match end {
        End::Refused { error, .. } => error.fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Append(&new)])), Fault::Duplicate);
    let advance = |cursor, run_id: &str| Advance {
        key: EntryKey { component: "main".to_owned(), seq: 1 },
        run_id: run_id.to_owned(),
        fence: 0,
        from_cursor: cursor,
        cursor: cursor + 1,
        prefix_digest: None,
        state: State::Done,
        note: None,
        settled_by: None,
        checkpoint: None,
        error: None,
    };
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Advance(&advance(0, "another"))])), Fault::Stale);
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Advance(&advance(3, "run"))])), Fault::Stale);
    assert_eq!(perform::<F>(&mut *session, &[Effect::Advance(&advance(0, "run"))]), End::All);
    assert!(F::block_on(session.head(&table, "main")).unwrap().unwrap().finished_at.is_some());
}

/// An older reader reads, appends to and downgrades a table to which a later version added a column.
pub fn an_added_column_does_not_matter<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &set(&THREE[..2])).unwrap();
    let backend = fixture.backend();
    let mut session = session(&fixture);
    let alter = statement(&backend, "ALTER TABLE migrate_history ADD COLUMN later VARCHAR(20)");
    assert_eq!(perform::<F>(&mut *session, &[Effect::Statement(&alter)]), End::All);
    drop(session);
    up(&fixture, &set(THREE)).unwrap();
    let report = down(&fixture, &set(THREE), DownGoal::Steps(2)).unwrap();
    assert_eq!(done(&report), ["down 10", "down 2"]);
}

/// An older release goes back with the database's own copies, and the newer one comes again.
pub fn an_older_release_downgrades_with_stored_scripts<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &set(THREE)).unwrap();
    let older = set(&THREE[..1]);
    let policy = |on_ahead| Policy { on_ahead, ..Policy::default() };
    let refused = F::block_on(migrator(&fixture, &older).policy(policy(OnAhead::Refuse)).up()).unwrap_err();
    assert!(refused.is_ahead(), "{refused}");
    let tolerated = F::block_on(migrator(&fixture, &older).up()).unwrap();
    assert!(tolerated.is_empty() && tolerated.notes.len() == 1);
    let report = F::block_on(migrator(&fixture, &older).policy(policy(OnAhead::Downgrade)).up()).unwrap();
    assert_eq!(done(&report), ["down 10", "down 2"]);
    assert_eq!(numbers(&fixture, "c"), None);
    assert_eq!(done(&up(&fixture, &set(THREE)).unwrap()), ["up 2", "up 10"]);
}

/// `check` and `plan` create nothing and change nothing.
pub fn looking_changes_nothing<F: Fixture>() {
    let fixture = F::create();
    let looking = migrator(&fixture, &set(THREE));
    assert_eq!(F::block_on(looking.plan()).unwrap().steps.len(), 3);
    match F::block_on(looking.check()).unwrap() {
        Check::Pending { titles } => assert_eq!(titles.len(), 3),
        other => panic!("{other:?}"),
    }
    let observed = F::block_on(looking.observe()).unwrap();
    assert!(!observed.server.has_history && observed.server.objects.is_empty(), "{:?}", observed.server);
    up(&fixture, &set(THREE)).unwrap();
    assert!(F::block_on(looking.check()).unwrap().is_current());
}

/// A plan that was made before somebody else did something is not carried out.
pub fn a_stale_plan_is_refused<F: Fixture>() {
    let fixture = F::create();
    let early = migrator(&fixture, &set(THREE));
    let plan = F::block_on(early.plan()).unwrap();
    up(&fixture, &set(&THREE[..1])).unwrap();
    let error = F::block_on(early.apply(&plan, &mut ())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::StalePlan { after: 0, now: 1 })), "{error}");
    let plan = F::block_on(early.plan()).unwrap();
    let report = F::block_on(early.apply(&plan, &mut ())).unwrap();
    assert_eq!((done(&report), report.now_at), (vec!["up 2".to_owned(), "up 10".to_owned()], Some(id("10"))));
}

/// A precondition that holds lets the script run; one that does not leaves nothing.
pub fn preconditions_are_asked_first<F: Fixture>() {
    let fixture = F::create();
    let with = |sql: &str| {
        let mut migration = fixture::migration(&("1", "CREATE TABLE a (n INTEGER);", ""));
        migration.attributes.run.preconditions =
            vec![Precondition { text: "it is so".to_owned(), sql: sql.to_owned(), offset: 0 }];
        MigrationSet::new("main", vec![migration]).unwrap()
    };
    for sql in ["SELECT 0", "SELECT nonsense FROM nosuch"] {
        let error = up(&fixture, &with(sql)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Precondition(_)), "{error}");
        assert_eq!(numbers(&fixture, "a"), None);
    }
    up(&fixture, &with("SELECT 1")).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![]));
}

/// A stop lets the step finish, begins nothing else, and the next run goes on; the lock is free.
pub fn a_stop_leaves_work_for_the_next_run<F: Fixture>() {
    let fixture = F::create();
    // Steps that never share a window.
    let text = |n: u32| format!("{}; CREATE TABLE t{n} (n INTEGER);", F::alone());
    let texts = [text(1), text(2), text(3)];
    let set = set(&[("1", &texts[0], ""), ("2", &texts[1], ""), ("3", &texts[2], "")]);
    let stopped = migrator(&fixture, &set);
    let handle = stopped.stop_handle();
    let mut stop_after_one = |event: &Event<'_>| {
        if let Event::StepFinished { .. } = event {
            handle.stop();
        }
    };
    let error = F::block_on(stopped.run(&mut stop_after_one)).unwrap_err();
    let ErrorKind::Stopped { left } = error.kind() else { panic!("{error}") };
    assert_eq!((left.len(), done(error.report())), (2, vec!["up 1".to_owned()]));
    assert_eq!(done(&up(&fixture, &set).unwrap()), ["up 2", "up 3"]);
}

/// What is declared about cancelling is what a session offers.
pub fn cancelling_is_as_declared<F: Fixture>() {
    let fixture = F::create();
    let offered = session(&fixture).canceller().is_some();
    assert_eq!(offered, fixture.backend().dialect().cancel == Cancel::Statement);
}

/// Two runs at once, the very first start included: each migration once, both content.
pub fn two_runs_at_once_apply_everything_once<F: Fixture + Sync>() {
    for _ in 0..5 {
        let fixture = F::create();
        let set = set(THREE);
        let applied: Vec<String> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| done(&up(&fixture, &set).unwrap()))).collect();
            runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
        });
        let mut sorted = applied.clone();
        sorted.sort();
        assert_eq!(sorted, ["up 1", "up 10", "up 2"], "{applied:?}");
        assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2]));
    }
}

/// The events of a run come in their order.
pub fn events_tell_what_happens_in_order<F: Fixture>() {
    let fixture = F::create();
    let mut seen = Vec::new();
    let mut observer = |event: &Event<'_>| {
        seen.push(match event {
            Event::Connected { .. } => "connected".to_owned(),
            Event::Planned { plan } => format!("planned {}", plan.steps.len()),
            Event::StepStarted { step } => format!("started {}", step.id),
            Event::StatementStarted { statement, .. } => format!("sent {statement}"),
            Event::StatementFinished { statement, .. } => format!("ran {statement}"),
            Event::StepFinished { step, .. } => format!("finished {}", step.id),
            other => format!("{other:?}"),
        });
    };
    F::block_on(migrator(&fixture, &set(&THREE[1..])).run(&mut observer)).unwrap_err();
    F::block_on(
        migrator(&fixture, &set(&[("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);", "")]))
            .run(&mut observer),
    )
    .unwrap();
    seen.retain(|line| line != "connected");
    assert_eq!(
        seen,
        [
            "planned 2",
            "started 2",
            "sent 1",
            "planned 1",
            "started 1",
            "sent 1",
            "ran 1",
            "sent 2",
            "ran 2",
            "finished 1"
        ]
    );
}

/// Two components have histories of their own in one database.
pub fn components_do_not_meet<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &set(&THREE[..1])).unwrap();
    let queue = fixture::component("queue", &[("1", "CREATE TABLE q (n INTEGER);", "DROP TABLE q;")]);
    assert_eq!(done(&up(&fixture, &queue).unwrap()), ["up 1"]);
    down(&fixture, &queue, DownGoal::Empty).unwrap();
    assert_eq!((numbers(&fixture, "q"), numbers(&fixture, "a")), (None, Some(vec![1])));
}

/// For every k: the connection is lost before the k-th thing done to the database and after it. The next run completes,
/// or names one doubt that looking at the database decides; nothing runs twice, nothing is lost.
pub fn a_crash_anywhere_loses_nothing<F: Fixture>() {
    let swept = crash_sweep::<F>();
    assert!(swept.points > 20, "{swept:?}");
}

/// What a sweep met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Moments at which the connection was lost.
    pub points: usize,
    /// Doubts that a person had to decide.
    pub doubts: usize,
}

/// The sweep itself.
///
/// # Panics
/// If something ran twice or was lost.
pub fn crash_sweep<F: Fixture>() -> Swept {
    let mut swept = Swept::default();
    for after in [false, true] {
        for at in 0.. {
            match crash_at::<F>(at, after) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(doubts) => {
                    swept.points += 1;
                    swept.doubts += doubts;
                }
            }
        }
    }
    swept
}

/// Up with a crash, up again, down with a crash, down again; `Break` once neither met its moment.
fn crash_at<F: Fixture>(at: usize, after: bool) -> ControlFlow<(), usize> {
    let fixture = F::create();
    let second =
        format!("INSERT INTO a VALUES (2); {}; CREATE TABLE c (n INTEGER); INSERT INTO a VALUES (3);", F::alone());
    let second_down = format!("DELETE FROM c; {}; DROP TABLE c;", F::alone());
    let set = set(&[
        (
            "1",
            "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER);",
            "DROP TABLE b; DROP TABLE a;",
        ),
        ("2", &second, &second_down),
        ("3", "DROP TABLE b; INSERT INTO a VALUES (4);", "CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (1);"),
    ]);
    let moment = format!("crash {} effect {at}", if after { "after" } else { "before" });
    let run = |goal: &Goal, crash: Option<usize>| {
        let backend = Crash::new(fixture.backend(), crash.unwrap_or(usize::MAX), after);
        let result = F::block_on(Migrator::new(backend.clone(), set.clone()).goal(goal.clone()).up());
        (result, backend.crashed())
    };
    let mut doubts = 0;
    let mut complete = |goal: Goal| {
        let (result, crashed) = run(&goal, Some(at));
        if crashed && let Err(error) = result {
            assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{moment}: {error}");
        }
        for _ in 0..10 {
            match run(&goal, None).0 {
                Ok(report) if report.is_empty() => return crashed,
                Ok(_) => {}
                Err(error) => {
                    let ErrorKind::Refused(Refusal::InDoubt { id, statement, .. }) = error.kind() else {
                        panic!("{moment}: {error}");
                    };
                    doubts += 1;
                    look_and_settle(&fixture, &set, id, *statement, matches!(goal, Goal::Down(_)));
                }
            }
        }
        panic!("{moment}: the run does not come to its end");
    };
    let met_up = complete(Goal::up());
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3, 4]), "{moment}");
    assert_eq!((numbers(&fixture, "b"), numbers(&fixture, "c")), (None, Some(vec![])), "{moment}");
    let met_down = complete(Goal::Down(DownGoal::Empty));
    for table in ["a", "b", "c"] {
        assert_eq!(numbers(&fixture, table), None, "{moment}: {table} after going down");
    }
    if met_up || met_down { ControlFlow::Continue(doubts) } else { ControlFlow::Break(()) }
}

/// What a person does who is asked: looks whether the table is there, and says so.
fn look_and_settle<F: Fixture>(fixture: &F, set: &MigrationSet, id: &MigrationId, statement: usize, down: bool) {
    let migration = set.get(id).unwrap();
    let source = if down { migration.down.as_ref().unwrap() } else { &migration.up };
    let dialect = fixture.backend().dialect();
    let script = crate::sql::Script::parse(source.clone(), &dialect.syntax, dialect.classify).unwrap();
    let text = script.statement(statement - 1).text;
    let mut words = text.split_whitespace();
    let (verb, table) = (words.next().unwrap(), words.nth(1).unwrap());
    let there = numbers(fixture, table).is_some();
    let ran = if verb == "CREATE" { there } else { !there };
    F::block_on(migrator(fixture, set).settle(id, statement, ran)).unwrap();
}

/// Whether the suite notices: a sweep over a backend that lies must not come to its end.
///
/// # Panics
/// If it does.
pub fn the_sweep_must_fail<F: Fixture>() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let swept = catch_unwind(AssertUnwindSafe(crash_sweep::<F>));
    std::panic::set_hook(hook);
    assert!(swept.is_err(), "the sweep did not notice: {swept:?}");
}

/// The order in which a journalled step is written down.
pub fn a_journalled_step_is_announced_before_it_is_sent<F: Fixture>() {
    let fixture = F::create();
    let recorded = Record::new(fixture.backend());
    let text = format!("CREATE TABLE a (n INTEGER); {};", F::alone());
    F::block_on(Migrator::new(recorded.clone(), set(&[("1", &text, "")])).up()).unwrap();
    let lines = recorded.lines();
    let place = |wanted: &str| {
        lines.iter().position(|line| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted} in {lines:#?}"))
    };
    assert!(place("lock") < place("append 1 up 1 in_flight at 0"));
    assert!(place("append 1 up 1 in_flight at 0") < place("CREATE TABLE a"));
    assert!(place("CREATE TABLE a") < place("advance 1 0 → 1 in_flight"));
    assert!(place(F::alone()) < place("advance 1 1 → 2 done"));
    assert!(place("advance 1 1 → 2 done") < place("unlock"));
    let alone = place(F::alone());
    assert_eq!(lines[alone + 1], "| advance 1 1 → 2 done", "a statement and its row travel together");
    if fixture.backend().dialect().exclusion == Exclusion::Session {
        assert!(place("ensure history") > place("lock"));
    }
}

/// One named test for each case.
#[macro_export]
macro_rules! conformance {
    ($fixture:ty) => {
        $crate::conformance!(@ $fixture:
            up_applies_everything_once,
            down_returns_to_the_start,
            atomicity_is_as_declared,
            what_runs_alone_is_known,
            a_failed_statement_is_named_and_the_run_goes_on,
            a_changed_beginning_is_refused,
            the_lock_excludes_and_dies_with_its_holder,
            rows_come_back_as_they_were_written,
            lost_races_are_told_apart,
            an_added_column_does_not_matter,
            an_older_release_downgrades_with_stored_scripts,
            looking_changes_nothing,
            a_stale_plan_is_refused,
            preconditions_are_asked_first,
            a_stop_leaves_work_for_the_next_run,
            cancelling_is_as_declared,
            two_runs_at_once_apply_everything_once,
            events_tell_what_happens_in_order,
            components_do_not_meet,
            a_crash_anywhere_loses_nothing,
            a_journalled_step_is_announced_before_it_is_sent,
        );
    };
    (@ $fixture:ty: $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::testing::cases::$case::<$fixture>();
            }
        )*
    };
}
