//! Procrastinate: `03.00.00_01_pre_add_priority.sql`, `03.00.00_50_post_drop_status.sql`.
//!
//! | | |
//! |---|---|
//! | names | `^\d{2}\.\d{2}\.\d{2}_\d{2}_((pre\|post)_)?[a-z0-9_]+\.sql$` |
//! | order | release, phase, number; one that comes late is refused (the project has no tool that would do anything) |
//! | phases | pre before the new code is deployed, post after; one that does not say is post, or what `unmarked` says |
//! | down | none |
//! | transaction | none of the project's; what can be one is one here |
//! | placeholders | none |
//! | refused | two files for one place |
//!
//! Up to 3.0 files named no phase, and their version is the release to be on when they run: what its upgrade leaves to
//! do, and what the next one needs first. Either is right, so `unmarked = "pre"` in the manifest reads them the other
//! way: they run before the next deploy. A file that was applied as the one is applied as the other. From 3.0 on the
//! version is the release that ships the file, which says its phase.
//!
//! Source: procrastinate at commit f099a75373, `procrastinate/sql/migrations` and `docs/howto/production/migrations.md`.

use std::collections::BTreeSet;

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{ends, forward_only, in_a_name, words};
use super::stray::{self, Names, unread_subfolders};
use super::{Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, codes};
use crate::migration::{MigrationId, Phase};
use crate::set::ReadOptions;
use crate::version::Version;

/// Procrastinate's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Procrastinate;

const TOOL: &str = "Procrastinate";
const NAMES: Names = Names {
    tool: TOOL,
    form: "XX.YY.ZZ_NN_pre_name.sql and XX.YY.ZZ_NN_post_name.sql, in small letters",
    is_name: |name| parse(name).is_some(),
};

/// What a name says.
struct Named {
    id: MigrationId,
    description: String,
    /// It says nothing of a phase, and is from the time when none did.
    unmarked: bool,
}

/// The identity and the description; where no phase is named, that of a post.
fn parse(name: &str) -> Option<Named> {
    let stem = name.strip_suffix(".sql")?;
    let (version, rest) = stem.split_once('_')?;
    let (ordinal, rest) = rest.split_once('_')?;
    let two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = version.split('.').collect();
    if parts.len() != 3 || !parts.iter().all(|part| two(part)) || !two(ordinal) {
        return None;
    }
    let (phase, description) = match rest.split_once('_') {
        Some(("pre", description)) => (Some(Phase::Pre), description),
        Some(("post", description)) => (Some(Phase::Post), description),
        _ => (None, rest),
    };
    let is_small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let version: Version = version.parse().ok()?;
    if description.is_empty() || !description.bytes().all(is_small) {
        return None;
    }
    let unmarked = phase.is_none() && version < Version::new([3]);
    let id = MigrationId::versioned(version, phase.unwrap_or(Phase::Post), ordinal.parse().ok()?);
    Some(Named { id, description: words(description), unmarked })
}

/// The identity of a file that names no phase, and the one it has where its phase is read the other way.
fn in_phase(id: MigrationId, phase: Option<Phase>) -> (MigrationId, Option<MigrationId>) {
    let MigrationId::Versioned { version, ordinal, .. } = id else { return (id, None) };
    let of = |phase| MigrationId::versioned(version.clone(), phase, ordinal);
    match phase {
        Some(Phase::Pre) => (of(Phase::Pre), Some(of(Phase::Post))),
        Some(Phase::Post) | None => (of(Phase::Post), Some(of(Phase::Pre))),
    }
}

impl Layout for Procrastinate {
    fn name(&self) -> &'static str {
        "procrastinate"
    }

    /// Nothing but its names.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let mut scripts = folder.files().iter().filter(|file| ends(file.name(), ".sql")).peekable();
        let first = scripts.peek()?.name().to_owned();
        scripts
            .all(|file| parse(file.name()).is_some())
            .then(|| Evidence::certain(format!("{first}, and all others so")))
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let names = folder.files().iter().filter_map(|file| parse(file.name()));
        let marked: BTreeSet<MigrationId> = names.filter(|named| !named.unmarked).map(|named| named.id).collect();
        for file in folder.files() {
            let Some(Named { id, description, unmarked }) = parse(file.name()) else {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            };
            let Some(up) = reading.text(file) else { continue };
            let (id, other) = if unmarked { in_phase(id, options.unmarked) } else { (id, None) };
            let mut draft = Draft::new(id, description, up);
            // Whoever changes the reading has a history of the other one.
            draft.attributes.renamed_from.extend(other.filter(|other| !marked.contains(other)));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        unread_subfolders(folder, &mut reading);
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        forward_only(new, TOOL)?;
        let refused = |message: &str| {
            Box::new(
                Diagnostic::error(codes::USAGE, format!("{}: {message}", new.id))
                    .help(format!("the names are {}", NAMES.form)),
            )
        };
        let MigrationId::Versioned { version, phase, ordinal } = &new.id else {
            return Err(refused("Procrastinate has no repeatables"));
        };
        let small = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
        let description = in_a_name(&new.description.chars().map(small).collect::<String>());
        let part = |index: usize| version.parts().get(index).copied().unwrap_or(0);
        let name = format!("{:02}.{:02}.{:02}_{ordinal:02}_{phase}_{description}.sql", part(0), part(1), part(2));
        match parse(&name) {
            Some(named) if named.id == new.id && new.engine.is_none() => {
                Ok(vec![NewFile { name, text: String::new() }])
            }
            _ => Err(refused("has no name in this layout")),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::EngineNames;
    use crate::layout::testing::{decision, names_read_back, shown};
    use crate::migration::Migration;
    use crate::set::MigrationSet;

    #[test]
    fn phases_are_read_and_what_does_not_say_is_post() {
        assert_snapshot!(shown(&Procrastinate, &[
            ("00.05.00_01_drop_started_at.sql", "select 1;"),
            ("03.00.00_01_pre_add_priority.sql", "select 1;"),
            ("03.00.00_50_post_drop_status.sql", "select 1;"),
            ("03.00.00_02_prefix.sql", "select 1;"),
        ]), @"
        00.05.00/post/01 drop started at: m/00.05.00_01_drop_started_at.sql
        03.00.00/pre/01 add priority: m/03.00.00_01_pre_add_priority.sql
        03.00.00/post/02 prefix: m/03.00.00_02_prefix.sql
        03.00.00/post/50 drop status: m/03.00.00_50_post_drop_status.sql
        ");
    }

    #[test]
    fn files_from_before_phases_can_be_pre() {
        let options = ReadOptions { unmarked: Some(Phase::Pre), ..ReadOptions::new(EngineNames::POSTGRES) };
        let files = ["02.14.01_01_a.sql", "03.00.00_01_pre_b.sql", "03.00.00_02_c.sql"].map(|name| (name, "select 1;"));
        let ids = |options: &ReadOptions| {
            let reading = Procrastinate.read(&Folder::embedded("m", files), options);
            let line = |migration: &Migration| {
                let was: Vec<_> = migration.attributes.renamed_from.iter().map(ToString::to_string).collect();
                if was.is_empty() {
                    migration.id.to_string()
                } else {
                    format!("{} was {}", migration.id, was.join(", "))
                }
            };
            reading.migrations.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(ids(&options), ["02.14.01/pre/01 was 02.14.01/post/01", "03.00.00/pre/01", "03.00.00/post/02"]);
        let post = ReadOptions { unmarked: None, ..options };
        assert_eq!(ids(&post), ["02.14.01/post/01 was 02.14.01/pre/01", "03.00.00/pre/01", "03.00.00/post/02"]);
    }

    #[test]
    fn the_manifest_says_how_they_are_read() {
        let read = |manifest: &str, name: &str| {
            let files = [(name, "select 1;"), ("migrations.toml", manifest)];
            let loaded =
                MigrationSet::from_folder(&Folder::embedded("m", files), &ReadOptions::new(EngineNames::POSTGRES));
            loaded.map(|loaded| loaded.set.iter().map(|migration| migration.id.to_string()).collect::<Vec<_>>())
        };
        let set = read("layout = \"procrastinate\"\nunmarked = \"pre\"", "02.14.01_01_a.sql");
        assert_eq!(set.unwrap(), ["02.14.01/pre/01"]);
        let refused = read("unmarked = \"pre\"", "1_a.sql").unwrap_err();
        assert_snapshot!(refused[0].to_string(), @"
        error[M0008]: migrations.toml: `unmarked` is about files of Procrastinate, and this set is read as native
          --> migrations.toml
           = take it out; a phase of a single migration stands in its [migration.ID]
        ");
    }

    #[test]
    fn what_is_wrong_with_names_is_said() {
        assert_snapshot!(shown(&Procrastinate, &[
            ("03.00.00_01_pre_a.sql", "select 1;"),
            ("03.00.00_01_pre_b.sql", "select 1;"),
            ("3.0.0_02_pre_c.sql", "select 1;"),
            ("03.00.00_03_pre_Big.sql", "select 1;"),
            ("03.00.00_pre_04_d.sql", "select 1;"),
            ("schema.sql", "select 1;"),
        ]), @"
        03.00.00/pre/01 a: m/03.00.00_01_pre_a.sql
        error[M0001]: 03.00.00_03_pre_Big.sql: is not a name of Procrastinate, which would pass it over without a word
          --> m/03.00.00_03_pre_Big.sql
           = the names are XX.YY.ZZ_NN_pre_name.sql and XX.YY.ZZ_NN_post_name.sql, in small letters
           = if it is none, move it out of the folder
        error[M0001]: 03.00.00_pre_04_d.sql: is not a name of Procrastinate, which would pass it over without a word
          --> m/03.00.00_pre_04_d.sql
           = the names are XX.YY.ZZ_NN_pre_name.sql and XX.YY.ZZ_NN_post_name.sql, in small letters
           = if it is none, move it out of the folder
        error[M0001]: 3.0.0_02_pre_c.sql: is not a name of Procrastinate, which would pass it over without a word
          --> m/3.0.0_02_pre_c.sql
           = the names are XX.YY.ZZ_NN_pre_name.sql and XX.YY.ZZ_NN_post_name.sql, in small letters
           = if it is none, move it out of the folder
        warning[M0001]: schema.sql: is not read, because it has no name of Procrastinate
          --> m/schema.sql
           = the names are XX.YY.ZZ_NN_pre_name.sql and XX.YY.ZZ_NN_post_name.sql, in small letters
        error[M0002]: 03.00.00/pre/01 b: two files claim this identity
          --> m/03.00.00_01_pre_b.sql
           = the other one is m/03.00.00_01_pre_a.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn names_that_are_all_its_own_decide() {
        let files = [("03.00.00_01_pre_a.sql", ""), ("03.00.00_50_post_b.sql", "")];
        assert_eq!(decision(&files, &[]), "procrastinate: 03.00.00_01_pre_a.sql, and all others so");
        assert_eq!(decision(&[files[0], ("schema.sql", "")], &[]), "native");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(parts in prop::array::uniform3(0..100_u8), post: bool, ordinal in 0..100_u8, words in "[a-z0-9]{1,6}( [a-z]{1,6}){0,3}") {
            let [a, b, c] = parts;
            let phase = if post { "post" } else { "pre" };
            names_read_back(&Procrastinate, &format!("{a}.{b}.{c}/{phase}/{ordinal}"), &words, false);
        }
    }
}
