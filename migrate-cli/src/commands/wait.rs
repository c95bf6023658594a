//! `wait`: until the database is current. It needs the right to read and nothing else, and works while others migrate.

use std::thread;
use std::time::{Duration, Instant};

use migrate_core::MigrationSet;
use migrate_core::error::seconds;
use migrate_core::plan::Check;

use super::{Answer, check, up_goal};
use crate::args::WaitArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::screen::Screen;

const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(super) fn wait(project: &Project<'_>, args: &WaitArgs, screen: &mut Screen<'_>) -> Answer {
    wait_since(Instant::now(), project, args, screen)
}

/// The same, of somebody who has waited since `began`.
pub(super) fn wait_since(began: Instant, project: &Project<'_>, args: &WaitArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let patience = args.timeout.unwrap_or(PATIENCE);
    let mut pause = Duration::from_millis(100);
    let mut last_sign: Option<Instant> = None;
    loop {
        let looked = look(project, args, &opened, set.clone());
        let left = patience.saturating_sub(began.elapsed());
        let Some(reason) = reason(&looked).filter(|_| !left.is_zero()) else {
            return check::answer(looked?, screen);
        };
        let text = format!("waiting: {reason}, for {}", seconds(began.elapsed()));
        if screen.terminal().stderr {
            screen.transient(&text);
        } else if last_sign.is_none_or(|last| last.elapsed() >= HEARTBEAT) {
            last_sign = Some(Instant::now());
            screen.remark(&text);
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn look(project: &Project<'_>, args: &WaitArgs, opened: &Opened<'_>, set: MigrationSet) -> Result<Check, Failure> {
    let migrator = project.migrator(opened, set, up_goal(&args.goal))?;
    check::look(opened, &migrator)
}

/// What is waited for; `None` where waiting changes nothing.
fn reason(looked: &Result<Check, Failure>) -> Option<String> {
    match looked {
        Ok(Check::Pending { titles }) => Some(format!("{} pending", titles.len())),
        // Somebody may be at work on it.
        Ok(Check::Blocked(refusal)) if !refusal.is_in_doubt() => {
            refusal.diagnostics().first().map(|diagnostic| diagnostic.message.clone())
        }
        Err(failure) if matches!(failure.exit, Exit::NoConnection | Exit::Locked) => {
            failure.diagnostics.first().map(|diagnostic| diagnostic.message.clone())
        }
        _ => None,
    }
}
