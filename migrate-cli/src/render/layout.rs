//! How a layout was found that nobody named.

use migrate_core::layout::Detection;
use migrate_core::manifest::Manifest;

/// Which sign decided, where it is one of another tool.
pub fn because(detection: &Detection) -> Option<String> {
    let layout = detection.layout;
    let seen = detection.seen.as_ref()?;
    Some(format!("layout {layout}, because of {seen} · for good: layout = \"{layout}\" in {}", Manifest::FILE))
}

/// The same, or that others name their files so too: for who checks a set or begins one.
pub fn found(detection: &Detection) -> Option<String> {
    let layout = detection.layout;
    if detection.seen.is_some() {
        return because(detection);
    }
    let others: Vec<&str> = detection.others.iter().map(|other| other.layout).collect();
    let first = others.first()?;
    let (others, name) = match others.as_slice() {
        [before @ .., last] if !before.is_empty() => (format!("{} and {last}", before.join(", ")), "name"),
        others => (others.concat(), "names"),
    };
    Some(format!("layout {layout} · {others} {name} files so too: if they are theirs, --layout {first}"))
}

#[cfg(test)]
mod tests {
    use migrate_core::layout::Folder;
    use migrate_core::layout::detect::{InDatabase, detect};

    use super::*;

    #[test]
    fn what_decided_and_what_else_it_could_be_is_said() {
        let said = |files: &[(&str, &str)]| {
            let folder = Folder::embedded("migrations", files.iter().copied());
            found(&detect(&folder, &InDatabase::default()).unwrap())
        };
        assert_eq!(said(&[("1_a.sql", "")]), None);
        insta::assert_snapshot!(said(&[("1_a.sql", "-- migrate:up\n")]).unwrap(), @"layout native · dbmate names files so too: if they are theirs, --layout dbmate");
        insta::assert_snapshot!(said(&[("1_a.up.sql", "")]).unwrap(), @"layout native · sqlx and golang-migrate name files so too: if they are theirs, --layout sqlx");
        insta::assert_snapshot!(said(&[("atlas.sum", "")]).unwrap(), @r#"layout atlas, because of atlas.sum · for good: layout = "atlas" in migrations.toml"#);
    }
}
