//! Words of other tools, answered with ours.

use migrate_core::{Diagnostic, diagnostic::codes};

/// The word, the tools that use it, and what to type here.
const VERBS: &[(&str, &str)] = &[
    ("add", "migrate new NAME begins a migration"),
    ("apply", "migrate up applies what is pending"),
    ("clean", "migrate db reset drops the database, creates it again and applies all migrations"),
    ("create", "migrate new NAME begins a migration; migrate db create creates the database"),
    ("deploy", "migrate up applies what is pending"),
    ("downgrade", "migrate down --steps 1 takes the newest migration back"),
    ("drop", "migrate db drop drops the database"),
    ("fake", "migrate resolve ID --applied records one migration, migrate baseline VERSION all up to a version"),
    ("force", "nothing is ever dirty here: migrate up goes on; migrate resolve ID --applied or --not-applied says what was done by hand"),
    ("generate", "migrate new NAME begins a migration"),
    ("goto", "migrate up --to VERSION, or migrate down --to VERSION"),
    ("info", "migrate status shows what is applied and what is pending"),
    ("latest", "migrate up applies what is pending"),
    ("list", "migrate status shows what is applied and what is pending"),
    ("make", "migrate new NAME begins a migration"),
    ("mark", "migrate resolve ID --applied records one migration as applied"),
    ("migrate", "migrate up applies what is pending"),
    ("repair", "migrate up goes on after any failure; migrate accept ID accepts a changed file"),
    ("reset", "migrate db reset drops the database, creates it again and applies all migrations"),
    ("revert", "migrate down --steps 1 takes the newest migration back"),
    ("rollback", "migrate down --steps 1 takes the newest migration back"),
    ("run", "migrate up applies what is pending"),
    ("set", "migrate resolve ID --applied records one migration as applied"),
    ("show", "migrate status shows what is applied and what is pending"),
    ("stamp", "migrate baseline VERSION records that a database already has everything up to a version"),
    ("sync", "migrate up applies what is pending"),
    ("undo", "migrate down --steps 1 takes the newest migration back"),
    ("update", "migrate up applies what is pending"),
    ("upgrade", "migrate up applies what is pending"),
    ("verify", "migrate validate checks the files, migrate check compares them with the database"),
    ("version", "migrate --version, or migrate status for that of the database"),
];

/// The answer to a word of another tool.
pub fn answer(verb: &str) -> Option<Diagnostic> {
    let (verb, help) = VERBS.iter().find(|(foreign, _)| *foreign == verb)?;
    Some(Diagnostic::error(codes::USAGE, format!("there is no `migrate {verb}` here")).help(*help))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn words_of_other_tools_are_answered_and_ours_are_not_among_them() {
        for verb in ["run", "revert", "info", "force", "repair", "stamp", "migrate", "add", "undo", "clean"] {
            assert!(answer(verb).is_some(), "{verb}");
        }
        let command = crate::args::Cli::command();
        for ours in command.get_subcommands() {
            assert!(answer(ours.get_name()).is_none(), "{}", ours.get_name());
        }
        assert!(VERBS.is_sorted());
    }
}
