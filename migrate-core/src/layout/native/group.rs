//! Files → migrations: which belong together, and which of them serve this engine.

use std::collections::BTreeMap;

use super::name::{Direction, Name, Subject};
use super::text;
use crate::checksum;
use crate::code::CodeWork;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::{EngineNames, File, Reading};
use crate::migration::{Migration, MigrationId, Replaced, Snapshot};
use crate::set::{ReadOptions, duplicate_files};
use crate::source::Source;
use crate::sql::split;
use crate::version::Version;

/// A file whose name is in the grammar.
pub(super) struct Found<'a> {
    pub(super) file: &'a File,
    pub(super) name: Name,
}

/// The files that share everything but their endings.
#[derive(Default)]
struct Group<'a> {
    ups: Vec<Found<'a>>,
    downs: Vec<Found<'a>>,
}

pub(super) fn read(found: Vec<Found<'_>>, options: &ReadOptions, reading: &mut Reading) {
    let engine = &options.engine;
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    for file in found {
        let group = groups.entry(file.name.stem.clone()).or_default();
        let files = if file.name.direction == Direction::Down { &mut group.downs } else { &mut group.ups };
        files.push(file);
    }
    adopt_downs(&mut groups, reading);
    let mut taken: BTreeMap<MigrationId, String> = BTreeMap::new();
    for group in groups.into_values() {
        same_ending(&group, reading);
        unserved_downs(&group, reading);
        let Some(first) = group.ups.first() else { continue };
        let id = first.name.id();
        let Some((up, rank)) = best(&group.ups, engine) else {
            reading.elsewhere.extend(id);
            continue;
        };
        if let Subject::Snapshot { version } = &up.name.subject {
            reading.snapshots.extend(snapshot(up, version.clone(), options, &mut reading.diagnostics));
            continue;
        }
        let down = best(&group.downs, engine);
        let Some(migration) = migration(up, rank, down, options, &mut reading.diagnostics) else { continue };
        if let Some(other) = taken.get(&migration.id) {
            reading.diagnostics.push(duplicate_files(&migration.title(), migration.up.path(), other));
        } else {
            taken.insert(migration.id.clone(), migration.up.path().to_owned());
            reading.migrations.push(migration);
        }
    }
    // One that does not say what it stands for stands for what is below it.
    let Reading { migrations, snapshots, .. } = reading;
    for snapshot in snapshots.iter_mut().filter(|snapshot| !snapshot.is_declared) {
        let below = migrations.iter().filter(|migration| {
            let optional = migration.attributes.optional.is_some();
            !optional && migration.id.version().is_some_and(|version| *version <= snapshot.version)
        });
        let replaced = |migration: &Migration| {
            let checksum = Some(migration.checksum.clone()).filter(|checksum| !checksum.is_empty());
            Replaced { id: migration.id.clone(), checksum }
        };
        snapshot.replaces = below.map(replaced).collect();
    }
}

/// A down whose up is named differently belongs to the only migration with its identity.
fn adopt_downs(groups: &mut BTreeMap<String, Group<'_>>, reading: &mut Reading) {
    let mut homes: BTreeMap<MigrationId, Vec<String>> = BTreeMap::new();
    for (stem, group) in groups.iter() {
        if let Some(id) = group.ups.first().and_then(|up| up.name.id()) {
            homes.entry(id).or_default().push(stem.clone());
        }
    }
    let lost: Vec<String> =
        groups.iter().filter(|(_, group)| group.ups.is_empty()).map(|(stem, _)| stem.clone()).collect();
    for stem in lost {
        let Some(group) = groups.remove(&stem) else { continue };
        for down in group.downs {
            let home = down.name.id().and_then(|id| homes.get(&id));
            if let Some([home]) = home.map(Vec::as_slice)
                && let Some(group) = groups.get_mut(home)
                && !group.downs.iter().any(|other| other.name.engine == down.name.engine)
            {
                reading.diagnostics.push(
                    Diagnostic::warning(
                        codes::NEAR_MISS_NAME,
                        format!("{}: is taken as the down of {home}, which has another name", down.file.name()),
                    )
                    .at(Place::path(down.file.path()))
                    .help("give both one name"),
                );
                group.downs.push(down);
            } else {
                reading.diagnostics.push(dangling(&down));
            }
        }
    }
}

fn dangling(down: &Found<'_>) -> Diagnostic {
    let engine = down.name.engine.as_ref().map(|engine| format!(".{engine}")).unwrap_or_default();
    Diagnostic::error(codes::DANGLING_DOWN, format!("{}: a down without its up", down.name.title()))
        .at(Place::path(down.file.path()))
        .help(format!("its up would be {}{engine}.up.sql", down.name.stem))
}

/// `3_x.sql` beside `3_x.up.sql`, or one file in each of two folders.
fn same_ending(group: &Group<'_>, reading: &mut Reading) {
    for files in [&group.ups, &group.downs] {
        for (position, file) in files.iter().enumerate() {
            let twin = files[..position].iter().find(|other| canonical(other) == canonical(file));
            if let Some(twin) = twin {
                reading.diagnostics.push(duplicate_files(&file.name.title(), &file.file.path(), &twin.file.path()));
            }
        }
    }
}

/// `postgres` and `postgresql` are one engine.
fn canonical<'a>(file: &'a Found<'_>) -> Option<&'a str> {
    match file.name.engine.as_deref() {
        Some("postgresql") => Some("postgres"),
        other => other,
    }
}

/// A down for an engine that no up of its migration serves, whatever engine is reading.
fn unserved_downs(group: &Group<'_>, reading: &mut Reading) {
    let is_mysql = |engine: &str| engine == "mysql" || engine == "mariadb";
    for down in &group.downs {
        let served = group.ups.iter().any(|up| match (canonical(up), canonical(down)) {
            (Some(up), Some(down)) => up == down || (is_mysql(up) && is_mysql(down)),
            _ => true,
        });
        if !served {
            reading.diagnostics.push(dangling(down));
        }
    }
}

/// The file that fits the engine best, and how well: 0 is best, a plain file comes last.
fn best<'f, 'a>(files: &'f [Found<'a>], engine: &EngineNames) -> Option<(&'f Found<'a>, usize)> {
    files
        .iter()
        .filter_map(|file| {
            let rank = match &file.name.engine {
                None => Some(engine.names.len()),
                Some(name) => engine.names.iter().position(|ours| ours.eq_ignore_ascii_case(name)),
            };
            rank.map(|rank| (file, rank))
        })
        .min_by_key(|(_, rank)| *rank)
}

fn migration(
    up: &Found<'_>,
    rank: usize,
    down: Option<(&Found<'_>, usize)>,
    options: &ReadOptions,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Migration> {
    let content = text::read(up, options, diagnostics)?;
    let id = up.name.id().map(|id| content.identity(id, up, diagnostics))?;
    let mut attributes = content.attributes;
    let mut way_back = content.down;
    if let Some((file, file_rank)) = down {
        // What fits the engine better is meant; two that fit alike are one too many.
        if way_back.is_some() && rank == file_rank {
            diagnostics.push(two_downs(up, file));
        } else if (way_back.is_none() || file_rank < rank)
            && let Some(content) = text::read(file, options, diagnostics)
        {
            attributes.down = content.attributes.down;
            way_back = content.down;
        }
    }
    if let (Some(reason), Some(down)) = (&attributes.irreversible, &way_back) {
        diagnostics.push(
            Diagnostic::error(
                codes::BAD_DIRECTIVE,
                format!("{}: is irreversible (\"{reason}\") and has a down", up.name.title()),
            )
            .at(Place::in_source(down, down.range().start..down.range().start))
            .help("take one of them out"),
        );
    }
    let checksum = match &content.code {
        None => checksum::raw(content.up.written()),
        Some(declared) => {
            // What a directive says is compared, and not what is written about it.
            attributes.code = Some(CodeWork::in_language("Rust"));
            diagnostics.extend(beside_code(up, &content.up, options));
            checksum::of_code(declared)
        }
    };
    Some(Migration {
        id,
        description: up.name.description.clone(),
        checksum,
        up: content.up,
        down: way_back,
        attributes,
    })
}

/// A statement in a file that declares code: nobody would run it.
fn beside_code(up: &Found<'_>, source: &Source, options: &ReadOptions) -> Option<Diagnostic> {
    let statement = split::split(source, &options.engine.syntax).pieces.into_iter().next()?;
    Some(
        Diagnostic::error(
            codes::BAD_DIRECTIVE,
            format!("{}: its work is declared as code, so this statement would never run", up.name.title()),
        )
        .at(Place::in_source(source, statement.text))
        .help("give the statement a migration of its own, or take `-- migrate:code` out"),
    )
}

fn two_downs(up: &Found<'_>, down: &Found<'_>) -> Diagnostic {
    Diagnostic::error(codes::DUPLICATE, format!("{}: has two downs", up.name.title()))
        .at(Place::path(down.file.path()))
        .help(format!("the other one is the section `-- migrate:down` in {}", up.file.path()))
        .help("keep the one that is right")
}

fn snapshot(
    file: &Found<'_>,
    version: Version,
    options: &ReadOptions,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Snapshot> {
    let content = text::read(file, options, diagnostics)?;
    Some(Snapshot {
        version,
        description: file.name.description.clone(),
        checksum: checksum::raw(content.up.written()),
        script: content.up,
        run: content.attributes.run,
        is_declared: !content.replaces.is_empty(),
        replaces: content.replaces,
    })
}
