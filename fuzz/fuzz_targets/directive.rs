//! Any text behind `-- migrate:`: values or problems, all of them in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::sql::{Syntax, directive};
use migrate_core::{Source, checksum};

fuzz_target!(|text: &str| {
    let text = format!("-- migrate:{text}");
    for syntax in [Syntax::POSTGRES, Syntax::MYSQL, Syntax::SQLITE] {
        let source = Source::new("fuzz", text.as_str());
        let directives = directive::directives(&source, &syntax);
        assert!(directives.found.into_iter().all(|directive| text.get(directive.at).is_some()));
        assert!(directives.problems.into_iter().all(|problem| text.get(problem.at).is_some()));
        checksum::normalised(&source, &syntax);
    }
});
