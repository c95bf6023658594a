//! A PostgreSQL database of a test's own.

use super::{Postgres, Psql, said, said_of, unique_name};

/// Schemas of the server's own and what is named like ours are left out.
const CONTENTS: &str = r"
create temporary view relation as
select c.*, n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\_temp%'
and c.relname not like 'migrate\_%';
select relkind::text || ' ' || name from relation where relkind <> 'i' order by name;
select name || '.' || attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
from relation join pg_attribute on attrelid = relation.oid
where relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped order by name, attnum;
select pg_get_indexdef(indexrelid) || case when indisvalid and indisready and indislive then '' else ' INVALID' end
from pg_index join relation on indrelid = relation.oid order by 1;
select name || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
from pg_constraint join relation on conrelid = relation.oid order by 1;
select name || ' is a partition of ' || inhparent::regclass::text from pg_inherits join relation on inhrelid = relation.oid
where relkind <> 'i' order by 1;
select enumtypid::regtype::text || ' ' || enumlabel from pg_enum order by 1, enumsortorder;
select format('select %L || row::text from %s as row order by 1', name || ' ', oid::regclass)
from relation where relkind = 'r' order by name
\gexec
";

/// A database that is dropped with the value, whoever is still connected.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Postgres,
    name: String,
}

impl<'s> Database<'s> {
    pub(super) fn create(server: &'s Postgres) -> Self {
        let name = unique_name();
        // Copying through the log is for templates that others write to, and slower.
        let strategy = if server.version() >= 150_000 { " strategy file_copy" } else { "" };
        server.psql("postgres", &format!("create database {name}{strategy}"));
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

    /// Everything in it but what belongs to us: each object's definition, each table's rows.
    ///
    /// # Panics
    /// If the server says no.
    pub fn contents(&self) -> String {
        self.feed(CONTENTS)
    }

    /// What `psql` prints for a whole script, commands of its own among it.
    ///
    /// # Panics
    /// If the server says no.
    pub fn feed(&self, script: &str) -> String {
        let mut psql = self.server.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-f", "-"]);
        said_of(&mut psql, script)
    }

    /// All of it as `pg_dump` writes it: a plain script.
    ///
    /// # Errors
    /// With what it says where it refuses.
    ///
    /// # Panics
    /// If there is no `pg_dump`.
    pub fn dump(&self) -> Result<String, String> {
        let mut dump = self.server.client("pg_dump");
        let output = dump.args(["--no-owner", "--no-privileges", "-d", &self.url()]).output().expect("pg_dump starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
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
