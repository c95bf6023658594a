//! A plan as people read it, and as values for machines.

use std::fmt;

use crate::error::count;
use crate::history::Action;

use super::{How, Mode, Plan, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do\n");
        }
        let width = self.steps.iter().map(|step| title(step).chars().count()).max().unwrap_or(0);
        let numbers = self.steps.len().to_string().len();
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:<numbers$}  {:<width$}  {}", index + 1, title(step), summary(step))?;
            let Some(script) = &step.script else { continue };
            for unit in &step.units {
                for index in unit.runs.clone() {
                    writeln!(f, "{:numbers$}     {}", "", first_line(script.statement(index).text))?;
                }
            }
        }
        let digest = self.digest();
        writeln!(f, "digest {digest} · run exactly this: migrate up --plan {digest}")
    }
}

fn title(step: &Step) -> String {
    match step.action {
        Action::Up => step.title(),
        action => format!("{action} {}", step.title()),
    }
}

fn summary(step: &Step) -> String {
    let mut parts = match step.mode {
        Mode::Record => vec!["recorded, nothing runs".to_owned()],
        Mode::Transaction => vec![format!("in a transaction, {}", count(running(step), "statement"))],
        Mode::Journal => vec![format!("journalled, {}", count(running(step), "statement"))],
    };
    if step.resume.is_some() {
        parts.push(format!("goes on with statement {} of {}", step.first_statement() + 1, step.statements()));
    }
    if step.is_destructive() {
        parts.push("destructive".to_owned());
    }
    for unit in &step.units {
        if let How::Batch(_) = unit.how {
            parts.push(format!("statement {} in batches", unit.runs.start + 1));
        }
    }
    for precondition in &step.run.preconditions {
        parts.push(format!("if {}", precondition.text));
    }
    parts.join("; ")
}

fn running(step: &Step) -> usize {
    step.units.iter().map(|unit| unit.runs.len()).sum()
}

/// The beginning of a statement, short enough for a line.
pub(crate) fn first_line(text: &str) -> String {
    const MOST: usize = 100;
    let one: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one.chars().count() <= MOST {
        return one;
    }
    one.chars().take(MOST).chain(std::iter::once('…')).collect()
}

#[cfg(feature = "serde")]
mod json {
    use serde::Serialize;
    use serde::ser::SerializeStruct as _;

    use crate::plan::{How, Plan, Step};

    /// The document of `plan --json`: identities, modes and the statements that will run.
    impl Serialize for Plan {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut plan = serializer.serialize_struct("Plan", 7)?;
            plan.serialize_field("component", &self.component)?;
            plan.serialize_field("engine", self.engine)?;
            plan.serialize_field("digest", &self.digest())?;
            plan.serialize_field("after", &self.after)?;
            plan.serialize_field("from", &self.from)?;
            plan.serialize_field("steps", &self.steps)?;
            plan.serialize_field("notes", &self.notes)?;
            plan.end()
        }
    }

    #[derive(Serialize)]
    struct StatementView<'a> {
        number: usize,
        text: &'a str,
        class: crate::sql::Class,
        batch: Option<&'a crate::migration::Batch>,
    }

    impl Serialize for Step {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let statements: Vec<_> = self
                .units
                .iter()
                .flat_map(|unit| unit.runs.clone().map(move |index| (unit, index)))
                .filter_map(|(unit, index)| {
                    let statement = self.script.as_ref()?.statement(index);
                    let batch = match &unit.how {
                        How::Batch(batch) => Some(batch),
                        _ => None,
                    };
                    Some(StatementView {
                        number: statement.number,
                        text: statement.text,
                        class: statement.class,
                        batch,
                    })
                })
                .collect();
            let mut step = serializer.serialize_struct("Step", 9)?;
            step.serialize_field("id", &self.id)?;
            step.serialize_field("description", &self.description)?;
            step.serialize_field("action", &self.action)?;
            step.serialize_field("mode", &self.mode)?;
            step.serialize_field("destructive", &self.is_destructive())?;
            step.serialize_field("resumes", &self.resume.as_ref().map(|resume| resume.entry.key.seq))?;
            step.serialize_field("checksum", &self.row.entry.checksum)?;
            step.serialize_field("preconditions", &self.run.preconditions)?;
            step.serialize_field("statements", &statements)?;
            step.end()
        }
    }
}
