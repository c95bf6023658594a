//! The macro behind `embed_migrations!` of the backend crates.
//!
//! A macro that reads files must be a crate of its own. Nobody uses this one directly: a backend wraps [`embed`] and
//! passes the path under which its users reach `migrate-core`, and its engine. Nothing is known about engines here but
//! what `migrate-core` knows; nothing is parsed but the macro's own arguments.

use std::path::{Path, PathBuf};

use migrate_core::backend::Atomicity;
use migrate_core::layout::Folder;
use migrate_core::set::embedded::{self, Included};
use migrate_core::set::validate;
use migrate_core::sql::classify;
use migrate_core::sql::script::Classify;
use migrate_core::{Diagnostic, EngineNames, MigrationId, MigrationSet, ReadOptions, Severity};
use proc_macro::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// `embed!((path::to::core) ENGINE "folder")`: an expression of type `MigrationSet`.
///
/// The folder counts from the manifest of the crate that is compiled. Everything that is wrong with the set (names,
/// duplicates, directives, scripts that do not end) is an error at compile time that names the file, the line and the
/// column. What the start of a program asks for is computed here: the set's digest, and where a current database is.
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
    let engine = Engine::called(&engine)?;
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    // As the user wrote it: where the crate lies says nothing about what is wrong.
    let shown = format!("{}{}", root.display(), std::path::MAIN_SEPARATOR);
    let expression = expression(&root, &folder, &engine).map_err(|message| message.replace(&shown, ""))?;
    let expression: TokenStream = expression.parse().map_err(|error| format!("embed_migrations: {error}"))?;
    Ok(with_core(expression, &core))
}

struct Engine {
    names: EngineNames,
    classify: Classify,
    atomicity: Atomicity,
    /// What `names` are called in the core.
    constant: &'static str,
}

impl Engine {
    fn called(name: &str) -> Result<Self, String> {
        let (names, classify, atomicity, constant): (_, Classify, _, _) = match name {
            "postgres" => (EngineNames::POSTGRES, classify::postgres, Atomicity::Script, "POSTGRES"),
            "mysql" => (EngineNames::MYSQL, classify::mysql, Atomicity::Statement, "MYSQL"),
            "mariadb" => (EngineNames::MARIADB, classify::mysql, Atomicity::Statement, "MARIADB"),
            "sqlite" => (EngineNames::SQLITE, classify::sqlite, Atomicity::Script, "SQLITE"),
            other => return Err(format!("embed_migrations: no engine is called `{other}`")),
        };
        Ok(Self { names, classify, atomicity, constant })
    }
}

/// The set that lies in a folder, as an expression; [`CORE`] stands for the path to the core.
fn expression(root: &Path, folder: &str, engine: &Engine) -> Result<String, String> {
    let (listed, problems) = Folder::read(&[root.join(folder)]);
    check(&problems)?;
    let mut options = ReadOptions::new(engine.names);
    // A file above the folder may have told: it is not there any more where the set is used.
    let (layout, _) = MigrationSet::layout_of(&listed, &options).map_err(|problem| problem.to_string())?;
    options.layout = Some(layout.name().to_owned());
    let problem = |problem: Box<Diagnostic>| problem.to_string();
    let files = embedded::included(&listed, layout).map_err(problem)?;
    let above = embedded::included_above(&listed, layout).map_err(problem)?;
    // Named as the user wrote it, here and at run time.
    let named =
        |texts: &[Included]| texts.iter().map(|text| (text.name.clone(), text.text.clone())).collect::<Vec<_>>();
    let compiled_in = Folder::embedded(folder, named(&files)).with_above(named(&above));
    let loaded = MigrationSet::from_folder(&compiled_in, &options).or_else(|problems| {
        check(&problems)?;
        Err("embed_migrations: the folder is not a set of migrations".to_owned())
    })?;
    let set = &loaded.set;
    check(&validate::scripts(set.iter(), set.snapshots(), &engine.names.syntax, engine.classify, engine.atomicity))?;

    let text = Literal::string;
    // What does not come back as it was is looked up in the set.
    let newest = set.last_versioned().map(|newest| (&newest.id, newest.id.to_string()));
    let newest = newest.filter(|(id, name)| name.parse::<MigrationId>().is_ok_and(|parsed| parsed == **id));
    let newest = newest.map_or_else(|| "None".to_owned(), |(_, name)| format!("Some({})", text(&name)));
    let constant = engine.constant;
    Ok(format!(
        "{{
            static EMBEDDED: {CORE}::set::embedded::Embedded = {CORE}::set::embedded::Embedded {{
                folder: {},
                layout: {},
                engine: {CORE}::EngineNames::{constant},
                files: &[{}],
                above: &[{}],
                component: {},
                digest: {},
                newest: ::core::option::Option::{newest},
                calls_back: {},
                origin: if ::core::cfg!(debug_assertions) {{
                    ::core::option::Option::Some({})
                }} else {{
                    ::core::option::Option::None
                }},
            }};
            {CORE}::MigrationSet::embedded(&EMBEDDED)
        }}",
        text(folder),
        text(layout.name()),
        included(&files),
        written_out(&above),
        text(set.component()),
        text(set.digest()),
        !set.callbacks().is_empty(),
        text(&root.join(folder).to_string_lossy()),
    ))
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
