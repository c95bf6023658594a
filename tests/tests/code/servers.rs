//! The same on servers.

use migrate_tests::backends::{OnMariaDb, OnMySql, OnPostgres};

use super::batches::touched_once;
use super::kv::l7;

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
