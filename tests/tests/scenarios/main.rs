//! Upgrades as the users of five systems know them, on sets in the shape of theirs, with the traps of the originals, by
//! the built program on each engine that they apply to.
//!
//! | file | holds |
//! |---|---|
//! | `scene` | a project and a database |
//! | `feast` | Feast: Flyway's files, its baseline, its history taken over |
//! | `lakefs` | lakeFS: numbered pairs with their own transactions, a gate in both directions |
//! | `openmetadata` | OpenMetadata: folders of releases, statements that fail half-way, texts that come again |
//! | `aurora` | Apache Aurora: ways back that travel with the database |
//! | `procrastinate` | Procrastinate: a library's own files, in phases |
//!
//! `docs/systems.md` says which scenario is shown where.
#![cfg(unix)]

mod aurora;
mod feast;
mod lakefs;
mod openmetadata;
mod procrastinate;
mod scene;

use migrate_tests::on;
