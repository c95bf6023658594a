//! The binary `migrate`: every backend that was compiled in.
fn main() {}
