//! What runs of a migrator come to.

use super::super::fixture::{self, Fixture, id, set};
use super::{THREE, done, down, migrator, numbers, up};
use crate::Check;
use crate::backend::{Atomicity, Backend};
use crate::callback::{Callback, CallbackEvent};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::migration::{Precondition, RunAttributes};
use crate::plan::{DownGoal, OnAhead, Policy, Refusal, Target};
use crate::set::MigrationSet;
use crate::source::Source;

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

/// Callbacks run around migrations and every run, in the migration's transaction where it has one, and leave no row.
pub fn callbacks_run_around_and_leave_no_row<F: Fixture>() {
    let fixture = F::create();
    let callback = |event: CallbackEvent, text: &str| Callback {
        event,
        description: String::new(),
        script: Source::new(format!("{event}.sql"), text),
        run: RunAttributes::default(),
    };
    let texts =
        [("1", "CREATE TABLE b (n INTEGER);", ""), ("2", "INSERT INTO a VALUES (3); INSERT INTO b VALUES (1);", "")];
    let around = |after: &str| {
        set(&texts).with_callbacks(vec![
            callback(CallbackEvent::BeforeMigrate, "INSERT INTO a VALUES (1);"),
            callback(CallbackEvent::BeforeEachMigrate, "INSERT INTO a VALUES (2);"),
            callback(CallbackEvent::AfterEachMigrate, after),
            callback(CallbackEvent::AfterMigrate, "INSERT INTO a VALUES (5);"),
        ])
    };
    up(&fixture, &fixture::component("before", &[("1", "CREATE TABLE a (n INTEGER);", "")])).unwrap();
    let error = up(&fixture, &around("INSERT INTO nosuch VALUES (4);")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Statement(_)), "{error}");
    let script = around("INSERT INTO a VALUES (4);");
    let transactional = fixture.backend().dialect().atomicity == Atomicity::Script;
    let left = if transactional { vec!["up 1", "up 2"] } else { vec!["up 2"] };
    assert_eq!(numbers(&fixture, "b").is_some(), !transactional, "what surrounds a migration shares its transaction");
    assert_eq!(done(&up(&fixture, &script).unwrap()), left);
    let once = |numbers: &[i64], number| numbers.iter().filter(|other| **other == number).count();
    let numbers_now = numbers(&fixture, "a").unwrap();
    assert_eq!(
        (once(&numbers_now, 1), once(&numbers_now, 3), once(&numbers_now, 4), once(&numbers_now, 5)),
        (2, 1, left.len(), 1)
    );
    assert!(up(&fixture, &script).unwrap().is_empty());
    assert_eq!(numbers(&fixture, "a").unwrap().len(), numbers_now.len() + 2);
    assert!(F::block_on(migrator(&fixture, &script).check()).unwrap().is_current());
    let observed = F::block_on(migrator(&fixture, &script).observe()).unwrap();
    assert_eq!(observed.history.entries().len(), 2, "a callback has left a row");
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
    // Steps that never share a window: each has a question of its own.
    let asking = |n: u32| {
        let text = format!("{}; CREATE TABLE t{n} (n INTEGER);", F::alone());
        let mut migration = fixture::migration(&(&n.to_string(), &text, ""));
        migration.attributes.run.preconditions =
            vec![Precondition { text: "it is so".to_owned(), sql: "SELECT 1".to_owned(), offset: 0 }];
        migration
    };
    let set = MigrationSet::new("main", (1..=3).map(asking).collect()).unwrap();
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
