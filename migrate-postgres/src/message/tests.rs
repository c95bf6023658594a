//! What is sent, message by message.

use migrate_core::backend::{Advance, NewEntry};
use migrate_core::history::{Action, Entry, State};
use migrate_core::migration::{MigrationId, Phase};
use migrate_core::sql::classify;

use super::*;

fn statement<'a>(text: &'a str, data: Option<&'a str>) -> Statement<'a> {
    Statement { number: 1, text, offset: 0, data, class: classify::postgres(text, &Syntax::POSTGRES) }
}

fn row(seq: u64) -> NewEntry {
    let key = EntryKey { component: "main".to_owned(), seq };
    let id = MigrationId::versioned(seq.to_string().parse().unwrap(), Phase::Pre, 0);
    NewEntry { entry: Entry::blank(key, id, Action::Up), script: None, down_script: None, asked: None }
}

fn advance() -> Advance {
    Advance {
        key: EntryKey { component: "main".to_owned(), seq: 1 },
        run_id: "r".to_owned(),
        fence: 0,
        holder_fence: 0,
        from_cursor: 0,
        cursor: 1,
        prefix_digest: None,
        state: State::Done,
        note: None,
        asked: None,
        settled_by: None,
        checkpoint: None,
        error: None,
    }
}

/// Each message in one line: its statements, cut short, with the effect that each belongs to.
fn sent(effects: &[Effect<'_>], ground: &Ground) -> Vec<String> {
    let sending = messages(effects, "h", ground, false).unwrap();
    sending
        .messages
        .iter()
        .map(|message| match message {
            Message::Copy { at, statement, data } => format!("{at}! {statement} <{data}>"),
            Message::Query(query) => {
                let parts = query.parts.iter().map(|part| {
                    let sql = &query.sql[part.range.clone()];
                    let end = sql.char_indices().nth(24).map_or(sql.len(), |(at, _)| at);
                    let mark = if part.completes { "." } else { "" };
                    format!("{}{mark} {}", part.at, &sql[..end])
                });
                let line = parts.collect::<Vec<_>>().join(" | ");
                if query.barrier { format!("[{line}]") } else { line }
            }
        })
        .collect()
}

#[test]
fn a_window_has_two_messages_for_each_transaction() {
    let settings = Settings { lock_timeout: Some(std::time::Duration::from_secs(2)), ..Settings::default() };
    let (a, b, rows) = (statement("create table a()", None), statement("drop table b", None), [row(1), row(2)]);
    let effects = [
        Effect::Begin(&settings),
        Effect::Statement(&a),
        Effect::Append(&rows[0]),
        Effect::Commit,
        Effect::Begin(&settings),
        Effect::Statement(&b),
        Effect::Append(&rows[1]),
        Effect::Commit,
    ];
    assert_eq!(
        sent(&effects, &Ground::Borrowed),
        [
            "0 BEGIN | 0. SET LOCAL \"lock_timeout\"",
            "1. create table a() | 3 SET CONSTRAINTS ALL IMME | 2. INSERT INTO h (\"componen | 3. COMMIT",
            "4 BEGIN | 4. SET LOCAL \"lock_timeout\"",
            "5. drop table b | 7 SET CONSTRAINTS ALL IMME | 6. INSERT INTO h (\"componen | 7. COMMIT",
        ]
    );
}

#[test]
fn a_script_can_choose_the_isolation_of_its_transaction() {
    let settings = Settings::default();
    let set = statement("/* all */ set transaction isolation level serializable", None);
    let row = row(1);
    let effects = [Effect::Begin(&settings), Effect::Statement(&set), Effect::Append(&row), Effect::Commit];
    let lines = sent(&effects, &Ground::Own { base: Vec::new(), prepared: Prepared::No });
    assert!(lines[0].starts_with("0 BEGIN | 0 CLOSE ALL") && lines[0].ends_with("| 0 COMMIT"), "{lines:#?}");
    assert_eq!(lines[1], "0. BEGIN");
}

#[test]
fn the_session_is_cleaned_once_for_a_step() {
    let settings = Settings::default();
    let (create, first) = (statement("create table a()", None), row(1));
    let advance = advance();
    let ground = Ground::Own { base: Vec::new(), prepared: Prepared::No };
    let cleans = |effects: &[Effect<'_>]| sent(effects, &ground).join("\n").contains("RESET ALL");
    assert!(cleans(&[Effect::Begin(&settings), Effect::Append(&first), Effect::Commit]));
    assert!(cleans(&[Effect::Begin(&settings)]), "the rest of it follows");
    assert!(cleans(&[Effect::Set(&settings)]));
    let unit = [Effect::Begin(&settings), Effect::Statement(&create), Effect::Advance(&advance), Effect::Commit];
    assert!(!cleans(&unit), "a script goes on");
    let limited = Settings { lock_timeout: Some(std::time::Duration::ZERO), ..Settings::default() };
    assert!(!cleans(&[Effect::Set(&limited)]));
}

#[test]
fn no_message_begins_with_a_commit() {
    let settings = Settings::default();
    let copy = statement("copy t from stdin", Some("1\n"));
    let row = row(1);
    for effects in [
        vec![Effect::Begin(&settings), Effect::Commit],
        vec![Effect::Begin(&settings), Effect::Statement(&copy), Effect::Commit],
        vec![Effect::Begin(&settings), Effect::Statement(&copy), Effect::Append(&row), Effect::Commit],
    ] {
        let sent = sent(&effects, &Ground::Own { base: Vec::new(), prepared: Prepared::No });
        assert!(sent.last().unwrap().contains("SET CONSTRAINTS"), "{sent:#?}");
        assert!(sent.iter().all(|line| !line.contains(". COMMIT |") && !line.starts_with("1. COMMIT")), "{sent:#?}");
    }
}

#[test]
fn many_rows_are_prepared_unless_a_script_prepares() {
    let settings = Settings::default();
    let ground = Ground::Own { base: Vec::new(), prepared: Prepared::No };
    let rows: Vec<_> = (1..=4).map(row).collect();
    let harmless = statement("select 1", None);
    let prepares = statement("Prepare p as select 1", None);
    for (text, prepared) in [(&harmless, true), (&prepares, false)] {
        let mut effects = vec![Effect::Begin(&settings), Effect::Statement(text)];
        effects.extend(rows.iter().map(Effect::Append));
        effects.push(Effect::Commit);
        let sent = sent(&effects, &ground).join("\n");
        assert_eq!(sent.contains("PREPARE migrate_append"), prepared, "{sent}");
        assert_eq!(sent.matches("EXECUTE migrate_append").count(), if prepared { 4 } else { 0 }, "{sent}");
        // Whatever is prepared is gone before the script begins.
        assert_eq!(sent.matches("DEALLOCATE ALL").count(), 1, "{sent}");
    }
}

#[test]
fn what_is_outside_a_transaction_is_answered_first() {
    let vacuum = statement("vacuum", None);
    let advance = advance();
    let effects = [Effect::Statement(&vacuum), Effect::Advance(&advance)];
    assert_eq!(sent(&effects, &Ground::Borrowed), ["[0. vacuum]", "[1. WITH changed AS (UPDATE ]"]);
}

#[test]
fn a_poolers_connection_is_left_as_it_was_found() {
    let settings = Settings::default();
    let set = statement("set search_path = x", None);
    let ground = Ground::Pooled { lease: Some(("l".to_owned(), 7)) };
    let lines = sent(&[Effect::Begin(&settings), Effect::Statement(&set), Effect::Commit], &ground);
    assert!(lines[0].contains("WITH held AS"), "{lines:#?}");
    assert!(lines[1].contains("| 2 RESET ALL |") && lines[1].ends_with("| 2. COMMIT"), "{lines:#?}");
}
