//! What the fuzz targets look at beyond the public interface; compiled with `--cfg fuzzing` alone.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::Lexer;
use super::{Syntax, mask};

/// Where each token of a text lies.
pub fn tokens(text: &str, syntax: &Syntax) -> impl Iterator<Item = Range<usize>> {
    Lexer::new(text, syntax).map(|token| token.range())
}

/// The text without its passwords.
pub fn masked<'t>(text: &'t str, syntax: &Syntax) -> Cow<'t, str> {
    mask::mask_secrets(text, syntax)
}
