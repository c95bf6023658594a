//! `-- migrate:` comments → values.
