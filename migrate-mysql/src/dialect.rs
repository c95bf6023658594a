//! Plain data about MySQL and MariaDB.

use migrate_core::EngineNames;
use migrate_core::backend::{Atomicity, Cancel, Dialect, Exclusion, Orphan};
use migrate_core::sql::{Syntax, classify};

/// MySQL.
pub static MYSQL: Dialect = Dialect {
    names: EngineNames::MYSQL.names,
    syntax: Syntax::MYSQL,
    classify: classify::mysql,
    atomicity: Atomicity::Statement,
    exclusion: Exclusion::Session,
    orphan: Orphan::HoldsLock,
    cancel: Cancel::Statement,
    script_settings: |_| Vec::new(),
    effect_sql: |_, _| String::new(),
    client_prologue: "",
    history_sql: |_| String::new(),
};

/// MariaDB.
pub static MARIADB: Dialect = Dialect { names: EngineNames::MARIADB.names, ..MYSQL };
