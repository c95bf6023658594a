//! Connecting to real servers: with and without TLS, with every kind of login, by the command line's settings.

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::{Fault, ServerError};
use migrate_core::{Backend as _, Migrator};
use migrate_mysql::Mysql;
use migrate_tests::Project;
use migrate_tests::servers::mysql::Options;
use migrate_tests::servers::{Flavour, MySql as Server};

use super::FLAVOUR;
use super::support::{backend, block_on, fragile, set};

/// One with certificates of ours, that also listens where its certificate names nobody: at 127.0.0.2, and at 0.0.0.0,
/// which is no address of the machine itself. Of its accounts `only_tls` must come encrypted.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let arguments = vec!["--bind-address=0.0.0.0".to_owned()];
        let server = Server::start(FLAVOUR, Options { tls: true, relaxed: true, arguments, ..Options::default() });
        server.sql(
            "",
            "create database shop; create user only_tls@'%' identified by 'secret' require ssl; \
                        grant all on shop.* to only_tls@'%'; create user login@'%' identified by 'secret'; \
                        grant all on shop.* to login@'%'",
        );
        server
    })
}

/// A URL with the scheme for the flavour, the server's port for PORT, its socket for SOCKET, its certificates for CERTS.
fn filled(text: &str) -> String {
    let authority = server().certificates().authority();
    let certificates = authority.parent().expect("a folder").display().to_string();
    let address = server().address();
    let port = address.rsplit(':').next().expect("a port");
    text.replace("DB://", &format!("{}://", FLAVOUR.scheme()))
        .replace("PORT", port)
        .replace("SOCKET", &server().socket().display().to_string())
        .replace("CERTS", &certificates)
}

fn try_to(connect: &Mysql) -> Result<(), ServerError> {
    block_on(async { connect.connect().await.map(drop) })
}

/// How the connection is encrypted; empty for not at all.
#[track_caller]
fn connects(text: &str) -> String {
    let database = backend(&filled(text));
    let cipher = block_on(async {
        let mut session = database.connect().await?;
        session.query("show session status like 'ssl_cipher'").await
    });
    match cipher {
        Ok(rows) => rows[0][1].clone().unwrap_or_default(),
        Err(error) => panic!("{text}: {error} {:?}", error.detail),
    }
}

#[track_caller]
fn fails(text: &str, message: &str, hint: &str) {
    let error = try_to(&backend(&filled(text))).expect_err(text);
    assert_eq!(error.fault, Fault::Connect, "{text}: {error}");
    let said = error.to_string();
    assert!(said.contains(&filled(message)), "{text}: {said}");
    let hinted = error.hint.clone().unwrap_or_default();
    assert!(hinted.contains(hint), "{text}: {said} | {hinted}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

/// Nobody is remembered: MySQL's `caching_sha2_password` then wants the password itself, under TLS or the server's key.
fn forget() {
    if FLAVOUR == Flavour::MySql {
        server().sql("", "flush privileges");
    }
}

#[test]
fn every_kind_of_login_works_with_and_without_tls_and_by_the_socket() {
    for (text, encrypted) in [
        ("DB://login:secret@127.0.0.1:PORT/shop?ssl-mode=DISABLED", false),
        ("DB://login:secret@127.0.0.1:PORT/shop?ssl-mode=REQUIRED", true),
        ("DB://login:secret@localhost/shop?socket=SOCKET", false),
        ("DB://login:secret@127.0.0.1:PORT/shop", true),
        ("DB://only_tls:secret@127.0.0.1:PORT/shop", true),
    ] {
        // Cold, and remembered.
        forget();
        for _ in 0..2 {
            assert_eq!(!connects(text).is_empty(), encrypted, "{text}");
        }
    }
    if FLAVOUR == Flavour::MariaDb {
        let server = server();
        server.sql(
            "",
            "create user native@'%' identified via mysql_native_password using password('secret'); \
                        grant all on shop.* to native@'%'",
        );
        connects("DB://native:secret@127.0.0.1:PORT/shop?ssl-mode=DISABLED");
        let plugin = server.feed(
            "",
            "install soname 'auth_ed25519'; create user curve@'%' identified via ed25519 \
                                      using password('secret'); grant all on shop.* to curve@'%'",
        );
        match plugin {
            Ok(_) => {
                connects("DB://curve:secret@127.0.0.1:PORT/shop?ssl-mode=DISABLED");
                connects("DB://curve:secret@127.0.0.1:PORT/shop?ssl-mode=REQUIRED");
            }
            // The packages of the server alone come without it, and nothing else may be the reason.
            Err(said) => assert!(said.contains("auth_ed25519") && said.contains("cannot open shared object"), "{said}"),
        }
    }
}

#[test]
fn who_is_not_let_in_reads_why() {
    let denied = "127.0.0.1:PORT: Access denied for user 'login'@";
    fails("DB://login:secrets@127.0.0.1:PORT/shop", denied, "check the user, and");
    fails("DB://login@127.0.0.1:PORT/shop", denied, "give it a password: MYSQL_PWD");
    let only = "Access denied for user 'only_tls'@";
    fails("DB://only_tls:secret@127.0.0.1:PORT/shop?ssl-mode=DISABLED", only, "ssl-mode=REQUIRED");
    let other = "Access denied for user 'login'@'%' to database 'mysql'";
    fails("DB://login:secret@127.0.0.1:PORT/mysql", other, "GRANT ALL ON `mysql`.* TO 'login'@'%'");
    let missing = try_to(&backend(&filled("DB://test:test@127.0.0.1:PORT/no_such_shop"))).unwrap_err();
    assert_eq!(missing.fault, Fault::NoDatabase, "{missing}");
    fails(
        "DB://test:test@127.0.0.1:1/shop",
        "127.0.0.1:1 refuses connections: no server listens there",
        "start the server",
    );
    fails("DB://test:test@localhost/shop?socket=/no/such/sock", "no server listens on /no/such/sock", "socket=PATH");
}

#[test]
fn a_certificate_is_verified_as_far_as_ssl_mode_says() {
    let url = |host: &str, more: &str| format!("DB://login:secret@{host}:PORT/shop?ssl-mode={more}");
    let root = "&ssl-ca=CERTS/authority.crt";
    for host in ["127.0.0.1", "localhost"] {
        for mode in ["PREFERRED", "REQUIRED"] {
            assert_ne!(connects(&url(host, mode)), "");
        }
        assert_ne!(connects(&url(host, &format!("VERIFY_IDENTITY{root}"))), "");
    }
    let named = "is for localhost, 127.0.0.1 and not for 127.0.0.2";
    fails(&url("127.0.0.2", &format!("VERIFY_IDENTITY{root}")), named, "");
    let other = url("127.0.0.1", "VERIFY_IDENTITY&ssl-ca=CERTS/client.crt");
    fails(&other, "is not signed by one of CERTS/client.crt", "ssl-ca=FILE");
    let missing = url("127.0.0.1", "VERIFY_IDENTITY&ssl-ca=CERTS/none.crt");
    fails(&missing, "CERTS/none.crt", "");
    // The driver has no way to verify less.
    let refused = Mysql::from_url(&filled(&url("127.0.0.1", "VERIFY_CA"))).unwrap_err().to_string();
    assert!(refused.contains("ssl-mode=VERIFY_IDENTITY does both"), "{refused}");
}

#[test]
fn a_server_without_tls_is_used_unless_it_is_asked_for() {
    let off = if FLAVOUR == Flavour::MySql { "--tls-version=" } else { "--skip-ssl" };
    let plain =
        Server::start(FLAVOUR, Options { arguments: vec![off.to_owned()], relaxed: true, ..Options::default() });
    let url = plain.url("mysql");
    try_to(&backend(&url)).unwrap_or_else(|error| panic!("{error}"));
    let error = try_to(&backend(&format!("{url}?ssl-mode=REQUIRED"))).unwrap_err();
    assert!(error.message.contains("offers no TLS"), "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("ssl-mode=PREFERRED")), "{error:?}");
}

#[test]
fn a_password_goes_to_another_machine_under_tls_only() {
    let far = "DB://login:secret@0.0.0.0:PORT/shop?ssl-mode=DISABLED";
    fails(far, "the password would go to 0.0.0.0:PORT without TLS", "allow-plain-password=true");
    assert_eq!(connects(&format!("{far}&allow-plain-password=true")), "");
    assert_ne!(connects("DB://login:secret@0.0.0.0:PORT/shop"), "");
}

#[test]
fn a_server_that_is_starting_is_waited_for() {
    let server = Server::start(FLAVOUR, Options::default());
    let to = backend(&server.url("mysql"));
    server.stop();
    let patient = to.clone().connect_wait(Duration::from_secs(60));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| try_to(&patient));
        assert!(try_to(&to).is_err(), "nobody listens yet");
        server.restart();
        waiting.join().expect("no panic").expect("a connection once it has started");
    });
    let began = Instant::now();
    let wrong = backend(&server.url("mysql").replace("test:test", "test:x")).connect_wait(Duration::from_secs(60));
    assert!(try_to(&wrong).is_err() && began.elapsed() < Duration::from_secs(30), "no password mends itself");
}

#[test]
fn the_command_line_takes_variables_and_option_files_and_shows_no_secret() {
    let project = Project::with(&[("1_a", "create table a (n int);")]);
    let address = server().address();
    let port = address.rsplit(':').next().expect("a port");
    server().sql(
        "",
        "create database by_option; create database by_variable; create user cli@'%' identified by 'secret'; \
                     grant all on *.* to cli@'%'",
    );
    project.write("home/.my.cnf", &format!("[client]\nhost=127.0.0.1\nport={port}\nuser=cli\npassword=secret\n"));
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = project.command(arguments);
        command.env("HOME", project.path("home")).envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("secret"), "{text}");
        (output.status.code(), text)
    };
    let scheme = FLAVOUR.scheme();
    let (code, text) = run(&["up", "-d", &format!("{scheme}:///by_option")], &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("cli@127.0.0.1:{port}/by_option")), "{text}");
    let variables = [("MYSQL_DATABASE", "by_variable"), ("MYSQL_USER", "only_tls"), ("MYSQL_PWD", "secret")];
    let (code, text) = run(&["up", "-d", &format!("{scheme}://127.0.0.1:{port}/shop")], &variables);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("only_tls@127.0.0.1:{port}/shop")), "{text}");
    let (code, text) = run(&["up", "-d", &format!("{scheme}://")], &variables[..1]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("/by_variable"), "{text}");
    let wrong = [("MYSQL_PWD", "secrets")];
    let (code, text) = run(&["up", "-d", &format!("{scheme}:///by_option")], &wrong);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("the variable MYSQL_PWD"), "{text}");
}

#[test]
fn a_password_command_is_asked_at_every_connect() {
    let project = Project::with(&[("1_a", "create table a (n int);")]);
    server().sql("", "create database asked; grant all on asked.* to login@'%'");
    let url = filled("DB://login@127.0.0.1:PORT/asked");
    fs::write(project.path("ask.sh"), "echo asked >> asked; echo secret\n").unwrap();
    for _ in 0..2 {
        project.migrate_with(&["up", "-d", &url, "--password-command", "sh ask.sh"]).exits(0);
    }
    let asked = fs::read_to_string(project.path("asked")).unwrap();
    assert!(asked.lines().count() >= 2, "{asked}");
    let said = project.migrate_with(&["check", "-d", &url, "--password-command", "echo secrets"]);
    assert!(said.stderr.contains("what the password file or command gives"), "{said}");
}

#[test]
fn a_database_is_created_and_dropped() {
    let project = Project::with(&[("1_a", "create table a (n int);")]);
    let url = filled("DB://test:test@127.0.0.1:PORT/new`shop");
    let said = project.migrate_with(&["up", "-d", &url]).exits(6);
    assert!(said.stderr.contains("--create-db"), "{said}");
    project.migrate_with(&["up", "-d", &url, "--create-db"]).exits(0);
    let charset = "select default_character_set_name from information_schema.schemata where schema_name = 'new`shop'";
    assert_eq!(server().sql("", charset), "utf8mb4\n");
    project.migrate_with(&["check", "-d", &url]).exits(0);
    let dropped = project.migrate_with(&["db", "drop", "-d", &url, "--yes"]);
    assert_eq!(server().sql("", charset), "", "{dropped}");
}

#[test]
fn local_files_come_from_the_folder_of_the_migrations() {
    let database = Server::shared(FLAVOUR).database();
    database.sql("set global local_infile = 1");
    let load = |file: &str| {
        format!("create table t (n int);\ninsert into t values (0);\nload data local infile '{file}'\n into table t;\n")
    };
    let project = Project::with(&[("1_load", &load("data/rows.csv"))]).file("migrations/data/rows.csv", "1\n2\n");
    project.write("outside.csv", "7\n");
    project.migrate_with(&["up", "-d", &database.url()]).exits(0);
    assert_eq!(database.sql("select n from t"), "0\n1\n2\n");
    assert_eq!(database.sql("select state, `cursor` from migrate_history"), "done\t3\n");
    for file in ["../outside.csv", "data/missing.csv", "/etc/passwd"] {
        let database = Server::shared(FLAVOUR).database();
        project.write("migrations/1_load.sql", &load(file));
        let said = project.migrate_with(&["up", "-d", &database.url()]).exits(3);
        let text = said.stderr;
        assert!(text.contains(&format!("LOAD DATA LOCAL asks for {file}, which is no file of")), "{text}");
        assert!(text.contains("migrations/1_load.sql:3:24"), "{text}");
        assert_eq!(database.sql("select n from t; select state, `cursor` from migrate_history"), "0\nfailed\t2\n");
        project.write("migrations/1_load.sql", &load("data/rows.csv"));
        project.migrate_with(&["up", "-d", &database.url()]).exits(0);
        assert_eq!(database.sql("select n from t"), "0\n1\n2\n");
    }
    // Without a folder.
    let database = Server::shared(FLAVOUR).database();
    let files =
        [("1_create", "create table t (n int);"), ("2_load", "load data local infile 'data/rows.csv' into table t;")];
    let error = block_on(fragile(&database.url(), &set(&files)).up()).unwrap_err().to_string();
    assert!(error.contains("Mysql::local_files") && error.contains("2_load.sql:1:24"), "{error}");
    // In a transaction with its row.
    let folder = project.path("migrations");
    let migrator = Migrator::new(backend(&database.url()).local_files(folder), set(&files));
    block_on(migrator.up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.sql("select n from t"), "1\n2\n");
}
