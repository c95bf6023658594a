//! The password that a file or a command gives, asked at every connect.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use migrate_core::diagnostic::{Diagnostic, Place, codes};

use crate::config::Setting;
use crate::secret::Secret;

/// Where the password comes from. A token that is valid for some minutes is asked for anew by every connection.
#[derive(Clone, Debug)]
pub struct Password {
    source: Source,
    /// What names it.
    origin: String,
    /// The answer to the first question, for the first connection.
    first: Arc<Mutex<Option<Secret>>>,
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    /// A line for the shell, and the folder it runs in.
    Command(String, PathBuf),
}

/// A command line may hold a password.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File(_) => "file",
            Self::Command(..) => "command",
        })
    }
}

impl Password {
    /// The text of a file, without its line end.
    ///
    /// # Errors
    /// If it cannot be read now.
    pub fn file(setting: &Setting) -> Result<Self, Box<Diagnostic>> {
        Self::asked(Source::File(setting.path()), setting)
    }

    /// What a command prints, without its line end.
    ///
    /// # Errors
    /// If it fails now.
    pub fn command(setting: &Setting) -> Result<Self, Box<Diagnostic>> {
        Self::asked(Source::Command(setting.text().to_owned(), setting.base.clone()), setting)
    }

    /// Asks for the first time, so that what is wrong with the configuration is found before anything is connected.
    fn asked(source: Source, setting: &Setting) -> Result<Self, Box<Diagnostic>> {
        let password = Self { source, origin: setting.origin.to_string(), first: Arc::default() };
        let first = password.answer()?;
        *password.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(password)
    }

    /// The password for one more connection.
    ///
    /// # Errors
    /// If the file cannot be read, or the command fails.
    pub fn ask(&self) -> Result<Secret, Box<Diagnostic>> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(first) => Ok(first),
            None => self.answer(),
        }
    }

    fn answer(&self) -> Result<Secret, Box<Diagnostic>> {
        match &self.source {
            Source::File(path) => std::fs::read_to_string(path).map(|text| without_line_end(&text)).map_err(|error| {
                let message = format!("cannot read the file with the password: {error}");
                Box::new(
                    Diagnostic::error(codes::BAD_CONFIG, message)
                        .at(Place::path(path.display().to_string()))
                        .help(format!("it is named by {}", self.origin)),
                )
            }),
            Source::Command(line, folder) => self.printed(line, folder),
        }
    }

    fn printed(&self, line: &str, folder: &PathBuf) -> Result<Secret, Box<Diagnostic>> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut process = Command::new(shell);
        process.arg(flag).arg(line).stdin(Stdio::null()).stderr(Stdio::inherit());
        if !folder.as_os_str().is_empty() {
            process.current_dir(folder);
        }
        let failed = |why: String| {
            Box::new(
                Diagnostic::error(codes::BAD_CONFIG, format!("the password command {why}"))
                    .help(format!("it is set by {}", self.origin)),
            )
        };
        let output = process.output().map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(failed(format!("failed: {}", output.status)));
        }
        let text =
            String::from_utf8(output.stdout).map_err(|_| failed("printed something that is not UTF-8".to_owned()))?;
        Ok(without_line_end(&text))
    }
}

fn without_line_end(text: &str) -> Secret {
    Secret::new(text.trim_end_matches(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    #[cfg(unix)]
    fn it_is_asked_for_by_every_connection() {
        let folder = tempfile::TempDir::new().unwrap();
        let setting = |text: &str| Setting {
            values: vec![text.to_owned()],
            origin: Origin::Flag("password-command"),
            base: folder.path().to_owned(),
            place: None,
        };
        let password = Password::command(&setting("echo x >> asked; wc -l < asked | tr -d ' '")).unwrap();
        let answers: Vec<_> = (0..3).map(|_| password.ask().unwrap().reveal().to_owned()).collect();
        assert_eq!(answers, ["1", "2", "3"]);

        std::fs::write(folder.path().join("secret"), "one\r\n").unwrap();
        let password = Password::file(&setting("secret")).unwrap();
        assert_eq!(password.ask().unwrap().reveal(), "one");
        std::fs::write(folder.path().join("secret"), "two").unwrap();
        assert_eq!(password.ask().unwrap().reveal(), "two");
        assert!(!format!("{password:?}").contains("asked"));
    }
}
