//! What only a real PostgreSQL server can prove.
#![cfg(unix)]

mod connect;
