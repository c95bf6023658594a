//! What the server warned of, held until the line of its migration is written, and said once where it was said often.

use migrate_core::MigrationId;
use migrate_core::backend::Notice;

/// The warnings of one migration, in the order in which they came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notices {
    of: Option<MigrationId>,
    held: Vec<(Notice, usize)>,
}

impl Notices {
    /// Holds one. The answer are the lines of another migration that was never finished.
    pub(super) fn hold(&mut self, of: Option<&MigrationId>, notice: &Notice) -> Vec<String> {
        let left = if self.of.as_ref() == of { Vec::new() } else { self.unfinished() };
        self.of = of.cloned();
        match self.held.iter_mut().find(|(held, _)| held == notice) {
            Some((_, times)) => *times += 1,
            None => self.held.push((notice.clone(), 1)),
        }
        left
    }

    /// The lines below that of a finished migration.
    pub(super) fn finished(&mut self, id: &MigrationId) -> Vec<String> {
        if self.of.as_ref() == Some(id) { self.lines("    ") } else { Vec::new() }
    }

    /// The lines of a migration that has none of its own.
    pub(super) fn unfinished(&mut self) -> Vec<String> {
        let indent = self.of.as_ref().map_or_else(|| "  ".to_owned(), |id| format!("  {id}: "));
        self.lines(&indent)
    }

    fn lines(&mut self, indent: &str) -> Vec<String> {
        self.of = None;
        let line = |(notice, times): (Notice, usize)| {
            let often = if times > 1 { format!(" ({times} times)") } else { String::new() };
            format!("{indent}{}: {}{often}", notice.level.to_lowercase(), notice.message)
        };
        self.held.drain(..).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrate_core::{Phase, Version};

    fn id(version: &str) -> MigrationId {
        MigrationId::versioned(version.parse::<Version>().expect("a version"), Phase::Pre, 0)
    }

    fn warning(message: &str) -> Notice {
        Notice { level: "WARNING".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn what_was_said_often_is_said_once_below_the_line_of_its_migration() {
        let mut notices = Notices::default();
        for message in ["old", "new", "old", "old"] {
            assert_eq!(notices.hold(Some(&id("1")), &warning(message)), [""; 0]);
        }
        assert_eq!(notices.finished(&id("2")), [""; 0], "they are another migration's");
        assert_eq!(notices.finished(&id("1")), ["    warning: old (3 times)", "    warning: new"]);
        assert_eq!(notices.unfinished(), [""; 0]);
    }

    #[test]
    fn a_migration_that_was_not_finished_is_named() {
        let mut notices = Notices::default();
        notices.hold(Some(&id("1")), &warning("cut off"));
        assert_eq!(notices.hold(Some(&id("2")), &warning("cut off")), ["  1: warning: cut off"]);
        assert_eq!(notices.unfinished(), ["  2: warning: cut off"]);
        notices.hold(None, &warning("of the session"));
        assert_eq!(notices.unfinished(), ["  warning: of the session"]);
    }
}
