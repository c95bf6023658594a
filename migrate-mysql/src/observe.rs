//! What the server says of itself.

use migrate_core::backend::{Row, Server, ServerError, TableName};
use migrate_core::history::foreign;
use migrate_core::sql::Syntax;

use crate::clean::settings;
use crate::cluster::{self, GALERA};
use crate::dialect::literal;
use crate::lease;
use crate::session::MysqlSession;

/// How many names [`Server::objects`] has at most: enough to show that a database is not empty.
const OBJECTS: usize = 6;

/// What is asked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) connection: u32,
    pub(crate) mariadb: bool,
    pub(crate) version: (u16, u16, u16),
    pub(crate) database: Option<String>,
    pub(crate) syntax: Syntax,
    /// The most bytes of a packet.
    pub(crate) max_packet: usize,
    /// What the server is one of, where locks of a session are its own business.
    pub(crate) cluster: Option<&'static str>,
    pub(crate) read_only: bool,
    /// The user may look into the tables of InnoDB; `None` until it matters.
    pub(crate) process: Option<bool>,
    product: String,
}

pub(crate) async fn facts(session: &mut MysqlSession<'_>) -> Result<Facts, ServerError> {
    let sets = session
        .sets(
            "SELECT CONNECTION_ID(), VERSION(), @@version_comment, DATABASE(), @@SESSION.sql_mode, \
             @@SESSION.max_allowed_packet;\n\
             SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'innodb_read_only', \
             'wsrep_on', 'wsrep_provider', 'tidb_version');\n\
             SHOW SESSION VARIABLES WHERE Variable_name IN ('lock_wait_timeout', 'innodb_lock_wait_timeout', \
             'max_statement_time')",
        )
        .await?;
    let row = sets.first().and_then(|(_, rows)| rows.first()).cloned().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten();
    if session.base.is_empty() {
        session.base = sets.get(2).map(|(_, rows)| settings(rows.clone())).unwrap_or_default();
    }
    let variables = sets.get(1).map(|(_, rows)| rows.as_slice()).unwrap_or_default();
    let variable = |wanted: &str| {
        let found = variables.iter().find(|row| row.first().is_some_and(|name| name.as_deref() == Some(wanted)));
        found.and_then(|row| row.get(1)?.clone())
    };
    let on = |name: &str| variable(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("on"));
    let (version, comment) = (cell(1).unwrap_or_default(), cell(2).unwrap_or_default());
    let mariadb = version.contains("MariaDB") || comment.contains("MariaDB");
    let cluster = match () {
        () if on("wsrep_on") && variable("wsrep_provider").is_some_and(|provider| provider != "none") => Some(GALERA),
        () if version.contains("TiDB") || variable("tidb_version").is_some() => Some("TiDB"),
        () if version.contains("Vitess") || comment.contains("Vitess") => Some("Vitess"),
        () => None,
    };
    let read_only =
        on("super_read_only") || on("innodb_read_only") || (on("read_only") && !writes_anyway(session).await?);
    let modes = cell(4).unwrap_or_default();
    let mode = |wanted: &str| modes.split(',').any(|mode| mode.eq_ignore_ascii_case(wanted));
    let number = version.split(['-', '+']).next().unwrap_or_default().to_owned();
    let product = match cluster {
        Some(cluster) => format!("{} {number} ({cluster})", if mariadb { "MariaDB" } else { "MySQL" }),
        None => format!("{} {number}", if mariadb { "MariaDB" } else { "MySQL" }),
    };
    Ok(Facts {
        connection: cell(0).and_then(|id| id.parse().ok()).unwrap_or_default(),
        mariadb,
        version: numbers(&number),
        database: cell(3),
        syntax: Syntax {
            backslash_escapes: !mode("NO_BACKSLASH_ESCAPES"),
            double_quoted_strings: !mode("ANSI_QUOTES"),
            ..Syntax::MYSQL
        },
        max_packet: cell(5).and_then(|bytes| bytes.parse().ok()).unwrap_or(1 << 20),
        cluster,
        read_only,
        process: None,
        product,
    })
}

/// Whether the user is one of those whom `read_only` does not bind.
async fn writes_anyway(session: &mut MysqlSession<'_>) -> Result<bool, ServerError> {
    let sql = "SELECT 1 FROM information_schema.USER_PRIVILEGES \
         WHERE PRIVILEGE_TYPE IN ('SUPER', 'CONNECTION_ADMIN', 'READ_ONLY ADMIN') LIMIT 1";
    Ok(!session.rows(sql).await?.is_empty())
}

fn numbers(version: &str) -> (u16, u16, u16) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

pub(crate) async fn observe(session: &mut MysqlSession<'_>, table: &TableName) -> Result<Server, ServerError> {
    let facts = session.facts().await?;
    if facts.cluster == Some(GALERA) && session.lease.is_none() {
        // A run on another node may have ended just now. If it takes longer, what the node has must do.
        cluster::caught_up(session).await;
    }
    let database = literal(facts.database.as_deref().unwrap_or_default());
    let home = literal(&session.database_of(table).await?);
    let known: Vec<_> = foreign::TABLES.iter().map(|name| literal(&name.to_ascii_lowercase())).collect();
    let known = known.join(", ");
    let lease = lease::table_name(&table.name);
    let ours = [&*table.name, &*lease].into_iter().chain(foreign::COMPANIONS.iter().copied());
    let ours: Vec<_> = ours.map(|name| literal(&name.to_ascii_lowercase())).collect();
    // MariaDB changes partitions one by one. What it says of a table's options is dearer than the rest: it opens each.
    let parted = if facts.mariadb { "CREATE_OPTIONS LIKE '%partitioned%'" } else { "FALSE" };
    // MariaDB shows the session's own temporary tables since 11.2, and they are nobody else's.
    let lasts = "TABLE_TYPE NOT LIKE 'TEMPORARY%'";
    let no_rollback = "ENGINE NOT IN ('InnoDB', 'ndbcluster', 'NDB', 'ROCKSDB', 'TokuDB')";
    // Each statement sees its own moment. Whoever made the objects made the history first, so it is looked for last.
    let sql = format!(
        "SELECT o.n FROM (\
         SELECT TABLE_NAME AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} AND {lasts} \
         AND LOWER(TABLE_NAME) NOT IN ({known}, {}) AND TABLE_NAME <> 'CHANGELOG' \
         UNION ALL SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database} \
         UNION ALL SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {database}) o LIMIT {OBJECTS};\n\
         SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} \
         AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') \
         AND (LOWER(TABLE_NAME) IN ({known}) OR TABLE_NAME = 'CHANGELOG') ORDER BY TABLE_NAME;\n\
         SELECT TABLE_NAME, {no_rollback}, {parted} FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} AND {lasts} \
         AND ENGINE IS NOT NULL AND ({no_rollback} OR {parted}) ORDER BY TABLE_NAME;\n\
         SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = {home} AND {lasts} AND TABLE_NAME = {}",
        ours.join(", "),
        literal(&table.name)
    );
    let mut sets = session.sets(&sql).await?.into_iter().map(|(_, rows)| rows);
    let mut next = || sets.next().unwrap_or_default();
    let (objects, foreign_histories, tables, history) = (names(next()), names(next()), next(), next());
    let are = |column: usize| {
        names(tables.iter().filter(|row| row.get(column) == Some(&Some("1".to_owned()))).cloned().collect())
    };
    let has_history = !history.is_empty();
    session.no_history = !has_history;
    Ok(Server {
        product: facts.product,
        database: facts.database.unwrap_or_default(),
        syntax: facts.syntax,
        has_history,
        objects,
        foreign_histories,
        not_transactional: are(1),
        partitioned: facts.mariadb.then(|| are(2)),
        read_only: facts.read_only,
        pooled: false,
        joined: false,
    })
}

/// The first column.
fn names(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next()?).collect()
}
