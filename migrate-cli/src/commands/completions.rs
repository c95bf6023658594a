//! `completions`: for a shell.

use clap::CommandFactory as _;
use serde_json::json;

use super::Outcome;
use crate::args::{Cli, CompletionsArgs};
use crate::screen::Screen;

pub(super) fn completions(args: &CompletionsArgs, screen: &mut Screen<'_>) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "migrate", &mut script);
    screen.data(&script);
    Outcome::done(json!({}))
}
