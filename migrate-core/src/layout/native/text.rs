//! The text of a file: its sections, and what its directives say.

use std::ops::Range;

use super::group::Found;
use super::name::{Direction, Subject};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::EngineNames;
use crate::migration::{Attributes, MigrationId, Phase, Replaced};
use crate::placeholder::Grammar;
use crate::set::ReadOptions;
use crate::source::Source;
use crate::sql::directive::{self, Directive, DirectiveKind, give};
use crate::sql::split;

/// A file, understood.
pub(super) struct Content {
    /// The way forward; of a down's file the whole of it.
    pub(super) up: Source,
    /// The way back.
    pub(super) down: Option<Source>,
    pub(super) attributes: Attributes,
    /// What is declared as the checksum of code.
    pub(super) code: Option<String>,
    /// What a snapshot stands for.
    pub(super) replaces: Vec<Replaced>,
    /// What a directive says about the phase, and where.
    phase: Option<(Phase, Place)>,
}

/// Reads a file; `None` where it cannot be read, which is reported.
pub(super) fn read(found: &Found<'_>, options: &ReadOptions, diagnostics: &mut Vec<Diagnostic>) -> Option<Content> {
    let engine = &options.engine;
    let source = found.file.source().map_err(|problem| diagnostics.push(*problem)).ok()?;
    // `${…}` means something only where somebody says what it stands for.
    let source = if options.placeholders.is_empty() {
        source
    } else {
        Grammar::PLAIN.replace(&source, &found.name.title(), &options.placeholders, diagnostics)
    };
    let directives = directive::directives(&source, &engine.syntax);
    let mut reader = Reader { found, source: &source, diagnostics };
    for problem in directives.problems {
        reader.problem(problem.at, &problem.message);
        reader.help(problem.help);
    }
    let (up, down) = reader.sections(&directives.found, engine);
    let attributes = Attributes::default();
    let mut content = Content { up, down, attributes, code: None, replaces: Vec::new(), phase: None };
    let back = content.down.as_ref().map_or(0..0, Source::range);
    for directive in directives.found {
        let is_back = back.contains(&directive.at.start);
        reader.take(directive, is_back, &mut content);
    }
    Some(content)
}

impl Content {
    /// The identity of a migration: what its name says, and the phase a directive gives.
    pub(super) fn identity(
        &self,
        named: MigrationId,
        up: &Found<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> MigrationId {
        let Some((phase, place)) = &self.phase else {
            diagnostics.extend(almost_a_phase(up));
            return named;
        };
        let problem = match (&up.name.subject, &named) {
            (Subject::Versioned { version, place: None }, _) => {
                return MigrationId::versioned(version.clone(), *phase, 0);
            }
            (Subject::Versioned { place: Some((in_name, _)), .. }, _) if in_name == phase => return named,
            (Subject::Versioned { place: Some((in_name, _)), .. }, _) => {
                format!("the directive says {phase}, the file's name says {in_name}")
            }
            _ => "only a versioned migration has a phase; a repeatable runs with the last post".to_owned(),
        };
        diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{}: {problem}", up.name.title()))
                .at(place.clone())
                .help("take the directive out, or rename the file if it was never applied"),
        );
        named
    }
}

/// `2.1.0_post_drop.sql` is legal and perhaps not what was meant.
fn almost_a_phase(up: &Found<'_>) -> Option<Diagnostic> {
    let phase = up.name.phase_without_ordinal()?;
    let (version, rest) = up.file.name().split_once('_')?;
    let ordinal = if phase == "post" { "50" } else { "01" };
    Some(
        Diagnostic::warning(
            codes::NEAR_MISS_NAME,
            format!("{}: `{phase}` is part of the description, because no ordinal stands before it", up.name.title()),
        )
        .at(Place::path(up.file.path()))
        .help(format!("if the phase is meant, name it {version}_{ordinal}_{rest}"))
        .help("if not, say so in the file: -- migrate:phase pre"),
    )
}

struct Reader<'a> {
    found: &'a Found<'a>,
    source: &'a Source,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Splits the file at its markers. What is wrong with them is reported, and what they most likely mean is done.
    fn sections(&mut self, directives: &[Directive], engine: &EngineNames) -> (Source, Option<Source>) {
        let (mut up, mut down) = (None, None);
        for directive in directives {
            let (marker, name) = match directive.kind {
                DirectiveKind::Up => (&mut up, "up"),
                DirectiveKind::Down => (&mut down, "down"),
                _ => continue,
            };
            if marker.is_some() {
                self.problem(directive.at.clone(), &format!("there are two sections `migrate:{name}`"));
                self.help(Some("write both into one".to_owned()));
                self.help((name == "up").then(|| "if the files are dbmate's: --layout dbmate".to_owned()));
            } else {
                *marker = Some(directive.at.clone());
            }
        }
        match self.found.name.direction {
            Direction::Down => {
                self.foreign(up, "down");
                return (self.source.clone(), Some(self.source.clone()));
            }
            Direction::Up => {
                self.foreign(down, "up");
                return (self.source.clone(), None);
            }
            Direction::Whole => {}
        }
        let Some(first) = [&up, &down].into_iter().flatten().min_by_key(|at| at.start).cloned() else {
            return (self.source.clone(), None);
        };
        if up.is_some() {
            self.only_comments_before(&first, engine);
        }
        let Some(down) = down else {
            return (self.source.clone(), None);
        };
        if matches!(self.found.name.subject, Subject::Snapshot { .. }) {
            self.problem(down, "a snapshot has no down: its migrations bring theirs");
            return (self.source.clone(), None);
        }
        let whole = self.source.range();
        match up {
            // What stands before the first marker belongs to the way forward.
            Some(up) if up.start < down.start => {
                (self.source.part(whole.start..down.start), Some(self.source.part(down.start..whole.end)))
            }
            Some(up) => {
                self.problem(down.clone(), "the section `migrate:down` stands before `migrate:up`");
                self.help(Some("put it after it".to_owned()));
                (self.source.part(up.start..whole.end), Some(self.source.part(down.start..up.start)))
            }
            None => {
                self.problem(down.clone(), "a section `migrate:down` and no section `migrate:up` before it");
                self.help(Some("begin the way forward with `-- migrate:up`".to_owned()));
                (self.source.part(whole.start..down.start), Some(self.source.part(down.start..whole.end)))
            }
        }
    }

    /// A marker of the other direction in a file whose name says its own.
    fn foreign(&mut self, marker: Option<Range<usize>>, own: &str) {
        if let Some(at) = marker {
            self.problem(at, &format!("the file's name says .{own}, so it has no other section"));
            self.help(Some(format!("take .{own} out of its name, or the section into a file of its own")));
        }
    }

    fn only_comments_before(&mut self, first: &Range<usize>, engine: &EngineNames) {
        let head = self.source.part(self.source.range().start..first.start);
        if let Some(piece) = split::split(&head, &engine.syntax).pieces.into_iter().next() {
            self.problem(piece.text, "a statement before the first section would never run");
            self.help(Some("move it below `-- migrate:up`".to_owned()));
        }
    }

    fn take(&mut self, directive: Directive, is_back: bool, content: &mut Content) {
        let Directive { at, kind } = directive;
        let is_snapshot = matches!(self.found.name.subject, Subject::Snapshot { .. });
        let attributes = &mut content.attributes;
        let run = if is_back { &mut attributes.down } else { &mut attributes.run };
        let agrees = match kind {
            DirectiveKind::Up | DirectiveKind::Down | DirectiveKind::Statement(_) => true,
            DirectiveKind::NoTransaction
            | DirectiveKind::Settings(_)
            | DirectiveKind::Timeout(_)
            | DirectiveKind::Precondition(_)
            | DirectiveKind::Batch(_) => directive::take(run, &kind),
            // What follows is about the migration and not about one direction of it.
            _ if is_back => {
                self.problem(at, "this directive is about the whole migration and belongs into its up part");
                return;
            }
            DirectiveKind::Replaces(replaced) if is_snapshot => {
                content.replaces.extend(replaced);
                true
            }
            DirectiveKind::Replaces(_) => {
                self.problem(at, "only a snapshot, B<version>__name.sql, can replace others");
                return;
            }
            _ if is_snapshot => {
                self.problem(at, "this directive is about a migration, not about a snapshot");
                return;
            }
            DirectiveKind::Phase(phase) => {
                let place = Place::in_source(self.source, at.clone());
                let agrees = content.phase.as_ref().is_none_or(|(other, _)| *other == phase);
                content.phase.get_or_insert((phase, place));
                agrees
            }
            DirectiveKind::RequiresVersion(version) => give(&mut attributes.requires_version, Some(version)),
            DirectiveKind::CompatibleFrom(version) => give(&mut attributes.compatible_from, Some(version)),
            DirectiveKind::Irreversible(reason) => give(&mut attributes.irreversible, Some(reason)),
            DirectiveKind::Optional(name) => give(&mut attributes.optional, Some(name)),
            DirectiveKind::Code(checksum) => {
                if !matches!(self.found.name.subject, Subject::Versioned { .. }) {
                    self.problem(at, "only a versioned migration can be code");
                    return;
                }
                give(&mut content.code, Some(checksum))
            }
            DirectiveKind::Requires(names) => {
                if !matches!(self.found.name.subject, Subject::Repeatable { .. }) {
                    self.problem(at, "only a repeatable can require others: versions have their order");
                    return;
                }
                attributes.requires.extend(names);
                true
            }
        };
        if !agrees {
            self.problem(at, "said before in this file, with another value");
            self.help(Some("say it once".to_owned()));
        }
    }

    fn problem(&mut self, at: Range<usize>, message: &str) {
        self.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{}: {message}", self.found.name.title()))
                .at(Place::in_source(self.source, at)),
        );
    }

    /// One more line for the last problem.
    fn help(&mut self, line: Option<String>) {
        if let (Some(last), Some(line)) = (self.diagnostics.last_mut(), line) {
            last.help.push(line);
        }
    }
}
