//! Rows as our history keeps them, and a digest over all of them.
//!
//! Available with feature `manifest` and not with `other-tools` alone: a program that takes nothing over can still tell that
//! nothing was written since somebody did.

use super::Record;
use crate::checksum;
use crate::history::format::Reading;

/// A longer cell is kept as its digest: a row of the history is loaded with every run.
const LONGEST_CELL: usize = 2_048;

impl Record {
    /// The row as a JSON object of texts and nulls, its columns in the order of the table. Available with feature `manifest`.
    pub fn json(&self) -> String {
        let cells: Vec<String> = self
            .cells
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    None => "null".to_owned(),
                    Some(text) if text.len() > LONGEST_CELL => json_text(&checksum::raw(text)),
                    Some(text) => json_text(text),
                };
                format!("{}:{value}", json_text(name))
            })
            .collect();
        format!("{{{}}}", cells.join(","))
    }
}

/// A text as JSON writes it.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Reading {
    /// A digest of all rows: as long as it stays the same, nobody has written there. Available with feature `manifest`.
    pub fn digest(&self) -> String {
        let rows: Vec<String> = self.records.iter().chain(self.beside.iter().flatten()).map(Record::json).collect();
        checksum::raw(&rows.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_as_json() {
        let record = Record::new([
            ("id", Some("1".to_owned())),
            ("text", Some("a\"b\\\n\u{1}".to_owned())),
            ("nothing", None),
            ("long", Some("x".repeat(3_000))),
        ]);
        let json = record.json();
        let expected = r#"{"id":"1","text":"a\"b\\\n\u0001","nothing":null,"long":"sha256:"#;
        assert!(json.starts_with(expected), "{json}");
        assert!(json.len() < 200, "{json}");
    }
}
