//! The macro behind `embed_migrations!` of the backend crates.
//!
//! A macro that reads files must be a crate of its own. Nobody uses this one directly: a backend wraps [`embed`] and
//! passes the path under which its users reach `migrate-core`, and its engine. Nothing is known about engines here but
//! what `migrate-core` knows; nothing is parsed but the macro's own arguments.

use std::path::PathBuf;

use migrate_core::backend::Atomicity;
use migrate_core::layout::{File, Folder, without_credentials};
use migrate_core::set::validate;
use migrate_core::sql::classify;
use migrate_core::sql::script::Classify;
use migrate_core::{Diagnostic, EngineNames, MigrationSet, ReadOptions, Severity};
use proc_macro::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// `embed!((path::to::core) ENGINE "folder")`: an expression of type `MigrationSet`.
///
/// The folder counts from the manifest of the crate that is compiled. Everything that is wrong with the set (names,
/// duplicates, directives, scripts that do not end) is an error at compile time that names the file and the line.
#[proc_macro]
pub fn embed(input: TokenStream) -> TokenStream {
    expand(input).unwrap_or_else(|message| {
        let message = TokenTree::Literal(Literal::string(&message));
        let arguments = TokenTree::Group(Group::new(Delimiter::Brace, message.into()));
        let name = "::core::compile_error!".parse().unwrap_or_else(|_| TokenStream::new());
        name.into_iter().chain([arguments]).collect()
    })
}

fn expand(input: TokenStream) -> Result<TokenStream, String> {
    let Arguments { core, engine, folder } = arguments(input)?;
    let (engine, classify, atomicity, constant) = match engine.as_str() {
        "postgres" => (EngineNames::POSTGRES, classify::postgres as Classify, Atomicity::Script, "POSTGRES"),
        "mysql" => (EngineNames::MYSQL, classify::mysql as Classify, Atomicity::Statement, "MYSQL"),
        "mariadb" => (EngineNames::MARIADB, classify::mysql as Classify, Atomicity::Statement, "MARIADB"),
        "sqlite" => (EngineNames::SQLITE, classify::sqlite as Classify, Atomicity::Script, "SQLITE"),
        other => return Err(format!("embed_migrations: no engine is called `{other}`")),
    };
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let (listed, problems) = Folder::read(&[root.join(&folder)]);
    check(&problems)?;
    let mut options = ReadOptions::new(engine);
    // A file above the folder may have told: it is not there any more where the set is used.
    let (layout, _) = MigrationSet::layout_of(&listed, &options).map_err(|problem| problem.to_string())?;
    options.layout = Some(layout.name().to_owned());
    check(&listed.tree().problems)?;
    let files = texts(if layout.reads_subfolders() { &listed.tree().files } else { listed.files() })?;
    let settings: Vec<File> = layout.settings().iter().filter_map(|name| listed.above(name)).collect();
    let mut above = texts(&settings)?;
    for settings in &mut above {
        settings.text = without_credentials(&settings.text);
    }
    // Named as the user wrote it, here and at run time.
    let named =
        |texts: &[Included]| texts.iter().map(|text| (text.name.clone(), text.text.clone())).collect::<Vec<_>>();
    let embedded = Folder::embedded(folder.clone(), named(&files)).with_above(named(&above));
    let loaded = MigrationSet::from_folder(&embedded, &options).or_else(|problems| {
        check(&problems)?;
        Err("embed_migrations: the folder is not a set of migrations".to_owned())
    })?;
    let set = &loaded.set;
    check(&validate::scripts(set.iter(), set.snapshots(), &engine.syntax, classify, atomicity))?;

    let folder = Literal::string(&folder);
    let (files, above, layout) = (included(&files), written_out(&above), Literal::string(layout.name()));
    let expression = format!(
        "{{
            let folder = {CORE}::layout::Folder::embedded::<&str, &str>({folder}, [{files}]);
            let folder = folder.with_above::<&str, &str>([{above}]);
            let mut options = {CORE}::ReadOptions::new({CORE}::EngineNames::{constant});
            options.layout = ::core::option::Option::Some(::std::string::String::from({layout}));
            match {CORE}::MigrationSet::from_folder(&folder, &options) {{
                ::core::result::Result::Ok(loaded) => loaded.set,
                ::core::result::Result::Err(problems) => {{
                    ::core::panic!(\"the set was checked when it was compiled in, and now: {{}}\", problems[0])
                }}
            }}
        }}"
    );
    let expression: TokenStream = expression.parse().map_err(|error| format!("embed_migrations: {error}"))?;
    Ok(with_core(expression, &core))
}

/// Stands for the path to the core until its tokens take its place.
const CORE: &str = "__migrate_core";

fn with_core(tokens: TokenStream, core: &TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) if ident.to_string() == CORE => out.extend(core.clone()),
            TokenTree::Group(group) => {
                let inner = Group::new(group.delimiter(), with_core(group.stream(), core));
                out.extend([TokenTree::Group(inner)]);
            }
            other => out.extend([other]),
        }
    }
    out
}

/// A file that is compiled in.
struct Included {
    name: String,
    /// Absolute.
    path: PathBuf,
    text: String,
}

/// Everything a layout may read.
fn texts(files: &[File]) -> Result<Vec<Included>, String> {
    let mut texts = Vec::new();
    for file in files {
        let source = match file.source() {
            Ok(source) => source,
            Err(problem) if file.name().to_ascii_lowercase().ends_with(".sql") => return Err(problem.to_string()),
            // Whatever it is, it is no text; the layout judges its name.
            Err(_) => continue,
        };
        let path = PathBuf::from(file.path());
        texts.push(Included { name: file.name().to_owned(), path, text: source.file().to_owned() });
    }
    Ok(texts)
}

/// The pairs of a name and an `include_str!`.
fn included(texts: &[Included]) -> String {
    let pair = |text: &Included| {
        let path = Literal::string(&text.path.to_string_lossy());
        format!("({}, ::core::include_str!({path}))", Literal::string(&text.name))
    };
    texts.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// The pairs of a name and a text that is not all of its file. The compiler looks at the file as well, so that it
/// notices when it changes; what it has seen and nobody uses is not in the program.
fn written_out(texts: &[Included]) -> String {
    let pair = |text: &Included| {
        let (path, name) = (Literal::string(&text.path.to_string_lossy()), Literal::string(&text.name));
        let text = Literal::string(&text.text);
        format!("({name}, {{ const _: &str = ::core::include_str!({path}); {text} }})")
    };
    texts.iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// All errors among `problems` in one message.
fn check(problems: &[Diagnostic]) -> Result<(), String> {
    let errors: Vec<String> =
        problems.iter().filter(|problem| problem.severity >= Severity::Refused).map(ToString::to_string).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

struct Arguments {
    /// Tokens and not text: `$crate` means something only as a token.
    core: TokenStream,
    engine: String,
    folder: String,
}

fn arguments(input: TokenStream) -> Result<Arguments, String> {
    let usage =
        || "embed_migrations: expected one string: the folder, as in embed_migrations!(\"migrations\")".to_owned();
    let mut tokens = input.into_iter();
    let core = match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => group.stream(),
        _ => return Err(usage()),
    };
    let engine = match tokens.next() {
        Some(TokenTree::Ident(engine)) => engine.to_string(),
        _ => return Err(usage()),
    };
    let folder = match tokens.next() {
        Some(tree) => string(tree).ok_or_else(usage)?,
        None => return Err(usage()),
    };
    if tokens.next().is_some() {
        return Err(usage());
    }
    Ok(Arguments { core, engine, folder })
}

/// The text of a plain or raw string literal; one with escapes is none that names a folder.
fn string(tree: TokenTree) -> Option<String> {
    let text = match tree {
        TokenTree::Literal(literal) => literal.to_string(),
        // A literal that came through `macro_rules!` is wrapped in a group without delimiters.
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            return string(group.stream().into_iter().next()?);
        }
        _ => return None,
    };
    let inner = text.strip_prefix('r').unwrap_or(&text).trim_matches('#').strip_prefix('"')?.strip_suffix('"')?;
    (text.starts_with('r') || !inner.contains('\\')).then(|| inner.to_owned())
}
