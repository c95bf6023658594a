//! The lock of the migrations.
//!
//! SQLite's own locks are too short: a journalled step commits after each statement. So a plan with such a step holds
//! an operating system's file lock for the whole run, on `DATABASE-migrate.lock` beside the database: never on the
//! database itself, because closing *any* handle of a file drops the POSIX locks that SQLite has on it in this
//! process. The system releases the lock when the process ends in whatever way.
//!
//! The file holds who has the lock and since when, for those who wait. On Unix it is removed with the lock: the holder
//! unlinks it while it still holds the lock, and whoever gets a lock looks whether the path still leads to the file it
//! locked, and opens it again if not. Elsewhere an open file cannot be told from its successor, so the file stays. It
//! also stays after a kill, until the next holder is done; it may be deleted whenever no migration runs.
//!
//! A database in memory has no place for a file: its lock is an entry in a table of this process.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use migrate_core::backend::{Fault, Holder, ServerError};

/// Where the lock of one database lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file beside the database.
    File(PathBuf),
    /// This process, under the name of the database.
    Process(String),
}

/// A held lock; released when dropped.
#[derive(Debug)]
pub(crate) enum Lock {
    File { file: File, path: PathBuf },
    Process(String),
}

/// Who has the lock of which database in memory, since when.
static IN_PROCESS: Mutex<BTreeMap<String, (String, Instant)>> = Mutex::new(BTreeMap::new());

/// The lock file of a database file.
pub(crate) fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-migrate.lock");
    path.into()
}

impl Lock {
    /// Takes the lock if it is free.
    pub(crate) fn take(place: &Place, owner: &str) -> Result<Result<Self, Holder>, ServerError> {
        match place {
            Place::File(path) => take_file(path, owner).map_err(|error| {
                let fault = match error.kind() {
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Fault::ReadOnly,
                    _ => Fault::Refused,
                };
                ServerError::new(fault, format!("the lock file {} cannot be used: {error}", path.display()))
            }),
            Place::Process(name) => {
                let mut held = IN_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((who, since)) = held.get(name) {
                    return Ok(Err(Holder { who: who.clone(), since: Some(since.elapsed()), running: None }));
                }
                held.insert(name.clone(), (owner.to_owned(), Instant::now()));
                Ok(Ok(Self::Process(name.clone())))
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        match self {
            Self::File { file, path } => {
                // Nothing to be done about a failure: the lock itself ends with the handle.
                if cfg!(unix) {
                    let _ = std::fs::remove_file(path);
                } else {
                    let _ = file.set_len(0);
                }
                let _ = file.unlock();
            }
            Self::Process(name) => {
                IN_PROCESS.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            }
        }
    }
}

fn take_file(path: &Path, owner: &str) -> std::io::Result<Result<Lock, Holder>> {
    loop {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) if leads_to(path, &file)? => {
                // Only what those who wait are told: the lock is held whether or not it can be written.
                let _ = write_holder(&mut file, owner, SystemTime::now());
                return Ok(Ok(Lock::File { file, path: path.to_owned() }));
            }
            // The holder before us removed this file between our opening and our locking it.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Windows does not let others read a locked file.
                let _ = file.read_to_string(&mut text);
                return Ok(Err(read_holder(&text, SystemTime::now())));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // as on Unix
fn leads_to(_: &Path, _: &File) -> std::io::Result<bool> {
    Ok(true)
}

/// Microseconds since 1970, the owner, and an end mark: what has no end mark is half written.
fn write_holder(file: &mut File, owner: &str, now: SystemTime) -> std::io::Result<()> {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{since}\n{owner}\n.\n").as_bytes())
}

fn read_holder(text: &str, now: SystemTime) -> Holder {
    let unknown = Holder { who: "another process".to_owned(), ..Holder::default() };
    let Some((since, owner)) = text.strip_suffix("\n.\n").and_then(|text| text.split_once('\n')) else {
        return unknown;
    };
    let since = since.parse().ok().map(Duration::from_micros).and_then(|since| UNIX_EPOCH.checked_add(since));
    Holder {
        who: owner.to_owned(),
        since: since.map(|since| now.duration_since(since).unwrap_or_default()),
        running: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Lock, Place, read_holder};

    #[test]
    fn the_holder_is_read_back_and_half_a_file_is_nobody() {
        let check = |text: &str, who: &str, since: Option<u64>| {
            let holder = read_holder(text, UNIX_EPOCH + Duration::from_secs(10));
            assert_eq!((holder.who.as_str(), holder.since), (who, since.map(Duration::from_secs)), "{text:?}");
        };
        check("4000000\nann@host, pid 7\n.\n", "ann@host, pid 7", Some(6));
        check("4000000\ntwo\nlines\n.\n", "two\nlines", Some(6));
        check("99000000\nclock went back\n.\n", "clock went back", Some(0));
        check("nonsense\nann\n.\n", "ann", None);
        check("4000000\nann@ho", "another process", None);
        check("4000000", "another process", None);
        check("", "another process", None);
    }

    #[test]
    fn a_lock_is_held_once_and_its_file_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = super::path(&folder.path().join("app.db"));
        let place = Place::File(path.clone());
        let first = Lock::take(&place, "first").unwrap().unwrap();
        assert_eq!(Lock::take(&place, "second").unwrap().unwrap_err().who, "first");
        drop(first);
        assert_eq!(path.exists(), !cfg!(unix));
        drop(Lock::take(&place, "second").unwrap().unwrap());
    }

    #[test]
    fn many_threads_never_hold_it_together() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(super::path(&folder.path().join("app.db")));
        let (inside, rounds) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while rounds.load(Ordering::SeqCst) < 400 {
                        if let Ok(lock) = Lock::take(&place, "one of four").unwrap() {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            rounds.fetch_add(1, Ordering::SeqCst);
                            assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                            drop(lock);
                        }
                    }
                });
            }
        });
    }
}
