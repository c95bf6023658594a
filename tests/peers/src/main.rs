//! `migrate` beside the native client, sqlx, refinery and diesel as libraries: the same small migrations applied to a new
//! database; then the same call with nothing to do.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml [postgres] [mysql] [mariadb] [TOOL…] [here] [MIGRATIONS] [ROUNDSx]
//! ```
//!
//! `here` leaves the slow link out. A tool is called as in the table; without one all take part.
//!
//! All of them take turns in one run, so what counts is the ratio of the medians. A client has no history and no second
//! look: it is what the bare server needs. Connecting and reading the files are part of every figure. The servers are
//! durable, and their data is in memory where there is enough of it.

use std::any::Any;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use migrate_tests::proxy::{Protocol, Proxy};
use migrate_tests::servers;
use migrate_tests::servers::mysql::{self as servers_mysql, Flavour};

mod mysql;
mod postgres;

type Failed = Box<dyn std::error::Error>;

/// A tool and how it brings a database up to date.
struct Peer {
    name: &'static str,
    /// Writes one migration in the tool's own layout.
    write: fn(&Path, usize, &str),
    up: fn(&Path, &str) -> Result<(), Failed>,
    /// Whether it knows what it has applied.
    remembers: bool,
}

fn file(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a file can be written");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

/// A new database, reached with a round trip, and what must live as long as it is used.
type Fresh = dyn Fn(Option<Duration>) -> (String, Box<dyn Any>);

fn main() -> Result<(), Failed> {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let migrations = chosen.iter().find_map(|word| word.parse().ok());
    let rounds = chosen.iter().find_map(|word| word.strip_suffix('x')?.parse().ok()).unwrap_or(5);
    let named = |name: &str| chosen.iter().any(|word| word == name);
    let servers = ["postgres", "mysql", "mariadb"];
    let is_number = |word: &str| word.strip_suffix('x').unwrap_or(word).parse::<usize>().is_ok();
    let is_tool = |word: &str| postgres::PEERS.iter().chain(mysql::PEERS).any(|peer| peer.name == word);
    let unknown =
        |word: &&String| !is_number(word) && !is_tool(word) && **word != "here" && !servers.contains(&&***word);
    if let Some(word) = chosen.iter().find(unknown) {
        return Err(
            format!("{word} is no server, no tool and no number: the words are in the head of this file").into()
        );
    }
    let is_any_named = servers.into_iter().any(named);
    let wants = |name: &str| !is_any_named || named(name);
    let take_part = |peers: &'static [Peer]| -> Vec<&'static Peer> {
        let chosen: Vec<_> = peers.iter().filter(|peer| named(peer.name)).collect();
        if chosen.is_empty() { peers.iter().collect() } else { chosen }
    };
    let (here, far) = (migrations.unwrap_or(1_000), migrations.unwrap_or(200));
    let link = Some(Duration::from_millis(20));
    if wants("postgres") {
        let server: &'static _ = Box::leak(Box::new(servers::Postgres::start(servers::Options {
            config: vec!["fsync = on".to_owned()],
            ..servers::Options::default()
        })));
        let fresh = |round_trip: Option<Duration>| -> (String, Box<dyn Any>) {
            let database = server.database();
            let proxy = round_trip.map(|round_trip| Proxy::delayed(&server.address(), round_trip));
            let url = proxy.as_ref().map_or_else(|| database.url(), |proxy| database.url_by(&proxy.address()));
            (url, Box::new((database, proxy)))
        };
        let run = Run { peers: &take_part(postgres::PEERS), text: postgres::text, fresh: &fresh };
        run.compare("PostgreSQL, on this machine", here, rounds, None)?;
        if !named("here") {
            run.compare("PostgreSQL, over a link with 20 ms round trip", far, 1, link)?;
        }
    }
    for (name, flavour) in [("mysql", Flavour::MySql), ("mariadb", Flavour::MariaDb)] {
        if !wants(name) {
            continue;
        }
        let server: &'static _ = Box::leak(Box::new(servers::MySql::start(flavour, servers_mysql::Options::default())));
        let fresh = |round_trip: Option<Duration>| -> (String, Box<dyn Any>) {
            let database = server.database();
            let proxy = round_trip.map(|round_trip| Proxy::start(Protocol::MySql, &server.address(), round_trip));
            let url = proxy.as_ref().map_or_else(|| database.url(), |proxy| database.url_by(&proxy.address()));
            (url, Box::new((database, proxy)))
        };
        let run = Run { peers: &take_part(mysql::PEERS), text: mysql::text, fresh: &fresh };
        run.compare(&format!("{name}, on this machine"), here, rounds, None)?;
        if named("here") {
            continue;
        }
        run.compare(&format!("{name}, over a link with 20 ms round trip"), far, 1, link)?;
        let run = Run { text: mysql::plain, ..run };
        run.compare(&format!("{name}, over that link, where no note is needed"), far, 1, link)?;
    }
    Ok(())
}

/// What takes part in a comparison.
#[derive(Clone, Copy)]
struct Run<'s> {
    peers: &'s [&'static Peer],
    text: fn(usize) -> String,
    fresh: &'s Fresh,
}

impl Run<'_> {
    /// Lets all tools take turns and prints the medians.
    fn compare(
        &self,
        place: &str,
        migrations: usize,
        rounds: usize,
        round_trip: Option<Duration>,
    ) -> Result<(), Failed> {
        let folders: Vec<_> = self
            .peers
            .iter()
            .map(|peer| {
                let folder = tempfile::tempdir()?;
                (0..migrations).for_each(|number| (peer.write)(folder.path(), number + 1, &(self.text)(number)));
                Ok(folder)
            })
            .collect::<Result<_, std::io::Error>>()?;
        let mut times = vec![[const { Vec::new() }; 2]; self.peers.len()];
        for _ in 0..rounds {
            for ((peer, folder), times) in self.peers.iter().zip(&folders).zip(&mut times) {
                let (url, _kept) = (self.fresh)(round_trip);
                for (which, times) in times.iter_mut().enumerate() {
                    if which == 1 && !peer.remembers {
                        continue;
                    }
                    let began = Instant::now();
                    (peer.up)(folder.path(), &url)?;
                    times.push(began.elapsed());
                }
            }
        }
        println!("\n{migrations} migrations {place}, median of {rounds}");
        println!("{:<12} {:>12} {:>9} {:>14} {:>9}", "", "all pending", "", "nothing to do", "");
        let median = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort();
            times.get(times.len() / 2).copied()
        };
        let ours: Vec<_> = times[0].iter().map(|times| median(times)).collect();
        for (peer, times) in self.peers.iter().zip(&times) {
            print!("{:<12}", peer.name);
            for (times, ours) in times.iter().zip(&ours) {
                match (median(times), ours) {
                    (Some(time), Some(ours)) => {
                        print!(
                            " {:>9.1} ms {:>8.2}×",
                            time.as_secs_f64() * 1e3,
                            time.as_secs_f64() / ours.as_secs_f64()
                        );
                    }
                    _ => print!(" {:>12} {:>9}", "-", ""),
                }
            }
            println!();
        }
        Ok(())
    }
}
