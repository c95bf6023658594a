//! Java properties, as the settings of other tools are written: `key=value`, `key: value`, `key value`; `#` and `!` begin
//! comments.

use std::ops::Range;

use crate::source::Source;

/// One line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: String,
    /// Its key, in the file.
    pub(super) at: Range<usize>,
}

/// What a backslash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backslash {
    /// A backslash.
    Literal,
    /// What it is in Java: it joins lines, and begins `\n`, `\t`, and `\u` with four digits.
    Escape,
}

/// The properties of a file, in order; the last one of a key counts.
pub(super) fn parse(source: &Source, backslash: Backslash) -> Vec<Property> {
    let mut properties = Vec::new();
    let mut lines = source.file().split_inclusive('\n').scan(0, |start, line| {
        let at = *start;
        *start += line.len();
        Some((at, line))
    });
    while let Some((start, line)) = lines.next() {
        let trimmed = line.trim_start_matches('\u{feff}').trim_start();
        let start = start + line.len() - trimmed.len();
        let mut logical = trimmed.trim_end_matches(['\r', '\n']).to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while backslash == Backslash::Escape && is_continued(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start().trim_end_matches(['\r', '\n']));
        }
        let key = key_length(&logical, backslash);
        let rest = logical[key..].trim_start();
        let value = rest.strip_prefix(['=', ':']).map_or(rest, str::trim_start);
        properties.push(Property {
            at: start..start + key.min(trimmed.trim_end().len()),
            key: unescaped(&logical[..key], backslash),
            value: unescaped(value, backslash),
        });
    }
    properties
}

/// An odd number of backslashes at its end joins a line with the next one.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn key_length(line: &str, backslash: Backslash) -> usize {
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match character {
            '\\' if backslash == Backslash::Escape => escaped = true,
            '=' | ':' => return at,
            c if c.is_whitespace() => return at,
            _ => {}
        }
    }
    line.len()
}

fn unescaped(text: &str, backslash: Backslash) -> String {
    if backslash == Backslash::Literal || !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let decoded = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// A settings file without the lines that say how a database is reached: what is compiled into a program can be read
/// there by everybody who has it. The lines stay, empty, so that places in the file are what they were.
pub(crate) fn without_credentials(text: &str) -> String {
    const WORDS: &[&str] = &["password", "token", "secret", "credential", "license", "apikey", "vault"];
    const KEYS: &[&str] = &["url", "user", "username"];
    let mut dropping = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let key = line.split(['=', ':']).next().unwrap_or_default().trim().trim_matches('"').to_ascii_lowercase();
        let last = key.rsplit('.').next().unwrap_or_default().trim_matches('"');
        dropping = dropping || KEYS.contains(&last) || WORDS.iter().any(|word| key.contains(word));
        if dropping {
            kept.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            kept.push_str(line);
        }
        // A value goes on behind a backslash.
        dropping = dropping && line.trim_end().ends_with('\\');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, backslash: Backslash, expected: &[(&str, &str)]) {
        let properties = parse(&Source::new("x.properties", text), backslash);
        let found: Vec<_> = properties.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
        for property in properties {
            assert!(backslash == Backslash::Escape || text[property.at.clone()] == property.key, "{property:?}");
        }
    }

    #[test]
    fn properties_are_read_as_java_does() {
        let text = "\u{feff}# c\r\n! c\n a=1\r\nb : two words \n\nc three\nd=\ne\n a.b = x=y # no comment\n";
        let expected =
            [("a", "1"), ("b", "two words "), ("c", "three"), ("d", ""), ("e", ""), ("a.b", "x=y # no comment")];
        check(text, Backslash::Escape, &expected);
        check(text, Backslash::Literal, &expected);
        let text = "a=one, \\\n   two\nk\\ ey=C:\\\\dir\\u00e9\\n";
        check(text, Backslash::Escape, &[("a", "one, two"), ("k ey", "C:\\diré\n")]);
        check("dir=C:\\temp\\", Backslash::Literal, &[("dir", "C:\\temp\\")]);
    }

    #[test]
    fn nothing_that_opens_a_database_is_kept() {
        for (text, kept) in [
            ("password: a\\\n  b\nx=1\n", "\n\nx=1\n"),
            (
                "[environments.prod]\nurl = \"jdbc:x\"\nuser=\"u\"\n[flyway]\noutOfOrder = true",
                "[environments.prod]\n\n\n[flyway]\noutOfOrder = true",
            ),
            ("flyway.placeholders.schema=shop\n", "flyway.placeholders.schema=shop\n"),
            ("flyway.vault.token=t", ""),
            ("username=u\nsend_full_script=true\n", "\nsend_full_script=true\n"),
        ] {
            assert_eq!(without_credentials(text), kept);
        }
    }

    #[test]
    fn what_is_compiled_in_has_no_credentials_and_its_lines_where_they_were() {
        let conf = "flyway.url=jdbc:postgresql://db/shop\nflyway.password=s3cret\nflyway.outOfOrder=true\n";
        assert_eq!(without_credentials(conf), "\n\nflyway.outOfOrder=true\n");
    }
}
