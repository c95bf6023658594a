//! The locks of other tools, as SQL that takes them without waiting and gives them back.

use super::{Engine, Table};

/// A lock of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ForeignLock {
    /// What it is, for those who wait: `Flyway's advisory lock 77433833903597`.
    pub name: String,
    /// Statements that try to take it, in order; the first cell of the last answer says whether it is ours.
    pub take: Vec<String>,
    /// What that cell is where it is ours.
    pub ours: String,
    /// Statements that give it back.
    pub give_back: Vec<String>,
    /// What to do about one that nobody holds any more; where the server gives it back by itself, nothing.
    pub help: Option<String>,
}

/// Where a tool would lock.
#[derive(Clone, Copy, Debug)]
pub struct Locking<'a> {
    /// On which engine.
    pub engine: Engine,
    /// The connection's database.
    pub database: &'a str,
    /// Its table.
    pub table: &'a Table,
    /// The tables beside it.
    pub beside: &'a [Table],
    /// What tells our run from others.
    pub owner: &'a str,
}

impl ForeignLock {
    /// An advisory lock of PostgreSQL, of the session.
    pub(super) fn advisory(whose: &str, key: i64) -> Self {
        Self {
            name: format!("{whose}'s advisory lock {key}"),
            take: vec![format!("SELECT pg_try_advisory_lock({key})")],
            ours: "t".to_owned(),
            give_back: vec![format!("SELECT pg_advisory_unlock({key})")],
            help: None,
        }
    }

    /// A named lock of MySQL and MariaDB.
    pub(super) fn named(whose: &str, name: &str, engine: Engine) -> Self {
        let literal = engine.literal(name);
        Self {
            name: format!("{whose}'s lock {name}"),
            take: vec![format!("SELECT GET_LOCK({literal}, 0)")],
            ours: "1".to_owned(),
            give_back: vec![format!("SELECT RELEASE_LOCK({literal})")],
            help: None,
        }
    }
}

impl Locking<'_> {
    /// The schema of the table, where the engine has one.
    pub(super) fn schema(&self) -> &str {
        self.table.name.schema.as_deref().unwrap_or_default()
    }

    /// An advisory lock on PostgreSQL, a named one on MySQL, none on SQLite.
    pub(super) fn either(&self, whose: &str, key: Option<i64>, name: Option<&str>) -> Vec<ForeignLock> {
        match self.engine {
            Engine::Postgres => key.map(|key| ForeignLock::advisory(whose, key)).into_iter().collect(),
            Engine::MySql | Engine::MariaDb => {
                name.map(|name| ForeignLock::named(whose, name, self.engine)).into_iter().collect()
            }
            Engine::Sqlite => Vec::new(),
        }
    }
}

/// CRC-32 (IEEE) of a text.
#[cfg(feature = "other-tools")]
#[allow(clippy::unnecessary_wraps)] // it is not there without the feature
pub(super) fn crc32(text: &str) -> Option<u32> {
    Some(crc32fast::hash(text.as_bytes()))
}

/// Without the feature `other-tools` no plan takes a history over, so that nobody has to be kept out.
#[cfg(not(feature = "other-tools"))]
pub(super) fn crc32(_text: &str) -> Option<u32> {
    None
}

/// Java's `String.hashCode`: over UTF-16 units, in 32 bits with a sign.
pub(super) fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// FNV-1 with 32 bits.
pub(super) fn fnv1(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5_u32, |hash, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
}
