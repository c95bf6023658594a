//! Which layout a folder has that does not say so.
//!
//! Each layout knows its own sign ([`Layout::signature`]); here they are weighed. What
//! somebody said comes first and is not here: a flag, the manifest. The order of the signs, and which of them are not
//! enough by themselves, follow what the tools leave in a folder.
//!
//! A set that is compiled in has no database to ask: where names alone leave it open, its manifest says which layout it
//! has, or it is native.

use std::path::Path;

use super::{Folder, LAYOUTS, Layout, refused};
use crate::diagnostic::{Diagnostic, Place, codes};

/// What speaks for a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was seen, as people point at it: `atlas.sum`, `1_a.up.sql and go.mod`.
    pub seen: String,
    /// How much it says.
    pub weight: Weight,
}

/// How much a sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Nobody else leaves this.
    Certain,
    /// Several tools leave this and mean different things by it, so nobody guesses.
    Shared,
    /// A plain shape of names, which the native layout reads too.
    Plain,
}

impl Evidence {
    /// Nobody else leaves this.
    pub fn certain(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), weight: Weight::Certain }
    }

    /// Several tools leave this and mean different things by it.
    pub fn shared(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), weight: Weight::Shared }
    }

    /// A plain shape of names.
    pub fn plain(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), weight: Weight::Plain }
    }
}

/// What a database says about the layout of the set that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InDatabase {
    /// The tool that the history was taken over from; it counts more than every sign.
    pub adopted_from: Option<String>,
    /// The tools whose own tables are there; they decide where signs do not.
    pub foreign: Vec<String>,
}

/// A layout that was found by its signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Its name.
    pub layout: &'static str,
    /// What it was taken for, as [`Evidence::seen`]; `None` where nothing but the plain shape of the names spoke.
    pub seen: Option<String>,
    /// What else it could be.
    pub others: Vec<Candidate>,
}

/// What a folder could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name of the layout.
    pub layout: &'static str,
    /// What speaks for it.
    pub seen: String,
}

/// Weighs the signs of a folder, and what its database says.
///
/// The first sign that nobody else leaves decides; then what the database holds. Among plain shapes of names alone it is
/// the native layout, which reads them all.
///
/// # Errors
/// If several tools name files so and mean different things, or if it is the folder of a tool whose migrations cannot
/// be read here.
pub fn detect(folder: &Folder, database: &InDatabase) -> Result<Detection, Box<Diagnostic>> {
    if let Some(layout) = database.adopted_from.as_deref().and_then(super::by_name) {
        let seen = Some("the history, which was taken over from it".to_owned());
        return Ok(Detection { layout: layout.name(), seen, others: Vec::new() });
    }
    if let Some(refusal) = refused::refuse(folder) {
        return Err(Box::new(refusal));
    }
    let signs: Vec<(&'static dyn Layout, Evidence)> =
        LAYOUTS.iter().filter_map(|layout| Some((*layout, layout.signature(folder)?))).collect();
    weigh(&signs, database, folder.roots().first().map(AsRef::as_ref))
}

fn weigh(
    signs: &[(&'static dyn Layout, Evidence)],
    database: &InDatabase,
    root: Option<&Path>,
) -> Result<Detection, Box<Diagnostic>> {
    let found = |layout: &dyn Layout, seen: &str| Detection {
        layout: layout.name(),
        seen: Some(seen.to_owned()),
        others: Vec::new(),
    };
    if let Some((layout, evidence)) = signs.iter().find(|(_, evidence)| evidence.weight == Weight::Certain) {
        return Ok(found(*layout, &evidence.seen));
    }
    let in_database = |layout: &dyn Layout| database.foreign.iter().any(|tool| tool == layout.name());
    let mut spoken_for = signs.iter().filter(|(layout, _)| in_database(*layout));
    if let (Some((layout, evidence)), None) = (spoken_for.next(), spoken_for.next()) {
        return Ok(found(*layout, &format!("{}, and its table in the database", evidence.seen)));
    }
    let candidate = |(layout, evidence): &(&'static dyn Layout, Evidence)| Candidate {
        layout: layout.name(),
        seen: evidence.seen.clone(),
    };
    let others: Vec<Candidate> = signs.iter().map(candidate).collect();
    if signs.iter().any(|(_, evidence)| evidence.weight == Weight::Shared) {
        return Err(Box::new(undecided(&others, root)));
    }
    Ok(Detection { layout: LAYOUTS[0].name(), seen: None, others })
}

fn undecided(candidates: &[Candidate], root: Option<&Path>) -> Diagnostic {
    let shown = root.map_or_else(|| "the folder".to_owned(), |root| root.display().to_string());
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.layout).collect();
    let mut diagnostic = Diagnostic::error(
        codes::UNDECIDED_LAYOUT,
        format!("{shown}: the names do not tell whose layout this is: {}", names.join(" or ")),
    );
    if root.is_some() {
        diagnostic = diagnostic.at(Place::path(&shown));
    }
    for candidate in candidates {
        diagnostic = diagnostic.help(format!("{}: {}", candidate.layout, candidate.seen));
    }
    let flags: Vec<_> = names.iter().map(|name| format!("--layout {name}")).collect();
    diagnostic
        .help(format!("say which: {}; or for good: layout = \"…\" in {shown}/migrations.toml", flags.join(" or ")))
}
