//! The dump programs of PostgreSQL, MySQL and MariaDB: found on the PATH, compared with the server, run into a file.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migrate_core::backend::{Fault, ServerError};

use crate::environment::Environment;
use crate::password::Password;

/// A dump program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tool {
    /// Where it is.
    pub(super) program: PathBuf,
    /// What it says of itself.
    pub(super) said: String,
}

impl Tool {
    /// The first of these programs on the PATH that says which version it is and is one that `fits`.
    pub(super) fn find(environment: &Environment, names: &[&str], fits: fn(&str) -> bool) -> Result<Self, ServerError> {
        let path = environment.get("PATH").unwrap_or_default();
        let names = names.iter().map(|name| format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let programs = names.flat_map(|name| std::env::split_paths(path).map(move |folder| folder.join(&name)));
        let mut tools = programs.filter(|program| program.is_file()).filter_map(|program| {
            let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output().ok()?;
            let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            output.status.success().then_some(Self { program, said })
        });
        tools.find(|tool| fits(&tool.said)).ok_or_else(|| {
            problem("no dump program of the server's kind is on the PATH".to_owned())
                .hint("install the server's client programs, or set [backup] command in migrate.toml")
        })
    }

    /// The version in what it says, of which MariaDB's programs say two.
    fn version(&self) -> Vec<u64> {
        let words = || self.said.split([' ', ',']);
        let word = words().find(|word| word.contains("-MariaDB"));
        let numbered = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        numbers(word.or_else(|| words().find(numbered)).unwrap_or_default())
    }

    /// A dump by a program that is older than the server may lack what only the server knows. `parts` is how many parts
    /// of a version make a release.
    pub(super) fn not_older_than(&self, product: &str, parts: usize) -> Result<(), ServerError> {
        let server = product.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
        let release = |mut version: Vec<u64>| {
            version.truncate(parts);
            version
        };
        if release(self.version()) >= release(numbers(server)) {
            return Ok(());
        }
        Err(problem(format!("{} is older than the server, {product}: {}", self.program.display(), self.said))
            .hint("install the client programs of the server's version, or set [backup] command in migrate.toml"))
    }

    /// Runs it. What it writes appears under its name when it is complete.
    pub(super) fn run(&self, to: &Path, arguments: impl FnOnce(&mut Command, &Path)) -> Result<(), ServerError> {
        let mut draft = to.as_os_str().to_owned();
        draft.push(format!(".{}.part", std::process::id()));
        let draft = PathBuf::from(draft);
        let mut command = Command::new(&self.program);
        arguments(command.stdin(Stdio::null()), &draft);
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let done = match command.output() {
            Err(error) => Err(problem(format!("{name} cannot be run: {error}"))),
            Ok(output) if !output.status.success() => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                Err(problem(format!("{name} failed: {}: {last}", output.status)))
            }
            Ok(_) => {
                std::fs::rename(&draft, to).map_err(|error| problem(format!("the backup cannot be written: {error}")))
            }
        };
        if done.is_err() {
            // Half a backup is none; the first error is the one to tell.
            let _ = std::fs::remove_file(&draft);
        }
        done
    }
}

/// Whoever gives the password, or what stands with the address.
pub(super) fn password(asked: Option<&Password>, given: Option<&str>) -> Result<Option<String>, ServerError> {
    match asked {
        None => Ok(given.map(str::to_owned)),
        Some(password) => match password.ask() {
            Ok(secret) => Ok(Some(secret.reveal().to_owned())),
            Err(why) => Err(problem(why.message.clone())),
        },
    }
}

fn problem(message: String) -> ServerError {
    ServerError::new(Fault::Unsupported, message)
}

/// `10.11.6-MariaDB` → 10, 11, 6
fn numbers(word: &str) -> Vec<u64> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    word[..end].split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, product: &str, parts: usize, fits: bool) {
        let tool = Tool { program: "dump".into(), said: said.to_owned() };
        assert_eq!(tool.not_older_than(product, parts).is_ok(), fits, "{said} on {product}");
    }

    #[test]
    fn a_program_may_be_as_new_as_the_server_or_newer() {
        for (said, product, parts, fits) in [
            ("pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "PostgreSQL 15.14", 1, true),
            ("pg_dump (PostgreSQL) 15.3", "PostgreSQL 15.14", 1, true),
            ("pg_dump (PostgreSQL) 15.14", "PostgreSQL 18.0", 1, false),
            ("pg_dump (PostgreSQL) 18.0", "PostgreSQL 9.6", 1, true),
            ("mysqldump  Ver 9.7.0 for Linux on x86_64 (MySQL Community Server - GPL)", "MySQL 9.7.4", 2, true),
            ("mysqldump  Ver 8.0.40 for Linux on x86_64", "MySQL 9.7.4", 2, false),
            ("mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu", "MariaDB 10.11.6-MariaDB", 2, true),
            ("mariadb-dump from 10.5.2-MariaDB, client 10.19 for Linux", "MariaDB 10.11.6-MariaDB", 2, false),
        ] {
            check(said, product, parts, fits);
        }
    }
}
