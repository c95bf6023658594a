//! A folder with migrations and a SQLite database, and the program run inside it.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use crate::transcript::redacted;
use crate::{Transcript, program};

/// Files of the native layout: names without `.sql`, and texts.
pub type Files<'a> = &'a [(&'a str, &'a str)];

/// A temporary folder in which the program is run. It is removed when dropped.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty folder.
    ///
    /// # Panics
    /// If there is no place for temporary files.
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("migrate-").tempdir().expect("a temporary folder") }
    }

    /// The example of the README: its `examples/shop` in the same place.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn shop() -> Self {
        Self::shop_in("examples/shop/migrations")
    }

    /// The example set in a folder of this name.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn shop_in(folder: &str) -> Self {
        let project = Self::new();
        let from = crate::root().join("examples/shop/migrations");
        for entry in fs::read_dir(from).expect("the example set is there") {
            let entry = entry.expect("a folder that can be read");
            let text = fs::read_to_string(entry.path()).expect("the example set is text");
            project.write(&format!("{folder}/{}", entry.file_name().to_string_lossy()), &text);
        }
        project
    }

    /// These files in the folder `migrations`.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn with(files: Files<'_>) -> Self {
        let with = |project: Self, (name, text): &(&str, &str)| project.file(&format!("migrations/{name}.sql"), text);
        files.iter().fold(Self::new(), with)
    }

    /// With one more file.
    #[must_use]
    pub fn file(self, path: &str, text: impl AsRef<str>) -> Self {
        self.write(path, text.as_ref());
        self
    }

    /// Writes or replaces a file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a folder in the temporary one");
        }
        fs::write(path, text).expect("a file in the temporary folder");
    }

    /// A path inside the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The program with these arguments, inside the folder, with nothing of our environment that it would read.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(program());
        command.args(arguments);
        command
    }

    fn clean(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let ours = name.starts_with("MIGRATE_") || name.starts_with("PG");
            if ours || ["DATABASE_URL", "CI", "GITHUB_ACTIONS"].contains(&name.as_str()) {
                command.env_remove(name);
            }
        }
        // Whoever runs the tests is in no transcript.
        command.env("USER", "ada").env("HOSTNAME", "desk");
        command
    }

    /// What a terminal shows after this line is typed into a shell in which `migrate` is known.
    ///
    /// # Panics
    /// If there is no `sh`.
    pub fn typed(&self, line: &str) -> String {
        let output = self.shell(&format!("{{ {line}\n}} 2>&1"), &[]).output().expect("sh starts");
        redacted(&String::from_utf8_lossy(&output.stdout), &self.folder.path().to_string_lossy())
    }

    /// A shell in which `migrate` is known, and before it what is in these folders.
    ///
    /// # Panics
    /// If a folder has a colon in its name.
    pub fn shell(&self, script: &str, folders: &[PathBuf]) -> Command {
        let place = program().parent().expect("a program lies in a folder");
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = folders.iter().cloned().chain([place.to_path_buf()]).chain(env::split_paths(&path));
        let mut shell = self.clean("sh");
        shell.args(["-c", script]).env("PATH", env::join_paths(paths).expect("a folder without a colon"));
        shell
    }

    /// Runs `migrate` with these words, which hold no blanks.
    ///
    /// # Panics
    /// If the program does not start.
    pub fn migrate(&self, words: &str) -> Transcript {
        self.migrate_with(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs `migrate` with these arguments.
    ///
    /// # Panics
    /// If the program does not start.
    pub fn migrate_with(&self, arguments: &[&str]) -> Transcript {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        self.end(&arguments.join(" "), child)
    }

    /// Starts `migrate` and does not wait for it.
    ///
    /// # Panics
    /// If the program does not start.
    pub fn start(&self, words: &str) -> Child {
        let mut command = self.command(&words.split_whitespace().collect::<Vec<_>>());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Waits for what [`start`](Self::start) began.
    ///
    /// # Panics
    /// If it is still at work after two minutes; then it is killed.
    pub fn end(&self, words: &str, child: Child) -> Transcript {
        Transcript::new(words.to_owned(), self.folder.path().to_string_lossy().into_owned(), &ended(words, child))
    }

    /// A connection of our own to a database of the project.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn open(&self, database: &str) -> Connection {
        Connection::open(self.path(database)).expect("a database in the temporary folder")
    }

    /// Everything in a database but what belongs to us: each object's text, each table's rows.
    ///
    /// # Panics
    /// If the database cannot be read.
    pub fn contents(&self, database: &str) -> String {
        contents(&self.path(database))
    }

    /// The rows of a query, a line each, cells apart by `|`.
    ///
    /// # Panics
    /// If the query fails.
    pub fn query(&self, database: &str, sql: &str) -> String {
        query(&self.path(database), sql)
    }
}

/// The rows of a query, a line each, cells apart by `|`.
///
/// # Panics
/// If the query fails.
pub fn query(database: &Path, sql: &str) -> String {
    rows(&Connection::open(database).expect("a database"), sql)
}

/// What a process said by its end. One that never ends must fail a test, not hang it.
fn ended(words: &str, mut child: Child) -> Output {
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if begin.elapsed() > Duration::from_secs(120) {
            child.kill().expect("a child can be killed");
            panic!("still at work after two minutes: migrate {words}");
        }
        thread::sleep(Duration::from_millis(1));
    };
    let said = |reader: JoinHandle<Vec<u8>>| reader.join().expect("a pipe can be read");
    Output { status, stdout: said(stdout), stderr: said(stderr) }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut said).expect("a pipe can be read");
        }
        said
    })
}

/// Everything in a database but what belongs to us: each object's text, each table's rows.
///
/// # Panics
/// If the database cannot be read.
pub fn contents(database: &Path) -> String {
    const OURS: &str = "name not like 'migrate\\_%' escape '\\' and tbl_name not like 'migrate\\_%' escape '\\'";
    let connection = Connection::open(database).expect("a database");
    let schema = format!(
        "select type, name, tbl_name, sql from sqlite_schema where {OURS} and name not like 'sqlite\\_stat%' escape '\\' \
         order by type, name"
    );
    let mut text = rows(&connection, &schema);
    let tables = format!("select name from sqlite_schema where type = 'table' and {OURS} order by name");
    for table in rows(&connection, &tables).lines() {
        let table = table.replace('"', "\"\"");
        let columns = rows(&connection, &format!("select count(*) from pragma_table_info('{table}')"));
        let order: Vec<_> = (1..=columns.trim().parse().unwrap_or(1)).map(|column: u32| column.to_string()).collect();
        let all = format!("select * from \"{table}\" order by {}", order.join(", "));
        let _ = write!(text, "-- {table}\n{}", rows(&connection, &all));
    }
    text
}

fn rows(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut text = String::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
        for column in 0..columns {
            let separator = if column == 0 { "" } else { "|" };
            let _ = match row.get_ref(column) {
                Ok(ValueRef::Null) => write!(text, "{separator}"),
                Ok(ValueRef::Integer(number)) => write!(text, "{separator}{number}"),
                Ok(ValueRef::Real(number)) => write!(text, "{separator}{number}"),
                Ok(ValueRef::Text(bytes)) => write!(text, "{separator}{}", String::from_utf8_lossy(bytes)),
                Ok(ValueRef::Blob(bytes)) => write!(text, "{separator}{bytes:02x?}"),
                Err(error) => panic!("{sql}: {error}"),
            };
        }
        text.push('\n');
    }
    text
}
