//! What programs read.

use serde_json::Value;

use super::Project;

const SET: &[(&str, &str)] =
    &[("1_a.up.sql", "create table a (x);"), ("1_a.down.sql", "drop table a;"), ("2_b.sql", "create table b (x);")];

fn document(project: &Project, line: &str) -> Value {
    let ended = project.run(&format!("{line} --json"));
    let document: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {}", ended.stdout));
    assert_eq!(document["schema"], 1, "{line}");
    assert_eq!(document["exit"], ended.code, "{line}");
    assert_eq!(document["ok"], ended.code == 0, "{line}");
    document
}

#[test]
fn stdout_is_one_document_however_a_command_ends() {
    let project = Project::with(SET);
    for (line, exit) in [
        ("up", 6),
        ("db create", 0),
        ("check", 7),
        ("wait --timeout 0", 7),
        ("plan", 0),
        ("plan --sql", 0),
        ("up --dry-run", 0),
        ("up --plan 0", 1),
        ("up", 0),
        ("up", 0),
        ("status", 0),
        ("history", 0),
        ("check", 0),
        ("wait", 0),
        ("validate", 0),
        ("validate --require-down", 11),
        ("down", 2),
        ("down --steps 1", 1),
        ("config show", 0),
        ("new x", 0),
        ("run", 2),
        ("up --nonsense", 2),
        ("up --env none", 2),
        ("init", 0),
        ("backup b", 0),
        ("backup b", 10),
    ] {
        assert_eq!(document(&project, line)["exit"], exit, "{line}");
    }
}

#[test]
fn a_run_is_in_the_document_step_by_step() {
    let project = Project::with(SET);
    let document = document(&project, "up --create-db");
    let steps = &document["report"]["steps"];
    assert_eq!((&steps[0]["id"], &steps[0]["action"], &steps[0]["statements"]), (&"1".into(), &"up".into(), &1.into()));
    assert_eq!(document["report"]["now_at"], "2");
    assert!(document["report"]["ms"].is_u64() && steps[1]["ms"].is_u64());
}

#[test]
fn what_was_done_before_an_error_is_in_the_document() {
    let project = Project::with(SET);
    project.write("migrations/3_c.sql", "insert into nothing values (1);");
    let document = document(&project, "up --create-db");
    assert_eq!((&document["exit"], &document["report"]["now_at"]), (&3.into(), &"2".into()));
    assert_eq!(document["diagnostics"][0]["place"]["path"], "migrations/3_c.sql");
}

#[test]
fn events_are_lines_on_stderr() {
    let project = Project::with(SET);
    let ended = project.run("up --create-db --json --log-format json");
    let events: Vec<String> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(events.first().map(String::as_str), Some("connected"));
    assert_eq!(events.iter().filter(|event| *event == "step_finished").count(), 2);
    let failed = project.run("up --to 9 --log-format json");
    assert!(failed.stderr.contains(r#""code":"M0211""#), "{}", failed.stderr);
}

#[test]
fn findings_are_annotations_in_a_workflow() {
    let project = Project::with(SET).set("GITHUB_ACTIONS", "true");
    project.write("migrations/3_c.sql", "select 'open;");
    let ended = project.run("validate");
    assert_eq!(ended.code, 11);
    assert!(
        ended.stdout.starts_with("::error title=M0009,file=migrations/3_c.sql,line=1,col=8::3 c: "),
        "{}",
        ended.stdout
    );
    assert!(!project.run("validate --format text").stdout.contains("::"));
}

#[test]
fn colour_is_there_on_a_terminal_and_when_asked_for() {
    let mut project = Project::with(SET);
    let coloured = |project: &Project, line: &str| project.run(line).stderr.contains('\u{1b}');
    assert!(!coloured(&project, "up"));
    assert!(coloured(&project, "up --color always"));
    project.terminal.stderr = true;
    assert!(coloured(&project, "up"));
    assert!(!coloured(&project, "up --color never"));
    assert!(!coloured(&project.set("NO_COLOR", "1"), "up"));
}

#[test]
fn quiet_says_nothing_unless_something_is_wrong() {
    let project = Project::with(SET);
    let ended = project.run("up --create-db -q");
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str(), ended.code), ("", "", 0));
    assert!(project.run("up --to 9 -q").stderr.starts_with("refused[M0211]"));
}

#[test]
fn a_revision_of_git_is_compared() {
    let project = Project::with(SET);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"];
        let output =
            std::process::Command::new("git").arg("-C").arg(project.folder.path()).args(identity).args(args).output();
        assert!(output.unwrap().status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "released"]);
    assert_eq!(project.run("validate --since HEAD").code, 0);
    project.write("migrations/2_b.sql", "create table b (y);");
    project.write("migrations/0_zero.sql", "create table zero (x);");
    let ended = project.run("validate --since HEAD");
    assert_eq!(ended.code, 11);
    for code in ["M0012", "M0013"] {
        assert!(ended.stderr.contains(code), "{}", ended.stderr);
    }
    let unknown = project.run("validate --since --output=x");
    assert_eq!(unknown.code, 2);
    assert_eq!(project.run("validate --since nothing").code, 2);
}

#[test]
fn scripts_and_pages_are_printed_as_they_are() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(project.run(&format!("completions {shell}")).stdout.contains("migrate"), "{shell}");
    }
    assert!(project.run("man").stdout.contains(".TH"));
    assert!(project.run("--version").stdout.starts_with("migrate "));
    assert!(project.run("up --help").stdout.contains("--lock-wait"));
}
