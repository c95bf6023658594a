//! An adoption as people read it.

use std::fmt;

use crate::error::count;
use crate::history::format::{Quality, Verdict};

use super::adoption::{Adopted, Adoption, Pending, Unknown};

impl fmt::Display for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} · {}", self.title, self.table)?;
        for evidence in &self.evidence {
            writeln!(f, "  {evidence}")?;
        }
        let applied: Vec<&Adopted> = self.applied.iter().filter(|one| !one.already).collect();
        let already = self.applied.len() - applied.len() + self.unknown.iter().filter(|one| one.already).count();
        table(f, "applied", &applied.iter().map(|one| (one.title.as_str(), remark(one))).collect::<Vec<_>>())?;
        if already > 0 {
            writeln!(f, "{} already taken over", count(already, "migration"))?;
        }
        let pending = |one: &Pending| (one.title.clone(), one.remark.clone().unwrap_or_default());
        let pending: Vec<_> = self.pending.iter().map(pending).collect();
        table(
            f,
            "pending",
            &pending.iter().map(|(title, remark)| (title.as_str(), remark.clone())).collect::<Vec<_>>(),
        )?;
        let unknown: Vec<_> = self.unknown.iter().filter(|one| !one.already).map(unknown).collect();
        table(
            f,
            "applied, but not in this set",
            &unknown.iter().map(|(title, remark)| (title.as_str(), remark.clone())).collect::<Vec<_>>(),
        )?;
        let back: Vec<String> = self.taken_back.iter().map(ToString::to_string).collect();
        table(f, "taken back since", &back.iter().map(|id| (id.as_str(), String::new())).collect::<Vec<_>>())?;
        for line in &self.not_represented {
            writeln!(f, "note: {line}")?;
        }
        Ok(())
    }
}

fn table(f: &mut fmt::Formatter<'_>, heading: &str, rows: &[(&str, String)]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "{heading} ({})", rows.len())?;
    let width = rows.iter().map(|(title, _)| title.chars().count()).max().unwrap_or(0);
    for (title, remark) in rows {
        let line = format!("  {title:<width$}  {remark}");
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn remark(one: &Adopted) -> String {
    let mut parts = Vec::new();
    if one.quality == Quality::Inferred {
        parts.push("inferred".to_owned());
    }
    parts.push(match &one.verdict {
        Verdict::Matches => "checksum matches".to_owned(),
        Verdict::LineEndings => "checksum matches after a change of line endings".to_owned(),
        Verdict::Differs { .. } if one.accepted => "checksum differs, accepted".to_owned(),
        Verdict::Differs { .. } => "checksum differs".to_owned(),
        Verdict::NotRecorded => "no checksum recorded".to_owned(),
        Verdict::NotComparable { why } => format!("checksum not compared: {why}"),
    });
    parts.join(", ")
}

fn unknown(one: &Unknown) -> (String, String) {
    let title = match one.description.as_str() {
        "" => one.label.clone(),
        description if description == one.label => one.label.clone(),
        description => format!("{} {description}", one.label),
    };
    let mut parts = Vec::new();
    if let Some(code) = &one.code {
        parts.push(format!("written in {code}"));
    }
    match &one.recorded_as {
        Some(_) => parts.push("recorded as applied".to_owned()),
        None => parts.push("not recorded: nothing here has a name for it".to_owned()),
    }
    (title, parts.join(", "))
}
