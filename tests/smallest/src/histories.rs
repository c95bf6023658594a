//! Other tools' histories without the feature `other-tools`: seen, and never passed over.

use migrate_sqlite::core::backend::TableName;
use migrate_sqlite::core::plan::{AdoptGoal, ForeignHistory};
use migrate_sqlite::core::{Goal, Policy};

use super::{Database, USERS, set};

const THEIRS: &str =
    "create table schema_migrations (version uint64, dirty bool); insert into schema_migrations values (1, false);";
const WITHOUT: &str = "this program was built without the feature `other-tools`";

#[test]
fn a_history_of_another_tool_is_not_run_over_nor_taken_over() {
    let database = Database::new("contact");
    database.run(THEIRS);
    let migrator = database.migrator(set(&[("1_create_users.up.sql", USERS), ("1_create_users.down.sql", "")]));
    let refused = |policy: Policy, goal: Goal| {
        migrator.clone().policy(policy).goal(goal).up().expect_err("it is another tool's").to_string()
    };
    let said = refused(Policy::default(), Goal::up());
    assert!(
        said.starts_with("refused[M0208]: the database has the history of golang-migrate, and none of ours"),
        "{said}"
    );
    let mut adopt = Policy::default();
    adopt.foreign_history = ForeignHistory::Adopt;
    let said = refused(adopt, Goal::up());
    assert!(said.contains(&format!("the history of another tool cannot be taken over: {WITHOUT}")), "{said}");
    let said = refused(Policy::default(), Goal::Adopt(AdoptGoal::default()));
    assert!(said.contains(WITHOUT), "{said}");
}

#[test]
fn flyways_table_is_not_written_along() {
    let mut policy = Policy::default();
    policy.mirror = Some(TableName { schema: None, name: "flyway_schema_history".to_owned() });
    let database = Database::new("mirror");
    let said = database.migrator(set(&[("1_create_users.sql", USERS)])).policy(policy).up();
    let said = said.expect_err("nothing writes it").to_string();
    assert!(
        said.contains(&format!("Flyway's table flyway_schema_history cannot be written along: {WITHOUT}")),
        "{said}"
    );
    assert!(database.migrator(set(&[("1_create_users.sql", USERS)])).up().is_ok(), "nothing was done");
}

/// A history that the command line took over. `digest` is that of the other tool's rows at the time.
fn taken_over(name: &str, digest: &str) -> Database {
    let database = Database::new(name);
    database.migrator(set(&[("1_create_users.sql", USERS)])).up().expect("it runs");
    database.run(THEIRS);
    database.run(&format!(
        "create temp table mark as select * from migrate_history where seq = 1; \
         update mark set seq = 2, version = null, phase = null, ordinal = null, name = 'what was taken over', \
         action = 'adopt', origin = 'adoption', script = null, set_digest = null, checksum = '{digest}', \
         note = 'golang-migrate\t\tschema_migrations\tgolang-migrate'; \
         update migrate_history set set_digest = null; insert into migrate_history select * from mark;"
    ));
    database
}

#[test]
fn whether_a_tool_went_on_after_its_history_was_taken_over_is_told_or_refused() {
    let database = taken_over("moved", "sha256:of other rows");
    let migrator = database.migrator(set(&[("1_create_users.sql", USERS)]));
    let said = migrator.check().expect("it answers");
    assert!(!said.is_current(), "{said:?}");
    let said = migrator.up().expect_err("it went on, perhaps").to_string();
    let expected = "what golang-migrate did in schema_migrations after its history was taken over cannot be told";
    assert!(said.contains(&format!("{expected}: {WITHOUT}")), "{said}");
    let mut away = Policy::default();
    away.foreign_history = ForeignHistory::Ignore;
    migrator.clone().policy(away).up().expect("somebody said so");
    database.run("drop table schema_migrations");
    database.migrator(set(&[("1_create_users.sql", USERS)])).up().expect("it is gone");
}

#[cfg(feature = "embed")]
#[test]
fn a_tool_that_did_nothing_since_is_no_reason_to_refuse() {
    let rows = r#"{"version":"1","dirty":"0"}"#;
    let database = taken_over("stands", &migrate_sqlite::core::checksum::raw(rows));
    let migrator = database.migrator(set(&[("1_create_users.sql", USERS)]));
    migrator.up().expect("the rows are those that were taken over");
    database.run("update schema_migrations set version = 2");
    assert!(migrator.up().expect_err("it went on").to_string().contains(WITHOUT));
}
