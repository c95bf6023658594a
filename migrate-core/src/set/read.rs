//! Folders → a set: layout, manifest, and what only shows when both are known.

use std::path::PathBuf;

use super::{Loaded, MigrationSet, ReadOptions};
use crate::diagnostic::{Diagnostic, Place, Severity, codes, nearest};
use crate::layout::{self, Detection, Folder, Late, Layout, Procrastinate, Reading, detect};
use crate::manifest::{About, Manifest};
use crate::migration::{Migration, MigrationId, Phase, Snapshot};

impl MigrationSet {
    /// Reads the set that lies in one or several folders.
    ///
    /// # Errors
    /// Everything that is wrong, warnings included: unreadable folders and files, names that are almost names,
    /// duplicates, bad directives, a bad manifest, no migration at all.
    pub fn read(folders: &[PathBuf], options: &ReadOptions) -> Result<Loaded, Vec<Diagnostic>> {
        let (folder, diagnostics) = Folder::read(folders);
        load(&folder, options, diagnostics)
    }

    /// Reads the set a folder holds, which may be compiled in.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_folder(folder: &Folder, options: &ReadOptions) -> Result<Loaded, Vec<Diagnostic>> {
        load(folder, options, Vec::new())
    }

    /// The layout of a folder, and how it was found where nobody said which it is: what `options` say, else the
    /// manifest, else the signs of the files.
    ///
    /// # Errors
    /// If there is no layout of that name, or nobody can tell which it is.
    pub fn layout_of(
        folder: &Folder,
        options: &ReadOptions,
    ) -> Result<(&'static dyn Layout, Option<Detection>), Box<Diagnostic>> {
        chosen(folder, options, &manifest(folder, &mut Vec::new()))
    }

    /// What of a folder was understood, also where it is no set: for checks that go on after an error.
    pub fn understood(folder: &Folder, options: &ReadOptions) -> (Vec<Migration>, Vec<Snapshot>) {
        let mut nobody = Vec::new();
        let manifest = manifest(folder, &mut nobody);
        let reading = chosen(folder, options, &manifest).map(|(layout, _)| layout.read(folder, options));
        reading.map(|reading| (reading.migrations, reading.snapshots)).unwrap_or_default()
    }
}

fn load(folder: &Folder, options: &ReadOptions, mut diagnostics: Vec<Diagnostic>) -> Result<Loaded, Vec<Diagnostic>> {
    let manifest = manifest(folder, &mut diagnostics);
    let (layout, detection) = match chosen(folder, options, &manifest) {
        Ok(chosen) => chosen,
        Err(problem) => {
            diagnostics.push(*problem);
            return Err(diagnostics);
        }
    };
    if manifest.unmarked.is_some() && layout.name() != Procrastinate.name() {
        let message = format!(
            "{}: `unmarked` is about files of Procrastinate, and this set is read as {}",
            Manifest::FILE,
            layout.name()
        );
        let help = "take it out; a phase of a single migration stands in its [migration.ID]";
        diagnostics.push(Diagnostic::error(codes::BAD_MANIFEST, message).at(Place::path(Manifest::FILE)).help(help));
    }
    let options = &ReadOptions { unmarked: manifest.unmarked.or(options.unmarked), ..options.clone() };
    let mut reading = layout.read(folder, options);
    for migration in &mut reading.migrations {
        migration.attributes.unordered |= layout.late() == Late::Runs;
    }
    diagnostics.append(&mut reading.diagnostics);
    let blameless = !diagnostics.iter().any(is_error);
    if blameless && reading.migrations.is_empty() && reading.snapshots.is_empty() {
        diagnostics.push(nothing(folder, &reading, options));
    }
    annotate(&mut reading, &manifest, &mut diagnostics);
    suffixes(&reading, &manifest, &mut diagnostics);
    if !reading.migrations.is_empty() || !reading.snapshots.is_empty() {
        diagnostics.extend(elsewhere(&reading, options));
    }

    let component = options.component.as_ref().or(manifest.component.as_ref());
    let component = component.map_or(MigrationSet::MAIN, String::as_str).to_owned();
    match MigrationSet::assemble(component, layout.name(), reading.migrations, reading.snapshots, manifest) {
        Ok(set) if !diagnostics.iter().any(is_error) => {
            Ok(Loaded { set: set.with_callbacks(reading.callbacks).with_roots(folder.roots()), diagnostics, detection })
        }
        Ok(_) => Err(diagnostics),
        Err(problems) => {
            diagnostics.extend(problems);
            Err(diagnostics)
        }
    }
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity >= Severity::Refused
}

fn manifest(folder: &Folder, diagnostics: &mut Vec<Diagnostic>) -> Manifest {
    let mut files = folder.files().iter().filter(|file| file.name() == Manifest::FILE);
    let Some(file) = files.next() else {
        return Manifest::default();
    };
    for other in files {
        diagnostics.push(
            Diagnostic::error(
                codes::BAD_MANIFEST,
                format!("{}: a set has one manifest, this is the second", other.name()),
            )
            .at(Place::path(other.path()))
            .help(format!("the first one is {}: move everything there", file.path())),
        );
    }
    match file.source() {
        Ok(source) => {
            let (manifest, mut problems) = Manifest::parse(source);
            diagnostics.append(&mut problems);
            manifest
        }
        Err(problem) => {
            diagnostics.push(*problem);
            Manifest::default()
        }
    }
}

fn chosen(
    folder: &Folder,
    options: &ReadOptions,
    manifest: &Manifest,
) -> Result<(&'static dyn Layout, Option<Detection>), Box<Diagnostic>> {
    if let Some(name) = options.layout.as_ref().or(manifest.layout.as_ref()) {
        return Ok((layout::named(name)?, None));
    }
    let detection = detect(folder, &options.database)?;
    Ok((layout::named(detection.layout)?, Some(detection)))
}

/// Adds what the manifest says about single migrations.
fn annotate(reading: &mut Reading, manifest: &Manifest, diagnostics: &mut Vec<Diagnostic>) {
    for (id, about) in &manifest.migrations {
        let place = || manifest.place(about).unwrap_or_else(|| Place::path(Manifest::FILE));
        let found = reading.migrations.iter().position(|migration| migration.id == *id).or_else(|| {
            let marked = with_phase(id, about.phase?)?;
            reading.migrations.iter().position(|migration| migration.id == marked)
        });
        let Some(position) = found else {
            if !reading.elsewhere.contains(id) {
                diagnostics.push(unknown(id, reading, place()));
            }
            continue;
        };
        let migration = &mut reading.migrations[position];
        for problem in apply(migration, about) {
            diagnostics.push(
                Diagnostic::error(codes::BAD_MANIFEST, format!("{}: {problem}", migration.title()))
                    .at(place())
                    .help(format!("say it once, here or in {}", migration.up.path())),
            );
        }
    }
}

/// Says what contradicts the file itself.
fn apply(migration: &mut Migration, about: &About) -> Vec<&'static str> {
    let mut problems = Vec::new();
    if let Some(phase) = about.phase {
        match with_phase(&migration.id, phase) {
            Some(id) => migration.id = id,
            None if migration.id.phase() == phase && !migration.id.is_repeatable() => {}
            None => problems.push("the manifest says another phase than the file"),
        }
    }
    let attributes = &mut migration.attributes;
    attributes.accepted_checksums.extend(about.accept.iter().cloned());
    attributes.renamed_from.extend(about.renamed_from.iter().cloned());
    let run = &mut attributes.run;
    match about.no_transaction {
        Some(true) => run.no_transaction = true,
        Some(false) if run.no_transaction => {
            problems.push("the manifest says no-transaction = false, the file says true");
        }
        _ => {}
    }
    for (name, value) in &about.settings {
        match run.settings.iter().find(|(other, _)| other == name) {
            None => run.settings.push((name.clone(), value.clone())),
            Some((_, other)) if other == value => {}
            Some(_) => problems.push("the manifest and the file set one setting to different values"),
        }
    }
    let mut settle = |agree: bool, problem| {
        if !agree {
            problems.push(problem);
        }
    };
    settle(
        merge(&mut run.timeouts.lock, about.timeouts.lock.as_ref())
            & merge(&mut run.timeouts.statement, about.timeouts.statement.as_ref()),
        "the manifest and the file give different timeouts",
    );
    settle(
        merge(&mut attributes.compatible_from, about.compatible_from.as_ref()),
        "the manifest and the file give different compatible-from versions",
    );
    settle(
        merge(&mut attributes.requires_version, about.requires_version.as_ref()),
        "the manifest and the file give different requires-version versions",
    );
    settle(
        merge(&mut attributes.irreversible, about.irreversible.as_ref()),
        "the manifest and the file give different reasons for irreversible",
    );
    settle(
        merge(&mut attributes.optional, about.optional.as_ref()),
        "the manifest and the file give different names for optional",
    );
    problems
}

/// Whether both agree, or only one says anything.
fn merge<T: Clone + PartialEq>(ours: &mut Option<T>, theirs: Option<&T>) -> bool {
    match (&ours, theirs) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (None, Some(theirs)) => {
            *ours = Some(theirs.clone());
            true
        }
        (_, None) => true,
    }
}

/// Only an identity that says nothing about its phase can be given one.
fn with_phase(id: &MigrationId, phase: Phase) -> Option<MigrationId> {
    match id {
        MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 } => {
            Some(MigrationId::versioned(version.clone(), phase, 0))
        }
        _ => None,
    }
}

/// A warning: the entry may be about a migration that is gone.
fn unknown(id: &MigrationId, reading: &Reading, place: Place) -> Diagnostic {
    let ids: Vec<String> = reading.migrations.iter().map(|migration| migration.id.to_string()).collect();
    let diagnostic = Diagnostic::warning(
        codes::BAD_MANIFEST,
        format!("{id}: the manifest speaks of it, but there is no such migration"),
    )
    .at(place);
    match nearest(&id.to_string(), ids.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean \"{near}\"?")),
        None => diagnostic.help("take the entry out of the manifest"),
    }
}

fn suffixes(reading: &Reading, manifest: &Manifest, diagnostics: &mut Vec<Diagnostic>) {
    if manifest.suffix_order.is_some() {
        return;
    }
    for migration in &reading.migrations {
        let Some(version) = migration.id.version().filter(|version| version.has_prerelease_suffix()) else {
            continue;
        };
        let bare = version.as_str().split('-').next().unwrap_or_default();
        diagnostics.push(
            Diagnostic::warning(
                codes::PRERELEASE_SUFFIX,
                format!("{}: {version} sorts after {bare}, not before it", migration.title()),
            )
            .at(Place::path(migration.up.path()))
            .help(format!("if it is meant to come first, name the later one {bare}.1"))
            .help(format!("if it is right, write suffix-order = \"after\" into {}", Manifest::FILE)),
        );
    }
}

fn elsewhere(reading: &Reading, options: &ReadOptions) -> Option<Diagnostic> {
    let (first, rest) = reading.elsewhere.split_first()?;
    let engine = options.engine.names.first().copied().unwrap_or_default();
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    let verb = if rest.is_empty() { "has" } else { "have" };
    Some(
        Diagnostic::note(
            codes::OTHER_ENGINE,
            format!("{first}{more}: {verb} files for other engines only, so {engine} goes without"),
        )
        .help(engines_of(engine)),
    )
}

fn engines_of(engine: &str) -> String {
    format!("a file without an engine in its name serves all engines, one with .{engine} only this one")
}

fn nothing(folder: &Folder, reading: &Reading, options: &ReadOptions) -> Diagnostic {
    let roots: Vec<String> = folder.roots().iter().map(|root| root.display().to_string()).collect();
    let shown = if roots.is_empty() { "no folder was given".to_owned() } else { roots.join(", ") };
    let message = match (&options.engine.names, reading.elsewhere.is_empty()) {
        ([engine, ..], false) => format!("{shown}: holds no migration for {engine}, only for other engines"),
        _ => format!("{shown}: holds no migration"),
    };
    let mut diagnostic = Diagnostic::refused(codes::EMPTY_FOLDER, message);
    if let ([engine, ..], false) = (&options.engine.names, reading.elsewhere.is_empty()) {
        diagnostic = diagnostic.help(engines_of(engine));
    }
    if let [root] = roots.as_slice() {
        diagnostic = diagnostic.at(Place::path(root));
    }
    let below = folder.scripts_below();
    for (path, count) in &below {
        let files = if *count == 1 { "file" } else { "files" };
        diagnostic = diagnostic.help(format!("{0} holds {count} .sql {files}: --dir {0}", path.display()));
    }
    if below.is_empty() && reading.elsewhere.is_empty() {
        diagnostic = diagnostic.help("write the first one: migrate new create_users");
    }
    diagnostic
}
