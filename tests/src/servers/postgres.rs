//! A PostgreSQL server: one that a test process shares, or one of a test's own that may be killed.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::certificates::Certificates;
use super::guard::Guard;
use super::process::{children, is_alive};
use super::{Database, Url, command_of, complaint, found, free_port, not_skipped, said, signal, wait_for};

/// Durable against the death of any process, not against the loss of power.
const CONFIG: &str = "
listen_addresses = '127.0.0.1'
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = on
autovacuum = off
jit = off
# The default since 14.
password_encryption = 'scram-sha-256'
max_wal_size = 2GB
# Leaves nothing outside the folder when it is killed.
dynamic_shared_memory_type = mmap
";

/// How a server of a test's own differs from the shared one.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where `initdb` and `postgres` are; otherwise `MIGRATE_TEST_POSTGRES_BIN`, the search path, Debian's folders.
    pub bin: Option<PathBuf>,
    /// Lines of `postgresql.conf`.
    pub config: Vec<String>,
    /// Lines of `pg_hba.conf`, in place of trusting everybody on this machine. The first `local` line must let the
    /// harness in.
    pub hba: Vec<String>,
    /// The superuser's password, stored for SCRAM.
    pub password: Option<String>,
    /// Whether it speaks TLS, with [`Postgres::certificates`].
    pub tls: bool,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    /// `postgres://user@host:port/postgres`.
    url: Url,
    local: Option<Local>,
    shared: bool,
    version: OnceLock<u32>,
}

/// A server that is ours.
#[derive(Debug)]
struct Local {
    bin: PathBuf,
    child: Mutex<Option<Child>>,
    certificates: Option<Certificates>,
    /// Dropped last: it removes the folder.
    guard: Guard,
}

impl Postgres {
    /// The server that all tests of a process share: that of `MIGRATE_TEST_POSTGRES`, or one of our own.
    ///
    /// # Panics
    /// If there is none, saying what to install.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            not_skipped("postgres");
            match env::var("MIGRATE_TEST_POSTGRES") {
                Ok(url) if !url.is_empty() => {
                    Self { url: Url::new(url), local: None, shared: true, version: OnceLock::new() }
                }
                _ => Self { shared: true, ..Self::start(Options::default()) },
            }
        })
    }

    /// A server of the caller's own, stopped when dropped.
    ///
    /// # Panics
    /// If there are no programs for it, or it does not start.
    pub fn start(options: Options) -> Self {
        not_skipped("postgres");
        let Options { bin, config, hba, password, tls } = options;
        let bin = bin.unwrap_or_else(binaries);
        let guard = Guard::new("postgres");
        initialise(&bin, &guard, password.as_deref());
        let certificates = tls.then(|| Certificates::new(&guard));
        let socket = format!("unix_socket_directories = '{}'", guard.folder().display());
        let encryption = certificates.as_ref().map(Certificates::postgres_config).unwrap_or_default();
        let lines = [CONFIG.to_owned(), socket, encryption].into_iter().chain(config).collect::<Vec<_>>();
        let data = guard.folder().join("data");
        let mut file = File::options().append(true).open(data.join("postgresql.conf")).expect("a config file");
        writeln!(file, "{}", lines.join("\n")).expect("a config file can be written");
        if !hba.is_empty() {
            fs::write(data.join("pg_hba.conf"), hba.join("\n") + "\n").expect("rules that can be written");
        }
        let local = Local { bin, child: Mutex::default(), certificates, guard };
        let port = local.run_on_a_free_port();
        let url = match &password {
            Some(password) => format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"),
            None => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        };
        Self { url: Url::new(url), local: Some(local), shared: false, version: OnceLock::new() }
    }

    /// A new, empty database with a name of its own.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn database(&self) -> Database<'_> {
        Database::create(self)
    }

    /// The URL of a database on this server.
    ///
    /// # Panics
    /// If `MIGRATE_TEST_POSTGRES` is no URL.
    pub fn url(&self, database: &str) -> String {
        self.url.of(database)
    }

    /// Where it listens: `127.0.0.1:5432`.
    ///
    /// # Panics
    /// If `MIGRATE_TEST_POSTGRES` is no URL.
    pub fn address(&self) -> String {
        self.url.address(5432)
    }

    /// Its superuser, and the password or nothing.
    pub(super) fn credentials(&self) -> (&str, &str) {
        self.url.credentials("postgres")
    }

    /// The folder of its Unix socket.
    ///
    /// # Panics
    /// If it is not ours.
    pub fn socket_folder(&self) -> &Path {
        self.local().guard.folder()
    }

    /// What it proves itself with.
    ///
    /// # Panics
    /// If it was started without TLS.
    pub fn certificates(&self) -> &Certificates {
        self.local().certificates.as_ref().expect("a server with TLS")
    }

    /// What `psql` prints: a row a line, cells apart by `|`.
    ///
    /// # Panics
    /// If the server says no.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        said(self.client("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"]).args([
            &self.url(database),
            "-c",
            sql,
        ]))
    }

    /// Its version as `server_version_num` counts: 150018 is 15.18.
    ///
    /// # Panics
    /// If it does not say.
    pub fn version(&self) -> u32 {
        let ask = || self.psql("postgres", "show server_version_num").trim().parse().expect("a number");
        *self.version.get_or_init(ask)
    }

    /// One of PostgreSQL's client programs, with nothing of our environment.
    pub(super) fn client(&self, program: &str) -> Command {
        let beside = self.local.as_ref().map(|local| local.bin.join(program)).filter(|path| path.is_file());
        // Debian's own on the search path are wrappers that take longer than what they wrap.
        let chosen = || found(program).filter(|path| !path.starts_with("/usr/bin"));
        let path = beside.or_else(chosen).or_else(|| newest(program)).or_else(|| found(program));
        let path = path.unwrap_or_else(|| program.into());
        let mut command = Command::new(path);
        command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("PGCLIENTENCODING", "UTF8")]);
        command.stdin(Stdio::null());
        command
    }

    /// The process that all others of the server descend from.
    ///
    /// # Panics
    /// If it is not ours, or does not run.
    pub fn pid(&self) -> u32 {
        self.local().child().as_ref().expect("a running server").id()
    }

    /// The processes that serve a database.
    ///
    /// # Panics
    /// If the server does not say.
    pub fn backend_pids(&self, database: &str) -> Vec<u32> {
        let sql = format!(
            "select pid from pg_stat_activity where datname = '{database}' and backend_type = 'client backend' \
             and pid <> pg_backend_pid() order by pid"
        );
        self.psql("postgres", &sql).lines().map(|pid| pid.parse().expect("a number")).collect()
    }

    /// Ends a session as an administrator does.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn terminate_backend(&self, pid: u32) {
        self.psql("postgres", &format!("select pg_terminate_backend({pid})"));
    }

    /// Kills the process of one session. The server then ends all others and recovers.
    ///
    /// # Panics
    /// On the shared server, where other tests would notice.
    pub fn sigkill_backend(&self, pid: u32) {
        assert!(!self.shared, "all sessions of a server die with one that is killed: start a server of your own");
        self.local();
        signal("KILL", pid);
    }

    /// Kills every process of the server at once.
    ///
    /// # Panics
    /// On the shared server, or if it does not run.
    pub fn kill9(&self) {
        assert!(!self.shared, "other tests need the shared server: start one of your own");
        let local = self.local();
        let mut child = local.child().take().expect("a running server");
        let main = child.id();
        // Stopped, it cannot start another while its children are counted.
        signal("STOP", main);
        let children = children(main);
        signal("KILL", main);
        child.wait().expect("a child can be waited for");
        for child in &children {
            signal("KILL", *child);
        }
        wait_for("the processes of a killed server end", || children.iter().all(|pid| !is_alive(*pid)).then_some(()));
    }

    /// Starts it again on the same port, after [`kill9`](Self::kill9) or [`stop`](Self::stop), and waits until it
    /// has recovered.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&self) {
        let local = self.local();
        // Its writer is dead, and the number may be another's by now.
        let _ = fs::remove_file(local.guard.folder().join("data/postmaster.pid"));
        let address = self.address();
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address with a port");
        assert!(local.run(port), "the server does not start again:\n{}", local.log());
    }

    /// Waits until a server that ended its sessions by itself takes new ones.
    ///
    /// # Panics
    /// If it does not within half a minute.
    pub fn wait_until_ready(&self) {
        wait_for("the server takes connections again", || {
            let mut psql = self.client("psql");
            psql.args(["-X", "-q", "-A", "-t", "-c", "select 1", "-d", &self.url("postgres")]);
            psql.output().is_ok_and(|output| output.status.success()).then_some(())
        });
    }

    /// Stops it as an administrator does who cannot wait.
    ///
    /// # Panics
    /// On the shared server.
    pub fn stop(&self) {
        assert!(!self.shared, "other tests need the shared server: start one of your own");
        self.local().stop("INT");
    }

    /// What it wrote into its log.
    ///
    /// # Panics
    /// If it is not ours.
    pub fn log(&self) -> String {
        self.local().log()
    }

    fn local(&self) -> &Local {
        self.local.as_ref().expect("a server of our own: this cannot be done to that of MIGRATE_TEST_POSTGRES")
    }
}

impl Local {
    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.guard.folder().join("log")).unwrap_or_default()
    }

    fn run_on_a_free_port(&self) -> u16 {
        for _ in 0..5 {
            let port = free_port();
            if self.run(port) {
                return port;
            }
        }
        panic!("PostgreSQL does not start:\n{}", self.log());
    }

    /// Whether it came up.
    fn run(&self, port: u16) -> bool {
        let folder = self.guard.folder();
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log file");
        let data = folder.join("data");
        let mut command = command_of(folder, self.bin.join("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let up = wait_for("PostgreSQL takes connections", || {
            if child.try_wait().expect("a child can be waited for").is_some() {
                return Some(false);
            }
            // The last line says in what state it is.
            let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
            (file.lines().nth(7)?.trim() == "ready").then_some(true)
        });
        if up {
            *self.child() = Some(child);
        }
        up
    }

    fn stop(&self, how: &str) {
        if let Some(mut child) = self.child().take() {
            signal(how, child.id());
            let _ = child.wait();
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop("QUIT");
    }
}

fn initialise(bin: &Path, guard: &Guard, password: Option<&str>) {
    let data = guard.folder().join("data");
    let mut command = command_of(guard.folder(), bin.join("initdb"));
    command.arg("-D").arg(&data).args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]);
    if let Some(password) = password {
        let file = guard.write("password", password);
        command.arg("--pwfile").arg(file).args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
    } else {
        command.args(["-A", "trust"]);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", complaint(&output));
}

/// The folder of the server's programs.
fn binaries() -> PathBuf {
    if let Some(folder) = env::var_os("MIGRATE_TEST_POSTGRES_BIN").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let whole = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    env::split_paths(&path).find(whole).or_else(|| newest("initdb")?.parent().map(Path::to_path_buf)).unwrap_or_else(
        || {
            panic!(
                "no PostgreSQL server: install one (scripts/test does; on Debian the package postgresql-15), \
                 or name one with MIGRATE_TEST_POSTGRES (a URL) or MIGRATE_TEST_POSTGRES_BIN (a folder with initdb and \
                 postgres), or leave it out with MIGRATE_TEST_SKIP=postgres"
            )
        },
    )
}

/// A program of the newest version that Debian has installed.
fn newest(program: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let installed = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin").join(program)))
    });
    installed.filter(|(_, path)| path.is_file()).max().map(|(_, path)| path)
}
