//! Tokens by example, and what holds for any text.

use proptest::prelude::*;

use super::*;

/// Tokens without blanks, each behind a letter for its kind; `!` marks one that is not closed.
#[track_caller]
fn check(syntax: &Syntax, text: &str, expected: &[&str]) {
    let mut end = 0;
    let mut found = Vec::new();
    for token in Lexer::new(text, syntax) {
        assert_eq!(token.start, end, "a gap in {text:?}");
        assert!(token.end > token.start, "an empty token in {text:?}");
        end = token.end;
        let letter = match token.kind {
            TokenKind::Space => continue,
            TokenKind::LineComment | TokenKind::BlockComment => 'c',
            TokenKind::Hint => 'h',
            TokenKind::ExecutableOpen | TokenKind::ExecutableClose => 'x',
            TokenKind::Word => 'w',
            TokenKind::Name => 'q',
            TokenKind::String => 's',
            TokenKind::Number => 'n',
            TokenKind::Symbol => 'o',
            TokenKind::Delimiter => 'd',
        };
        found.push(format!("{letter}{}{}", if token.closed { "" } else { "!" }, token.text(text)));
    }
    assert_eq!(end, text.len(), "{text:?} is not covered");
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn postgres_tokens() {
    let check = |text, expected: &[&str]| check(&Syntax::POSTGRES, text, expected);
    check("", &[]);
    check("\u{feff}select", &["wselect"]);
    check("a$x$ $1 $1$$a$$", &["wa$x$", "w$1", "w$1", "s$$a$$"]);
    check("$тег$ a;b $тег$;", &["s$тег$ a;b $тег$", "d;"]);
    check("$a b", &["w$a", "wb"]);
    check("$ $", &["o$", "o$"]);
    check("$a$ b $A$", &["s!$a$ b $A$"]);
    check("e'\\'' E'a\\\\' x", &["se'\\''", "sE'a\\\\'", "wx"]);
    check("E'a' \n 'it\\'s' 'x\\'", &["sE'a' \n 'it\\'s'", "s'x\\'"]);
    check("U&'d!0061' U&\"x;\" u&a", &["sU&'d!0061'", "qU&\"x;\"", "wu", "o&", "wa"]);
    check("'a''b' \"c\"\"d\"", &["s'a''b'", "q\"c\"\"d\""]);
    check("'a\\'b", &["s'a\\'", "wb"]);
    check("/* a /* b */ c */ d", &["c/* a /* b */ c */", "wd"]);
    check("/* a /* b */", &["c!/* a /* b */"]);
    check("/*/ x", &["c!/*/ x"]);
    check("/*+ Seq(t) */ select", &["h/*+ Seq(t) */", "wselect"]);
    check("2*-1+--c\r\n3", &["n2", "o*", "o-", "n1", "o+", "c--c", "n3"]);
    check("2 */*c*/ 3 @-1", &["n2", "o*", "c/*c*/", "n3", "o@-", "n1"]);
    check("a::int[1:2] b:=1.5e-3", &["wa", "o::", "wint", "o[", "n1", "o:", "n2", "o]", "wb", "o:=", "n1.5e-3"]);
    check("--a\rselect", &["c--a", "wselect"]);
    check("#>> # `", &["o#>>", "o#", "o`"]);
    check("größe\u{a0}x", &["wgröße\u{a0}x"]);
}

#[test]
fn mysql_tokens() {
    let check = |text, expected: &[&str]| check(&Syntax::MYSQL, text, expected);
    check("5--1 -- c\n#d;\n2", &["n5", "o-", "o-", "n1", "c-- c", "c#d;", "n2"]);
    check("--", &["c--"]);
    check("'it\\'s' \"a\\\"b\" `c``d\\`", &["s'it\\'s'", "s\"a\\\"b\"", "q`c``d\\`"]);
    check("/* a /* b */ c", &["c/* a /* b */", "wc"]);
    check("/*!40101 a '*/' */ b */", &["x/*!40101", "wa", "s'*/'", "x*/", "wb", "o*", "o/"]);
    check("/*M!100100 a /* b */ c*/", &["x/*M!100100", "wa", "c/* b */", "wc", "x*/"]);
    check("/*!999999\\- enable the sandbox mode */", &["c/*!999999\\- enable the sandbox mode */"]);
    check("/*M!999999\\- x", &["c!/*M!999999\\- x"]);
    check("@a:=@@b", &["o@", "wa", "o:=", "o@", "o@", "wb"]);
    check("_utf8mb4'a' X'4D' b'1' n'x' e'x'", &["w_utf8mb4", "s'a'", "sX'4D'", "sb'1'", "sn'x'", "we", "s'x'"]);
    check("'a\\", &["s!'a\\"]);
    check("'\\ö'", &["s'\\ö'"]);
    check("$a$", &["w$a$"]);
}

#[test]
fn sqlite_tokens() {
    let check = |text, expected: &[&str]| check(&Syntax::SQLITE, text, expected);
    check("[a;b]`c``d`\"e\" 'f\\'", &["q[a;b]", "q`c``d`", "q\"e\"", "s'f\\'"]);
    check("[a", &["q![a"]);
    check("x'3b' /* open", &["sx'3b'", "c/* open"]);
    check("?1 :a @b $c a->>'$.x'", &["o?", "n1", "o:", "wa", "o@", "wb", "w$c", "wa", "o->>", "s'$.x'"]);
    check("a == 0x1e-1", &["wa", "o==", "n0x1e", "o-", "n1"]);
}

#[test]
fn a_delimiter_cuts_the_tokens_it_stands_in() {
    let text = "END$$ '$$' a//b <// 1go";
    let tokens = |delimiter| {
        let mut lexer = Lexer::new(text, &Syntax::MYSQL);
        lexer.set_delimiter(delimiter);
        let tokens: Vec<_> = lexer.collect();
        let at = tokens.iter().filter(|token| token.kind == TokenKind::Delimiter).map(|token| token.start);
        at.collect::<Vec<_>>()
    };
    assert_eq!(tokens("$$"), [3]);
    assert_eq!(tokens("//"), [12, 17]);
    assert_eq!(tokens("go"), [21]);
}

#[test]
fn time_grows_with_the_length_of_the_text_only() {
    let syntax = Syntax::POSTGRES;
    for fragment in ["/*", "$a$b", "'a", "E'\n'", "((", "+-", "$", "*/", "\\", "e1-"] {
        let text = fragment.repeat(300_000 / fragment.len());
        assert_eq!(Lexer::new(&text, &syntax).last().map(|token| token.end), Some(text.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_tokens_of_any_text_concatenate_to_it(
        parts in prop::collection::vec(prop_oneof![
            3 => "[-'\"`$/*!+#\\\\;:.eE0-9a-zä\\[\\] \n]{1,6}",
            1 => any::<String>(),
        ], 0..20),
        delimiter in prop::sample::select(&[";", "//", "$$", "go", "§"][..]),
        syntax in prop_oneof![Just(Syntax::POSTGRES), Just(Syntax::MYSQL), Just(Syntax::SQLITE)],
    ) {
        let text = parts.concat();
        let mut lexer = Lexer::new(&text, &syntax);
        lexer.set_delimiter(delimiter);
        let mut end = 0;
        for token in lexer {
            prop_assert_eq!(token.start, end);
            prop_assert!(token.end > end && text.is_char_boundary(token.end));
            end = token.end;
        }
        prop_assert_eq!(end, text.len());
    }
}
