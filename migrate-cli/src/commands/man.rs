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
    let mut command = Cli::command();
    command.build();
    let rendered = render(&command, &mut page);
    rendered.map_err(|error| Failure::usage(Diagnostic::error(codes::USAGE, error.to_string())))?;
    screen.data(&page);
    Ok(Outcome::done(json!({})))
}

/// The page of a command, and of each below it.
fn render(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    clap_mangen::Man::new(command.clone().name(name)).render(page)?;
    command.get_subcommands().try_for_each(|inner| render(inner, page))
}
