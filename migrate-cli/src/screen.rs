//! Where a command writes: results to stdout, everything else to stderr.

use std::io::{BufRead, Write};

use anstyle::{AnsiColor, Style};
use migrate_core::diagnostic::{Diagnostic, Severity};

use crate::args::{Color, Common, Format, LogFormat};
use crate::environment::Environment;
use crate::render::{github, json};

/// The outside of a command: its streams and what they are connected to.
pub struct Io<'a> {
    /// Answers to questions.
    pub stdin: &'a mut (dyn BufRead + Send),
    /// Results.
    pub stdout: &'a mut (dyn Write + Send),
    /// Progress, remarks, errors.
    pub stderr: &'a mut (dyn Write + Send),
    /// Which of them are a terminal.
    pub terminal: Terminal,
    /// Whether signals stop a run. Handlers belong to the process, so only a program of its own wants them.
    pub signals: bool,
    /// The time of the command.
    pub now: std::time::SystemTime,
}

/// Which streams are a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Somebody can answer.
    pub stdin: bool,
    /// Somebody reads results.
    pub stdout: bool,
    /// Somebody reads the rest.
    pub stderr: bool,
}

/// The streams, and how they are written to.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Screen<'a> {
    io: Io<'a>,
    json: bool,
    log_json: bool,
    github: bool,
    quiet: bool,
    verbose: bool,
    color: Color,
    plain: bool,
    transient: bool,
}

const DIM: Style = Style::new().dimmed();

impl<'a> Screen<'a> {
    /// As the flags and the environment say.
    pub fn new(io: Io<'a>, common: &Common, environment: &Environment) -> Self {
        let plain = environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
        let github = match common.format {
            Some(format) => format == Format::Github,
            None => environment.get("GITHUB_ACTIONS") == Some("true"),
        };
        Self {
            io,
            json: common.json,
            log_json: common.log_format == LogFormat::Json,
            github,
            quiet: common.quiet,
            verbose: common.verbose > 0,
            color: common.color,
            plain,
            transient: false,
        }
    }

    /// Whether statements and remarks are shown.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether events are JSON lines.
    pub fn logs_json(&self) -> bool {
        self.log_json
    }

    /// What the streams are connected to.
    pub fn terminal(&self) -> Terminal {
        self.io.terminal
    }

    /// Whether signals stop a run.
    pub fn takes_signals(&self) -> bool {
        self.io.signals
    }

    /// The time of the command.
    pub fn now(&self) -> std::time::SystemTime {
        self.io.now
    }

    /// A line of the result for people. With `--json` stdout is for the document alone.
    pub fn line(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        self.clear();
        if !self.json {
            write(self.io.stdout, &format!("{text}\n"));
        } else if !self.log_json {
            write(self.io.stderr, &format!("{text}\n"));
        }
    }

    /// Something on the way that is not part of the result.
    pub fn remark(&mut self, text: &str) {
        if self.quiet || self.log_json {
            return;
        }
        self.clear();
        write(self.io.stderr, &format!("{text}\n"));
    }

    /// One JSON line among the events.
    pub fn log(&mut self, event: &serde_json::Value) {
        write(self.io.stderr, &format!("{event}\n"));
    }

    /// A result that is the same however it is shown: a script, a manual page. Nothing is added.
    pub fn data(&mut self, bytes: &[u8]) {
        self.clear();
        // Whoever reads may have seen enough.
        let _ = self.io.stdout.write_all(bytes).and_then(|()| self.io.stdout.flush());
    }

    /// What is worth knowing or wrong.
    pub fn diagnostics(&mut self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            if self.quiet && diagnostic.severity < Severity::Refused {
                continue;
            }
            self.clear();
            if self.log_json {
                self.log(&json::diagnostic_event(diagnostic));
            } else {
                let text = self.painted(diagnostic);
                write(self.io.stderr, &format!("{text}\n"));
            }
            if self.github {
                let command = github::command(diagnostic);
                let to = if self.json { &mut *self.io.stderr } else { &mut *self.io.stdout };
                write(to, &format!("{command}\n"));
            }
        }
    }

    /// The document at the end.
    pub fn document(&mut self, document: &json::Document<'_>) {
        if self.json {
            self.clear();
            // Every value in it is a text, a number or a list of such: there is nothing that could fail.
            let text = serde_json::to_string_pretty(document).unwrap_or_default();
            write(self.io.stdout, &format!("{text}\n"));
        }
    }

    /// Text as clap made it: help to stdout, errors to stderr.
    pub fn clap(&mut self, error: &clap::Error) {
        let to_stderr = error.use_stderr();
        let text = error.render();
        let color = if to_stderr { self.colors(self.io.terminal.stderr) } else { self.colors(self.io.terminal.stdout) };
        let text = if color { text.ansi().to_string() } else { text.to_string() };
        write(if to_stderr { self.io.stderr } else { self.io.stdout }, &text);
    }

    /// A line that the next one replaces. Only a terminal gets it.
    pub fn transient(&mut self, text: &str) {
        if self.io.terminal.stderr && !self.quiet && !self.log_json {
            let text = paint(self.colors(true), DIM, text);
            write(self.io.stderr, &format!("\r\x1b[2K{text}"));
            self.transient = true;
        }
    }

    /// A question, and what somebody typed.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        self.clear();
        write(self.io.stderr, question);
        let mut answer = String::new();
        let read = self.io.stdin.read_line(&mut answer);
        matches!(read, Ok(1..)).then(|| answer.trim().to_owned())
    }

    fn painted(&self, diagnostic: &Diagnostic) -> String {
        let text = diagnostic.to_string();
        let color = match diagnostic.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Refused | Severity::Warning => AnsiColor::Yellow,
            Severity::Note => AnsiColor::Cyan,
        };
        let head = diagnostic.severity.to_string().len() + diagnostic.code.0.len() + 2;
        let (head, rest) = text.split_at(head);
        format!("{}{rest}", paint(self.colors(self.io.terminal.stderr), color.on_default().bold(), head))
    }

    fn colors(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !self.plain,
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.transient) {
            write(self.io.stderr, "\r\x1b[2K");
        }
    }
}

fn paint(on: bool, style: Style, text: &str) -> String {
    if on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Whoever reads may have gone: what was done stays done, and the exit code says so.
fn write(to: &mut (dyn Write + Send), text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}
