//! Variables in a line, as goose's `ENVSUB` replaces them.
//!
//! Source: the syntax of `mfridman/interpolate`, which goose uses at commit 520411a161.

use std::ops::Range;

/// `$NAME`, `${NAME}`, or one of them with a default.
pub(super) struct Variable<'t> {
    pub(super) at: Range<usize>,
    pub(super) name: &'t str,
    pub(super) default: Option<&'t str>,
    /// Also where there is a value and nothing is in it.
    pub(super) default_for_empty: bool,
}

/// The variables of a line, in order.
pub(super) fn variables(line: &str) -> Vec<Variable<'_>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name_length = |text: &str| match text.chars().next() {
        Some(first) if first.is_ascii_alphabetic() || first == '_' => text.find(|c| !is_name(c)).unwrap_or(text.len()),
        _ => 0,
    };
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = line[from..].find('$').map(|at| from + at) {
        let after = &line[at + 1..];
        from = at + 1;
        let braced = after.strip_prefix('{');
        let length = name_length(braced.unwrap_or(after));
        if length == 0 {
            // Two of them quote a body.
            from += usize::from(after.starts_with('$'));
            continue;
        }
        let Some(inner) = braced else {
            found.push(Variable {
                at: at..at + 1 + length,
                name: &after[..length],
                default: None,
                default_for_empty: false,
            });
            from = at + 1 + length;
            continue;
        };
        let Some(end) = inner.find('}') else { continue };
        let rest = &inner[length..end];
        let (default, default_for_empty) = match (rest.strip_prefix(":-"), rest.strip_prefix('-')) {
            _ if rest.is_empty() => (None, false),
            (Some(default), _) => (Some(default), true),
            (_, Some(default)) => (Some(default), false),
            // Parts of a value, and what a value must be, are not evaluated: the name has none.
            _ => (None, false),
        };
        let name = if rest.is_empty() || default.is_some() { &inner[..length] } else { &inner[..end] };
        from = at + 2 + end + 1;
        found.push(Variable { at: at..from, name, default, default_for_empty });
    }
    found
}
