//! Placeholder until the masks arrive.

use std::borrow::Cow;

use super::Syntax;

/// Nothing masked yet.
pub fn mask_secrets<'a>(text: &'a str, _: &Syntax) -> Cow<'a, str> {
    Cow::Borrowed(text)
}

/// Nothing masked yet.
pub fn mask_literals<'a>(text: &'a str, _: &Syntax) -> Cow<'a, str> {
    Cow::Borrowed(text)
}
