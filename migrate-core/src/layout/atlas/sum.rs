//! `atlas.sum`: what the files were when somebody last looked at all of them.
//!
//! ```text
//! h1:<SHA-256 over every name and digest below>
//! <name> h1:<SHA-256 over the names and bytes of all files up to this one>
//! ```
//! Digests are in base64. Because they are cumulative, one edit changes every line below it: the first one that
//! differs is the file that was touched. A file that says `atlas:sum ignore` counts with its name and has no line.
//!
//! Source: Atlas at commit a5e0aecc2b, `sql/migrate/dir.go` (`HashFile`); recomputed for a fixture of theirs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::header;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::name::ends;
use crate::layout::{Folder, Reading};
use crate::source::Source;

/// Its name.
pub(super) const FILE: &str = "atlas.sum";

/// How to have the tool count again.
const AGAIN: &str = "atlas migrate hash";

/// One line: a file and the digest up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) digest: String,
}

/// The lines for these files, in the order of their names, and the digest of all lines.
pub(super) fn count<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (String, Vec<Line>) {
    let (mut running, mut total) = (Sha256::new(), Sha256::new());
    let mut lines = Vec::new();
    for (name, text) in files {
        running.update(name);
        if header::is_ignored(text) {
            continue;
        }
        running.update(text);
        let digest = STANDARD.encode(running.clone().finalize());
        total.update(name);
        total.update(&digest);
        lines.push(Line { name: name.to_owned(), digest });
    }
    (STANDARD.encode(total.finalize()), lines)
}

/// Compares the folder with its sum.
pub(super) fn verify(folder: &Folder, reading: &mut Reading) {
    let scripts: Vec<(&str, Source)> = folder
        .files()
        .iter()
        .filter(|file| ends(file.name(), ".sql"))
        .filter_map(|file| Some((file.name(), file.source().ok()?)))
        .collect();
    let Some(file) = folder.file(FILE) else {
        if !scripts.is_empty() {
            reading.diagnostics.push(
                Diagnostic::warning(
                    codes::FOREIGN_FILE,
                    format!("there is no {FILE}, so nothing says whether a file was changed"),
                )
                .help(format!("have it written: {AGAIN}")),
            );
        }
        return;
    };
    let Some(sum) = reading.text(&file) else { return };
    let (total, lines) = count(scripts.iter().map(|(name, source)| (*name, source.file())));
    let Some((stated, known)) = parse(&sum) else {
        reading.diagnostics.push(
            Diagnostic::error(codes::FOREIGN_FILE, format!("{FILE}: its first line is not h1: and a digest"))
                .at(Place::path(file.path()))
                .help(format!("have it written again: {AGAIN}")),
        );
        return;
    };
    if total == stated && lines == known {
        return;
    }
    let path = |name: &str| scripts.iter().find(|(file, _)| *file == name).map(|(_, source)| source.path().to_owned());
    let mut diagnostic = difference(&lines, &known);
    let named = diagnostic.0.and_then(|name| path(&name));
    diagnostic.1 = diagnostic.1.at(Place::path(named.unwrap_or_else(|| file.path())));
    if !diagnostic.2 {
        reading
            .diagnostics
            .push(diagnostic.1.help(format!("if all is as it should be, have it counted again: {AGAIN}")));
        return;
    }
    // Git on Windows does this to whole folders.
    let plain: Vec<_> = scripts.iter().map(|(name, source)| (*name, source.file().replace("\r\n", "\n"))).collect();
    if count(plain.iter().map(|(name, text)| (*name, text.as_str()))).1 == known {
        reading.diagnostics.push(
            diagnostic
                .1
                .help(format!("only the ends of lines differ: {FILE} was made with LF, and the files have CRLF"))
                .help("write `*.sql text eol=lf` into .gitattributes, and check the files out again"),
        );
        return;
    }
    reading.diagnostics.push(
        diagnostic
            .1
            .help("put it back as it was; or, if the change is meant and nobody has applied it yet:")
            .help(AGAIN),
    );
}

/// The file that is not as it was, what to say, and whether its text is what differs.
fn difference(lines: &[Line], known: &[Line]) -> (Option<String>, Diagnostic, bool) {
    let error = |message: String| Diagnostic::error(codes::FOREIGN_FILE, message);
    for (position, line) in lines.iter().enumerate() {
        match known.get(position) {
            Some(expected) if expected == line => {}
            Some(expected) if expected.name == line.name => {
                let message = format!("{}: is not what {FILE} says: it was changed", line.name);
                return (Some(line.name.clone()), error(message), true);
            }
            _ if !known.iter().any(|expected| expected.name == line.name) => {
                let message = format!("{}: is not in {FILE}", line.name);
                return (Some(line.name.clone()), error(message), false);
            }
            expected => {
                let gone = expected.map(|expected| expected.name.clone()).unwrap_or_default();
                return (None, error(format!("{gone}: is in {FILE}, and the file is gone")), false);
            }
        }
    }
    match known.get(lines.len()) {
        Some(gone) => (None, error(format!("{}: is in {FILE}, and the file is gone", gone.name)), false),
        None => (None, error(format!("{FILE}: its first line does not fit the others: it was written by hand")), false),
    }
}

/// The digest of all, and the lines.
fn parse(sum: &Source) -> Option<(String, Vec<Line>)> {
    let mut lines = sum.text().lines();
    let total = lines.next()?.trim().strip_prefix("h1:")?.to_owned();
    let lines = lines
        .filter_map(|line| line.trim_end().rsplit_once(" h1:"))
        .map(|(name, digest)| Line { name: name.to_owned(), digest: digest.to_owned() })
        .collect();
    Some((total, lines))
}
