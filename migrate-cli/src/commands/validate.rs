//! `validate`: check the files, without a database.

use migrate_core::diagnostic::{Diagnostic, Severity, codes};
use migrate_core::error::count;
use migrate_core::layout::{self, Detection, Folder, Layout};
use migrate_core::migration::{Migration, Snapshot};
use migrate_core::set::validate;
use migrate_core::{MigrationSet, ReadOptions};
use serde_json::json;

use super::{Answer, Outcome, since};
use crate::args::ValidateArgs;
use crate::backends::CliBackend;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::render::layout::found;
use crate::screen::Screen;

pub(super) fn validate(project: &Project<'_>, args: &ValidateArgs, screen: &mut Screen<'_>) -> Answer {
    // Of a set that cannot be read nobody can say how many it has.
    let mut migrations = None;
    let mut checks = vec![];
    let mut layout = None;
    for backend in engines(project, args)? {
        let options = project.read_options(backend.dialect().engine(), screen.now());
        let checked = validated(project, args, backend, &options)?;
        migrations = migrations.max(checked.migrations);
        layout = layout.or(checked.detection);
        checks.push((backend.dialect().name(), checked.findings));
    }
    let findings = together(&checks);
    screen.diagnostics(&findings);
    if let Some(line) = layout.as_ref().and_then(found) {
        screen.line(&line);
    }
    let wrong = findings.iter().filter(|finding| finding.severity >= Severity::Refused).count();
    let remarks = findings.len() - wrong;
    let result = match (wrong, remarks) {
        (0, 0) => "nothing found".to_owned(),
        (0, remarks) => count(remarks, "remark"),
        (wrong, 0) => count(wrong, "finding"),
        (wrong, remarks) => format!("{}, {}", count(wrong, "finding"), count(remarks, "remark")),
    };
    screen.line(&match migrations {
        Some(number) => format!("{} · {result}", count(number, "migration")),
        None => result,
    });
    let exit = if wrong == 0 { Exit::Done } else { Exit::Findings };
    Ok(Outcome { exit, result: json!({ "migrations": migrations, "findings": wrong }), diagnostics: findings })
}

/// What was found, the same thing once; and for which engines, where that is not all of them.
fn together(checks: &[(&str, Vec<Diagnostic>)]) -> Vec<Diagnostic> {
    let mut findings: Vec<Diagnostic> = vec![];
    for (index, (_, found)) in checks.iter().enumerate() {
        for finding in found.iter().filter(|&one| !checks[..index].iter().any(|(_, found)| found.contains(one))) {
            let (concerned, others): (Vec<_>, Vec<_>) = checks.iter().partition(|(_, found)| found.contains(finding));
            let names = |checks: &[&(&str, _)]| enumerated(&checks.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            let finding = finding.clone();
            findings.push(match others.first() {
                Some((other, _)) => finding.help(format!(
                    "so it is for {}, not for {}; if the files are for one engine alone: migrate validate --engine {other}",
                    names(&concerned),
                    names(&others)
                )),
                None => finding,
            });
        }
    }
    findings
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(names: &[&str]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        names => names.concat(),
    }
}

/// What the check for one engine gave.
struct Checked {
    /// How many migrations there are; of a set that cannot be read nobody can say.
    migrations: Option<usize>,
    detection: Option<Detection>,
    findings: Vec<Diagnostic>,
}

fn validated(
    project: &Project<'_>,
    args: &ValidateArgs,
    backend: &dyn CliBackend,
    options: &ReadOptions,
) -> Result<Checked, Failure> {
    let folders = project.config.folders();
    let dialect = backend.dialect();
    let scripts = |migrations: &[Migration], snapshots: &[Snapshot]| {
        validate::scripts(migrations, snapshots, &dialect.syntax, dialect.classify, dialect.atomicity)
    };
    let loaded = match MigrationSet::read(&folders, options) {
        Ok(loaded) => loaded,
        Err(mut problems) => {
            let (migrations, snapshots) = MigrationSet::understood(&Folder::read(&folders).0, options);
            problems.extend(scripts(&migrations, &snapshots));
            return Ok(Checked { migrations: None, detection: None, findings: problems });
        }
    };
    let (set, detection, mut findings) = (loaded.set, loaded.detection, loaded.diagnostics);
    findings.extend(scripts(set.iter().as_slice(), set.snapshots()));
    findings.extend(validate::snapshots(&set));
    if args.require_down {
        findings.extend(validate::downs(&set));
    }
    if let Some(revision) = &args.since {
        let old = since::folder(&folders, revision)?;
        // What was read as one layout was so before; what another tool says above the folder is what it says today.
        let now = Folder::read(&folders).0;
        let settings = layout::named(set.layout()).map(Layout::settings).unwrap_or_default();
        let settings =
            settings.iter().filter_map(|name| Some((*name, now.above(name)?.source().ok()?.file().to_owned())));
        let options = ReadOptions { layout: Some(set.layout().to_owned()), ..options.clone() };
        match MigrationSet::from_folder(&old.with_above(settings), &options) {
            Ok(old) => findings.extend(validate::since(&old.set, &set, &dialect.syntax)),
            // Nothing was released yet.
            Err(problems) if problems.iter().all(|problem| problem.code == codes::EMPTY_FOLDER) => {}
            Err(problems) => findings.extend(problems.into_iter().map(|mut problem| {
                problem.message = format!("at {revision}: {}", problem.message);
                problem
            })),
        }
    }
    Ok(Checked { migrations: Some(set.len()), detection, findings })
}

/// The engine that was named, or that of the URL, or all.
fn engines<'a>(project: &Project<'a>, args: &ValidateArgs) -> Result<Vec<&'a dyn CliBackend>, Failure> {
    let all = || project.backends.iter().map(|backend| &**backend);
    if let Some(name) = &args.engine {
        let named: Vec<_> = all().filter(|backend| backend.dialect().names.contains(&name.as_str())).collect();
        if named.is_empty() {
            let engines: Vec<_> = all().map(|backend| backend.dialect().name()).collect();
            return Err(Failure::usage(
                Diagnostic::error(codes::NO_BACKEND, format!("no backend for `{name}` is compiled in"))
                    .help(format!("this build has: {}", engines.join(", "))),
            ));
        }
        return Ok(named);
    }
    match project.url()? {
        Some((url, _)) => Ok(vec![project.select(&url)?]),
        None => Ok(all().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_for_some_engines_alone_says_which() {
        let both = Diagnostic::warning(codes::NO_STATEMENT, "1 a: has no statement");
        let one = Diagnostic::error(codes::BAD_SCRIPT, "2 b: does not end");
        let checks = [("sqlite", vec![both.clone(), one.clone()]), ("postgres", vec![both.clone()])];
        let told = together(&checks);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], both);
        insta::assert_snapshot!(told[1].to_string(), @"
        error[M0009]: 2 b: does not end
           = so it is for sqlite, not for postgres; if the files are for one engine alone: migrate validate --engine postgres
        ");
        assert_eq!(together(&checks[..1]), [both, one]);
    }

    #[test]
    fn names_are_enumerated() {
        assert_eq!(enumerated(&["a", "b", "c"]), "a, b and c");
        assert_eq!(enumerated(&["a", "b"]), "a and b");
        assert_eq!(enumerated(&["a"]), "a");
    }
}
