//! A plan as people read it, and as values for machines.

use std::fmt;

use crate::error::count;
use crate::history::{Action, State};
use crate::sql::{Recovery, mask};

use super::refusal::some;
use super::{How, Mode, Plan, Step, Unit};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do\n");
        }
        if !self.settings.is_empty() {
            writeln!(f, "settings: {}", settings(&self.settings))?;
        }
        if !self.conditions.is_empty() {
            let all: Vec<String> = self.conditions.all.iter().map(ToString::to_string).collect();
            let required = if self.conditions.required { " (required)" } else { "" };
            writeln!(f, "preconditions: {}{required}", all.join("; "))?;
        }
        let width = self.steps.iter().map(|step| title(step).chars().count()).max().unwrap_or(0);
        let numbers = self.steps.len().to_string().len();
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:<numbers$}  {:<width$}  {}", index + 1, title(step), summary(step))?;
            let Some(script) = &step.script else { continue };
            for unit in &step.units {
                for index in unit.runs.clone() {
                    let text = mask::mask_secrets(script.written(index), &self.syntax);
                    writeln!(f, "{:numbers$}     {}", "", first_line(&text))?;
                }
            }
        }
        let digest = self.digest();
        writeln!(f, "digest {digest} · run exactly this: migrate up --plan {digest}")
    }
}

/// The step as one line names it: what goes up is only named.
pub(super) fn title(step: &Step) -> String {
    match step.action {
        Action::Up => step.title(),
        _ if step.mode == Mode::Callback || step.row.entry.is_snapshot() => step.title(),
        action => format!("{action} {}", step.title()),
    }
}

fn summary(step: &Step) -> String {
    let mut parts = match step.mode {
        Mode::Record => vec!["recorded, nothing runs".to_owned()],
        Mode::Transaction => vec![format!("in a transaction, {}", count(running(step), "statement"))],
        Mode::Journal => vec![format!("journalled, {}", count(running(step), "statement"))],
        Mode::Callback => vec![format!("callback, {}", count(running(step), "statement"))],
        Mode::Code => step.code.iter().map(|code| format!("code, {}", code.runs)).collect(),
    };
    if let (Some(resume), Some(code)) = (&step.resume, &step.code) {
        parts.push(code.goes_on(&resume.entry));
    } else if let Some(resume) = &step.resume {
        let next = step.first_statement() + 1;
        parts.push(match resume.entry.state {
            _ if next > step.statements() => "all statements have run, which is written down".to_owned(),
            State::InFlight => format!("goes on with statement {next} of {}, unless that has run", step.statements()),
            _ => format!("goes on with statement {next} of {}", step.statements()),
        });
    }
    if step.row.entry.is_amendment() && step.resume.is_none() {
        let (next, of) = (step.first_statement() + 1, step.statements());
        parts.push(format!("begins with statement {next} of {of}, the first that was appended"));
    }
    if !step.also.is_empty() {
        let ids: Vec<String> = step.also.iter().map(|row| row.entry.id.to_string()).collect();
        parts.push(format!("stands for {}", some(&ids)));
    }
    if step.is_destructive() {
        parts.push("destructive".to_owned());
    }
    for unit in &step.units {
        if let How::Batch(_) = unit.how {
            parts.push(format!("statement {} in batches", unit.runs.start + 1));
        }
    }
    // Nothing of a callback is written down, so nobody is asked about it.
    let recorded = step.units.iter().filter(|_| step.mode != Mode::Callback);
    let doubtful: Vec<_> = recorded.filter(|unit| may_be_in_doubt(unit)).map(|unit| unit.runs.start + 1).collect();
    if !doubtful.is_empty() {
        let statements = if doubtful.len() == 1 { "statement" } else { "statements" };
        let numbers: Vec<_> = doubtful.iter().map(ToString::to_string).collect();
        parts.push(format!("a crash inside {statements} {} may have to be asked about", numbers.join(", ")));
    }
    if !step.run.settings.is_empty() {
        parts.push(format!("with {}", settings(&step.run.settings)));
    }
    for precondition in &step.run.preconditions {
        parts.push(format!("if {}", precondition.text));
    }
    parts.join("; ")
}

/// `work_mem = 20MB, search_path = app`
fn settings(settings: &[(String, String)]) -> String {
    let all: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    all.join(", ")
}

/// Whether nothing may tell what became of a unit that was interrupted.
fn may_be_in_doubt(unit: &Unit) -> bool {
    matches!(unit.how, How::Alone(Recovery::FileByFile | Recovery::NonAtomic | Recovery::Call))
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
    use std::borrow::Cow;

    use serde::Serialize;
    use serde::ser::SerializeStruct as _;

    use crate::plan::{How, Mode, Plan, Step};
    use crate::sql::Syntax;
    use crate::sql::mask::mask_secrets;

    /// The document of `plan --json`: identities, modes and the statements that will run.
    impl Serialize for Plan {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut plan = serializer.serialize_struct("Plan", 10)?;
            plan.serialize_field("component", &self.component)?;
            plan.serialize_field("engine", self.engine)?;
            plan.serialize_field("digest", &self.digest())?;
            plan.serialize_field("after", &self.after)?;
            plan.serialize_field("from", &self.from)?;
            let steps: Vec<_> = self.steps.iter().map(|step| StepView(step, &self.syntax)).collect();
            plan.serialize_field("steps", &steps)?;
            plan.serialize_field("notes", &self.notes)?;
            let settings: Vec<_> = self.settings.iter().map(|(name, value)| SettingView { name, value }).collect();
            plan.serialize_field("settings", &settings)?;
            let conditions: Vec<_> = self.conditions.all.iter().map(ToString::to_string).collect();
            plan.serialize_field("conditions", &conditions)?;
            plan.serialize_field("counts", &self.counts)?;
            plan.end()
        }
    }

    #[derive(Serialize)]
    struct SettingView<'a> {
        name: &'a str,
        value: &'a str,
    }

    #[derive(Serialize)]
    struct StatementView<'a> {
        number: usize,
        text: Cow<'a, str>,
        class: crate::sql::Class,
        batch: Option<&'a crate::migration::Batch>,
    }

    /// A step, with the lexical rules by which the secrets in it are found.
    struct StepView<'a>(&'a Step, &'a Syntax);

    impl Serialize for StepView<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self(step, syntax) = self;
            let statements: Vec<_> = step
                .units
                .iter()
                .flat_map(|unit| unit.runs.clone().map(move |index| (unit, index)))
                .filter_map(|(unit, index)| {
                    let statement = step.script.as_ref()?.statement(index);
                    let batch = match &unit.how {
                        How::Batch(batch) => Some(batch),
                        _ => None,
                    };
                    Some(StatementView {
                        number: statement.number,
                        text: mask_secrets(step.script.as_ref()?.written(index), syntax),
                        class: statement.class,
                        batch,
                    })
                })
                .collect();
            let stands_for: Vec<_> = step.also.iter().map(|row| &row.entry.id).collect();
            let mut view = serializer.serialize_struct("Step", 10 + usize::from(!stands_for.is_empty()))?;
            // A callback is no migration.
            view.serialize_field("id", &(step.mode != Mode::Callback).then_some(&step.id))?;
            view.serialize_field("description", &step.description)?;
            view.serialize_field("action", &step.action)?;
            view.serialize_field("mode", &step.mode)?;
            view.serialize_field("destructive", &step.is_destructive())?;
            view.serialize_field("resumes", &step.resume.as_ref().map(|resume| resume.entry.key.seq))?;
            view.serialize_field("checksum", &step.row.entry.checksum)?;
            let settings: Vec<_> = step.run.settings.iter().map(|(name, value)| SettingView { name, value }).collect();
            view.serialize_field("settings", &settings)?;
            view.serialize_field("preconditions", &step.run.preconditions)?;
            view.serialize_field("statements", &statements)?;
            if stands_for.is_empty() {
                view.skip_field("stands_for")?;
            } else {
                view.serialize_field("stands_for", &stands_for)?;
            }
            view.end()
        }
    }
}
