//! The `migrate` binary, built once per process, in the profile of whoever asks.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of the built program.
///
/// Cargo tells only a package's own tests where its binary is, so it is built here, with the features a user gets.
///
/// # Panics
/// If it does not build.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(build)
}

/// Cargo in the root of the repository, without what it told this test of the test's own package: build scripts that watch
/// these variables would run again, and once more in the next build that is no test's.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let about = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if name == "OUT_DIR" || about.iter().any(|about| name.to_string_lossy().starts_with(about)) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(crate::root());
    cargo
}

fn build() -> PathBuf {
    // target/PROFILE/deps/this_test
    let test = env::current_exe().expect("a test knows its own path");
    let profile = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let target = profile.parent().expect("a profile lies in the target folder");
    let profile_name = profile.file_name().and_then(|name| name.to_str()).expect("profiles have plain names");
    let mut cargo = cargo();
    cargo
        .args(["build", "--quiet", "--package", "migrate-cli", "--bin", "migrate", "--target-dir"])
        .arg(target)
        .args(["--profile", if profile_name == "debug" { "dev" } else { profile_name }]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "migrate does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    profile.join(format!("migrate{}", env::consts::EXE_SUFFIX))
}
