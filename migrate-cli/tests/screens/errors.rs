//! Typical mistakes on the command line and in the configuration. Those in migrations are tested across backends.

use insta::assert_snapshot;

use super::Project;

#[test]
fn wrong_databases() {
    let project = Project::new();
    assert_snapshot!(project.screen(&[
        "status",
        "status -d app.db",
        "status -d app",
        "status -d oracle://localhost/shop",
        "status -d jdbc:postgresql://localhost/shop",
        "status -d sqlit:app.db",
        "status -d sqlite:",
        "status -d sqlite:app.db?mod=ro",
        "validate --engine oracle",
    ]), @r#"
        $ migrate status
        error[M0402]: no database was named
           = name it: migrate status -d sqlite:app.db, or -d postgres://user@host/name, or -d mysql://user@host/name, or -d mariadb://user@host/name
           = or for good: `url = "sqlite:app.db"` in migrate.toml, or the variable DATABASE_URL
        [exit 2]
        $ migrate status -d app.db
        error[M0402]: `app.db` is not the URL of a database: it has no scheme
           = did you mean sqlite:app.db?
        [exit 2]
        $ migrate status -d app
        error[M0402]: `app` is not the URL of a database: it has no scheme
           = write one like sqlite:app.db or postgres://user@host/name; this build has: sqlite, postgres, mysql, mariadb
        [exit 2]
        $ migrate status -d oracle://localhost/shop
        error[M0403]: no backend for `oracle` is compiled in; this build has: sqlite, postgres, mysql, mariadb
        [exit 2]
        $ migrate status -d jdbc:postgresql://localhost/shop
        error[M0403]: no backend for `jdbc` is compiled in; this build has: sqlite, postgres, mysql, mariadb
           = write the same URL without `jdbc:`
        [exit 2]
        $ migrate status -d sqlit:app.db
        error[M0403]: no backend for `sqlit` is compiled in; this build has: sqlite, postgres, mysql, mariadb
           = did you mean sqlite:…?
        [exit 2]
        $ migrate status -d sqlite:
        error[M0402]: the URL names no file: write sqlite:PATH or sqlite::memory:
           = it is `sqlite:`
        [exit 2]
        $ migrate status -d sqlite:app.db?mod=ro
        error[M0402]: the URL has an unknown parameter `mod`; legal are mode, busy_timeout
           = it is `sqlite:app.db?mod=ro`
        [exit 2]
        $ migrate validate --engine oracle
        error[M0403]: no backend for `oracle` is compiled in
           = this build has: sqlite, postgres, mysql, mariadb
        [exit 2]
        "#);
    project.write("url", "sqlite:other.db\n");
    std::fs::create_dir(project.path("migrations")).unwrap();
    project.write("migrations/1_a.sql", "select 1;");
    assert_snapshot!(project.screen(&[
        "status --database-file url",
        "status --database-file missing",
        "db create --database-file url",
        "up --database-file url --password-file url",
    ]), @r#"
        $ migrate status --database-file url
        error[M0004]: migrations: there is no such folder
          --> migrations
           = create it with its first migration: migrate new create_users
        [exit 2]
        $ migrate status --database-file missing
        error[M0405]: cannot read the file with the database's URL: No such file or directory (os error 2)
          --> missing
           = it is named by --database-file
        [exit 2]
        $ migrate db create --database-file url
        created other.db
        $ migrate up --database-file url --password-file url
        error[M0407]: an SQLite database has no password
           = leave --password-file and --password-command out
           = the URL comes from --database-file
        [exit 2]
        "#);
}

#[test]
fn wrong_words() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    assert_snapshot!(project.screen(&[
        "run",
        "migrate",
        "force 3",
        "upp",
        "up --lock-wait 10",
        "up --on-nonempty yes",
        "up --on-ahead tolerat --create-db",
        "up --out-of-order 7 --create-db",
        "up postgres://localhost/shop",
        "resolve 1",
        "wait --timeout soon",
        "up --json --nonsense",
    ]), @r#"
        $ migrate run
        error[M0407]: there is no `migrate run` here
           = migrate up applies what is pending
        [exit 2]
        $ migrate migrate
        error[M0407]: there is no `migrate migrate` here
           = migrate up applies what is pending
        [exit 2]
        $ migrate force 3
        error[M0407]: there is no `migrate force` here
           = nothing is ever dirty here: migrate up goes on; migrate resolve ID --applied or --not-applied says what was done by hand
        [exit 2]
        $ migrate upp
        error: unrecognized subcommand 'upp'

          tip: a similar subcommand exists: 'up'

        Usage: migrate [OPTIONS] <COMMAND>

        For more information, try '--help'.
        [exit 2]
        $ migrate up --lock-wait 10
        error[M0407]: --lock-wait: `10` is not a duration: write a number and ms, s, m or h, like 500ms, 2s, 10m or 1h30m
        [exit 2]
        $ migrate up --on-nonempty yes
        error[M0407]: --on-nonempty: `yes` is not one of refuse, run, baseline=VERSION
        [exit 2]
        $ migrate up --on-ahead tolerat --create-db
        error[M0407]: --on-ahead: `tolerat` is not one of compatible, tolerate, refuse, downgrade, did you mean `tolerate`?
        [exit 2]
        $ migrate up --out-of-order 7 --create-db
        error[M0211]: there is no migration 7
           = see their names: migrate status
        [exit 2]
        $ migrate up postgres://localhost/shop
        error[M0407]: a database is named with -d
           = like this: migrate up -d postgres://localhost/shop
        [exit 2]
        $ migrate resolve 1
        error: the following required arguments were not provided:
          <--applied|--not-applied|--statement <N>>

        Usage: migrate resolve <--applied|--not-applied|--statement <N>> <ID>

        For more information, try '--help'.
        [exit 2]
        $ migrate wait --timeout soon
        error: invalid value 'soon' for '--timeout <DURATION>': `soon` is not a duration: write a number and ms, s, m or h, like 500ms, 2s, 10m or 1h30m

        For more information, try '--help'.
        [exit 2]
        $ migrate up --json --nonsense
        {
          "schema": 1,
          "command": "up",
          "ok": false,
          "exit": 2,
          "usage": "error: unexpected argument '--nonsense' found\n\nUsage: migrate up --json\n\nFor more information, try '--help'.\n",
          "diagnostics": []
        }
        error: unexpected argument '--nonsense' found

        Usage: migrate up --json

        For more information, try '--help'.
        [exit 2]
        "#);
}

#[test]
fn wrong_configurations() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    project.write("migrate.toml", "url = 'sqlite:${NAME}.db'\n[timeout]\nlock-wait = '1s'\n");
    assert_snapshot!(project.screen(&["up"]), @r#"
        $ migrate up
        error[M0405]: there is no setting `timeout`
          --> migrate.toml:2:2
         2 | [timeout]
           |  ^^^^^^^
           = did you mean `timeouts`?
        [exit 2]
        "#);
    project.write("migrate.toml", "url = 'sqlite:${NAME}.db'\n[env.production]\nurl = 'x'\n");
    assert_snapshot!(project.screen(&["up", "up --env prod", "up --config other.toml"]), @r#"
        $ migrate up
        error[M0405]: the variable NAME is not set
          --> migrate.toml:1:7
           = set it: NAME=… migrate …, or a line NAME=… in .env
        [exit 2]
        $ migrate up --env prod
        error[M0405]: there is no environment `prod`
          --> migrate.toml
           = there are: production
        [exit 2]
        $ migrate up --config other.toml
        error[M0405]: there is no configuration file other.toml
           = name one that exists, or write one: migrate init
        [exit 2]
        "#);
    project.write(".env", "NAME\n");
    assert_snapshot!(project.screen(&["up", "up --no-env-file"]), @r#"
        $ migrate up
        error[M0405]: this line of .env is not NAME=value, or its quote never ends
          --> .env:1:1
           = correct it, or leave the file out: --no-env-file
        [exit 2]
        $ migrate up --no-env-file
        error[M0405]: the variable NAME is not set
          --> migrate.toml:1:7
           = set it: NAME=… migrate …, or a line NAME=… in .env
        [exit 2]
        "#);
}

#[test]
fn a_file_that_nobody_has_written_yet_is_remarked_on() {
    let project = Project::with(&[("1_a.sql", "-- to do\n")]);
    assert_snapshot!(project.screen(&["up --create-db"]), @r#"
        $ migrate up --create-db
        created app.db
        sqlite app.db · 1 pending
          1  a   0 statements # ms
        1 applied in # ms · now at 1
        warning[M0011]: 1 a: has no statement, and counts as applied all the same
           = if you have yet to write it: migrate resolve 1 --not-applied
        "#);
}

#[test]
fn standing_in_the_wrong_folder() {
    let project = Project::with(&[("1_a.sql", "create table a (x);")]);
    project.run("db create");
    assert_snapshot!(project.screen(&["up --dir elsewhere", "new x --dir else/where"]), @r#"
        $ migrate up --dir elsewhere
        error[M0004]: elsewhere: there is no such folder
          --> elsewhere
           = create it with its first migration: migrate new create_users
        [exit 2]
        $ migrate new x --dir else/where
        error[M0004]: cannot be created: No such file or directory (os error 2)
          --> else/where
           = see where you are, or begin a project: migrate init
        [exit 2]
        "#);
}

#[test]
fn a_failed_statement_says_what_is_left_to_do() {
    let project = Project::with(&[
        ("1_a.sql", "create table a (x);"),
        ("2_b.sql", "create table b (x);\ninsert into c values (1);"),
    ]);
    assert_snapshot!(project.screen(&["up --create-db"]), @r#"
        $ migrate up --create-db
        created app.db
        sqlite app.db · 2 pending
          1  a   1 statement # ms
        1 applied in # ms · now at 1
        error[M0302]: 2 b: statement 2 of 2 failed: no such table: c (SQLITE_ERROR)
          --> migrations/2_b.sql:2:13
         2 | insert into c values (1);
           |             ^
           = applied before it in this run: 1
           = the transaction was rolled back: fix the file and run `migrate up` again
        [exit 3]
        "#);
}
