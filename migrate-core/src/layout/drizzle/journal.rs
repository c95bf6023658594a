//! `meta/_journal.json`: the files, in their order.
//!
//! | | |
//! |---|---|
//! | names | `<tag>.sql`; what is no tag of the journal is never run |
//! | order | the journal's; the version is the number of the entry |
//! | late | the tool passes over, without a word, what has an earlier `when` than the newest applied one; here it is refused |
//! | down | none |
//! | transaction | the tool runs everything that is pending in one; here each migration is one of its own |
//! | placeholders | none |
//! | refused | an entry without its file, a file without its entry, two entries with one number, numbers that do not ascend |

use super::{TOOL, breakpoints};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::detect::Evidence;
use crate::layout::draft::{Draft, foreign_way_back};
use crate::layout::name::{leading_digits, number, plain, words};
use crate::layout::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;
use crate::version::Version;

/// Drizzle's layout up to 0.x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drizzle;

const JOURNAL: &str = "meta/_journal.json";

/// One line of the journal.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    number: u64,
    /// Milliseconds since 1970: what the tool compares.
    when: i64,
    tag: String,
}

impl Layout for Drizzle {
    fn name(&self) -> &'static str {
        "drizzle"
    }

    /// Its journal.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        folder.file(JOURNAL).map(|_| Evidence::certain(JOURNAL))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn cuts(&self, source: &Source, _syntax: &Syntax) -> Vec<Cut> {
        breakpoints(source)
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let Some((journal, entries)) = entries(folder, options, &mut reading) else { return reading };
        order(&entries, &journal, &mut reading);
        for entry in &entries {
            let name = format!("{}.sql", entry.tag);
            let Some(file) = folder.files().iter().find(|file| file.name() == name) else {
                let message = format!("{name}: is in {JOURNAL}, and there is no such file");
                reading
                    .diagnostics
                    .push(Diagnostic::error(codes::FOREIGN_FILE, message).at(in_journal(&journal, &entry.tag)));
                continue;
            };
            let Some(up) = reading.text(file) else { continue };
            let (version, description) = identity(entry);
            let draft = Draft::new(plain(version), description, up.with_cuts(breakpoints(&up)));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        for file in folder.files() {
            let known = entries.iter().any(|entry| file.name().strip_suffix(".sql") == Some(&entry.tag));
            if file.name().to_ascii_lowercase().contains(".sql") && !known {
                reading.diagnostics.push(without_entry(file));
            }
        }
        reading.without_twins()
    }

    /// The journal and a picture of the schema belong to a migration, and only the tool writes them.
    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let name = new.description.replace(' ', "_");
        Err(Box::new(
            Diagnostic::error(
                codes::USAGE,
                format!("{}: a new migration has an entry in {JOURNAL}, which {TOOL} writes", new.id),
            )
            .help(format!("have it written: npx drizzle-kit generate --custom --name={name}")),
        ))
    }
}

/// The journal, if there is one that can be read.
fn entries(folder: &Folder, options: &ReadOptions, reading: &mut Reading) -> Option<(Source, Vec<Entry>)> {
    let Some(file) = folder.file(JOURNAL) else {
        let root = folder.roots().first().map(|root| root.display().to_string()).unwrap_or_default();
        reading.diagnostics.push(
            Diagnostic::error(codes::FOREIGN_FILE, format!("{JOURNAL}: is not there, and it says which files run"))
                .at(Place::path(root))
                .help("if the migrations are folders with migration.sql: --layout drizzle-folders"),
        );
        return None;
    };
    parse(&file, options, reading)
}

/// Nothing says what stands in the journal.
#[cfg(not(feature = "manifest"))]
fn parse(file: &File, _options: &ReadOptions, reading: &mut Reading) -> Option<(Source, Vec<Entry>)> {
    reading.unread(JOURNAL, &file.path());
    None
}

#[cfg(feature = "manifest")]
fn parse(file: &File, options: &ReadOptions, reading: &mut Reading) -> Option<(Source, Vec<Entry>)> {
    use serde_json::Value;

    let source = reading.text(file)?;
    let mut problem = |message: String, place: Place| {
        reading.diagnostics.push(Diagnostic::error(codes::FOREIGN_FILE, format!("{JOURNAL}: {message}")).at(place));
    };
    let journal: Value = match serde_json::from_str(source.text().trim_start_matches('\u{feff}')) {
        Ok(journal) => journal,
        Err(error) => {
            problem(format!("is no JSON: {error}"), Place::path(source.path()));
            return None;
        }
    };
    let dialect = journal["dialect"].as_str().unwrap_or_default();
    let is_ours = dialect.is_empty() || (dialect == "turso" && options.engine.names.contains(&"sqlite"));
    if !is_ours && !options.engine.names.contains(&dialect) {
        let engine = options.engine.names.first().copied().unwrap_or_default();
        problem(
            format!("says that the scripts are for {dialect}, and they are read for {engine}"),
            Place::path(source.path()),
        );
    }
    let listed = journal["entries"].as_array().cloned().unwrap_or_default();
    let read = |entry: &Value| {
        Some(Entry {
            number: entry["idx"].as_u64()?,
            when: entry["when"].as_i64()?,
            tag: entry["tag"].as_str()?.to_owned(),
        })
    };
    let entries: Option<Vec<Entry>> = listed.iter().map(read).collect();
    if entries.is_none() {
        problem("an entry has no idx, when and tag".to_owned(), Place::path(source.path()));
    }
    Some((source, entries?))
}

/// Where an entry stands.
fn in_journal(journal: &Source, tag: &str) -> Place {
    match journal.text().find(&format!("\"{tag}\"")) {
        Some(at) => Place::in_source(journal, at..at + tag.len() + 2),
        None => Place::path(journal.path()),
    }
}

fn order(entries: &[Entry], journal: &Source, reading: &mut Reading) {
    for pair in entries.windows(2) {
        let [first, second] = pair else { continue };
        if second.number <= first.number {
            let message = format!(
                "{}: is number {} in the journal, and stands behind number {}",
                second.tag, second.number, first.number
            );
            reading.diagnostics.push(
                Diagnostic::error(codes::OUT_OF_ORDER, message)
                    .at(in_journal(journal, &second.tag))
                    .help("two branches were merged: generate the later one again"),
            );
        } else if second.when <= first.when {
            let message = format!(
                "{}: has an earlier `when` than {}, so {TOOL} passes it over where that one is applied",
                second.tag, first.tag
            );
            reading.diagnostics.push(
                Diagnostic::warning(codes::OUT_OF_ORDER, message)
                    .at(in_journal(journal, &second.tag))
                    .help(format!("here it runs; a database that {TOOL} brought up to date may be without it")),
            );
        }
    }
}

/// The number as the tag writes it, where both are one; the rest of the tag.
fn identity(entry: &Entry) -> (Version, String) {
    let number_alone = || Version::new([u128::from(entry.number)]);
    match leading_digits(&entry.tag) {
        Some((digits, rest)) if digits.parse() == Ok(entry.number) => {
            (number(digits, u128::MAX).unwrap_or_else(number_alone), words(rest))
        }
        _ => (number_alone(), words(&entry.tag)),
    }
}

fn without_entry(file: &File) -> Diagnostic {
    Diagnostic::error(codes::FOREIGN_FILE, format!("{}: is not in {JOURNAL}, so {TOOL} never runs it", file.name()))
        .at(Place::path(file.path()))
        .help("if it is a migration, generate it again: npx drizzle-kit generate --custom")
        .help("if it is none, move it out of the folder")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::MigrationId;
    use crate::layout::EngineNames;
    use crate::layout::testing::{decision, shown, statements};
    use crate::migration::Phase;

    fn journal(entries: &[(u64, i64, &str)]) -> String {
        let entries: Vec<_> = entries
            .iter()
            .map(|(idx, when, tag)| {
                format!("    {{ \"idx\": {idx}, \"version\": \"7\", \"when\": {when}, \"tag\": \"{tag}\", \"breakpoints\": true }}")
            })
            .collect();
        format!(
            "{{\n  \"version\": \"7\",\n  \"dialect\": \"postgresql\",\n  \"entries\": [\n{}\n  ]\n}}\n",
            entries.join(",\n")
        )
    }

    #[test]
    fn files_are_read_in_the_order_of_the_journal() {
        let journal = journal(&[(0, 10, "0000_create_users"), (1, 20, "20240131120000_add_email"), (2, 30, "plain")]);
        assert_snapshot!(shown(&Drizzle, &[
            ("0000_create_users.sql", "create table users (id int);--> statement-breakpoint\nselect 1;"),
            ("20240131120000_add_email.sql", "alter table users add email text;"),
            ("plain.sql", "select 1;"),
            ("meta/0000_snapshot.json", "{}"),
            (JOURNAL, &journal),
        ]), @"
        0000 create users: m/0000_create_users.sql
        1 20240131120000 add email: m/20240131120000_add_email.sql
        2 plain: m/plain.sql
        ");
    }

    #[test]
    fn statements_stand_between_breakpoints() {
        let journal = journal(&[(0, 10, "0000_a")]).replace("postgresql", "mysql");
        let text = "create table a (n int)\n--> statement-breakpoint\ncreate trigger t before insert on a for each row \
            begin set new.n = 1; end;--> statement-breakpoint\ninsert into a values (1);insert into a values (2);\n";
        assert_snapshot!(statements(&Drizzle, EngineNames::MYSQL, &[("0000_a.sql", text), (JOURNAL, &journal)]), @r#"
        "create table a (n int)"
        "create trigger t before insert on a for each row begin set new.n = 1; end"
        "insert into a values (1)"
        "insert into a values (2)"
        "#);
    }

    #[test]
    fn what_is_wrong_with_the_journal_is_said() {
        let journal = journal(&[(0, 10, "0000_a"), (1, 5, "0001_b"), (1, 30, "0001_c"), (2, 40, "0002_gone")]);
        let files = [
            ("0000_a.sql", "select 1;"),
            ("0001_b.sql", "select 1;"),
            ("0001_c.sql", "select 1;"),
            ("0003_d.sql", "select 1;"),
        ];
        assert_snapshot!(shown(&Drizzle, &[&files[..], &[(JOURNAL, &journal)]].concat()), @r#"
        0000 a: m/0000_a.sql
        0001 b: m/0001_b.sql
        warning[M0201]: 0001_b: has an earlier `when` than 0000_a, so Drizzle passes it over where that one is applied
          --> m/meta/_journal.json:6:51
         6 |     { "idx": 1, "version": "7", "when": 5, "tag": "0001_b", "breakpoints": true },
           |                                                   ^^^^^^^^
           = here it runs; a database that Drizzle brought up to date may be without it
        error[M0201]: 0001_c: is number 1 in the journal, and stands behind number 1
          --> m/meta/_journal.json:7:52
         7 |     { "idx": 1, "version": "7", "when": 30, "tag": "0001_c", "breakpoints": true },
           |                                                    ^^^^^^^^
           = two branches were merged: generate the later one again
        error[M0019]: 0002_gone.sql: is in meta/_journal.json, and there is no such file
          --> m/meta/_journal.json:8:52
         8 |     { "idx": 2, "version": "7", "when": 40, "tag": "0002_gone", "breakpoints": true }
           |                                                    ^^^^^^^^^^^
        error[M0019]: 0003_d.sql: is not in meta/_journal.json, so Drizzle never runs it
          --> m/0003_d.sql
           = if it is a migration, generate it again: npx drizzle-kit generate --custom
           = if it is none, move it out of the folder
        error[M0002]: 0001 c: two files claim this identity
          --> m/0001_c.sql
           = the other one is m/0001_b.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        "#);
        assert_snapshot!(shown(&Drizzle, &[files[0], (JOURNAL, "{ \"entries\": [<<<<<<< HEAD")]), @"
        error[M0019]: meta/_journal.json: is no JSON: expected value at line 1 column 15
          --> m/meta/_journal.json
        ");
        assert_snapshot!(shown(&Drizzle, &[files[0]]), @"
        error[M0019]: meta/_journal.json: is not there, and it says which files run
          --> m
           = if the migrations are folders with migration.sql: --layout drizzle-folders
        ");
        assert_snapshot!(shown(&Drizzle, &[(JOURNAL, "{\"dialect\": \"mysql\", \"entries\": [{\"idx\": 0}]}")]), @"
        error[M0019]: meta/_journal.json: says that the scripts are for mysql, and they are read for postgres
          --> m/meta/_journal.json
        error[M0019]: meta/_journal.json: an entry has no idx, when and tag
          --> m/meta/_journal.json
        ");
    }

    #[test]
    fn its_journal_decides_and_a_new_migration_is_left_to_the_tool() {
        assert_eq!(decision(&[("0000_a.sql", ""), (JOURNAL, "")], &[]), "drizzle: meta/_journal.json");
        let id = MigrationId::versioned(Version::new([1]), Phase::Pre, 0);
        let new = NewMigration { id, description: "add owner".to_owned(), engine: None, reversible: false };
        assert_snapshot!(Drizzle.files(&new).unwrap_err(), @"
        error[M0407]: 1: a new migration has an entry in meta/_journal.json, which Drizzle writes
           = have it written: npx drizzle-kit generate --custom --name=add_owner
        ");
    }
}
