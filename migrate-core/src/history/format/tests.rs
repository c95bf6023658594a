//! What the tests of all formats share: tables in few words, and what was read from them.

use std::fmt::Write as _;

use super::lock::Locking;
use super::*;
use crate::backend::TableName;

fn table(name: &str, columns: &str) -> Table {
    let columns = columns.split_whitespace().map(|column| Column { name: column.to_owned(), kind: "text".to_owned() });
    Table { name: TableName { schema: None, name: name.to_owned() }, columns: columns.collect() }
}

fn cells(row: &str) -> crate::backend::Row {
    row.split('|').map(|cell| (cell != "-").then(|| cell.to_owned())).collect()
}

/// A table of `tool`, which must recognise it: cells between `|`, NULL is `-`.
pub(super) fn read(tool: &str, name: &str, columns: &str, rows: &[&str]) -> Reading {
    let table = table(name, columns);
    let format = by_name(tool).unwrap();
    assert!(format.recognises(&table, std::slice::from_ref(&table)) || tool == "rails", "{name}");
    let rows = rows.iter().map(|row| cells(row)).collect();
    Reading::new(Found { tool: format.name(), table, beside: Vec::new() }, vec![rows])
}

/// With tables beside it: name, columns, rows.
pub(super) fn read_beside(reading: Reading, beside: &[(&str, &str, &[&str])]) -> Reading {
    let mut found = reading.found;
    let mut records = Vec::new();
    for (name, columns, rows) in beside {
        let table = table(name, columns);
        records.push(table.records(rows.iter().map(|row| cells(row)).collect()));
        found.beside.push(table);
    }
    Reading { found, records: reading.records, beside: records }
}

/// One line an entry.
pub(super) fn shown(reading: &Reading) -> String {
    let mut out = String::new();
    for entry in reading.decode().unwrap() {
        let ForeignEntry { names, label, description, state, quality, checksum, code, record: _ } = entry;
        let _ = write!(out, "{state:?} {names:?} {label}");
        if !description.is_empty() && description != label {
            let _ = write!(out, ", {description}");
        }
        if quality == Quality::Inferred {
            out.push_str(", inferred");
        }
        if let Some(checksum) = checksum {
            let _ = write!(out, ", {:?} {}", checksum.algorithm, checksum.value);
        }
        if let Some(code) = code {
            let _ = write!(out, ", written in {code}");
        }
        out.push('\n');
    }
    out
}

/// The keys of a tool's locks in database `mydb` and schema `public`: on PostgreSQL, then on MySQL.
pub(super) fn locks_of(tool: &str, name: &str) -> Vec<String> {
    let on = |engine: Engine, schema: &str| {
        let table =
            Table { name: TableName { schema: Some(schema.to_owned()), name: name.to_owned() }, columns: Vec::new() };
        let at = Locking { engine, database: "mydb", table: &table, beside: &[], owner: "us" };
        by_name(tool).unwrap().locks(&at)
    };
    let locks = [on(Engine::Postgres, "public"), on(Engine::MySql, "mydb")].concat();
    locks.into_iter().filter_map(|lock| lock.name.rsplit(' ').next().map(str::to_owned)).collect()
}

#[test]
fn a_table_is_whose_columns_it_has() {
    let version = |kind: &str| {
        let mut table = table("schema_migrations", "version");
        kind.clone_into(&mut table.columns[0].kind);
        table
    };
    let check = |tables: &[Table], expected: &[&str]| {
        let found: Vec<_> = recognised(tables).into_iter().map(|found| found.tool).collect();
        assert_eq!(found, expected, "{tables:?}");
    };
    check(&[table("schema_migrations", "version dirty")], &["golang-migrate"]);
    check(&[version("varchar")], &["dbmate"]);
    check(&[version("character varying"), table("ar_internal_metadata", "key value")], &["rails"]);
    check(&[table("schema_migrations", "version inserted_at")], &["ecto"]);
    check(&[version("bigint")], &[]);
    check(&[table("schema_migrations", "version statements name")], &["supabase"]);
    let mut old = version("text");
    old.name.schema = Some("supabase_migrations".to_owned());
    check(&[old], &["supabase"]);
    check(&[table("CHANGELOG", "ID APPLIED_AT DESCRIPTION SCRIPT")], &["mybatis"]);
    check(&[table("changelog", "id author text")], &[]);
    let flyway =
        "installed_rank version description type script checksum installed_by installed_on execution_time success";
    check(&[table("schema_version", flyway)], &["flyway"]);
    let server = table("SERVER_CHANGE_LOG", "installed_rank version migrationFileName checksum installed_on");
    check(&[table("DATABASE_CHANGE_LOG", flyway), server], &["openmetadata"]);
    check(&[table("changes", "change_id script_hash change project committed_at")], &[]);
    check(&[table("alembic_version", "version_num"), table("_sqlx_migrations", "version")], &["alembic"]);
}

#[test]
fn every_format_has_a_name_of_its_own() {
    let mut names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
    for format in FORMATS {
        assert_eq!(by_name(format.name()).map(HistoryFormat::title), Some(format.title()));
        let layouts = format.layouts().iter();
        assert!(layouts.clone().all(|name| crate::layout::by_name(name).is_some()), "{:?}", format.layouts());
        assert!(format.tables().iter().chain(format.beside()).all(|name| *name == name.to_lowercase()));
    }
}
