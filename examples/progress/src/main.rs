//! A bar of what is done, for any folder of migrations, on a database in memory.
#![allow(clippy::print_stdout)] // it draws

use std::env;
use std::error::Error;

use migrate_sqlite::core::{EngineNames, Event, Goal, MigrationSet, Observer, ReadOptions};
use migrate_sqlite::{Sqlite, blocking::Migrator};

const WIDTH: usize = 30;

/// Draws a line for each step.
#[derive(Default)]
struct Bar {
    done: usize,
    all: usize,
}

impl Bar {
    fn draw(&self, what: &str) {
        let filled = WIDTH * self.done / self.all.max(1);
        println!("[{}{}] {}/{} {what}", "#".repeat(filled), " ".repeat(WIDTH - filled), self.done, self.all);
    }
}

impl Observer for Bar {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { plan } => (self.done, self.all) = (0, plan.steps.len()),
            Event::Batch { step, done, total: Some(total), .. } => {
                self.draw(&format!("{}: {done} of {total}", step.title()))
            }
            Event::StepFinished { step, .. } => {
                self.done += 1;
                self.draw(&step.title());
            }
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("which folder?")?;
    let read = MigrationSet::read(&[folder.into()], &ReadOptions::new(EngineNames::SQLITE));
    let set = read.map_err(|problems| problems[0].to_string())?.set;
    let migrator = Migrator::new(Sqlite::in_memory()?, set).goal(Goal::all());
    migrator.run(&mut Bar::default())?;
    Ok(())
}
