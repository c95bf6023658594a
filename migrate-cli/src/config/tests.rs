//! Where a setting comes from, and what is said when it cannot be read.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use super::layers::Sources;
use super::{Config, Key};
use crate::environment::Environment;

const FILE: &str = r#"
url = "sqlite:file.db"
dir = "db/migrations"

[timeouts]
lock_wait = "1m"

[policy]
include = ["a", "b"]

[settings.postgres]
work_mem = "64MB"
jit = false

[env.production]
url = "postgres://deploy:${PASSWORD}@db/shop"

[env.production.timeouts]
lock-wait = "5m"

[env.production.settings.postgres]
work_mem = "1GB"
"#;

struct Case<'a> {
    file: &'a str,
    environment_name: Option<&'a str>,
    flags: Vec<(Key, &'a str)>,
    placeholders: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    process: &'a [(&'a str, &'a str)],
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self { file: FILE, environment_name: None, flags: vec![], placeholders: &[], variables: &[], process: &[] }
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Case<'_> {
    /// What it gives, or what is said, with the folder's name left out.
    fn load(&self) -> Result<Config, String> {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join(Config::FILE), self.file).unwrap();
        self.load_in(folder.path()).map_err(|text| text.replace(&format!("{}/", folder.path().display()), ""))
    }

    fn load_in(&self, folder: &Path) -> Result<Config, String> {
        Config::load(&Sources {
            cwd: folder,
            file: None,
            environment_name: self.environment_name,
            flags: self.flags.iter().map(|(key, value)| (*key, vec![(*value).to_owned()])).collect(),
            placeholders: &self.placeholders.iter().map(|text| (*text).into()).collect::<Vec<_>>(),
            variables: &map(self.variables),
            environment: &Environment::new(map(self.process)),
        })
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[track_caller]
    fn shows(&self, name: &str, expected: &str) {
        let config = self.load().unwrap();
        let shown = config.shown().into_iter().find(|shown| shown.name == name);
        let shown = shown.map(|shown| format!("{} · {}", shown.value, shown.origin.rsplit('/').next().unwrap_or("")));
        assert_eq!(shown.as_deref(), Some(expected));
    }

    #[track_caller]
    fn says(&self, expected: &str) {
        assert_eq!(self.load().unwrap_err(), expected);
    }
}

#[test]
fn flags_go_before_variables_before_the_environment_before_the_file() {
    let production =
        || Case { environment_name: Some("production"), process: &[("PASSWORD", "hunter2")], ..Case::default() };
    let variables: &[(&str, &str)] = &[("lock-wait", "MIGRATE_LOCK_WAIT"), ("database", "DATABASE_URL")];
    for (case, wait, url) in [
        (Case::default(), "1m · migrate.toml:6", "sqlite:file.db · migrate.toml:2"),
        (
            production(),
            "5m · migrate.toml:19 [env.production]",
            "postgres://deploy:***@db/shop · migrate.toml:16 [env.production]",
        ),
        (
            Case { flags: vec![(Key::LockWait, "2m"), (Key::Url, "sqlite:v.db")], variables, ..production() },
            "2m · MIGRATE_LOCK_WAIT",
            "sqlite:v.db · DATABASE_URL",
        ),
        (
            Case { flags: vec![(Key::LockWait, "3m"), (Key::Url, "sqlite:f.db")], ..production() },
            "3m · --lock-wait",
            "sqlite:f.db · --database",
        ),
        (Case { file: "", flags: vec![(Key::Url, "x")], ..Case::default() }, "10m · default", "x · --database"),
    ] {
        case.shows("timeouts.lock-wait", wait);
        case.shows("url", url);
    }
}

#[test]
fn session_settings_are_replaced_one_by_one() {
    let case = Case { environment_name: Some("production"), process: &[("PASSWORD", "x")], ..Case::default() };
    let settings = case.load().unwrap().engine_settings(["postgres"].into_iter());
    let shown: Vec<_> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["jit=false", "work_mem=1GB"]);
    assert!(case.load().unwrap().engine_settings(["sqlite"].into_iter()).is_empty());
}

#[test]
fn the_stronger_of_two_ways_to_name_a_database_counts() {
    let case = Case { flags: vec![(Key::DatabaseFile, "secret/url")], ..Case::default() };
    let config = case.load().unwrap();
    assert!(config.get(Key::Url).is_none() && config.get(Key::DatabaseFile).is_some());
    Case { file: "url = 'a'\ndatabase-file = 'b'", ..Case::default() }.says(
        "error[M0405]: `url` and `database-file` say the same thing: keep one of them\n  --> migrate.toml:2:17\n \
          2 | database-file = 'b'\n   |                 ^^^",
    );
}

#[test]
fn a_direct_url_leads_to_no_other_database_than_the_url_beside_it() {
    let check = |file, flags, variables, expected: Option<&str>| {
        let case = Case { file, flags, variables, ..Case::default() };
        assert_eq!(case.load().unwrap().text(Key::DirectUrl), expected, "{file}");
    };
    let both = "url = 'a'\ndirect-url = 'b'";
    check(both, vec![], &[], Some("b"));
    check(both, vec![(Key::DirectUrl, "c")], &[], Some("c"));
    check(both, vec![(Key::Url, "x")], &[], None);
    check(both, vec![(Key::Url, "x")], &[("database", "DATABASE_URL")], None);
    check(both, vec![(Key::DatabaseFile, "x")], &[], None);
    check(both, vec![(Key::Url, "x"), (Key::DirectUrl, "c")], &[("database", "DATABASE_URL")], Some("c"));
    check("direct-url = 'b'", vec![], &[], Some("b"));
}

#[test]
fn a_switch_is_on_or_off_however_it_is_written() {
    for (value, on) in [("true", true), ("'yes'", true), ("'1'", true), ("false", false), ("'off'", false)] {
        let file = format!("[history]\ncreate-schema = {value}");
        let config = Case { file: &file, ..Case::default() }.load().unwrap();
        assert_eq!(config.is_on(Key::CreateSchema), on, "{value}");
    }
    let case = Case { file: "", process: &[("MIGRATE_CREATE_SCHEMA", "maybe")], ..Case::default() };
    case.says("error[M0407]: MIGRATE_CREATE_SCHEMA: `maybe` is neither true nor false");
}

#[test]
fn paths_in_the_file_start_from_its_folder() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(Config::FILE), FILE).unwrap();
    let config = Case::default().load_in(folder.path()).unwrap();
    assert_eq!(config.folders(), [folder.path().join("db/migrations")]);
    assert_eq!(Case { file: "", ..Case::default() }.load().unwrap().folders()[0].file_name().unwrap(), "migrations");
}

#[test]
fn an_unset_variable_is_an_error_at_its_line_if_the_line_counts() {
    assert!(Case::default().load().is_ok());
    Case { environment_name: Some("production"), ..Case::default() }.says(
        "error[M0405]: the variable PASSWORD is not set\n  --> migrate.toml:16:7\n   \
         = set it: PASSWORD=… migrate …, or a line PASSWORD=… in .env",
    );
    Case { file: "layout = 'a${A}$${A}${'", process: &[("A", "1")], ..Case::default() }
        .shows("layout", "a1${A}${ · migrate.toml:1");
}

#[test]
fn a_typo_is_an_error_with_a_suggestion() {
    for (file, expected) in [
        (
            "[timeouts]\nlock-wiat = '1s'",
            "error[M0405]: there is no setting `timeouts.lock-wiat`\n  --> migrate.toml:2:1\n 2 | lock-wiat = '1s'\n   | \
             ^^^^^^^^^\n   = did you mean `timeouts.lock-wait`?",
        ),
        (
            "lock-wait = '1s'",
            "error[M0405]: there is no setting `lock-wait`\n  --> migrate.toml:1:1\n 1 | lock-wait = '1s'\n   | \
             ^^^^^^^^^\n   = did you mean `timeouts.lock-wait`?",
        ),
        (
            "database = 'x'",
            "error[M0405]: there is no setting `database`\n  --> migrate.toml:1:1\n 1 | database = 'x'\n   | \
             ^^^^^^^^\n   = did you mean `url`?",
        ),
        (
            "[timeouts]\nlock-wait = 10",
            "error[M0405]: `timeouts.lock-wait` is a duration with its unit, as a text\n  --> migrate.toml:2:13\n \
              2 | lock-wait = 10\n   |             ^^\n   = write lock-wait = \"10s\", or with ms, m, h",
        ),
        (
            "[policy]\non-ahead = 'tolerat'",
            "error[M0405]: `tolerat` is not one of compatible, tolerate, refuse, downgrade, did you mean `tolerate`?\n  \
             --> migrate.toml:2:12\n 2 | on-ahead = 'tolerat'\n   |            ^^^^^^^^^",
        ),
        (
            "policy = 'pre'",
            "error[M0405]: `policy` is a section: [policy]\n  --> migrate.toml:1:10\n 1 | policy = 'pre'\n   |          ^^^^^",
        ),
    ] {
        Case { file, ..Case::default() }.says(expected);
    }
}

#[test]
fn an_unknown_environment_lists_those_there_are() {
    Case { environment_name: Some("prod"), ..Case::default() }
        .says("error[M0405]: there is no environment `prod`\n  --> migrate.toml\n   = there are: production");
}

#[test]
fn no_password_is_shown_when_its_line_is_wrong() {
    for file in [
        "url = \"postgres://u:hunter2@h/db",
        "url = \"postgres://u:hunter2@h/db\" x",
        "ulr = \"postgres://u:hunter2@h/db\"",
        "url = [\"postgres://u:hunter2@h/db\"]",
        "password-command = { echo = \"hunter2\" }",
        "[env]\nproduction = \"postgres://u:hunter2@h/db\"",
    ] {
        let said = Case { file, ..Case::default() }.load().unwrap_err();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("migrate.toml:"), "{said}");
    }
    let case = Case { file: "password-command = 'echo hunter2'", ..Case::default() };
    let config = case.load().unwrap();
    assert!(!format!("{config:?}{:?}", config.shown()).contains("hunter2"));
}

#[test]
fn placeholders_come_from_the_file_its_environments_and_flags_and_are_not_shown() {
    let file = "[placeholders]\nschema = \"shop\"\nsize = 3\npassword = \"${PW}\"\n[env.production.placeholders]\nschema = \"live\"";
    let case = Case { file, process: &[("PW", "hunter2")], ..Case::default() };
    let values = |case: &Case<'_>| -> Vec<String> {
        let config = case.load().unwrap();
        assert!(!format!("{config:?}{:?}", config.shown()).contains("hunter2"));
        config.placeholders().iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(values(&case), ["password=hunter2", "schema=shop", "size=3"]);
    let case = Case { environment_name: Some("production"), placeholders: &["size=4=x", "new="], ..case };
    assert_eq!(values(&case), ["new=", "password=hunter2", "schema=live", "size=4=x"]);
    case.shows("placeholders.schema", "… · migrate.toml:6 [env.production]");
    case.shows("placeholders.size", "… · --placeholder");
    let case = Case { placeholders: &["hunter2"], ..case };
    let problem = case.load().unwrap_err();
    assert!(problem.contains("write --placeholder NAME=VALUE") && !problem.contains("hunter2"), "{problem}");
    let bad = Case { file: "[placeholders]\npassword = [\"hunter2\"]", ..Case::default() }.load().unwrap_err();
    assert!(bad.contains("the value of a placeholder is a text") && !bad.contains("hunter2"), "{bad}");
}
