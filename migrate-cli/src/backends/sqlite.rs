//! SQLite for the command line.

use std::path::Path;

use migrate_core::backend::ServerError;
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::{Backend, Dialect};
use migrate_sqlite::{SQLITE, Sqlite, backup};

use super::{CliBackend, Database, Opening};

pub(super) struct SqliteCli;

impl CliBackend for SqliteCli {
    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite", "sqlite3"]
    }

    fn dialect(&self) -> &'static Dialect {
        &SQLITE
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        if opening.password.is_some() {
            return Err(Box::new(
                Diagnostic::error(codes::USAGE, "an SQLite database has no password")
                    .help("leave --password-file and --password-command out"),
            ));
        }
        let url = opening.url;
        let sqlite = Sqlite::from_url(&from_base(url.rest(), opening.base))
            .map_err(|error| Diagnostic::error(codes::BAD_URL, error.to_string()).help(format!("it is `{url}`")))?;
        // A mistyped name must not become a new database: only who asks for one gets one.
        let create = opening.create || url.rest().contains("mode=rwc");
        Ok(Box::new(Opened(sqlite.create(create))))
    }
}

struct Opened(Sqlite);

impl Database for Opened {
    fn backend(&self) -> Box<dyn Backend> {
        Box::new(self.0.clone())
    }

    fn name(&self) -> String {
        let file = self.0.path().and_then(Path::file_name);
        file.map_or(":memory:".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    fn create(&self) -> Result<bool, ServerError> {
        self.0.create_database()
    }

    fn drop_database(&self) -> Result<bool, ServerError> {
        self.0.drop_database()
    }

    fn backup(&self, to: &Path) -> Result<(), ServerError> {
        backup::backup(&self.0, to)
    }

    fn backup_extension(&self) -> &'static str {
        "db"
    }

    fn restore(&self, from: &Path) -> Result<(), ServerError> {
        backup::restore(&self.0, from)
    }
}

/// The URL with a relative path put below `base`.
fn from_base(rest: &str, base: &Path) -> String {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let relative = !path.is_empty() && !path.starts_with(":memory:") && Path::new(path).is_relative();
    if !relative || base.as_os_str().is_empty() {
        return format!("sqlite:{rest}");
    }
    let base = base.display().to_string().replace('%', "%25").replace('?', "%3F");
    format!("sqlite:{base}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_from_the_folder_of_whoever_wrote_them() {
        for (rest, base, url) in [
            ("app.db", "", "sqlite:app.db"),
            ("//app.db", "", "sqlite://app.db"),
            ("app.db?mode=ro", "/srv/100%", "sqlite:/srv/100%25/app.db?mode=ro"),
            ("//data/app.db", "/srv", "sqlite:/srv/data/app.db"),
            ("///abs/app.db", "/srv", "sqlite:///abs/app.db"),
            ("/abs/app.db", "/srv", "sqlite:/abs/app.db"),
            (":memory:", "/srv", "sqlite::memory:"),
            ("", "/srv", "sqlite:"),
        ] {
            assert_eq!(from_base(rest, Path::new(base)), url, "{rest}");
        }
    }
}
