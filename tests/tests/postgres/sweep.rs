//! The connection is cut before and after every message that either side sends; the next run, or the same one on another
//! connection, completes. Nothing runs twice, nothing is lost, and nobody is asked.
//!
//! Every migration leaves a row in `ran`, which has no key: one that runs twice, or half, is seen in the contents.

use migrate_core::error::ErrorKind;
use migrate_core::{MigrationSet, Migrator};
use migrate_tests::proxy::{Cut, How, Proxy, Side};
use migrate_tests::servers::{Database, Postgres as Server};
use migrate_tests::{crashes, long, thin};

use super::support::{assert_whole, backend, block_on, fragile, set};

/// Small transactions that travel in one window, one of several statements and one with a constraint that is checked
/// at the end.
fn transactions() -> MigrationSet {
    set(&[
        ("1_create", "create table ran (what text not null);\ninsert into ran values ('1');"),
        ("2_table", "create table a (n integer primary key);\ninsert into ran values ('2');"),
        ("3_rows", "insert into a values (1), (2);\ninsert into ran values ('3');"),
        (
            "4_more",
            "alter table a add column m integer references a deferrable initially deferred;\ninsert into ran values ('4');",
        ),
        ("5_deferred", "insert into a values (3, 4);\ninsert into a values (4, 3);\ninsert into ran values ('5');"),
        ("6_last", "insert into ran values ('6');"),
    ])
}

/// What cannot share a transaction, with rows before and behind it.
fn journalled() -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate table a (n integer, m integer);\n\
             create index a_old on a (n, m);\ninsert into a select i, i from generate_series(1, 100) as i;\n\
             insert into ran values ('1');",
        ),
        ("2_build", "create index concurrently a_n on a (n);"),
        (
            "3_build_between",
            "insert into ran values ('3a');\ncreate unique index concurrently a_m on a (m);\ninsert into ran values ('3b');",
        ),
        ("4_drop", "drop index concurrently a_old;\nreindex index concurrently a_n;\ninsert into ran values ('4');"),
        ("5_vacuum", "delete from a where n > 90;\nvacuum a;\ninsert into ran values ('5');"),
        ("6_last", "insert into ran values ('6');"),
    ])
}

/// Statements written down one by one, a batch, and a value of an enum that the next statement uses.
fn one_by_one() -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate type mood as enum ('sad');\n\
             create table a (id integer primary key, seen integer not null default 0, mood mood);\n\
             insert into a select i * 2 from generate_series(1, 100) as i;\ninsert into ran values ('1');",
        ),
        (
            "2_outside",
            "-- migrate:no-transaction\ninsert into ran values ('2a');\ncreate table outside (id integer);\n\
             insert into outside values (1);\ninsert into ran values ('2b');",
        ),
        (
            "3_batch",
            "-- migrate:batch key=id size=30 table=a\nupdate a set seen = seen + 1 where id between :lo and :hi;",
        ),
        (
            "4_mood",
            "alter type mood add value 'glad';\nupdate a set mood = 'glad' where id = 2;\ninsert into ran values ('4');",
        ),
    ])
}

/// Rows that travel as the data of a COPY, in a transaction and outside one.
fn copies() -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate table a (n integer, t text);\n\
             copy a (n, t) from stdin;\n1\tone\n2\t\\N\n\\.\ninsert into ran values ('1');",
        ),
        (
            "2_more",
            "copy a (n, t) from stdin with (format csv);\n3,three\n4,\"fo;ur\"\n\\.\ninsert into ran values ('2');",
        ),
        (
            "3_outside",
            "-- migrate:no-transaction\ninsert into ran values ('3a');\ncopy ran from stdin;\n3b\n\\.\n\
             insert into ran values ('3c');",
        ),
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

/// How many messages each side sends in a run that nobody disturbs, and what it leaves.
fn undisturbed(set: &MigrationSet) -> (u64, u64, String) {
    let database = Server::shared().database();
    let proxy = Proxy::to(&Server::shared().address());
    let url = database.url_by(&proxy.address());
    block_on(fragile(&url, set).up()).unwrap_or_else(|error| panic!("{error}"));
    let counts = proxy.counts();
    let contents = database.contents();
    assert_whole(&database, set, &contents, "undisturbed");
    assert!(contents.contains("public.ran ("), "the set did nothing:\n{contents}");
    (counts.client_messages, counts.server_messages, contents)
}

#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn sweep(set: fn() -> MigrationSet) {
    let set = set();
    let (client, server, expected) = undisturbed(&set);
    let sides = [(Side::Client, client), (Side::Server, server)];
    let moments = sides.into_iter().flat_map(|(side, count)| {
        let both = move |message| [false, true].map(|after| (side, message, after));
        (1..=count).flat_map(both)
    });
    let mut points: Vec<_> = moments
        .flat_map(|(side, message, after)| {
            let cut = |how| Cut { side, message, after, how, lasting: false };
            [(cut(How::Reset), Next::Another), (cut(How::Close), Next::TheSame)]
        })
        .collect();
    let all = points.len();
    if !long() {
        thin(&mut points, crashes() * 2);
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
    let database = Server::shared().database();
    let proxy = Proxy::to(&Server::shared().address());
    let url = database.url_by(&proxy.address());
    proxy.cut(cut);
    match next {
        Next::Another => {
            let cut_short = block_on(fragile(&url, set).up());
            if let Err(error) = cut_short {
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
        panic!("{context}: {error:#?}\n{}", database.psql("select * from migrate_history order by seq"));
    }
}

#[test]
fn transactions_survive_a_cut_at_every_message() {
    sweep(transactions);
}

#[test]
fn journalled_steps_survive_a_cut_at_every_message() {
    sweep(journalled);
}

#[test]
fn statements_written_down_one_by_one_survive_a_cut_at_every_message() {
    sweep(one_by_one);
}

#[test]
fn the_data_of_a_copy_survives_a_cut_at_every_message() {
    sweep(copies);
}
