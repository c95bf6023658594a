//! A database of a test's own.

use super::{Client, MySql, contents};
use crate::servers::unique_name;

/// A database that is dropped with the value, whoever is still connected.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s MySql,
    name: String,
}

impl<'s> Database<'s> {
    pub(super) fn create(server: &'s MySql) -> Self {
        let name = unique_name();
        server.sql("", &format!("create database {name}"));
        Self { server, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn server(&self) -> &'s MySql {
        self.server
    }

    /// Its URL, for the user `test`.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its URL by way of something that listens at `address` and passes on to the server.
    pub fn url_by(&self, address: &str) -> String {
        self.url().replacen(&self.server.address(), address, 1)
    }

    /// What the native client prints for statements apart by `;`: a row a line, cells apart by tabs, no header.
    ///
    /// # Panics
    /// If the server says no.
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }

    /// Runs a script as people do, `mysql database < script`, and returns what the client prints. It understands
    /// `DELIMITER`.
    ///
    /// # Errors
    /// With what it says where the server refuses a statement. It stops there.
    pub fn feed(&self, script: &str) -> Result<String, String> {
        self.server.feed(&self.name, script)
    }

    /// A client of its own.
    ///
    /// # Panics
    /// If it cannot connect.
    pub fn client(&self) -> Client {
        Client::connect(self.server, &self.server.address(), &self.name)
    }

    /// A client of its own by way of something that listens at `address`.
    ///
    /// # Panics
    /// If it cannot connect.
    pub fn client_by(&self, address: &str) -> Client {
        Client::connect(self.server, address, &self.name)
    }

    /// The connections that use it, as `KILL` calls them.
    ///
    /// # Panics
    /// If the server does not say.
    pub fn processes(&self) -> Vec<u64> {
        self.server.processes(&self.name)
    }

    /// Everything in it but tables named like ours: each object's definition, each table's rows.
    ///
    /// # Panics
    /// If the server says no.
    pub fn contents(&self) -> String {
        let rows = contents::rows(self);
        contents::definitions(self) + &rows
    }

    /// [`contents`](Self::contents) of the database of this name on another node of a cluster.
    ///
    /// # Panics
    /// If the server says no.
    pub fn contents_on(&self, node: &MySql) -> String {
        // It is one database: this one drops it.
        std::mem::ManuallyDrop::new(Database { server: node, name: self.name.clone() }).contents()
    }

    /// Each object's definition, without those of tables named like ours.
    ///
    /// # Panics
    /// If the server says no.
    pub fn schema(&self) -> String {
        contents::definitions(self)
    }

    /// All of it as `mysqldump` or `mariadb-dump` writes it, routines and events included: a script.
    ///
    /// # Errors
    /// With what it says where it refuses.
    ///
    /// # Panics
    /// If there is no such program.
    pub fn dump(&self) -> Result<String, String> {
        let mut dump = self.server.dump_program();
        let output = dump.args(["--routines", "--events", &self.name]).output().expect("the dump program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // The server may be dead on purpose, and a second panic would end the process.
        self.server.resume_before_the_end();
        // Whoever holds a lock on one of its tables would keep us waiting, by default for a year.
        let ids = self.server.try_sql("", &self.server.processes_query(&self.name)).unwrap_or_default();
        let kills = ids.lines().fold(String::new(), |sql, id| sql + "kill " + id + ";");
        if !kills.is_empty() {
            let _ = self.server.try_force(&kills);
        }
        let _ = self.server.try_sql("", &format!("set lock_wait_timeout = 20; drop database if exists {}", self.name));
    }
}
