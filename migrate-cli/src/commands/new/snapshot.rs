//! `new --snapshot`: begin a snapshot, with a header that says what it stands for.

use std::fmt::Write as _;

use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::layout::Layout;
use migrate_core::{Migration, MigrationSet, Version};
use serde_json::json;

use super::super::{Answer, Outcome};
use super::{description, known_engine, write};
use crate::args::NewArgs;
use crate::backends::CliBackend;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

/// What it is called where nobody says.
const NAME: &str = "snapshot";

pub(super) fn new(
    project: &Project<'_>,
    args: &NewArgs,
    version: &Version,
    layout: &dyn Layout,
    screen: &mut Screen<'_>,
) -> Answer {
    if layout.name() != "native" {
        return Err(Failure::usage(
            Diagnostic::error(codes::USAGE, format!("a snapshot of the layout {} is not made here", layout.name()))
                .help("its own tool says how: a B file of Flyway, a checkpoint of Atlas; both are installed"),
        ));
    }
    let folders = project.config.folders();
    let options = project.read_options(engine(project, args)?.dialect().engine(), screen.now());
    let set = MigrationSet::read(&folders, &options)?.set;
    let replaced = replaced(&set, version)?;
    let words = match description(&args.name) {
        words if words.is_empty() => NAME.to_owned(),
        words => words,
    };
    let engine = args.engine.as_ref().map(|engine| format!(".{engine}")).unwrap_or_default();
    let name = format!("B{version}__{}{engine}.sql", words.replace(' ', "_"));
    let path = folders.last().cloned().unwrap_or_default().join(name);
    write(&path, &text(version, &replaced))?;
    screen.line(&path.display().to_string());
    screen.line(&format!("next: put into it what an empty database needs to be at {version}"));
    let ids: Vec<_> = replaced.iter().map(|migration| &migration.id).collect();
    Ok(Outcome::done(json!({ "files": [path.display().to_string()], "replaces": ids })))
}

/// The engine whose files are meant: the texts, and so their checksums, may differ between engines.
fn engine<'p>(project: &Project<'p>, args: &NewArgs) -> Result<&'p dyn CliBackend, Failure> {
    let Some(name) = &args.engine else { return project.engine() };
    known_engine(project, name)?;
    let named = project.backends.iter().find(|backend| backend.dialect().names.contains(&name.as_str()));
    named.map(|backend| &**backend).ok_or_else(|| {
        Failure::usage(Diagnostic::error(codes::NO_BACKEND, format!("this build has no backend for {name}")))
    })
}

/// Everything up to the version but what is optional: that takes its place when it is included.
fn replaced<'s>(set: &'s MigrationSet, version: &Version) -> Result<Vec<&'s Migration>, Failure> {
    if set.releases().all(|release| release != version) {
        let known: Vec<String> = set.releases().map(ToString::to_string).collect();
        let known = if known.len() > 10 { known[known.len() - 10..].join(", ") } else { known.join(", ") };
        return Err(Failure::usage(
            Diagnostic::error(codes::UNKNOWN_TARGET, format!("there is no migration {version}"))
                .help(format!("a snapshot is of a version that the set has, like the newest: {known}")),
        ));
    }
    let is_below = |migration: &&Migration| migration.id.version().is_some_and(|other| other <= version);
    let below = set.versioned().iter().filter(is_below);
    Ok(below.filter(|migration| migration.attributes.optional.is_none()).collect())
}

fn text(version: &Version, replaced: &[&Migration]) -> String {
    let mut text = format!(
        "-- Installs an empty database at {version}, in place of the migrations that it names.\n\
         -- Those that have run everywhere can then be taken out of the folder, one release after this file came.\n"
    );
    for migration in replaced {
        let checksum = Some(&migration.checksum).filter(|checksum| !checksum.is_empty());
        let checksum = checksum.map(|checksum| format!("={checksum}")).unwrap_or_default();
        let _ = writeln!(text, "-- migrate:replaces {}{checksum}", migration.id);
    }
    text.push_str(
        "\n-- Below goes what makes the schema and its first rows: a dump of a database that all of them have run on,\n\
         -- without the table of the migrations.\n",
    );
    text
}
