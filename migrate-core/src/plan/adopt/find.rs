//! Which migrations of a set an entry of another tool is about.

use crate::checksum::foreign::{line_ending_variants, sha256};
use crate::history::format::{ForeignEntry, Names, liquibase};
use crate::migration::{Migration, MigrationId};
use crate::set::MigrationSet;

/// The migrations, in the order of the set.
pub(super) fn find<'s>(set: &'s MigrationSet, entry: &ForeignEntry) -> Vec<&'s Migration> {
    let versioned =
        |test: &dyn Fn(&Migration) -> bool| set.versioned().iter().filter(|one| test(one)).collect::<Vec<_>>();
    match &entry.names {
        Names::Version(version) => {
            let all = set.versioned();
            let start = all.partition_point(|one| one.id.version() < Some(version));
            all[start..].iter().take_while(|one| one.id.version() == Some(version)).collect()
        }
        Names::UpTo(version) => versioned(&|one| one.id.version() <= Some(version)),
        Names::Prefix(text) => versioned(&|one| {
            parts(one.up.path()).any(|part| {
                part.split('_').next().and_then(|head| head.strip_suffix(".sql").or(Some(head))) == Some(text)
            })
        }),
        Names::File(name) => versioned(&|one| parts(one.up.path()).any(|part| part == name)),
        Names::Repeatable(description) => {
            let folded = |text: &str| text.replace('_', " ");
            let same = |one: &&Migration| match &one.id {
                MigrationId::Repeatable { name } => folded(name) == folded(description),
                MigrationId::Versioned { .. } => false,
            };
            set.repeatables().iter().filter(same).collect()
        }
        Names::Changeset { id, author, path } => {
            let same = |one: &&Migration| {
                liquibase::header(one).is_some_and(|header| header.id == *id && header.author == *author)
            };
            let mut found: Vec<&Migration> = set.iter().filter(same).collect();
            if found.len() > 1 {
                let file = path.rsplit('/').next().unwrap_or(path);
                found.retain(|one| parts(one.up.path()).next() == Some(file));
            }
            found
        }
        Names::Digest { sha256: digest, when } => {
            let same = |one: &Migration| {
                line_ending_variants(one.up.written_file()).iter().any(|text| sha256(text) == *digest)
            };
            let found = versioned(&same);
            if found.is_empty() {
                let made = when.and_then(stamp);
                return versioned(&|one| {
                    let at = made.is_some() && one.id.version().map(crate::Version::as_str) == made.as_deref();
                    at || parts(one.up.path()).any(|part| part == entry.label)
                });
            }
            found
        }
        Names::First(number) => set.versioned().iter().take(*number).collect(),
        Names::Head | Names::Nothing => Vec::new(),
    }
}

/// The migration at the place of a row that is known by a digest alone, where its file was changed and nothing else
/// tells: the rows are in the order of the files.
pub(super) fn at_place<'s>(
    set: &'s MigrationSet,
    entries: &[ForeignEntry],
    entry: &ForeignEntry,
) -> Vec<&'s Migration> {
    let digests = entries.iter().filter(|one| matches!(one.names, Names::Digest { .. }));
    let Some(place) = digests.clone().position(|one| one == entry) else { return Vec::new() };
    let Some(candidate) = set.versioned().get(place) else { return Vec::new() };
    let taken = digests.filter(|one| *one != entry).any(|one| find(set, one).contains(&candidate));
    if taken { Vec::new() } else { vec![candidate] }
}

/// The file, and the folder it is in.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit(['/', '\\']).take(2)
}

/// `20260131120000` of milliseconds since 1970, in UTC.
fn stamp(millis: u64) -> Option<String> {
    let micros = i64::try_from(millis).ok()?.checked_mul(1_000)?;
    let seconds = millis / 1_000 % 86_400;
    let date = crate::history::Timestamp(micros).date().replace('-', "");
    Some(format!("{date}{:02}{:02}{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_is_the_number_of_a_file() {
        assert_eq!(super::stamp(1_767_225_600_000).as_deref(), Some("20260101000000"));
        assert_eq!(super::stamp(1_767_311_999_999).as_deref(), Some("20260101235959"));
    }
}
