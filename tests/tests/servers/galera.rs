//! A cluster of MariaDB.

use migrate_tests::servers::mysql::Galera;
use migrate_tests::servers::wait_for;

pub(crate) fn three_nodes_hold_the_same() {
    let cluster = Galera::start();
    assert_eq!(cluster.node(2).sql("", "show status like 'wsrep_cluster_size'"), "wsrep_cluster_size\t3\n");
    let database = cluster.node(0).database();
    database.sql("create table t (n int primary key); insert into t values (1)");
    for node in cluster.nodes() {
        assert_eq!(node.sql(database.name(), "set wsrep_sync_wait = 1; select n from t"), "1\n");
    }
    cluster.node(1).kill9();
    wait_for("the others notice", || {
        let size = cluster.node(0).sql("", "show status like 'wsrep_cluster_size'");
        (size == "wsrep_cluster_size\t2\n").then_some(())
    });
    database.sql("insert into t values (2)");
    cluster.restart(1);
    assert_eq!(cluster.node(1).sql(database.name(), "set wsrep_sync_wait = 1; select count(*) from t"), "2\n");
}
