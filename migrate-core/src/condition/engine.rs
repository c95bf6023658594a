//! What each engine is asked about a condition, and what its answer means. Pure.
//!
//! What an engine does not tell to everybody is unknown, never a guess: PostgreSQL and MySQL do not say how full their
//! disk is, MariaDB does with its plugin DISKS, and the replicas of MySQL are not known to their source.

use std::time::Duration;

use super::{AtLeast, Condition, Outcome, Space, size};
use crate::backend::{Row, Server};
use crate::error::{count, seconds};
use crate::history::format::engine::Engine;
use crate::version::Version;

/// An outcome with its facts.
pub(crate) type Judged = (Outcome, String);

/// What the session itself knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known<'a> {
    pub(crate) server: &'a Server,
    /// Bytes free where the database's files are.
    pub(crate) free: Option<u64>,
}

impl Condition {
    /// The query that tells; `None` where no query is needed, or none would help.
    pub(crate) fn question(&self, engine: Engine) -> Option<String> {
        let sql = match (self, engine) {
            (Self::FreeSpace(_), Engine::Postgres) => "SELECT pg_database_size(current_database()), NULL",
            (Self::FreeSpace(_), Engine::MySql) => {
                "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0), NULL FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE()"
            }
            // The plugin counts in units of 1024 bytes.
            (Self::FreeSpace(_), Engine::MariaDb) => {
                "SELECT (SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE()), (SELECT Available * 1024 FROM information_schema.DISKS \
                 WHERE LEFT(@@datadir, LENGTH(Path)) = Path ORDER BY LENGTH(Path) DESC LIMIT 1)"
            }
            (Self::FreeSpace(_), Engine::Sqlite) => {
                "SELECT page_count * page_size, NULL FROM pragma_page_count, pragma_page_size"
            }
            (Self::Privileges, Engine::Postgres) => {
                "SELECT has_schema_privilege(current_schema(), 'CREATE'), current_user, current_schema(), \
                 (SELECT string_agg(name, ', ') FROM (SELECT c.relname AS name FROM pg_class c \
                 WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p', 'v', 'm', 'S') \
                 AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname LIMIT 3) AS others)"
            }
            // Names of databases in grants are patterns.
            (Self::Privileges, Engine::MySql | Engine::MariaDb) => {
                "SELECT COUNT(DISTINCT PRIVILEGE_TYPE), CURRENT_USER(), DATABASE(), CURRENT_ROLE() FROM (\
                 SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES \
                 WHERE GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''') \
                 UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES \
                 WHERE GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''') \
                 AND DATABASE() LIKE TABLE_SCHEMA) AS granted \
                 WHERE PRIVILEGE_TYPE IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER', 'INDEX', \
                 'REFERENCES')"
            }
            // Other processes of ours wait for the lock.
            (Self::NoOtherSessions, Engine::Postgres) => {
                "SELECT usename, application_name FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid() AND usename IS NOT NULL \
                 AND coalesce(backend_type, 'client backend') = 'client backend' \
                 AND application_name NOT LIKE 'migrate%' AND application_name NOT LIKE '%: migrate %' ORDER BY 1, 2"
            }
            (Self::NoOtherSessions, Engine::MySql) => {
                "SELECT USER, HOST FROM performance_schema.processlist WHERE DB = DATABASE() \
                 AND ID <> CONNECTION_ID() ORDER BY 1, 2"
            }
            (Self::NoOtherSessions, Engine::MariaDb) => {
                "SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
                 AND ID <> CONNECTION_ID() ORDER BY 1, 2"
            }
            // Whoever may not see the lag sees the row without it.
            (Self::ReplicationLag(_), Engine::Postgres) => {
                "SELECT count(*), count(state), floor(extract(epoch FROM max(replay_lag)) * 1000)::bigint \
                 FROM pg_stat_replication"
            }
            (Self::ServerVersion(_), _)
            | (Self::Privileges | Self::NoOtherSessions | Self::ReplicationLag(_), Engine::Sqlite)
            | (Self::ReplicationLag(_), Engine::MySql | Engine::MariaDb) => return None,
        };
        Some(sql.to_owned())
    }

    /// What the answer means. `rows` is what [`question`](Self::question) gave.
    pub(crate) fn judge(&self, engine: Engine, known: &Known<'_>, rows: &[Row]) -> Judged {
        match self {
            Self::FreeSpace(space) => free_space(*space, known.free, rows),
            Self::ServerVersion(versions) => server_version(versions, engine, &known.server.product),
            Self::Privileges => privileges(engine, known.server, rows),
            Self::NoOtherSessions => no_other_sessions(engine, rows),
            Self::ReplicationLag(longest) => replication_lag(*longest, engine, rows),
        }
    }
}

fn cell(rows: &[Row], column: usize) -> Option<&str> {
    rows.first()?.get(column)?.as_deref()
}

/// A number, whatever scale the server shows it with.
fn number(rows: &[Row], column: usize) -> Option<u64> {
    cell(rows, column)?.split('.').next()?.parse().ok()
}

fn unknown(why: &str) -> Judged {
    (Outcome::Unknown, why.to_owned())
}

fn free_space(space: Space, free: Option<u64>, rows: &[Row]) -> Judged {
    let Some(taken) = number(rows, 0) else { return unknown("the server does not tell how large the database is") };
    let (needed, of) = match space {
        Space::Bytes(bytes) => (bytes, String::new()),
        Space::Times(hundredths) => {
            let needed = u128::from(taken) * u128::from(hundredths) / 100;
            (u64::try_from(needed).unwrap_or(u64::MAX), format!(" ({space} of {})", size(taken)))
        }
    };
    match free.or_else(|| number(rows, 1)) {
        None => (Outcome::Unknown, format!("the server does not tell what is free; {}{of} should be", size(needed))),
        Some(free) => {
            let outcome = if free >= needed { Outcome::Passed } else { Outcome::Failed };
            (outcome, format!("{} free, {} needed{of}", size(free), size(needed)))
        }
    }
}

fn server_version(versions: &[AtLeast], engine: Engine, product: &str) -> Judged {
    let name = match engine {
        Engine::Postgres => "postgres",
        Engine::MySql => "mysql",
        Engine::MariaDb => "mariadb",
        Engine::Sqlite => "sqlite",
    };
    let wanted = versions.iter().filter(|one| one.engine.as_deref().is_none_or(|engine| engine == name));
    let Some(wanted) = wanted.map(|one| &one.version).max() else {
        return (Outcome::Passed, format!("nothing is asked of {product}"));
    };
    match version_of(product) {
        None => unknown(&format!("`{product}` does not say which version it is")),
        Some(found) if found >= *wanted => (Outcome::Passed, format!("it is {product}")),
        Some(_) => (Outcome::Failed, format!("it is {product}")),
    }
}

/// The version in `PostgreSQL 15.14 (Debian …)` or `MariaDB 10.11.6-MariaDB`.
fn version_of(product: &str) -> Option<Version> {
    let from = product.find(|c: char| c.is_ascii_digit())?;
    let rest = &product[from..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

fn privileges(engine: Engine, server: &Server, rows: &[Row]) -> Judged {
    let who = cell(rows, 1).unwrap_or_default();
    let place = cell(rows, 2).unwrap_or_default();
    match engine {
        Engine::Sqlite if server.read_only => (Outcome::Failed, "the database can only be read".to_owned()),
        Engine::Sqlite => (Outcome::Passed, "the database can be written".to_owned()),
        Engine::Postgres => match (cell(rows, 0), cell(rows, 3)) {
            (None, _) => (Outcome::Failed, "there is no schema to create in: see search_path".to_owned()),
            (Some("t" | "true"), None) => {
                (Outcome::Passed, format!("{who} may create in {place} and owns what is there"))
            }
            (Some("t" | "true"), Some(others)) => (Outcome::Failed, format!("{who} does not own {others}")),
            (Some(_), _) => {
                (Outcome::Failed, format!("{who} may not create in {place}: grant create on schema {place} to {who}"))
            }
        },
        Engine::MySql | Engine::MariaDb => match (number(rows, 0), cell(rows, 3)) {
            (Some(9..), _) => (Outcome::Passed, format!("{who} has all that is needed on {place}")),
            (_, Some(role)) if role != "NONE" => {
                (Outcome::Unknown, format!("what {who} has by the role {role} is not told"))
            }
            _ => (
                Outcome::Failed,
                format!(
                    "{who} lacks some of SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES on {place}"
                ),
            ),
        },
    }
}

fn no_other_sessions(engine: Engine, rows: &[Row]) -> Judged {
    if engine == Engine::Sqlite {
        return unknown("SQLite does not know who else has the file open");
    }
    if rows.is_empty() {
        let seen = if engine == Engine::Postgres { "" } else { ", as far as this user may see" };
        return (Outcome::Passed, format!("there is none{seen}"));
    }
    let one = |row: &Row| {
        let cell = |column: usize| row.get(column).and_then(Option::as_deref).filter(|text| !text.is_empty());
        match (cell(0), cell(1)) {
            (Some(user), Some(from)) => format!("{user} ({from})"),
            (user, from) => user.or(from).unwrap_or("somebody").to_owned(),
        }
    };
    let some: Vec<_> = rows.iter().take(3).map(one).collect();
    let more = if rows.len() > some.len() { ", …" } else { "" };
    (Outcome::Failed, format!("{}: {}{more}", count(rows.len(), "other session"), some.join(", ")))
}

fn replication_lag(longest: Duration, engine: Engine, rows: &[Row]) -> Judged {
    match engine {
        Engine::Sqlite => (Outcome::Passed, "SQLite has no replicas of its own".to_owned()),
        Engine::MySql | Engine::MariaDb => unknown("a source does not know how far its replicas are"),
        Engine::Postgres => match (number(rows, 0), number(rows, 1), number(rows, 2)) {
            (None, ..) => unknown("the server does not list its replicas"),
            (Some(0), ..) => (Outcome::Passed, "no replica is connected".to_owned()),
            (Some(all), Some(seen), _) if seen < all => {
                unknown("only a member of pg_read_all_stats is told how far replicas are")
            }
            // The lag of a replica that has nothing to do is not measured.
            (Some(all), _, None) => (Outcome::Passed, format!("{} with nothing to do", count_of(all, "replica"))),
            (Some(all), _, Some(millis)) => {
                let lag = Duration::from_millis(millis);
                let outcome = if lag <= longest { Outcome::Passed } else { Outcome::Failed };
                let who = if all == 1 { "the replica is".to_owned() } else { format!("of {all} replicas the last is") };
                (outcome, format!("{who} {} behind", seconds(lag)))
            }
        },
    }
}

fn count_of(number: u64, what: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Syntax;

    fn server(product: &str, read_only: bool) -> Server {
        Server {
            product: product.to_owned(),
            database: "shop".to_owned(),
            syntax: Syntax::SQLITE,
            has_history: false,
            objects: Vec::new(),
            foreign_histories: Vec::new(),
            not_transactional: Vec::new(),
            partitioned: None,
            read_only,
            pooled: false,
            joined: false,
        }
    }

    /// `name value` judged by rows of cells; `-` is NULL.
    fn check(
        engine: Engine,
        product: &str,
        free: Option<u64>,
        condition: (&str, &str),
        rows: &[&[&str]],
        expected: &str,
    ) {
        let condition = Condition::parse(condition.0, condition.1).unwrap().unwrap();
        let cells = |row: &&[&str]| row.iter().map(|cell| (*cell != "-").then(|| (*cell).to_owned())).collect();
        let rows: Vec<Row> = rows.iter().map(cells).collect();
        let known = Known { server: &server(product, product.contains("read-only")), free };
        let finding = super::super::Finding::of(&condition, condition.judge(engine, &known, &rows), false, &[]);
        assert_eq!(finding.to_string(), expected);
    }

    #[test]
    fn space_is_compared_with_what_is_needed() {
        use Engine::{MariaDb, Postgres, Sqlite};
        let twice = ("free-space", "2x");
        for (engine, free, condition, rows, expected) in [
            (Sqlite, Some(4096), twice, ["2048", "-"], "passed: free-space 2x: 4 kB free, 4 kB needed (2x of 2 kB)"),
            (Sqlite, Some(4095), twice, ["2048", "-"], "failed: free-space 2x: 4 kB free, 4 kB needed (2x of 2 kB)"),
            (
                MariaDb,
                None,
                twice,
                ["1000.0000", "900"],
                "failed: free-space 2x: 900 bytes free, 2 kB needed (2x of 1 kB)",
            ),
            (
                Postgres,
                None,
                ("free-space", "2GB"),
                ["8000000", "-"],
                "unknown: free-space 2 GB: the server does not tell what is free; 2 GB should be",
            ),
        ] {
            check(engine, "", free, condition, &[&rows], expected);
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        use Engine::{MariaDb, MySql, Postgres};
        for (engine, product, wanted, expected) in [
            (
                Postgres,
                "PostgreSQL 15.14 (Debian 15.14-0)",
                ">=14",
                "passed: server-version >=14: it is PostgreSQL 15.14 (Debian 15.14-0)",
            ),
            (Postgres, "PostgreSQL 9.6", ">=14", "failed: server-version >=14: it is PostgreSQL 9.6"),
            (
                MariaDb,
                "MariaDB 10.11.6-MariaDB",
                "mariadb>=10.5",
                "passed: server-version mariadb>=10.5: it is MariaDB 10.11.6-MariaDB",
            ),
            (
                MySql,
                "MySQL 9.7.0",
                "mariadb>=10.5",
                "passed: server-version mariadb>=10.5: nothing is asked of MySQL 9.7.0",
            ),
            (MySql, "MySQL", ">=8", "unknown: server-version >=8: `MySQL` does not say which version it is"),
        ] {
            check(engine, product, None, ("server-version", wanted), &[], expected);
        }
    }

    #[test]
    fn privileges_are_named_that_are_missing() {
        use Engine::{MySql, Postgres, Sqlite};
        let rows: [(Engine, &str, &[&[&str]], &str); 7] = [
            (
                Postgres,
                "",
                &[&["t", "ada", "public", "-"]],
                "passed: privileges: ada may create in public and owns what is there",
            ),
            (Postgres, "", &[&["t", "ada", "public", "pets, toys"]], "failed: privileges: ada does not own pets, toys"),
            (
                Postgres,
                "",
                &[&["f", "ada", "public", "-"]],
                "failed: privileges: ada may not create in public: grant create on schema public to ada",
            ),
            (
                Postgres,
                "",
                &[&["-", "ada", "-", "-"]],
                "failed: privileges: there is no schema to create in: see search_path",
            ),
            (MySql, "", &[&["9", "ada@%", "shop", "NONE"]], "passed: privileges: ada@% has all that is needed on shop"),
            (
                MySql,
                "",
                &[&["3", "ada@%", "shop", "`r`@`%`"]],
                "unknown: privileges: what ada@% has by the role `r`@`%` is not told",
            ),
            (Sqlite, "read-only", &[], "failed: privileges: the database can only be read"),
        ];
        for (engine, product, rows, expected) in rows {
            check(engine, product, None, ("privileges", "true"), rows, expected);
        }
    }

    #[test]
    fn others_are_named() {
        use Engine::{MariaDb, Postgres, Sqlite};
        let rows: [(Engine, &[&[&str]], &str); 4] = [
            (Postgres, &[], "passed: no-other-sessions: there is none"),
            (MariaDb, &[], "passed: no-other-sessions: there is none, as far as this user may see"),
            (
                Postgres,
                &[&["ada", "psql"], &["web", ""], &["web", ""], &["web", ""]],
                "failed: no-other-sessions: 4 other sessions: ada (psql), web, web, …",
            ),
            (Sqlite, &[], "unknown: no-other-sessions: SQLite does not know who else has the file open"),
        ];
        for (engine, rows, expected) in rows {
            check(engine, "", None, ("no-other-sessions", "true"), rows, expected);
        }
    }

    #[test]
    fn a_lag_is_that_of_the_last_replica() {
        use Engine::{MySql, Postgres};
        let rows: [(Engine, &[&[&str]], &str); 6] = [
            (Postgres, &[&["0", "0", "-"]], "passed: replication-lag 10 s: no replica is connected"),
            (Postgres, &[&["1", "1", "-"]], "passed: replication-lag 10 s: 1 replica with nothing to do"),
            (Postgres, &[&["1", "1", "10000"]], "passed: replication-lag 10 s: the replica is 10 s behind"),
            (Postgres, &[&["2", "2", "11000"]], "failed: replication-lag 10 s: of 2 replicas the last is 11 s behind"),
            (
                Postgres,
                &[&["2", "0", "-"]],
                "unknown: replication-lag 10 s: only a member of pg_read_all_stats is told how far replicas are",
            ),
            (MySql, &[], "unknown: replication-lag 10 s: a source does not know how far its replicas are"),
        ];
        for (engine, rows, expected) in rows {
            check(engine, "", None, ("replication-lag", "10s"), rows, expected);
        }
    }

    #[test]
    fn what_is_unknown_stops_a_run_only_where_that_is_required() {
        let judged = || unknown("nobody knows");
        for (required, waive, stops, waived) in [
            (false, vec![], false, false),
            (true, vec![], true, false),
            (true, vec!["privileges".to_owned()], false, true),
            (true, vec!["free-space".to_owned()], true, false),
        ] {
            let finding = super::super::Finding::of(&Condition::Privileges, judged(), required, &waive);
            assert_eq!((finding.stops, finding.waived), (stops, waived), "{required} {waive:?}");
        }
    }
}
