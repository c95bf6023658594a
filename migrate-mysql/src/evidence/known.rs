//! What is known to be there, so that it need not be asked before every statement.
//!
//! Of `CREATE x` only one thing is noted: whether it was there before. For a script of a thousand of them the catalog is
//! read once, after a few; a name that was not in it, and that no statement since then has in its text, is not there.
//! Somebody else may have made it meanwhile; then the statement fails, and only a crash between that and the answer
//! would be taken for its success.

use std::collections::BTreeSet;

use migrate_core::backend::ServerError;
use migrate_core::sql::classify::words;
use migrate_core::sql::lexer::TokenKind;
use migrate_core::sql::{Statement, StatementKind, Syntax};

use super::names::{About, Name, Object, Rule};
use super::trips::asked;
use super::{Ask, Place};

/// So often the server is asked before the catalog is read as a whole.
const PATIENCE: usize = 6;

/// What a session knows without asking. It begins with nothing, and must see every statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    asked: usize,
    /// Lower-case names of everything in the connection's database, of whatever kind; `None` before they are read.
    there: Option<BTreeSet<String>>,
    /// Lower-case words of the statements since then.
    touched: BTreeSet<String>,
}

impl Known {
    /// A statement is about to be sent, or was.
    pub(crate) fn passed(&mut self, statement: &Statement<'_>, syntax: &Syntax) {
        match statement.class.kind {
            StatementKind::Definition | StatementKind::Maintenance if self.there.is_some() => {
                for word in words(statement.text, syntax) {
                    if matches!(word.kind, TokenKind::Word | TokenKind::Name | TokenKind::Number | TokenKind::String) {
                        self.touched.insert(word.text.trim_matches(['`', '"', '\'']).to_lowercase());
                    }
                }
            }
            StatementKind::Call | StatementKind::Unknown => *self = Self::default(),
            // `USE`.
            StatementKind::Session if statement.text.get(..3).is_some_and(|verb| verb.eq_ignore_ascii_case("use")) => {
                *self = Self::default();
            }
            _ => {}
        }
    }

    /// Whether it is known that nothing is there of what a statement creates.
    pub(super) async fn absent(
        &mut self,
        ask: &mut dyn Ask,
        place: &Place,
        about: &About,
    ) -> Result<bool, ServerError> {
        let names: Option<Vec<&str>> = about.objects.iter().map(|(object, _)| known_name(place, object)).collect();
        let Some(names) = names.filter(|_| about.rule == Rule::Creates) else { return Ok(false) };
        self.asked += 1;
        if self.there.is_none() && self.asked > PATIENCE {
            self.there = asked(ask, &everything(place)).await?.map(|rows| {
                rows.into_iter()
                    .filter_map(|row| row.into_iter().next().flatten())
                    .map(|name| name.to_lowercase())
                    .collect()
            });
            self.touched.clear();
        }
        let Some(there) = &self.there else { return Ok(false) };
        // What is equal beyond ASCII is the server's matter.
        let plain = there.iter().all(|name| name.is_ascii());
        Ok(plain
            && names.iter().all(|name| {
                let name = name.to_lowercase();
                name.is_ascii() && !there.contains(&name) && !self.touched.contains(&name)
            }))
    }
}

fn known_name<'o>(place: &Place, object: &'o Object) -> Option<&'o str> {
    let here = |name: &'o Name| {
        name.schema.as_ref().is_none_or(|schema| *schema == place.database).then_some(name.name.as_str())
    };
    match object {
        Object::Table(name) | Object::Event(name) | Object::Routine { name, .. } | Object::Trigger { name, .. } => {
            here(name)
        }
        _ => None,
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
