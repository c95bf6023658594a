//! A program in which two providers of cryptography are compiled, so that rustls itself cannot choose one: connections with
//! TLS to a server of each kind, and no panic.

use migrate_core::backend::{Backend, TableName};
use migrate_tests::servers::{Flavour, MySql, Postgres, postgres};
use tokio::runtime::Builder;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connect = |backend: &dyn Backend| {
        runtime.block_on(async {
            let mut session = backend.connect().await.unwrap_or_else(|error| panic!("{error}"));
            session.observe(&TableName::default()).await.unwrap_or_else(|error| panic!("{error}"));
        });
    };
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "nobody has chosen one");
    let server = Postgres::start(postgres::Options { tls: true, ..Default::default() });
    let url = format!("{}?sslmode=require", server.url("postgres"));
    connect(&migrate_postgres::Postgres::from_url(&url).unwrap_or_else(|error| panic!("{error}")));
    let server = MySql::shared(Flavour::MySql);
    let database = server.database();
    let url = format!("{}?ssl-mode=REQUIRED", database.url());
    connect(&migrate_mysql::Mysql::from_url(&url).unwrap_or_else(|error| panic!("{error}")));
    println!("PostgreSQL and MySQL with TLS, two providers compiled in");
}
