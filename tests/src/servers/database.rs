//! A database of a test's own.

use super::postgres::unique_name;
use super::{Postgres, Psql, said};

/// A database that is dropped with the value, whoever is still connected.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Postgres,
    name: String,
}

impl<'s> Database<'s> {
    pub(super) fn create(server: &'s Postgres) -> Self {
        let name = unique_name();
        server.psql("postgres", &format!("create database {name}"));
        Self { server, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn server(&self) -> &'s Postgres {
        self.server
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its URL by way of something that listens at `address` and passes on to the server.
    pub fn url_by(&self, address: &str) -> String {
        self.url().replacen(&self.server.address(), address, 1)
    }

    /// What `psql` prints: a row a line, cells apart by `|`.
    ///
    /// # Panics
    /// If the server says no.
    pub fn psql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }

    /// A client of its own.
    ///
    /// # Panics
    /// If it cannot connect.
    pub fn client(&self) -> Psql {
        Psql::connect(self.server, &self.url())
    }

    /// The processes that serve it.
    ///
    /// # Panics
    /// If the server does not say.
    pub fn backend_pids(&self) -> Vec<u32> {
        self.server.backend_pids(&self.name)
    }

    /// Its schema as `pg_dump` writes it, without comments and what changes from run to run. Needs a `pg_dump` that is
    /// not older than the server.
    ///
    /// # Panics
    /// If it cannot be dumped.
    pub fn schema(&self) -> String {
        let mut dump = self.server.client("pg_dump");
        let text = said(dump.args(["-s", "--no-owner", "--no-privileges", "-d", &self.url()]));
        let lines = text.lines().filter(|line| {
            let noise = ["--", "\\restrict", "\\unrestrict", "SET ", "SELECT pg_catalog.set_config("];
            !line.is_empty() && !noise.iter().any(|start| line.starts_with(start))
        });
        lines.fold(String::new(), |schema, line| schema + line + "\n")
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // The server may be dead on purpose, and a second panic would end the process.
        let mut psql = self.server.client("psql");
        psql.args(["-X", "-q", "-d", &self.server.url("postgres"), "-c"]);
        let _ = psql.arg(format!("drop database if exists {} with (force)", self.name)).output();
    }
}
