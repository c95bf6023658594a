//! The command line of `migrate`, as a library: [`run`] with any set of backends, so that a contributor's backend gets
//! a command line too, and tests run in their own process.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     migrate_cli::main(&migrate_cli::backends::compiled_in())
//! }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`args`] | what can be typed, and the variable of every flag |
//! | [`config`] | `migrate.toml`, and where every setting comes from |
//! | [`backends`] | the engines this build can talk to |
//! | [`project`] | what a command works with |
//! | [`commands`] | one file for each command |
//! | [`render`] | what people, programs and GitHub read |
//! | [`screen`] | where it is written to |
//! | [`exit`] | the exit codes |
//!
//! # Features
//! | feature | |
//! |---|---|
//! | `sqlite`, `postgres`, `mysql` (default) | the engines that are compiled in |
//! | `ring` (default) | TLS, its cryptography by ring; it goes before `aws-lc-rs` where both are on |
//! | `aws-lc-rs` | TLS, its cryptography by aws-lc-rs, which needs a C compiler and on some systems `CMake` |
//! | `tls` | TLS, its cryptography by what a program of one's own installs as rustls' default |
//!
//! Without any of the last three no connection is encrypted, and a URL that insists on it is refused.
//!
//! Nothing here reads the environment, the clock of the process or its current folder: [`main`] hands them in.

pub mod args;
pub mod backends;
pub mod backup;
pub mod commands;
pub mod config;
pub mod confirm;
pub mod database_url;
pub mod duration;
pub mod environment;
pub mod exit;
pub mod failure;
pub mod ids;
pub mod password;
pub mod project;
pub mod render;
pub mod screen;
pub mod secret;
pub mod signals;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufReader, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use migrate_core::Diagnostic;
use serde_json::json;

use crate::args::variables::{self, ParseError, Parsed};
use crate::args::{Cli, Common};
use crate::backends::CliBackend;
use crate::commands::Outcome;
use crate::config::Config;
use crate::config::layers::Sources;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::render::json::Document;
use crate::screen::{Io, Screen, Terminal};

/// A whole program: the arguments, the environment and the streams of the process.
pub fn main(backends: &[Box<dyn CliBackend>]) -> ExitCode {
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let terminal = Terminal { stdin: stdin.is_terminal(), stdout: stdout.is_terminal(), stderr: stderr.is_terminal() };
    let io = Io {
        stdin: &mut BufReader::new(stdin),
        // What is colourful is decided by flags; these only translate it for old consoles.
        stdout: &mut anstream::AutoStream::always(stdout),
        stderr: &mut anstream::AutoStream::always(stderr),
        terminal,
        signals: true,
        now: std::time::SystemTime::now(),
    };
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    ExitCode::from(run(backends, std::env::args_os(), variables, Path::new(""), io))
}

/// Carries out one command; the answer is the exit code.
///
/// `args` begin with the program's name. `variables` are the environment. Relative paths start from `cwd`; an empty
/// one is the process's own, and then paths are shown as they were typed.
pub fn run(
    backends: &[Box<dyn CliBackend>],
    args: impl IntoIterator<Item = OsString>,
    variables: BTreeMap<String, String>,
    cwd: &Path,
    io: Io<'_>,
) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut environment = Environment::new(variables);
    let parsed = match parse(&args, &mut environment, cwd) {
        Ok(parsed) => parsed,
        Err(error) => return not_understood(error, &args, &environment, io).code(),
    };
    let cli = &parsed.cli;
    let mut screen = Screen::new(io, &cli.common, &environment);
    let answer = carry_out(backends, &parsed, &environment, cwd, &mut screen);
    finish(cli.command.name(), answer, &mut screen).code()
}

/// Reads the arguments, and again with the variables of the `.env` beside the configuration.
fn parse(args: &[OsString], environment: &mut Environment, cwd: &Path) -> Result<Parsed, ParseError> {
    let parsed = variables::parse(args, environment)?;
    let common = &parsed.cli.common;
    if common.no_env_file {
        return Ok(parsed);
    }
    let config = cwd.join(common.config.as_deref().unwrap_or(Config::FILE));
    let file = config.parent().unwrap_or(Path::new("")).join(".env");
    if environment.read_file(&file).map_err(ParseError::Told)? {
        return variables::parse(args, environment);
    }
    Ok(parsed)
}

fn carry_out(
    backends: &[Box<dyn CliBackend>],
    parsed: &Parsed,
    environment: &Environment,
    cwd: &Path,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Failure> {
    let cli = &parsed.cli;
    if let Some(answer) = commands::alone(cli, cwd, screen) {
        return answer;
    }
    screen.diagnostics(&variables::near_misses(environment));
    let config = Config::load(&Sources {
        cwd,
        file: cli.common.config.as_deref(),
        environment_name: cli.common.env.as_deref(),
        flags: settings(cli),
        placeholders: &cli.common.placeholder,
        variables: &parsed.variables,
        environment,
    })?;
    commands::run(&Project { backends, cli, config, environment, cwd }, screen)
}

fn settings(cli: &Cli) -> Vec<(config::Key, Vec<String>)> {
    let mut settings = cli.common.settings();
    settings.extend(cli.command.settings());
    settings
}

/// Says what is left to say, in the form that was asked for.
fn finish(command: &str, answer: Result<Outcome, Failure>, screen: &mut Screen<'_>) -> Exit {
    match answer {
        Ok(Outcome { exit, result, diagnostics }) => {
            screen.document(&Document::new(command, exit, result, &diagnostics));
            exit
        }
        Err(Failure { exit, diagnostics, report }) => {
            screen.diagnostics(&diagnostics);
            let result = report.map_or(json!({}), |report| json!({ "report": render::json::report(&report) }));
            screen.document(&Document::new(command, exit, result, &diagnostics));
            exit
        }
    }
}

/// Arguments that are no command, and the questions that are not about one: help, version.
fn not_understood(error: ParseError, args: &[OsString], environment: &Environment, io: Io<'_>) -> Exit {
    // What was asked for stands among the arguments even where they make no command.
    let command = args.iter().skip(1).find_map(|arg| arg.to_str().filter(|arg| is_command(arg))).unwrap_or_default();
    let common = Common { json: args.iter().any(|arg| arg == "--json"), ..Common::default() };
    let mut screen = Screen::new(io, &common, environment);
    let diagnostics: Vec<Diagnostic> = match error {
        ParseError::Told(told) => vec![*told],
        ParseError::Clap(error) if !error.use_stderr() => {
            screen.clap(&error);
            return Exit::Done;
        }
        ParseError::Clap(error) => {
            screen.clap(&error);
            screen.document(&Document::new(command, Exit::Usage, json!({ "usage": error.to_string() }), &[]));
            return Exit::Usage;
        }
    };
    finish(command, Err(Failure::from(diagnostics)), &mut screen)
}

fn is_command(word: &str) -> bool {
    use clap::CommandFactory as _;
    Cli::command().find_subcommand(word).is_some()
}
