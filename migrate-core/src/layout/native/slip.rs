//! Names that are almost in the grammar: which one was meant?

use super::name::{self, ENGINES, Flaw};
use crate::diagnostic::nearest;
use crate::layout::name::strip_ending;
use crate::layout::stray::{CODE, COMPANIONS, SCRIPTS};

/// What a file outside the grammar is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// Clearly something else.
    SomethingElse,
    /// Perhaps meant as a migration, and the nearest legal name.
    NearMiss(Option<String>),
}

/// Judges a name that [`name::parse`] refused.
pub(super) fn judge(file: &str, engines: &[&str]) -> Outside {
    let ending = ending(file);
    if COMPANIONS.contains(&ending.as_str()) {
        return Outside::SomethingElse;
    }
    let lower = file.to_ascii_lowercase();
    let is_script = SCRIPTS.contains(&ending.as_str()) || lower.contains(".sql");
    let (head, _) = lower.split_once('_').unwrap_or(("", ""));
    let is_numbered = head.strip_prefix('v').unwrap_or(head).parse::<crate::Version>().is_ok();
    if !is_script && !is_numbered {
        return Outside::SomethingElse;
    }
    Outside::NearMiss(repair(file, engines))
}

fn ending(file: &str) -> String {
    file.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase()
}

/// The nearest legal name, if one can be told.
fn repair(file: &str, engines: &[&str]) -> Option<String> {
    let (stem, endings) = endings(file, engines);
    let stem = repair_stem(&stem)?;
    let candidate = format!("{stem}{endings}.sql");
    name::parse(&candidate, engines).ok().map(|_| candidate)
}

/// Everything before the endings, and the endings without `.sql`, in their order.
fn endings(file: &str, engines: &[&str]) -> (String, String) {
    let lower = file.to_ascii_lowercase();
    let mut stem = match lower.find(".sql").filter(|at| !lower[at + 4..].starts_with("ite")) {
        // What stands between two of them counts too.
        Some(at) => strip_ending(file, ".sql").unwrap_or(&file[..at]),
        None => match file.rsplit_once('.') {
            Some((stem, ending)) if !ending.contains('_') => stem,
            _ => file,
        },
    }
    .trim_end_matches(['~', ' ']);
    let (mut engine, mut direction) = (None, None);
    while let Some((rest, part)) = stem.rsplit_once('.') {
        let words = ENGINES.iter().chain(engines).copied();
        if part.is_empty() || part.eq_ignore_ascii_case("sql") {
            stem = rest;
        } else if !rest.contains('_') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        } else if let Some(near) = nearest(part, ["up", "down"]).filter(|_| direction.is_none()) {
            direction = Some(near);
            stem = rest;
        } else if let Some(near) = nearest(part, words).filter(|_| engine.is_none()) {
            engine = Some(near);
            stem = rest;
        } else {
            break;
        }
    }
    let endings: String = [engine, direction].into_iter().flatten().flat_map(|ending| [".", ending]).collect();
    (stem.to_owned(), endings)
}

fn repair_stem(stem: &str) -> Option<String> {
    let mut characters = stem.chars();
    let first = characters.next()?;
    let rest = characters.as_str();
    match first {
        'r' | 'R' if rest.starts_with(['_', '-', ' ']) => {
            return Some(format!("R__{}", description(rest)));
        }
        'b' | 'B' if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            let (version, rest) = number(rest);
            return Some(format!("B{version}__{}", description(rest)));
        }
        'v' | 'V' if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            // Flyway writes the dots of a version as underscores too, and two of them before the description.
            let (version, words) = rest.split_once("__").unwrap_or_else(|| number(rest));
            return Some(format!("{}_{}", version.replace('_', "."), description(words)));
        }
        _ if !first.is_ascii_digit() => return None,
        _ => {}
    }
    if let Some((date, rest)) = dashed_date(stem) {
        return Some(format!("{date}_{}", description(rest)).trim_end_matches('_').to_owned());
    }
    let (version, rest) = number(stem);
    let words = description(rest);
    if words.is_empty() {
        return Some(version.to_owned());
    }
    let mut parts = words.splitn(3, '_');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (phase, ordinal) =
        if first.starts_with(|c: char| c.is_ascii_digit()) { (second, first) } else { (first, second) };
    let lower = phase.to_ascii_lowercase();
    let is_placed =
        version.contains('.') && ["pre", "post"].contains(&lower.as_str()) && ordinal.parse::<u32>().is_ok();
    if !is_placed {
        // Where `_` comes after the version, a hyphen is a part of the words.
        return Some(match rest.strip_prefix('_') {
            Some(rest) => format!("{version}_{}", joined(rest, &['_', ' ', '.', '/'])),
            None => format!("{version}_{words}"),
        });
    }
    let description = parts.next().map(|words| format!("_{words}")).unwrap_or_default();
    Some(format!("{version}_{ordinal}_{lower}{description}"))
}

/// `2024-01-31…`: somebody's date is one number.
fn dashed_date(stem: &str) -> Option<(String, &str)> {
    let (date, rest) = stem.split_at_checked(10)?;
    let mut parts = date.split('-');
    let is_date = [4, 2, 2].into_iter().all(|length| {
        parts.next().is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    (is_date && parts.next().is_none()).then(|| (date.replace('-', ""), rest))
}

/// The version a text starts with, and the rest.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let version = text[..end].trim_end_matches('.');
    (version, &text[version.len()..])
}

/// With `_` for whatever a description may not hold.
fn description(text: &str) -> String {
    joined(text, &['_', '-', ' ', '.', '/'])
}

fn joined(text: &str, separators: &[char]) -> String {
    text.split(separators).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// What to do about a file that was perhaps meant as a migration.
pub(super) fn advice(file: &str, flaw: &Flaw, nearest: Option<String>) -> String {
    match nearest {
        Some(name) if *flaw == Flaw::Ending && file.len() > name.len() && file.starts_with(&name) => {
            format!("the legal name is {name}: rename it, or move what is no migration out of the folder")
        }
        Some(name) if *flaw == Flaw::Ending && CODE.iter().any(|(code, _)| *code == ending(file)) => {
            format!(
                "it is code, which is not run from here: write what it does in SQL, as {name}, or move it out of the folder"
            )
        }
        Some(name) => format!("the nearest legal name is {name}"),
        None => "name it VERSION_DESCRIPTION.sql, like 20261120103000_create_users.sql, or move it out of the folder"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cases: &[(&str, Outside)]) {
        for (file, expected) in cases {
            assert!(name::parse(file, &[]).is_err(), "{file} is legal");
            assert_eq!(judge(file, &[]), *expected, "{file}");
        }
    }

    fn near(name: &str) -> Outside {
        Outside::NearMiss(Some(name.to_owned()))
    }

    #[test]
    fn slips_lead_to_the_nearest_legal_name() {
        check(&[
            ("30_x.up..sql", near("30_x.up.sql")),
            ("12add.sql", near("12_add.sql")),
            ("12-add.sql", near("12_add.sql")),
            ("12 add users.sql", near("12_add_users.sql")),
            ("1_.sql", near("1.sql")),
            ("1_x.dwn.sql", near("1_x.down.sql")),
            ("1_x.postgress.sql", near("1_x.postgres.sql")),
            ("1_x.postgress.dwn.sql", near("1_x.postgres.down.sql")),
            ("1_x.up.postgres.sql", near("1_x.postgres.up.sql")),
            ("1_add_v1.2.sql", near("1_add_v1_2.sql")),
            ("2.1.0_01_PRE_x.sql", near("2.1.0_01_pre_x.sql")),
            ("2.1.0_post_50_drop_x.sql", near("2.1.0_50_post_drop_x.sql")),
            ("2.1.0-50-post-drop.sql", near("2.1.0_50_post_drop.sql")),
            ("2024-01-31-create.sql", near("20240131_create.sql")),
        ]);
    }

    #[test]
    fn the_nearest_name_keeps_what_is_legal() {
        check(&[
            ("7_two-words.tx.up.sql", near("7_two-words_tx.up.sql")),
            ("7_two-words.dwn.sql", near("7_two-words.down.sql")),
            ("7_x.sql.up.sql", near("7_x.up.sql")),
            ("7_x.sql.down.sql", near("7_x.down.sql")),
            ("7_x.sql.postgres.up.sql", near("7_x.postgres.up.sql")),
            ("7_two-words.sql.sql", near("7_two-words.sql")),
        ]);
    }

    #[test]
    fn no_name_makes_a_script_of_code() {
        let advice = |file: &str| match judge(file, &[]) {
            Outside::NearMiss(nearest) => advice(file, &Flaw::Ending, nearest),
            Outside::SomethingElse => panic!("{file} is judged to be something else"),
        };
        assert!(advice("7_fill.up.go").starts_with("it is code"), "{}", advice("7_fill.up.go"));
        assert!(advice("7_fill.up.go").contains("as 7_fill.up.sql,"), "{}", advice("7_fill.up.go"));
        assert_eq!(advice("7_fill.txt"), "the nearest legal name is 7_fill.sql");
    }

    #[test]
    fn names_of_other_tools_lead_to_ours() {
        check(&[
            ("V1__create_users.sql", near("1_create_users.sql")),
            ("V2_1__x.sql", near("2.1_x.sql")),
            ("V2.1.0__x.sql", near("2.1.0_x.sql")),
            ("U2__x.sql", Outside::NearMiss(None)),
            ("r__x.sql", near("R__x.sql")),
            ("R_x.sql", near("R__x.sql")),
            ("b2.1__x.sql", near("B2.1__x.sql")),
            ("B2.1_x.sql", near("B2.1__x.sql")),
        ]);
    }

    #[test]
    fn copies_and_other_endings_are_slips() {
        check(&[
            ("1_x.sql.bak", near("1_x.sql")),
            ("1_x.sql~", near("1_x.sql")),
            ("1_x.up.sql.orig", near("1_x.up.sql")),
            ("1_x.txt", near("1_x.sql")),
            ("1_x.psql", near("1_x.sql")),
            ("1_x", near("1_x.sql")),
            ("0001_initial.py", near("0001_initial.sql")),
            ("create_users.sql", Outside::NearMiss(None)),
            ("schema.SQL", Outside::NearMiss(None)),
        ]);
    }

    #[test]
    fn what_is_clearly_something_else_is_left_alone() {
        for file in [
            "README.md",
            "0001_why.md",
            "migrations.toml",
            "atlas.sum",
            "mod.rs",
            "embed.go",
            "diagram.png",
            "Makefile",
        ] {
            check(&[(file, Outside::SomethingElse)]);
        }
    }
}
