//! What Flyway derives from a file's name, with its default prefixes, separator and suffix.

/// Version and description of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// With dots; `None` for a repeatable.
    pub(super) version: Option<String>,
    /// Every `_` is a space; nothing is trimmed.
    pub(super) description: String,
}

/// `None` where Flyway would not take the file for a migration. Source: Flyway 13.0.0, `ResourceNameParser`.
pub(super) fn parse(file: &str) -> Option<Named> {
    let stem = file
        .len()
        .checked_sub(4)
        .filter(|end| file.get(*end..).is_some_and(|suffix| suffix.eq_ignore_ascii_case(".sql")))?;
    let stem = &file[..stem];
    let prefix = stem.chars().next().filter(|prefix| "VRB".contains(*prefix))?;
    let (left, right) = match stem[1..].split_once("__") {
        Some((left, right)) => (left, right),
        None => (&stem[1..], ""),
    };
    let description = right.replace('_', " ");
    match prefix {
        'R' if left.is_empty() => Some(Named { version: None, description }),
        'R' => None,
        _ => {
            let version = left.replace('_', ".");
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let is_version = version.split('.').all(is_number);
            is_version.then_some(Named { version: Some(version), description })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_flyway_reads_them() {
        for (file, expected) in [
            ("V1__x.SQL", Some((Some("1"), "x"))),
            ("V1_1__add__name__x.sql", Some((Some("1.1"), "add  name  x"))),
            ("V4.sql", Some((Some("4"), ""))),
            ("R__a_b.sql", Some((None, "a b"))),
            ("B2.0__x.sql", Some((Some("2.0"), "x"))),
            ("README.sql", None),
            ("V1a__x.sql", None),
            ("V1.__x.sql", None),
            ("v1__x.sql", None),
            ("V1__x.java", None),
            ("ü", None),
        ] {
            let found = parse(file);
            let found = found.as_ref().map(|named| (named.version.as_deref(), named.description.as_str()));
            assert_eq!(found, expected, "{file}");
        }
    }
}
