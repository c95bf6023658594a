//! Where an attempt that is not over goes on.
//!
//! A row's `prefix_digest` is `LENGTH sha256:HEX`: the digest of the first LENGTH bytes of the script, which end with
//! the last statement that the cursor has passed. Byte offsets and not statement numbers, because a newer splitter may
//! count differently.

use sha2::{Digest, Sha256};

use crate::checksum;
use crate::sql::Script;

/// The part of a script that has certainly run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Its length in bytes.
    pub length: usize,
    /// `sha256:` of it.
    pub digest: String,
}

impl Prefix {
    /// From the column; `None` if nothing has run or the text is none of ours.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (length, digest) = text.split_once(' ')?;
        Some(Self { length: length.parse().ok()?, digest: digest.to_owned() })
    }

    /// As it stands in the column.
    pub(crate) fn to_text(&self) -> String {
        format!("{} {}", self.length, self.digest)
    }

    /// Whether `script` still begins with it.
    pub(crate) fn starts(&self, script: &Script) -> bool {
        script.source().text().get(..self.length).is_some_and(|text| checksum::raw(text) == self.digest)
    }

    /// Index of the first statement behind it; `None` if a statement lies across its end.
    pub(crate) fn next_statement(&self, script: &Script) -> Option<usize> {
        let end = script.source().range().start + self.length;
        let index = script.statements().position(|statement| script.end(statement.number - 1) > end);
        match index {
            Some(index) if script.statement(index).offset < end => None,
            Some(index) => Some(index),
            None => Some(script.len()),
        }
    }
}

/// Digests of growing prefixes of one script, each byte hashed once.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    hasher: Sha256,
    length: usize,
}

impl Prefixes {
    /// Nothing hashed yet.
    pub(crate) fn new() -> Self {
        Self { hasher: Sha256::new(), length: 0 }
    }

    /// The prefix that ends with the statement before `cursor`; `None` at the beginning.
    ///
    /// # Panics
    /// If called with a smaller cursor than before.
    pub(crate) fn up_to(&mut self, script: &Script, cursor: usize) -> Option<Prefix> {
        let end = script.end(cursor.checked_sub(1)?) - script.source().range().start;
        self.hasher.update(&script.source().text().as_bytes()[self.length..end]);
        self.length = end;
        let digest = self.hasher.clone().finalize();
        Some(Prefix { length: end, digest: checksum::hex("sha256", &digest) })
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        Self::new()
    }
}
