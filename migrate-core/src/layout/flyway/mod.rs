//! Flyway: `V1__create_users.sql`, `R__user_view.sql`, `B5__base.sql`, `U1__create_users.sql`, in any subfolder.
//!
//! | | |
//! |---|---|
//! | names | prefixes, separator and suffixes as `flyway.conf` or `flyway.toml` say; hidden folders are left out |
//! | order | by version, then repeatables by description; late ones are refused unless `outOfOrder` |
//! | pairing | `U` is the way back of the `V` with its version |
//! | transaction | one per migration; `executeInTransaction` in `FILE.conf` or the settings; what cannot be in one is journalled, also where Flyway would want `mixed` |
//! | markers | none: statements end where they do for the engine's client |
//! | placeholders | `${name}`, any case, everywhere in a text; without a value an error; off by `placeholderReplacement` |
//! | callbacks | those around migrate and undo are steps; those of other commands are named and left; those of statements, failures and connections are refused |
//! | repeatables | run again when their text or the values in it change |
//! | refused | other encodings, `shouldExecute`, a `B` whose version no `V` has on an empty database, scripts in other languages until they are recorded |
//!
//! Source: Flyway 13.0.0 (commit c5e20fc773), `ResourceNameParser`, `MigrationVersion`, `SqlScriptMetadata`, `Event`.

mod events;
mod name;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::events::Fate;
use self::name::{Flaw, Name, Subject};
use self::settings::Settings;
use super::detect::Evidence;
use super::draft::Draft;
use super::name::{ends_a_name, in_a_name, plain};
use super::properties::{self, Backslash};
use super::stray::{self, Names};
use super::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::callback::Callback;
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase, Replaced, RunAttributes, Snapshot};
use crate::placeholder::Values;
use crate::set::{ReadOptions, duplicate_files};
use crate::source::Source;
use crate::version::Version;

/// Flyway's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flyway;

const TOOL: &str = "Flyway";
const NAMES: Names = Names {
    tool: TOOL,
    form: "VVERSION__DESCRIPTION.sql, R__DESCRIPTION.sql and the names of callbacks",
    is_name: |name| name::parse(name, &Settings::default()).is_ok(),
};

impl Layout for Flyway {
    fn name(&self) -> &'static str {
        "flyway"
    }

    /// `V1__x.sql` is refinery's too, so something else must speak for Flyway; `U1__x.sql` means the opposite there, and
    /// nobody guesses.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let defaults = Settings::default();
        let names: Vec<(&str, Result<Name, Flaw>)> = folder
            .tree()
            .files
            .iter()
            .map(|file| (file.name(), name::parse(file.base(), &defaults)))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        let of = |test: &dyn Fn(&Subject) -> bool| {
            names.iter().find(|(_, name)| name.as_ref().is_ok_and(|name| test(&name.subject))).map(|(name, _)| *name)
        };
        let settings = settings::FILES.iter().find_map(|name| folder.above(name)).map(|file| file.path());
        let versioned = of(&|subject| matches!(subject, Subject::Versioned(_)));
        let Some(versioned) = versioned else {
            let other = of(&|subject| matches!(subject, Subject::Repeatable | Subject::Baseline(_)))?;
            return settings.map(|settings| Evidence::certain(format!("{other} and {settings}")));
        };
        let certain =
            of(&|subject| matches!(subject, Subject::Repeatable | Subject::Baseline(_) | Subject::Callback(_)))
                .or_else(|| of(&|subject| matches!(subject, Subject::Versioned(version) if version.is_dotted())))
                .map(str::to_owned)
                .or_else(|| {
                    let conf = folder.tree().files.iter().find(|file| file.name().ends_with(".sql.conf"))?;
                    Some(conf.name().to_owned())
                })
                .or(settings)
                .or_else(|| build_file(folder));
        Some(match certain {
            Some(seen) if seen == versioned => Evidence::certain(seen),
            Some(seen) => Evidence::certain(format!("{versioned} and {seen}")),
            None => Evidence::shared(versioned),
        })
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    /// A set that is compiled in has them as they are: a password in them would be in the program.
    fn settings(&self) -> &'static [&'static str] {
        settings::FILES
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        reading.diagnostics.extend(folder.tree().problems.iter().cloned());
        let settings = settings::read(folder, options, &mut reading.diagnostics);
        let mut reader = Reader { folder, options, settings, reading, drafts: Vec::new(), undos: Vec::new() };
        for file in &folder.tree().files {
            reader.file(file);
        }
        reader.finish()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        if let Some(engine) = &new.engine {
            return refused(format!("{}: {TOOL} has no files for one engine, so none for {engine}", new.id));
        }
        let file = |name: String| NewFile { name, text: String::new() };
        match &new.id {
            MigrationId::Repeatable { .. } if new.reversible => {
                refused(format!("{}: a repeatable of {TOOL} has no way back", new.id))
            }
            MigrationId::Repeatable { name } if name.contains(|c: char| c != ' ' && ends_a_name(c)) => {
                refused(format!("{}: a repeatable's name has no dots or slashes in it", new.id))
            }
            MigrationId::Repeatable { name } => Ok(vec![file(format!("R__{}.sql", name.replace(' ', "_")))]),
            MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 } if version.suffix().is_none() => {
                let stem = format!("{version}__{}", in_a_name(&new.description));
                let back = new.reversible.then(|| file(format!("U{stem}.sql")));
                Ok([file(format!("V{stem}.sql"))].into_iter().chain(back).collect())
            }
            MigrationId::Versioned { .. } => {
                refused(format!("{}: a version of {TOOL} is numbers with dots, without a phase", new.id))
            }
        }
    }
}

/// The build that has Flyway's plugin in it.
fn build_file(folder: &Folder) -> Option<String> {
    ["pom.xml", "build.gradle", "build.gradle.kts"].iter().find_map(|name| {
        let file = folder.above(name)?;
        file.source().ok()?.text().contains("flyway").then(|| file.path())
    })
}

struct Reader<'a> {
    folder: &'a Folder,
    options: &'a ReadOptions,
    settings: Settings,
    reading: Reading,
    drafts: Vec<Draft>,
    /// Ways back, with their versions and how they run.
    undos: Vec<(Version, Source, RunAttributes)>,
}

impl Reader<'_> {
    fn file(&mut self, file: &File) {
        if file.base().to_ascii_lowercase().ends_with(".conf") {
            self.lone_conf(file);
            return;
        }
        match name::parse(file.base(), &self.settings) {
            Ok(name) => self.script(file, name),
            Err(Flaw::Foreign) => {
                if !self.code(file) {
                    self.reading.diagnostics.extend(stray::judge(file, &NAMES));
                }
            }
            // `README.sql` begins with R.
            Err(Flaw::NoVersion { .. }) => self.reading.diagnostics.extend(stray::judge(file, &NAMES)),
            Err(flaw) => self.reading.diagnostics.push(near_miss(file, &flaw)),
        }
    }

    fn script(&mut self, file: &File, Name { subject, description }: Name) {
        let title = match &subject {
            Subject::Versioned(version) | Subject::Undo(version) => {
                crate::migration::title(&plain(version.clone()), &description)
            }
            Subject::Baseline(version) => crate::migration::snapshot_title(version, &description),
            Subject::Repeatable => format!("R {description}"),
            Subject::Callback(event) => format!("{} {description}", event.name).trim_end().to_owned(),
        };
        if let Subject::Callback(event) = &subject
            && !self.is_carried_out(file, event, &title)
        {
            return;
        }
        let conf = self.conf(file, &title);
        let Some(source) = self.reading.text(file) else { return };
        let source = self.with_values(source, file, &title, &conf);
        let run = RunAttributes {
            no_transaction: !conf.in_transaction.unwrap_or(self.settings.in_transaction),
            ..RunAttributes::default()
        };
        match subject {
            Subject::Versioned(version) => self.migration(plain(version), description, source, run),
            Subject::Repeatable => self.migration(MigrationId::repeatable(&description), description, source, run),
            Subject::Undo(version) => self.undos.push((version, source, run)),
            Subject::Baseline(version) => self.reading.snapshots.push(Snapshot {
                version,
                description,
                checksum: checksum::raw(source.written()),
                script: source,
                run,
                replaces: Vec::new(),
                is_declared: false,
            }),
            Subject::Callback(event) => {
                if let Fate::Runs(event) = event.fate {
                    self.callback(Callback { event, description, script: source, run });
                }
            }
        }
    }

    fn migration(&mut self, id: MigrationId, description: String, source: Source, run: RunAttributes) {
        let mut draft = Draft::new(id, description, source);
        draft.attributes.run = run;
        draft.attributes.unordered = self.settings.out_of_order;
        self.drafts.push(draft);
    }

    fn callback(&mut self, callback: Callback) {
        let same = |other: &&Callback| (other.event, &other.description) == (callback.event, &callback.description);
        match self.reading.callbacks.iter().find(same) {
            Some(other) => {
                let twin = duplicate_files(&callback.title(), callback.script.path(), other.script.path());
                self.reading.diagnostics.push(twin);
            }
            None => self.reading.callbacks.push(callback),
        }
    }

    /// Whether a callback runs; what is said of one that does not.
    fn is_carried_out(&mut self, file: &File, event: &events::Event, title: &str) -> bool {
        let said = match event.fate {
            Fate::Runs(_) if self.settings.skips_callbacks => {
                Diagnostic::note(codes::CALLBACK, format!("{title}: is not run: flyway.skipDefaultCallbacks is true"))
            }
            Fate::Runs(_) => return true,
            Fate::Elsewhere(command) => Diagnostic::note(
                codes::CALLBACK,
                format!("{title}: is not run: it belongs to {command}, which this does not do as {TOOL} does"),
            ),
            Fate::Needed(what) => Diagnostic::error(
                codes::CALLBACK,
                format!("{title}: cannot be run: nothing here hangs on {what}, and without it {TOOL} would do something else"),
            )
            .help("put what it does into a callback around migrations: beforeMigrate, beforeEachMigrate, afterEachMigrate …")
            .help("or move it out of the folder"),
        };
        self.reading.diagnostics.push(said.at(Place::path(file.path())));
        false
    }

    /// A script in another language, or a class in Java.
    fn code(&mut self, file: &File) -> bool {
        let Some((stem, ending)) = file.base().rsplit_once('.') else { return false };
        let ending = ending.to_ascii_lowercase();
        let language = match ending.as_str() {
            "class" => "Java",
            "bat" | "cmd" => "batch",
            other => match stray::CODE.iter().find(|(code, _)| *code == other) {
                Some((_, language)) => language,
                None => return false,
            },
        };
        let Ok(Name { subject, description }) = name::parse_stem(stem, &self.settings) else { return false };
        match subject {
            Subject::Versioned(version) => self.reading.take_code(plain(version), description, file, language),
            Subject::Repeatable => {
                self.reading.take_code(MigrationId::repeatable(&description), description, file, language);
            }
            Subject::Undo(_) | Subject::Baseline(_) | Subject::Callback(_) => {
                let message = format!("{}: is not run: it is {language} code", file.name());
                let fatal = matches!(subject, Subject::Callback(event) if matches!(event.fate, Fate::Runs(_) | Fate::Needed(_)));
                let said = if fatal {
                    Diagnostic::error(codes::CALLBACK, message)
                        .help("put what it does into SQL, or move it out of the folder")
                } else {
                    Diagnostic::warning(codes::CALLBACK, message)
                };
                self.reading.diagnostics.push(said.at(Place::path(file.path())));
            }
        }
        true
    }

    fn with_values(&mut self, source: Source, file: &File, title: &str, conf: &Conf) -> Source {
        if !conf.replaces.unwrap_or(self.settings.replaces) {
            return source;
        }
        let mut values: Values = [
            ("flyway:filename", file.base()),
            ("flyway:table", &self.settings.table),
            ("flyway:environment", "default"),
        ]
        .into_iter()
        .collect();
        for (name, variable) in [("flyway:workingDirectory", "PWD"), ("flyway:timestamp", "flyway:timestamp")] {
            if let Some(value) = self.options.environment.get(variable) {
                values = values.with(name, value);
            }
        }
        for (name, value) in self.settings.placeholders.iter() {
            values = values.with(name, value);
        }
        self.settings.grammar.replace(&source, title, &values, &mut self.reading.diagnostics)
    }

    /// What `FILE.conf` says about one script.
    fn conf(&mut self, file: &File, title: &str) -> Conf {
        let mut conf = Conf::default();
        let name = format!("{}.conf", file.name());
        let beside = self.folder.tree().files.iter().find(|other| other.name() == name);
        let Some(source) = beside.and_then(|file| self.reading.text(file)) else { return conf };
        for property in properties::parse(&source, Backslash::Literal) {
            let place = || Place::in_source(&source, property.at.clone());
            let value = property.value.trim().to_lowercase();
            let flag = match value.as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            };
            let problem = match property.key.as_str() {
                "executeInTransaction" if flag.is_some() => {
                    conf.in_transaction = flag;
                    continue;
                }
                "placeholderReplacement" if flag.is_some() => {
                    conf.replaces = flag;
                    continue;
                }
                "executeInTransaction" | "placeholderReplacement" => "is true or false".to_owned(),
                "encoding" if ["utf-8", "utf8"].contains(&value.as_str()) => continue,
                "encoding" => format!("{} is not read: save the file as UTF-8", property.value.trim()),
                "shouldExecute" if flag == Some(true) => continue,
                "shouldExecute" => {
                    "decides by an expression whether the script runs, which nothing here evaluates".to_owned()
                }
                _ => "is no setting of a script".to_owned(),
            };
            self.reading.diagnostics.push(
                Diagnostic::error(codes::FOREIGN_FILE, format!("{title}: `{}` {problem}", property.key)).at(place()),
            );
        }
        conf
    }

    /// A `.conf` belongs to a script or to Flyway itself.
    fn lone_conf(&mut self, file: &File) {
        let script = &file.name()[..file.name().len() - ".conf".len()];
        let is_there = self.folder.tree().files.iter().any(|other| other.name() == script);
        if !is_there && name::parse(script.rsplit('/').next().unwrap_or(script), &self.settings).is_ok() {
            self.reading.diagnostics.push(
                Diagnostic::warning(
                    codes::FOREIGN_FILE,
                    format!("{}: belongs to {script}, which is not there", file.name()),
                )
                .at(Place::path(file.path())),
            );
        }
    }

    fn finish(mut self) -> Reading {
        let mut undos: BTreeMap<Version, (Source, RunAttributes)> = BTreeMap::new();
        for (version, source, run) in std::mem::take(&mut self.undos) {
            if let Some((other, _)) = undos.get(&version) {
                let title = format!("undo of {version}");
                self.reading.diagnostics.push(duplicate_files(&title, source.path(), other.path()));
            } else {
                undos.insert(version, (source, run));
            }
        }
        for mut draft in std::mem::take(&mut self.drafts) {
            if let Some((down, run)) = draft.id.version().and_then(|version| undos.remove(version)) {
                draft.down = Some(down);
                draft.attributes.down = run;
            }
            self.reading.take(draft, &self.options.engine);
        }
        let mut reading = self.reading.without_twins();
        for (version, (source, _)) in undos {
            reading.diagnostics.push(
                Diagnostic::error(codes::DANGLING_DOWN, format!("{version}: an undo without its migration"))
                    .at(Place::path(source.path()))
                    .help(format!("it takes back V{version}__….sql, which is not there"))
                    .help("if it is a migration of refinery, which runs forward: --layout refinery"),
            );
        }
        for snapshot in &mut reading.snapshots {
            snapshot.replaces = stands_for(&snapshot.version, &reading.migrations);
        }
        reading
    }
}

/// What `FILE.conf` says.
#[derive(Default)]
struct Conf {
    in_transaction: Option<bool>,
    replaces: Option<bool>,
}

/// A baseline migration stands for everything up to its version, and for that version itself.
fn stands_for(version: &Version, migrations: &[crate::migration::Migration]) -> Vec<Replaced> {
    let below = |id: &&MigrationId| id.version().is_some_and(|other| other <= version);
    let mut ids: Vec<MigrationId> = migrations.iter().map(|migration| &migration.id).filter(below).cloned().collect();
    if !ids.iter().any(|id| id.version() == Some(version)) {
        ids.push(plain(version.clone()));
    }
    ids.sort();
    ids.into_iter().map(|id| Replaced { id, checksum: None }).collect()
}

fn near_miss(file: &File, flaw: &Flaw) -> Diagnostic {
    let message =
        format!("{}: is not a migration's name: {flaw}; {TOOL} would pass it over without a word", file.name());
    let diagnostic = Diagnostic::error(codes::NEAR_MISS_NAME, message).at(Place::path(file.path()));
    // `V1_x.sql`: the separator has two underscores.
    let repaired =
        file.base().split_once('_').map(|(left, right)| format!("{left}__{}", right.trim_start_matches('_')));
    match repaired.filter(|name| name::parse(name, &Settings::default()).is_ok()) {
        Some(name) => diagnostic.help(format!("if it is a migration, name it {name}")),
        None => diagnostic.help(format!("the names are {}", NAMES.form)),
    }
    .help("if it is none, move it out of the folder")
}
