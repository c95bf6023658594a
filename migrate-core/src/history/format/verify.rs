//! What a tool recorded of a file, compared with the file.
//!
//! Available with feature `other-tools`.

use std::collections::BTreeMap;

use crate::checksum::foreign::{self, line_ending_variants};
use crate::migration::Migration;
use crate::set::MigrationSet;

use super::entry::Algorithm;
use super::{ForeignEntry, Names, Verdict, liquibase};

/// Compares the files of a set with what a tool recorded.
#[derive(Debug)]
pub struct Verifier {
    /// Atlas's digests by path: each depends on all files before it.
    atlas: BTreeMap<String, String>,
}

impl Verifier {
    /// For the files of a set.
    pub fn new(set: &MigrationSet) -> Self {
        let mut files: Vec<(&str, &str)> = set
            .iter()
            .map(|migration| (migration.up.path(), migration.up.written_file()))
            .chain(set.snapshots().iter().map(|snapshot| (snapshot.script.path(), snapshot.script.written_file())))
            .collect();
        files.sort_by_key(|(path, _)| file_name(path));
        let mut digest = foreign::Atlas::new();
        let atlas = files
            .into_iter()
            .map(|(path, text)| (path.to_owned(), digest.file(file_name(path), text.as_bytes())))
            .collect();
        Self { atlas }
    }

    /// Compares what `entry` says with the file of `migration`.
    pub fn verify(&self, entry: &ForeignEntry, migration: &Migration) -> Verdict {
        let Some(recorded) = &entry.checksum else { return Verdict::NotRecorded };
        let value = recorded.value.as_str();
        let file = migration.up.written_file();
        let differs = |found: String| Verdict::Differs { recorded: value.to_owned(), found };
        match recorded.algorithm {
            Algorithm::FlywayCrc32 => {
                // Line ends do not count. A repeatable is recorded as it was run; as it is written is as good.
                let written = foreign::flyway(file).to_string();
                let run = foreign::flyway(migration.up.text()).to_string();
                let counts = migration.id.is_repeatable() && run == value;
                if written == value || counts { Verdict::Matches } else { differs(written) }
            }
            Algorithm::Sha384Raw => by_line_endings(value, file, |text| vec![foreign::sqlx(text)]),
            Algorithm::Sha256Raw => {
                match by_line_endings(value, file, |text| vec![foreign::sha256(text), foreign::sha256_unpadded(text)]) {
                    // Prisma looks at all variants itself.
                    Verdict::LineEndings if matches!(entry.names, Names::File(_)) => Verdict::Matches,
                    verdict => verdict,
                }
            }
            Algorithm::Sip13 => {
                let version = migration.id.version().and_then(|version| version.as_str().parse::<i64>().ok());
                let Some(version) = version else {
                    return Verdict::NotComparable { why: "its version is no whole number".to_owned() };
                };
                by_line_endings(value, file, |text| {
                    let sum = |wide| foreign::refinery(&entry.description, version, text, wide);
                    [sum(false), sum(true)].into_iter().flatten().map(|sum| sum.to_string()).collect()
                })
            }
            Algorithm::Liquibase => match liquibase::checksum(value, migration) {
                Some(found) if found == value => Verdict::Matches,
                Some(found) => differs(found),
                None => {
                    let why = "it was taken with an algorithm that Liquibase itself replaces at its next update";
                    Verdict::NotComparable { why: why.to_owned() }
                }
            },
            Algorithm::AtlasH1Cumulative => match self.atlas.get(migration.up.path()) {
                Some(found) if found == value.trim_start_matches("h1:") => Verdict::Matches,
                found => differs(found.cloned().unwrap_or_default()),
            },
            Algorithm::Sha1Raw => by_line_endings(value, file, |text| vec![foreign::sqitch(text)]),
        }
    }
}

fn by_line_endings(recorded: &str, text: &str, sums: impl Fn(&str) -> Vec<String>) -> Verdict {
    let variants = line_ending_variants(text);
    match variants.iter().position(|variant| sums(variant).iter().any(|sum| sum == recorded)) {
        Some(0) => Verdict::Matches,
        Some(_) => Verdict::LineEndings,
        None => {
            Verdict::Differs { recorded: recorded.to_owned(), found: sums(text).into_iter().next().unwrap_or_default() }
        }
    }
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum;
    use crate::history::format::Record;
    use crate::migration::Attributes;
    use crate::source::Source;

    const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";

    fn migration(id: &str, path: &str, text: &str) -> Migration {
        Migration {
            id: id.parse().unwrap(),
            description: "create users".to_owned(),
            up: Source::new(path, text),
            checksum: checksum::raw(text),
            down: None,
            attributes: Attributes::default(),
        }
    }

    #[track_caller]
    fn check(algorithm: Algorithm, value: &str, text: &str, expected: &Verdict) {
        let migration = migration("1", "m/1_create_users.sql", text);
        let set = MigrationSet::new("main", vec![migration.clone()]).unwrap();
        let names = Names::Version("1".parse().unwrap());
        let entry = ForeignEntry::applied(names, "1", &Record::default())
            .description("create_users")
            .checksum(algorithm, value);
        assert_eq!(&Verifier::new(&set).verify(&entry, &migration), expected, "{algorithm:?} {value}");
    }

    #[test]
    fn what_a_tool_recorded_is_compared_as_the_tool_does() {
        let windows = USERS.replace('\n', "\r\n");
        let sqlx = foreign::sqlx(USERS);
        check(Algorithm::FlywayCrc32, "-7233374", USERS, &Verdict::Matches);
        check(Algorithm::FlywayCrc32, "-7233374", &windows, &Verdict::Matches);
        let differs = Verdict::Differs { recorded: "5".to_owned(), found: "-7233374".to_owned() };
        check(Algorithm::FlywayCrc32, "5", USERS, &differs);
        check(Algorithm::Sha384Raw, &sqlx, USERS, &Verdict::Matches);
        check(Algorithm::Sha384Raw, &sqlx, &windows, &Verdict::LineEndings);
        check(Algorithm::Sip13, "18274778505149910206", USERS, &Verdict::Matches);
        check(Algorithm::Sip13, "13715191258393703588", USERS, &Verdict::Matches);
        check(Algorithm::Sip13, "13947302606498127118", USERS, &Verdict::LineEndings);
        check(Algorithm::Sha256Raw, &foreign::sha256_unpadded(USERS), USERS, &Verdict::Matches);
        check(Algorithm::Sha256Raw, "", USERS, &Verdict::NotRecorded);
    }

    #[test]
    fn atlas_says_at_which_file_a_folder_was_changed() {
        let a = migration("20240101000000", "m/20240101000000_a.sql", USERS);
        let b = migration("20240102000000", "m/20240102000000_b.sql", "SELECT 1;\n");
        let set = MigrationSet::new("main", vec![a.clone(), b.clone()]).unwrap();
        let verifier = Verifier::new(&set);
        let entry = |value: &str| {
            ForeignEntry::applied(Names::Nothing, "", &Record::default()).checksum(Algorithm::AtlasH1Cumulative, value)
        };
        let of_a = entry("ZIsXkZkdAJaDhDs5jJ0lzX58B786+RrXswTEQo6xzKM=");
        let of_b = entry("jkLHlno3iY3ud3gcLxofR1cAP+s/HnbiR68BRCARxfs=");
        assert_eq!(verifier.verify(&of_a, &a), Verdict::Matches);
        assert_eq!(verifier.verify(&of_b, &b), Verdict::Matches);
        assert!(!verifier.verify(&of_a, &b).agrees());
    }
}
