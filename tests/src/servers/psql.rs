//! A client whose transaction stays open between two calls.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::Postgres;

/// Follows the answer to each call.
const MARK: &str = "that was all";

/// A `psql` at work. Dropping it ends its session.
#[derive(Debug)]
pub struct Psql {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Psql {
    /// Connects to a URL.
    ///
    /// # Panics
    /// If nothing answers there.
    pub fn connect(server: &Postgres, url: &str) -> Self {
        let psql = server.client("psql");
        // What the server refuses stands between the rows.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(psql.get_program());
        command.env_clear().envs(psql.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["-X", "-q", "-A", "-t", "-d", url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("psql starts");
        let output = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        let mut psql = Self { child, input, lines };
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
        let input = self.input.as_mut().expect("an open session");
        // A client that is gone has left its last words.
        let _ = input.write_all(format!("{sql};\n\\echo {MARK}\n").as_bytes());
    }

    /// The answer to what [`begin`](Self::begin) sent; psql's last words if it lost its connection.
    ///
    /// # Panics
    /// If there is none within two minutes.
    pub fn end(&mut self) -> String {
        let mut text = String::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(120)) {
                Ok(line) if line == MARK => return text,
                Ok(line) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => return text,
                Err(RecvTimeoutError::Timeout) => panic!("psql does not answer:\n{text}"),
            }
        }
    }

    /// The server's process for this session.
    ///
    /// # Panics
    /// If it does not say.
    pub fn backend_pid(&mut self) -> u32 {
        self.run("select pg_backend_pid()").trim().parse().expect("a number")
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
