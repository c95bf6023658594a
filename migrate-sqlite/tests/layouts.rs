//! Folders of other tools, carried out: what is applied is what their markers and placeholders mean, and an older release
//! without any of the files takes it back.
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod support;

use migrate_core::apply::Report;
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
        self.applies(&database, expected);
        self.run(&database, MigrationSet::new("main", Vec::new()).unwrap(), Goal::Down(DownGoal::Empty));
        assert_eq!(objects(&database), Vec::<String>::new(), "{}", self.layout);
    }

    /// Applies everything, once; for layouts without a way back.
    #[track_caller]
    fn applies(&self, database: &Sqlite, expected: &[&str]) {
        self.run(database, self.set(), Goal::all());
        assert_eq!(objects(database), expected, "{}", self.layout);
        let report = self.run(database, self.set(), Goal::all());
        assert!(report.is_empty(), "{}: nothing is left to do", self.layout);
    }

    #[track_caller]
    fn run(&self, database: &Sqlite, set: MigrationSet, goal: Goal) -> Report {
        blocking::block_on(Migrator::new(database.clone(), set).goal(goal).up())
            .unwrap_or_else(|error| panic!("{}: {error}", self.layout))
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

/// A layout, its files, and what is there when they are applied.
type Plain<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn those_whose_names_say_the_direction_or_whose_folders_do() {
    let (a, down) = ("CREATE TABLE a (n INTEGER);\n", "DROP TABLE a;\n");
    let (b, down_b) = ("CREATE INDEX b ON a (n);\n", "DROP INDEX b;\n");
    let sections = format!("-- migrate:up\n{a}{TRIGGER}\n\n-- migrate:down\nDROP TRIGGER t;\n{down}");
    let cases: &[Plain<'_>] = &[
        (
            "golang-migrate",
            &[
                ("000001_a.up.sql", a),
                ("000001_a.down.sql", down),
                ("000002_b.up.sql", b),
                ("000002_b.down.sql", down_b),
            ],
            &["index b", "table a"],
        ),
        (
            "sqlx",
            &[
                ("1_a.up.sql", a),
                ("1_a.down.sql", down),
                ("2_b.up.sql", "-- no-transaction\nCREATE INDEX b ON a (n);\n"),
                ("2_b.down.sql", down_b),
            ],
            &["index b", "table a"],
        ),
        (
            "diesel",
            &[
                ("2024-01-31-120000_a/up.sql", a),
                ("2024-01-31-120000_a/down.sql", down),
                ("2024-02-01-120000_b/up.sql", b),
                ("2024-02-01-120000_b/down.sql", down_b),
                ("2024-02-01-120000_b/metadata.toml", "run_in_transaction = false\n"),
            ],
            &["index b", "table a"],
        ),
        (
            "rusqlite_migration",
            &[("1-a/up.sql", a), ("1-a/down.sql", down), ("2-b/up.sql", b), ("2-b/down.sql", down_b)],
            &["index b", "table a"],
        ),
        ("dbmate", &[("20240131120000_a.sql", &sections)], &["table a", "trigger t"]),
    ];
    for (layout, files, expected) in cases {
        Case { layout, files, above: &[], placeholders: &[] }.gives(expected);
    }
}

#[test]
fn those_without_a_way_back() {
    let (a, b) = ("CREATE TABLE a (n INTEGER);\n", "CREATE INDEX b ON a (n);\n");
    let journal = "{\"dialect\": \"sqlite\", \"entries\": [{\"idx\": 0, \"when\": 1, \"tag\": \"0000_a\"}]}";
    let chunks = format!("{a}--> statement-breakpoint\n{TRIGGER}--> statement-breakpoint\n{b}");
    let delimited = format!("-- atlas:delimiter \\n\\n\\n\n\n{a}\n\n{TRIGGER}\n\n\n{b}");
    let cases: &[Plain<'_>] = &[
        ("refinery", &[("V1__a.sql", a), ("U2__b.sql", b)], &["index b", "table a"]),
        (
            "prisma",
            &[
                ("migration_lock.toml", "provider = \"sqlite\"\n"),
                ("20240131120000_a/migration.sql", a),
                ("20240131120000_b/migration.sql", b),
            ],
            &["index b", "table a"],
        ),
        ("procrastinate", &[("01.00.00_01_pre_a.sql", a), ("01.00.00_50_post_b.sql", b)], &["index b", "table a"]),
        ("supabase", &[("20240131120000_a.sql", a), ("20240201120000_b.sql", b)], &["index b", "table a"]),
        ("drizzle", &[("meta/_journal.json", journal), ("0000_a.sql", &chunks)], &["index b", "table a", "trigger t"]),
        ("drizzle-folders", &[("20240131120000_a/migration.sql", &chunks)], &["index b", "table a", "trigger t"]),
        ("atlas", &[("20240131120000_a.sql", &delimited)], &["index b", "table a", "trigger t"]),
    ];
    for (layout, files, expected) in cases {
        let case = Case { layout, files, above: &[], placeholders: &[] };
        case.applies(&Sqlite::in_memory().unwrap(), expected);
    }
}
