//! Servers of MySQL and MariaDB.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use migrate_tests::proxy::{Counts, Cut, How, Protocol, Proxy, Side};
use migrate_tests::servers::mysql::Options;
use migrate_tests::servers::{Flavour, MySql, is_alive, wait_for};

pub(crate) fn a_database_is_empty_and_of_its_own(flavour: Flavour) {
    let server = MySql::shared(flavour);
    let (one, other) = (server.database(), server.database());
    one.sql("create table t (n int primary key); insert into t values (1), (2)");
    assert_eq!(one.sql("select n, n * 2 from t order by n"), "1\t2\n2\t4\n");
    assert_eq!(other.sql("show tables"), "");
    assert_eq!(other.contents().lines().count(), 1, "{}", other.contents());
    assert!(one.url().starts_with(&format!("{}://", flavour.scheme())), "{}", one.url());
    assert_eq!(one.url().contains("mariadb"), server.sql("", "select version()").contains("MariaDB"));
}

pub(crate) fn a_dropped_database_is_gone_although_somebody_holds_a_lock(flavour: Flavour) {
    let server = MySql::shared(flavour);
    let database = server.database();
    let name = database.name().to_owned();
    database.sql("create table t (n int)");
    let mut client = database.client();
    client.run("lock tables t write");
    assert_eq!(database.processes(), [client.id()]);
    drop(database);
    assert_eq!(server.sql("", &format!("show databases like '{name}'")), "");
}

pub(crate) fn a_client_keeps_its_transaction_open_between_two_calls(flavour: Flavour) {
    let database = MySql::shared(flavour).database();
    let (mut one, mut other) = (database.client(), database.client());
    one.run("create table t (n int primary key); insert into t values (1)");
    one.run("begin; update t set n = 2");
    other.begin("update t set n = n + 10");
    let waiting = "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT' \
                   and trx_mysql_thread_id = ";
    let waiting = format!("{waiting}{}", database.processes()[1]);
    wait_for("the other waits", || (database.sql(&waiting) == "1\n").then_some(()));
    one.run("commit");
    assert_eq!(other.end(), "");
    assert_eq!(one.run("select n from t"), "12\n");
    assert!(other.run("select nonsense").contains("ERROR 1054 (42S22) at line"));
    let id = other.id();
    other.begin("select sleep(60)");
    let asleep = format!("select state from information_schema.processlist where id = {id}");
    wait_for("it sleeps", || (one.run(&asleep) == "User sleep\n").then_some(()));
    database.server().kill_session(id);
    let answer = other.end();
    assert!(
        answer.contains("ERROR 2013") || answer.contains("ERROR 1317") || answer.contains("ERROR 1927"),
        "{answer}"
    );
}

pub(crate) fn a_script_is_fed_as_people_do(flavour: Flavour) {
    let database = MySql::shared(flavour).database();
    let script = "create table t (n int);\ndelimiter //\ncreate procedure p() begin insert into t values (1);\n\
                  insert into t values (2); end//\ndelimiter ;\ncall p();\nselect count(*) from t;\n";
    assert_eq!(database.feed(script), Ok("2\n".to_owned()));
    let error = database
        .feed("insert into t values (3);\nselect nonsense;\ninsert into t values (4);")
        .expect_err("no such column");
    assert!(error.contains("ERROR 1054 (42S22) at line 2"), "{error}");
    assert_eq!(database.sql("select max(n) from t"), "3\n");
    let dump = database.dump().expect("a dump");
    let copy = database.server().database();
    copy.feed(&dump).expect("a dump is a script");
    assert_eq!(copy.contents(), database.contents());
    // A script that is longer than what fits into a pipe, as its answers are.
    let long = format!("select '{}';\n", "x".repeat(1000)).repeat(300);
    assert_eq!(database.sql(&long).lines().count(), 300);
}

pub(crate) fn contents_hold_all_objects_and_rows_and_no_moment(flavour: Flavour) {
    const SCRIPT: &str = "create table a (n int primary key auto_increment, t varchar(20), b varbinary(4));\n\
        insert into a (t, b) values ('b\tc', x'00ff'), ('ä', null), ('B', x'41');\n\
        create table migrate_history (n int);\n\
        create view v as select n from a;\n\
        delimiter //\n\
        create trigger tr before insert on a for each row begin set new.t = 'x'; end//\n\
        create procedure p() begin select 1; end//\n\
        create function f() returns int deterministic return 7//\n\
        create event e on schedule every 1 day disable do begin delete from a; end//\n\
        delimiter ;\n";
    let server = MySql::shared(flavour);
    let (one, other) = (server.database(), server.database());
    one.feed(SCRIPT).expect("a script");
    other.feed(SCRIPT).expect("a script");
    // Deleted rows have taken numbers.
    other.sql("insert into a (t) values ('gone'); delete from a where t = 'x'");
    let contents = one.contents();
    let expected = [
        "CREATE TABLE `a`",
        "VIEW `v` AS select",
        "trigger\ttr",
        "PROCEDURE `p`",
        "FUNCTION `f`",
        "event\te",
        "\na\t1\tb\\tc\t00FF\n",
        "\na\t2\tä\tNULL\n",
        "\na\t3\tB\t41\n",
    ];
    for part in expected {
        assert!(contents.contains(part), "{part:?} is missing:\n{contents}");
    }
    assert!(!contents.contains("migrate_"), "{contents}");
    assert_eq!(contents, other.contents());
    if flavour == Flavour::MariaDb {
        one.sql("create sequence s start with 5; select nextval(s)");
        assert!(one.schema().contains("SEQUENCE") && one.contents().contains("\ns\t"), "{}", one.contents());
    }
    other.sql("update a set t = 'y' where n = 1");
    assert_ne!(one.contents(), other.contents());
}

pub(crate) fn a_server_of_ones_own_survives_its_death_with_what_was_committed(flavour: Flavour) {
    let server =
        MySql::start(flavour, Options { arguments: vec!["--max-connections=77".into()], ..Options::default() });
    let database = server.database();
    assert_eq!(database.sql("select @@max_connections, @@sync_binlog, @@innodb_flush_log_at_trx_commit"), "77\t1\t1\n");
    assert_eq!(database.sql("select @@log_bin"), if flavour == Flavour::MySql { "1\n" } else { "0\n" });
    assert!(server.sql_as_root("", "select current_user()").starts_with("root@localhost"));
    let mut client = database.client();
    client.run("create table t (n int); insert into t values (1); begin; insert into t values (2)");
    let before = server.pid();
    server.kill9();
    assert!(!is_alive(before));
    server.restart();
    assert_eq!(database.sql("select n from t"), "1\n");
    server.stop();
    server.restart();
    assert_eq!(database.sql("select n from t"), "1\n");
    if flavour == Flavour::MariaDb {
        database.sql("create procedure p() select 1");
        server.kill9();
        tear(&server.folder().join("data/mysql/proc.MAI"));
        assert!(!server.comes_back());
    }
    let folder = server.folder().to_owned();
    drop(client);
    drop(database);
    drop(server);
    assert!(!folder.exists(), "{} is left behind", folder.display());
}

/// Half of each page is from another time.
fn tear(file: &Path) {
    let mut bytes = std::fs::read(file).expect("a table's file");
    for page in bytes.chunks_mut(8192).skip(1) {
        page[100..4096].fill(7);
    }
    std::fs::write(file, bytes).expect("a file that can be written");
}

pub(crate) fn a_server_that_is_paused_is_silent_until_it_goes_on(flavour: Flavour) {
    let server = MySql::start(flavour, Options { relaxed: true, ..Options::default() });
    let database = server.database();
    let mut client = database.client();
    server.pause();
    let status = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap_or_default();
    wait_for("it is stopped", || status().contains(") T ").then_some(()));
    client.begin("select 1");
    server.resume();
    assert_eq!(client.end(), "1\n");
}

pub(crate) fn certificates_of_ours_are_shown(flavour: Flavour) {
    let server = MySql::start(flavour, Options { tls: true, relaxed: true, ..Options::default() });
    let address = server.address();
    let (host, port) = address.rsplit_once(':').expect("an address with a port");
    let connect = format!(
        "s_client -starttls mysql -verify_return_error -verify_hostname localhost -CAfile {} -connect {host}:{port}",
        server.certificates().authority().display()
    );
    let output = Command::new("openssl").args(connect.split_whitespace()).stdin(Stdio::null()).output();
    let output = output.expect("openssl starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("Verification: OK"), "{text}");
}

/// Starts this test again as a child, which says something about its server and waits.
struct Victim {
    child: Child,
    line: String,
}

impl Victim {
    fn is_us() -> bool {
        std::env::var_os("MIGRATE_TEST_VICTIM").is_some()
    }

    fn wait(server: &MySql) {
        eprintln!("victim: {} {} {}", server.pid(), server.folder().display(), server.address());
        // Nobody writes there: it ends when it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
    }

    fn start(flavour: Flavour, test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a test knows its own path"))
            .args(["--exact", &format!("on_{}::{test}", flavour.scheme()), "--nocapture"])
            .env("MIGRATE_TEST_VICTIM", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test starts again");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let line =
            lines.map_while(Result::ok).find_map(|line| line.split_once("victim: ").map(|(_, rest)| rest.to_owned()));
        Self { child, line: line.expect("the child has a server") }
    }

    /// Process and folder of its server.
    fn server(&self) -> (u32, &Path) {
        let mut words = self.line.split_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok()).expect("a number");
        (pid, Path::new(words.next().expect("a folder")))
    }

    fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
        let (pid, folder) = self.server();
        wait_for("the server and its folder go", || (!folder.exists() && !is_alive(pid)).then_some(()));
    }
}

pub(crate) fn a_killed_process_leaves_no_server_behind(flavour: Flavour) {
    if Victim::is_us() {
        return Victim::wait(&MySql::start(flavour, Options::default()));
    }
    let mut victim = Victim::start(flavour, "a_killed_process_leaves_no_server_behind");
    let (pid, folder) = victim.server();
    assert!(folder.is_dir() && is_alive(pid), "{}", victim.line);
    victim.kill();
}

pub(crate) fn two_processes_at_once_have_servers_of_their_own(flavour: Flavour) {
    const TEST: &str = "two_processes_at_once_have_servers_of_their_own";
    if Victim::is_us() {
        return Victim::wait(&MySql::start(flavour, Options { relaxed: true, ..Options::default() }));
    }
    let victims = std::thread::scope(|scope| {
        let begun = [(); 2].map(|()| scope.spawn(|| Victim::start(flavour, TEST)));
        begun.map(|victim| victim.join().expect("a child with a server"))
    });
    let [mut one, mut other] = victims;
    assert_ne!(one.server(), other.server());
    one.kill();
    let (pid, folder) = other.server();
    assert!(folder.is_dir() && is_alive(pid), "{}", other.line);
    other.kill();
}

fn proxy(server: &MySql, round_trip: Duration) -> Proxy {
    Proxy::start(Protocol::MySql, &server.address(), round_trip)
}

pub(crate) fn a_slow_line_costs_each_question_a_trip(flavour: Flavour) {
    let database = MySql::shared(flavour).database();
    let proxy = proxy(database.server(), Duration::from_millis(20));
    let mut client = database.client_by(&proxy.address());
    let (before, begin) = (proxy.counts(), Instant::now());
    client.run("select 1; select 2; select 3");
    let (counts, elapsed) = (proxy.counts().since(before), begin.elapsed());
    let Counts { connections, client_messages, server_messages, round_trips } = counts;
    assert_eq!((round_trips, client_messages, connections), (3, 3, 0), "{}", proxy.passed());
    // How many columns, the column, an end where that is not left out, the row, the end.
    assert!(server_messages == 3 * 5 || server_messages == 3 * 4, "{}", proxy.passed());
    assert!(elapsed >= Duration::from_millis(60), "three trips in {elapsed:?}");
    drop(client);
    let passed = proxy.passed();
    assert!(passed.starts_with("<H >* ") && passed.contains(">Q <D <D "), "{passed}");
}

pub(crate) fn what_is_encrypted_passes_unread(flavour: Flavour) {
    let server = MySql::start(flavour, Options { tls: true, relaxed: true, ..Options::default() });
    let proxy = proxy(&server, Duration::ZERO);
    let address = proxy.address();
    let connect = format!("s_client -starttls mysql -connect {address}");
    let output = Command::new("openssl").args(connect.split_whitespace()).stdin(Stdio::null()).output();
    assert!(output.is_ok_and(|output| output.status.success()), "{}", proxy.passed());
    assert!(proxy.passed().starts_with("<H >* >? <?"), "{}", proxy.passed());
}

/// How many rows are there after an INSERT was sent as the `message`-th of a client or answered.
fn rows_after(flavour: Flavour, cut: impl Fn(u64, u64) -> Cut) -> String {
    let database = MySql::shared(flavour).database();
    database.sql("create table t (n int)");
    let proxy = proxy(database.server(), Duration::ZERO);
    let mut client = database.client_by(&proxy.address());
    let id = client.id();
    let counts = proxy.counts();
    let cut = cut(counts.client_messages + 1, counts.server_messages + 1);
    proxy.cut(cut);
    let answer = client.run("insert into t values (1)");
    assert!(proxy.was_cut(), "{cut}: {}", proxy.passed());
    assert!(answer.contains("Lost connection") || answer.contains("has gone away"), "{cut}: {answer}");
    if cut.lasting {
        let mut refused = TcpStream::connect(proxy.address()).expect("a listener");
        assert_eq!(refused.read(&mut [0]).ok(), None, "{cut}");
        proxy.mend();
    }
    database.client_by(&proxy.address());
    wait_for("the session ends", || (!database.processes().contains(&id)).then_some(()));
    database.sql("select count(*) from t")
}

pub(crate) fn a_cut_falls_before_or_after_the_packet_it_was_asked_for(flavour: Flavour) {
    for how in [How::Reset, How::Close] {
        for lasting in [false, true] {
            let cut = |side, message, after| Cut { side, message, after, how, lasting };
            assert_eq!(rows_after(flavour, |client, _| cut(Side::Client, client, false)), "0\n");
            assert_eq!(rows_after(flavour, |client, _| cut(Side::Client, client, true)), "1\n");
            assert_eq!(rows_after(flavour, |_, server| cut(Side::Server, server, false)), "1\n");
        }
    }
}
