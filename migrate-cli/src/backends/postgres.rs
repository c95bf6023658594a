//! PostgreSQL for the command line: the connection string over a service over the variables and files of its own tools.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use migrate_core::backend::password::Secret;
use migrate_core::backend::{ServerError, TableName};
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::{Backend, Dialect};
use migrate_postgres::{ConnInfo, ConnInfoError, POSTGRES, Postgres, ServiceFile};

use super::dump::{self, Tool};
use super::runtime::Runtime;
use super::{CliBackend, Database, Opening};
use crate::environment::Environment;
use crate::password::Password;

/// The backend, and the one runtime on which its connections live.
#[derive(Default)]
pub(super) struct PostgresCli {
    runtime: Runtime,
}

impl CliBackend for PostgresCli {
    fn schemes(&self) -> &'static [&'static str] {
        &["postgres", "postgresql"]
    }

    /// `host=… dbname=…`
    fn knows(&self, text: &str) -> bool {
        ConnInfo::is_list(text)
    }

    fn dialect(&self) -> &'static Dialect {
        &POSTGRES
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        let info = conn_info(opening)?;
        let mut postgres =
            Postgres::new(info.clone()).connect_wait(opening.connect_wait).create_schema(opening.create_schema);
        if let Some(password) = opening.password.cloned() {
            postgres = postgres.password_provider(move || {
                let answer = password.ask().map(|secret| secret.reveal().to_owned());
                ready(answer.map_err(|problem| problem.message.into()))
            });
        }
        let (password, environment) = (opening.password.cloned(), opening.environment.clone());
        Ok(Box::new(Opened { postgres, info, password, environment, runtime: self.runtime.clone() }))
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.runtime.block_on(future);
    }
}

struct Opened {
    postgres: Postgres,
    info: ConnInfo,
    password: Option<Password>,
    environment: Environment,
    runtime: Runtime,
}

impl Database for Opened {
    fn backend(&self) -> Box<dyn Backend> {
        Box::new(self.postgres.clone())
    }

    fn name(&self) -> String {
        self.postgres.database().unwrap_or("postgres").to_owned()
    }

    fn create(&self) -> Result<bool, ServerError> {
        self.runtime.block_on(self.postgres.create_database())
    }

    fn drop_database(&self) -> Result<bool, ServerError> {
        self.runtime.block_on(self.postgres.drop_database())
    }

    /// By `pg_dump`, in its custom format.
    fn backup(&self, to: &Path) -> Result<(), ServerError> {
        let tool = Tool::find(&self.environment, &["pg_dump"], |said| said.contains("PostgreSQL"))?;
        let product = self.runtime.block_on(product(&self.postgres))?;
        // From version 10 on the first part of a version is the release.
        tool.not_older_than(&product, 1)?;
        let password = dump::password(self.password.as_ref(), self.info.password().map(Secret::reveal))?;
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let words: Vec<_> = self.info.words().map(|(name, value)| format!("{name}='{}'", quoted(value))).collect();
        tool.run(to, |command, draft| {
            command.arg("--format=custom").arg("--no-password").arg("--file").arg(draft);
            command.arg("--dbname").arg(words.join(" "));
            if let Some(password) = password {
                command.env("PGPASSWORD", password);
            }
        })
    }

    fn backup_extension(&self) -> &'static str {
        "dump"
    }

    fn restored_by(&self, from: &Path) -> Option<String> {
        Some(format!("pg_restore --clean --if-exists --dbname={} {}", self.name(), from.display()))
    }
}

async fn product(postgres: &Postgres) -> Result<String, ServerError> {
    let mut session = postgres.connect().await?;
    Ok(session.observe(&TableName::default()).await?.product)
}

fn conn_info(opening: &Opening<'_>) -> Result<ConnInfo, Box<Diagnostic>> {
    let Opening { url, base, environment, .. } = *opening;
    let wrong = |error: ConnInfoError| {
        Box::new(Diagnostic::error(codes::BAD_URL, error.to_string()).help(format!("it is `{url}`")))
    };
    // These do not stand in the URL.
    let wrong_elsewhere = |error: ConnInfoError| Box::new(Diagnostic::error(codes::BAD_CONFIG, error.to_string()));
    let mut info = ConnInfo::parse_from(url.reveal(), base).map_err(wrong)?;
    if let Some(service) = environment.get("PGSERVICE") {
        info = info.with_defaults(&[("PGSERVICE", service)]).map_err(wrong_elsewhere)?;
    }
    if info.service().is_some() {
        let files = service_files(environment)?;
        let files: Vec<_> = files.iter().map(|(path, text)| ServiceFile { path, text }).collect();
        info = info.with_service(&files).map_err(wrong_elsewhere)?;
    }
    let defaults = defaults(environment);
    let defaults: Vec<_> = defaults.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    info.with_defaults(&defaults).map_err(wrong_elsewhere)
}

/// The files of services, as far as they are there: the user's, and the system's.
fn service_files(environment: &Environment) -> Result<Vec<(String, String)>, Box<Diagnostic>> {
    let named = environment.get("PGSERVICEFILE").map(PathBuf::from);
    let own = named.clone().or_else(|| Some(home(environment)?.join(".pg_service.conf")));
    let system = environment.get("PGSYSCONFDIR").map(|folder| Path::new(folder).join("pg_service.conf"));
    let mut files = vec![];
    for path in [own, system].into_iter().flatten() {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path.display().to_string(), text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.as_ref() != Some(&path) => {}
            Err(error) => {
                let message = format!("the service file {} cannot be read: {error}", path.display());
                return Err(Box::new(Diagnostic::error(codes::BAD_CONFIG, message)));
            }
        }
    }
    Ok(files)
}

/// The `PG…` variables; under them the files in the home folder that libpq looks for, and the user of the system.
fn defaults(environment: &Environment) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = environment
        .names()
        .filter(|name| name.starts_with("PG"))
        .filter_map(|name| Some((name.to_owned(), environment.get(name)?.to_owned())))
        .collect();
    let mut add = |variable: &str, path: PathBuf| all.push((variable.to_owned(), path.display().to_string()));
    if let Some(home) = home(environment) {
        add("PGPASSFILE", if cfg!(windows) { home.join("pgpass.conf") } else { home.join(".pgpass") });
        let folder = if cfg!(windows) { home } else { home.join(".postgresql") };
        for (variable, file) in [("PGSSLROOTCERT", "root.crt"), ("PGSSLCRL", "root.crl")] {
            let path = folder.join(file);
            if path.is_file() {
                add(variable, path);
            }
        }
        let (certificate, key) = (folder.join("postgresql.crt"), folder.join("postgresql.key"));
        if certificate.is_file() && key.is_file() && environment.get("PGSSLCERT").is_none() {
            add("PGSSLCERT", certificate);
            add("PGSSLKEY", key);
        }
    }
    if let Some(user) = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| environment.get(name)) {
        all.push(("PGUSER".to_owned(), user.to_owned()));
    }
    all
}

/// Where libpq looks for a user's files.
fn home(environment: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        environment.get("APPDATA").map(|folder| Path::new(folder).join("postgresql"))
    } else {
        environment.get("HOME").map(PathBuf::from)
    }
}
