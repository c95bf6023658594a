//! refinery: `V1__create_users.sql`, and `U2__add_email.sql`, which goes forward too.
//!
//! | | |
//! |---|---|
//! | names | `^(U\|V)(\d+)__(\w+)\.(rs\|sql)$`, in subfolders too |
//! | order | by number; a `V` that is merged late is refused, a `U` ("unversioned") runs |
//! | pairing, down | none: a `U` is no undo, as it would be for Flyway |
//! | transaction | one a migration; what cannot be in one, which the tool cannot run, is journalled here |
//! | code | `.rs` files are Rust: never run here, and never passed over |
//! | placeholders | none |
//! | refused | dotted versions, numbers over 64 bits, two files for one version |
//!
//! Source: refinery 0.9 at commit 14354f54c5, `refinery_core/src/util.rs` and `runner.rs`.

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{ends, forward_only, in_a_name, leading_digits, new_number, number, plain, words};
use super::stray::{self, Names};
use super::{Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::ReadOptions;

/// refinery's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refinery;

const TOOL: &str = "refinery";
const NAMES: Names = Names {
    tool: TOOL,
    form: "V1__NAME.sql, or U1__NAME.sql for one that may come late",
    is_name: |name| Name::parse(name).is_some(),
};
/// With its feature `int8-versions`; without it, 31 bits.
const LARGEST: u128 = i64::MAX as u128;

struct Name<'a> {
    is_unversioned: bool,
    version: &'a str,
    description: &'a str,
    is_code: bool,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (stem, is_code) = match name.strip_suffix(".rs") {
            Some(stem) => (stem, true),
            None => (name.strip_suffix(".sql")?, false),
        };
        let is_unversioned = stem.starts_with('U');
        let rest = stem.strip_prefix(['U', 'V'])?;
        let (version, description) = rest.split_once("__")?;
        let (_, fraction) = leading_digits(version)?;
        let is_version = fraction.is_empty()
            || fraction.strip_prefix('.').and_then(leading_digits).is_some_and(|(_, rest)| rest.is_empty());
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let is_description = !description.is_empty() && description.chars().all(is_word);
        (is_version && is_description).then_some(Self { is_unversioned, version, description, is_code })
    }
}

impl Layout for Refinery {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Flyway names its files so too, and means the way back by a `U`: without a sign of the tool nobody guesses.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let files = &folder.tree().files;
        let scripts = files.iter().filter(|file| ends(file.name(), ".sql"));
        let names: Vec<_> =
            scripts.map(|file| Name::parse(file.base()).filter(|name| !name.version.contains('.'))).collect();
        let code = files.iter().find(|file| Name::parse(file.base()).is_some_and(|name| name.is_code));
        if names.iter().any(Option::is_none) || (names.is_empty() && code.is_none()) {
            return None;
        }
        if let Some(code) = code {
            return Some(Evidence::certain(code.name()));
        }
        if let Some(settings) = folder.above("refinery.toml") {
            return Some(Evidence::certain(settings.path()));
        }
        let uses_it = |text: &str| text.lines().any(|line| line.trim_start().starts_with("refinery"));
        if let Some(cargo) = folder.above("Cargo.toml")
            && cargo.source().is_ok_and(|source| uses_it(source.text()))
        {
            return Some(Evidence::certain(format!("refinery in {}", cargo.path())));
        }
        let first = files.iter().find(|file| ends(file.name(), ".sql"))?;
        Some(Evidence::shared(first.name()))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading { diagnostics: folder.tree().problems.clone(), ..Reading::default() };
        for file in &folder.tree().files {
            let Some(name) = Name::parse(file.base()) else {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            };
            let Some(version) = number(name.version, LARGEST) else {
                let message =
                    format!("{}: `{}` is no version of {TOOL}, which takes whole numbers", file.name(), name.version);
                reading.diagnostics.push(
                    Diagnostic::error(codes::NEAR_MISS_NAME, message)
                        .at(Place::path(file.path()))
                        .help("if the files are Flyway's: --layout flyway"),
                );
                continue;
            };
            let description = words(name.description);
            if name.is_code {
                reading.take_code(plain(version), description, file, "Rust");
            } else if let Some(up) = reading.text(file) {
                let mut draft = Draft::new(plain(version), description, up);
                draft.attributes.unordered = name.is_unversioned;
                let problem = foreign_way_back(&draft.up, &draft.title(), self);
                reading.diagnostics.extend(problem);
                reading.take(draft, &options.engine);
            }
        }
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        forward_only(new, TOOL)?;
        let only_words: String = new.description.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let description = in_a_name(&only_words);
        if description.is_empty() {
            let message = format!("{}: a migration of {TOOL} has a name of letters or digits", new.id);
            return Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        }
        Ok(vec![NewFile { name: format!("V{version}__{description}.sql"), text: String::new() }])
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::detect::InDatabase;
    use crate::layout::testing::{decision, decision_with, names_read_back, shown};

    #[test]
    fn versioned_unversioned_and_code_are_read() {
        assert_snapshot!(shown(&Refinery, &[
            ("V1__create_users.sql", "create table users (id int);"),
            ("U3__add_email.sql", "alter table users add email text;"),
            ("more/V2__größe.sql", "select 2;"),
            ("V4__fill.rs", "pub fn migration() -> String { String::new() }"),
            ("mod.rs", ""),
        ]), @"
        1 create users: m/V1__create_users.sql
        2 größe: m/more/V2__größe.sql
        3 add email: m/U3__add_email.sql (any order)
        4 fill: m/V4__fill.rs (code: Rust)
        ");
    }

    #[test]
    fn what_is_wrong_with_names_is_said() {
        assert_snapshot!(shown(&Refinery, &[
            ("V1__a.sql", "select 1;"),
            ("U1__b.sql", "select 1;"),
            ("V1.2__c.sql", "select 1;"),
            ("V2_d.sql", "select 1;"),
            ("V3__e-f.sql", "select 1;"),
            ("R__view.sql", "select 1;"),
            ("V9223372036854775808__x.sql", "select 1;"),
        ]), @"
        1 b: m/U1__b.sql (any order)
        warning[M0001]: R__view.sql: is not read, because it has no name of refinery
          --> m/R__view.sql
           = the names are V1__NAME.sql, or U1__NAME.sql for one that may come late
        error[M0001]: V1.2__c.sql: `1.2` is no version of refinery, which takes whole numbers
          --> m/V1.2__c.sql
           = if the files are Flyway's: --layout flyway
        error[M0001]: V2_d.sql: is not a name of refinery, which would pass it over without a word
          --> m/V2_d.sql
           = the names are V1__NAME.sql, or U1__NAME.sql for one that may come late
           = if it is none, move it out of the folder
        error[M0001]: V3__e-f.sql: is not a name of refinery, which would pass it over without a word
          --> m/V3__e-f.sql
           = the names are V1__NAME.sql, or U1__NAME.sql for one that may come late
           = if it is none, move it out of the folder
        error[M0001]: V9223372036854775808__x.sql: `9223372036854775808` is no version of refinery, which takes whole numbers
          --> m/V9223372036854775808__x.sql
           = if the files are Flyway's: --layout flyway
        error[M0002]: 1 a: two files claim this identity
          --> m/V1__a.sql
           = the other one is m/U1__b.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn nobody_guesses_between_an_undo_and_a_way_forward() {
        let files = [("V1__a.sql", ""), ("U1__a.sql", "")];
        assert_snapshot!(decision(&files, &[]), @r#"
        error[M0018]: m: the names do not tell whose layout this is: flyway or refinery
          --> m
           = flyway: V1__a.sql
           = refinery: U1__a.sql
           = say which: --layout flyway or --layout refinery; or for good: layout = "…" in m/migrations.toml
        "#);
        let cargo = ("Cargo.toml", "[dependencies]\nrefinery = { version = \"0.9\" }\n");
        assert_eq!(decision(&files, &[cargo]), "refinery: refinery in Cargo.toml");
        let in_database = InDatabase { foreign: vec!["refinery".to_owned()], ..InDatabase::default() };
        assert_eq!(decision_with(&files, &[], &in_database), "refinery: U1__a.sql, and its table in the database");
        assert_eq!(decision(&[("V1__a.sql", ""), ("V2__b.rs", "")], &[]), "refinery: V2__b.rs");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number in 0..=i64::MAX, words in "[a-zà-ö0-9]{1,6}( [a-z]{1,6}){0,3}") {
            names_read_back(&Refinery, &number.to_string(), &words, false);
        }
    }
}
