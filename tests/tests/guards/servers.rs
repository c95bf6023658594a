//! The same on servers.

use migrate_core::backend::{Backend, Session};
use migrate_core::layout::EngineNames;
use migrate_tests::Project;
use migrate_tests::servers::mysql::Database as OfMySql;
use migrate_tests::servers::{Database as OfPostgres, Flavour, MySql, Postgres};

use super::{Database, Setting, block_on, checks_before_a_run, other_sessions, settings, what_is_unknown};

pub(crate) struct OnPostgres(OfPostgres<'static>);
pub(crate) struct OnMySql(OfMySql<'static>);
pub(crate) struct OnMariaDb(OfMySql<'static>);

impl Database for OnPostgres {
    fn engine() -> EngineNames {
        EngineNames::POSTGRES
    }

    fn create() -> Self {
        Self(Postgres::shared().database())
    }

    fn backend(&self) -> Box<dyn Backend> {
        Box::new(migrate_postgres::Postgres::from_url(&self.0.url()).unwrap())
    }

    fn other(&self) -> Box<dyn Session> {
        let separator = if self.0.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}application_name=psql", self.0.url());
        block_on(migrate_postgres::Postgres::from_url(&url).unwrap().connect()).unwrap()
    }
}

impl Database for OnMySql {
    fn engine() -> EngineNames {
        EngineNames::MYSQL
    }

    fn create() -> Self {
        Self(MySql::shared(Flavour::MySql).database())
    }

    fn backend(&self) -> Box<dyn Backend> {
        Box::new(migrate_mysql::Mysql::from_url(&self.0.url()).unwrap())
    }
}

impl Database for OnMariaDb {
    fn engine() -> EngineNames {
        EngineNames::MARIADB
    }

    fn create() -> Self {
        Self(MySql::shared(Flavour::MariaDb).database())
    }

    fn backend(&self) -> Box<dyn Backend> {
        Box::new(migrate_mysql::Mysql::from_url(&self.0.url()).unwrap())
    }
}

/// O10: the built-in backup is made before anything runs, holds what was there before, and is named in the history.
fn backup(url: &str, dump: &str) {
    let project = Project::with(&[("1_before", "create table before_it (n int);\n")]);
    let up = |arguments: &str| project.migrate(&format!("{arguments} -d {url}"));
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
        backup(&database.0.url(), "dump");
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
        backup(&database.0.url(), "sql");
    }
}
