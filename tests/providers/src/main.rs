//! A program in which two providers of cryptography are compiled, so that rustls itself cannot choose one: connections with
//! TLS to a server of each kind, and no panic. Its features are those of the backends; without any of them there is no
//! TLS until the program installs a default.

use migrate_core::backend::{Backend, ServerError, TableName};
use migrate_tests::servers::{Flavour, MySql, Postgres, postgres};
use rustls::crypto::CryptoProvider;
use tokio::runtime::Builder;

fn main() {
    let server = Postgres::start(postgres::Options { tls: true, ..Default::default() });
    let url = format!("{}?sslmode=require", server.url("postgres"));
    let postgres = migrate_postgres::Postgres::from_url(&url).unwrap_or_else(|error| panic!("{error}"));
    let server = MySql::shared(Flavour::MySql);
    let database = server.database();
    let url = format!("{}?ssl-mode=REQUIRED", database.url());
    let mysql = migrate_mysql::Mysql::from_url(&url).unwrap_or_else(|error| panic!("{error}"));
    let backends: [&dyn Backend; 2] = [&postgres, &mysql];

    assert!(CryptoProvider::get_default().is_none(), "nobody has chosen one");
    if cfg!(not(any(feature = "aws-lc-rs", feature = "ring"))) {
        for backend in backends {
            let error = connect(backend).expect_err("nobody does the cryptography");
            assert!(error.message.starts_with("there is no cryptography for TLS"), "{error}");
        }
        rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody was faster");
    }
    for backend in backends {
        connect(backend).unwrap_or_else(|error| panic!("{error}"));
    }
    let chosen = CryptoProvider::get_default().map(|chosen| format!("{:?}", chosen.key_provider));
    let expected = if cfg!(feature = "ring") { "Ring" } else { "AwsLcRs" };
    assert_eq!(chosen.as_deref(), Some(expected));
    println!("PostgreSQL and MySQL with TLS by {expected}, two providers compiled in");
}

fn connect(backend: &dyn Backend) -> Result<(), ServerError> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut session = backend.connect().await?;
        session.observe(&TableName::default()).await.map(drop)
    })
}
