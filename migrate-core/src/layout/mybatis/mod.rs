//! `MyBatis` Migrations: `scripts/20240131120000_create_users.sql`, with the way back below a line `-- //@UNDO`.
//!
//! | | |
//! |---|---|
//! | names | `ID_DESCRIPTION.sql` in `scripts/`, the id a decimal number; `bootstrap.sql` and `onabort.sql` are no migrations |
//! | order | by id; `up` of the tool never runs a late one, so here it is refused |
//! | pairing | one file; what is above the first `@UNDO` line goes forward, what is below it goes back; without the line there is no way back here, where the tool's does nothing |
//! | transaction | one per script; with `auto_commit=true` none |
//! | markers | `@DELIMITER` where the environment does not say `send_full_script=true` |
//! | placeholders | `${name}` from `environments/development.properties`, `[placeholders]` and variables of the process; an unknown one stays as it is, `\${` is a plain `${` |
//! | hooks | `hook_…=SQL:FILE` are callbacks; `before_up` also runs where nothing is pending; in other languages they are refused |
//! | refused | names whose id is no number, ids whose order as decimals is not theirs as versions, other encodings |
//!
//! Source: `MyBatis` Migrations at commit be16c95411, `MigrationReader`, `FileMigrationLoader`, `Environment`, `ScriptRunner`.

mod environment;
#[cfg(test)]
mod tests;

use self::environment::Environment;
use super::detect::Evidence;
use super::draft::Draft;
use super::marker;
use super::name::{in_a_name, plain, strip_ending, words};
use super::stray::{self, Names};
use super::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::callback::Callback;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase, RunAttributes};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::{Syntax, split};
use crate::version::Version;

/// The layout of `MyBatis` Migrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mybatis;

const TOOL: &str = "MyBatis Migrations";
const ENVIRONMENT: &str = "environments/development.properties";
const NAMES: Names = Names { tool: TOOL, form: "ID_DESCRIPTION.sql", is_name: |name| parse(name).is_some() };

/// The id and the description of a name.
fn parse(name: &str) -> Option<(Version, &str)> {
    let (id, description) = strip_ending(name, ".sql")?.split_once('_')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = id.split('.').all(is_number) && id.split('.').count() <= 2;
    Some((is_decimal.then(|| id.parse().ok())??, description))
}

impl Layout for Mybatis {
    fn name(&self) -> &'static str {
        "mybatis"
    }

    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let marked = |source: &Source| marker::lines(source).any(|line| is_undo(line.text));
        if let Some(source) = folder.scripts().iter().find(|source| marked(source)) {
            return Some(Evidence::certain(format!("`@UNDO` in {}", source.path())));
        }
        let settings = folder.above(ENVIRONMENT)?;
        scripts(folder).iter().any(|file| parse(file.base()).is_some()).then(|| Evidence::certain(settings.path()))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn settings(&self) -> &'static [&'static str] {
        &[ENVIRONMENT]
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let environment = Environment::read(folder, options, &mut reading);
        let mut ids: Vec<(Version, String)> = Vec::new();
        for file in scripts(folder) {
            match (file.base(), parse(file.base())) {
                ("bootstrap.sql" | "onabort.sql", _) => aside(&file, options, &mut reading),
                (_, Some((version, description))) => {
                    ids.push((version.clone(), file.path()));
                    script(&file, version, words(description), &environment, options, &mut reading);
                }
                (_, None) => reading.diagnostics.extend(unread(&file)),
            }
        }
        hooks(folder, &environment, &mut reading);
        check_decimals(ids, &mut reading);
        reading.without_twins()
    }

    /// Of a stored text only its own marks are known.
    fn cuts(&self, source: &Source, _: &Syntax) -> Vec<Cut> {
        Environment::default().cuts(source, source.range().end, None)
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        if let Some(engine) = &new.engine {
            return refused(format!("{}: {TOOL} has no files for one engine, so none for {engine}", new.id));
        }
        let MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 } = &new.id else {
            return refused(format!("{}: {TOOL} has neither repeatables nor phases", new.id));
        };
        let name = format!("{version}_{}.sql", in_a_name(&new.description));
        if parse(&name).is_none() {
            return refused(format!("{}: an id of {TOOL} is a decimal number", new.id));
        }
        let back = if new.reversible { "-- //@UNDO\n\n" } else { "" };
        Ok(vec![NewFile { name, text: format!("-- // {}\n\n{back}", new.description) }])
    }
}

/// The scripts of a repository, or of the folder itself.
fn scripts(folder: &Folder) -> Vec<File> {
    if folder.subfolder_names().any(|name| name == "scripts") {
        let inside = |file: &&File| file.name().strip_prefix("scripts/").is_some_and(|rest| !rest.contains('/'));
        return folder.tree().files.iter().filter(inside).cloned().collect();
    }
    folder.files().to_vec()
}

/// `-- //@UNDO` and its like.
fn is_undo(line: &str) -> bool {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("--").or_else(|| line.strip_prefix("//")) else { return false };
    rest.trim_start().strip_prefix("//").is_some_and(|rest| rest.trim_start().starts_with("@UNDO"))
}

fn script(
    file: &File,
    version: Version,
    description: String,
    environment: &Environment,
    options: &ReadOptions,
    reading: &mut Reading,
) {
    let Some(written) = reading.text(file) else { return };
    let mut draft = Draft::new(plain(version), description, written.clone());
    let undo = marker::lines(&written).find(|line| is_undo(line.text)).map(|line| line.range);
    let source = environment.prepared(&written, undo.as_ref());
    let whole = source.range();
    let middle = undo.as_ref().map_or(whole.end, |undo| source.executed_offset(undo.start));
    let back = undo.as_ref().map(|undo| source.executed_offset(undo.end)..whole.end);
    let title = draft.title();
    if !environment.full_script {
        reading.diagnostics.extend(dropped(&source, &title, environment, &options.engine.syntax));
    }
    let cuts = if environment.full_script { Vec::new() } else { environment.cuts(&source, middle, back.as_ref()) };
    let source = source.with_cuts(cuts);
    draft.up = source.part(whole.start..middle);
    draft.down = back.map(|back| source.part(back));
    let run = RunAttributes { no_transaction: environment.auto_commit, ..RunAttributes::default() };
    draft.attributes.run = run.clone();
    draft.attributes.down = run;
    reading.take(draft, &options.engine);
}

/// Every `.sql` must have a number, or the tool stops.
fn unread(file: &File) -> Option<Diagnostic> {
    if strip_ending(file.base(), ".sql").is_none() {
        return stray::judge(file, &NAMES);
    }
    let message =
        format!("{}: has no id: {TOOL} stops at a name that does not begin with a number and `_`", file.name());
    Some(
        Diagnostic::error(codes::NEAR_MISS_NAME, message)
            .at(Place::path(file.path()))
            .help(format!("the names are {}", NAMES.form)),
    )
}

/// Scripts that no `up` runs.
fn aside(file: &File, options: &ReadOptions, reading: &mut Reading) {
    let Some(source) = reading.text(file) else { return };
    if split::split(&source, &options.engine.syntax).pieces.is_empty() {
        return;
    }
    let (when, help) = if file.base() == "bootstrap.sql" {
        (
            "`bootstrap`, on a new database",
            "run it with the engine's own client before the first `migrate up`, or make it the first migration",
        )
    } else {
        (
            "a run that fails",
            "a failed migration is rolled back or goes on where it stopped, so nothing is to be cleaned up",
        )
    };
    let message = format!("{}: is not run: it belongs to {when}", file.name());
    reading.diagnostics.push(Diagnostic::note(codes::CALLBACK, message).at(Place::path(file.path())).help(help));
}

/// `1.10` is less than `1.5` as a decimal, and more as a version.
fn check_decimals(ids: Vec<(Version, String)>, reading: &mut Reading) {
    let key = |version: &Version| {
        let (whole, fraction) = version.as_str().split_once('.').unwrap_or((version.as_str(), ""));
        let whole = whole.trim_start_matches('0');
        (whole.len(), whole.to_owned(), fraction.trim_end_matches('0').to_owned())
    };
    let mut ids = ids;
    ids.sort_by_key(|(version, _)| key(version));
    for pair in ids.windows(2) {
        let [(earlier, _), (later, path)] = pair else { continue };
        if key(earlier) != key(later) && earlier >= later {
            let message = format!("{later}: comes after {earlier} as a decimal number, and not as a version");
            reading.diagnostics.push(
                Diagnostic::error(codes::OUT_OF_ORDER, message)
                    .at(Place::path(path))
                    .help("where nothing is applied yet, write all ids with the same number of digits behind the dot"),
            );
        }
    }
}

/// What follows a delimiter on its line is dropped by the tool, and run here.
fn dropped(source: &Source, title: &str, environment: &Environment, syntax: &Syntax) -> Option<Diagnostic> {
    if environment.full_line || environment.delimiter != ";" || source.written_file().contains("@DELIMITER") {
        return None;
    }
    let pieces = split::split(source, syntax).pieces;
    let second = pieces.windows(2).find(|pair| {
        let between = &source.file()[pair[0].text.end..pair[1].text.start];
        !between.contains('\n')
    })?;
    let message = format!("{title}: {TOOL} drops what follows `;` on its line, and this is run here");
    Some(
        Diagnostic::warning(codes::BAD_DIRECTIVE, message)
            .at(Place::in_source(source, second[1].text.clone()))
            .help("put every statement on a line of its own; where the file is applied, see what the database lacks"),
    )
}

fn hooks(folder: &Folder, environment: &Environment, reading: &mut Reading) {
    for (event, what, at) in &environment.hooks {
        let place = environment.source.as_ref().map(|source| Place::in_source(source, at.clone()));
        let problem = |message: String| {
            let mut problem = Diagnostic::error(codes::CALLBACK, message);
            problem.place.clone_from(&place);
            problem
        };
        let file = what.strip_prefix("SQL:").map(|file| file.split(':').next().unwrap_or(file).trim());
        let Some(file) = file else {
            let message =
                format!("{event}: the hook is no SQL, and cannot be run: {}", what.split(':').next().unwrap_or(what));
            reading.diagnostics.push(problem(message).help("write it in SQL: hook_…=SQL:FILE"));
            continue;
        };
        let Some(file) = folder.above(&format!("hooks/{file}")) else {
            reading.diagnostics.push(problem(format!("{event}: there is no hooks/{file}")));
            continue;
        };
        let Some(source) = reading.text(&file) else { continue };
        let run = RunAttributes { no_transaction: environment.auto_commit, ..RunAttributes::default() };
        let script = environment.prepared(&source, None);
        reading.callbacks.push(Callback { event: *event, description: String::new(), script, run });
    }
}
