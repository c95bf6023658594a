//! Variables: those of the process, handed in as a map, over those of a `.env` file.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_core::{Diagnostic, Place, Source, Values, diagnostic::codes};

/// The variables a command sees.
#[derive(Clone, Default)]
pub struct Environment {
    process: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

impl Environment {
    /// Variables of a process.
    pub fn new(process: BTreeMap<String, String>) -> Self {
        Self { process, file: BTreeMap::new() }
    }

    /// The value of a variable. An empty one counts as not set, as CI systems pass empty ones for what is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.process.get(name).or_else(|| self.file.get(name)).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether [`get`](Self::get) answers from the `.env` file.
    pub fn is_from_file(&self, name: &str) -> bool {
        !self.process.contains_key(name) && self.file.contains_key(name)
    }

    /// All variables: those of the process go before those of the file.
    pub fn values(&self) -> Values {
        self.file.iter().chain(&self.process).collect()
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.process.keys().chain(self.file.keys()).map(String::as_str)
    }

    /// Lays a `.env` under the variables of the process; `false` if there is no such file.
    ///
    /// # Errors
    /// If the file is there and cannot be read or understood.
    pub fn read_file(&mut self, path: &Path) -> Result<bool, Box<Diagnostic>> {
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => {
                return Err(Box::new(
                    Diagnostic::error(codes::BAD_CONFIG, format!("cannot read the variables of .env: {error}"))
                        .at(Place::path(shown))
                        .help("make it readable, or leave it out: --no-env-file"),
                ));
            }
        };
        self.file = parse(&Source::new(shown, text))?;
        Ok(true)
    }
}

/// Values may hold passwords, so only names are shown.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// `NAME=value`, `export NAME=value`, `NAME="value"`, `NAME='value'`, comments. Nothing is expanded.
fn parse(source: &Source) -> Result<BTreeMap<String, String>, Box<Diagnostic>> {
    let mut variables = BTreeMap::new();
    let mut offset = 0;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.strip_prefix("export ").unwrap_or(line).split_once('=');
        let parsed = assignment.and_then(|(name, text)| {
            let name = name.trim();
            (is_name(name)).then_some((name, value(text.trim())?))
        });
        let Some((name, value)) = parsed else {
            // The line may hold a password: only its number is shown.
            let mut place = Place::path(source.path());
            place.position = Some(source.position(start));
            return Err(Box::new(
                Diagnostic::error(codes::BAD_CONFIG, "this line of .env is not NAME=value, or its quote never ends")
                    .at(place)
                    .help("correct it, or leave the file out: --no-env-file"),
            ));
        };
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn value(text: &str) -> Option<String> {
    let Some(quote @ ('"' | '\'')) = text.chars().next() else {
        // A blank before # makes it a comment; a password may hold one.
        return Some(text.split_once(" #").map_or(text, |(value, _)| value.trim_end()).to_owned());
    };
    let mut out = String::new();
    let mut chars = text[1..].chars();
    loop {
        match chars.next()? {
            c if c == quote => break,
            '\\' if quote == '"' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                c => out.push(c),
            },
            c => out.push(c),
        }
    }
    let rest = chars.as_str().trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_is_read_as_others_read_it() {
        let text =
            "# comment\nA=1\nexport B = two \nC=\"x # \\\"y\\\"\" # comment\nD='$A \\n'\nE=p#w # comment\nF=\n\r\n";
        let variables = parse(&Source::new(".env", text)).unwrap();
        let shown: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["A=1", "B=two", "C=x # \"y\"", "D=$A \\n", "E=p#w", "F="]);
    }

    #[test]
    fn a_bad_line_is_named_but_not_shown() {
        let error = parse(&Source::new(".env", "A=1\nDATABASE_URL 'hunter2'\n")).unwrap_err();
        assert_eq!(error.place.as_ref().and_then(|place| place.position).map(|position| position.line), Some(2));
        assert!(!format!("{error:?}{error}").contains("hunter2"));
        assert!(parse(&Source::new(".env", "A='hunter2\n")).is_err());
    }

    #[test]
    fn the_process_goes_before_the_file_and_empty_is_not_set() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let environment = Environment { process: map(&[("A", "1"), ("E", "")]), file: map(&[("A", "2"), ("B", "3")]) };
        assert_eq!((environment.get("A"), environment.get("B"), environment.get("E")), (Some("1"), Some("3"), None));
        assert!(!environment.is_from_file("A") && environment.is_from_file("B"));
        assert_eq!(format!("{environment:?}"), r#"{"A", "E", "A", "B"}"#);
    }
}
