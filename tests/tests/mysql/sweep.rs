//! The connection is cut before and after every message that either side sends; the next run, or the same one on another
//! connection, completes. Nothing runs twice, nothing is lost, and nobody is asked.
//!
//! Every migration leaves a row in `ran`, which has no key: one that runs twice, or half, is seen in the contents.

use migrate_core::error::ErrorKind;
use migrate_core::{MigrationSet, Migrator};
use migrate_tests::proxy::{Cut, How, Side};
use migrate_tests::servers::MySql as Server;
use migrate_tests::servers::mysql::Database;
use migrate_tests::{crashes, long, thin};

use super::FLAVOUR;
use super::support::{assert_whole, backend, block_on, fragile, history, proxied, set};

/// What can be in a transaction: small ones that travel in one window.
fn transactions() -> MigrationSet {
    set(&[
        ("1_create", "create table ran (what text not null);\ncreate table a (n int primary key, m int);"),
        ("2_rows", "insert into a values (1, 1), (2, 2);\ninsert into ran values ('2');"),
        ("3_more", "insert into ran values ('3a');\nupdate a set m = m + 1;\ninsert into ran values ('3b');"),
        ("4_more", "insert into a select n + 10, m from a;\ninsert into ran values ('4');"),
        ("5_last", "delete from a where n = 1;\ninsert into ran values ('5');"),
    ])
}

/// What commits by itself, with rows before and behind it: the server takes the evidence, and all of it travels in one
/// packet.
fn definitions() -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate table a (n int primary key, m int, key a_old (m));\n\
             insert into a values (1, 1), (2, 2);\ninsert into ran values ('1');",
        ),
        ("2_table", "create table b (n int primary key);\ninsert into ran values ('2');"),
        (
            "3_alter",
            "insert into ran values ('3a');\nalter table a add column c int not null default 5;\n\
             alter table a add key (c), drop key a_old;\ninsert into ran values ('3b');\ncreate index a_m on a (m);",
        ),
        (
            "4_names",
            "create view v as select n from a;\nrename table b to d;\nupdate a set c = c + 1;\ninsert into ran values ('4');",
        ),
        ("5_swap", "create table e like a;\nrename table a to f, e to a, f to e;\ninsert into ran values ('5');"),
        ("6_empty", "truncate table e;\ndrop view v;\ndrop table d;\ninsert into ran values ('6');"),
        ("7_repeated", "analyze table a;\nalter table a force;\ninsert into ran values ('7');"),
    ])
}

/// What goes in packets of its own, is noted after questions, or is written down one by one.
fn one_by_one() -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate table a (n int primary key, m int not null default 0);\n\
             insert into a (n) values (1), (3), (5), (7), (9);\ninsert into ran values ('1');",
        ),
        (
            "2_routines",
            "create procedure p() begin update a set m = m + 1; insert into ran values ('p'); end;\n\
             create trigger a_bi before insert on a for each row set new.m = 100;\ninsert into ran values ('2');",
        ),
        ("3_call", "insert into ran values ('3a');\ncall p();\ninsert into ran values ('3b');"),
        ("4_batch", "-- migrate:batch key=n size=2 table=a\nupdate a set m = m + 10 where n between :lo and :hi;"),
        (
            "5_outside",
            "-- migrate:no-transaction\ninsert into ran values ('5a');\ncreate table outside (n int);\n\
             insert into outside values (1);\ninsert into ran values ('5b');",
        ),
        (
            "6_session",
            // What is set holds to the end of its migration, whoever comes to it.
            "set session sort_buffer_size = 300000;\nset @before = 1;\nalter table a add column c int;\n\
             insert into ran select concat('6 ', @@session.sort_buffer_size);\ncreate temporary table x (n int);",
        ),
        (
            "7_asked",
            "-- migrate:precondition \"there are rows\" select count(*) > 0 from a\nalter table a drop column c;\n\
             insert into ran values ('7');",
        ),
        ("8_last", "drop procedure p;\ninsert into a (n) values (11);\ninsert into ran values ('8');"),
    ])
}

/// Who goes on after the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Another run.
    Another,
    /// The same one, on another connection.
    TheSame,
}

/// Of an answer that has more messages than twice these, the ones in the middle are rows like those before and behind
/// them.
const ENDS: usize = 50;

/// The messages of a run that nobody disturbs, but for those in the middle of a long answer, and what it leaves.
fn undisturbed(set: &MigrationSet) -> ([Vec<(Side, u64)>; 2], String) {
    let database = Server::shared(FLAVOUR).database();
    let (proxy, url) = proxied(&database);
    block_on(fragile(&url, set).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    let mut messages = [Vec::new(), Vec::new()];
    let mut counts = [0, 0];
    for turn in proxy.moments().chunk_by(|(one, _), (next, _)| one == next) {
        let side = turn[0].0;
        let which = usize::from(side == Side::Server);
        let numbers = (counts[which] + 1..).zip(0..turn.len());
        let kept = numbers.filter(|(_, at)| *at < ENDS || *at + ENDS >= turn.len());
        messages[which].extend(kept.map(|(number, _)| (side, number)));
        counts[which] += turn.len() as u64;
    }
    let contents = database.contents();
    assert_whole(&database, set, &contents, "undisturbed");
    assert!(contents.contains("\nran\t"), "the set did nothing:\n{contents}");
    (messages, contents)
}

#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn sweep(set: fn() -> MigrationSet) {
    let set = set();
    let (messages, expected) = undisturbed(&set);
    let moments = messages.into_iter().map(|messages| {
        let both = |(side, message)| [false, true].map(|after| (side, message, after));
        let ways = |(side, message, after)| {
            let cut = move |how| Cut { side, message, after, how, lasting: false };
            [(cut(How::Reset), Next::Another), (cut(How::Close), Next::TheSame)]
        };
        messages.into_iter().flat_map(both).flat_map(ways).collect::<Vec<_>>()
    });
    let mut points = Vec::new();
    let mut all = 0;
    for mut side in moments {
        all += side.len();
        if !long() {
            // A server answers with many more messages than it is asked with.
            thin(&mut side, crashes().div_ceil(2));
        }
        points.extend(side);
    }
    let mut cuts = 0;
    for (number, (cut, next)) in points.iter().enumerate() {
        let context = format!("{cut}, {next:?}");
        println!("{context}");
        cuts += usize::from(survived(&set, *cut, *next, &expected, &context));
        if number % 64 == 63 {
            println!("{} of {}", number + 1, points.len());
        }
    }
    println!("{cuts} cuts at {} of {all} points", points.len());
    assert!(cuts > points.len() / 2, "only {cuts} of {} runs came to their cut", points.len());
}

/// A run with a cut, and what comes after it; whether the moment of the cut came.
fn survived(set: &MigrationSet, cut: Cut, next: Next, expected: &str, context: &str) -> bool {
    let database = Server::shared(FLAVOUR).database();
    let (proxy, url) = proxied(&database);
    proxy.cut(cut);
    match next {
        Next::Another => {
            if let Err(error) = block_on(fragile(&url, set).up()) {
                assert!(matches!(error.kind(), ErrorKind::Lost(_) | ErrorKind::Connect(_)), "{context}: {error:#?}");
            }
            complete(&database, &url, set, context);
        }
        Next::TheSame => {
            if let Err(error) = block_on(Migrator::new(backend(&url), set.clone()).up()) {
                // Only who never had a connection gives up.
                assert!(matches!(error.kind(), ErrorKind::Connect(_)), "{context}: {error:#?}\n{}", proxy.passed());
                complete(&database, &url, set, context);
            }
        }
    }
    assert_whole(&database, set, expected, context);
    proxy.was_cut()
}

fn complete(database: &Database<'_>, url: &str, set: &MigrationSet, context: &str) {
    if let Err(error) = block_on(fragile(url, set).up()) {
        panic!("{context}: {error:#?}\n{}", history(database));
    }
}

#[test]
fn transactions_survive_a_cut_at_every_message() {
    sweep(transactions);
}

#[test]
fn definitions_survive_a_cut_at_every_message() {
    sweep(definitions);
}

#[test]
fn statements_written_down_one_by_one_survive_a_cut_at_every_message() {
    sweep(one_by_one);
}
