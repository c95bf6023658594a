//! Two tagged digests of a script: `sha256:` of its bytes, and `norm1-sha256:` of what the server would see. Code has
//! what its author declared in their place, behind `code:`.
//!
//! A tag never changes its meaning. The raw digest is taken when a set is read; the normalised one needs the engine's
//! lexical rules and is taken only for what runs, and where the raw ones differ.

#[cfg(feature = "other-tools")]
pub mod foreign;

use sha2::{Digest, Sha256};

use crate::source::Source;
use crate::sql::Syntax;
use crate::sql::directive::{self, DirectiveKind};
use crate::sql::lexer::{Lexer, Token};
use crate::sql::split::split;

/// `sha256:…` of the bytes of `text`.
pub fn raw(text: &str) -> String {
    tagged("sha256", text.as_bytes())
}

/// With what the checksum of code begins.
const CODE: &str = "code:";

/// `code:…`: the checksum that was declared for work that is code, or its digest where it is long.
pub(crate) fn of_code(declared: &str) -> String {
    const MOST: usize = 100;
    if declared.len() > MOST { format!("{CODE}{}", raw(declared)) } else { format!("{CODE}{declared}") }
}

/// What was declared for code; `None` is the checksum of something else.
pub(crate) fn declared_of_code(checksum: &str) -> Option<&str> {
    checksum.strip_prefix(CODE)
}

/// `norm1-sha256:…` of what `source` makes the server do: white space, plain comments, line ends and a byte order mark
/// do not change it, everything else does.
///
/// What is digested, per statement: its tokens, joined by one space, then `\n;\n`; a data block as `\data\n`, its
/// lines, `\.\n`. Executable comments and hints are tokens. The directives that change how a script runs
/// (`no-transaction`, `settings`, `timeout`, `precondition`, `batch`) come before the statement at which or in which
/// they stand, as `migrate:…\n`, with single spaces. CRLF counts as LF everywhere.
///
/// ```
/// use migrate_core::sql::Syntax;
/// use migrate_core::{Source, checksum};
///
/// let digest = |text| checksum::normalised(&Source::new("1_a.sql", text), &Syntax::POSTGRES);
/// assert_eq!(digest("select 'a' -- the letter"), digest("\u{feff}select\r\n  'a';\r\n"));
/// assert_ne!(digest("select 'a'"), digest("select 'A'"));
/// ```
pub fn normalised(source: &Source, syntax: &Syntax) -> String {
    let mut sink = Sink(Sha256::new());
    visit(source, syntax, &mut |text| sink.add(text));
    hex("norm1-sha256", &sink.0.finalize())
}

/// Hands the normal form of `source` over, piece by piece.
fn visit(source: &Source, syntax: &Syntax, add: &mut dyn FnMut(&str)) {
    let mut directives = directive::directives(source, syntax).found.into_iter().peekable();
    for piece in split(source, syntax).pieces {
        while let Some(directive) = directives.next_if(|directive| directive.at.start < piece.text.end) {
            visit_directive(&directive.kind, &source.file()[directive.at], add);
        }
        let text = &source.file()[piece.text];
        let mut separator = "";
        for token in Lexer::new(text, syntax).filter(Token::is_significant) {
            add(separator);
            add(token.text(text));
            separator = " ";
        }
        add("\n;\n");
        if let Some(data) = piece.data {
            add("\\data\n");
            add(&source.file()[data]);
            add("\\.\n");
        }
    }
    for directive in directives {
        visit_directive(&directive.kind, &source.file()[directive.at], add);
    }
}

fn visit_directive(kind: &DirectiveKind, comment: &str, add: &mut dyn FnMut(&str)) {
    match kind {
        DirectiveKind::NoTransaction => add("migrate:no-transaction\n"),
        DirectiveKind::Settings(_)
        | DirectiveKind::Timeout(_)
        | DirectiveKind::Precondition(_)
        | DirectiveKind::Batch(_) => {
            let mut separator = "";
            for word in comment.trim_start_matches('-').split_whitespace() {
                add(separator);
                add(word);
                separator = " ";
            }
            add("\n");
        }
        _ => {}
    }
}

/// A hasher to which CRLF is LF.
struct Sink(Sha256);

impl Sink {
    fn add(&mut self, text: &str) {
        let mut lines = text.split("\r\n");
        self.0.update(lines.next().unwrap_or(""));
        for line in lines {
            self.0.update("\n");
            self.0.update(line);
        }
    }
}

/// `TAG:` and the hex SHA-256 of `bytes`.
pub(crate) fn tagged(tag: &str, bytes: &[u8]) -> String {
    hex(tag, &Sha256::digest(bytes))
}

pub(crate) fn hex(tag: &str, digest: &[u8]) -> String {
    // Not with `{:02x}`, which costs more than the digest of a small file.
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    let mut out = String::with_capacity(tag.len() + 1 + 2 * digest.len());
    out.push_str(tag);
    out.push(':');
    out.extend(digits);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(text: &str, syntax: &Syntax) -> String {
        normalised(&Source::new("x.sql", text), syntax)
    }

    /// The normal form itself, and that its digest is the one that is stored.
    #[track_caller]
    fn check(syntax: &Syntax, text: &str, form: &str) {
        let mut found = String::new();
        visit(&Source::new("x.sql", text), syntax, &mut |text| found.push_str(text));
        let found = found.replace("\r\n", "\n");
        assert_eq!(found, form, "{text:?}");
        assert_eq!(digest(text, syntax), tagged("norm1-sha256", form.as_bytes()), "{text:?}");
    }

    #[test]
    fn the_normal_form_is_what_the_server_sees() {
        let postgres = |text, form| check(&Syntax::POSTGRES, text, form);
        postgres("", "");
        postgres("-- nothing\n/* at all */;;", "");
        postgres("\u{feff}select  1+2 ,\r\n 'a\r\nb' -- c\r\n; select x", "select 1 + 2 , 'a\nb'\n;\nselect x\n;\n");
        postgres("/*+ Seq(t) */ select/* c */1", "/*+ Seq(t) */ select 1\n;\n");
        postgres(
            "-- migrate:up transaction:false\n-- migrate:timeout   lock=2s\n-- migrate:phase post\nselect 1;\n-- migrate:no-transaction",
            "migrate:no-transaction\nmigrate:timeout lock=2s\nselect 1\n;\nmigrate:no-transaction\n",
        );
        postgres(
            "copy t from stdin;\r\n1\t--  x\r\n\\.\r\nselect 1",
            "copy t from stdin\n;\n\\data\n1\t--  x\n\\.\nselect 1\n;\n",
        );
        let mysql = |text, form| check(&Syntax::MYSQL, text, form);
        mysql("/*!40101 SET a=1 */;# b", "/*!40101 SET a = 1 */\n;\n");
        mysql(
            "delimiter //\ncreate procedure p() begin select 1; end//",
            "create procedure p ( ) begin select 1 ; end\n;\n",
        );
    }

    #[test]
    fn digests_never_change() {
        assert_eq!(raw("select 1;\n"), "sha256:4a45092ccf992ea92250053a80b931b787924ba61648f420555511b84f10ab6c");
        assert_eq!(
            digest("select 1;\n", &Syntax::POSTGRES),
            "norm1-sha256:8285620cf51e1c8ff2f3b60320b1e5ae99387ec49badae79ddfcbb6fbe7d7b28"
        );
        let text = "-- migrate:settings a=b\r\ncreate table a (b text default 'x;\r\ny'); copy a from stdin;\nz\n\\.\n";
        assert_eq!(
            digest(text, &Syntax::POSTGRES),
            "norm1-sha256:c61f611209156b61086b31cd1756997c937a6dc036ba96c3a07bcb2f8d888d05"
        );
    }

    #[test]
    fn what_the_server_sees_changes_the_digest() {
        let text = "-- migrate:timeout lock=2s\nselect 'a' || b, c from d where e = 5 - -3;";
        for edited in [
            text.replace("'a'", "'A'"),
            text.replace("'a'", "' a'"),
            text.replace("b, c", "bc"),
            text.replace("d where", "dwhere"),
            text.replace("- -3", "--3"),
            text.replace("select", "SELECT"),
            text.replace("2s", "3s"),
            text.replace("from d", "from d; select 1"),
            text.replace("select", "select /*+ hint */"),
        ] {
            assert_ne!(digest(text, &Syntax::POSTGRES), digest(&edited, &Syntax::POSTGRES), "{edited}");
        }
        let data = |row: &str| digest(&format!("copy t from stdin;\n{row}\n\\.\n"), &Syntax::POSTGRES);
        assert_ne!(data("a\tb"), data("a b"));
        assert_ne!(data("a --b"), data("a --c"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn layout_and_comments_do_not_change_it(
            tokens in prop::collection::vec(prop::sample::select(&[
                "select", "a", "'b;\nc'", "\"D\"", "1", "1.5e3", "(", ")", ",", "<>", "=", ";", "x'00'", "ä",
            ][..]), 0..20),
            gaps in prop::collection::vec(prop::sample::select(&[
                " ", "\n", "\r\n", "\t ", "/* c; ' */", " -- c'\n", " -- c\r\n",
            ][..]), 21),
            syntax in prop_oneof![Just(Syntax::POSTGRES), Just(Syntax::MYSQL), Just(Syntax::SQLITE)],
        ) {
            let plain = tokens.join(" ");
            let mut edited = String::from("\u{feff}");
            for (token, gap) in tokens.iter().zip(&gaps) {
                edited.push_str(gap);
                edited.push_str(token);
            }
            edited.push_str(gaps[20]);
            prop_assert_eq!(digest(&plain, &syntax), digest(&edited.replace("b;\n", "b;\r\n"), &syntax));
        }
    }
}
