//! The order of several sets in one database.

use super::MigrationSet;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::manifest::Manifest;

/// The places of `sets` in the order in which they are applied: what is needed comes before what needs it, and otherwise
/// they stay as they are. What is needed and not among them must be in the database already; that is not known here.
///
/// # Errors
/// If two are of one component, or some need each other in a circle.
pub fn in_order(sets: &[&MigrationSet]) -> Result<Vec<usize>, Vec<Diagnostic>> {
    let twice =
        sets.iter().enumerate().find(|(at, set)| sets[..*at].iter().any(|other| other.component() == set.component()));
    if let Some((_, set)) = twice {
        let message = format!("component {}: two sets have this name", set.component());
        return Err(vec![
            Diagnostic::error(codes::COMPONENT, message)
                .help(format!("name one of them in its {}: component = \"…\"", Manifest::FILE)),
        ]);
    }
    let mut order: Vec<usize> = Vec::new();
    while order.len() < sets.len() {
        let is_open = |name: &str| (0..sets.len()).any(|at| !order.contains(&at) && sets[at].component() == name);
        let is_ready = |at: &usize| {
            let mut needs = sets[*at].manifest().depends_on.iter();
            !order.contains(at) && needs.all(|need| !is_open(&need.component))
        };
        let Some(next) = (0..sets.len()).find(is_ready) else {
            let left = (0..sets.len()).filter(|at| !order.contains(at));
            let names: Vec<&str> = left.map(|at| sets[at].component()).collect();
            let message = format!("components {} need each other in a circle, so none can be first", names.join(", "));
            return Err(vec![
                Diagnostic::error(codes::COMPONENT, message)
                    .at(Place::path(Manifest::FILE))
                    .help("take one `depends-on` out"),
            ]);
        };
        order.push(next);
    }
    Ok(order)
}
