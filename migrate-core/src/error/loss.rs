//! What is said where there is less than before a migration, and `on-loss = "stop"`.

use crate::counts::Counted;
use crate::diagnostic::{Diagnostic, codes};

/// A loss that was seen before the commit.
pub(super) fn rolled_back(title: &str, losses: &[Counted], left: &[String]) -> Diagnostic {
    let diagnostic = less(title, losses)
        .help("it was rolled back, and nothing was run after it: `on-loss = \"stop\"` in migrations.toml says so");
    not_begun(diagnostic, left)
        .help("mend the file, and run the same command again")
        .help("or, if that is as it should be: leave the count out of [counts], or let it warn: on-loss = \"warn\"")
}

/// A loss that was seen when the migration was there already.
pub(super) fn stays(title: &str, losses: &[Counted], left: &[String], journalled: bool, goes_down: bool) -> Diagnostic {
    let diagnostic =
        less(title, losses).help("nothing was run after it: `on-loss = \"stop\"` in migrations.toml says so");
    let stays = if goes_down { "it was taken back" } else { "it stays applied" };
    let why = if journalled {
        "its statements are not in one transaction, which could be rolled back"
    } else {
        "it changes its session or its code ends its own transactions, so that nothing could be asked before"
    };
    not_begun(diagnostic.help(format!("{stays}: {why}")), left)
        .help(if goes_down {
            "if that is as it should be, go on: migrate down"
        } else {
            "if that is as it should be: migrate up"
        })
        .help(if goes_down {
            "or apply it again: migrate up"
        } else {
            "or take it back, where there is a way back: migrate down --steps 1"
        })
}

fn less(title: &str, losses: &[Counted]) -> Diagnostic {
    let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
    Diagnostic::refused(codes::ROWS_LOST, format!("{title}: there is less than before it: {}", losses.join(", ")))
}

fn not_begun(diagnostic: Diagnostic, left: &[String]) -> Diagnostic {
    if left.is_empty() { diagnostic } else { diagnostic.help(format!("not begun: {}", left.join(", "))) }
}
