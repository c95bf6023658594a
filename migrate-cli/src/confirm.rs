//! The one question: the name of the database that something is about to be taken from.

use migrate_core::{Diagnostic, diagnostic::codes};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

/// Goes on if somebody said `--yes` or types the database's name.
///
/// # Errors
/// If there is nobody to ask, or the answer is another one.
pub fn confirm(screen: &mut Screen<'_>, yes: bool, command: &str, what: &str, database: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !screen.terminal().stdin {
        return Err(Failure::usage(
            Diagnostic::refused(codes::NEEDS_YES, format!("{what}: nobody is there to be asked"))
                .help(format!("say yes beforehand: migrate {command} --yes")),
        ));
    }
    let answer = screen.ask(&format!("{what}\ntype the name of the database to go on ({database}): "));
    if answer.as_deref() == Some(database) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        Diagnostic::refused(codes::NEEDS_YES, format!("the answer was not {database}")).help("nothing was done"),
    ))
}
