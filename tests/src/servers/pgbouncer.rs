//! A pooler in front of a server.

use std::fs::File;
use std::net::TcpStream;
use std::process::{Child, Stdio};

use super::guard::Guard;
use super::{Database, Postgres, command_of, found, free_port, not_skipped, said, signal, wait_for};

/// For how long a client keeps its connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// As long as it is there.
    Session,
    /// As long as its transaction.
    Transaction,
    /// As long as one statement.
    Statement,
}

impl PoolMode {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

/// A pgbouncer with the settings of a fresh installation, but for the mode and the size of the pool. Stopped when
/// dropped.
#[derive(Debug)]
pub struct Pgbouncer<'s> {
    server: &'s Postgres,
    child: Child,
    port: u16,
    /// Dropped last: it removes the folder.
    guard: Guard,
}

impl<'s> Pgbouncer<'s> {
    /// Starts one for all databases of a server, each with a pool of this size.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    pub fn start(server: &'s Postgres, mode: PoolMode, pool_size: usize) -> Self {
        not_skipped("postgres");
        let Some(program) = found("pgbouncer") else {
            panic!("no pgbouncer: install it (scripts/test does; on Debian the package pgbouncer)");
        };
        let guard = Guard::new("pgbouncer");
        for _ in 0..5 {
            let port = free_port();
            let config = guard.write("pgbouncer.ini", &config(server, &guard, port, mode, pool_size));
            let log = File::options().create(true).append(true).open(guard.folder().join("log")).expect("a log file");
            let mut command = command_of(guard.folder(), &program);
            command.arg("-q").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
            let up = wait_for("pgbouncer takes connections", || {
                if child.try_wait().expect("a child can be waited for").is_some() {
                    return Some(false);
                }
                TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
            });
            if up {
                return Self { server, child, port, guard };
            }
        }
        panic!("pgbouncer does not start:\n{}", log(&guard));
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of a database by way of it.
    pub fn url(&self, database: &Database<'_>) -> String {
        database.url_by(&self.address())
    }

    /// What its own console answers, `SHOW POOLS` for one: a row a line, cells apart by `|`.
    ///
    /// # Panics
    /// If it says no.
    pub fn admin(&self, command: &str) -> String {
        let url = format!("postgres://postgres@{}/pgbouncer", self.address());
        said(self.server.client("psql").args(["-X", "-q", "-A", "-t", "-d", &url, "-c", command]))
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        log(&self.guard)
    }
}

impl Drop for Pgbouncer<'_> {
    fn drop(&mut self) {
        signal("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

fn log(guard: &Guard) -> String {
    std::fs::read_to_string(guard.folder().join("log")).unwrap_or_default()
}

fn config(server: &Postgres, guard: &Guard, port: u16, mode: PoolMode, pool_size: usize) -> String {
    let address = server.address();
    let (host, server_port) = address.rsplit_once(':').expect("an address with a port");
    let (user, password) = server.credentials();
    let users = guard.write("users.txt", &format!("\"{user}\" \"{password}\"\n"));
    // `trust` looks no password up: it is for the server alone.
    let password = if password.is_empty() { String::new() } else { format!(" password={password}") };
    format!(
        "[databases]\n* = host={host} port={server_port}{password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\nadmin_users = {user}\n\
         pool_mode = {}\ndefault_pool_size = {pool_size}\nmax_client_conn = 500\n",
        users.display(),
        mode.name(),
    )
}
