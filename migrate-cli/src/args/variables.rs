//! The `MIGRATE_…` variable of every flag.
//!
//! A variable is what its flag would be: it is put among the arguments unless the flag, or one that excludes it, was
//! typed. Clap's own `env` reads the process, which a library must not.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use migrate_core::{Diagnostic, Version, diagnostic::codes};

use super::Cli;
use crate::config::Spec;
use crate::config::values::switch;
use crate::database_url::DatabaseUrl;
use crate::environment::Environment;

/// What was typed, completed from variables.
#[derive(Debug)]
pub struct Parsed {
    /// The arguments.
    pub cli: Cli,
    /// Flags that came from a variable: the flag without `--`, and the variable.
    pub variables: BTreeMap<String, String>,
}

/// Why arguments could not be understood.
#[derive(Debug)]
pub enum ParseError {
    /// Clap says so; help and version are here too.
    Clap(Box<clap::Error>),
    /// A variable is to blame, or the word is another tool's.
    Told(Box<Diagnostic>),
}

impl From<clap::Error> for ParseError {
    fn from(error: clap::Error) -> Self {
        if error.kind() == clap::error::ErrorKind::InvalidSubcommand
            && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
            && let Some(answer) = super::foreign::answer(word)
        {
            return Self::Told(Box::new(answer));
        }
        let stray =
            [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].iter().find_map(|kind| match error.get(*kind) {
                Some(ContextValue::String(word)) => Some(DatabaseUrl::new(word.as_str())).filter(looks_like_url),
                _ => None,
            });
        if let Some(url) = stray {
            return Self::Told(Box::new(
                Diagnostic::error(codes::USAGE, "a database is named with -d")
                    .help(format!("like this: migrate up -d {url}")),
            ));
        }
        how_far(&error).map_or_else(|| Self::Clap(Box::new(error)), |told| Self::Told(Box::new(told)))
    }
}

/// `migrate down 3`, as several tools have it: some take back three, others go to version 3.
fn how_far(error: &clap::Error) -> Option<Diagnostic> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let usage = error.get(ContextKind::Usage)?.to_string();
    let command = ["up", "down"].into_iter().find(|command| usage.contains(&format!("migrate {command} ")))?;
    let is_version = word.starts_with(|first: char| first.is_ascii_digit()) && word.parse::<Version>().is_ok();
    let diagnostic = is_version.then(|| Diagnostic::error(codes::USAGE, "how far is said with a flag"))?;
    let diagnostic = match word.parse::<usize>() {
        Ok(steps) => diagnostic.help(format!("so many migrations: migrate {command} --steps {steps}")),
        Err(_) => diagnostic,
    };
    Some(diagnostic.help(format!("to this version:    migrate {command} --to {word}")))
}

fn looks_like_url(url: &DatabaseUrl) -> bool {
    let text = url.reveal();
    !text.starts_with('-') && (text.contains("://") || text.contains('@') || text.starts_with("sqlite:"))
}

/// A phase to run to says nothing about the phase of a new migration, and the tool that one comes from nothing about
/// where a route begins.
const NOT_FOR: [(&str, &str); 2] = [("new", "phase"), ("plan", "from")];

/// Reads arguments, the program's name first, and the variables of flags that are not among them.
///
/// # Errors
/// If something is unknown, missing or has a bad value.
pub fn parse(args: &[OsString], environment: &Environment) -> Result<Parsed, ParseError> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let (leaf, leaf_matches) = leaf(&command, &matches);
    let given = from_variables(leaf, leaf_matches, environment).map_err(ParseError::Told)?;

    let mut all = args.to_vec();
    let end = all.iter().position(|arg| arg == "--").unwrap_or(all.len());
    all.splice(end..end, given.iter().flat_map(|given| given.args.iter().map(OsString::from)));
    let variables = given.into_iter().map(|given| (given.flag, given.variable)).collect();
    let parsed = command.try_get_matches_from_mut(&all).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Parsed { cli, variables }),
        // What was typed had been understood before.
        Err(error) => Err(ParseError::Told(Box::new(blame(&error, &variables)))),
    }
}

struct Given {
    flag: String,
    variable: String,
    args: Vec<String>,
}

fn from_variables(
    command: &Command,
    matches: &ArgMatches,
    environment: &Environment,
) -> Result<Vec<Given>, Box<Diagnostic>> {
    let mut given: Vec<Given> = Vec::new();
    // DATABASE_URL is everybody's: what is meant for us alone goes before it.
    let ours = |long: &str| variable(long);
    let theirs = |long: &str| if long == "database" { "DATABASE_URL".to_owned() } else { String::new() };
    for name in [&ours as &dyn Fn(&str) -> String, &theirs] {
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long().filter(|long| !NOT_FOR.contains(&(command.get_name(), *long))) else {
                continue;
            };
            let variable = name(long);
            let Some(value) = environment.get(&variable) else { continue };
            let excluded = command.get_arguments().filter(|other| exclude(command, arg, other)).any(|other| {
                is_typed(matches, other) || given.iter().any(|given| Some(given.flag.as_str()) == other.get_long())
            });
            if excluded {
                continue;
            }
            let args = arguments(arg, long, value)
                .map_err(|problem| Diagnostic::error(codes::USAGE, format!("the variable {variable} {problem}")))?;
            if !args.is_empty() {
                given.push(Given { flag: long.to_owned(), variable, args });
            }
        }
    }
    Ok(given)
}

/// The variable of a flag.
pub fn variable(long: &str) -> String {
    match long {
        "database" => "MIGRATE_DATABASE_URL".to_owned(),
        _ => format!("MIGRATE_{}", long.to_ascii_uppercase().replace('-', "_")),
    }
}

/// What would be typed for a variable's value.
fn arguments(arg: &Arg, long: &str, value: &str) -> Result<Vec<String>, String> {
    match arg.get_action() {
        ArgAction::SetTrue => match switch(value) {
            Some(true) => Ok(vec![format!("--{long}")]),
            Some(false) => Ok(vec![]),
            None => Err("is neither true nor false".to_owned()),
        },
        ArgAction::Count => {
            let count: u8 = value.parse().map_err(|_| "is no small number".to_owned())?;
            Ok((0..count).map(|_| format!("--{long}")).collect())
        }
        ArgAction::Append => Ok(value.split(',').map(|part| format!("--{long}={}", part.trim())).collect()),
        ArgAction::Set => Ok(vec![format!("--{long}={value}")]),
        _ => Ok(vec![]),
    }
}

/// Clap keeps a conflict with the one argument that declares it.
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let declares =
        |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id());
    one.get_id() == other.get_id() || declares(one, other) || declares(other, one)
}

fn is_typed(matches: &ArgMatches, arg: &Arg) -> bool {
    matches.try_contains_id(arg.get_id().as_str()).is_ok()
        && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

fn leaf<'a>(mut command: &'a Command, mut matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        let Some(next) = command.find_subcommand(name) else { break };
        (command, matches) = (next, inner);
    }
    (command, matches)
}

fn blame(error: &clap::Error, variables: &BTreeMap<String, String>) -> Diagnostic {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.trim_start_matches("--").split(' ').next().unwrap_or_default(),
        _ => "",
    };
    let diagnostic = Diagnostic::error(codes::USAGE, message);
    if let Some(variable) = variables.get(flag) {
        return diagnostic.help(format!("it comes from the variable {variable}"));
    }
    let names: Vec<_> = variables.values().map(String::as_str).collect();
    diagnostic.help(format!("these variables are set: {}", names.join(", ")))
}

/// A remark on every variable that is almost one of ours.
pub fn near_misses(environment: &Environment) -> Vec<Diagnostic> {
    let mut known = vec![];
    collect(&Cli::command(), &mut known);
    known.extend(Spec::ALL.iter().filter_map(Spec::variable));
    let mut remarks: Vec<_> = environment
        .names()
        .filter(|name| name.starts_with("MIGRATE_") && !known.iter().any(|known| known == name))
        .filter_map(|name| {
            let close = |known: &&String| {
                strsim::osa_distance(name, known) <= 2 || known.strip_suffix("_URL").is_some_and(|short| short == name)
            };
            let meant = known.iter().find(close)?;
            Some(
                Diagnostic::warning(codes::USAGE, format!("{name} is set, but is not a variable of migrate"))
                    .help(format!("did you mean {meant}?")),
            )
        })
        .collect();
    remarks.dedup();
    remarks
}

fn collect(command: &Command, known: &mut Vec<String>) {
    known.extend(command.get_arguments().filter_map(Arg::get_long).map(variable));
    for inner in command.get_subcommands() {
        collect(inner, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn parsed(line: &str, pairs: &[(&str, &str)]) -> Parsed {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        match parse(&args, &environment(pairs)) {
            Ok(parsed) => parsed,
            Err(error) => panic!("{line}: {error:?}"),
        }
    }

    fn told(line: &str, pairs: &[(&str, &str)]) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        match parse(&args, &environment(pairs)) {
            Ok(parsed) => panic!("{parsed:?}"),
            Err(ParseError::Told(told)) => format!("{} | {}", told.message, told.help.join(" | ")),
            Err(ParseError::Clap(error)) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    fn database(parsed: &Parsed) -> Option<&str> {
        parsed.cli.common.database.as_ref().map(|text| text.0.as_str())
    }

    #[test]
    fn the_commands_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_goes_before_its_variable() {
        let environment = [("MIGRATE_DATABASE_URL", "sqlite:b"), ("DATABASE_URL", "sqlite:c")];
        assert_eq!(database(&parsed("migrate up -d sqlite:a", &environment)), Some("sqlite:a"));
        let from_variable = parsed("migrate up", &environment);
        assert_eq!(database(&from_variable), Some("sqlite:b"));
        assert_eq!(from_variable.variables["database"], "MIGRATE_DATABASE_URL");
        assert_eq!(database(&parsed("migrate up", &environment[1..])), Some("sqlite:c"));
        assert_eq!(database(&parsed("migrate status --database-url sqlite:a", &[])), Some("sqlite:a"));
    }

    #[test]
    fn what_is_typed_silences_what_it_excludes() {
        let parsed = parsed("migrate up --database-file f --to 3", &[("DATABASE_URL", "x"), ("MIGRATE_STEPS", "2")]);
        assert_eq!((database(&parsed), parsed.variables.len()), (None, 0));
    }

    #[test]
    fn variables_of_all_kinds() {
        let environment = [
            ("MIGRATE_YES", "true"),
            ("MIGRATE_JSON", "0"),
            ("MIGRATE_VERBOSE", "2"),
            ("MIGRATE_DIR", "a, b"),
            ("MIGRATE_LOCK_WAIT", "3m"),
            ("MIGRATE_LAYOUT", ""),
        ];
        let Cli { common, command } = parsed("migrate up", &environment).cli;
        assert_eq!((common.yes, common.json, common.verbose, common.layout), (true, false, 2, None));
        assert_eq!(common.dir, ["a", "b"]);
        let super::super::Command::Up(up) = command else { panic!() };
        assert_eq!(up.run.lock_wait.as_deref(), Some("3m"));
        // A flag of another command is not looked at here.
        assert!(!parsed("migrate status", &environment).variables.contains_key("lock-wait"));
        assert!(parsed("migrate new x", &[("MIGRATE_PHASE", "all")]).variables.is_empty());
        assert!(parsed("migrate db reset", &environment).cli.common.yes);
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        assert_eq!(
            told("migrate up", &[("MIGRATE_YES", "maybe")]),
            "the variable MIGRATE_YES is neither true nor false | "
        );
        assert_eq!(
            told("migrate up", &[("MIGRATE_TO", "v1")]),
            "invalid value 'v1' for '--to <VERSION>': `v1` is not a version: expected numbers separated by dots, \
             like 3 or 2.1.0 | it comes from the variable MIGRATE_TO"
        );
    }

    #[test]
    fn what_is_typed_wrong_is_answered() {
        for (line, answer) in [
            ("migrate run", "there is no `migrate run` here | migrate up applies what is pending"),
            ("migrate upp", "error: unrecognized subcommand 'upp'"),
            ("migrate up --too 3", "error: unexpected argument '--too' found"),
            ("migrate up --to 3 --steps 1", "error: the argument '--to <VERSION>' cannot be used with '--steps <N>'"),
            ("migrate down --steps 0", "error: invalid value '0' for '--steps <N>': expected a number from 1"),
            ("migrate resolve 3", "error: the following required arguments were not provided:"),
            ("migrate resolve 3 --statement 2", "error: the following required arguments were not provided:"),
            (
                "migrate resolve 3 --applied --not-applied",
                "error: the argument '--applied' cannot be used with '--not-applied'",
            ),
            ("migrate new x --phase pre", "error: the following required arguments were not provided:"),
        ] {
            assert_eq!(told(line, &[]), answer, "{line}");
        }
    }

    #[test]
    fn a_variable_that_is_almost_ours_is_remarked_on() {
        let remarks = near_misses(&environment(&[
            ("MIGRATE_LOCK_WIAT", "1s"),
            ("MIGRATE_DATABASE", "x"),
            ("MIGRATE_TO", "1"),
            ("MIGRATE_SOMETHING_ELSE", "x"),
        ]));
        let help: Vec<_> = remarks.iter().map(|remark| remark.help.join(" ")).collect();
        assert_eq!(help, ["did you mean MIGRATE_DATABASE_URL?", "did you mean MIGRATE_LOCK_WAIT?"]);
    }
}
