//! The migrations of a Git revision, read with Git itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::layout::Folder;

use crate::failure::Failure;

/// What the folders held at a revision.
///
/// # Errors
/// If this is no Git repository, there is no such revision, or Git cannot be run.
pub(super) fn folder(folders: &[PathBuf], revision: &str) -> Result<Folder, Failure> {
    let mut files = vec![];
    for folder in folders {
        files.extend(files_of(folder, revision)?);
    }
    let root = folders.first().cloned().unwrap_or_default();
    Ok(Folder::embedded(root, files))
}

fn files_of(folder: &Path, revision: &str) -> Result<Vec<(String, String)>, Failure> {
    // A word like `--output=x` is no revision.
    let checked =
        git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")], "")
            .map_err(|why| no_revision(revision, &why))?;
    let commit = String::from_utf8_lossy(&checked).trim().to_owned();
    let listed = git(folder, &["ls-tree", "-r", "-z", "--name-only", &commit], "").map_err(|why| failed(&why))?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let is_hidden = |name: &str| name.split('/').any(|part| part.starts_with('.'));
    let names: Vec<&str> =
        listed.split('\0').filter(|name| !name.is_empty() && !name.contains('\n') && !is_hidden(name)).collect();
    let questions: Vec<String> = names.iter().map(|name| format!("{commit}:./{name}\n")).collect();
    let answers = git(folder, &["cat-file", "--batch"], &questions.concat()).map_err(|why| failed(&why))?;
    Ok(contents(&names, &answers))
}

/// The blobs among the answers of `git cat-file --batch`.
fn contents(names: &[&str], mut answers: &[u8]) -> Vec<(String, String)> {
    let mut files = vec![];
    for name in names {
        let Some(end) = answers.iter().position(|byte| *byte == b'\n') else { break };
        let head = String::from_utf8_lossy(&answers[..end]).into_owned();
        answers = &answers[end + 1..];
        let mut words = head.rsplit(' ');
        let (size, kind) = (words.next().and_then(|size| size.parse::<usize>().ok()), words.next());
        // Without a size there is no such object, and nothing follows.
        let Some(size) = size else { continue };
        let Some(content) = answers.get(..size) else { break };
        answers = answers.get(size + 1..).unwrap_or_default();
        if kind == Some("blob")
            && let Ok(text) = std::str::from_utf8(content)
        {
            files.push(((*name).to_owned(), text.to_owned()));
        }
    }
    files
}

fn git(folder: &Path, args: &[&str], input: &str) -> Result<Vec<u8>, String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut child = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    let stdin = child.stdin.take();
    let written = std::thread::scope(|scope| {
        // Git answers while it is asked: both go on at once.
        let asking = scope.spawn(move || stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output();
        let _ = asking.join();
        output
    });
    let output = written.map_err(|error| format!("git cannot be read: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned())
}

fn no_revision(revision: &str, why: &str) -> Failure {
    let diagnostic = Diagnostic::error(codes::USAGE, format!("--since {revision}: git knows no such revision here"));
    let diagnostic = if why.is_empty() { diagnostic } else { diagnostic.help(format!("git says: {why}")) };
    Failure::usage(diagnostic.help("name a branch, a tag or a commit; a shallow clone may have to fetch it first"))
}

fn failed(why: &str) -> Failure {
    Failure::usage(Diagnostic::error(codes::USAGE, format!("--since: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_git_are_cut_by_their_sizes() {
        let answers = b"abc blob 5\na\nb\nc\nc:./gone missing\nabd tree 2\nxx\nabe blob 0\n\n";
        let files = contents(&["1.sql", "gone", "folder", "empty.sql"], answers);
        assert_eq!(files, [("1.sql".to_owned(), "a\nb\nc".to_owned()), ("empty.sql".to_owned(), String::new())]);
    }
}
