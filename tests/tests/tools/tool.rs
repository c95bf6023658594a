//! A tool, and how it is run.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use migrate_tests::{Project, target};

use crate::steps::{Step, steps};
use migrate_tests::servers::{Engine, Place};

/// Paths below a project, and texts.
pub(crate) type Files = Vec<(String, String)>;

/// Another tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// As `scripts/tools` and `migrate adopt --from` call it.
    pub(crate) name: &'static str,
    /// As `--layout` calls how its folder looks.
    pub(crate) layout: &'static str,
    /// Where its migrations are, below the project.
    pub(crate) folder: &'static str,
    /// Its history, and whatever else it creates for itself. PostgreSQL's may be in a schema of its own.
    pub(crate) tables: fn(Engine) -> &'static [&'static str],
    /// Whether a migration can say that it wants no transaction.
    pub(crate) alone: bool,
    /// How many migrations it has beyond the steps, before all of them.
    pub(crate) own: usize,
    /// The files of one migration, named from the folder on.
    pub(crate) files: fn(Engine, &Step) -> Files,
    /// Writes what else it wants: settings, lists of what is there.
    pub(crate) beside: fn(&Self, &Place, &Project),
    /// Runs `up`, `status` or a command of its own.
    pub(crate) run: fn(&Self, &str, &Place, &Project) -> Result<String, String>,
}

impl Tool {
    /// Writes the first `count` migrations into a project.
    pub(crate) fn write(&self, project: &Project, engine: Engine, place: &Place, count: usize) {
        for step in steps(engine, self.alone).iter().take(count) {
            for (path, text) in (self.files)(engine, step) {
                project.write(&format!("{}/{path}", self.folder), &text);
            }
        }
        (self.beside)(self, place, project);
    }

    /// Runs a command of it that must end well.
    pub(crate) fn must(&self, command: &str, place: &Place, project: &Project) -> String {
        (self.run)(self, command, place, project).unwrap_or_else(|error| panic!("{} {command}: {error}", self.name))
    }

    /// How many migrations it takes for applied, and how many for pending.
    pub(crate) fn counts(&self, place: &Place, project: &Project) -> (usize, usize) {
        let status = self.must("status", place, project);
        let count = |word: &str| status.lines().filter(|line| line.starts_with(word)).count();
        (count("applied "), count("pending "))
    }
}

/// Nothing.
pub(crate) fn nothing(_: &Tool, _: &Place, _: &Project) {}

/// What `scripts/tools` made.
///
/// # Panics
/// If it was not run, or could not get it.
pub(crate) fn had(path: &str, tool: &Tool) -> PathBuf {
    let folder = target().join("tools");
    let missing = fs::read_to_string(folder.join("missing")).unwrap_or_default();
    if let Some(reason) = missing.lines().find_map(|line| line.strip_prefix(tool.name)?.strip_prefix('\t')) {
        panic!(
            "{0} cannot be had: {reason}; leave its tests out with `cargo test -- --skip {1}::`, as scripts/test does",
            tool.name,
            module(tool)
        );
    }
    let path = folder.join(path);
    assert!(path.exists(), "{} is not there: run scripts/tools", path.display());
    path
}

/// The module of a tool's tests.
pub(crate) fn module(tool: &Tool) -> String {
    format!("with_{}", tool.name.replace('-', "_"))
}

/// A program of `tests/tools`, asked for `COMMAND URL FOLDER`.
pub(crate) fn asked(
    mut program: Command,
    tool: &Tool,
    command: &str,
    place: &Place,
    project: &Project,
) -> Result<String, String> {
    program.args([tool.name, command, &place.url()]).arg(project.path(tool.folder));
    said(&mut program, project)
}

/// What a program prints, with nothing of our environment.
///
/// # Errors
/// With what it complains of.
pub(crate) fn said(program: &mut Command, project: &Project) -> Result<String, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    program.current_dir(project.path(".")).env_clear().envs([("TZ", "UTC"), ("LANG", "C.UTF-8")]).env("PATH", path);
    let output = program.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{program:?}\n{}{}", text(&output.stdout), text(&output.stderr)))
    }
}

/// A tool that is a crate.
pub(crate) fn rust(tool: &Tool, command: &str, place: &Place, project: &Project) -> Result<String, String> {
    asked(Command::new(had("rust/debug/migrate-tools", tool)), tool, command, place, project)
}

/// A tool that is a module of Go.
pub(crate) fn go(tool: &Tool, command: &str, place: &Place, project: &Project) -> Result<String, String> {
    asked(Command::new(had("go/tools", tool)), tool, command, place, project)
}

/// A tool that is an artifact of Java.
pub(crate) fn java(tool: &Tool, command: &str, place: &Place, project: &Project) -> Result<String, String> {
    let (classes, libraries) = (had("java/classes", tool), had("java/lib", tool));
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp"]);
    java.arg(format!("{}:{}/*", classes.display(), libraries.display())).arg("Run");
    asked(java, tool, command, place, project)
}

/// A tool that is a package of npm, with a script here.
pub(crate) fn node(tool: &Tool, command: &str, place: &Place, project: &Project) -> Result<String, String> {
    let mut node = Command::new("node");
    node.arg(had(&format!("node/{}.mjs", tool.name), tool));
    asked(node, tool, command, place, project)
}
