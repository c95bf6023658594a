//! What is known to be there, so that it need not be asked before every statement.
//!
//! Of `CREATE x`, and of an `ALTER TABLE` that adds something, only one thing is noted: whether it was there before. For a
//! script of a thousand of them the catalog is read once, after a few; a name that was not in it, and that no statement of
//! the session has in its text, is not there. Neither is a column or an index of a table that was not in it, unless a
//! statement has the names of both in its text, or gave the table what another one has. A statement counts from when its
//! note is asked for: it may be sent after the catalog is read.
//!
//! Somebody else may have made it meanwhile; then the statement fails, and only a crash between that and the answer would
//! be taken for its success.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::backend::ServerError;
use migrate_core::sql::classify::words;
use migrate_core::sql::lexer::TokenKind;
use migrate_core::sql::{Statement, StatementKind, Syntax};

use super::names::{About, Name, Object, Rule};
use super::prepared::Prepared;
use super::trips::asked;
use super::{Ask, Place};

/// So often the server is asked before the catalog is read as a whole.
const PATIENCE: usize = 6;

/// Behind these a table has columns and indexes that no text names.
const INHERITS: &[&str] = &["like", "rename", "select", "values", "with"];

/// Names that the server gives to columns and indexes by itself. Those of indexes may go on with a number.
const GIVEN: &[&str] =
    &["fts_doc_id", "fts_doc_id_index", "functional_index", "my_row_id", "primary", "row_end", "row_start"];

/// What a session knows without asking. It begins with nothing, and must see every statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    asked: usize,
    /// Lower-case names of everything in the connection's database, of whatever kind; `None` before they are read.
    there: Option<BTreeSet<String>>,
    pub(super) prepared: Prepared,
    /// How many definitions there were.
    definitions: usize,
    /// Their lower-case words, each with those that have it.
    touched: BTreeMap<String, BTreeSet<usize>>,
}

impl Known {
    /// A statement is about to be sent, or was.
    pub(crate) fn passed(&mut self, statement: &Statement<'_>, syntax: &Syntax) {
        self.prepared.passed(statement, syntax);
        match statement.class.kind {
            StatementKind::Definition | StatementKind::Maintenance => {
                self.definitions += 1;
                let mut tables = 0;
                for word in words(statement.text, syntax) {
                    if matches!(word.kind, TokenKind::Word | TokenKind::Name | TokenKind::Number | TokenKind::String) {
                        self.touch(&word.text.trim_matches(['`', '"', '\'']).to_lowercase());
                        tables += usize::from(word.is("table"));
                    }
                }
                // `CREATE TABLE t TABLE u`, `EXCHANGE PARTITION p WITH TABLE t`
                if tables > 1 {
                    self.touch(INHERITS[0]);
                }
            }
            StatementKind::Call | StatementKind::Unknown => self.forget(),
            // `USE`.
            StatementKind::Session if statement.text.get(..3).is_some_and(|verb| verb.eq_ignore_ascii_case("use")) => {
                self.forget();
            }
            _ => {}
        }
    }

    /// Anything may be there by now.
    fn forget(&mut self) {
        self.there = None;
        self.asked = 0;
    }

    fn touch(&mut self, word: &str) {
        if let Some(definitions) = self.touched.get_mut(word) {
            definitions.insert(self.definitions);
        } else {
            self.touched.insert(word.to_owned(), BTreeSet::from([self.definitions]));
        }
    }

    /// Whether it is known that nothing is there of what a statement creates.
    pub(super) async fn absent(
        &mut self,
        ask: &mut dyn Ask,
        place: &Place,
        about: &About,
    ) -> Result<bool, ServerError> {
        let here = |(object, _): &(Object, _)| is_here(place, object);
        if about.rule != Rule::Creates || !about.objects.iter().all(here) {
            return Ok(false);
        }
        self.asked += 1;
        if self.there.is_none() && self.asked > PATIENCE {
            self.there = asked(ask, &everything(place)).await?.map(|rows| {
                rows.into_iter()
                    .filter_map(|row| row.into_iter().next().flatten())
                    .map(|name| name.to_lowercase())
                    .collect()
            });
        }
        let Some(there) = &self.there else { return Ok(false) };
        // What is equal beyond ASCII is the server's matter.
        let plain = there.iter().all(|name| name.is_ascii());
        Ok(plain && about.objects.iter().all(|(object, _)| self.is_absent(there, object)))
    }

    fn is_absent(&self, there: &BTreeSet<String>, object: &Object) -> bool {
        match object {
            Object::Table(name) | Object::Event(name) | Object::Routine { name, .. } | Object::Trigger { name, .. } => {
                let name = name.name.to_lowercase();
                is_plain(&name) && !there.contains(&name) && !self.touched.contains_key(&name)
            }
            Object::Column { table, column: part } | Object::Index { table, index: part } => {
                let (table, part) = (table.name.to_lowercase(), part.to_lowercase());
                let about = self.touched.get(&table);
                let together = |word: &str| {
                    let other = self.touched.get(word);
                    about.zip(other).is_some_and(|(about, other)| !about.is_disjoint(other))
                };
                // `name`, `name_2`
                let base = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
                let is_numbered = matches!(object, Object::Index { .. }) && base != part && base.ends_with('_');
                let is_given = is_numbered || GIVEN.contains(&&*part);
                let is_named = together(&part) || INHERITS.iter().any(|word| together(word));
                is_plain(&table) && is_plain(&part) && !there.contains(&table) && !is_given && !is_named
            }
            _ => false,
        }
    }
}

/// A name that is written as it is meant, between whatever quotes.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b' ' | b'-' | b'.'))
}

/// Whether an object is in the connection's database, and of a kind that can be known.
fn is_here(place: &Place, object: &Object) -> bool {
    let here = |name: &Name| name.schema.as_ref().is_none_or(|schema| *schema == place.database);
    match object {
        Object::Table(name) | Object::Event(name) | Object::Routine { name, .. } | Object::Trigger { name, .. } => {
            here(name)
        }
        object => object.part_of().is_some_and(here),
    }
}

/// The names of everything there is in the connection's database.
fn everything(place: &Place) -> String {
    let tables = if !place.mariadb && place.version >= (8, 0, 21) { "tables_extensions" } else { "tables" };
    [
        ("table_name", tables, "table_schema"),
        ("routine_name", "routines", "routine_schema"),
        ("event_name", "events", "event_schema"),
        ("trigger_name", "triggers", "event_object_schema"),
    ]
    .map(|(name, from, schema)| format!("SELECT {name} FROM information_schema.{from} WHERE {schema} = DATABASE()"))
    .join(" UNION ALL ")
}
