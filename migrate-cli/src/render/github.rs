//! Findings as workflow commands of GitHub Actions, which show them beside the code.

use migrate_core::diagnostic::{Diagnostic, Severity};

/// `::error file=…,line=…::…` for a diagnostic.
pub fn command(diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity {
        Severity::Error | Severity::Refused => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![format!("title={}", property(&diagnostic.code.to_string()))];
    if let Some(place) = &diagnostic.place {
        properties.push(format!("file={}", property(&place.path)));
        if let Some(position) = place.position {
            properties.push(format!("line={},col={}", position.line, position.column));
        }
    }
    let text: Vec<&str> =
        std::iter::once(diagnostic.message.as_str()).chain(diagnostic.help.iter().map(String::as_str)).collect();
    format!("::{kind} {}::{}", properties.join(","), data(&text.join("\n")))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use migrate_core::{Place, Source, diagnostic::codes};

    use super::*;

    #[test]
    fn a_finding_is_an_annotation() {
        let source = Source::new("migrations/1_a,b.sql", "select 1;\nselct 2;");
        let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, "1 a: 100% wrong").at(Place::in_source(&source, 10..15)).help("fix it");
        assert_eq!(
            command(&diagnostic),
            "::error title=M0009,file=migrations/1_a%2Cb.sql,line=2,col=1::1 a: 100%25 wrong%0Afix it"
        );
        assert_eq!(command(&Diagnostic::note(codes::SQUASHED, "x")), "::notice title=M0215::x");
    }
}
