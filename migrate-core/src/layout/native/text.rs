//! The text of a file: its sections, and what its directives say.

use super::group::Found;
use super::name::Direction;
use crate::diagnostic::Diagnostic;
use crate::layout::EngineNames;
use crate::migration::{Attributes, MigrationId, Replaced};
use crate::source::Source;

/// A file, understood.
pub(super) struct Content {
    /// The way forward; of a down's file the whole of it.
    pub(super) up: Source,
    /// The way back.
    pub(super) down: Option<Source>,
    pub(super) attributes: Attributes,
    /// What a snapshot stands for.
    pub(super) replaces: Vec<Replaced>,
}

/// Reads a file; `None` where it cannot be read, which is reported.
pub(super) fn read(found: &Found<'_>, _engine: &EngineNames, diagnostics: &mut Vec<Diagnostic>) -> Option<Content> {
    let source = found.file.source().map_err(|problem| diagnostics.push(*problem)).ok()?;
    let down = (found.name.direction == Direction::Down).then(|| source.clone());
    Some(Content { up: source, down, attributes: Attributes::default(), replaces: Vec::new() })
}

impl Content {
    /// The identity of a migration: what its name says, and the phase a directive gives.
    pub(super) fn identity(
        &self,
        named: MigrationId,
        _up: &Found<'_>,
        _diagnostics: &mut Vec<Diagnostic>,
    ) -> MigrationId {
        named
    }
}
