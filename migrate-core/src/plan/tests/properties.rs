//! What holds for all sets and histories.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{POSTGRES, case};
use crate::checksum;
use crate::history::{Action, Entry, EntryKey, History, State, Status, Texts};
use crate::migration::{Attributes, Migration, MigrationId, Phase};
use crate::plan::resume::Prefixes;
use crate::plan::{
    DownGoal, Goal, Mode, Observed, OnAhead, OutOfOrder, Plan, Policy, Refusal, Target, plan, texts_needed,
};
use crate::set::MigrationSet;
use crate::source::Source;
use crate::sql::{Script, Syntax, classify};

/// A history with its texts, as a table has it.
#[derive(Clone, Debug, Default)]
struct Table(Vec<(Entry, Texts)>);

impl Table {
    fn history(&self) -> History {
        History::fold(self.0.iter().map(|(entry, _)| entry.clone()).collect(), "main")
    }

    fn observed(&self, set: &MigrationSet, goal: &Goal, policy: &Policy) -> Observed {
        let history = self.history();
        let needed = texts_needed(set, &history, goal, policy);
        let texts: BTreeMap<EntryKey, Texts> =
            self.0.iter().map(|(entry, texts)| (entry.key.clone(), texts.clone())).collect();
        let texts = needed.into_iter().filter_map(|key| Some((key.clone(), texts.get(&key)?.clone()))).collect();
        Observed { server: case("").server, history, texts, foreign: super::Foreign::default() }
    }

    fn plan(&self, set: &MigrationSet, goal: &Goal, policy: &Policy) -> Result<Plan, Refusal> {
        plan(set, &self.observed(set, goal, policy), goal, policy, &POSTGRES)
    }

    /// What a run of the plan leaves.
    fn apply(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let mut entry = step.row.entry.clone();
            entry.key.seq = self.0.len() as u64 + 1;
            entry.state = State::Done;
            self.0.push((entry, Texts { script: step.row.script.clone(), down_script: step.row.down_script.clone() }));
            for row in &step.also {
                let mut entry = row.entry.clone();
                entry.key.seq = self.0.len() as u64 + 1;
                self.0.push((entry, Texts { script: row.script.clone(), down_script: row.down_script.clone() }));
            }
        }
    }

    fn applied(&self) -> Vec<MigrationId> {
        self.history().applied().map(|(id, _)| id.clone()).collect()
    }
}

fn migration(id: MigrationId, up: &str, down: bool) -> Migration {
    Migration {
        description: "test".to_owned(),
        up: Source::new(format!("{id}.sql"), up),
        checksum: checksum::raw(up),
        down: down.then(|| Source::new(format!("{id}.down.sql"), "drop table a; drop table b")),
        attributes: Attributes::default(),
        id,
    }
}

fn ids() -> impl Strategy<Value = MigrationId> {
    prop_oneof![
        4 => (0_u128..6, any::<bool>(), prop::sample::select(&[0_u32, 1, 2, 10, 11][..])).prop_map(|(version, post, ordinal)| {
            let phase = if post { Phase::Post } else { Phase::Pre };
            MigrationId::versioned(crate::Version::new([version]), phase, ordinal)
        }),
        1 => prop::sample::select(&["a", "b"][..]).prop_map(MigrationId::repeatable),
    ]
}

fn sets() -> impl Strategy<Value = MigrationSet> {
    let up = prop::sample::select(&["select 1", "vacuum; select 1; vacuum", "begin; select 1; commit", ""][..]);
    prop::collection::btree_map(ids(), (up, any::<bool>(), any::<bool>()), 0..8).prop_map(|migrations| {
        let taken: Vec<MigrationId> = migrations.keys().cloned().collect();
        let migrations = migrations.into_iter().map(|(id, (up, down, old))| {
            let mut migration = migration(id, up, down);
            if old && let MigrationId::Versioned { version, phase, ordinal } = &migration.id {
                let before = MigrationId::versioned(version.clone(), *phase, ordinal + 10);
                if !taken.contains(&before) {
                    migration.attributes.renamed_from.push(before);
                }
            }
            migration
        });
        MigrationSet::new("main", migrations.collect()).unwrap()
    })
}

fn entries() -> impl Strategy<Value = (Entry, Texts)> {
    const ACTIONS: &[&str] = &["up", "down", "baseline", "snapshot", "adopt", "accept", "refresh", "resolve", "forget"];
    const STATES: &[&str] = &["in_flight", "failed", "interrupted", "done", "done", "done"];
    let sum = prop::sample::select(&["select 1", "vacuum; select 1; vacuum", "other"][..]);
    let floor = prop::option::of(prop::sample::select(&["floor", "install", "snapshot", "snapshot; install"][..]));
    let some = (0_u64..9, 0_u64..4, any::<bool>(), prop::option::of("[0-9]{1,2} .{0,9}"));
    (ids(), prop::sample::select(ACTIONS), prop::sample::select(STATES), sum, floor, some).prop_map(
        |(id, action, state, sum, origin, (seq, cursor, down, prefix))| {
            let mut entry = case("row up 1").rows.remove(0).0;
            entry.id = id;
            entry.action = Action::from_text(action).unwrap();
            entry.state = State::from_text(state).unwrap();
            entry.key.seq = seq;
            entry.checksum = checksum::raw(sum);
            entry.origin = origin.map(str::to_owned);
            entry.cursor = cursor;
            entry.prefix_digest = prefix;
            entry.has_down = down;
            let down_script = down.then(|| "drop table a".to_owned());
            (entry, Texts { script: Some(sum.to_owned()), down_script })
        },
    )
}

fn goals() -> impl Strategy<Value = Goal> {
    prop_oneof![
        Just(Goal::up()),
        Just(Goal::pre()),
        Just(Goal::post()),
        Just(Goal::all()),
        Just(Goal::Down(DownGoal::Empty)),
        (0_usize..4).prop_map(|steps| Goal::Down(DownGoal::Steps(steps))),
        ids().prop_map(|id| Goal::Down(DownGoal::To(Target::Id(id)))),
        (0_u128..6).prop_map(|version| Goal::Baseline(crate::Version::new([version]))),
        ids().prop_map(Goal::ResolveApplied),
        ids().prop_map(Goal::ResolveNotApplied),
        ids().prop_map(Goal::Accept),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    const AHEAD: &[OnAhead] = &[OnAhead::Compatible, OnAhead::Tolerate, OnAhead::Refuse, OnAhead::Downgrade];
    (prop::sample::select(AHEAD), any::<bool>()).prop_map(|(on_ahead, all)| Policy {
        on_ahead,
        out_of_order: if all { OutOfOrder::AllowAll } else { OutOfOrder::Refuse },
        ..Policy::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_rows_make_the_planner_panic(
        set in sets(),
        mut rows in prop::collection::vec(entries(), 0..8),
        numbered in any::<bool>(),
        goal in goals(),
        policy in policies(),
    ) {
        if numbered {
            rows.iter_mut().zip(1..).for_each(|((entry, _), seq)| entry.key.seq = seq);
        } else {
            rows.sort_by_key(|(entry, _)| entry.key.seq);
            rows.dedup_by_key(|(entry, _)| entry.key.seq);
        }
        let table = Table(rows);
        match table.plan(&set, &goal, &policy) {
            Ok(plan) => prop_assert!(!plan.to_string().is_empty() && plan.digest().len() == 8),
            Err(refusal) => prop_assert!(!refusal.diagnostics().is_empty()),
        }
    }

    #[test]
    fn once_a_plan_is_carried_out_there_is_nothing_to_do(
        set in sets(),
        rows in prop::collection::vec(entries(), 0..6),
        goal in goals(),
        policy in policies(),
    ) {
        let mut table = Table(rows);
        table.0.iter_mut().zip(1..).for_each(|((entry, _), seq)| entry.key.seq = seq);
        let Ok(plan) = table.plan(&set, &goal, &policy) else { return Ok(()) };
        table.apply(&plan);
        // So many steps are so many more; a downgrade upgrades nothing in the same run.
        let downgraded = matches!(goal, Goal::Up(_)) && plan.steps.iter().any(|step| step.action == Action::Down);
        if matches!(goal, Goal::Down(DownGoal::Steps(_))) || downgraded {
            return Ok(());
        }
        match table.plan(&set, &goal, &policy) {
            Ok(again) => prop_assert!(again.is_empty(), "{again}"),
            // A table with two open attempts, which no run writes: the other one is not this plan's.
            Err(Refusal::Open { entry, .. }) => {
                prop_assert!(plan.steps.iter().all(|step| step.id != entry.id), "{}", entry.title());
            }
            // What was recorded is recorded, and what was taken back is no target any more.
            Err(refusal) => {
                prop_assert!(matches!(refusal, Refusal::Already { .. } | Refusal::UnknownTarget { .. }), "{refusal:?}");
            }
        }
    }

    #[test]
    fn up_and_down_again_leaves_nothing_and_up_then_the_same(set in sets()) {
        let with_downs: Vec<Migration> =
            set.iter().map(|one| migration(one.id.clone(), one.up.text(), !one.id.is_repeatable())).collect();
        let set = MigrationSet::new("main", with_downs).unwrap();
        let (policy, down) = (Policy::default(), Goal::Down(DownGoal::Empty));
        let mut table = Table::default();
        let up = |table: &mut Table| {
            let plan = table.plan(&set, &Goal::up(), &policy).unwrap();
            table.apply(&plan);
            plan.digest()
        };
        let first = up(&mut table);
        let applied = table.applied();
        prop_assert_eq!(applied.len(), set.len());
        let back = table.plan(&set, &down, &policy).unwrap();
        table.apply(&back);
        prop_assert_eq!(table.applied(), Vec::new());
        prop_assert!(set.iter().all(|one| table.history().status(&one.id) == Status::Pending));
        prop_assert_eq!(up(&mut table), first);
        prop_assert_eq!(table.applied(), applied);
    }

    #[test]
    fn from_any_cursor_exactly_the_rest_runs(statements in 1_usize..8, at in 0_usize..8, mended in any::<bool>()) {
        let at = at.min(statements);
        let text = |tail: &str| {
            (0..statements).map(|n| if n < at { format!("vacuum t{n};\n") } else { format!("{tail} t{n};\n") }).collect::<String>()
        };
        let ran = text("vacuum");
        let id: MigrationId = "1".parse().unwrap();
        let file = if mended { text("analyze") } else { ran.clone() };
        let set = MigrationSet::new("main", vec![migration(id, &file, false)]).unwrap();
        let script = Script::parse(Source::new("x", ran.as_str()), &Syntax::POSTGRES, classify::postgres).unwrap();
        let mut entry = case("file 1\nrow up 1 failed").rows.remove(0).0;
        entry.cursor = at as u64;
        entry.executed_digest = Some(checksum::raw(&ran));
        entry.prefix_digest = Prefixes::new().up_to(&script, at).map(|prefix| prefix.to_text());
        let table = Table(vec![(entry, Texts { script: Some(ran), down_script: None })]);
        let plan = table.plan(&set, &Goal::up(), &Policy::default()).unwrap();
        let step = &plan.steps[0];
        let runs: Vec<usize> = step.units.iter().flat_map(|unit| unit.runs.clone()).collect();
        prop_assert_eq!(runs, (at..statements).collect::<Vec<_>>());
        prop_assert_eq!((step.mode, step.row.entry.cursor), (Mode::Journal, at as u64));
    }
}
