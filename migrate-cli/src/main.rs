//! The binary `migrate`: the command line with every backend that was compiled in.

fn main() -> std::process::ExitCode {
    migrate_cli::main(&migrate_cli::backends::compiled_in())
}
