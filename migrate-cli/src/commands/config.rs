//! `config show`: every setting, and where it comes from.

use serde_json::json;

use super::Outcome;
use crate::project::Project;
use crate::render::human::{padded, width};
use crate::screen::Screen;

pub(super) fn show(project: &Project<'_>, screen: &mut Screen<'_>) -> Outcome {
    let config = &project.config;
    let file = config.file().map(|file| file.display().to_string());
    screen.line(&match (&file, config.environment()) {
        (None, _) => format!("no {} here", crate::config::Config::FILE),
        (Some(file), None) => file.clone(),
        (Some(file), Some(environment)) => format!("{file} · environment {environment}"),
    });
    let shown = config.shown();
    let widest =
        |text: fn(&crate::config::Shown) -> &str| shown.iter().map(|shown| width(text(shown))).max().unwrap_or(0);
    let (names, values) = (widest(|shown| &shown.name), widest(|shown| &shown.value));
    for setting in &shown {
        let (name, value) = (padded(&setting.name, names), padded(&setting.value, values));
        screen.line(&format!("  {name}  {value}  {}", setting.origin));
    }
    Outcome::done(json!({ "file": file, "environment": config.environment(), "settings": shown }))
}
