//! The placeholders `:lo` and `:hi` of a statement that runs over key ranges.

use super::Syntax;
use super::lexer::{Lexer, TokenKind};

/// The statement for the keys from `lo` to `hi`.
pub(crate) fn with_bounds(text: &str, syntax: &Syntax, lo: i64, hi: i64) -> String {
    replaced(text, syntax, &lo.to_string(), &hi.to_string())
}

/// The statement for all keys of a table at once, for a script that runs without us.
pub(crate) fn with_subqueries(text: &str, syntax: &Syntax, table: &str, key: &str) -> String {
    let of = |function: &str| format!("(SELECT {function}({key}) FROM {table})");
    replaced(text, syntax, &of("MIN"), &of("MAX"))
}

/// Whether the statement names both placeholders.
pub(crate) fn has_bounds(text: &str, syntax: &Syntax) -> bool {
    let found = places(text, syntax);
    found.iter().any(|place| place.lo) && found.iter().any(|place| !place.lo)
}

struct Bound {
    start: usize,
    end: usize,
    lo: bool,
}

fn places(text: &str, syntax: &Syntax) -> Vec<Bound> {
    let mut found = Vec::new();
    let tokens: Vec<_> = Lexer::new(text, syntax).collect();
    for pair in tokens.windows(2) {
        let (colon, word) = (&pair[0], &pair[1]);
        let lone = colon.text(text) == ":" && !text[..colon.start].ends_with(':');
        if colon.kind == TokenKind::Symbol && lone && word.kind == TokenKind::Word {
            let lo = word.text(text).eq_ignore_ascii_case("lo");
            if lo || word.text(text).eq_ignore_ascii_case("hi") {
                found.push(Bound { start: colon.start, end: word.end, lo });
            }
        }
    }
    found
}

fn replaced(text: &str, syntax: &Syntax, lo: &str, hi: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for place in places(text, syntax) {
        out.push_str(&text[at..place.start]);
        out.push_str(if place.lo { lo } else { hi });
        at = place.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(with_bounds(text, &Syntax::POSTGRES, -5, 9), expected);
    }

    #[test]
    fn only_placeholders_outside_strings_and_casts_are_replaced() {
        check("a between :lo and :hi", "a between -5 and 9");
        check("a >= :LO and a<=:hi", "a >= -5 and a<=9");
        check("':lo' \":hi\" -- :lo", "':lo' \":hi\" -- :lo");
        check("x::lo, :low, : lo", "x::lo, :low, : lo");
    }

    #[test]
    fn both_bounds_must_be_there() {
        for (text, expected) in [("id between :lo and :hi", true), ("id >= :lo", false), ("':lo :hi'", false)] {
            assert_eq!(has_bounds(text, &Syntax::SQLITE), expected, "{text}");
        }
    }
}
