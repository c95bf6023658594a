//! `man`: the manual page.

use clap::CommandFactory as _;
use migrate_core::diagnostic::{Diagnostic, codes};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::Cli;
use crate::failure::Failure;
use crate::screen::Screen;

pub(super) fn man(screen: &mut Screen<'_>) -> Answer {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|error| Failure::usage(Diagnostic::error(codes::USAGE, error.to_string())))?;
    screen.data(&page);
    Ok(Outcome::done(json!({})))
}
