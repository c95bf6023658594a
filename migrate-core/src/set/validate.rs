//! Checks that need no database.

use super::MigrationSet;
use crate::backend::Atomicity;
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{Migration, MigrationId, RunAttributes, Snapshot};
use crate::plan::units;
use crate::source::Source;
use crate::sql::script::Classify;
use crate::sql::split::Problem;
use crate::sql::{Script, Syntax};

/// What is wrong with scripts: those that do not split, those that cannot run as they are, those without a statement.
///
/// `syntax`, `classify` and `atomicity` come from the dialect they were read for.
pub fn scripts<'a>(
    migrations: impl IntoIterator<Item = &'a Migration>,
    snapshots: &[Snapshot],
    syntax: &Syntax,
    classify: Classify,
    atomicity: Atomicity,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut check = |title: &str, source: &Source, run: &RunAttributes, help: &str| {
        let script = Script::parse(source.clone(), syntax, classify).and_then(|script| {
            units::cut(&script, run, syntax, atomicity)?;
            Ok(script)
        });
        match script {
            Ok(script) if script.is_empty() => diagnostics.push(
                Diagnostic::warning(codes::NO_STATEMENT, format!("{title}: has no statement"))
                    .at(Place::path(source.path()))
                    .help(help),
            ),
            Ok(_) => {}
            Err(problems) => diagnostics.extend(problems.into_iter().map(|problem| bad_script(title, source, problem))),
        }
    };
    for migration in migrations {
        if migration.attributes.code.is_some() {
            continue;
        }
        check(&migration.title(), &migration.up, &migration.attributes.run, EMPTY);
        if let Some(down) = &migration.down {
            let run = &migration.attributes.down;
            check(&format!("{} (down)", migration.title()), down, run, EMPTY_DOWN);
        }
    }
    for snapshot in snapshots {
        check(&snapshot.title(), &snapshot.script, &snapshot.run, EMPTY);
    }
    diagnostics
}

/// Where files of a set are not what its snapshots say of the migrations they stand for.
pub fn snapshots(set: &MigrationSet) -> Vec<Diagnostic> {
    set.snapshots().iter().flat_map(|one| snapshot(set, one)).collect()
}

/// The same of one snapshot: what it installs may be another schema than the one that the files lead to.
pub fn snapshot(set: &MigrationSet, snapshot: &Snapshot) -> Vec<Diagnostic> {
    let known = |id: &MigrationId| set.get(id).or_else(|| set.renamed(id));
    let mut problems = Vec::new();
    for replaced in &snapshot.replaces {
        let Some((migration, said)) = known(&replaced.id).zip(replaced.checksum.as_deref()) else { continue };
        let accepted = migration.attributes.accepted_checksums.iter().any(|accepted| accepted == said);
        if migration.attributes.code.is_some() || migration.checksum == said || accepted {
            continue;
        }
        problems.push(
            Diagnostic::error(
                codes::SNAPSHOT_DIFFERS,
                format!("{}: stands for another text of {}", snapshot.title(), migration.title()),
            )
            .at(Place::path(snapshot.script.path()))
            .help(format!("it names {said}"))
            .help(format!("{} is {}", migration.up.path(), migration.checksum))
            .help("put the old text back, or make the snapshot anew")
            .help(format!(
                "or, if both lead to the same: in migrations.toml, [migration.\"{}\"] accept = [\"{said}\"]",
                migration.id
            )),
        );
    }
    problems
}

const EMPTY: &str = "write one, or delete the file if it was never applied";
const EMPTY_DOWN: &str = "as it is, going back changes nothing; if there is no way back, say so in the up instead: -- migrate:irreversible \"why\"";

fn bad_script(title: &str, source: &Source, problem: Problem) -> Diagnostic {
    let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, format!("{title}: {}", problem.message))
        .at(Place::in_source(source, problem.at));
    problem.help.into_iter().fold(diagnostic, Diagnostic::help)
}

/// The migrations that have no way back and do not say why.
pub fn downs(set: &MigrationSet) -> Vec<Diagnostic> {
    set.versioned()
        .iter()
        .filter(|migration| migration.down.is_none() && migration.attributes.irreversible.is_none())
        // Whether code has a way back stands in the code.
        .filter(|migration| migration.attributes.code.is_none())
        .map(|migration| {
            Diagnostic::error(codes::NO_DOWN, format!("{}: has no down", migration.title()))
                .at(Place::path(migration.up.path()))
                .help("write one, or say why there is none: -- migrate:irreversible \"why\"")
        })
        .collect()
}

/// What changed between an earlier state of a set, which is taken for released, and this one, that will hurt where
/// the earlier one is applied. `syntax` tells a change of white space and comments from a change of what runs.
pub fn since(old: &MigrationSet, new: &MigrationSet, syntax: &Syntax) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for migration in new {
        match before(old, migration) {
            Some(earlier) => diagnostics.extend(edited(earlier, migration, syntax)),
            None => diagnostics.extend(late(old, migration)),
        }
    }
    for earlier in old {
        if new.get(&earlier.id).is_none() && new.renamed(&earlier.id).is_none() && !replaced(new, earlier) {
            diagnostics.push(
                Diagnostic::error(codes::REMOVED_RELEASED, format!("{}: was released and is gone", earlier.title()))
                    .at(Place::path(earlier.up.path()))
                    .help("if it has a new name, say so: renamed-from in migrations.toml")
                    .help("else bring the file back; what undoes it is a new migration"),
            );
        }
    }
    diagnostics
}

/// The same migration in the earlier set, under its name of then.
fn before<'a>(old: &'a MigrationSet, migration: &Migration) -> Option<&'a Migration> {
    old.get(&migration.id).or_else(|| migration.attributes.renamed_from.iter().find_map(|id| old.get(id)))
}

fn replaced(new: &MigrationSet, earlier: &Migration) -> bool {
    new.snapshots().iter().any(|snapshot| snapshot.replaces.iter().any(|replaced| replaced.id == earlier.id))
}

fn edited(earlier: &Migration, migration: &Migration, syntax: &Syntax) -> Option<Diagnostic> {
    let accepted = migration.attributes.accepted_checksums.contains(&earlier.checksum);
    // A repeatable is there to be edited.
    if migration.id.is_repeatable() || earlier.checksum == migration.checksum || accepted {
        return None;
    }
    if let Some(work) = &migration.attributes.code {
        let help = format!("its {} code was {}, and is {} now", work.language, earlier.checksum, migration.checksum);
        let message = format!("{}: was released and is edited", migration.title());
        let known = !earlier.checksum.is_empty() && !migration.checksum.is_empty();
        return known.then(|| {
            Diagnostic::error(codes::EDITED_RELEASED, message)
                .at(Place::path(migration.up.path()))
                .help(help)
                .help(accepting(migration, earlier))
        });
    }
    if checksum::normalised(&earlier.up.as_written(), syntax)
        == checksum::normalised(&migration.up.as_written(), syntax)
    {
        let message = format!("{}: was released and is edited in white space or comments only", migration.title());
        return Some(Diagnostic::note(codes::REFORMATTED, message).at(Place::path(migration.up.path())));
    }
    Some(
        Diagnostic::error(codes::EDITED_RELEASED, format!("{}: was released and is edited", migration.title()))
            .at(Place::path(migration.up.path()))
            .diff(earlier.up.written(), migration.up.written())
            .help("put the old text back and write a new migration")
            .help(accepting(migration, earlier)),
    )
}

fn accepting(migration: &Migration, earlier: &Migration) -> String {
    let (id, checksum) = (&migration.id, &earlier.checksum);
    format!("or accept both texts: in migrations.toml, [migration.\"{id}\"] accept = [\"{checksum}\"]")
}

fn late(old: &MigrationSet, migration: &Migration) -> Option<Diagnostic> {
    let newest = old.last_versioned()?;
    if migration.id.is_repeatable() || migration.id > newest.id || migration.attributes.optional.is_some() {
        return None;
    }
    Some(
        Diagnostic::error(
            codes::SORTS_BELOW,
            format!("{}: is new and sorts below {}, which was there before", migration.title(), newest.title()),
        )
        .at(Place::path(migration.up.path()))
        .help("a database that has the newer one will refuse it as out of order")
        .help(format!("give it a version above {}", newest.id.version().map_or("", crate::Version::as_str))),
    )
}
