//! The route as a document in Markdown, for whoever carries the upgrade out.

use std::fmt::Write as _;

use crate::condition::Conditions;

use super::text::standing;
use super::{Leg, Note, Route, Strategy, Waypoint};

impl Route {
    /// The upgrade guide: backup, settings, preconditions, then for each deploy its notes, what runs before it and what
    /// runs after it. `settings` are those of every session of the run, names and values, and `conditions` must hold before
    /// each run.
    pub fn guide(&self, settings: &[(String, String)], conditions: &Conditions) -> String {
        let mut out = match &self.from {
            Some(from) => format!("# Upgrade from {from} to {}\n", self.to),
            None => format!("# Install {}\n", self.to),
        };
        if self.legs.is_empty() {
            let _ = writeln!(out, "\nNothing to do: {}.", standing(self.from.as_ref()));
            return out;
        }
        self.beforehand(settings, conditions, &mut out);
        for leg in &self.legs {
            leg.section(self.strategy, &mut out);
        }
        out
    }

    fn beforehand(&self, settings: &[(String, String)], conditions: &Conditions, out: &mut String) {
        out.push_str("\n## Before you begin\n\n");
        out.push_str(
            "- Backup: make one, and see that it can be restored; `up --backup` makes one before it runs anything.\n",
        );
        for (name, value) in settings {
            let _ = writeln!(out, "- Setting of every migration's session: `{name} = {value}`");
        }
        for waypoint in self.legs.iter().flat_map(Leg::waypoints) {
            for (name, value) in &waypoint.settings {
                let _ = writeln!(out, "- Setting of {} alone: `{name} = {value}`", waypoint.title());
            }
        }
        for condition in &conditions.all {
            let required = if conditions.required { "; what the server does not tell counts as failed" } else { "" };
            let _ = writeln!(out, "- Precondition of every run: {condition}{required}");
        }
        for waypoint in self.legs.iter().flat_map(Leg::waypoints) {
            for precondition in &waypoint.preconditions {
                let _ = writeln!(out, "- Precondition of {}: {precondition}", waypoint.title());
            }
        }
        if self.strategy == Strategy::Stop && self.from.is_some() {
            out.push_str("- The service is stopped until the end.\n");
        }
    }
}

impl Leg {
    fn waypoints(&self) -> impl Iterator<Item = &Waypoint> {
        self.before.iter().chain(&self.after)
    }

    fn section(&self, strategy: Strategy, out: &mut String) {
        let _ = writeln!(out, "\n## {}\n", self.release);
        for note in &self.notes {
            note.paragraph(out);
        }
        let mut number = 0;
        let mut item = |out: &mut String, text: &str| {
            number += 1;
            let _ = writeln!(out, "{number}. {text}");
        };
        let reason = self.gate.as_ref().map(|gate| format!(": {}", gate.reason())).unwrap_or_default();
        let deploy = format!("{}{reason}", capital(&self.deploy()));
        let mut commands = self.commands(strategy).into_iter();
        if let Some((command, waypoints)) = commands.next() {
            item(out, &typed(&command, waypoints));
            entries(waypoints, out);
        }
        item(out, &deploy);
        if let Some((command, waypoints)) = commands.next() {
            item(out, &typed(&command, waypoints));
            entries(waypoints, out);
        }
    }
}

/// Aligned for a terminal, which a document needs not.
fn typed(command: &str, waypoints: &[Waypoint]) -> String {
    let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
    let nothing = if waypoints.is_empty() { ": nothing is pending" } else { "" };
    format!("`migrate {command}`{nothing}")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn entries(waypoints: &[Waypoint], out: &mut String) {
    for waypoint in waypoints {
        waypoint.entry(out);
    }
}

impl Waypoint {
    fn entry(&self, out: &mut String) {
        let code = self.code.as_ref().map(|language| format!(", which is {language} code for its own program"));
        let _ = writeln!(out, "   - {}{}", self.title(), code.unwrap_or_default());
    }
}

impl Note {
    fn paragraph(&self, out: &mut String) {
        let about = &self.about;
        let parts: Vec<&str> =
            [about.notes.as_deref().map(str::trim), about.url.as_deref()].into_iter().flatten().collect();
        if !parts.is_empty() {
            let _ = writeln!(out, "{}: {}\n", self.release, parts.join("\n"));
        }
    }
}
