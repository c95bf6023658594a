//! Statement → what kind it is.

use super::{Class, Syntax};

/// PostgreSQL.
pub fn postgres(_text: &str, _syntax: &Syntax) -> Class {
    unimplemented!()
}

/// MySQL and MariaDB.
pub fn mysql(_text: &str, _syntax: &Syntax) -> Class {
    unimplemented!()
}

/// SQLite.
pub fn sqlite(_text: &str, _syntax: &Syntax) -> Class {
    unimplemented!()
}
