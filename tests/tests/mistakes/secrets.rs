//! Passwords, wherever something goes wrong with them.

use std::process::Output;

use migrate_tests::Project;

use crate::{blog, screen};

const SECRET: &str = "hunter2";

#[test]
fn a_password_in_a_malformed_url() {
    insta::assert_snapshot!(screen(
        &blog(),
        &[
            "up -d postgres//deploy:hunter2@db.example/shop",
            "up -d postgres:/deploy:hunter2@db.example/shop",
            "up -d postgres://deploy:hunter2/x@y@db.example:port/shop",
            "up -d deploy:hunter2@db.example/shop",
            "up -d sqlite:app.db?password=hunter2",
        ]
    ));
}

#[test]
fn a_password_command_that_fails() {
    // The command runs before anybody knows that this database needs no password.
    let (url, project) = ("sqlite:app.db", blog());
    let commands = ["echo hunter2; exit 3", "no-such-command-hunter2"];
    let shown: Vec<String> = commands
        .iter()
        .map(|command| project.migrate_with(&["up", "-d", url, "--password-command", command]).stderr)
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_password_for_a_database_without_one() {
    let project = blog().file("secret", "hunter2\n");
    insta::assert_snapshot!(screen(
        &project,
        &["up -d sqlite:app.db --create-db --password-file secret", "up -d sqlite:app.db --password-file no/secret"]
    ));
}

fn all(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output: Output =
        project.command(arguments).envs(variables.iter().copied()).output().expect("the program starts");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// However a secret comes in, and whatever goes wrong then, no output has it.
#[test]
fn no_output_has_a_secret() {
    const URLS: [&str; 9] = [
        "postgres://deploy:hunter2@db.example/shop",
        "postgres://deploy@db.example/shop?password=hunter2",
        "postgres//deploy:hunter2@db.example/shop",
        "deploy:hunter2@db.example",
        "mysql://deploy:hunter2@db.example:port/shop?ssl-key=hunter2",
        "sqlite:app.db?key=hunter2",
        "sqlite:app.db?token=hunter2",
        "jdbc:postgresql://db.example/shop?user=deploy&password=hunter2",
        "server=db.example;uid=deploy;pwd=hunter2",
    ];
    let commands: [&[&str]; 6] = [&["up"], &["status"], &["check"], &["plan"], &["validate"], &["config", "show"]];
    let mut checked = 0;
    for url in URLS {
        let project = blog();
        for command in commands {
            for more in [&[][..], &["--json"], &["--format", "github", "-v"], &["--log-format", "json"]] {
                let typed = [command, &["-d", url], more].concat();
                let by_flag = all(&project, &typed, &[]);
                let by_variable = all(&project, &[command, more].concat(), &[("DATABASE_URL", url)]);
                for (how, output) in [("flag", by_flag), ("variable", by_variable)] {
                    assert!(!output.contains(SECRET), "{command:?} {more:?} {url} by {how}\n{output}");
                    assert!(!output.is_empty(), "{command:?} {more:?} {url} by {how}");
                    checked += 1;
                }
            }
        }
        project.write(
            "migrate.toml",
            &format!("url = \"{url}\"\npassword-command = \"echo hunter2; false\"\nlayuot = 1\n"),
        );
        project.write(".env", "X=hunter2\nDATABASE_URL\nPASSWORD hunter2\n");
        for command in commands {
            let output = all(&project, command, &[]);
            assert!(!output.contains(SECRET), "{command:?} {url} by files\n{output}");
            let output = all(&project, &[command, &["--no-env-file"]].concat(), &[]);
            assert!(!output.contains(SECRET), "{command:?} {url} by migrate.toml\n{output}");
        }
    }
    assert_eq!(checked, URLS.len() * 6 * 4 * 2);
}
