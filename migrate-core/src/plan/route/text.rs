//! The route as people read it: a line a command, a line a deploy.

use std::fmt;

use crate::error::count;
use crate::version::Version;

use super::{Gate, Leg, Note, Route, Strategy, Waypoint};
use crate::plan::refusal::some;

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.legs.is_empty() {
            return writeln!(f, "nothing to do: {}", standing(self.from.as_ref()));
        }
        let lines: Vec<Line> = self.legs.iter().flat_map(|leg| leg.lines(self.strategy)).collect();
        let width = lines.iter().filter(|line| line.remark.is_some()).map(|line| line.text.chars().count()).max();
        for Line { text, remark } in &lines {
            match remark {
                Some(remark) => writeln!(f, "{text:<width$}     {remark}", width = width.unwrap_or(0))?,
                None => writeln!(f, "{text}")?,
            }
        }
        Ok(())
    }
}

/// One line: what to do, and what is to be said of it.
struct Line {
    text: String,
    remark: Option<String>,
}

impl Route {
    /// The whole route in one line: `up --phase all --to 3.4.0, then deploy 3.4.0`.
    pub fn in_one_line(&self) -> String {
        let of = |leg: &Leg| {
            let mut parts: Vec<String> = leg.commands(self.strategy).into_iter().map(|(command, _)| command).collect();
            // The deploy is between what runs before it and what runs after it.
            parts.insert(parts.len().min(1), leg.deploy());
            parts.join(", then ")
        };
        self.legs.iter().map(of).collect::<Vec<_>>().join(", then ")
    }
}

impl Leg {
    fn lines(&self, strategy: Strategy) -> Vec<Line> {
        let commands = self.commands(strategy).into_iter();
        let mut lines: Vec<Line> =
            commands.map(|(text, waypoints)| Line { text, remark: Some(listed(waypoints)) }).collect();
        let mut deploy = vec![Line { text: self.deploy(), remark: self.gate.as_ref().map(Gate::reason) }];
        deploy.extend(
            self.notes.iter().flat_map(Note::lines).map(|text| Line { text: format!("  {text}"), remark: None }),
        );
        let at = lines.len().min(1);
        lines.splice(at..at, deploy);
        lines
    }

    /// What is typed before the deploy and after it, with what that runs.
    pub(super) fn commands(&self, strategy: Strategy) -> Vec<(String, &[Waypoint])> {
        if !self.has_migrations() {
            return Vec::new();
        }
        let release = &self.release;
        match strategy {
            Strategy::Stop => vec![(format!("up --phase all --to {release}"), self.before.as_slice())],
            Strategy::Rolling => vec![
                (format!("up --phase pre  --to {release}"), self.before.as_slice()),
                (format!("up --phase post --to {release}"), self.after.as_slice()),
            ],
        }
    }

    /// What is to be deployed, in words: `deploy 3.4.0`
    pub fn deploy(&self) -> String {
        let release = &self.release;
        if self.is_elsewhere() {
            format!("upgrade to {release} with its own release")
        } else if release.is_dotted() {
            format!("deploy {release}")
        } else {
            format!("deploy the release that has {release}")
        }
    }
}

impl Gate {
    /// Why it is a stop, in words.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Begun => "unless it is: what runs before that is applied".to_owned(),
            Self::Minimum => "this set starts from it".to_owned(),
            Self::Stop => "a stop: it must run once".to_owned(),
            Self::RequiredBy { title } => format!("{title} needs it first"),
        }
    }
}

impl Note {
    fn lines(&self) -> Vec<String> {
        let of = format!("notes on {}", self.release);
        let about = &self.about;
        let notes = about.notes.iter().flat_map(|notes| notes.lines()).map(str::trim).filter(|line| !line.is_empty());
        notes.chain(about.url.as_deref()).map(|line| format!("{of}: {line}")).collect()
    }
}

pub(super) fn standing(at: Option<&Version>) -> String {
    at.map_or_else(|| "there is no migration".to_owned(), |at| format!("the database is at {at}"))
}

fn listed(waypoints: &[Waypoint]) -> String {
    if waypoints.is_empty() {
        return "nothing".to_owned();
    }
    let ids: Vec<String> = waypoints.iter().map(|waypoint| waypoint.id.to_string()).collect();
    format!("{}: {}", count(ids.len(), "migration"), some(&ids))
}
