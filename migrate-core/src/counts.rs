//! What is counted before and after each migration, and what it means where there is less of it.
//!
//! Declared in `migrations.toml`, because whoever writes the migrations knows which tables must not shrink:
//!
//! ```toml
//! [counts]
//! users = "select count(*) from users"
//! on-loss = "stop"
//! ```
//!
//! Deliberately absent: a look at every table. A count of a large one takes its time, and what is deleted on purpose is
//! no loss.

use std::fmt;

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub struct Counts {
    /// Each by its name, in their order.
    pub each: Vec<Count>,
    /// What follows from a loss.
    pub on_loss: OnLoss,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Count {
    /// For people.
    pub name: String,
    /// One row, one whole number. What cannot be asked, as of a table that is not there yet, is unknown.
    pub sql: String,
}

/// What follows from a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum OnLoss {
    /// It is told.
    #[default]
    Warn,
    /// A migration that is one transaction is asked before its commit and rolled back; of any other the loss is seen when
    /// it is there already. Either way nothing runs after it.
    Stop,
}

impl OnLoss {
    /// What it is called in the manifest.
    pub const NAMES: [&str; 2] = ["warn", "stop"];

    /// From the manifest.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "warn" => Some(Self::Warn),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
}

/// Two numbers of one count; `None` is what could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub name: String,
    /// Before the migration.
    pub before: Option<u64>,
    /// After it.
    pub after: Option<u64>,
}

impl Counted {
    /// Whether there is less than before. What cannot be asked any more is gone.
    pub fn is_loss(&self) -> bool {
        self.before.is_some_and(|before| before > self.after.unwrap_or_default())
    }
}

/// `users 12`, `users 12 to 14`, `users 12 to unknown`.
impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: Option<u64>| count.map_or("unknown".to_owned(), |count| count.to_string());
        if self.before == self.after {
            return write!(f, "{} {}", self.name, number(self.after));
        }
        write!(f, "{} {} to {}", self.name, number(self.before), number(self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_before_is_a_loss() {
        for (before, after, is_loss, shown) in [
            (Some(3), Some(3), false, "t 3"),
            (Some(3), Some(4), false, "t 3 to 4"),
            (Some(3), Some(2), true, "t 3 to 2"),
            (Some(3), None, true, "t 3 to unknown"),
            (None, Some(0), false, "t unknown to 0"),
            (None, None, false, "t unknown"),
            (Some(0), None, false, "t 0 to unknown"),
        ] {
            let counted = Counted { name: "t".to_owned(), before, after };
            assert_eq!((counted.is_loss(), counted.to_string().as_str()), (is_loss, shown));
        }
    }
}
