//! MySQL and MariaDB for the command line: the URL over the variables and the option files of their own tools.

use std::future::ready;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use migrate_core::backend::password::Secret;
use migrate_core::backend::{ServerError, TableName};
use migrate_core::diagnostic::{Diagnostic, Place, codes};
use migrate_core::{Backend, Dialect};
use migrate_mysql::{ConnInfo, ConnInfoError, MARIADB, Mysql, OptionLine, OptionValue, option_lines};

use super::dump::{self, Tool};
use super::runtime::Runtime;
use super::{CliBackend, Database, Opening};
use crate::environment::Environment;
use crate::password::Password;

/// How deep option files may include others, as the servers' own tools have it.
const DEEPEST: usize = 10;

/// One of the two, and the one runtime on which its connections live.
pub(super) struct MysqlCli {
    dialect: &'static Dialect,
    runtime: Runtime,
}

impl MysqlCli {
    pub(super) fn new(dialect: &'static Dialect) -> Self {
        Self { dialect, runtime: Runtime::default() }
    }
}

impl CliBackend for MysqlCli {
    fn schemes(&self) -> &'static [&'static str] {
        if self.dialect.name() == MARIADB.name() { &["mariadb"] } else { &["mysql"] }
    }

    fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        let info = conn_info(opening)?;
        let mut mysql = Mysql::new(info.clone()).connect_wait(opening.connect_wait);
        if let Some(password) = opening.password.cloned() {
            mysql = mysql.password_provider(move || {
                let answer = password.ask().map(|secret| secret.reveal().to_owned());
                ready(answer.map_err(|problem| problem.message.into()))
            });
        }
        for folder in opening.folders {
            mysql = mysql.local_files(folder);
        }
        let (password, environment) = (opening.password.cloned(), opening.environment.clone());
        Ok(Box::new(Opened { mysql, info, password, environment, runtime: self.runtime.clone() }))
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.runtime.block_on(future);
    }
}

struct Opened {
    mysql: Mysql,
    info: ConnInfo,
    password: Option<Password>,
    environment: Environment,
    runtime: Runtime,
}

impl Database for Opened {
    fn backend(&self) -> Box<dyn Backend> {
        Box::new(self.mysql.clone())
    }

    fn name(&self) -> String {
        self.mysql.database().unwrap_or_default().to_owned()
    }

    fn create(&self) -> Result<bool, ServerError> {
        self.runtime.block_on(self.mysql.create_database())
    }

    fn drop_database(&self) -> Result<bool, ServerError> {
        self.runtime.block_on(self.mysql.drop_database())
    }

    /// By `mysqldump` or `mariadb-dump`, whichever is of the server's kind, in one transaction.
    fn backup(&self, to: &Path) -> Result<(), ServerError> {
        let product = self.runtime.block_on(product(&self.mysql))?;
        let tool = if product.starts_with("MariaDB") {
            Tool::find(&self.environment, &["mariadb-dump", "mysqldump"], |said| said.contains("MariaDB"))?
        } else {
            Tool::find(&self.environment, &["mysqldump"], |said| !said.contains("MariaDB"))?
        };
        tool.not_older_than(&product, 2)?;
        let password = dump::password(self.password.as_ref(), self.info.password().map(Secret::reveal))?;
        let own = self.info.word("ssl-mode").map(|mode| tls(mode, product.starts_with("MariaDB")));
        tool.run(to, |command, draft| {
            match (self.info.socket(), self.info.host()) {
                (Some(socket), _) => command.arg("--protocol=socket").arg("--socket").arg(socket),
                (None, Some((host, port))) => {
                    command.args(["--protocol=tcp", "--host", host, "--port", &port.to_string()])
                }
                (None, None) => command,
            };
            for word in ["user", "ssl-ca", "ssl-cert", "ssl-key"] {
                command.args(self.info.word(word).map(|value| format!("--{word}={value}")));
            }
            command.args(own.into_iter().flatten());
            command.args(["--single-transaction", "--routines", "--triggers", "--hex-blob", "--no-tablespaces"]);
            command.arg("--result-file").arg(draft).arg(self.name());
            if let Some(password) = password {
                command.env("MYSQL_PWD", password);
            }
        })
    }

    fn backup_extension(&self) -> &'static str {
        "sql"
    }

    fn restored_by(&self, from: &Path) -> Option<String> {
        Some(format!("mysql {} < {}", self.name(), from.display()))
    }
}

/// What the dump program is told about TLS. MariaDB's has switches where MySQL's has modes.
fn tls(mode: &str, mariadb: bool) -> Option<String> {
    let mode = mode.to_ascii_uppercase().replace('-', "_");
    match (mariadb, mode.as_str()) {
        (false, _) => Some(format!("--ssl-mode={mode}")),
        (true, "DISABLED") => Some("--skip-ssl".to_owned()),
        (true, "REQUIRED") => Some("--ssl".to_owned()),
        (true, "VERIFY_IDENTITY") => Some("--ssl-verify-server-cert".to_owned()),
        (true, _) => None,
    }
}

async fn product(mysql: &Mysql) -> Result<String, ServerError> {
    let mut session = mysql.connect().await?;
    Ok(session.observe(&TableName::default()).await?.product)
}

fn conn_info(opening: &Opening<'_>) -> Result<ConnInfo, Box<Diagnostic>> {
    let Opening { url, base, environment, .. } = *opening;
    let info = ConnInfo::parse_from(url.reveal(), base).map_err(|error| {
        Box::new(Diagnostic::error(codes::BAD_URL, error.to_string()).help(format!("it is `{url}`")))
    })?;
    let variables: Vec<_> = ConnInfo::variables().filter_map(|name| Some((name, environment.get(name)?))).collect();
    let info = info.with_variables(&variables).map_err(|error| wrong_elsewhere(&error))?;
    let info = info.with_options(&option_values(environment)?).map_err(|error| wrong_elsewhere(&error))?;
    match ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| environment.get(name)) {
        Some(user) => info.with_default_user(user).map_err(|error| wrong_elsewhere(&error)),
        None => Ok(info),
    }
}

/// What is wrong does not stand in the URL.
fn wrong_elsewhere(error: &ConnInfoError) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(codes::BAD_CONFIG, error.to_string()))
}

/// What stands in the option files that the servers' own tools look for, in their order. `.mylogin.cnf` is not one of
/// them: its password is only hidden.
fn option_values(environment: &Environment) -> Result<Vec<OptionValue>, Box<Diagnostic>> {
    let folder = |variable: &str, file: &str| environment.get(variable).map(|folder| Path::new(folder).join(file));
    let files = if cfg!(windows) {
        vec![folder("WINDIR", "my.ini"), folder("WINDIR", "my.cnf"), folder("MYSQL_HOME", "my.ini")]
    } else {
        vec![
            Some(PathBuf::from("/etc/my.cnf")),
            Some(PathBuf::from("/etc/mysql/my.cnf")),
            folder("MYSQL_HOME", "my.cnf"),
            folder("HOME", ".my.cnf"),
        ]
    };
    let mut values = vec![];
    for file in files.into_iter().flatten() {
        read(&file, DEEPEST, &mut values)?;
    }
    Ok(values)
}

/// A file that is not there, or may not be read, says nothing.
fn read(path: &Path, deeper: usize, values: &mut Vec<OptionValue>) -> Result<(), Box<Diagnostic>> {
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => return Ok(()),
        Err(error) => {
            let message = format!("the option file cannot be read: {error}");
            return Err(Box::new(Diagnostic::error(codes::BAD_CONFIG, message).at(Place::path(shown))));
        }
    };
    if is_open_to_all(path) {
        return Err(Box::new(
            Diagnostic::error(
                codes::BAD_CONFIG,
                "everybody can write this option file, so nothing in it can be believed",
            )
            .at(Place::path(shown.clone()))
            .help(format!("chmod o-w {shown}")),
        ));
    }
    for line in option_lines(&shown, &text).map_err(|error| wrong_elsewhere(&error))? {
        match line {
            OptionLine::Value(value) => values.push(value),
            OptionLine::Include(_) | OptionLine::IncludeFolder(_) if deeper == 0 => {}
            OptionLine::Include(file) => read(Path::new(&file), deeper - 1, values)?,
            OptionLine::IncludeFolder(folder) => {
                for file in option_files(Path::new(&folder)) {
                    read(&file, deeper - 1, values)?;
                }
            }
        }
    }
    Ok(())
}

/// The option files of a folder, by name.
fn option_files(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| path.extension().is_some_and(|end| end == "cnf" || (cfg!(windows) && end == "ini"));
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_one).collect();
    files.sort();
    files
}

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::database_url::DatabaseUrl;

    /// Where a URL leads with these variables.
    fn label(url: &str, variables: &[(&str, &str)]) -> String {
        let map: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = Environment::new(map);
        let opening = Opening {
            url: &DatabaseUrl::new(url),
            base: Path::new(""),
            password: None,
            create: false,
            create_schema: false,
            connect_wait: Duration::ZERO,
            folders: &[],
            environment: &environment,
        };
        match conn_info(&opening) {
            Ok(info) => Mysql::new(info).label(),
            Err(diagnostic) => format!("! {}", diagnostic.message),
        }
    }

    #[test]
    fn option_files_stand_under_the_variables_and_the_user_of_the_system_under_both() {
        let home = tempfile::TempDir::new().unwrap();
        let path = home.path().display().to_string();
        let more = home.path().join("more");
        std::fs::create_dir(&more).unwrap();
        std::fs::write(more.join("b.cnf"), "[client]\nport=3308\n").unwrap();
        std::fs::write(more.join("a.cnf"), "[client]\nport=3307\nhost=a\n").unwrap();
        std::fs::write(more.join("c.txt"), "[client]\nport=1\n").unwrap();
        let text = format!("[client]\nhost=127.0.0.2\n!includedir {}\n!include /no/such\n", more.display());
        std::fs::write(home.path().join(".my.cnf"), text).unwrap();
        let home = ("HOME", path.as_str());
        assert_eq!(label("mysql:///d", &[home, ("USER", "me")]), "mysql://me@a:3308/d");
        assert_eq!(label("mysql:///d", &[home, ("USER", "me"), ("MYSQL_HOST", "v")]), "mysql://me@v:3308/d");
        assert_eq!(label("mariadb://w@h:1/d", &[home, ("USER", "me")]), "mariadb://w@h:1/d");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_everybody_can_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::TempDir::new().unwrap();
        let file = home.path().join(".my.cnf");
        std::fs::write(&file, "[client]\nhost=a\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let path = home.path().display().to_string();
        let refused = "! everybody can write this option file, so nothing in it can be believed";
        assert_eq!(label("mysql:///d", &[("HOME", &path)]), refused);
    }
}
