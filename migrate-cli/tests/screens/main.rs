//! What a person sees and a program reads, from commands that run inside this process.

mod errors;
mod guards;
mod hostile;
mod hostile_texts;
mod layouts;
mod newcomer;
mod programs;
mod secrets;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use migrate_cli::backends;
use migrate_cli::screen::{Io, Terminal};
use tempfile::TempDir;

/// A folder with a project in it.
struct Project {
    folder: TempDir,
    variables: BTreeMap<String, String>,
    answers: String,
    terminal: Terminal,
}

/// How a command ended.
struct Ended {
    stdout: String,
    stderr: String,
    code: u8,
}

impl Project {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
            variables: BTreeMap::new(),
            answers: String::new(),
            terminal: Terminal::default(),
        }
    }

    /// With migrations, and a database that `migrate.toml` names.
    fn with(migrations: &[(&str, &str)]) -> Self {
        let project = Self::new();
        project.write("migrate.toml", "url = 'sqlite:app.db'\n");
        std::fs::create_dir(project.path("migrations")).expect("a new folder");
        for (name, text) in migrations {
            project.write(&format!("migrations/{name}"), text);
        }
        project
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn set(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// Somebody sits there and types this.
    fn answering(mut self, answers: &str) -> Self {
        answers.clone_into(&mut self.answers);
        self.terminal.stdin = true;
        self
    }

    /// Runs one command; arguments are separated by blanks, quotes hold some together.
    fn run(&self, line: &str) -> Ended {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let io = Io {
            stdin: &mut self.answers.as_bytes(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: self.terminal,
            signals: false,
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_257_000),
        };
        let args = words(&format!("migrate {line}"));
        let code = migrate_cli::run(&backends::compiled_in(), args, self.variables.clone(), self.folder.path(), io);
        let readable = |bytes: Vec<u8>| self.readable(&String::from_utf8(bytes).expect("UTF-8"));
        Ended { stdout: readable(stdout), stderr: readable(stderr), code }
    }

    /// What a person sees of several commands, one after the other.
    fn screen(&self, lines: &[&str]) -> String {
        let mut screen = String::new();
        for line in lines {
            let Ended { stdout, stderr, code } = self.run(line);
            let _ = write!(screen, "$ migrate {line}\n{stdout}{stderr}");
            if code != 0 {
                let _ = writeln!(screen, "[exit {code}]");
            }
        }
        screen
    }

    /// Without what differs from run to run: the folder, durations, dates.
    fn readable(&self, text: &str) -> String {
        let text = text.replace(&format!("{}/", self.folder.path().display()), "");
        text.split_inclusive('\n').map(steady).collect()
    }
}

fn words(line: &str) -> Vec<OsString> {
    let mut words = vec![];
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.into());
        } else {
            words.extend(part.split_whitespace().map(OsString::from));
        }
    }
    words
}

/// `12 ms` becomes `# ms`, `2026-11-21 10:30` becomes `DATE`; the widths of columns change with them.
fn steady(line: &str) -> String {
    let mut out: Vec<String> = vec![];
    for word in line.split(' ') {
        let number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        if matches!(word.trim_end_matches(['\n', ',']), "ms" | "s")
            && let Some(last) = out.last_mut().filter(|last| number(last))
        {
            "#".clone_into(last);
            // A column of durations is aligned to the right.
            while out.len() > 1 && out[out.len() - 2].is_empty() {
                out.remove(out.len() - 2);
            }
        }
        let plain: String = word.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        match plain.trim_matches(['(', ')', '\n']) {
            "9999-99-99" => out.push(word.replace(|c: char| c.is_ascii_digit(), "").replace("--", "DATE")),
            "99:99" if out.last().is_some_and(|last| last == "DATE") => out.push("TIME".to_owned()),
            _ => out.push(word.to_owned()),
        }
    }
    let line = out.join(" ");
    // The heading of durations is as wide as the longest.
    match line.split_once("  time  ") {
        Some((before, after)) if line.starts_with("row ") => format!("{before}  time  {}", after.trim_start()),
        _ => line,
    }
}

#[test]
fn what_differs_from_run_to_run_is_left_out() {
    assert_eq!(steady("  1  a   1 statement     12 ms\n"), "  1  a   1 statement # ms\n");
    assert_eq!(steady("3 applied in 1.2 s · now at 3\n"), "3 applied in # s · now at 3\n");
    assert_eq!(steady("was applied (2026-11-21)\n"), "was applied (DATE)\n");
    assert_eq!(steady("applied  2026-11-21 10:30  0 ms"), "applied  DATE TIME # ms");
    assert_eq!(steady("row  state  time    by\n"), "row  state  time  by\n");
}

/// Whether a file is there.
fn exists(project: &Project, name: &str) -> bool {
    Path::new(&project.path(name)).exists()
}
