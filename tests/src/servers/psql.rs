//! A client of PostgreSQL whose transaction stays open between two calls.

use super::Postgres;
use super::conversation::Conversation;

/// A `psql` at work. Dropping it ends its session.
#[derive(Debug)]
pub struct Psql(Conversation);

impl Psql {
    /// Connects to a URL.
    ///
    /// # Panics
    /// If nothing answers there.
    pub fn connect(server: &Postgres, url: &str) -> Self {
        let mut client = server.client("psql");
        client.args(["-X", "-q", "-A", "-t", "-d", url]);
        let mut psql = Self(Conversation::start(&client));
        let answer = psql.run("select 1");
        assert_eq!(answer, "1\n", "psql cannot connect to {url}");
        psql
    }

    /// Runs SQL and waits for its answer: rows a line each, errors too.
    ///
    /// # Panics
    /// If there is none within two minutes.
    pub fn run(&mut self, sql: &str) -> String {
        self.begin(sql);
        self.end()
    }

    /// Sends SQL and does not wait for its answer.
    ///
    /// # Panics
    /// If the client was never there.
    pub fn begin(&mut self, sql: &str) {
        self.0.tell(&format!("{sql};\n\\echo {}\n", Conversation::MARK));
    }

    /// The answer to what [`begin`](Self::begin) sent; psql's last words if it lost its connection.
    ///
    /// # Panics
    /// If there is none within two minutes.
    pub fn end(&mut self) -> String {
        self.0.answer()
    }

    /// The server's process for this session.
    ///
    /// # Panics
    /// If it does not say.
    pub fn backend_pid(&mut self) -> u32 {
        self.run("select pg_backend_pid()").trim().parse().expect("a number")
    }
}
