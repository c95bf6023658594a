//! What stands between a client and a server of PostgreSQL or MySQL: a slow line, a counter, and a pair of scissors.
//!
//! One thread moves everything, so messages have one order over all connections and a cut falls exactly where it was
//! asked for. Connections must not be encrypted or compressed: what follows the agreement on TLS is passed on unread, each
//! piece of it as a message of the type `?`.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io::Write as _};

mod framing;
mod relay;

/// A proxy that lives as long as the value.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
    waker: UnixStream,
    thread: Option<JoinHandle<()>>,
}

/// What the two sides speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL's, version 3.
    Postgres,
    /// That of MySQL and MariaDB. A packet is a message.
    MySql,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client, to the server.
    Client,
    /// The server, to the client.
    Server,
}

/// How a connection ends, on both sides of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With RST, as when a machine or a firewall forgot it.
    Reset,
    /// With FIN, as when the other process ended.
    Close,
    /// It does not: nothing more of what this side says is passed on but its end.
    Silence,
}

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whose message.
    pub side: Side,
    /// Which one of those that this side sent, counted from 1 over all connections of the proxy.
    pub message: u64,
    /// Whether that message still arrives.
    pub after: bool,
    /// With what.
    pub how: How,
    /// Whether new connections are refused from then on, until [`Proxy::mend`].
    pub lasting: bool,
}

/// What has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: u64,
    /// Messages of clients. PostgreSQL's start of a connection without a type byte is one, each packet with a type
    /// another.
    pub client_messages: u64,
    /// Messages of servers: PostgreSQL's one byte that answers a wish for encryption is one.
    pub server_messages: u64,
    /// How often a client waited for an answer: it sent something after it had been given something, counted on each
    /// connection by itself. What it sends before the first answer to it arrives belongs to the same trip, however
    /// many packets that takes; the last words of a connection that ends are no trip.
    pub round_trips: u64,
}

impl Counts {
    /// What has passed since an earlier look.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            connections: self.connections - earlier.connections,
            client_messages: self.client_messages - earlier.client_messages,
            server_messages: self.server_messages - earlier.server_messages,
            round_trips: self.round_trips - earlier.round_trips,
        }
    }
}

/// What the thread and its owner both see.
#[derive(Debug, Default)]
struct Shared {
    counts: Counts,
    cut: Option<Cut>,
    was_cut: bool,
    refusing: bool,
    cut_all: Option<How>,
    ended: bool,
    /// Each message's sender, type and moment; the type 0 is the start of a connection.
    passed: Vec<(Side, u8, Instant)>,
    /// How each message of a client begins.
    begins: Vec<String>,
}

impl Proxy {
    /// In front of a PostgreSQL server's address, such as `127.0.0.1:5432`.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn to(address: &str) -> Self {
        Self::delayed(address, Duration::ZERO)
    }

    /// In front of a PostgreSQL server that is this far away, there and back.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn delayed(address: &str, round_trip: Duration) -> Self {
        Self::start(Protocol::Postgres, address, round_trip)
    }

    /// In front of an address that is this far away, there and back. What follows closely arrives closely: a pipeline
    /// takes one trip.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn start(protocol: Protocol, address: &str, round_trip: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let (waker, wakened) = UnixStream::pair().expect("a pair of sockets");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let relay = relay::Relay::new(protocol, address, round_trip / 2, listener, wakened, Arc::clone(&shared));
        let thread = Some(thread::spawn(move || relay.run()));
        Self { port, shared, waker, thread }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Cuts one connection at a message that has not passed yet; others go on.
    pub fn cut(&self, cut: Cut) {
        let mut shared = lock(&self.shared);
        shared.cut = Some(cut);
        shared.was_cut = false;
    }

    /// Whether the message came at which a connection was to be cut.
    pub fn was_cut(&self) -> bool {
        lock(&self.shared).was_cut
    }

    /// Cuts all connections now, whatever is on its way.
    pub fn cut_all(&self, how: How) {
        lock(&self.shared).cut_all = Some(how);
        self.wake();
    }

    /// Refuses new connections until [`mend`](Self::mend).
    pub fn refuse(&self) {
        lock(&self.shared).refusing = true;
    }

    /// Takes new connections again, and forgets a cut that has not come.
    pub fn mend(&self) {
        let mut shared = lock(&self.shared);
        shared.refusing = false;
        shared.cut = None;
    }

    /// What has passed until now.
    pub fn counts(&self) -> Counts {
        lock(&self.shared).counts
    }

    /// The types of the messages that passed: `>Q <T <D <C <Z`, the start of a connection as `>*`.
    ///
    /// For MySQL, `H` is the server's greeting, `K`, `E` and `Z` are OK, error and the end of something, `D` is data; of
    /// the client, `Q` is a query, `S`, `E` and `C` prepare, execute and close a statement, `P` is a ping, `I` chooses
    /// a database, `R` resets the session, `X` ends it, `.` goes on with what came before.
    pub fn passed(&self) -> String {
        let shared = lock(&self.shared);
        let words = shared.passed.iter().map(|(side, kind, _)| {
            let arrow = if *side == Side::Client { '>' } else { '<' };
            format!("{arrow}{}", if *kind == 0 { '*' } else { char::from(*kind) })
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whose message came when.
    pub fn moments(&self) -> Vec<(Side, Instant)> {
        lock(&self.shared).passed.iter().map(|(side, _, moment)| (*side, *moment)).collect()
    }

    /// How each message of a client begins, without what frames it.
    pub fn begins(&self) -> Vec<String> {
        lock(&self.shared).begins.clone()
    }

    fn wake(&self) {
        let _ = (&self.waker).write_all(b"!");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.shared).ended = true;
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.after { "after" } else { "before" };
        let side = if self.side == Side::Client { "client" } else { "server" };
        write!(f, "{:?} {when} {side} message {}", self.how, self.message)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
