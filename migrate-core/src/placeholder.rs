//! Placeholders: names in a text, and what they stand for.
//!
//! Values are handed in; nothing here reads the environment. They may be secrets, so nothing shows them: plans, documents
//! and diagnostics say what was written. They do reach the server, as part of the statements, and what it answers; the
//! script that `plan --sql` writes; and, in a way back, the history, because a way back must run without its files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Place, codes, nearest};
use crate::source::Source;

/// Names and what they stand for. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// The same with one more; a name that is there already has the new value.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What a name stands for, whatever the case of its letters.
    pub(crate) fn get_any_case(&self, name: &str) -> Option<&str> {
        let lower = name.to_lowercase();
        self.get(name)
            .or_else(|| self.0.iter().find(|(other, _)| other.to_lowercase() == lower).map(|(_, value)| value.as_str()))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Values {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How placeholders are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grammar {
    pub(crate) prefix: Cow<'static, str>,
    pub(crate) suffix: Cow<'static, str>,
    /// Only letters, digits and `_.:-` are a name; anything else between prefix and suffix is left alone.
    pub(crate) strict: bool,
    /// The case of a name's letters does not matter.
    pub(crate) any_case: bool,
}

impl Grammar {
    /// `${name}`.
    pub(crate) const PLAIN: Self =
        Self { prefix: Cow::Borrowed("${"), suffix: Cow::Borrowed("}"), strict: true, any_case: false };

    /// The file with values in place of its placeholders, wherever they stand. One that has no value is reported at its
    /// place and stays.
    pub(crate) fn replace(
        &self,
        source: &Source,
        title: &str,
        values: &Values,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Source {
        source.with_values(self.values(source, 0..source.file().len(), title, values, diagnostics))
    }

    /// The placeholders in a range of the file that have values, and these.
    pub(crate) fn values<'v>(
        &self,
        source: &Source,
        range: Range<usize>,
        title: &str,
        values: &'v Values,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<(Range<usize>, &'v str)> {
        let mut found = Vec::new();
        for (at, name) in self.placeholders(&source.file()[range.clone()]) {
            let at = range.start + at.start..range.start + at.end;
            match if self.any_case { values.get_any_case(name) } else { values.get(name) } {
                Some(value) => found.push((at, value)),
                None => diagnostics.push(unknown(source, title, at, name, values)),
            }
        }
        found
    }

    /// Where placeholders are in a text, and their names.
    fn placeholders<'t>(&self, text: &'t str) -> Vec<(Range<usize>, &'t str)> {
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(start) = text[from..].find(&*self.prefix).map(|at| from + at) {
            let name = start + self.prefix.len();
            let Some(length) = text[name..].find(&*self.suffix) else { break };
            let end = name + length + self.suffix.len();
            let is_name = |c: char| c.is_alphanumeric() || "_.:-".contains(c);
            if self.strict && (length == 0 || !text[name..name + length].chars().all(is_name)) {
                from = name;
                continue;
            }
            found.push((start..end, &text[name..name + length]));
            from = end;
        }
        found
    }
}

/// A placeholder that nobody gave a value.
pub(crate) fn unknown(source: &Source, title: &str, at: Range<usize>, name: &str, values: &Values) -> Diagnostic {
    let name = name.lines().next().unwrap_or_default();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_PLACEHOLDER, format!("{title}: `{name}` has no value"))
        .at(Place::in_source(source, at));
    let diagnostic = match nearest(name, values.names()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    };
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let key = if bare { name.to_owned() } else { format!("\"{name}\"") };
    diagnostic
        .help(format!("give it one for this run: --placeholder {name}=VALUE"))
        .help(format!("or for good, in migrate.toml: [placeholders] {key} = \"VALUE\""))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[track_caller]
    fn check(grammar: &Grammar, text: &str, expected: &str) {
        let values = Values::default().with("schema", "app").with("none", "").with("nested", "${schema}");
        let mut diagnostics = Vec::new();
        let source = grammar.replace(&Source::new("1_a.sql", text), "1 a", &values, &mut diagnostics);
        assert_eq!((source.text(), source.written()), (expected, text));
        assert_eq!(diagnostics, []);
    }

    #[test]
    fn values_take_the_place_of_names_once() {
        check(&Grammar::PLAIN, "create table ${schema}.a -- ${none}${none}!", "create table app.a -- !");
        check(&Grammar::PLAIN, "${nested} $schema ${} ${a b} ${schema", "${schema} $schema ${} ${a b} ${schema");
        let other = Grammar { prefix: "#[".into(), suffix: "]#".into(), strict: false, any_case: true };
        check(&other, "#[SCHEMA]#.${schema}#[Schema]#", "app.${schema}app");
    }

    #[test]
    fn a_name_without_a_value_is_an_error_at_its_place() {
        let mut diagnostics = Vec::new();
        let values = Values::default().with("schema", "app");
        let source = Source::new("1_a.sql", "select 1;\ncreate table ${schema}.a (b ${shcema});");
        Grammar::PLAIN.replace(&source, "1 a", &values, &mut diagnostics);
        assert_snapshot!(diagnostics[0], @r#"
        error[M0021]: 1 a: `shcema` has no value
          --> 1_a.sql:2:29
         2 | create table ${schema}.a (b ${shcema});
           |                             ^^^^^^^^^
           = did you mean `schema`?
           = give it one for this run: --placeholder shcema=VALUE
           = or for good, in migrate.toml: [placeholders] shcema = "VALUE"
        "#);
    }

    #[test]
    fn values_are_not_shown() {
        let values: Values = [("password", "hunter2")].into_iter().collect();
        assert_eq!(format!("{values:?}"), "{\"password\"}");
    }
}
