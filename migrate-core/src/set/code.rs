//! Code that a program has, and the files of a set that declare it.

use crate::checksum;
use crate::code::declared::REGISTERED;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::Migration;

/// What a file declares can be run from now on; answers why it cannot.
pub(super) fn bind(known: &mut Migration, new: &Migration) -> Option<Diagnostic> {
    let Some(work) = &mut known.attributes.code else {
        let message = format!("{}: is a script, and code is registered for it too", known.title());
        let diagnostic = Diagnostic::error(codes::DUPLICATE, message).at(Place::path(known.up.path()));
        return Some(diagnostic.help("give the code a version of its own"));
    };
    if work.runs.is_some() {
        let message = format!("{}: code is registered for it twice", known.title());
        return Some(Diagnostic::error(codes::DUPLICATE, message).at(Place::path(REGISTERED)));
    }
    // Of what is declared in the way of another tool nothing was known.
    if !known.checksum.is_empty() && known.checksum != new.checksum {
        let declared = |migration: &Migration| checksum::declared_of_code(&migration.checksum).map(str::to_owned);
        let (file, code) = (declared(known).unwrap_or_default(), declared(new).unwrap_or_default());
        return Some(
            Diagnostic::error(codes::CODE, format!("{}: its file declares {file}, and its code {code}", known.title()))
                .at(Place::path(known.up.path()))
                .help("let both say the same: the one that changed with the code"),
        );
    }
    known.checksum.clone_from(&new.checksum);
    work.clone_from(new.attributes.code.as_ref()?);
    None
}

/// What runs whenever its text changes has a text.
pub(super) fn repeatable(new: &Migration) -> Diagnostic {
    Diagnostic::error(codes::CODE, format!("{}: a repeatable cannot be code", new.title()))
        .at(Place::path(REGISTERED))
        .help("give it a version, and a new one for what has to run again")
}
