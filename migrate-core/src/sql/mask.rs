//! Secrets in SQL → `'***'`.

use std::borrow::Cow;
use std::ops::Range;

use super::Syntax;
use super::lexer::{Lexer, Token, TokenKind};

/// Replaces the literals that are passwords by `'***'`: after `PASSWORD` (also `MASTER_PASSWORD = …`,
/// `PASSWORD('…')`), `IDENTIFIED BY`, `IDENTIFIED WITH plugin BY | AS | USING`, the `REPLACE` behind those, and a
/// `CONNECTION` string with a password in it. Looks into dollar-quoted bodies too.
pub(crate) fn mask_secrets<'a>(text: &'a str, syntax: &Syntax) -> Cow<'a, str> {
    let mut secrets = Vec::new();
    find(text, 0, syntax, 0, &mut secrets);
    masked(text, secrets)
}

/// Replaces every string literal by `'***'`: what a redacted history stores.
pub(crate) fn mask_literals<'a>(text: &'a str, syntax: &Syntax) -> Cow<'a, str> {
    let strings = Lexer::new(text, syntax).filter(|token| token.kind == TokenKind::String);
    masked(text, strings.map(|token| token.range()).collect())
}

fn masked(text: &str, places: Vec<Range<usize>>) -> Cow<'_, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for place in places {
        masked.push_str(&text[end..place.start]);
        masked.push_str("'***'");
        end = place.end;
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}

/// What the next literal is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    /// `PASSWORD`, `IDENTIFIED BY`, …: the next literal is one.
    Secret,
    /// `IDENTIFIED`: `BY` or `WITH` decides.
    Identified,
    /// `IDENTIFIED WITH`: the next one is the name of a plugin.
    Plugin,
    /// `PASSWORD FOR`: the names of a user come first, up to `=`.
    User,
    /// After a secret: `REPLACE` may announce the old one.
    Masked,
    /// `CONNECTION`: a secret if there is a password in it.
    Connection,
}

/// How deep bodies in bodies are looked into.
const DEPTH: usize = 4;

/// The secrets of `text`, which begins at `base`.
fn find(text: &str, base: usize, syntax: &Syntax, depth: usize, secrets: &mut Vec<Range<usize>>) {
    let mut next = Next::Nothing;
    for token in Lexer::new(text, syntax).filter(Token::is_significant) {
        let written = token.text(text);
        if token.kind == TokenKind::String {
            let secret = match next {
                Next::Secret => true,
                Next::Connection => contains_password(written),
                _ => false,
            };
            if secret {
                secrets.push(base + token.start..base + token.end);
                next = Next::Masked;
                continue;
            }
            if let Some(body) =
                dollar_body(written).filter(|body| depth < DEPTH && contains_password(&written[body.clone()]))
            {
                find(&written[body.clone()], base + token.start + body.start, syntax, depth + 1, secrets);
            }
        }
        next = after(next, &token, written);
    }
}

/// What is expected after a token that was no secret.
fn after(next: Next, token: &Token, written: &str) -> Next {
    let any = |words: &[&str]| words.iter().any(|word| written.eq_ignore_ascii_case(word));
    let is_password = || {
        let suffix = written.len().checked_sub("password".len()).and_then(|start| written.get(start..));
        token.kind != TokenKind::String
            && suffix.is_some_and(|suffix| suffix.trim_matches('"').eq_ignore_ascii_case("password"))
    };
    match next {
        _ if is_password() => Next::Secret,
        Next::Secret if any(&["=", ":=", "=>", "(", "to", "by", "from"]) => Next::Secret,
        Next::Secret if any(&["for"]) => Next::User,
        Next::User if any(&["=", ":="]) => Next::Secret,
        Next::User => Next::User,
        Next::Identified if any(&["by"]) => Next::Secret,
        Next::Identified if any(&["with", "via"]) => Next::Plugin,
        Next::Plugin if any(&["by", "as", "using"]) => Next::Secret,
        Next::Plugin if !any(&[",", ";"]) => Next::Plugin,
        Next::Masked if any(&["replace"]) => Next::Secret,
        Next::Masked if any(&[")"]) => Next::Masked,
        _ if token.kind != TokenKind::Word => Next::Nothing,
        _ if any(&["identified"]) => Next::Identified,
        _ if any(&["connection"]) => Next::Connection,
        _ => Next::Nothing,
    }
}

/// What is between the tags of a dollar-quoted string, which may be open at its end.
fn dollar_body(string: &str) -> Option<Range<usize>> {
    let tag = string.strip_prefix('$')?.find('$')? + 2;
    let closed = string[tag..].ends_with(&string[..tag]);
    Some(tag..string.len() - if closed { tag } else { 0 })
}

fn contains_password(text: &str) -> bool {
    let hay = text.as_bytes();
    ["password", "identified"]
        .iter()
        .any(|needle| hay.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secrets of `text` are what is written between `«` and `»`.
    #[track_caller]
    fn check(syntax: &Syntax, text: &str) {
        let given = text.replace(['«', '»'], "");
        let mut expected = String::new();
        for (at, part) in text.split(['«', '»']).enumerate() {
            expected.push_str(if at % 2 == 1 { "'***'" } else { part });
        }
        assert_eq!(mask_secrets(&given, syntax), expected);
    }

    #[test]
    fn passwords_are_masked_and_nothing_else() {
        let postgres = |text| check(&Syntax::POSTGRES, text);
        postgres("create role a password «'x''y'» valid until '2030'");
        postgres("alter user \"password\" with encrypted Password «E'a\\'b'»; select 'c'");
        postgres("alter role a password null; select 'c'");
        postgres("do $$ begin create role a password «'x'»; raise 'y'; end $$; select 'password'");
        postgres("alter role a password «$$x$$»");
        postgres("do $a$ alter role a password «'x'»; -- 苍");
        postgres("create user mapping for a server s options (user 'u', password «'x'»)");
        postgres("create subscription s connection «'host=h password=x'» publication p");
        postgres("create subscription s connection 'host=h' publication p");
        postgres("create table t (password text default 'x', b text default 'y')");
        postgres("comment on column t.password is 'x'");
        postgres("select 'a' -- password 'x'");
        let mysql = |text| check(&Syntax::MYSQL, text);
        mysql("create user 'a'@'%' identified by «'x'», 'b'@'c' identified by «\"y\"» require none comment 'z'");
        mysql("create user a identified with 'plugin' by «'x'» password expire interval 90 day");
        mysql("create user a identified with plugin as «'hash'»");
        mysql("alter user a identified by «'x'» replace «'old'» retain current password");
        mysql("create user a identified via ed25519 using password(«'x'») or unix_socket");
        mysql("set password for 'a'@'b' = password(«'x'»)");
        mysql("set password = «'x'»");
        mysql("change master to master_host='h', master_password=«'x'», master_user='u'");
        mysql("/*!50001 create user a identified by «'x'» */; select 'y'");
        check(&Syntax::SQLITE, "update t set password = «'x'» where a = 'b'");
    }
}
