//! What the URLs of all databases have in common.

/// A part of a URL with its `%XX` escapes read.
///
/// ```
/// use migrate_core::backend::url::unescape;
///
/// assert_eq!(unescape("a%20b"), Ok("a b".to_owned()));
/// assert_eq!(unescape("ab%2"), Err(2));
/// ```
///
/// # Errors
/// With the byte of `text` where an escape is none: a percent sign without two hexadecimal digits, a NUL. Where all
/// bytes together are not UTF-8 it is the first.
pub fn unescape(text: &str) -> Result<String, usize> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|byte| *byte != 0);
        bytes.push(byte.ok_or(text.len() - tail.len() - 1)?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| 0)
}
