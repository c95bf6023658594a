//! SQL as text: which tokens, which statements, and what kind each statement is.
//!
//! | module | answers |
//! |---|---|
//! | [`syntax`] | what the lexer must know about an engine, as plain data |
//! | [`lexer`] | text → tokens that concatenate to the text |
//! | [`split`] | tokens → statements with exact spans |
//! | [`classify`] | statement → [`Class`]: may it share a transaction, what to do after a crash inside it |
//! | [`directive`] | `-- migrate:` comments → values |
//! | `batch` | `:lo` and `:hi` in a statement that runs over key ranges |
//! | `mask` | text → the same without passwords, or without any literal |
//! | [`script`] | all of it together, owned: what a step of a plan runs |
//! | `fuzzing` | what the fuzz targets look at beyond the public interface |
//!
//! There is no parser here: nothing builds a syntax tree, nothing checks that a statement is legal. The server does.

pub(crate) mod batch;
pub mod classify;
pub mod directive;
pub(crate) mod enums;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod lexer;
pub(crate) mod mask;
pub mod script;
pub mod split;
pub mod statement;
pub mod syntax;

pub use script::Script;
pub use statement::{Class, Recovery, Sharing, Statement, StatementKind, TransactionControl};
pub use syntax::Syntax;
