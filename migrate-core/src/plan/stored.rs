//! What of a way back is written into the history, so that it runs alike without its file.
//!
//! A stored way back is run by whoever finds it: an older release of the application, with none of the files, the
//! settings of their layout or the values of their placeholders. So it is stored as it is carried out, and what its
//! layout says about it as directives of ours.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::migration::RunAttributes;
use crate::source::Source;
use crate::sql::{Syntax, directive};

/// The text to store. That of a file in the native layout is stored as it is.
pub(super) fn form<'s>(source: &'s Source, run: &RunAttributes, syntax: &Syntax) -> Cow<'s, str> {
    let said = directive::run_attributes(&directive::directives(source, syntax).found);
    let no_transaction = run.no_transaction && !said.no_transaction;
    let settings: Vec<_> = run.settings.iter().filter(|setting| !said.settings.contains(setting)).collect();
    if !no_transaction && settings.is_empty() && run.timeouts == said.timeouts && source.cuts().is_none() {
        return Cow::Borrowed(source.text());
    }
    let mut out = String::new();
    if no_transaction {
        out.push_str("-- migrate:no-transaction\n");
    }
    for (name, value) in settings {
        let _ = writeln!(out, "-- migrate:settings {name}='{}'", value.replace('\'', "''"));
    }
    for (name, limit, already) in [
        ("lock", run.timeouts.lock, said.timeouts.lock),
        ("statement", run.timeouts.statement, said.timeouts.statement),
    ] {
        if let Some(limit) = limit.filter(|limit| Some(*limit) != already) {
            let _ = writeln!(out, "-- migrate:timeout {name}={}ms", limit.as_millis());
        }
    }
    match source.cuts() {
        None => out.push_str(source.text().trim_start_matches('\u{feff}')),
        Some(cuts) => {
            for cut in cuts {
                let text = source.file()[cut.range.clone()].trim_start_matches('\u{feff}');
                match cut.whole {
                    true if text.trim().is_empty() => {}
                    true => {
                        let _ = write!(out, "-- migrate:statement begin\n{}\n-- migrate:statement end\n", text.trim());
                    }
                    // Marks of the layout's own are comments here too.
                    false => {
                        out.push_str(text);
                        if !text.ends_with('\n') {
                            out.push('\n');
                        }
                    }
                }
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::migration::Timeouts;
    use crate::source::Cut;
    use crate::sql::split::split;

    #[test]
    fn what_a_layout_says_is_stored_as_directives() {
        let source = Source::new("x.sql", "-- down\ndrop table ${t};\nselect 1; end\n;select 2");
        let source = source.with_values([(19..23, "a")]);
        let run = RunAttributes {
            no_transaction: true,
            settings: vec![("role".to_owned(), "o'brien".to_owned())],
            timeouts: Timeouts { lock: Some(Duration::from_secs(2)), statement: None },
            ..RunAttributes::default()
        };
        assert_eq!(form(&source, &RunAttributes::default(), &Syntax::POSTGRES), source.text());
        let at = source.file().find("select 1").unwrap();
        let after = source.file().find(";select 2").unwrap();
        let whole = source.file().len();
        let cut = |range, whole| Cut { range, whole };
        let source = source.with_cuts(vec![cut(0..at, false), cut(at..after, true), cut(after..whole, false)]);
        let stored = form(&source, &run, &Syntax::POSTGRES).into_owned();
        insta::assert_snapshot!(stored, @"
        -- migrate:no-transaction
        -- migrate:settings role='o''brien'
        -- migrate:timeout lock=2000ms
        -- down
        drop table a;
        -- migrate:statement begin
        select 1; end
        -- migrate:statement end
        ;select 2
        ");
        let read = Source::stored("row", stored);
        let said = directive::run_attributes(&directive::directives(&read, &Syntax::POSTGRES).found);
        assert_eq!(said, run);
        let texts = |source: &Source| -> Vec<String> {
            let pieces = split(source, &Syntax::POSTGRES).pieces;
            pieces.into_iter().map(|piece| source.file()[piece.text].to_owned()).collect()
        };
        assert_eq!(texts(&read), texts(&source));
        assert_eq!(texts(&read), ["drop table a", "select 1; end", "select 2"]);
    }

    #[test]
    fn what_the_native_layout_says_is_in_the_text() {
        let source = Source::new("x.sql", "-- migrate:no-transaction\n-- migrate:settings a=b\nvacuum");
        let run = directive::run_attributes(&directive::directives(&source, &Syntax::POSTGRES).found);
        assert_eq!(form(&source, &run, &Syntax::POSTGRES), source.text());
    }
}
