//! Servers of PostgreSQL.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use migrate_tests::proxy::{Cut, How, Proxy, Side};
use migrate_tests::servers::{Options, Pgbouncer, PoolMode, Postgres, Psql, is_alive, wait_for};

#[test]
fn a_database_is_empty_and_of_its_own() {
    let (one, other) = (Postgres::shared().database(), Postgres::shared().database());
    one.psql("create table t (n integer primary key); insert into t values (1), (2)");
    assert_eq!(one.psql("select n, n * 2 from t order by n"), "1|2\n2|4\n");
    assert_eq!(other.psql("select count(*) from pg_class where relname = 't'"), "0\n");
    if Postgres::shared().version() < 160_000 {
        assert!(one.schema().starts_with("CREATE TABLE public.t (\n"), "{}", one.schema());
        assert_eq!(other.schema(), "");
    }
}

#[test]
fn a_dropped_database_is_gone_although_somebody_is_connected() {
    let server = Postgres::shared();
    let database = server.database();
    let name = database.name().to_owned();
    let mut client = database.client();
    client.run("begin; create table t (n integer)");
    assert_eq!(database.backend_pids(), [client.backend_pid()]);
    drop(database);
    assert_eq!(server.psql("postgres", &format!("select count(*) from pg_database where datname = '{name}'")), "0\n");
}

#[test]
fn a_client_keeps_its_transaction_open_between_two_calls() {
    let database = Postgres::shared().database();
    let (mut one, mut other) = (database.client(), database.client());
    one.run("create table t (n integer)");
    one.run("begin; lock table t");
    other.begin("select count(*) from t");
    let waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    wait_for("the other waits", || (database.psql(waiting) == "1\n").then_some(()));
    one.run("insert into t values (1); commit");
    assert_eq!(other.end(), "1\n");
    assert!(other.run("select nonsense").contains("ERROR:  column \"nonsense\" does not exist"));
}

#[test]
fn a_server_of_ones_own_survives_its_death_with_what_was_committed() {
    let server = Postgres::start(Options { config: vec!["work_mem = '5MB'".into()], ..Options::default() });
    let database = server.database();
    assert_eq!(database.psql("show work_mem"), "5MB\n");
    let mut client = database.client();
    client.run("create table t (n integer); insert into t values (1); begin; insert into t values (2)");
    let before = server.pid();
    server.kill9();
    assert!(!is_alive(before));
    server.restart();
    assert_eq!(database.psql("select n from t"), "1\n");
    server.sigkill_backend(database.client().backend_pid());
    server.wait_until_ready();
    assert_eq!(database.psql("select n from t"), "1\n");
    let folder = server.socket_folder().to_owned();
    drop(client);
    drop(database);
    drop(server);
    assert!(!folder.exists(), "{folder:?} is left behind");
}

#[test]
fn a_password_and_tls_are_asked_for() {
    let server = Postgres::start(Options { password: Some("geheim".into()), tls: true, ..Options::default() });
    let stored = server.psql("postgres", "select left(rolpassword, 13) from pg_authid where rolname = 'postgres'");
    assert_eq!(stored, "SCRAM-SHA-256\n");
    let trusting = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        server.url("postgres"),
        server.certificates().authority().display()
    );
    let mut psql = Psql::connect(&server, &trusting);
    assert_eq!(psql.run("select ssl from pg_stat_ssl where pid = pg_backend_pid()"), "t\n");
}

/// The name of the test below, which this process runs again as a child.
const VICTIM: &str = "on_postgres::a_killed_process_leaves_no_server_behind";

#[test]
fn a_killed_process_leaves_no_server_behind() {
    if std::env::var_os("MIGRATE_TEST_VICTIM").is_some() {
        let server = Postgres::start(Options::default());
        let pooler = Pgbouncer::start(&server, PoolMode::Transaction, 2);
        eprintln!("victim: {} {} {}", server.pid(), pooler.pid(), server.socket_folder().display());
        // Nobody writes there: it ends when it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let mut child = Command::new(std::env::current_exe().expect("a test knows its own path"))
        .args(["--exact", VICTIM, "--nocapture"])
        .env("MIGRATE_TEST_VICTIM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test starts again");
    let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let line =
        lines.map_while(Result::ok).find_map(|line| line.split_once("victim: ").map(|(_, rest)| rest.to_owned()));
    let line = line.expect("the child has a server");
    let words: Vec<_> = line.split_whitespace().collect();
    let (pids, folder) = (&words[..2], Path::new(words[2]));
    let pids: Vec<u32> = pids.iter().map(|pid| pid.parse().expect("a number")).collect();
    assert!(folder.is_dir() && pids.iter().all(|pid| is_alive(*pid)), "{line}");
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
    wait_for("the server and its folder go", || {
        (!folder.exists() && !pids.iter().any(|pid| is_alive(*pid))).then_some(())
    });
}

#[test]
fn a_pooler_gives_one_connection_to_two_clients() {
    let server = Postgres::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 1);
    let mut one = Psql::connect(server, &pooler.url(&database));
    let mut other = Psql::connect(server, &pooler.url(&database));
    assert_eq!(one.backend_pid(), other.backend_pid());
    one.run("set statement_timeout = '7s'");
    assert_eq!(other.run("show statement_timeout"), "7s\n");
    assert!(pooler.admin("show pools").contains(database.name()));
}

#[test]
fn a_slow_line_costs_a_pipeline_one_trip_and_each_question_another() {
    let database = Postgres::shared().database();
    let proxy = Proxy::delayed(&Postgres::shared().address(), Duration::from_millis(20));
    let mut client = Psql::connect(database.server(), &database.url_by(&proxy.address()));
    let (before, begin) = (proxy.counts(), Instant::now());
    // Three questions, each asked after the answer to the one before.
    client.run("select 1; select 2; select 3");
    let (counts, elapsed) = (proxy.counts().since(before), begin.elapsed());
    assert_eq!((counts.round_trips, counts.client_messages, counts.connections), (3, 3, 0), "{}", proxy.passed());
    assert!(elapsed >= Duration::from_millis(60), "three trips in {elapsed:?}");
    // One message with three statements.
    let (before, begin) = (proxy.counts(), Instant::now());
    client.run("select 1\\; select 2\\; select 3");
    let (counts, elapsed) = (proxy.counts().since(before), begin.elapsed());
    assert_eq!((counts.round_trips, counts.client_messages), (1, 1), "{}", proxy.passed());
    assert!(elapsed >= Duration::from_millis(20), "a trip in {elapsed:?}");
}

/// How many rows are there after an INSERT was sent as the `message`-th of a client or answered.
fn rows_after(cut: impl Fn(u64, u64) -> Cut) -> String {
    let database = Postgres::shared().database();
    database.psql("create table t (n integer)");
    let proxy = Proxy::to(&Postgres::shared().address());
    let mut client = Psql::connect(database.server(), &database.url_by(&proxy.address()));
    let pid = client.backend_pid();
    let counts = proxy.counts();
    let cut = cut(counts.client_messages + 1, counts.server_messages + 1);
    proxy.cut(cut);
    let answer = client.run("insert into t values (1)");
    assert!(proxy.was_cut(), "{cut}: {}", proxy.passed());
    assert!(answer.contains("connection to server was lost"), "{cut}: {answer}");
    if cut.lasting {
        let mut refused = TcpStream::connect(proxy.address()).expect("a listener");
        assert_eq!(refused.read(&mut [0]).ok(), None, "{cut}");
        proxy.mend();
    }
    Psql::connect(database.server(), &database.url_by(&proxy.address()));
    wait_for("the session ends", || (!database.backend_pids().contains(&pid)).then_some(()));
    database.psql("select count(*) from t")
}

#[test]
fn a_cut_falls_before_or_after_the_message_it_was_asked_for() {
    for how in [How::Reset, How::Close] {
        for lasting in [false, true] {
            let cut = |side, message, after| Cut { side, message, after, how, lasting };
            assert_eq!(rows_after(|client, _| cut(Side::Client, client, false)), "0\n");
            assert_eq!(rows_after(|client, _| cut(Side::Client, client, true)), "1\n");
            assert_eq!(rows_after(|_, server| cut(Side::Server, server, false)), "1\n");
            // The answer is INSERT 0 1 and the server's readiness; the second never arrives.
            assert_eq!(rows_after(|_, server| cut(Side::Server, server + 1, false)), "1\n");
        }
    }
}
