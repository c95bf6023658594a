//! How a condition is written: a name, and a value as text.

use super::{AtLeast, Condition, Space};
use crate::sql::directive::duration;

impl Condition {
    /// The condition of a name and a value; `None` where the value says that it is not one, as `privileges = false`.
    ///
    /// ```
    /// use migrate_core::condition::{Condition, Space};
    ///
    /// assert_eq!(Condition::parse("free-space", "2x"), Ok(Some(Condition::FreeSpace(Space::Times(200)))));
    /// assert_eq!(Condition::parse("privileges", "false"), Ok(None));
    /// ```
    ///
    /// # Errors
    /// What is wrong with the name or the value.
    pub fn parse(name: &str, value: &str) -> Result<Option<Self>, String> {
        match name {
            "free-space" => Ok(Some(Self::FreeSpace(space(value)?))),
            "server-version" => Ok(Some(Self::ServerVersion(versions(value)?))),
            "privileges" => Ok(switch(value)?.then_some(Self::Privileges)),
            "no-other-sessions" => Ok(switch(value)?.then_some(Self::NoOtherSessions)),
            "replication-lag" => Ok(Some(Self::ReplicationLag(duration(value)?))),
            _ => Err(format!("there is no precondition `{name}`; there are {}", Self::NAMES.join(", "))),
        }
    }
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{value}` is neither true nor false")),
    }
}

fn space(value: &str) -> Result<Space, String> {
    let wrong = || format!("`{value}` is no amount of space: write 2x for twice the database's size, or 500MB, or 2GB");
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 2 || (number.contains('.') && fraction.is_empty()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: u64 = format!("{fraction:0<2}").parse().map_err(|_| wrong())?;
    let hundredths = whole.checked_mul(100).and_then(|whole| whole.checked_add(fraction)).ok_or_else(wrong)?;
    let factor: u64 = match unit.trim() {
        "x" => return Ok(Space::Times(hundredths)),
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = u128::from(hundredths) * u128::from(factor) / 100;
    Ok(Space::Bytes(u64::try_from(bytes).map_err(|_| wrong())?))
}

fn versions(value: &str) -> Result<Vec<AtLeast>, String> {
    value
        .split(',')
        .map(|one| {
            let (engine, version) = one.split_once(">=").ok_or_else(|| {
                format!("`{}` is no version of a server: write >=14, or postgres>=14, mysql>=8.0", one.trim())
            })?;
            let engine = Some(engine.trim()).filter(|engine| !engine.is_empty());
            if let Some(engine) = engine.filter(|name| !["postgres", "mysql", "mariadb", "sqlite"].contains(name)) {
                return Err(format!("there is no engine `{engine}`: there are postgres, mysql, mariadb, sqlite"));
            }
            let version = version.trim().parse().map_err(|error| format!("{error}"))?;
            Ok(AtLeast { engine: engine.map(str::to_owned), version })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: &str) {
        let shown = match Condition::parse(name, value) {
            Ok(Some(condition)) => condition.to_string(),
            Ok(None) => "none".to_owned(),
            Err(message) => format!("! {message}"),
        };
        assert_eq!(shown, expected, "{name} = {value}");
    }

    #[test]
    fn a_condition_is_shown_as_it_is_written() {
        for (name, value, expected) in [
            ("free-space", "2x", "free-space 2x"),
            ("free-space", "1.5x", "free-space 1.50x"),
            ("free-space", "500MB", "free-space 500 MB"),
            ("free-space", "1.5 GB", "free-space 1.5 GB"),
            ("free-space", "4096", "free-space 4 kB"),
            ("free-space", "1KiB", "free-space 1 kB"),
            ("server-version", ">=14", "server-version >=14"),
            ("server-version", "postgres>=14, mysql >= 8.0.16", "server-version postgres>=14, mysql>=8.0.16"),
            ("privileges", "true", "privileges"),
            ("no-other-sessions", "true", "no-other-sessions"),
            ("no-other-sessions", "false", "none"),
            ("replication-lag", "10s", "replication-lag 10 s"),
        ] {
            check(name, value, expected);
        }
    }

    #[test]
    fn what_is_no_condition_says_what_is_one() {
        let space = "is no amount of space: write 2x for twice the database's size, or 500MB, or 2GB";
        for (name, value, expected) in [
            ("free-space", "much", format!("! `much` {space}")),
            ("free-space", "2y", format!("! `2y` {space}")),
            ("free-space", "1.x", format!("! `1.x` {space}")),
            ("free-space", "99999999999999999999", format!("! `99999999999999999999` {space}")),
            ("free-space", "99999999999TB", format!("! `99999999999TB` {space}")),
            (
                "server-version",
                "14",
                "! `14` is no version of a server: write >=14, or postgres>=14, mysql>=8.0".to_owned(),
            ),
            (
                "server-version",
                "oracle>=19",
                "! there is no engine `oracle`: there are postgres, mysql, mariadb, sqlite".to_owned(),
            ),
            ("privileges", "maybe", "! `maybe` is neither true nor false".to_owned()),
            (
                "disk",
                "1",
                "! there is no precondition `disk`; there are free-space, server-version, privileges, \
                 no-other-sessions, replication-lag"
                    .to_owned(),
            ),
        ] {
            check(name, value, &expected);
        }
    }
}
