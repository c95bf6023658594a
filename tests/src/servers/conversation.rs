//! A client program that is told something and answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// A client program at work. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Conversation {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Conversation {
    /// Follows the answer to each call: the program is to be told to say this line.
    pub(super) const MARK: &'static str = "that was all";

    /// Starts a client whose complaints stand between what it prints.
    pub(super) fn start(client: &Command) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(client.get_program()).args(client.get_args());
        command.env_clear().envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("sh starts");
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
        Self { child, input, lines }
    }

    /// Tells it something and does not wait.
    pub(super) fn tell(&mut self, text: &str) {
        let input = self.input.as_mut().expect("an open session");
        // A client that is gone has left its last words.
        let _ = input.write_all(text.as_bytes());
    }

    /// What it says until the mark, or until its end.
    pub(super) fn answer(&mut self) -> String {
        let mut text = String::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(120)) {
                Ok(line) if line == Self::MARK => return text,
                Ok(line) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => return text,
                Err(RecvTimeoutError::Timeout) => panic!("the client does not answer:\n{text}"),
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
