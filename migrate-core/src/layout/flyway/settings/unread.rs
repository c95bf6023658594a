//! `flyway.toml` where nothing reads one.

use super::Entry;
use crate::diagnostic::Diagnostic;
use crate::layout::unread;
use crate::source::Source;

pub(super) fn entries(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    diagnostics.push(unread("flyway.toml", source.path()));
    Vec::new()
}
