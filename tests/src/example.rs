//! The programs in `examples`: built once per process, started, and typed as their READMEs say.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::page::{Block, blocks};
use crate::program::cargo;
use crate::transcript::redacted;
use crate::{Project, root, target};

/// One of them, not started yet.
///
/// # Panics
/// If it does not build.
pub fn example(name: &str) -> Command {
    Command::new(built().join(format!("example-{name}")))
}

/// The folder they are built into.
fn built() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = cargo();
        // With a test among them, because what tests depend on decides with which features everything is compiled:
        // without one, all of it would be compiled twice.
        cargo.args(["build", "--workspace", "--all-features", "--bins", "--test", "examples"]);
        let output = cargo.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
    target().join("debug")
}

/// A folder for the path, with a `cargo` that knows `cargo run -q -p example-NAME -- …` and starts what is built.
fn path() -> &'static TempDir {
    static PATH: OnceLock<TempDir> = OnceLock::new();
    PATH.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = format!(
            "#!/bin/sh\n[ \"$1 $2 $3\" = 'run -q -p' ] || exit 101\nname=$4\nshift 4\n[ \"$1\" != -- ] || shift\n\
             exec '{}'/\"$name\" \"$@\"\n",
            built().display()
        );
        let file = folder.path().join("cargo");
        fs::write(&file, script).expect("a file in the temporary folder");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a file of ours");
        folder
    })
}

/// What a terminal shows for the commands of a block.
///
/// # Panics
/// If there is no `sh`.
pub fn typed(project: &Project, block: &Block, variables: &[(&str, &str)]) -> String {
    let screens = block.commands().map(|line| {
        // What needs no example does not wait until all are built.
        let folders = if line.contains("cargo run") { vec![path().path().to_owned()] } else { Vec::new() };
        let mut shell = project.shell(&format!("{{ {line}\n}} 2>&1"), &folders);
        let output = shell.envs(variables.iter().copied()).output().expect("sh starts");
        let folder = project.path("");
        let folder = folder.to_string_lossy();
        format!("$ {line}\n{}", redacted(&String::from_utf8_lossy(&output.stdout), folder.trim_end_matches('/')))
    });
    screens.collect::<Vec<_>>().join("\n")
}

/// The README of an example, from its top to its end in one folder, which has `examples/shop` as the repository has: its
/// files are written, its commands typed, and what a terminal shows is what it says.
///
/// # Panics
/// If it is not, or if it shows nothing.
pub fn check_readme(name: &str, variables: &[(&str, &str)]) {
    let page = fs::read_to_string(root().join("examples").join(name).join("README.md")).expect("a README");
    let project = Project::shop();
    let mut screens = 0;
    for block in blocks(&page) {
        if let Some(path) = block.info.strip_prefix("sql ") {
            project.write(path, &block.text);
        } else if block.info == "console" {
            screens += 1;
            assert_eq!(redacted(&block.text, "."), typed(&project, &block, variables), "{name}");
        }
    }
    assert!(screens > 0, "{name} shows nothing");
}
