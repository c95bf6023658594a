//! Real servers for tests: started when first needed, gone when the test process is, however it ends.
//!
//! | module | holds |
//! |---|---|
//! | [`postgres`] | a PostgreSQL server: one that a test process shares, or one of a test's own that may be killed |
//! | [`database`] | a database of a test's own |
//! | [`psql`] | a client whose transaction stays open between two calls |
//! | [`pgbouncer`] | a pooler in front of a server |
//! | [`guard`] | the folder of a server, and what clears it away when the test process dies |
//! | [`certificates`] | an authority and what it signed, for TLS |
//!
//! Every test that needs a PostgreSQL server stands in a module `on_postgres`: by that name they are left out where
//! `MIGRATE_TEST_SKIP` names `postgres`.

pub mod certificates;
pub mod database;
pub mod guard;
pub mod pgbouncer;
pub mod postgres;
pub mod psql;

pub use database::Database;
pub use pgbouncer::{Pgbouncer, PoolMode};
pub use postgres::{Options, Postgres};
pub use psql::Psql;

use std::env;
use std::ffi::OsStr;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Asks for something again and again until it is there.
///
/// # Panics
/// If it is not there after half a minute; `what` says what was missing.
pub fn wait_for<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "waited half a minute: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Panics if a server is to be left out: its tests should not have been started.
fn not_skipped(server: &str) {
    let skipped = env::var("MIGRATE_TEST_SKIP").unwrap_or_default();
    assert!(
        !skipped.split(',').any(|name| name.trim() == server),
        "MIGRATE_TEST_SKIP names {server}: leave its tests out with `cargo test -- --skip on_{server}::`, \
         as scripts/test does"
    );
}

/// A port on which nobody listens. Whoever takes it at once is nearly sure to get it, and must be ready to try again.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a listener has an address").port()
}

/// A program in a folder of the search path, or where Debian keeps what only root needs.
fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A program with nothing of our environment, as the user of a folder, in `/`: servers refuse to run as root.
fn command_of(folder: &Path, program: impl AsRef<OsStr>) -> Command {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;

    let owner = folder.metadata().expect("the folder of a server");
    let mut command = Command::new(program);
    command.env_clear().envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C"), ("TZ", "UTC")]).current_dir("/");
    // Away from the terminal: what interrupts the tests must not reach a server before its guard does.
    command.process_group(0);
    if guard::is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command
}

/// What a command said on standard output.
fn said(command: &mut Command) -> String {
    said_of(command, "")
}

/// What a command said on standard output when it was given this on standard input.
fn said_of(command: &mut Command, input: &str) -> String {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // It reads to the end before it has said more than fits into a pipe, or does not read at all.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", complaint(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn complaint(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Sends a signal. That the process is gone already is no failure.
fn signal(name: &str, pid: u32) {
    let _ = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
}
