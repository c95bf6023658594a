//! Any text: tokens concatenate to it, statements lie in it in order, classifiers and masks take whatever comes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::Source;
use migrate_core::sql::{Syntax, classify, fuzzing, split};

fuzz_target!(|text: &str| {
    for syntax in [Syntax::POSTGRES, Syntax::MYSQL, Syntax::SQLITE] {
        let mut end = 0;
        for token in fuzzing::tokens(text, &syntax) {
            assert_eq!(token.start, end);
            assert!(token.end > end && text.is_char_boundary(token.end));
            end = token.end;
        }
        assert_eq!(end, text.len());

        let mut end = 0;
        let split = split::split(&Source::new("fuzz", text), &syntax);
        for piece in split.pieces {
            let statement = &text[piece.text.clone()];
            classify::postgres(statement, &syntax);
            classify::mysql(statement, &syntax);
            classify::sqlite(statement, &syntax);
            for range in std::iter::once(piece.text).chain(piece.data) {
                assert!(end <= range.start && range.start <= range.end);
                assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
                end = range.end;
            }
        }
        assert!(split.problems.into_iter().all(|problem| text.get(problem.at).is_some()));
        fuzzing::masked(text, &syntax);
    }
});
