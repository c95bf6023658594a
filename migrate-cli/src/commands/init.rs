//! `init`: begin a project.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use migrate_core::diagnostic::{Diagnostic, Place, codes};
use migrate_core::layout::{Detection, Folder};
use migrate_core::manifest::Manifest;
use migrate_core::{EngineNames, MigrationSet, ReadOptions};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::Cli;
use crate::config::Config;
use crate::database_url::DatabaseUrl;
use crate::failure::Failure;
use crate::render::layout::found;
use crate::screen::Screen;

const FOLDER: &str = "migrations";
const NATIVE: &str = "native";

/// The manifest of a set with this layout.
fn manifest(layout: &str) -> String {
    format!(
        "\
# What is said about these migrations beside their files. It is embedded with them and part of their digest.

layout = \"{layout}\"
"
    )
}

pub(super) fn init(cli: &Cli, cwd: &Path, screen: &mut Screen<'_>) -> Answer {
    let folder = cli.common.dir.first().map_or(FOLDER, String::as_str).trim_end_matches('/');
    let file = format!("{folder}/{}", Manifest::FILE);
    let url = cli.common.database.as_ref().map(|text| DatabaseUrl::new(text.0.as_str()));
    let (mut created, mut kept) = (vec![], vec![]);

    let path = cwd.join(folder);
    let (layout, detection) = layout_of(cli, cwd, folder)?;
    if path.is_dir() {
        kept.push(format!("{folder}/"));
    } else {
        fs::create_dir_all(&path).map_err(|error| unwritable(&path, &error))?;
        created.push(format!("{folder}/"));
    }
    for (name, text) in [(Config::FILE.to_owned(), configuration(folder, url.as_ref())), (file, manifest(layout))] {
        let path = cwd.join(&name);
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        match made.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => created.push(name),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => kept.push(name),
            Err(error) => return Err(unwritable(&path, &error)),
        }
    }
    if !created.is_empty() {
        screen.line(&format!("created {}", created.join("  ")));
    }
    if !kept.is_empty() {
        screen.line(&format!("kept as it is: {}", kept.join("  ")));
    }
    match detection.as_ref().map(|detection| (&detection.seen, found(detection))) {
        Some((Some(seen), _)) => screen.line(&format!("layout {layout}, because of {seen}")),
        Some((None, Some(line))) => screen.line(&line),
        _ => {}
    }
    screen.line(if layout == NATIVE { "next: migrate new create_users" } else { "next: migrate validate" });
    Ok(Outcome::done(json!({ "created": created, "kept": kept, "layout": layout })))
}

/// The layout that was named, or that of the files that are there.
fn layout_of(cli: &Cli, cwd: &Path, folder: &str) -> Result<(&'static str, Option<Detection>), Failure> {
    // The engine matters to what is read, not to the names.
    let mut options = ReadOptions::new(EngineNames::SQLITE);
    options.layout.clone_from(&cli.common.layout);
    let listed = Folder::read(&[cwd.join(folder)]).0;
    let (layout, detection) = MigrationSet::layout_of(&listed, &options).map_err(|problem| Failure::usage(*problem))?;
    Ok((layout.name(), detection))
}

/// A configuration that says what can be said.
fn configuration(folder: &str, url: Option<&DatabaseUrl>) -> String {
    let url = match url {
        // A file that is shared is no place for a password.
        Some(url) if url.to_string() == url.reveal() => format!("url = {}", quoted(url.reveal())),
        Some(_) => "url = \"${DATABASE_URL}\"".to_owned(),
        None => "# url = \"sqlite:app.db\"             # or the variable DATABASE_URL, also from .env".to_owned(),
    };
    let dir = if folder == FOLDER { format!("# dir = \"{FOLDER}\"") } else { format!("dir = {}", quoted(folder)) };
    format!(
        "\
# How `migrate` works in this project. Flags go before MIGRATE_… variables, those before this file.
# `migrate config show` prints every setting and where it comes from; ${{VAR}} stands for a variable.

{url}
{dir}

[timeouts]
# lock-wait = \"10m\"                 # for another run to end
# lock-timeout = \"2s\"               # of a statement for a lock of the database; then it is tried again
# statement-timeout = \"0\"           # no limit

[policy]
# on-ahead = \"compatible\"           # with a newer database: compatible, tolerate, refuse, downgrade
# on-nonempty = \"refuse\"            # with objects but no history: refuse, run, baseline=VERSION

# [env.production]                  # chosen by --env production
# url = \"${{PRODUCTION_URL}}\"
"
    )
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        Diagnostic::error(codes::UNREADABLE, format!("cannot be created: {error}"))
            .at(Place::path(path.display().to_string())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn what_is_written_can_be_read_and_holds_no_password() {
        for (url, expected) in [
            (None, None),
            (Some("sqlite:app.db"), Some("sqlite:app.db")),
            (Some("postgres://u:hunter2@h/db"), Some("from the environment")),
        ] {
            let folder = tempfile::TempDir::new().unwrap();
            let text = configuration("db", url.map(DatabaseUrl::new).as_ref());
            assert!(!text.contains("hunter2"));
            fs::write(folder.path().join(Config::FILE), text).unwrap();
            let variables = [("DATABASE_URL".to_owned(), "from the environment".to_owned())].into();
            let config = Config::load(&crate::config::layers::Sources {
                cwd: folder.path(),
                file: None,
                environment_name: None,
                flags: vec![],
                placeholders: &[],
                variables: &std::collections::BTreeMap::new(),
                environment: &Environment::new(variables),
            })
            .unwrap();
            assert_eq!(config.text(crate::config::Key::Url), expected);
            assert_eq!(config.folders(), [folder.path().join("db")]);
        }
    }
}
