//! Folders of other tools, carried out: what is applied is what their markers and placeholders mean, and an older release
//! without any of the files takes it back.
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod support;

use migrate_core::layout::Folder;
use migrate_core::plan::{DownGoal, Goal};
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use migrate_sqlite::{Sqlite, blocking};
use support::connect;

struct Case<'a> {
    layout: &'a str,
    files: &'a [(&'a str, &'a str)],
    above: &'a [(&'a str, &'a str)],
    placeholders: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    fn set(&self) -> MigrationSet {
        let folder = Folder::embedded("m", self.files.iter().copied()).with_above(self.above.iter().copied());
        let mut options = ReadOptions::new(EngineNames::SQLITE);
        options.layout = Some(self.layout.to_owned());
        options.placeholders = self.placeholders.iter().copied().collect();
        let loaded = MigrationSet::from_folder(&folder, &options);
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}: {problems:?}", self.layout));
        loaded.set
    }

    /// Applies everything; `expected` is what is there then, as `type name`, sorted. Then an older release takes it back.
    #[track_caller]
    fn gives(&self, expected: &[&str]) {
        let database = Sqlite::in_memory().unwrap();
        let run = |set: MigrationSet, goal: Goal| {
            blocking::block_on(Migrator::new(database.clone(), set).goal(goal).up())
                .unwrap_or_else(|error| panic!("{}: {error}", self.layout))
        };
        let report = run(self.set(), Goal::up());
        assert_eq!(objects(&database), expected, "{}", self.layout);
        assert!(run(self.set(), Goal::up()).is_empty(), "{}: nothing is left to do", self.layout);
        run(MigrationSet::new("main", Vec::new()).unwrap(), Goal::Down(DownGoal::Empty));
        assert_eq!(objects(&database), Vec::<String>::new(), "{}: {report:?}", self.layout);
    }
}

fn objects(database: &Sqlite) -> Vec<String> {
    let mut session = connect(database);
    let sql = "SELECT type || ' ' || name FROM sqlite_master \
               WHERE name NOT LIKE 'migrate_%' AND name NOT LIKE 'sqlite_%' ORDER BY 1";
    let rows = blocking::block_on(session.query(sql)).unwrap();
    rows.into_iter().filter_map(|row| row.into_iter().next()?).collect()
}

const TRIGGER: &str =
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  UPDATE a SET n = 1;\n  DELETE FROM a WHERE n = 2;\nEND;";

#[test]
fn flyways() {
    Case {
        layout: "flyway",
        files: &[
            ("V1__a.sql", "CREATE TABLE ${name} (n INTEGER);"),
            ("U1__a.sql", "DROP TABLE ${name};"),
            ("sub/V1_1__trigger.sql", TRIGGER),
            ("sub/U1.1__trigger.sql", "DROP TRIGGER t;"),
            ("beforeEachMigrate.sql", "SELECT '${name}';"),
            ("afterMigrate.sql", "SELECT 1;"),
        ],
        above: &[("flyway.conf", "flyway.placeholders.name=a\n")],
        placeholders: &[],
    }
    .gives(&["table a", "trigger t"]);
}

#[test]
fn gooses() {
    let text = format!(
        "-- +goose Up\n-- +goose ENVSUB ON\nCREATE TABLE ${{NAME}} (n INTEGER);\n-- +goose ENVSUB OFF\n-- +goose StatementBegin\n{TRIGGER}\n\
         -- +goose StatementEnd\n-- +goose Down\n-- +goose StatementBegin\nDROP TRIGGER t;\nDROP TABLE a;\n-- +goose StatementEnd\n"
    );
    Case { layout: "goose", files: &[("00001_a.sql", &text)], above: &[], placeholders: &[("NAME", "a")] }
        .gives(&["table a", "trigger t"]);
}

#[test]
fn sql_migrates() {
    let text = format!(
        "-- +migrate Up\nCREATE TABLE a (n INTEGER);\n-- +migrate StatementBegin\n{TRIGGER}\n-- +migrate StatementEnd\n\
         -- +migrate Down\nDROP TRIGGER t;\nDROP TABLE a;\n-- +migrate Up\nCREATE TABLE b (n INTEGER);\n-- +migrate Down\nDROP TABLE b;\n"
    );
    Case { layout: "sql-migrate", files: &[("1-a.sql", &text)], above: &[], placeholders: &[] }.gives(&[
        "table a",
        "table b",
        "trigger t",
    ]);
}

#[test]
fn mybatis() {
    let text = format!(
        "-- // a table\n// as only the tool understands it\nCREATE TABLE ${{name}} (n INTEGER);\n-- @DELIMITER |\n{TRIGGER}\n|\n-- @DELIMITER ;\n\
         -- //@UNDO\nDROP TRIGGER t;\nDROP TABLE ${{name}};\n"
    );
    Case {
        layout: "mybatis",
        files: &[("scripts/20240131120000_a.sql", &text), ("scripts/bootstrap.sql", "")],
        above: &[("environments/development.properties", "name=a\n")],
        placeholders: &[],
    }
    .gives(&["table a", "trigger t"]);
}

#[test]
fn liquibases() {
    let text = format!(
        "--liquibase formatted sql\n--property name:name value:a\n--changeset alice:1\nCREATE TABLE ${{name}} (n INTEGER);\n\
         --rollback DROP TABLE\n--rollback   ${{name}};\n--changeset alice:2 endDelimiter:/ rollbackEndDelimiter:/\n{TRIGGER}\n/\n\
         CREATE TABLE b (n INTEGER)\n/\n/* liquibase rollback\nDROP TABLE b /\nDROP TRIGGER t\n/\n*/\n\
         --changeset alice:3 dbms:postgresql\nCREATE TABLE c (n INTEGER);\n--changeset alice:4 dbms:sqlite splitStatements:false\n\
         CREATE TABLE d (n INTEGER)\n--rollback DROP TABLE d\n"
    );
    Case { layout: "liquibase", files: &[("changelog.sql", &text)], above: &[], placeholders: &[] }.gives(&[
        "table a",
        "table b",
        "table d",
        "trigger t",
    ]);
}
