use migrate_core::testing::fixture::Fixture;
use migrate_postgres::Postgres;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
static N: AtomicUsize = AtomicUsize::new(0);
thread_local!(static RT: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
struct Db(String);
fn admin(sql: &str) {
    RT.with(|rt| {
        rt.block_on(async {
            let (c, conn) =
                tokio_postgres::connect("postgres://postgres@127.0.0.1:56125/postgres", tokio_postgres::NoTls)
                    .await
                    .unwrap();
            tokio::spawn(conn);
            c.batch_execute(sql).await.unwrap();
        })
    });
}
impl Fixture for Db {
    type Backend = Postgres;
    fn create() -> Self {
        let name = format!("t{}_{}", std::process::id(), N.fetch_add(1, Ordering::SeqCst));
        admin(&format!("CREATE DATABASE {name}"));
        Db(name)
    }
    fn backend(&self) -> Postgres {
        Postgres::from_url(&format!("postgres://postgres@127.0.0.1:56125/{}", self.0)).unwrap()
    }
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        RT.with(|rt| rt.block_on(future))
    }
    fn alone() -> &'static str {
        "VACUUM"
    }
}
impl Drop for Db {
    fn drop(&mut self) {
        admin(&format!("DROP DATABASE {} WITH (FORCE)", self.0));
    }
}
migrate_core::conformance!(Db);
