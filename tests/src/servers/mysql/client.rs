//! A client whose transaction stays open between two calls.

use super::{Flavour, MySql};
use crate::servers::conversation::Conversation;

/// A `mysql` or `mariadb` at work. Dropping it ends its session.
#[derive(Debug)]
pub struct Client {
    conversation: Conversation,
}

impl Client {
    /// Connects to a database by way of an address, without encryption: that of the server, or a proxy's.
    ///
    /// # Panics
    /// If nothing answers there.
    pub fn connect(server: &MySql, address: &str, database: &str) -> Self {
        let mut client = server.client_by(address);
        // It goes on after an error, and prints each answer at once.
        client.args(["--batch", "--skip-column-names", "--unbuffered", "--force", "--skip-reconnect"]);
        if server.flavour() == Flavour::MySql {
            // The newer ones listen to nothing but SQL where nobody sits before them.
            client.args(["--loose-commands", "--loose-system-command"]);
        }
        let mut client = Self { conversation: Conversation::start(client.arg(database)) };
        let answer = client.run("select 1");
        assert_eq!(answer, "1\n", "the client cannot connect to {address}");
        client
    }

    /// Runs SQL and waits for its answer: rows a line each, cells apart by tabs, errors too.
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
        // The client says it by itself, also without a server.
        self.conversation.tell(&format!("{sql};\nsystem echo {}\n", Conversation::MARK));
    }

    /// The answer to what [`begin`](Self::begin) sent; what the client complains of if it lost its connection.
    ///
    /// # Panics
    /// If there is none within two minutes.
    pub fn end(&mut self) -> String {
        self.conversation.answer()
    }

    /// The server's number for this session, which `KILL` takes.
    ///
    /// # Panics
    /// If it does not say.
    pub fn id(&mut self) -> u64 {
        self.run("select connection_id()").trim().parse().expect("a number")
    }
}
