//! What the names of all layouts have in common.

use super::NewMigration;
use crate::diagnostic::{Diagnostic, codes};
use crate::migration::{MigrationId, Phase};
use crate::version::Version;

/// `text` without `ending`, whose case does not matter.
pub(super) fn strip_ending<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(ending.len())?;
    text.get(at..)?.eq_ignore_ascii_case(ending).then(|| &text[..at])
}

/// Whether a name ends so, in exactly these letters, as some tools want it.
pub(super) fn ends(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some()
}

/// `create__users_` → `create users`.
pub(super) fn words(text: &str) -> String {
    text.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A description as a part of a file name: what could end it or leave the folder becomes `_`.
pub(super) fn in_a_name(description: &str) -> String {
    description.split(|c| c == '_' || ends_a_name(c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// Whether no name of a file may hold it, on some system or in some layout.
pub(super) fn ends_a_name(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "./\\:*?\"<>|".contains(character)
}

/// The digits a text begins with, and the rest; `None` if there are none.
pub(super) fn leading_digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The version that nothing but digits make, no larger than what the layout's own tool counts to.
pub(super) fn number(digits: &str, largest: u128) -> Option<Version> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let version: Version = is_number.then(|| digits.parse().ok())??;
    version.parts().first().is_none_or(|number| *number <= largest).then_some(version)
}

/// An identity that is a version and nothing else.
pub(super) fn plain(version: Version) -> MigrationId {
    MigrationId::versioned(version, Phase::Pre, 0)
}

/// The number of a new migration, for layouts whose versions are one number without a phase.
///
/// # Errors
/// If it is none.
pub(super) fn new_number<'a>(new: &'a NewMigration, tool: &str, largest: u128) -> Result<&'a Version, Box<Diagnostic>> {
    let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
    if let Some(engine) = &new.engine {
        return refused(format!("{}: {tool} has no files for one engine, so none for {engine}", new.id));
    }
    match &new.id {
        MigrationId::Repeatable { .. } => refused(format!("{}: {tool} has no repeatables", new.id)),
        MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 }
            if number(version.as_str(), largest).is_some() =>
        {
            Ok(version)
        }
        MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 }
            if number(version.as_str(), u128::MAX).is_some() =>
        {
            let message = format!("{}: is more than {tool} counts to, which is {largest}", new.id);
            Err(Box::new(Diagnostic::error(codes::USAGE, message).help("count on from the newest one: --sequential")))
        }
        MigrationId::Versioned { .. } => {
            refused(format!("{}: a version of {tool} is one number, without a phase", new.id))
        }
    }
}

/// A new migration without a way back, for layouts that have none.
///
/// # Errors
/// If it is to have one.
pub(super) fn forward_only(new: &NewMigration, tool: &str) -> Result<(), Box<Diagnostic>> {
    if !new.reversible {
        return Ok(());
    }
    Err(Box::new(Diagnostic::error(codes::USAGE, format!("{}: {tool} has no ways back", new.id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_up_to_a_limit() {
        for (text, expected) in [
            ("000012", Some("000012")),
            ("0", Some("0")),
            ("2147483647", Some("2147483647")),
            ("2147483648", None),
            ("", None),
            ("1.2", None),
            ("-1", None),
            ("999999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(number(text, 2_147_483_647).as_ref().map(Version::as_str), expected, "{text}");
        }
    }
}
