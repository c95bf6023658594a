//! What is sent for which effects. `|` parts the statements of a packet; a row of the history is its verb.

use std::time::Duration;

use migrate_core::backend::{Advance, NewEntry, Note};
use migrate_core::history::{Action, Entry, EntryKey, State};
use migrate_core::migration::MigrationId;
use migrate_core::sql::classify;

use super::*;

const HISTORY: &str = "`d`.`migrate_history`";

fn ground() -> Ground {
    let base = [("lock_wait_timeout", "86400"), ("innodb_lock_wait_timeout", "50")];
    Ground {
        mariadb: false,
        syntax: Syntax::MYSQL,
        counts_found: true,
        limit: 10_000,
        base: base.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        lease: None,
    }
}

fn statement(text: &str) -> Statement<'_> {
    Statement { number: 1, text, offset: 0, data: None, class: classify::mysql(text, &Syntax::MYSQL) }
}

fn row() -> NewEntry {
    let key = EntryKey { component: "main".to_owned(), seq: 1 };
    let entry = Entry::blank(key, MigrationId::repeatable("r"), Action::Up);
    NewEntry { entry, script: None, down_script: None, asked: None }
}

fn advance(note: Option<&str>) -> Advance {
    Advance {
        key: EntryKey { component: "main".to_owned(), seq: 1 },
        run_id: "r".to_owned(),
        fence: 0,
        holder_fence: 0,
        from_cursor: 0,
        cursor: 1,
        prefix_digest: None,
        state: State::InFlight,
        note: note.map(str::to_owned),
        asked: None,
        settled_by: None,
        checkpoint: None,
        error: None,
    }
}

fn shown(sending: &[Sending]) -> Vec<String> {
    let part = |packet: &Packet, part: &Part| {
        let sql = &packet.sql[part.range.clone()];
        match part.kind {
            PartKind::Row => sql.split(' ').next().unwrap().to_lowercase(),
            PartKind::Guard => "guard".to_owned(),
            PartKind::Lease => "lease".to_owned(),
            PartKind::Warnings => "warnings".to_owned(),
            _ => sql.to_owned(),
        }
    };
    sending
        .iter()
        .map(|one| match one {
            Sending::Clean { .. } => "clean".to_owned(),
            Sending::Packet(packet) => {
                let parts = packet.parts.iter().filter(|part| !part.range.is_empty());
                parts.map(|one| part(packet, one)).collect::<Vec<_>>().join(" | ")
            }
        })
        .collect()
}

#[track_caller]
fn check(effects: &[Effect<'_>], ground: &Ground, expected: &[&str]) -> Standing {
    let (sending, standing) = packets(effects, HISTORY, ground, &Standing::default()).unwrap();
    assert_eq!(shown(&sending), expected);
    let mut completed: Vec<usize> = sending
        .iter()
        .filter_map(|one| if let Sending::Packet(packet) = one { Some(packet) } else { None })
        .flat_map(|packet| packet.parts.iter().filter(|part| part.completes).map(|part| part.at))
        .collect();
    completed.dedup();
    assert_eq!(completed, (0..effects.len()).collect::<Vec<_>>(), "every effect is completed once, in order");
    standing
}

#[test]
fn definitions_get_identifiers_in_the_order_in_which_they_are_sent() {
    let Note::Asked(asked) = gtid::noted(Note::Asked("f".to_owned())) else { panic!() };
    let (alter, trigger, noted) = (
        statement("alter table t add b int"),
        statement("create trigger g before insert on t for each row set new.a = 1"),
        NewEntry { asked: Some(asked.clone()), ..row() },
    );
    let (announced, passed) = (Advance { asked: Some(asked), ..advance(None) }, advance(None));
    let standing = Standing { gtids: Some(Gtids { uuid: "u".to_owned(), next: 5 }), ..Standing::default() };
    let effects = [
        Effect::Append(&noted),
        Effect::Statement(&alter),
        Effect::Advance(&passed),
        Effect::Advance(&announced),
        Effect::Statement(&trigger),
        Effect::Advance(&passed),
        Effect::Statement(&alter),
    ];
    let (sending, standing) = packets(&effects, HISTORY, &ground(), &standing).unwrap();
    let automatic = "warnings | COMMIT | SET gtid_next = 'AUTOMATIC' | update | guard";
    assert_eq!(
        shown(&sending),
        [
            format!(
                "insert | SET gtid_next = 'u:5' | alter table t add b int | {automatic} | update | guard | \
                 SET gtid_next = 'u:6' | {}",
                trigger.text
            ),
            format!("{automatic} | alter table t add b int | warnings"),
        ]
    );
    let Sending::Packet(first) = &sending[0] else { panic!() };
    assert!(first.sql.contains("CONCAT('gtid=u:5;', ") && first.sql.contains("CONCAT('gtid=u:6;', "), "{}", first.sql);
    assert_eq!(standing.gtids.map(|gtids| gtids.next), Some(7));
}

fn two_seconds() -> Settings {
    Settings { lock_timeout: Some(Duration::from_secs(2)), ..Settings::default() }
}

const LIMITS: &str = "SET SESSION `innodb_lock_wait_timeout` = 2, SESSION `lock_wait_timeout` = 2";
const NO_LIMITS: &str = "SET SESSION `innodb_lock_wait_timeout` = 50, SESSION `lock_wait_timeout` = 86400";

#[test]
fn a_definition_and_its_row_are_one_packet_and_several_steps_too() {
    let (create, row, passed, settings, none) =
        (statement("create table t (a int)"), row(), advance(None), two_seconds(), Settings::default());
    let step = [
        Effect::Append(&row),
        Effect::Set(&settings),
        Effect::Statement(&create),
        Effect::Advance(&passed),
        Effect::Set(&none),
    ];
    let two: Vec<_> = step.iter().chain(&step).copied().collect();
    let first = format!("insert | {LIMITS} | create table t (a int) | warnings");
    let seam = "START TRANSACTION | update | guard | insert | COMMIT";
    let second = "create table t (a int) | warnings | update | guard";
    let standing = check(&two, &ground(), &[&format!("{first} | {seam} | {second} | {NO_LIMITS}")]);
    assert_eq!(standing, Standing::default());

    let counts_changes = Ground { counts_found: false, ..ground() };
    let both = "insert | create table t (a int) | warnings | guard | update";
    let (sending, _) = packets(&two, HISTORY, &counts_changes, &Standing::default()).unwrap();
    let sent = shown(&sending).concat().replace(&format!("{LIMITS} | "), "");
    assert_eq!(sent, format!("{both} | {both} | {NO_LIMITS}"), "nothing is folded where changes are counted");
}

#[test]
fn two_rows_are_committed_together_only_where_both_fit_into_the_packet() {
    let (create, row, passed, none) = (statement("create table t (a int)"), row(), advance(None), Settings::default());
    let step = [Effect::Append(&row), Effect::Statement(&create), Effect::Advance(&passed), Effect::Set(&none)];
    let two: Vec<_> = step.iter().chain(&step).copied().collect();
    for limit in (700..3_000).step_by(10) {
        let (sending, _) = packets(&two, HISTORY, &Ground { limit, ..ground() }, &Standing::default()).unwrap();
        for one in &sending {
            let Sending::Packet(packet) = one else { panic!("{one:?}") };
            assert!(packet.sql.len() < limit, "{limit}: {}", packet.sql.len());
            let count = |sql: &str| packet.parts.iter().filter(|part| &packet.sql[part.range.clone()] == sql).count();
            assert_eq!((count(BEGIN), count(COMMIT)), (packet.seams.len(), packet.seams.len()), "{limit}");
        }
    }
}

#[test]
fn rows_are_committed_together_with_the_announcement_of_the_definition_behind_them() {
    let (insert, create, row) = (statement("insert into t values (1)"), statement("create table u (a int)"), row());
    let (settings, none) = (two_seconds(), Settings::default());
    let step = [
        Effect::Begin(&none),
        Effect::Statement(&insert),
        Effect::Append(&row),
        Effect::Commit,
        Effect::Set(&none),
        Effect::Append(&row),
        Effect::Set(&settings),
        Effect::Statement(&create),
    ];
    let begin = "SET @migrate_began = UTC_TIMESTAMP(6) | START TRANSACTION | insert into t values (1) | warnings";
    let end = format!("{LIMITS} | create table u (a int) | warnings");
    check(&step, &ground(), &[&format!("{begin} | insert | insert | COMMIT | {end}")]);

    let (sending, _) = packets(&step, HISTORY, &ground(), &Standing::default()).unwrap();
    let Sending::Packet(packet) = &sending[0] else { panic!() };
    let [seam] = &packet.seams[..] else { panic!("{:?}", packet.seams) };
    let parts: Vec<_> = packet.parts[seam.parts.clone()].iter().map(|part| (part.at, part.kind)).collect();
    assert_eq!(parts, [(5, PartKind::Row), (3, PartKind::Frame)], "what fails says whose it is");

    let sets_a_variable = statement("insert into t values (@a := 1)");
    let mut dirty = step;
    dirty[1] = Effect::Statement(&sets_a_variable);
    let (sending, _) = packets(&dirty, HISTORY, &ground(), &Standing::default()).unwrap();
    assert!(shown(&sending)[0].ends_with("warnings | insert | COMMIT"), "the session is cleaned in between");
}

#[test]
fn rows_share_a_transaction_whose_settings_end_with_it() {
    let (insert, row, settings) = (statement("insert into t values (1)"), row(), two_seconds());
    let effects = [Effect::Begin(&settings), Effect::Statement(&insert), Effect::Append(&row), Effect::Commit];
    let begin = format!("{LIMITS}, @migrate_began = UTC_TIMESTAMP(6) | START TRANSACTION");
    check(
        &effects,
        &ground(),
        &[&format!("{begin} | insert into t values (1) | warnings | insert | COMMIT | {NO_LIMITS}")],
    );
}

#[test]
fn what_is_stored_with_its_text_is_the_last_of_its_packet() {
    for text in [
        "create trigger x before insert on t for each row set new.a = 1",
        "/*!50003 create*/ /*!50017 definer=`a`@`b`*/ /*!50003 trigger x before insert on t for each row set new.a = 1 */",
        "create definer = 'a'@'b' procedure p() select 1",
        "create or replace function f() returns int return 1",
        "alter event e do select 1",
    ] {
        assert!(stores_its_text(text, &Syntax::MYSQL), "{text}");
        let (create, announced, passed) = (statement(text), advance(Some("")), advance(None));
        let effects = [Effect::Advance(&announced), Effect::Statement(&create), Effect::Advance(&passed)];
        check(&effects, &ground(), &[&format!("update | guard | {text}"), "warnings | update | guard"]);
    }
    for text in ["create table event (a int)", "create view v as select * from function_log", "drop procedure p"] {
        assert!(!stores_its_text(text, &Syntax::MYSQL), "{text}");
    }
}

#[test]
fn code_ends_its_packet_but_for_its_row() {
    let (call, announced, passed) = (statement("call p()"), advance(Some("f2:0")), advance(None));
    let create = statement("create table t (a int)");
    let effects = [
        Effect::Advance(&announced),
        Effect::Statement(&call),
        Effect::Advance(&passed),
        Effect::Statement(&create),
        Effect::Advance(&passed),
    ];
    // Code may have turned off that every statement commits.
    let first = "update | guard | call p() | update | guard | COMMIT";
    check(&effects, &ground(), &[first, "create table t (a int) | warnings | update | guard | COMMIT"]);
}

#[test]
fn the_segments_of_code_that_commits_say_that_they_began() {
    let (call, announced, passed) = (statement("call p()"), advance(Some(SEGMENTS)), advance(None));
    let effects = [Effect::Advance(&announced), Effect::Statement(&call), Effect::Advance(&passed)];
    let (sending, _) = packets(&effects, HISTORY, &ground(), &Standing::default()).unwrap();
    let [sent] = &shown(&sending)[..] else { panic!("{sending:?}") };
    let (before, after) = sent.split_once(" | call p() | ").unwrap();
    assert!(
        before.starts_with("update | guard | SET autocommit = 0 | UPDATE `d`.`migrate_history` SET `note` = CONCAT")
    );
    assert_eq!(after, "update | guard | COMMIT | SET autocommit = 1");
}

#[test]
fn what_answers_with_rows_ends_a_packet() {
    let (select, insert, row, none) =
        (statement("select 1"), statement("insert into t values (1)"), row(), Settings::default());
    let effects = [
        Effect::Begin(&none),
        Effect::Statement(&select),
        Effect::Statement(&insert),
        Effect::Append(&row),
        Effect::Commit,
    ];
    check(
        &effects,
        &ground(),
        &[
            "SET @migrate_began = UTC_TIMESTAMP(6) | START TRANSACTION | select 1",
            "warnings | insert into t values (1) | warnings | insert | COMMIT",
        ],
    );
}

#[test]
fn a_packet_is_not_larger_than_the_server_takes() {
    let text = format!("insert into t values ('{}')", "x".repeat(600));
    let (insert, row, none) = (statement(&text), row(), Settings::default());
    let ground = Ground { limit: 1_500, ..ground() };
    let effects: Vec<_> = [Effect::Begin(&none)]
        .into_iter()
        .chain([Effect::Statement(&insert); 5])
        .chain([Effect::Append(&row), Effect::Commit])
        .collect();
    let (sending, _) = packets(&effects, HISTORY, &ground, &Standing::default()).unwrap();
    assert!(sending.len() > 2, "{sending:?}");
    for one in &sending {
        let Sending::Packet(packet) = one else { panic!("{one:?}") };
        assert!(packet.sql.len() < 1_500, "{}", packet.sql.len());
    }
    let larger = format!("insert into t values ('{}')", "x".repeat(1_600));
    let larger = statement(&larger);
    let (at, error) = packets(&[Effect::Statement(&larger)], HISTORY, &ground, &Standing::default()).unwrap_err();
    assert_eq!((at, error.fault), (0, Fault::Refused));
    assert!(error.hint.is_some_and(|hint| hint.contains("max_allowed_packet")));
}

#[test]
fn what_a_script_left_is_taken_away_before_the_next_step() {
    let (set, row, passed, none) = (statement("set sql_mode = ''"), row(), advance(None), Settings::default());
    let step = [Effect::Append(&row), Effect::Statement(&set), Effect::Advance(&passed)];
    let effects: Vec<_> = step.iter().chain(&step).copied().chain([Effect::Set(&none)]).collect();
    let packet = "insert | set sql_mode = '' | warnings | update | guard | COMMIT";
    check(&effects, &ground(), &[packet, "clean", packet, "clean", ""]);
}

#[test]
fn locked_tables_lock_the_history_too() {
    let (lock, passed) = (statement("LOCK TABLES `t` WRITE"), advance(None));
    let effects = [Effect::Statement(&lock), Effect::Advance(&passed)];
    check(
        &effects,
        &ground(),
        &["LOCK TABLES `t` WRITE, `d`.`migrate_history` WRITE | warnings | update | guard | COMMIT"],
    );
}

#[test]
fn every_row_under_a_lease_extends_it() {
    let ground = Ground { lease: Some(("`d`.`migrate_history_lock`".to_owned(), 7)), ..ground() };
    let (create, row, passed) = (statement("create table t (a int)"), row(), advance(None));
    let effects = [Effect::Append(&row), Effect::Statement(&create), Effect::Advance(&passed)];
    let held = |what: &str| format!("START TRANSACTION | lease | lease | {what} | COMMIT");
    check(
        &effects,
        &ground,
        &[&format!("{} | create table t (a int) | warnings | {}", held("insert"), held("update | guard"))],
    );
}

#[test]
fn a_connection_that_counts_changes_looks_first() {
    let ground = Ground { counts_found: false, ..ground() };
    check(&[Effect::Advance(&advance(None))], &ground, &["guard | update"]);
}
