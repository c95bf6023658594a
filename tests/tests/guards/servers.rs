//! The same on servers.

use std::env;
use std::path::Path;
use std::process::Stdio;

use migrate_tests::Project;
use migrate_tests::backends::{Database, OnMariaDb, OnMySql, OnPostgres};
use migrate_tests::servers::Flavour;
use migrate_tests::servers::mysql::client_program;

use super::{Setting, checks_before_a_run, other_sessions, settings, what_is_unknown};

/// O10: the built-in backup is made before anything runs, holds what was there before, and is named in the history.
///
/// The dump program is that of the server, which may be a newer one than the machine's: it is in `programs`.
fn backup(url: &str, dump: &str, programs: Option<&Path>) {
    let project = Project::with(&[("1_before", "create table before_it (n int);\n")]);
    let own = programs.map(Path::to_path_buf);
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("a folder without a colon");
    let up = |words: &str| {
        let words = format!("{words} -d {url}");
        let mut command = project.command(&words.split(' ').collect::<Vec<_>>());
        let child = command.env("PATH", &path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        project.end(&words, child.expect("the program starts"))
    };
    let first = up("up");
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    project.write("migrations/2_after.sql", "create table after_it (n int);\n");
    project.write("migrate.toml", "[backup]\nrequired = true\n");
    let refused = up("up");
    assert_eq!(refused.code, Some(10), "{}", refused.stderr);
    let done = up("up --backup");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let files: Vec<_> = std::fs::read_dir(project.path("backups")).expect("backups").flatten().collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let bytes = std::fs::read(file.path()).expect("a backup");
    let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    assert!(holds("before_it") && !holds("after_it"));
    assert!(file.path().extension().is_some_and(|end| end == dump), "{file:?}");
    let history = up("history --last 1").stdout;
    assert!(history.contains(&*file.file_name().to_string_lossy()), "{history}");
    let restored = up("restore backup.dump");
    assert!(restored.stderr.contains("there is no such backup"), "{}", restored.stderr);
    let restored = up(&format!("restore {}", file.path().display()));
    assert_eq!(restored.code, Some(10), "{}", restored.stderr);
    let tool = if dump == "dump" { "pg_restore --clean --if-exists --dbname=" } else { "mysql " };
    assert!(restored.stderr.contains(&format!("like this: {tool}")), "{}", restored.stderr);
    project.write("migrations/2_after.down.sql", "drop table after_it;\n");
    project.write("migrations/2_after.up.sql", "create table after_it (n int);\n");
    std::fs::remove_file(project.path("migrations/2_after.sql")).expect("a file");
    let refused = up("down --steps 1 --yes");
    assert_eq!(refused.code, Some(10), "{}", refused.stderr);
    let down = up("down --steps 1 --yes --backup");
    assert_eq!(down.code, Some(0), "{}{}", down.stdout, down.stderr);
    assert_eq!(std::fs::read_dir(project.path("backups")).expect("backups").count(), 2);
    let history = up("history --last 1").stdout;
    assert!(history.contains("down") && history.contains("backups"), "{history}");
}

const MYSQL: Setting = Setting {
    name: "sort_buffer_size",
    value: "20971520",
    read: "@@sort_buffer_size",
    changed: "set sort_buffer_size = 40000",
};

mod on_postgres {
    use super::*;

    #[test]
    fn settings_hold_in_every_migration_and_nowhere_else() {
        settings::<OnPostgres>(&Setting {
            name: "work_mem",
            value: "20MB",
            read: "current_setting('work_mem')",
            changed: "set work_mem = '1MB'",
        });
    }

    #[test]
    fn checks_are_reported_at_once_and_waived_by_name() {
        checks_before_a_run::<OnPostgres>();
    }

    #[test]
    fn other_sessions_are_seen() {
        other_sessions::<OnPostgres>();
    }

    #[test]
    fn what_nobody_can_tell_passes_unless_required() {
        what_is_unknown::<OnPostgres>("free-space", "2x");
    }

    #[test]
    fn a_backup_is_made_by_pg_dump() {
        let database = OnPostgres::create();
        backup(&database.url(), "dump", None);
    }
}

mod on_mysql {
    use super::*;

    #[test]
    fn settings_hold_in_every_migration_and_nowhere_else() {
        settings::<OnMySql>(&MYSQL);
    }

    #[test]
    fn checks_are_reported_at_once_and_waived_by_name() {
        checks_before_a_run::<OnMySql>();
    }

    #[test]
    fn other_sessions_are_seen() {
        other_sessions::<OnMySql>();
    }

    #[test]
    fn what_nobody_can_tell_passes_unless_required() {
        what_is_unknown::<OnMySql>("replication-lag", "10s");
        what_is_unknown::<OnMySql>("free-space", "2x");
    }

    #[test]
    fn a_backup_is_made_by_mysqldump() {
        let database = OnMySql::create();
        backup(&database.url(), "sql", client_program(Flavour::MySql).parent());
    }
}

mod on_mariadb {
    use super::*;

    /// Its plugin DISKS would tell what is free; nobody has installed it.
    #[test]
    fn what_nobody_can_tell_passes_unless_required() {
        what_is_unknown::<OnMariaDb>("free-space", "2x");
    }

    #[test]
    fn settings_hold_in_every_migration_and_nowhere_else() {
        settings::<OnMariaDb>(&MYSQL);
    }

    #[test]
    fn checks_are_reported_at_once_and_waived_by_name() {
        checks_before_a_run::<OnMariaDb>();
    }

    #[test]
    fn other_sessions_are_seen() {
        other_sessions::<OnMariaDb>();
    }

    #[test]
    fn a_backup_is_made_by_the_dump_program() {
        let database = OnMariaDb::create();
        backup(&database.url(), "sql", client_program(Flavour::MariaDb).parent());
    }
}
