//! Files that are no migration in the layout they lie in: is something wrong with them?

use super::name::{leading_digits, strip_ending};
use super::{File, Folder, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};

/// What people keep beside migrations.
pub(super) const COMPANIONS: &[&str] = &["md", "markdown", "rst", "adoc", "toml", "lock", "yml", "yaml", "json", "sum"];

/// Endings of what is SQL, or was meant to be.
pub(super) const SCRIPTS: &[&str] = &["sql", "psql", "pgsql", "ddl", "sq", "slq", "sqll", "mysql", "sqlite"];

/// Endings of code, and the language.
pub(super) const CODE: &[(&str, &str)] = &[
    ("go", "Go"),
    ("py", "Python"),
    ("rb", "Ruby"),
    ("js", "JavaScript"),
    ("mjs", "JavaScript"),
    ("cjs", "JavaScript"),
    ("ts", "TypeScript"),
    ("mts", "TypeScript"),
    ("cts", "TypeScript"),
    ("rs", "Rust"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("groovy", "Groovy"),
    ("scala", "Scala"),
    ("cs", "C#"),
    ("fs", "F#"),
    ("php", "PHP"),
    ("pl", "Perl"),
    ("ex", "Elixir"),
    ("exs", "Elixir"),
    ("clj", "Clojure"),
    ("sh", "shell"),
    ("bash", "shell"),
    ("ps1", "PowerShell"),
];

/// How a layout's names look, for messages about what is none.
pub(super) struct Names {
    /// The tool that has the layout.
    pub(super) tool: &'static str,
    /// `VERSION_NAME.up.sql and VERSION_NAME.down.sql`.
    pub(super) form: &'static str,
    /// Whether a name is one of them.
    pub(super) is_name: fn(&str) -> bool,
}

/// What is wrong with a file that has none of the layout's names, if anything is.
pub(super) fn judge(file: &File, names: &Names) -> Option<Diagnostic> {
    let base = file.base();
    let ending = base.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    if COMPANIONS.contains(&ending.as_str()) {
        return None;
    }
    let is_script = SCRIPTS.contains(&ending.as_str()) || base.to_ascii_lowercase().contains(".sql");
    let is_script = is_script || !base.contains('.') && leading_digits(base).is_some();
    let is_numbered = leading_digits(base.trim_start_matches(['V', 'v', 'U', 'u'])).is_some();
    let language = CODE.iter().find(|(code, _)| *code == ending).map(|(_, language)| *language);
    let Names { tool, form, .. } = names;
    let place = || Place::path(file.path());
    let diagnostic = match language {
        Some(language) if is_numbered => Diagnostic::warning(
            codes::NEAR_MISS_NAME,
            format!("{}: is {language}, which {tool} does not run and is not run here", file.name()),
        )
        .at(place()),
        _ if is_script && is_numbered => Diagnostic::error(
            codes::NEAR_MISS_NAME,
            format!("{}: is not a name of {tool}, which would pass it over without a word", file.name()),
        )
        .at(place())
        .help(match repair(base, names.is_name) {
            Some(name) => format!("if it is a migration, name it {name}"),
            None => format!("the names are {form}"),
        })
        .help("if it is none, move it out of the folder"),
        _ if is_script => Diagnostic::warning(
            codes::NEAR_MISS_NAME,
            format!("{}: is not read, because it has no name of {tool}", file.name()),
        )
        .at(place())
        .help(format!("the names are {form}")),
        _ => return None,
    };
    Some(diagnostic)
}

/// Where the layout reads no subfolders: those that hold scripts are spoken of, if the folder itself is one of migrations.
pub(super) fn unread_subfolders(folder: &Folder, reading: &mut Reading) {
    if reading.migrations.is_empty() {
        return;
    }
    for (subfolder, count) in folder.scripts_below() {
        let files = if count == 1 { "file that is" } else { "files that are" };
        let roots: Vec<_> = folder.roots().iter().map(|root| format!("--dir {} ", root.display())).collect();
        let roots = roots.concat();
        reading.diagnostics.push(
            Diagnostic::note(codes::SUBFOLDER, format!("{}: holds {count} .sql {files} not read", subfolder.display()))
                .at(Place::path(subfolder.display().to_string()))
                .help(format!("if they belong to this set too: {roots}--dir {}", subfolder.display())),
        );
    }
}

/// The nearest legal name, if one can be told.
fn repair(name: &str, is_name: fn(&str) -> bool) -> Option<String> {
    let mut plain = name.trim().trim_end_matches('~').to_owned();
    for ending in [".bak", ".orig", ".old", ".txt", ".tmp"] {
        plain = strip_ending(&plain, ending).map(str::to_owned).unwrap_or(plain);
    }
    while plain.contains("..") {
        plain = plain.replace("..", ".");
    }
    // `-` after the version, and the endings in capitals.
    let (digits, rest) = leading_digits(&plain)?;
    let (stem, endings) = rest.split_once('.').unwrap_or((rest, "sql"));
    let stem = stem.trim_start_matches(['-', '_', ' ', '.']).replace(' ', "_");
    let lower = endings.to_ascii_lowercase();
    [format!("{digits}_{stem}.{lower}"), format!("{digits}_{stem}.up.{lower}"), plain.clone()]
        .into_iter()
        .find(|candidate| candidate != name && is_name(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_perhaps_meant_as_a_migration_is_spoken_of() {
        let is_name = |name: &str| leading_digits(name).is_some_and(|(_, rest)| rest.starts_with("_x.up.sql"));
        let names = Names { tool: "tool", form: "1_x.up.sql", is_name };
        for (name, expected) in [
            ("README.md", None),
            ("LICENSE", None),
            ("30_x", Some("if it is a migration, name it 30_x.up.sql")),
            ("embed.go", None),
            ("picture.png", None),
            ("30_x.up..sql", Some("if it is a migration, name it 30_x.up.sql")),
            ("30-x.UP.sql", Some("if it is a migration, name it 30_x.up.sql")),
            ("30_x.up.sql.bak", Some("if it is a migration, name it 30_x.up.sql")),
            ("30_x.sql", Some("if it is a migration, name it 30_x.up.sql")),
            ("30_y.sql", Some("the names are 1_x.up.sql")),
            ("schema.sql", Some("the names are 1_x.up.sql")),
        ] {
            let folder = Folder::embedded("m", [(name, "")]);
            let help = judge(&folder.files()[0], &names).map(|said| said.help[0].clone());
            assert_eq!(help.as_deref(), expected, "{name}");
        }
        let go = judge(&Folder::embedded("m", [("3_x.go", "")]).files()[0], &names).unwrap();
        assert_eq!(go.message, "3_x.go: is Go, which tool does not run and is not run here");
    }
}
