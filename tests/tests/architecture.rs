//! What ARCHITECTURE.md promises and a program can see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use migrate_tests::root;
use serde_json::Value;

/// Everything that belongs to the repository, committed or about to be.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files: Vec<_> = list.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect();
    assert!(files.iter().any(|path| path == "migrate-core/src/lib.rs"), "this is not the repository: {files:?}");
    files
}

fn files_ending(extension: &str) -> impl Iterator<Item = String> {
    files().into_iter().filter(move |path| Path::new(path).extension().is_some_and(|found| found == extension))
}

fn rust_files() -> impl Iterator<Item = String> {
    files_ending("rs")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each `path:line: text` in which `needle` stands.
fn lines_with<'a>(paths: impl IntoIterator<Item = &'a String>, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths {
        // A file that is no text holds no line.
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains(needle));
        found.extend(lines.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())));
    }
    found
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", host])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a text"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"))
}

#[test]
fn documents_name_only_paths_that_exist() {
    let mut missing = Vec::new();
    for document in files_ending("md") {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
        let (links, code) = links_and_code(&text);
        assert!(!code.is_empty(), "{document} names nothing at all");
        for link in links.iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            if !root().join(folder).join(path).exists() {
                missing.push(format!("{document}: link to {link}"));
            }
        }
        // What is built is there once it was built.
        for word in code.iter().filter(|word| is_path(word) && !word.starts_with("target/")) {
            if !root().join(word).exists() && !root().join(folder).join(word).exists() {
                missing.push(format!("{document}: `{word}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Targets of `[…](target)`, and the first words of inline code.
fn links_and_code(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut links, mut code) = (Vec::new(), Vec::new());
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(str::to_owned));
            let spans = line.split('`').skip(1).step_by(2);
            code.extend(spans.filter_map(|span| span.split_whitespace().next()).map(str::to_owned));
        }
    }
    (links, code)
}

fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let starts = word.starts_with("./") || word.starts_with(|c: char| c.is_ascii_lowercase());
    let ends = [".rs", ".md"].iter().any(|ending| word.ends_with(ending));
    plain && (ends || (starts && word.trim_end_matches('/').contains('/')))
}

#[test]
fn the_readme_has_both_commands_and_what_they_need_is_there() {
    let readme = read("README.md");
    for command in ["cargo run -- up -d sqlite:shop.db --create-db --dir examples/shop/migrations", "./scripts/test"] {
        assert!(readme.lines().any(|line| line == command), "README.md lacks the line `{command}`");
    }
    assert!(root().join("examples/shop/migrations").is_dir());
    assert!(read(".ci/run").lines().any(|line| line == "exec ./scripts/test"), "CI runs what people run");
    for script in ["scripts/test", ".ci/run"] {
        assert!(is_executable(&root().join(script)), "{script} cannot be executed");
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 == 0o111)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[test]
fn the_workspace_has_exactly_its_members() {
    let metadata = metadata();
    let root = format!("{}/", root().display());
    let members: BTreeSet<_> = list(&metadata, "packages")
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| {
            let folder = text(package, "manifest_path").trim_end_matches("/Cargo.toml");
            (folder.trim_start_matches(&root).to_owned(), text(package, "name").to_owned())
        })
        .collect();
    let expected = [
        ("examples/adding-a-backend", "example-adding-a-backend"),
        ("examples/desktop", "example-desktop"),
        ("examples/library-component", "example-library-component"),
        ("examples/library-component/queue", "example-queue"),
        ("examples/mysql-service", "example-mysql-service"),
        ("examples/pools", "example-pools"),
        ("examples/progress", "example-progress"),
        ("examples/tenants", "example-tenants"),
        ("examples/web-service", "example-web-service"),
        ("migrate-cli", "migrate-cli"),
        ("migrate-core", "migrate-core"),
        ("migrate-core/macros", "migrate-macros"),
        ("migrate-mysql", "migrate-mysql"),
        ("migrate-postgres", "migrate-postgres"),
        ("migrate-sqlite", "migrate-sqlite"),
        ("tests", "migrate-tests"),
    ];
    let expected: BTreeSet<_> = expected.map(|(folder, name)| (folder.to_owned(), name.to_owned())).into();
    assert_eq!(members, expected);
}

/// Everything `migrate-core` may pull in, with all its features. Whoever adds a name here says in the commit why it
/// neither talks to a database nor needs a runtime.
const CORE_TREE: &[&str] = &[
    // Other tools' checksums.
    "base64",
    "crc32fast",
    "md-5",
    "sha1",
    "siphasher",
    // Contract and errors.
    "async-trait",
    "thiserror",
    "thiserror-impl",
    // Checksums.
    "sha2",
    "block-buffer",
    "cfg-if",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "digest",
    "hybrid-array",
    "libc",
    "typenum",
    // What the driver's HMAC switches on in `digest`: comparisons in constant time.
    "cmov",
    "ctutils",
    // Differences, suggestions, the width of a caret.
    "similar",
    "strsim",
    "unicode-width",
    // The manifest.
    "toml",
    "serde_spanned",
    "toml_datetime",
    "toml_parser",
    "winnow",
    // What other members of the workspace switch on in `toml`.
    "equivalent",
    "foldhash",
    "hashbrown",
    "indexmap",
    "toml_writer",
    // Feature `serde`.
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "itoa",
    "memchr",
    "zmij",
    // Feature `tracing`.
    "tracing",
    "tracing-core",
    "once_cell",
    "pin-project-lite",
    // Feature `testing`: waits for a future on the current thread, and is no runtime.
    "futures-executor",
    "futures-core",
    // Not ours: where the driver of MySQL is in the same build, it wants this of `futures-util`.
    "futures-macro",
    "futures-sink",
    "futures-task",
    "futures-util",
    "slab",
    // Not ours: what the sqlx of an example switches on in `futures-util` and `tracing`.
    "futures-io",
    "log",
    "tracing-attributes",
    // At compile time.
    "migrate-macros",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

#[test]
fn the_core_pulls_in_no_runtime_and_no_driver() {
    let metadata = metadata();
    let names: BTreeMap<_, _> =
        list(&metadata, "packages").iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    let nodes: BTreeMap<_, _> =
        list(&metadata["resolve"], "nodes").iter().map(|node| (text(node, "id"), node)).collect();
    let core = *names.iter().find(|(_, name)| **name == "migrate-core").expect("the core is a package").0;
    let (mut seen, mut next) = (BTreeSet::new(), vec![core]);
    while let Some(id) = next.pop() {
        if seen.insert(id) {
            let normal = list(nodes[id], "deps")
                .iter()
                .filter(|dependency| list(dependency, "dep_kinds").iter().any(|kind| kind["kind"].is_null()));
            next.extend(normal.map(|dependency| text(dependency, "pkg")));
        }
    }
    let tree: BTreeSet<_> = seen.iter().map(|id| names[id]).filter(|name| *name != "migrate-core").collect();
    assert!(tree.contains("sha2"), "the tree of the core was not found: {tree:?}");
    let stranger: Vec<_> = tree.iter().filter(|name| !CORE_TREE.contains(name)).collect();
    assert!(stranger.is_empty(), "not expected below migrate-core: {stranger:?}");
    // And the list itself says nothing that would make the test empty.
    for forbidden in ["tokio", "rusqlite", "libsqlite3-sys", "tokio-postgres", "mysql_async", "sqlx", "rustls", "mio"] {
        assert!(!CORE_TREE.contains(&forbidden));
    }
}

/// A crate in a tree: how deep it stands, its name, its version. What stands below it comes behind it.
type Branch = (usize, String, String);

/// The tree of what is compiled of a package with the features that `arguments` choose.
fn tree(package: &str, arguments: &[&str]) -> Vec<Branch> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--locked", "--edges", "normal,build", "--no-dedupe", "--prefix", "depth", "--format", " {p}"])
        .args(["--package", package])
        .args(arguments)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let line = |line: &str| {
        let mut words = line.split(' ');
        let depth = words.next().and_then(|depth| depth.parse().ok()).unwrap_or_else(|| panic!("a depth: {line}"));
        let mut word = || words.next().unwrap_or_else(|| panic!("name and version: {line}")).to_owned();
        (depth, word(), word())
    };
    list.lines().map(line).collect()
}

/// The crates of others that are compiled for a program that depends on a backend, each version for itself. What rusqlite
/// brings along is not counted: whoever has an SQLite has it.
fn crates_of_others(backend: &str, arguments: &[&str]) -> BTreeSet<(String, String)> {
    let tree = tree(backend, arguments);
    let mut of_rusqlite = BTreeSet::new();
    let mut lines = tree.iter();
    while let Some((depth, name, version)) = lines.next() {
        if name == "rusqlite" {
            of_rusqlite.insert((name, version));
            let below = lines.clone().take_while(|(below, ..)| below > depth);
            of_rusqlite.extend(below.map(|(_, name, version)| (name, version)));
        }
    }
    let others = tree.iter().map(|(_, name, version)| (name, version));
    let others = others.filter(|one| !one.0.starts_with("migrate-") && !of_rusqlite.contains(one));
    others.map(|(name, version)| (name.clone(), version.clone())).collect()
}

/// What is compiled at all, for the program or for the compiler, with the least features and with the default ones. Whoever
/// raises a number says in the commit what it buys.
#[test]
fn a_backend_brings_no_more_crates_than_it_did() {
    for (backend, least, default) in
        [("migrate-sqlite", 15, 29), ("migrate-postgres", 61, 97), ("migrate-mysql", 128, 150)]
    {
        for (arguments, most) in [(&["--no-default-features"][..], least), (&[], default)] {
            let crates = crates_of_others(backend, arguments);
            assert!(crates.iter().any(|(name, _)| name == "sha2"), "{backend}: {crates:?}");
            assert!(crates.len() <= most, "{backend} {arguments:?}: {} crates: {crates:?}", crates.len());
        }
    }
}

/// Drivers bring some of the crates that our features do: what we need of them is asked for directly.
#[test]
fn without_features_the_core_needs_three_crates() {
    for backend in ["migrate-sqlite", "migrate-postgres", "migrate-mysql"] {
        let direct = |of: &str, arguments: &[&str]| {
            let tree = tree(backend, arguments);
            let at = tree.iter().position(|(_, name, _)| name == of).unwrap_or_else(|| panic!("{backend} needs {of}"));
            let depth = tree[at].0;
            let below = tree[at + 1..].iter().take_while(|(below, ..)| *below > depth);
            below.filter(|(below, ..)| *below == depth + 1).map(|(_, name, _)| name.clone()).collect::<BTreeSet<_>>()
        };
        let least = direct("migrate-core", &["--no-default-features"]);
        assert_eq!(
            least.iter().map(String::as_str).collect::<Vec<_>>(),
            ["async-trait", "sha2", "thiserror"],
            "{backend}"
        );
        let own = direct(backend, &["--no-default-features"]);
        for optional in ["migrate-macros", "rustix", "serde_json", "toml"] {
            assert!(!own.contains(optional), "{backend}: {own:?}");
        }
        let all = direct("migrate-core", &["--no-default-features", "--features", "diagnostics,other-tools"]);
        for optional in ["base64", "crc32fast", "md-5", "serde_json", "sha1", "similar", "siphasher", "strsim", "toml"]
        {
            assert!(all.contains(optional), "{backend}: {all:?}");
        }
    }
}

#[test]
fn nothing_of_tls_is_compiled_in_without_its_feature() {
    for backend in ["migrate-postgres", "migrate-mysql"] {
        let of_tls = |features: &[&str]| {
            let names = ["rustls", "rustls-native-certs", "webpki-roots", "x509-cert", "ring", "aws-lc-rs"];
            let crates = crates_of_others(backend, features);
            crates.into_iter().map(|(name, _)| name).filter(|name| names.contains(&name.as_str())).collect::<Vec<_>>()
        };
        assert!(of_tls(&["--no-default-features"]).is_empty(), "{backend}: {:?}", of_tls(&["--no-default-features"]));
        let by_default = of_tls(&[]);
        assert!(by_default.contains(&"rustls".to_owned()) && by_default.contains(&"ring".to_owned()), "{by_default:?}");
        let by_aws = of_tls(&["--no-default-features", "--features", "aws-lc-rs"]);
        assert!(by_aws.contains(&"aws-lc-rs".to_owned()) && !by_aws.contains(&"ring".to_owned()), "{by_aws:?}");
    }
}

#[test]
fn only_one_file_of_the_command_line_knows_which_backends_are_compiled_in() {
    let sources: Vec<_> = rust_files().filter(|path| path.starts_with("migrate-cli/src/")).collect();
    for feature in ["sqlite", "postgres", "mysql"] {
        let needle = format!("feature = \"{feature}\"");
        let mut found = lines_with(&sources, &needle);
        found.retain(|line| !line.starts_with("migrate-cli/src/backends.rs:"));
        assert!(found.is_empty(), "{found:#?}");
    }
    assert!(read("migrate-cli/src/backends.rs").contains("feature = \"sqlite\""));
}

#[test]
fn only_apply_performs_effects() {
    let sources: Vec<_> = rust_files()
        .filter(|path| path.contains("/src/") && !path.starts_with("tests/"))
        .filter(|path| !path.starts_with("migrate-core/src/apply") && !path.starts_with("migrate-core/src/testing"))
        .collect();
    let found = lines_with(&sources, ".perform(");
    assert!(found.is_empty(), "{found:#?}");
    let apply: Vec<_> = rust_files().filter(|path| path.starts_with("migrate-core/src/apply")).collect();
    assert!(
        !lines_with(&apply, ".perform(").is_empty(),
        "apply performs nothing: the search looks for the wrong words"
    );
}

#[test]
fn libraries_leave_the_environment_alone() {
    let sources: Vec<_> = rust_files()
        .filter(|path| {
            ["migrate-core/src/", "migrate-mysql/src/", "migrate-postgres/src/", "migrate-sqlite/src/"]
                .iter()
                .any(|start| path.starts_with(start))
        })
        .collect();
    assert!(sources.len() > 20, "{sources:?}");
    for needle in ["env::var", "env::args", "env::current_dir", "process::exit", "process::abort"] {
        let found = lines_with(&sources, needle);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long: Vec<_> =
        rust_files().map(|path| (read(&path).lines().count(), path)).filter(|(lines, _)| *lines > 600).collect();
    assert!(long.is_empty(), "look for a second noun in these: {long:?}");
}

#[test]
fn no_test_is_ignored() {
    let rust: Vec<_> = rust_files().collect();
    for needle in
        [concat!("#[", "ignore"), concat!("```", "ignore"), concat!("todo", "!("), concat!("unimplemented", "!(")]
    {
        let found = lines_with(&rust, needle);
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// Written in pieces, so that this file does not name them either.
const FOREIGN: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", "."),
    concat!("proxy.golang", ".org"),
    concat!("maven", ".org"),
    concat!("debian", ".org"),
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
];

#[test]
fn nothing_names_a_registry_or_a_machine() {
    // The lock file is cargo's: every line of it names where a package came from.
    let mut files = files();
    files.retain(|path| !path.ends_with("Cargo.lock"));
    for needle in FOREIGN {
        let found = lines_with(&files, needle);
        assert!(found.is_empty(), "{found:#?}");
    }
}
