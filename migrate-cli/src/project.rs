//! What a command works with: the configuration, the backend of its URL, the set of migrations.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use migrate_core::diagnostic::{Diagnostic, Place, codes};
use migrate_core::layout::detect::InDatabase;
use migrate_core::plan::{Goal, Policy};
use migrate_core::set::Loaded;
use migrate_core::{EngineNames, MigrationId, MigrationSet, Migrator, ReadOptions};

use crate::args::Cli;
use crate::backends::{self, CliBackend, Database, Opening, block_on};
use crate::config::{Config, Key, Origin, Setting};
use crate::database_url::DatabaseUrl;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::ids;
use crate::password::Password;
use crate::screen::Screen;
use crate::secret::Secret;

/// What a command works with.
pub struct Project<'a> {
    /// Every engine of this build.
    pub backends: &'a [Box<dyn CliBackend>],
    /// What was typed.
    pub cli: &'a Cli,
    /// Every setting.
    pub config: Config,
    /// The variables.
    pub environment: &'a Environment,
    /// The folder that typed paths start from.
    pub cwd: &'a Path,
}

/// A database, and what talks to it.
pub struct Opened<'a> {
    /// The engine.
    pub backend: &'a dyn CliBackend,
    /// The database.
    pub database: Box<dyn Database>,
}

impl<'a> Project<'a> {
    /// The database that flags, variables or the configuration name.
    ///
    /// # Errors
    /// If none does, or its URL cannot be used.
    pub fn open(&self, create: bool) -> Result<Opened<'a>, Failure> {
        let (url, base) = self.url()?.ok_or_else(|| Failure::usage(self.no_database()))?;
        let backend = self.select(&url)?;
        let password = self.password()?;
        let folders = self.config.folders();
        let opening = Opening {
            url: &url,
            base: &base,
            password: password.as_ref(),
            create,
            create_schema: self.config.is_on(Key::CreateSchema),
            connect_wait: self.config.duration(Key::ConnectWait).unwrap_or_default(),
            folders: &folders,
            environment: self.environment,
        };
        let database = backend.open(&opening).map_err(|problem| self.with_origin(*problem))?;
        Ok(Opened { backend, database })
    }

    /// The backend of a URL.
    ///
    /// # Errors
    /// If there is none.
    pub fn select(&self, url: &DatabaseUrl) -> Result<&'a dyn CliBackend, Failure> {
        backends::select(self.backends, url).map_err(|problem| self.with_origin(*problem))
    }

    /// Whoever did not type the URL wants to know where it stands.
    fn with_origin(&self, problem: Diagnostic) -> Failure {
        let setting = [Key::DirectUrl, Key::Url, Key::DatabaseFile].into_iter().find_map(|key| self.config.get(key));
        Failure::usage(match setting.map(|setting| &setting.origin) {
            None | Some(Origin::Flag("database" | "direct-url")) => problem,
            Some(origin) => problem.help(format!("the URL comes from {origin}")),
        })
    }

    /// The URL, and the folder that a relative path in it starts from.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn url(&self) -> Result<Option<(DatabaseUrl, PathBuf)>, Failure> {
        if let Some(setting) = self.config.get(Key::DirectUrl).or_else(|| self.config.get(Key::Url)) {
            return Ok(Some((DatabaseUrl::new(setting.text()), setting.base.clone())));
        }
        let Some(setting) = self.config.get(Key::DatabaseFile) else { return Ok(None) };
        let text = read_secret(setting, "the database's URL")?;
        Ok(Some((DatabaseUrl::new(text.reveal()), self.cwd.to_owned())))
    }

    /// The engine of the URL, or else the first of this build: for commands that need no database.
    ///
    /// # Errors
    /// If there is a URL that cannot be used.
    pub fn engine(&self) -> Result<&'a dyn CliBackend, Failure> {
        match self.url()? {
            Some((url, _)) => self.select(&url),
            None => self.backends.first().map(|backend| &**backend).ok_or_else(|| {
                Failure::usage(Diagnostic::error(codes::NO_BACKEND, "no backend is compiled in; this build has: none"))
            }),
        }
    }

    fn no_database(&self) -> Diagnostic {
        let schemes = self.backends.iter().filter_map(|backend| backend.schemes().first().copied());
        let mut examples: Vec<_> = schemes
            .map(
                |scheme| {
                    if scheme == "sqlite" { "sqlite:app.db".to_owned() } else { format!("{scheme}://user@host/name") }
                },
            )
            .collect();
        if examples.is_empty() {
            examples.push("sqlite:app.db".to_owned());
        }
        let example = &examples[0];
        let command = self.cli.command.name();
        let diagnostic = Diagnostic::error(codes::BAD_URL, "no database was named")
            .help(format!("name it: migrate {command} -d {}", examples.join(", or -d ")))
            .help(format!("or for good: `url = \"{example}\"` in {}, or the variable DATABASE_URL", Config::FILE));
        match self.configuration_above() {
            Some(path) => diagnostic.help(format!("there is a configuration above this folder: --config {path}")),
            None => diagnostic,
        }
    }

    /// People often stand in a folder of the project.
    fn configuration_above(&self) -> Option<String> {
        if self.config.file().is_some() {
            return None;
        }
        let names = [format!("../{}", Config::FILE), format!("../../{}", Config::FILE)];
        names.into_iter().find(|name| self.cwd.join(name).is_file())
    }

    fn password(&self) -> Result<Option<Password>, Failure> {
        if let Some(setting) = self.config.get(Key::PasswordFile) {
            return Ok(Some(Password::file(setting)?));
        }
        match self.config.get(Key::PasswordCommand) {
            Some(setting) => Ok(Some(Password::command(setting)?)),
            None => Ok(None),
        }
    }

    /// How the folders are to be read.
    pub fn read_options(&self, engine: EngineNames, now: SystemTime) -> ReadOptions {
        let mut options = ReadOptions::new(engine);
        options.layout = self.config.text(Key::Layout).map(str::to_owned);
        options.component = self.config.text(Key::Component).map(str::to_owned);
        options.placeholders = self.config.placeholders();
        options.environment = self.environment.values().with("flyway:timestamp", timestamp(now));
        options
    }

    /// The set of migrations; what is worth saying about it is said.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn set(&self, screen: &mut Screen<'_>, opened: &Opened<'_>) -> Result<MigrationSet, Failure> {
        Ok(self.load(screen, opened, None)?.set)
    }

    /// Whether there are migrations here, or somebody said where they are.
    pub fn has_files(&self) -> bool {
        self.config.get(Key::Dir).is_some() || self.config.folders().iter().any(|folder| folder.exists())
    }

    /// The same with how its layout was found, where nobody said which it is. `tool` is whose files they are said to be.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn load(&self, screen: &mut Screen<'_>, opened: &Opened<'_>, tool: Option<&str>) -> Result<Loaded, Failure> {
        let folders = self.config.folders();
        let mut options = self.read_options(opened.backend.dialect().engine(), screen.now());
        options.database.foreign.extend(tool.map(str::to_owned));
        let mut read = MigrationSet::read(&folders, &options);
        if tool.is_none() && is_open(&read) {
            options.database = self.in_database(opened, &read);
            if options.database != InDatabase::default() {
                read = MigrationSet::read(&folders, &options);
            }
        }
        let loaded = read.map_err(|problems| {
            let missing = problems.iter().any(|problem| problem.code == codes::UNREADABLE);
            let above = self.configuration_above().filter(|_| missing);
            let mut failure = Failure::from(problems);
            if let (Some(path), Some(last)) = (above, failure.diagnostics.last_mut()) {
                last.help.push(format!("there is a configuration above this folder: --config {path}"));
            }
            failure
        })?;
        screen.diagnostics(&loaded.diagnostics);
        Ok(loaded)
    }

    /// What the database says about the layout; nothing where it cannot be asked, which the command itself will report.
    fn in_database(&self, opened: &Opened<'_>, read: &Result<Loaded, Vec<Diagnostic>>) -> InDatabase {
        let said = self.config.text(Key::Component).unwrap_or(MigrationSet::MAIN);
        let component = read.as_ref().map_or(said, |loaded| loaded.set.component());
        // To ask is no reason to create it.
        let Ok(existing) = self.open(false) else { return InDatabase::default() };
        let (backend, table) = (existing.database.backend(), self.config.table());
        block_on(opened.backend, Migrator::in_database(&*backend, &table, component)).unwrap_or_default()
    }

    /// Everything that a run needs.
    ///
    /// # Errors
    /// If an identity in `out-of-order` is not one of the set's.
    pub fn migrator(&self, opened: &Opened<'_>, set: MigrationSet, goal: Goal) -> Result<Migrator, Failure> {
        let policy = self.policy(&set)?;
        let mut options = self.config.run_options();
        options.settings = self.config.engine_settings(opened.backend.dialect().names.iter().copied());
        options.installed_by = self.installed_by();
        options.waive = self.cli.command.waive().to_vec();
        let table = self.config.table();
        Ok(Migrator::new(opened.database.backend(), set).goal(goal).policy(policy).options(options).table(table))
    }

    /// What is allowed on the way.
    ///
    /// # Errors
    /// If an identity in `out-of-order` is not one of the set's.
    pub fn policy(&self, set: &MigrationSet) -> Result<Policy, Failure> {
        let known: Vec<MigrationId> = set.iter().map(|migration| migration.id.clone()).collect();
        self.config.policy(|text| ids::find(text, &known)).map_err(|problem| Failure::usage(*problem))
    }

    /// `deploy@ci`, from what the environment tells.
    fn installed_by(&self) -> Option<String> {
        let first = |names: &[&str]| names.iter().find_map(|name| self.environment.get(name));
        let user = first(&["USER", "USERNAME", "LOGNAME"])?;
        Some(match first(&["HOSTNAME", "COMPUTERNAME"]) {
            Some(host) => format!("{user}@{host}"),
            None => user.to_owned(),
        })
    }
}

/// Whether the files leave open whose they are, so that the database is worth a question.
fn is_open(read: &Result<Loaded, Vec<Diagnostic>>) -> bool {
    match read {
        Ok(loaded) => loaded.detection.as_ref().is_some_and(|found| found.seen.is_none() && !found.others.is_empty()),
        Err(problems) => problems.iter().any(|problem| problem.code == codes::UNDECIDED_LAYOUT),
    }
}

/// As Flyway writes its placeholder of that name, in UTC.
fn timestamp(now: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::Offset::UTC.to_datetime(instant).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn read_secret(setting: &Setting, what: &str) -> Result<Secret, Failure> {
    let path = setting.path();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(error) => Err(Failure::usage(
            Diagnostic::error(codes::BAD_CONFIG, format!("cannot read the file with {what}: {error}"))
                .at(Place::path(path.display().to_string()))
                .help(format!("it is named by {}", setting.origin)),
        )),
    }
}
