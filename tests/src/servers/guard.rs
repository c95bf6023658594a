//! The folder of a server, and what clears it away when the test process dies.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for the end of its input, which comes when the test process ends in whatever way. Then it stops the servers
/// whose pid files are in the folder, kills what else names the folder, and removes it.
const SCRIPT: &str = r#"
trap '' HUP INT TERM QUIT
cat >/dev/null
for file in "$FOLDER"/data/postmaster.pid "$FOLDER"/pid; do
  [ -s "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
done
tries=0
while [ -e "$FOLDER" ]; do
  if [ ! -e "$FOLDER/data/postmaster.pid" ] || [ $tries -gt 100 ]; then
    for found in $(grep -l -F -e "$FOLDER" /proc/[0-9]*/cmdline 2>/dev/null); do
      found=${found#/proc/}
      kill -KILL "${found%/cmdline}" 2>/dev/null
    done
    rm -rf "$FOLDER"
  fi
  tries=$((tries + 1))
  [ -e "$FOLDER" ] && sleep 0.05
done
"#;

/// A folder that is gone, with every server in it, soon after this process is. Dropping it removes it at once.
#[derive(Debug)]
pub struct Guard {
    folder: PathBuf,
    watchdog: Child,
    /// Ends with this process.
    lifeline: Option<ChildStdin>,
}

impl Guard {
    /// A new folder in memory where there is such a place, that belongs to `nobody` if we are root.
    ///
    /// # Panics
    /// If there is no place for it.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("migrate-{name}-"))
            .rand_bytes(12)
            .tempdir_in(place())
            .expect("a temporary folder")
            .keep();
        let mut watchdog = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("FOLDER", &folder)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let lifeline = watchdog.stdin.take();
        if is_root() {
            let (user, group) = nobody();
            chown(&folder, Some(user), Some(group)).expect("root gives a folder away");
        }
        Self { folder, watchdog, lifeline }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file that the server can read and nobody else.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file in a temporary folder");
        self.give_away(&path);
        path
    }

    /// Makes a file the server's own.
    ///
    /// # Panics
    /// If it is not there.
    pub fn give_away(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of our own");
        if is_root() {
            let owner = self.folder.metadata().expect("the folder is there");
            chown(path, Some(owner.uid()), Some(owner.gid())).expect("root gives a file away");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.watchdog.wait();
    }
}

/// Memory costs nothing of a server's durability: what a killed process wrote stays written. A container may have very
/// little of it. For what a disk costs, `MIGRATE_TEST_DATA` names a folder on one.
fn place() -> PathBuf {
    if let Some(folder) = std::env::var_os("MIGRATE_TEST_DATA") {
        return folder.into();
    }
    let memory = Path::new("/dev/shm");
    let free = Command::new("df").args(["-Pk", "/dev/shm"]).output().ok().and_then(|output| {
        let table = String::from_utf8(output.stdout).ok()?;
        table.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    let usable = free.is_some_and(|kilobytes| kilobytes > 2_000_000) && tempfile::tempfile_in(memory).is_ok();
    if usable { memory.to_path_buf() } else { std::env::temp_dir() }
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// User and group of `nobody`.
fn nobody() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let line = users.lines().find(|line| line.starts_with("nobody:")).expect("a user called nobody");
    let mut numbers = line.split(':').skip(2).map(|number| number.parse().expect("users have numbers"));
    (numbers.next().expect("a user's number"), numbers.next().expect("a group's number"))
}
