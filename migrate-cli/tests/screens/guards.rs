//! What must hold before a run, and the backup before it: what a person sees.

use insta::assert_snapshot;

use super::{Project, exists};

const USERS: &str = "create table users (id integer primary key);\n";
const POSTS: &str = "create table posts (id integer primary key);\n";

/// A project with one migration applied and one pending, and this behind the URL in `migrate.toml`.
fn project(more: &str) -> Project {
    let project = Project::with(&[("1_users.sql", USERS)]);
    assert_eq!(project.run("up --create-db").code, 0);
    project.write("migrations/2_posts.sql", POSTS);
    project.write("migrate.toml", &format!("url = 'sqlite:app.db'\n{more}"));
    project
}

/// Without the version of SQLite, and what a file happens to take.
fn screen(project: &Project, lines: &[&str]) -> String {
    let text = project.screen(lines);
    let masked = |word: &str| if word.starts_with("3.") { "3.#".to_owned() } else { word.to_owned() };
    let line = |line: &str| {
        let line = line.split(' ').map(masked).collect::<Vec<_>>().join(" ");
        match line.split_once("backup of app.db, ") {
            Some((before, _)) => format!("{before}backup of app.db, # kB"),
            None => line,
        }
    };
    // How wide a column is depends on how long something took.
    let narrow = |one: &str| {
        if one.contains("DATE TIME") { one.split_whitespace().collect::<Vec<_>>().join(" ") } else { one.to_owned() }
    };
    let lines = text.lines().filter(|one| !one.starts_with("row  when"));
    lines.map(|one| narrow(&line(one)) + "\n").collect()
}

const CONDITIONS: &str = "[preconditions]\nserver-version = '>=99'\nprivileges = true\nno-other-sessions = true\n";

#[test]
fn preconditions_are_reported_all_at_once_and_nothing_runs() {
    let project = project(CONDITIONS);
    assert_snapshot!(screen(&project, &["plan", "up", "status"]), @"
    $ migrate plan
    preconditions: server-version >=99; privileges; no-other-sessions
    1  2 posts  in a transaction, 1 statement
          create table posts (id integer primary key)
    digest 9173d4d9 · run exactly this: migrate up --plan 9173d4d9
      failed: server-version >=99: it is SQLite 3.#
      passed: privileges: the database can be written
      unknown: no-other-sessions: SQLite does not know who else has the file open
    $ migrate up
    sqlite app.db · 1 pending
    refused[M0301]: 1 of 3 preconditions does not hold
       = failed: server-version >=99: it is SQLite 3.#
       = passed: privileges: the database can be written
       = unknown: no-other-sessions: SQLite does not know who else has the file open
       = nothing was run: make it hold and run the same command again
       = or go on in spite of it, which is written down: migrate up --waive server-version
    [exit 10]
    $ migrate status
    sqlite app.db · history migrate_history · layout native · 1 applied, 1 pending
    1 users applied DATE TIME # ms
      2  posts   pending
    next: migrate up
    ");
}

#[test]
fn a_waived_precondition_is_written_down() {
    let project = project(CONDITIONS);
    assert_snapshot!(screen(&project, &["up --waive server-version", "history"]), @"
    $ migrate up --waive server-version
    sqlite app.db · 1 pending
      2  posts   1 statement # ms
    1 applied in # ms · now at 2
    warning[M0301]: going on in spite of it: failed: server-version >=99: it is SQLite 3.# (waived)
    note[M0301]: unknown: no-other-sessions: SQLite does not know who else has the file open
    $ migrate history
    1 DATE TIME up 1 users done # ms
    2 DATE TIME up 2 posts done # ms waived server-version
    ");
}

#[test]
fn what_nobody_can_tell_stops_a_run_where_that_is_required() {
    let project = project("[preconditions]\nno-other-sessions = true\nrequired = true\n");
    assert_snapshot!(screen(&project, &["up"]), @"
    $ migrate up
    sqlite app.db · 1 pending
    refused[M0301]: 1 of 1 precondition does not hold
       = unknown: no-other-sessions: SQLite does not know who else has the file open
       = nothing was run: make it hold and run the same command again
       = or go on in spite of it, which is written down: migrate up --waive no-other-sessions
    [exit 10]
    ");
}

#[test]
fn a_precondition_of_a_migration_can_be_waived_by_its_text() {
    let project = project("");
    let text = format!("-- migrate:precondition \"no users\" select count(*) > 0 from users\n{POSTS}");
    project.write("migrations/2_posts.sql", &text);
    assert_eq!(project.run("up").code, 10);
    assert_snapshot!(screen(&project, &["up --waive 'no users'", "history --last 1"]), @"
    $ migrate up --waive 'no users'
    sqlite app.db · 1 pending
      2  posts   1 statement # ms
    1 applied in # ms · now at 2
    $ migrate history --last 1
    2 DATE TIME up 2 posts done # ms waived no users
    ");
}

#[test]
fn a_manifest_asks_too_and_says_what_is_wrong_with_it() {
    let project = project("");
    project.write("migrations/migrations.toml", "[preconditions]\nserver-version = 'sqlite>=99'\n");
    assert_snapshot!(screen(&project, &["up"]), @"
    $ migrate up
    sqlite app.db · 1 pending
    refused[M0301]: 1 of 1 precondition does not hold
       = failed: server-version sqlite>=99: it is SQLite 3.#
       = nothing was run: make it hold and run the same command again
       = or go on in spite of it, which is written down: migrate up --waive server-version
    [exit 10]
    ");
    project.write("migrations/migrations.toml", "[preconditions]\nfree-space = 'much'\nprivilege = true\n");
    assert_snapshot!(screen(&project, &["up"]), @"
    $ migrate up
    error[M0008]: migrations.toml: `much` is no amount of space: write 2x for twice the database's size, or 500MB, or 2GB
      --> migrations/migrations.toml:2:14
     2 | free-space = 'much'
       |              ^^^^^^
    error[M0008]: migrations.toml: there is no key `privilege`
      --> migrations/migrations.toml:3:1
     3 | privilege = true
       | ^^^^^^^^^
       = did you mean `privileges`?
    [exit 2]
    ");
    project.write("migrations/migrations.toml", "");
    project.write("migrate.toml", "url = 'sqlite:app.db'\n[preconditions]\nreplication-lag = 'long'\n");
    let ended = project.run("up");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("migrate.toml:3:19"), "{}", ended.stderr);
}

#[test]
fn where_a_backup_is_required_nothing_runs_without_one() {
    let project = project("[backup]\nrequired = true\n");
    assert_snapshot!(screen(&project, &["plan", "up"]), @r#"
    $ migrate plan
    1  2 posts  in a transaction, 1 statement
          create table posts (id integer primary key)
    digest 9173d4d9 · run exactly this: migrate up --plan 9173d4d9
    a backup is required: migrate up --backup, or --backup-done TEXT where there is one
    $ migrate up
    refused[M0408]: app.db has no backup, and backup.required asks for one
       = nothing was run: make one on the way: migrate up --backup
       = or say which one there is: migrate up --backup-done "RDS snapshot X"
    [exit 10]
    "#);
    assert_snapshot!(screen(&project, &["up --backup", "history --last 1", "up --backup"]), @"
    $ migrate up --backup
    backups/app.db-1-20261121T103000Z.db: backup of app.db, # kB
    sqlite app.db · 1 pending
      2  posts   1 statement # ms
    1 applied in # ms · now at 2
    $ migrate history --last 1
    2 DATE TIME up 2 posts done # ms backup backups/app.db-1-20261121T103000Z.db
    $ migrate up --backup
    nothing to do · now at 2
    ");
    let files: Vec<_> = std::fs::read_dir(project.path("backups")).expect("backups").collect();
    assert_eq!(files.len(), 1, "nothing was pending, so no backup was made");
}

#[test]
fn a_backup_that_somebody_made_is_named_in_the_history() {
    let project = project("[backup]\nrequired = true\n");
    assert_snapshot!(screen(&project, &["up --backup-done 'RDS snapshot X'", "history --last 1"]), @"
    $ migrate up --backup-done 'RDS snapshot X'
    sqlite app.db · 1 pending
      2  posts   1 statement # ms
    1 applied in # ms · now at 2
    $ migrate history --last 1
    2 DATE TIME up 2 posts done # ms backup RDS snapshot X
    ");
    assert!(!exists(&project, "backups"));
}

#[test]
fn a_backup_command_must_leave_a_file_that_holds_something() {
    for (command, code, says) in [
        ("cp app.db \"$MIGRATE_BACKUP_FILE\"", 0, "backup of app.db"),
        ("true", 10, "there is no backup afterwards"),
        (": > \"$MIGRATE_BACKUP_FILE\"", 10, "the backup is empty"),
        ("echo no space >&2; exit 3", 10, "the backup command failed: exit status: 3"),
    ] {
        let project = project(&format!("[backup]\ncommand = '''{command}'''\n"));
        let ended = project.run("up --backup");
        let text = ended.stdout + &ended.stderr;
        assert_eq!(ended.code, code, "{command}: {text}");
        assert!(text.contains(says), "{command}: {text}");
        let applied = project.run("check").code == 0;
        assert_eq!(applied, code == 0, "{command}: nothing runs without the backup");
    }
}

#[test]
fn a_precondition_that_fails_costs_no_backup() {
    let project = project(&format!("{CONDITIONS}[backup]\nrequired = true\n"));
    assert_eq!(project.run("up --backup").code, 10);
    assert!(!exists(&project, "backups"));
    assert_eq!(project.run("up --backup --waive server-version").code, 0);
    let row = project.run("history --last 1").stdout;
    assert!(row.contains("; waived server-version"), "{row}");
}

#[test]
fn a_restored_database_says_which_release_it_is() {
    let project = project("");
    assert_eq!(project.run("up --backup").code, 0);
    let backup = std::fs::read_dir(project.path("backups")).expect("backups").next().expect("one").expect("a name");
    let name = backup.file_name().to_string_lossy().into_owned();
    assert_eq!(project.run(&format!("restore backups/{name} --yes")).code, 0);
    assert!(project.run("status --json").stdout.contains("\"now_at\": \"1\""));
}

#[test]
fn the_plan_shows_the_settings_of_the_session() {
    let project = project("[settings.sqlite]\ncache_size = '-4000'\n[settings.postgres]\nwork_mem = '20MB'\n");
    project.write(
        "migrations/2_posts.sql",
        "-- migrate:settings cache_size=-5000\ncreate table seen as select cache_size from pragma_cache_size;\n",
    );
    project.write("migrations/3_more.sql", "insert into seen select cache_size from pragma_cache_size;\n");
    assert_snapshot!(screen(&project, &["plan", "up"]), @"
    $ migrate plan
    settings: cache_size = -4000
    1  2 posts  in a transaction, 1 statement; with cache_size = -5000
          create table seen as select cache_size from pragma_cache_size
    2  3 more   in a transaction, 1 statement
          insert into seen select cache_size from pragma_cache_size
    digest 1eee474c · run exactly this: migrate up --plan 1eee474c
    $ migrate up
    sqlite app.db · 2 pending
      2  posts   1 statement # ms
      3  more    1 statement # ms
    2 applied in # ms · now at 3
    ");
    let seen = project.run("plan --sql");
    assert_eq!(seen.code, 0);
}
