//! Identities as people type them: `3`, `2.1.0/pre/03`, `R user_view`, `user_view`, a file's name.

use std::path::Path;

use migrate_core::MigrationId;
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::plan::Target;

/// The one of `known` that is meant.
///
/// # Errors
/// If none is, or several are.
pub fn find(text: &str, known: &[MigrationId]) -> Result<MigrationId, Box<Diagnostic>> {
    let text = text.trim();
    let meant: Vec<&MigrationId> = known.iter().filter(|id| is_meant(text, id)).collect();
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let near = known
                .iter()
                .map(|id| (distance(text, id), id))
                .filter(|(distance, _)| *distance <= 2 && *distance * 2 < text.chars().count())
                .min();
            let diagnostic = Diagnostic::error(codes::UNKNOWN_TARGET, format!("there is no migration {text}"));
            Err(Box::new(match near {
                Some((_, id)) => diagnostic.help(format!("did you mean {}?", id.typed())),
                None => diagnostic.help("see their names: migrate status"),
            }))
        }
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Box::new(
                Diagnostic::error(codes::UNKNOWN_TARGET, format!("{text} can be several: {}", names.join(", ")))
                    .help("name one of them"),
            ))
        }
    }
}

/// How far what was typed is from an identity, or from the name that is all of a repeatable.
fn distance(text: &str, id: &MigrationId) -> usize {
    let whole = strsim::osa_distance(text, &id.to_string());
    match id {
        MigrationId::Repeatable { name } => whole.min(strsim::osa_distance(text, name)),
        MigrationId::Versioned { .. } => whole,
    }
}

fn is_meant(text: &str, id: &MigrationId) -> bool {
    let is_file = |text: &str| Path::new(text).extension().is_some_and(|end| end.eq_ignore_ascii_case("sql"));
    match id {
        MigrationId::Repeatable { name } => {
            let text = text.strip_prefix("R__").or_else(|| text.strip_prefix("R ")).unwrap_or(text);
            text == name || text.strip_suffix(".sql") == Some(name)
        }
        MigrationId::Versioned { .. } => {
            let means = |text: &str| match text.parse::<Target>() {
                Ok(Target::Version(version)) => id.version() == Some(&version),
                Ok(Target::Id(target)) => *id == target,
                _ => false,
            };
            // A file's name begins with its version.
            means(text) || is_file(text) && text.split('_').next().is_some_and(means)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_found_by_what_people_type() {
        let known: Vec<MigrationId> = [Target::Id, Target::Id, Target::Id]
            .iter()
            .zip(["1", "2.1.0/pre/03", "2.1.0/post/50"])
            .filter_map(|(_, text)| match text.parse::<Target>() {
                Ok(Target::Version(version)) => Some(MigrationId::versioned(version, migrate_core::Phase::Pre, 0)),
                Ok(Target::Id(id)) => Some(id),
                _ => None,
            })
            .chain([MigrationId::repeatable("user_view")])
            .collect();
        for (text, found) in [
            ("1", "1"),
            ("001", "1"),
            ("0001_create_users.up.sql", "1"),
            ("2.1.0/pre/03", "2.1.0/pre/03"),
            ("2.1.0/pre/3", "2.1.0/pre/03"),
            ("R user_view", "R user_view"),
            ("R__user_view.sql", "R user_view"),
            ("user_view", "R user_view"),
        ] {
            assert_eq!(find(text, &known).unwrap().to_string(), found, "{text}");
        }
        for (text, said) in [
            ("2.1.0", "2.1.0 can be several: 2.1.0/pre/03, 2.1.0/post/50 | name one of them"),
            ("7", "there is no migration 7 | see their names: migrate status"),
            ("user_veiw", "there is no migration user_veiw | did you mean \"R user_view\"?"),
            ("R user_veiw", "there is no migration R user_veiw | did you mean \"R user_view\"?"),
            ("nonsense", "there is no migration nonsense | see their names: migrate status"),
        ] {
            let problem = find(text, &known).unwrap_err();
            assert_eq!(format!("{} | {}", problem.message, problem.help.join(" ")), said);
        }
    }
}
