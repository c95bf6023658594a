//! The same on servers.

use migrate_core::backend::Backend;
use migrate_core::layout::EngineNames;
use migrate_tests::Project;
use migrate_tests::servers::mysql::Database as OfMySql;
use migrate_tests::servers::{Database as OfPostgres, Flavour, MySql, Postgres};

use super::Database;
use super::batches::touched_once;
use super::kv::l7;

struct OnPostgres(OfPostgres<'static>);
struct OnMySql(OfMySql<'static>);
struct OnMariaDb(OfMySql<'static>);

impl Database for OnPostgres {
    fn engine() -> EngineNames {
        EngineNames::POSTGRES
    }

    fn create() -> Self {
        Self(Postgres::shared().database())
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn backend(&self, _: &Project) -> Box<dyn Backend> {
        Box::new(migrate_postgres::Postgres::from_url(&self.0.url()).unwrap())
    }
}

impl Database for OnMySql {
    fn engine() -> EngineNames {
        EngineNames::MYSQL
    }

    fn create() -> Self {
        Self(MySql::shared(Flavour::MySql).database())
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn backend(&self, _: &Project) -> Box<dyn Backend> {
        Box::new(migrate_mysql::Mysql::from_url(&self.0.url()).unwrap())
    }
}

impl Database for OnMariaDb {
    fn engine() -> EngineNames {
        EngineNames::MARIADB
    }

    fn create() -> Self {
        Self(MySql::shared(Flavour::MariaDb).database())
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn backend(&self, _: &Project) -> Box<dyn Backend> {
        Box::new(migrate_mysql::Mysql::from_url(&self.0.url()).unwrap())
    }
}

/// Each scenario on each server.
macro_rules! on_servers {
    ($($engine:ident: $database:ty),*) => {$(
        mod $engine {
            use super::*;

            #[test]
            fn l7_the_old_tables_go_only_on_request_and_behind_the_data_step() {
                l7::<$database>();
            }

            #[test]
            fn after_kill_9_every_row_of_a_batch_is_touched_exactly_once() {
                touched_once::<$database>();
            }
        }
    )*};
}
on_servers!(on_postgres: OnPostgres, on_mysql: OnMySql, on_mariadb: OnMariaDb);
