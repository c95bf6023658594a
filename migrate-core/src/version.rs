//! Version numbers of any length, compared as numbers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A list of non-negative integers, with an optional `-suffix`.
///
/// Missing parts are 0, so `1` and `1.0` are the same version; parts compare as numbers, so `1.10` follows `1.9`;
/// a suffix sorts after the bare version. The text a person wrote is kept for showing and takes no part in
/// comparisons.
///
/// ```
/// use migrate_core::Version;
///
/// let old: Version = "1.9".parse()?;
/// let new: Version = "1.10".parse()?;
/// assert!(old < new);
/// assert_eq!("1".parse::<Version>()?, "01.0".parse()?);
/// assert!("1.0".parse::<Version>()? < "1.0-collate".parse()?);
/// # Ok::<(), migrate_core::version::ParseVersionError>(())
/// ```
#[derive(Clone)]
pub struct Version {
    /// Without trailing zeros.
    parts: Vec<u128>,
    suffix: Option<String>,
    text: String,
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseVersionError {
    /// Nothing between two dots, or nothing at all.
    #[error("`{0}` is not a version: expected numbers separated by dots, like 3 or 2.1.0")]
    NotNumbers(String),
    /// A part does not fit into 128 bits.
    #[error("`{0}` is not a version: a part is larger than {max}", max = u128::MAX)]
    TooLarge(String),
    /// A `-` with nothing, or something other than letters, digits, `.`, `-`, `_`, after it.
    #[error("`{0}` is not a version: after `-` come letters, digits, `.`, `-` or `_`")]
    BadSuffix(String),
}

impl Version {
    /// A version from its parts.
    pub fn new(parts: impl Into<Vec<u128>>) -> Self {
        let mut parts = parts.into();
        if parts.is_empty() {
            parts.push(0);
        }
        let text = parts.iter().map(u128::to_string).collect::<Vec<_>>().join(".");
        Self { parts: trimmed(parts), suffix: None, text }
    }

    /// The numbers, without trailing zeros: empty for `0`.
    pub fn parts(&self) -> &[u128] {
        &self.parts
    }

    /// What follows the first `-`.
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same version, written without the zeros that only make file names sort: `3.4.0` of `03.04.00`. A number
    /// without a dot stays as it is.
    #[must_use]
    pub fn without_leading_zeros(&self) -> Self {
        if !self.is_dotted() {
            return self.clone();
        }
        let (numbers, suffix) = self.text.split_at(self.text.find('-').unwrap_or(self.text.len()));
        let parts = numbers.split('.').map(|part| match part.trim_start_matches('0') {
            "" => "0",
            part => part,
        });
        Self { text: parts.collect::<Vec<_>>().join(".") + suffix, ..self.clone() }
    }

    /// Whether it was written with a dot, as releases are.
    pub(crate) fn is_dotted(&self) -> bool {
        self.text.contains('.')
    }

    /// A suffix that most people read as "before the release" (`-alpha`, `-beta`, `-rc`, `-pre`), while this order
    /// says after.
    pub(crate) fn has_prerelease_suffix(&self) -> bool {
        self.suffix.as_deref().is_some_and(|suffix| {
            let suffix = suffix.to_ascii_lowercase();
            ["alpha", "beta", "rc", "pre"].iter().any(|word| suffix.starts_with(word))
        })
    }

    /// Whether `self` is `line` or continues it: `1.5.0.3` is in the line `1.5.0`.
    pub(crate) fn is_in_line(&self, line: &Self) -> bool {
        let wanted = line.text.split('-').next().unwrap_or_default().split('.').count();
        (0..wanted).all(|i| self.part(i) == line.part(i))
    }

    fn part(&self, index: usize) -> u128 {
        self.parts.get(index).copied().unwrap_or(0)
    }
}

fn trimmed(mut parts: Vec<u128>) -> Vec<u128> {
    while parts.last() == Some(&0) {
        parts.pop();
    }
    parts
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (numbers, suffix) = match text.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (text, None),
        };
        let mut parts = Vec::new();
        for part in numbers.split('.') {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(ParseVersionError::NotNumbers(text.to_owned()));
            }
            parts.push(part.parse().map_err(|_| ParseVersionError::TooLarge(text.to_owned()))?);
        }
        if let Some(suffix) = suffix
            && (suffix.is_empty() || !suffix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')))
        {
            return Err(ParseVersionError::BadSuffix(text.to_owned()));
        }
        Ok(Self { parts: trimmed(parts), suffix: suffix.map(str::to_owned), text: text.to_owned() })
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
        self.suffix.hash(state);
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Trailing zeros are gone, so a longer list with an equal head is the larger one.
        self.parts.cmp(&other.parts).then_with(|| self.suffix.cmp(&other.suffix))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.text)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn zeros_that_make_file_names_sort_are_left_out_of_releases() {
        for (written, release) in [
            ("03.04.00", "3.4.0"),
            ("3.4.0", "3.4.0"),
            ("10.00.010-rc01", "10.0.10-rc01"),
            ("000003", "000003"),
            ("0.1", "0.1"),
        ] {
            let named = version(written).without_leading_zeros();
            assert_eq!((named.as_str(), named == version(written)), (release, true), "{written}");
        }
    }

    #[test]
    fn parts_compare_as_numbers_and_missing_parts_are_zero() {
        let ascending = [
            "0",
            "1.9",
            "1.10",
            "1.10.0.1",
            "2",
            "2-a",
            "2-b",
            "2.0.1",
            "10",
            "20261120103000",
            "20261120103000000000",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        for (a, b) in [("1", "1.0"), ("00012", "12.0.0"), ("0", "0.0")] {
            assert_eq!(version(a), version(b));
        }
    }

    #[test]
    fn the_original_text_is_kept() {
        assert_eq!(version("000034").to_string(), "000034");
        assert_eq!(Version::new([2, 1, 0]).to_string(), "2.1.0");
    }

    #[test]
    fn a_line_holds_what_continues_it() {
        for (text, line, inside) in
            [("1.5.0.3", "1.5.0", true), ("1.5", "1.5.0", true), ("1.5.1", "1.5.0", false), ("1.50", "1.5", false)]
        {
            assert_eq!(version(text).is_in_line(&version(line)), inside, "{text} in {line}");
        }
    }

    #[test]
    fn texts_that_are_no_versions_say_why() {
        use ParseVersionError::{BadSuffix, NotNumbers, TooLarge};
        for (text, error) in [
            ("", NotNumbers as fn(String) -> _),
            ("1..2", NotNumbers),
            ("v1", NotNumbers),
            ("1.", NotNumbers),
            ("999999999999999999999999999999999999999", TooLarge),
            ("1-", BadSuffix),
            ("1-ü", BadSuffix),
        ] {
            assert_eq!(text.parse::<Version>(), Err(error(text.to_owned())));
        }
    }

    #[test]
    fn prerelease_suffixes_are_recognised() {
        for (text, expected) in [("1.0-rc1", true), ("1.0-BETA.2", true), ("1.0-collate", false), ("1.0", false)] {
            assert_eq!(version(text).has_prerelease_suffix(), expected, "{text}");
        }
    }
}
