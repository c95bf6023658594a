//! A cluster of MariaDB.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::OnceLock;

use super::programs::{Programs, trees};
use super::server::{Found, Local};
use super::{Flavour, MySql, Options};
use crate::servers::{not_skipped, wait_for};

/// Three nodes that agree on what is committed, before it is. Each is a server as any other.
#[derive(Debug)]
pub struct Galera {
    nodes: Vec<MySql>,
}

/// The ports of a node.
#[derive(Clone, Copy, Debug)]
struct Ports {
    sql: u16,
    /// Where it talks to the other nodes.
    group: u16,
    /// Where it is told what it missed.
    catch_up: u16,
    /// Where it is given everything.
    copy: u16,
}

impl Galera {
    /// A new cluster, without databases.
    ///
    /// # Panics
    /// If it is not there, or does not come up.
    pub fn start() -> Self {
        not_skipped("mariadb");
        let programs = programs();
        // Somebody may have taken a port meanwhile.
        let begun = (0..3).map(|_| Self::begin(programs));
        let mut last = String::new();
        for begun in begun {
            match begun {
                Ok(cluster) => return cluster,
                Err(log) => last = log,
            }
        }
        panic!("the cluster does not come up:\n{last}");
    }

    /// A node, from 0 to 2.
    pub fn node(&self, number: usize) -> &MySql {
        &self.nodes[number]
    }

    /// All of them.
    pub fn nodes(&self) -> &[MySql] {
        &self.nodes
    }

    /// Starts a node again that was killed or stopped, and waits until it has caught up.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&self, number: usize) {
        let node = self.node(number);
        node.restart();
        self.wait_until_synced(number);
    }

    fn begin(programs: &'static Programs) -> Result<Self, String> {
        let ports = ports();
        let group: Vec<_> = ports.iter().map(|ports| format!("127.0.0.1:{}", ports.group)).collect();
        let address = format!("--wsrep-cluster-address=gcomm://{}", group.join(","));
        let provider = programs.base.join("lib/galera/libgalera_smm.so");
        let mut cluster = Self { nodes: Vec::new() };
        for (number, ports) in ports.into_iter().enumerate() {
            let mut arguments = arguments(number, ports, &provider);
            arguments.push(address.clone());
            let options = Options { arguments, relaxed: true, ..Options::default() };
            let node = MySql::at(ports.sql, Local::new(Flavour::MariaDb, Found::Usual(programs), options));
            let first: &[&str] = if number == 0 { &["--wsrep-new-cluster"] } else { &[] };
            if !node.run(first) {
                return Err(node.log());
            }
            cluster.nodes.push(node);
            cluster.wait_until_synced(number);
        }
        Ok(cluster)
    }

    /// The node, and the first one, which gives it what it missed and is not to be asked for more meanwhile.
    fn wait_until_synced(&self, number: usize) {
        for node in [self.node(number), self.node(0)] {
            wait_for("a node is synced", || {
                let state = node.feed("", "show status like 'wsrep_local_state_comment'").ok()?;
                state.contains("\tSynced").then_some(())
            });
        }
    }
}

fn arguments(number: usize, ports: Ports, provider: &Path) -> Vec<String> {
    let Ports { group, catch_up, copy, .. } = ports;
    vec![
        format!("--server-id={}", number + 1),
        "--binlog-format=ROW".into(),
        "--innodb-autoinc-lock-mode=2".into(),
        "--wsrep-on=ON".into(),
        format!("--wsrep-provider={}", provider.display()),
        "--wsrep-cluster-name=migrate".into(),
        format!("--wsrep-node-name=node{number}"),
        format!("--wsrep-node-address=127.0.0.1:{group}"),
        "--wsrep-slave-threads=2".into(),
        format!(
            "--wsrep-provider-options=base_port={group};gmcast.listen_addr=tcp://127.0.0.1:{group};\
             ist.recv_addr=127.0.0.1:{catch_up};gcache.size=32M"
        ),
        format!("--wsrep-sst-receive-address=127.0.0.1:{copy}"),
        "--wsrep-sst-method=rsync".into(),
    ]
}

/// Ports on which nobody listens, all of them held until all are found.
fn ports() -> [Ports; 3] {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let listeners: Vec<_> = (0..12).map(listen).collect();
    let port = |index: usize| listeners[index].local_addr().expect("a listener has an address").port();
    [0, 4, 8].map(|first| Ports {
        sql: port(first),
        group: port(first + 1),
        catch_up: port(first + 2),
        copy: port(first + 3),
    })
}

/// Those of the newest one that scripts/test unpacked.
fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let tree = trees("galera").into_iter().next().unwrap_or_else(|| {
            panic!("no Galera cluster: `scripts/test --matrix` unpacks one into target/galera on a Debian-like system")
        });
        Programs::in_folder(Flavour::MariaDb, &tree.join("usr/bin"))
    })
}
