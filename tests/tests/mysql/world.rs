//! What a statement can change in a server, beyond its database.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use migrate_tests::servers::mysql::Database;
use migrate_tests::servers::{Flavour, MySql as Server};

use super::FLAVOUR;
use super::kinds::Kind;

/// A database and what else of the server has its name: other databases, accounts, servers, tablespaces. All of it is
/// dropped with the value.
pub(crate) struct World<'s> {
    pub(crate) database: Database<'s>,
    /// What InnoDB called the tables, and which was which.
    before: BTreeMap<String, String>,
}

impl<'s> World<'s> {
    pub(crate) fn of(server: &'s Server) -> Self {
        Self { database: server.database(), before: BTreeMap::new() }
    }

    /// The text of a kind, about this database.
    pub(crate) fn named(&self, text: &str) -> String {
        let accounts = ["u", "v", "r"].into_iter().fold(text.to_owned(), |text, account| {
            text.replace(&format!("{{db}}_{account}"), &format!("{}_{account}", self.short()))
        });
        accounts.replace("{db}", self.database.name())
    }

    /// Accounts have at most 32 characters.
    fn short(&self) -> String {
        self.database.name().replace("migrate_test_", "m")
    }

    /// The statements of a kind before the one that it is about.
    pub(crate) fn setup(&self, kind: &Kind) -> String {
        kind.setup.iter().fold(String::new(), |text, statement| text + &self.named(statement) + ";\n")
    }

    /// From now on [`contents`](Self::contents) says which of the tables that are there now is which.
    pub(crate) fn remember(&mut self) {
        self.before = self.tables().into_iter().map(|(name, number)| (number, name)).collect();
    }

    /// Everything but the rows that tell what ran: those of the table `ran`.
    pub(crate) fn contents(&self) -> String {
        let text = self.database.contents();
        let mut text: String = text.lines().filter(|line| !line.starts_with("ran\t")).fold(String::new(), joined);
        text.push_str(&self.outside());
        for (name, number) in self.tables() {
            let was = self.before.get(&number).map_or("new", String::as_str);
            let _ = writeln!(text, "table {name} was {was}");
        }
        text
    }

    /// [`contents`](Self::contents), unless one of the tables cannot be read.
    pub(crate) fn contents_if_readable(&self) -> Option<String> {
        let tables = self.database.sql(
            "select table_name from information_schema.tables where table_schema = database() \
             and table_type = 'BASE TABLE'",
        );
        let is_readable = |table: &str| self.database.feed(&format!("select 1 from `{table}` limit 0")).is_ok();
        tables.lines().all(is_readable).then(|| self.contents())
    }

    /// The rows of the table `ran`, sorted.
    pub(crate) fn ran(&self) -> String {
        self.database.sql("select what from ran order by what").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What has the name of the database, outside it.
    fn outside(&self) -> String {
        let mut script = format!(
            "select 'schema', schema_name, default_character_set_name from information_schema.schemata \
             where schema_name like '{like}' order by 2;\n\
             select 'table', table_schema, table_name from information_schema.tables where table_schema like '{like}' \
             order by 2, 3;\n\
             select 'server', server_name, host, db, username from mysql.servers where server_name like '{like}' order by 2;\n\
             select 'user', user, host, plugin, authentication_string <> '' from mysql.user where user like '{accounts}' \
             order by 2, 3;\n",
            like = like(self.database.name()),
            accounts = like(&self.short()),
        );
        for account in self.accounts() {
            let _ = writeln!(script, "show grants for {account};");
        }
        if FLAVOUR == Flavour::MySql {
            let _ = write!(
                script,
                "select 'tablespace', name from information_schema.innodb_tablespaces where name like '{like}' order by 2;\n\
                 select 'default', user, default_role_user from mysql.default_roles where user like '{accounts}' order by 2, 3;\n",
                like = like(self.database.name()),
                accounts = like(&self.short()),
            );
        }
        let text = self.database.sql(&script).replace(self.database.name(), "database");
        text.replace(&self.short(), "account")
    }

    /// As SQL names them.
    fn accounts(&self) -> Vec<String> {
        let role = if FLAVOUR == Flavour::MariaDb { "is_role = 'Y'" } else { "false" };
        let sql = format!(
            "select if({role}, user, concat(user, '@`', host, '`')) from mysql.user where user like '{}' order by 1",
            like(&self.short())
        );
        self.database.sql(&sql).lines().map(str::to_owned).collect()
    }

    /// InnoDB's tables and partitions and the number of each, which it keeps under another name.
    fn tables(&self) -> Vec<(String, String)> {
        let view = if FLAVOUR == Flavour::MySql { "innodb_tables" } else { "innodb_sys_tables" };
        let sql = format!(
            "select substring_index(name, '/', -1), table_id from information_schema.{view} where name like '{}/%' \
             and name not like '%/migrate\\_%' and name not like '%/fts\\_%' and name not like '%/#sql%' order by 1",
            self.database.name().replace('_', "\\_")
        );
        let text = self.database.sql(&sql);
        text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_lowercase(), b.to_owned())).collect()
    }

    fn drop_what_is_outside(&self) -> String {
        let name = self.database.name();
        let mut script = String::new();
        for database in ["n", "2"] {
            let _ = writeln!(script, "drop database if exists {name}_{database};");
        }
        for account in ["u@localhost", "v@localhost"] {
            let _ = writeln!(script, "drop user if exists {}_{account};", self.short());
        }
        let _ = writeln!(script, "drop role if exists {}_r;\ndrop server if exists {name}_s;", self.short());
        script
    }
}

/// What begins with a name and goes on.
fn like(name: &str) -> String {
    format!("{}\\_%", name.replace('_', "\\_"))
}

fn joined(text: String, line: &str) -> String {
    text + line + "\n"
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The server may be dead on purpose.
        let _ = self.database.feed(&self.drop_what_is_outside());
        if FLAVOUR == Flavour::MySql {
            for tablespace in ["ts", "tt"] {
                // What is in it must go first, and is dropped with the database otherwise.
                let name = self.database.name();
                let _ = self.database.feed(&format!("drop table if exists t; drop tablespace {name}_{tablespace}"));
            }
        }
    }
}
