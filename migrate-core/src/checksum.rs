//! Two tagged digests of a script: `sha256:` of its bytes, and `norm1-sha256:` of what the server would see.
//!
//! A tag never changes its meaning. The raw digest is taken when a set is read; the normalised one needs the engine's
//! lexical rules and is taken only for what runs, and where the raw ones differ.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// `sha256:…` of the bytes of `text`.
pub fn raw(text: &str) -> String {
    tagged("sha256", text.as_bytes())
}

/// `TAG:` and the hex SHA-256 of `bytes`.
pub(crate) fn tagged(tag: &str, bytes: &[u8]) -> String {
    hex(tag, &Sha256::digest(bytes))
}

/// `TAG:` and a digest in hex.
pub(crate) fn hex(tag: &str, digest: &[u8]) -> String {
    let mut out = format!("{tag}:");
    for byte in digest {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Placeholder.
pub fn normalised(source: &crate::Source, _: &crate::sql::Syntax) -> String {
    raw(source.text())
}
