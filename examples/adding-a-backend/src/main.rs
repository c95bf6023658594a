//! The command line of the backend, with every command of `migrate`.

fn main() -> std::process::ExitCode {
    migrate_cli::main(&[Box::new(migrate_toy::cli::ToyCli)])
}
