//! Where a database lies, and the locks beside it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::tables::Tables;
use super::{Error, ErrorKind};

/// How often a lock that somebody has is tried again.
const AGAIN: Duration = Duration::from_millis(5);

pub(super) fn read(path: &Path) -> Result<Tables, Error> {
    let bytes = fs::read(path).map_err(|error| failed(path, "read", &error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::refused(format!("{} is no database: {error}", path.display())))
}

/// Whoever reads finds what was there or what is there now, and never half of it.
pub(super) fn write(path: &Path, tables: &Tables) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(tables).map_err(|error| Error::refused(error.to_string()))?;
    let new = beside(path, "new");
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    written.map_err(|error| failed(path, "written", &error))
}

/// The lock of whoever writes. The operating system gives it back when the file is closed, however that comes about.
pub(super) fn lock_writer(path: &Path, wait: Duration) -> Result<File, Error> {
    let began = Instant::now();
    loop {
        let who = match lock(path, "writer", &format!("process {}", std::process::id()))? {
            Ok(lock) => return Ok(lock),
            Err(who) => who,
        };
        if !wait.is_zero() && began.elapsed() >= wait {
            let message = format!("{who} is writing; waited {} ms", wait.as_millis());
            return Err(Error { kind: ErrorKind::Busy, message, position: None });
        }
        thread::sleep(AGAIN);
    }
}

/// A lock of this name, or who has it. Its file stays: removing one that others may just have opened would give the lock
/// to two.
pub(crate) fn lock(path: &Path, name: &str, owner: &str) -> Result<Result<File, String>, Error> {
    let path = beside(path, &format!("{name}.lock"));
    let failed = |error| failed(&path, "locked", &error);
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // For those who wait; it is ours whether or not this can be written.
            let _ = file.set_len(0).and_then(|()| file.write_all(owner.as_bytes()));
            Ok(Ok(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            let _ = file.read_to_string(&mut who);
            Ok(Err(if who.is_empty() { "another process".to_owned() } else { who }))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-");
    name.push(end);
    name.into()
}

fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::Missing,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Refused,
    };
    Error { kind, message: format!("{} cannot be {what}: {error}", path.display()), position: None }
}
