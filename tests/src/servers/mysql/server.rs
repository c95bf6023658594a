//! A server.

use std::env;
use std::fs;
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::programs::{self, Programs};
use super::{Database, Flavour, template};
use crate::servers::certificates::Certificates;
use crate::servers::guard::Guard;
use crate::servers::process::output_of;
use crate::servers::{Url, command_of, complaint, free_port, not_skipped, said_of, signal, wait_for};

/// What makes the shared server fast, and forgetful where it is killed. Nobody may kill it.
const RELAXED: [&str; 5] = [
    "--skip-log-bin",
    "--sync-binlog=0",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
    "--loose-innodb-flush-method=nosync",
];

/// What commits to the disk before it answers. The rest is each server's default: MySQL's has a binary log with GTIDs,
/// MariaDB's has none.
const DURABLE: [&str; 2] = ["--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1"];

/// How a server of a test's own differs from what is installed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the programs are; otherwise `MIGRATE_TEST_MYSQL_BIN` or `MIGRATE_TEST_MARIADB_BIN`, the search path, what
    /// `scripts/test` unpacked.
    pub bin: Option<PathBuf>,
    /// More of the server's arguments. They win.
    pub arguments: Vec<String>,
    /// Whether it proves itself with [`MySql::certificates`]. Otherwise MySQL has made some by itself, and so has
    /// MariaDB since 11.4.
    pub tls: bool,
    /// Whether it may forget what was committed when it is killed.
    pub relaxed: bool,
}

/// A running server.
#[derive(Debug)]
pub struct MySql {
    flavour: Flavour,
    url: Url,
    local: Option<Local>,
    shared: bool,
    version: OnceLock<String>,
}

/// A server that is ours.
#[derive(Debug)]
pub(super) struct Local {
    flavour: Flavour,
    programs: Found,
    arguments: Vec<String>,
    child: Mutex<Option<Child>>,
    certificates: Option<Certificates>,
    /// Dropped last: it removes the folder.
    guard: Guard,
}

/// Programs of all servers of a flavour, or of one alone.
#[derive(Debug)]
pub(super) enum Found {
    Usual(&'static Programs),
    Chosen(Programs),
}

impl MySql {
    /// The server of a flavour that all tests of a process share: that of `MIGRATE_TEST_MYSQL` or
    /// `MIGRATE_TEST_MARIADB`, or one of our own.
    ///
    /// # Panics
    /// If there is none, saying what to install.
    pub fn shared(flavour: Flavour) -> &'static Self {
        static MYSQL: OnceLock<MySql> = OnceLock::new();
        static MARIADB: OnceLock<MySql> = OnceLock::new();
        let server = if flavour == Flavour::MySql { &MYSQL } else { &MARIADB };
        server.get_or_init(|| {
            not_skipped(flavour.skip_name());
            match env::var(flavour.url_variable()) {
                Ok(url) if !url.is_empty() => {
                    Self { flavour, url: Url::new(url), local: None, shared: true, version: OnceLock::new() }
                }
                _ => Self { shared: true, ..Self::start(flavour, Options { relaxed: true, ..Options::default() }) },
            }
        })
    }

    /// A server of the caller's own, with durable settings unless told otherwise. Dropping it kills it.
    ///
    /// # Panics
    /// If there are no programs for it, or it does not start.
    pub fn start(flavour: Flavour, options: Options) -> Self {
        not_skipped(flavour.skip_name());
        let programs = options.bin.as_deref().map_or_else(
            || Found::Usual(Programs::of(flavour)),
            |bin| Found::Chosen(Programs::in_folder(flavour, bin)),
        );
        let local = Local::new(flavour, programs, options);
        let port = local.run_on_a_free_port();
        Self::at(port, local)
    }

    /// A server that listens there once it runs.
    pub(super) fn at(port: u16, local: Local) -> Self {
        let url = Url::new(format!("{}://test:test@127.0.0.1:{port}/", local.flavour.scheme()));
        Self { flavour: local.flavour, url, local: Some(local), shared: false, version: OnceLock::new() }
    }

    /// Whose it is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// A new, empty database with a name of its own.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn database(&self) -> Database<'_> {
        Database::create(self)
    }

    /// The URL of a database on this server, for the user `test`.
    pub fn url(&self, database: &str) -> String {
        self.url.of(database)
    }

    /// Where it listens: `127.0.0.1:3306`.
    pub fn address(&self) -> String {
        self.url.address(3306)
    }

    /// Its Unix socket.
    ///
    /// # Panics
    /// If it is not ours.
    pub fn socket(&self) -> PathBuf {
        self.local().socket()
    }

    /// The folder in which it keeps everything.
    ///
    /// # Panics
    /// If it is not ours.
    pub fn folder(&self) -> &Path {
        self.local().guard.folder()
    }

    /// What it proves itself with.
    ///
    /// # Panics
    /// If it was started without [`Options::tls`].
    pub fn certificates(&self) -> &Certificates {
        self.local().certificates.as_ref().expect("a server with certificates of ours")
    }

    /// What the native client prints for statements apart by `;`: a row a line, cells apart by tabs, no header. An empty
    /// name is no database.
    ///
    /// # Panics
    /// If the server says no.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        said_of(&mut self.batch(database), sql)
    }

    /// As [`sql`](Self::sql), for `root`, by the socket.
    ///
    /// # Panics
    /// If it is not ours, or says no.
    pub fn sql_as_root(&self, database: &str, sql: &str) -> String {
        let mut client = self.program(Flavour::client_names);
        client.arg(format!("--socket={}", self.socket().display())).args(["--user=root", "--batch"]);
        said_of(client.args(["--skip-column-names", database]), sql)
    }

    /// As [`Database::feed`], without a database if the name is empty.
    ///
    /// # Errors
    /// With what the client says where the server refuses a statement. It stops there.
    pub fn feed(&self, database: &str, script: &str) -> Result<String, String> {
        self.try_sql(database, script)
    }

    /// Its version: `9.7.4`, `10.11.19`.
    ///
    /// # Panics
    /// If it does not say.
    pub fn version(&self) -> &str {
        let ask = || self.sql("", "select version()").trim().split('-').next().unwrap_or_default().to_owned();
        self.version.get_or_init(ask)
    }

    /// The connections that use a database, as `KILL` calls them.
    ///
    /// # Panics
    /// If the server does not say.
    pub fn processes(&self, database: &str) -> Vec<u64> {
        let ids = self.sql("", &self.processes_query(database));
        ids.lines().map(|id| id.parse().expect("a number")).collect()
    }

    /// Ends a session as an administrator does. It may be gone already.
    pub fn kill_session(&self, id: u64) {
        let _ = self.try_sql("", &format!("kill {id}"));
    }

    /// Ends a session's statement as an administrator does. It may be gone already.
    pub fn kill_query(&self, id: u64) {
        let _ = self.try_sql("", &format!("kill query {id}"));
    }

    /// Its process.
    ///
    /// # Panics
    /// If it is not ours, or does not run.
    pub fn pid(&self) -> u32 {
        self.local().child().as_ref().expect("a running server").id()
    }

    /// Kills it.
    ///
    /// # Panics
    /// On the shared server, or if it does not run.
    pub fn kill9(&self) {
        self.must_be_own();
        let mut child = self.local().child().take().expect("a running server");
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }

    /// Stops it as an administrator does, and waits for its end.
    ///
    /// # Panics
    /// On the shared server.
    pub fn stop(&self) {
        self.must_be_own();
        self.resume();
        if let Some(mut child) = self.local().child().take() {
            signal("TERM", child.id());
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port, after [`kill9`](Self::kill9) or [`stop`](Self::stop), and waits until it has
    /// recovered.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self) {
        assert!(self.comes_back(), "the server has torn its own system tables:\n{}", self.log());
    }

    /// As [`restart`](Self::restart), of a server that was killed while it wrote; whether it runs again. A MariaDB that
    /// tore a table of its own schema `mysql` does not: that one has no doublewrite buffer (seen once in 340 kills).
    ///
    /// # Panics
    /// If it does not start for any other reason.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        let before = self.log().len();
        if self.run(&[]) {
            return true;
        }
        let log = self.log();
        let said = log.get(before..).unwrap_or(&log);
        assert!(said.contains("Aria recovery failed"), "the server does not start again:\n{log}");
        false
    }

    /// Keeps it from doing anything, as a machine does that hangs: its connections stay open and silent.
    ///
    /// # Panics
    /// On the shared server, or if it does not run.
    pub fn pause(&self) {
        self.must_be_own();
        signal("STOP", self.pid());
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Panics
    /// If it is not ours.
    pub fn resume(&self) {
        if let Some(child) = self.local().child().as_ref() {
            signal("CONT", child.id());
        }
    }

    /// What it wrote into its log.
    ///
    /// # Panics
    /// If it is not ours.
    pub fn log(&self) -> String {
        self.local().log()
    }

    /// Starts it with more arguments than it has for good; whether it came up.
    pub(super) fn run(&self, more: &[&str]) -> bool {
        let address = self.address();
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port");
        self.local().run(port, more)
    }

    /// The native client by TCP and without encryption, whose end a proxy could not see.
    pub(super) fn client_by(&self, address: &str) -> Command {
        let mut client = self.program(Flavour::client_names);
        let (user, password) = self.url.credentials("root");
        let (host, port) = address.rsplit_once(':').expect("an address with a port");
        client.args([
            "--protocol=tcp",
            &format!("--host={host}"),
            &format!("--port={port}"),
            &format!("--user={user}"),
        ]);
        client.env("MYSQL_PWD", password);
        // Without encryption MySQL's password travels under the server's public key.
        let mysql = ["--loose-ssl-mode=DISABLED", "--loose-get-server-public-key"];
        client.args(if self.flavour == Flavour::MySql { mysql.as_slice() } else { &["--skip-ssl"] });
        client
    }

    pub(super) fn dump_program(&self) -> Command {
        let mut dump = self.program(Flavour::dump_names);
        self.connect_usually(&mut dump);
        dump
    }

    pub(super) fn processes_query(&self, database: &str) -> String {
        // MySQL's view of the same name in information_schema warns that it will be removed.
        let schema = if self.flavour == Flavour::MySql { "performance_schema" } else { "information_schema" };
        format!("select id from {schema}.processlist where db = '{database}' and id <> connection_id() order by id")
    }

    /// What the client prints, or its complaint.
    pub(super) fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = output_of(&mut self.batch(database), sql);
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(complaint(&output))
        }
    }

    /// Nothing answers from a server that a failed test left paused.
    pub(super) fn resume_before_the_end(&self) {
        if self.local.is_some() && !self.shared {
            self.resume();
        }
    }

    /// Goes on after errors.
    pub(super) fn try_force(&self, sql: &str) -> bool {
        output_of(self.batch("").arg("--force"), sql).status.success()
    }

    fn batch(&self, database: &str) -> Command {
        let mut client = self.program(Flavour::client_names);
        self.connect_usually(&mut client);
        client.args(["--batch", "--skip-column-names", database]);
        client
    }

    /// By the socket if it is ours.
    fn connect_usually(&self, client: &mut Command) {
        let (user, password) = self.url.credentials("root");
        client.env("MYSQL_PWD", password).arg(format!("--user={user}"));
        if let Some(local) = &self.local {
            client.arg(format!("--socket={}", local.socket().display()));
        } else {
            let address = self.address();
            let (host, port) = address.rsplit_once(':').expect("an address with a port");
            client.args(["--protocol=tcp", &format!("--host={host}"), &format!("--port={port}")]);
        }
    }

    /// One of the client programs, with nothing of our environment and none of this machine's settings.
    fn program(&self, names: fn(Flavour) -> &'static [&'static str]) -> Command {
        let names = names(self.flavour);
        let path = match &self.local {
            Some(local) => local.programs.get().client(names),
            None => programs::client(self.flavour, names),
        };
        let path = path.unwrap_or_else(|| panic!("no program {}: scripts/test installs it", names[0]));
        let mut command = Command::new(path);
        command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C"), ("TZ", "UTC")]);
        command.args(["--no-defaults", "--default-character-set=utf8mb4"]).stdin(Stdio::null());
        if let Some(local) = &self.local {
            // A client that was unpacked elsewhere looks for them where the package's author put them.
            let charsets = local.programs.get().share.join("charsets");
            command.arg(format!("--character-sets-dir={}", charsets.display()));
        }
        command
    }

    fn must_be_own(&self) {
        assert!(!self.shared, "other tests need the shared server: start one of your own");
    }

    fn local(&self) -> &Local {
        let variable = self.flavour.url_variable();
        self.local.as_ref().unwrap_or_else(|| panic!("this cannot be done to the server of {variable}"))
    }
}

impl Found {
    fn get(&self) -> &Programs {
        match self {
            Self::Usual(programs) => programs,
            Self::Chosen(programs) => programs,
        }
    }
}

impl Local {
    /// A server that does not run yet, with a filled data folder.
    pub(super) fn new(flavour: Flavour, programs: Found, options: Options) -> Self {
        let guard = Guard::new(flavour.skip_name());
        template::unpack(flavour, programs.get(), &guard);
        let certificates = options.tls.then(|| Certificates::new(&guard));
        let mut arguments = programs.get().arguments();
        let file = |name: &str| guard.folder().join(name).display().to_string();
        arguments.extend([
            format!("--datadir={}", file("data")),
            format!("--socket={}", file("sock")),
            format!("--pid-file={}", file("pid")),
            format!("--log-error={}", file("log.err")),
            // MariaDB removes the temporary tables that it finds there when it starts, also those of other servers.
            format!("--tmpdir={}", guard.folder().display()),
        ]);
        // Names would be asked for on the network.
        let common = ["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=400", "--loose-mysqlx=OFF"];
        let settings = if options.relaxed { RELAXED.as_slice() } else { DURABLE.as_slice() };
        let settings = common.iter().chain(&template::SMALL_LOG).chain(settings);
        arguments.extend(settings.map(|argument| (*argument).to_owned()));
        arguments.extend(certificates.iter().flat_map(Certificates::mysql_arguments));
        arguments.extend(options.arguments);
        Self { flavour, programs, arguments, child: Mutex::default(), certificates, guard }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self) -> PathBuf {
        self.guard.folder().join("sock")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.guard.folder().join("log.err")).unwrap_or_default()
    }

    fn run_on_a_free_port(&self) -> u16 {
        for _ in 0..5 {
            let port = free_port();
            if self.run(port, &[]) {
                return port;
            }
        }
        panic!("{} does not start:\n{}", self.flavour.name(), self.log());
    }

    /// Whether it came up.
    fn run(&self, port: u16, more: &[&str]) -> bool {
        let folder = self.guard.folder();
        // A killed server leaves them. MySQL does not start where the lock names a number that is another's by now.
        for name in ["sock", "sock.lock", "pid"] {
            let _ = fs::remove_file(folder.join(name));
        }
        let programs = self.programs.get();
        let mut command = command_of(folder, &programs.server);
        // The scripts of a cluster are beside the server.
        let beside = programs.base.join("bin");
        command.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", beside.display()));
        command.args(&self.arguments).arg(format!("--port={port}")).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let up = wait_for(&format!("{} takes connections", self.flavour.name()), || {
            if child.try_wait().expect("a child can be waited for").is_some() {
                return Some(false);
            }
            self.greets().then_some(true)
        });
        if up {
            *self.child() = Some(child);
        }
        up
    }

    /// Whether it speaks first, as it does to everybody when it is ready.
    fn greets(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.socket()) else { return false };
        let mut header = [0; 5];
        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket of our own");
        stream.read_exact(&mut header).is_ok() && header[4] == 10
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // Nothing is to be kept.
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
