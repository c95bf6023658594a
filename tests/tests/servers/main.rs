//! The harness itself: servers come up and leave nothing behind, and the proxy does what it is told.
//!
//! | file | holds |
//! |---|---|
//! | `postgres` | servers of PostgreSQL |
//! | `mysql` | servers of MySQL and MariaDB |
//! | `galera` | a cluster of MariaDB |
#![cfg(unix)]
#![allow(clippy::print_stderr)] // what a child tells its parent

mod galera;
mod mysql;
#[path = "postgres.rs"]
mod on_postgres;

/// Each test on both: by the modules' names they are left out where there is no server, see `scripts/test`.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod on_mysql {
            $(#[test] fn $test() { super::mysql::$test(migrate_tests::servers::Flavour::MySql); })*
        }
        mod on_mariadb {
            $(#[test] fn $test() { super::mysql::$test(migrate_tests::servers::Flavour::MariaDb); })*
        }
    };
}

on_both! {
    a_client_keeps_its_transaction_open_between_two_calls
    a_cut_falls_before_or_after_the_packet_it_was_asked_for
    a_database_is_empty_and_of_its_own
    a_dropped_database_is_gone_although_somebody_holds_a_lock
    a_killed_process_leaves_no_server_behind
    a_script_is_fed_as_people_do
    a_server_of_ones_own_survives_its_death_with_what_was_committed
    a_server_that_is_paused_is_silent_until_it_goes_on
    a_slow_line_costs_each_question_a_trip
    certificates_of_ours_are_shown
    contents_hold_all_objects_and_rows_and_no_moment
    two_processes_at_once_have_servers_of_their_own
    what_is_encrypted_passes_unread
}

mod on_galera {
    #[test]
    fn three_nodes_hold_the_same() {
        super::galera::three_nodes_hold_the_same();
    }
}
