//! Programs, and what is done to processes.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use super::guard;

/// A program in a folder of the search path, or where Debian keeps what only root needs.
pub(super) fn found(program: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The folders in which a program may be.
pub(super) fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    folders.into_iter().chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()])
}

/// A program with nothing of our environment, as the user of a folder, in `/`: servers refuse to run as root.
pub(super) fn command_of(folder: &Path, program: impl AsRef<OsStr>) -> Command {
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
pub(super) fn said(command: &mut Command) -> String {
    said_of(command, "")
}

/// What a command said on standard output when it was given this on standard input.
pub(super) fn said_of(command: &mut Command, input: &str) -> String {
    let output = output_of(command, input);
    assert!(output.status.success(), "{command:?}\n{}", complaint(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a command answers that is given this on standard input. It may speak before it has read all of it.
pub(super) fn output_of(command: &mut Command, input: &str) -> Output {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        // Whoever does not want to hear it ends early.
        scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

pub(super) fn complaint(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Sends a signal. That the process is gone already is no failure.
pub(super) fn signal(name: &str, pid: u32) {
    let _ = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
}

/// The processes whose parent is `pid`.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|child| status(*child).is_some_and(|(_, parent)| parent == pid)).collect()
}

/// Whether a process runs; one that is dead and not yet waited for does not.
pub fn is_alive(pid: u32) -> bool {
    status(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// State and parent of a process.
fn status(pid: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let mut fields = line.rsplit(')').next()?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
