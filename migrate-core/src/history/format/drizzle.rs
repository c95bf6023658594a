//! Drizzle: `__drizzle_migrations`, a digest and a time for each migration, of which the newest time decides.
//!
//! Source: drizzle-orm at b7862528fd and its branch `beta`, `src/*/dialect.ts`, `src/migrator.ts`.

use super::entry::Algorithm;
use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// Drizzle.
#[derive(Debug)]
pub(super) struct Drizzle;

impl HistoryFormat for Drizzle {
    fn name(&self) -> &'static str {
        "drizzle"
    }

    fn title(&self) -> &'static str {
        "Drizzle"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["__drizzle_migrations"]
    }

    fn elsewhere(&self) -> &'static [(&'static str, &'static str)] {
        &[("drizzle", "__drizzle_migrations")]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["hash", "created_at"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["drizzle", "drizzle-folders"]
    }

    fn order(&self) -> &'static str {
        "created_at"
    }

    /// Which file a row is about only its digest says. Files older than the newest row that have no row were skipped
    /// silently: they are not applied.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        reading
            .records
            .iter()
            .map(|record| {
                let sha256 = record.text("hash").to_ascii_lowercase();
                let text = record.text("created_at");
                // SQLite may keep it as a real number.
                let when = text.split('.').next().and_then(|digits| digits.parse().ok());
                if sha256.is_empty() {
                    return Err(Damaged(format!("the row of {text} has no hash")));
                }
                let label = match record.get("name").filter(|name| !name.is_empty()) {
                    Some(name) => name.to_owned(),
                    None => text.to_owned(),
                };
                Ok(ForeignEntry::applied(Names::Digest { sha256: sha256.clone(), when }, label, record)
                    .checksum(Algorithm::Sha256Raw, sha256))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_a_digest_and_a_time() {
        let rows = ["1|6869|1767225600000", "-|AB|1767225600001.0"];
        insta::assert_snapshot!(shown(&read("drizzle", "__drizzle_migrations", "id hash created_at", &rows)), @r#"
        Applied Digest { sha256: "6869", when: Some(1767225600000) } 1767225600000, Sha256Raw 6869
        Applied Digest { sha256: "ab", when: Some(1767225600001) } 1767225600001.0, Sha256Raw ab
        "#);
    }
}
