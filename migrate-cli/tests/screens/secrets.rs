//! A password is never shown, wherever it comes from and whatever goes wrong.

use super::Project;

const URLS: [&str; 9] = [
    "postgres://u:hunter2@h/db",
    "postgres://u:hun@ter/2hunter2@h/db",
    "mysql://u:hunter2@h",
    "nonsense://u:hunter2@h/db",
    "u:hunter2@h/db",
    "postgres:/u:hunter2@h/db",
    "sqlite:app.db?password=hunter2",
    "host=h password=hunter2",
    "://u:hunter2@",
];
const COMMANDS: [&str; 4] = ["up", "config show", "db create", "validate"];
const FORMS: [&str; 2] = ["-v --format github", "--json --log-format json"];

fn check(project: &Project, line: &str) {
    let ended = project.run(line);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("hunter2"), "{line}:\n{text}");
    }
}

#[test]
fn not_from_a_flag_a_variable_or_a_file() {
    for url in URLS {
        let typed = Project::new();
        let variable = Project::new().set("DATABASE_URL", url);
        let dotenv = Project::new();
        dotenv.write(".env", &format!("DATABASE_URL=\"{url}\"\n"));
        let configured = Project::new();
        configured.write("migrate.toml", &format!("url = \"{url}\"\n"));
        let pointed = Project::new().set("MIGRATE_DATABASE_FILE", "url");
        pointed.write("url", url);
        let broken = Project::new();
        broken.write("migrate.toml", &format!("url = \"{url}\n"));
        for command in COMMANDS {
            for form in FORMS {
                check(&typed, &format!("{command} {form} -d '{url}'"));
                for project in [&variable, &dotenv, &configured, &pointed, &broken] {
                    check(project, &format!("{command} {form}"));
                }
            }
        }
    }
}

#[test]
fn not_from_a_command_that_prints_it() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    for line in [
        "up --password-command 'echo hunter2'",
        "up --password-command 'echo hunter2; false'",
        "config show --password-command 'echo hunter2'",
    ] {
        check(&project, line);
    }
    for line in
        ["up postgres://u:hunter2@h/db", "postgres://u:hunter2@h/db up", "up u:hunter2@h", "up sqlite:a?key=hunter2"]
    {
        check(&project, line);
        check(&project, &format!("{line} --json"));
    }
}

#[test]
fn not_into_a_new_configuration() {
    let project = Project::new();
    check(&project, "init -d postgres://u:hunter2@h/db");
    assert!(!std::fs::read_to_string(project.path("migrate.toml")).unwrap().contains("hunter2"));
}
