//! The order of repeatables: what one requires runs before it.

use super::MigrationSet;
use crate::diagnostic::{Diagnostic, Place, codes, nearest};
use crate::migration::{Migration, MigrationId};

impl MigrationSet {
    /// The repeatables in the order in which they run: what one requires before it, else by name.
    pub(crate) fn repeatables_in_order(&self) -> Vec<&Migration> {
        order(self.repeatables()).0
    }
}

/// The order, and what is wrong with it: names that are no repeatables, and circles.
pub(super) fn order(repeatables: &[Migration]) -> (Vec<&Migration>, Vec<Diagnostic>) {
    let mut walk = Walk {
        repeatables,
        visits: vec![Visit::Not; repeatables.len()],
        path: Vec::new(),
        order: Vec::new(),
        problems: Vec::new(),
    };
    for position in 0..repeatables.len() {
        walk.visit(position);
    }
    (walk.order, walk.problems)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Begun,
    Done,
}

struct Walk<'a> {
    repeatables: &'a [Migration],
    visits: Vec<Visit>,
    /// From the first one to the one that is being visited.
    path: Vec<usize>,
    order: Vec<&'a Migration>,
    problems: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn visit(&mut self, position: usize) {
        match self.visits[position] {
            Visit::Done => return,
            Visit::Begun => return self.circle(position),
            Visit::Not => self.visits[position] = Visit::Begun,
        }
        self.path.push(position);
        let migration = &self.repeatables[position];
        for required in &migration.attributes.requires {
            match self.repeatables.iter().position(|other| is_called(other, required)) {
                Some(required) => self.visit(required),
                None => self.unknown(migration, required),
            }
        }
        self.path.pop();
        self.visits[position] = Visit::Done;
        self.order.push(migration);
    }

    fn unknown(&mut self, migration: &Migration, required: &str) {
        let names = self.repeatables.iter().filter_map(|other| match &other.id {
            MigrationId::Repeatable { name } => Some(name.as_str()),
            MigrationId::Versioned { .. } => None,
        });
        let near = nearest(required, names);
        let diagnostic = Diagnostic::error(
            codes::BAD_DIRECTIVE,
            format!("{}: requires `{required}`, which is no repeatable of this set", migration.title()),
        )
        .at(Place::path(migration.up.path()));
        self.problems.push(match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("its file would be R__{required}.sql")),
        });
    }

    fn circle(&mut self, position: usize) {
        let begin = self.path.iter().position(|on_path| *on_path == position).unwrap_or_default();
        let circle: Vec<String> = self.path[begin..]
            .iter()
            .chain([&position])
            .map(|on_path| self.repeatables[*on_path].id.to_string())
            .collect();
        let migration = &self.repeatables[position];
        self.problems.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{}: requires itself", migration.title()))
                .at(Place::path(migration.up.path()))
                .help(format!("the circle is {}", circle.join(" -> ")))
                .help("take one `requires` out of it"),
        );
    }
}

/// A directive's names hold no blanks, while those of some layouts do.
fn is_called(migration: &Migration, name: &str) -> bool {
    matches!(&migration.id, MigrationId::Repeatable { name: own } if own == name || own.replace(' ', "_") == name)
}
