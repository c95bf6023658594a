//! Durations as people type them: `500ms`, `2s`, `10m`, `1h30m`, `0`.

use std::fmt::Write as _;
use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDurationError(String);

impl std::fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not a duration: write a number and ms, s, m or h, like 500ms, 2s, 10m or 1h30m", self.0)
    }
}

impl std::error::Error for ParseDurationError {}

/// Reads a duration. A number needs its unit; only `0` stands alone.
///
/// ```
/// use migrate_cli::duration;
/// use std::time::Duration;
///
/// assert_eq!(duration::parse("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(duration::parse("10").is_err());
/// ```
///
/// # Errors
/// If the text is something else.
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let error = || ParseDurationError(text.to_owned());
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(error());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| error())?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let millis = match &rest[..letters] {
            "ms" => 1,
            "s" | "sec" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(error()),
        };
        rest = rest[letters..].trim_start();
        let part = Duration::from_millis(number.checked_mul(millis).ok_or_else(error)?);
        total = total.checked_add(part).ok_or_else(error)?;
    }
    Ok(total)
}

/// A duration as [`parse`] reads it: `10m`, `1h30m`, `2s`, `0`.
pub fn show(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    if millis == 0 {
        return "0".to_owned();
    }
    let mut out = String::new();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if millis >= size {
            let _ = write!(out, "{}{unit}", millis / size);
            millis %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("2s", 2_000),
            ("10m", 600_000),
            ("10 min", 600_000),
            ("1h30m", 5_400_000),
            ("1h 30m 5s 7ms", 5_405_007),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn everything_else_says_what_one_looks_like() {
        for text in ["", "10", "m", "1.5s", "-1s", "2 weeks", "1s2", "99999999999999999999s", "18446744073709551615h"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(
            parse("10").unwrap_err().to_string(),
            "`10` is not a duration: write a number and ms, s, m or h, like 500ms, 2s, 10m or 1h30m"
        );
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        for text in ["0", "500ms", "2s", "10m", "1h30m", "1h5s7ms"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
