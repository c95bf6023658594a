//! `flyway.toml`: the settings in its table `[flyway]`.

use ::toml::de::{DeTable, DeValue};

use super::Entry;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::source::Source;

pub(super) fn entries(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(source.file());
    if let Some(error) = errors.first() {
        let mut place = Place::in_source(source, error.span().unwrap_or(0..0));
        place.line = None;
        let message = format!("flyway.toml: {}", error.message().replace('\n', ", "));
        diagnostics.push(Diagnostic::error(codes::FOREIGN_FILE, message).at(place));
        return Vec::new();
    }
    let mut entries = Vec::new();
    if let Some(DeValue::Table(flyway)) = table.get_ref().get("flyway").map(::toml::Spanned::get_ref) {
        flatten(flyway, "", source, &mut entries);
    }
    entries
}

fn flatten(table: &DeTable<'_>, prefix: &str, source: &Source, entries: &mut Vec<Entry>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        let mut place = Place::in_source(source, name.span());
        place.line = None;
        match value.get_ref() {
            DeValue::Table(inner) => flatten(inner, &format!("{key}."), source, entries),
            DeValue::Array(items) => {
                let texts: Vec<String> = items.iter().filter_map(|item| text(item.get_ref())).collect();
                entries.push(Entry { key, value: texts.join(","), place });
            }
            value => entries.extend(text(value).map(|value| Entry { key, value, place })),
        }
    }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}
