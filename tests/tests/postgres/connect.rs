//! Connecting to real servers: with and without TLS, with every kind of password, to one of several hosts.

mod on_postgres {
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::OnceLock;
    use std::thread;
    use std::time::{Duration, Instant};

    use migrate_core::Backend as _;
    use migrate_core::backend::{Fault, ServerError};
    use migrate_postgres::{ConnInfo, Postgres};
    use migrate_tests::Project;
    use migrate_tests::servers::{self, Options};

    /// One that speaks TLS and asks for passwords: `locked` and `md5` have one, `tls` and `plain` only with and without
    /// TLS, `shown` shows a certificate.
    fn server() -> &'static servers::Postgres {
        static SERVER: OnceLock<servers::Postgres> = OnceLock::new();
        SERVER.get_or_init(|| {
            let hba = [
                "local all all trust",
                "host all postgres all trust",
                "hostssl all tls all scram-sha-256",
                "hostnossl all plain all scram-sha-256",
                "hostssl all shown all cert map=shown",
                "host all md5 all md5",
                "host all locked all scram-sha-256",
            ];
            let server = servers::Postgres::start(Options {
                hba: hba.map(str::to_owned).into(),
                tls: true,
                ..Options::default()
            });
            fs::write(server.socket_folder().join("data/pg_ident.conf"), "shown postgres shown\n").expect("a map");
            let roles = "create role tls login password 'secret'; create role plain login password 'secret'; \
                         create role locked login password 'secret'; create role shown login; \
                         set password_encryption = 'md5'; create role md5 login password 'secret'; \
                         select pg_reload_conf()";
            server.psql("postgres", roles);
            server
        })
    }

    fn port() -> String {
        server().address().rsplit(':').next().expect("a port").to_owned()
    }

    /// The text with the server's port for PORT, its socket for SOCKET, and its certificates' folder for CERTS.
    fn filled(text: &str) -> String {
        let authority = server().certificates().authority();
        let certificates = authority.parent().expect("a folder").display().to_string();
        let socket = server().socket_folder().display().to_string();
        text.replace("PORT", &port()).replace("SOCKET", &socket).replace("CERTS", &certificates)
    }

    fn try_to(connect: &Postgres) -> Result<(), ServerError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { connect.connect().await.map(drop) })
    }

    fn database(text: &str) -> Postgres {
        Postgres::from_url(&filled(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[track_caller]
    fn connects(text: &str) {
        if let Err(error) = try_to(&database(text)) {
            panic!("{text}: {error} {:?}", error.detail);
        }
    }

    #[track_caller]
    fn fails(text: &str, message: &str, hint: &str) {
        let error = try_to(&database(text)).expect_err(text);
        assert_eq!(error.fault, Fault::Connect, "{text}: {error}");
        let said = error.to_string();
        assert!(said.contains(&filled(message)), "{text}: {said}");
        let hinted = error.hint.clone().unwrap_or_default();
        assert!(hinted.contains(hint), "{text}: {said} | {hinted}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }

    #[test]
    fn a_server_is_found_by_socket_name_and_address() {
        for text in [
            "host=SOCKET port=PORT user=postgres dbname=postgres",
            "host=SOCKET port=PORT user=postgres dbname=postgres sslmode=verify-full",
            "postgres://postgres@localhost:PORT/postgres",
            "host=127.0.0.1 port=PORT user=postgres dbname=postgres options='-c work_mem=5MB'",
            "host=no.such.name hostaddr=127.0.0.1 port=PORT user=postgres",
            "hostaddr=127.0.0.1 port=PORT user=postgres keepalives_idle=5 tcp_user_timeout=1000",
        ] {
            connects(text);
        }
        let encoded = filled("SOCKET").replace('/', "%2F");
        connects(&format!("postgres://postgres@{encoded}:PORT/postgres"));
    }

    #[test]
    fn every_kind_of_password_is_given() {
        for user in ["locked", "md5", "tls", "plain"] {
            connects(&format!("postgres://{user}:secret@localhost:PORT/postgres"));
        }
        connects("postgres://tls:secret@localhost:PORT/postgres?sslmode=require&channel_binding=require");
        let none = "127.0.0.1:PORT asks for a password, and there is none";
        fails("postgres://locked@127.0.0.1:PORT/postgres", none, "PGPASSWORD");
        let wrong = "127.0.0.1:PORT: password authentication failed for user \"locked\" (28P01)";
        fails("postgres://locked:secrets@127.0.0.1:PORT/postgres", wrong, "check the user and the password");
        let stranger = "127.0.0.1:PORT: no pg_hba.conf entry";
        fails("postgres://stranger@127.0.0.1:PORT/postgres", stranger, "pg_hba.conf");
        let unbound = "did not use channel binding";
        fails("postgres://plain:secret@localhost:PORT/postgres?channel_binding=require", unbound, "channel_binding");
    }

    #[test]
    fn a_provider_is_asked_at_every_connect() {
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&asked);
        let given = database("postgres://locked:wrong@localhost:PORT/postgres").password_provider(move || {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async { Ok("secret".to_owned()) }
        });
        for _ in 0..3 {
            try_to(&given).expect("the right password");
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 3);
        let refusing = given.password_provider(|| async { Err("the cloud is away".into()) });
        assert_eq!(try_to(&refusing).expect_err("no password").message, "there is no password: the cloud is away");
    }

    #[test]
    fn a_password_file_is_read_unless_others_can() {
        let project = Project::new();
        let path = project.path("pgpass");
        fs::write(&path, format!("other:1:d:u:x\nlocalhost:{}:*:locked:secret\n", port())).expect("a file");
        let locked = format!("host=localhost port=PORT user=locked dbname=postgres passfile={}", path.display());
        let with_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        with_mode(0o600);
        connects(&locked);
        with_mode(0o640);
        fails(&locked, "asks for a password", "was ignored, because others can read it: chmod 0600");
        let text = fs::read_to_string(&path).expect("a file");
        let given = database("host=localhost port=PORT user=locked dbname=postgres").pgpass(text);
        try_to(&given).expect("the text of the file");
    }

    #[test]
    fn tls_is_insisted_on_as_far_as_sslmode_says() {
        for mode in ["allow", "prefer", "require", "verify-ca&sslrootcert=CERTS/authority.crt"] {
            connects(&format!("postgres://tls:secret@localhost:PORT/postgres?sslmode={mode}"));
        }
        for host in ["localhost", "127.0.0.1"] {
            let root = "sslmode=verify-full&sslrootcert=CERTS/authority.crt";
            connects(&format!("postgres://tls:secret@{host}:PORT/postgres?{root}"));
        }
        for mode in ["disable", "allow", "prefer"] {
            connects(&format!("postgres://plain:secret@localhost:PORT/postgres?sslmode={mode}"));
        }
        let away = "no pg_hba.conf entry";
        fails("postgres://tls:secret@localhost:PORT/postgres?sslmode=disable", away, "sslmode=require");
        fails("postgres://plain:secret@localhost:PORT/postgres?sslmode=require", away, "pg_hba.conf");
        // A server without TLS.
        let plain = servers::Postgres::shared().url("postgres");
        fails(&format!("{plain}?sslmode=require"), "offers no TLS", "sslmode=disable");
        connects(&format!("{plain}?sslmode=prefer"));
    }

    #[test]
    fn a_certificate_is_verified_as_far_as_sslmode_says() {
        let other = "host=other.example hostaddr=127.0.0.1 port=PORT user=tls password=secret dbname=postgres \
                     sslrootcert=CERTS/authority.crt";
        connects(&format!("{other} sslmode=verify-ca"));
        // As with libpq, a root certificate makes more of `require`.
        connects(&format!("{other} sslmode=require"));
        let message = "is for localhost, 127.0.0.1 and not for other.example";
        fails(&format!("{other} sslmode=verify-full"), message, "sslmode=verify-ca");
        let tls = "postgres://tls:secret@localhost:PORT/postgres?sslmode=";
        for mode in ["require&sslrootcert=CERTS/client.crt", "verify-ca&sslrootcert=CERTS/client.crt"] {
            fails(&format!("{tls}{mode}"), "is not signed by one of CERTS/client.crt", "sslrootcert=FILE");
        }
        fails(
            &format!("{tls}verify-full&sslrootcert=system"),
            "is not signed by one of the operating",
            "sslrootcert=FILE",
        );
        fails(&format!("{tls}verify-full"), "cannot be verified without a root", "sslrootcert=system");
        fails(&format!("{tls}verify-ca&sslrootcert=CERTS/none"), "sslrootcert CERTS/none cannot be read", "PEM");
        // A certificate that is its own authority.
        connects(&format!("{tls}verify-full&sslrootcert=CERTS/server.crt"));
    }

    #[test]
    fn a_client_shows_its_certificate() {
        let project = Project::new();
        let key = project.path("client.key");
        fs::copy(server().certificates().client_key(), &key).expect("a key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
        let shown =
            format!("host=localhost port=PORT user=shown dbname=postgres sslmode=require sslkey={}", key.display());
        connects(&format!("{shown} sslcert=CERTS/client.crt"));
        fails(
            &format!("{shown} sslcert=CERTS/client.crt sslcertmode=disable"),
            "valid client certificate",
            "sslcert=FILE",
        );
        fails(&format!("{shown} sslcert=CERTS/server.crt"), "cannot be used together", "");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a mode");
        fails(&format!("{shown} sslcert=CERTS/client.crt"), "can be read by others", "chmod 0600");
    }

    #[test]
    fn the_first_host_that_will_do_is_taken() {
        let read_only = server().database();
        read_only.psql(&format!("alter database {} set default_transaction_read_only = on", read_only.name()));
        let name = read_only.name();
        connects("postgres://postgres@127.0.0.1:1,127.0.0.1:PORT/postgres");
        connects("postgres://postgres@127.0.0.1:1,127.0.0.1:PORT/postgres?load_balance_hosts=random");
        connects("postgres://postgres@no.such.name.invalid,127.0.0.1:PORT/postgres");
        for wish in ["any", "read-only", "primary", "prefer-standby"] {
            connects(&format!("postgres://postgres@127.0.0.1:PORT/{name}?target_session_attrs={wish}"));
        }
        connects("postgres://postgres@127.0.0.1:PORT/postgres?target_session_attrs=read-write");
        let wrong = |database: &str, wish: &str, message: &str| {
            let text = format!("postgres://postgres@127.0.0.1:PORT/{database}?target_session_attrs={wish}");
            fails(&text, message, "");
        };
        wrong(name, "read-write", "127.0.0.1:PORT is read-only, and target_session_attrs=read-write");
        wrong("postgres", "read-only", "127.0.0.1:PORT is not read-only");
        wrong("postgres", "standby", "127.0.0.1:PORT is no standby");
        fails(
            "postgres://postgres@127.0.0.1:1,127.0.0.1:2/postgres",
            "127.0.0.1:1 refuses connections: no server listens there; 127.0.0.1:2 refuses",
            "--connect-wait",
        );
        // A wrong password ends it: the next server is not asked.
        fails("postgres://locked:x@127.0.0.1:PORT,127.0.0.1:1/postgres", "127.0.0.1:PORT: password", "check");
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let silent = listener.local_addr().expect("an address");
        let began = Instant::now();
        for more in ["", "&sslmode=disable", "&sslmode=require&sslnegotiation=direct"] {
            let text = format!("postgres://u@{silent}/d?connect_timeout=1{more}");
            fails(&text, "did not answer within 1", "connect_timeout");
        }
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_server_that_is_starting_is_waited_for() {
        let server = servers::Postgres::start(Options::default());
        let to = Postgres::from_url(&server.url("postgres")).expect("a URL");
        server.stop();
        let patient = to.clone().connect_wait(Duration::from_secs(30));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| try_to(&patient));
            assert!(try_to(&to).is_err(), "nobody listens yet");
            server.restart();
            waiting.join().expect("no panic").expect("a connection once it has started");
        });
        let began = Instant::now();
        let wrong = database("postgres://locked:x@127.0.0.1:PORT/postgres").connect_wait(Duration::from_secs(60));
        assert!(try_to(&wrong).is_err() && began.elapsed() < Duration::from_secs(30), "no password mends itself");
    }

    #[test]
    fn a_running_statement_is_stopped_with_and_without_tls() {
        for mode in ["disable", "require"] {
            let to = database(&format!("postgres://postgres@localhost:PORT/postgres?sslmode={mode}"));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let began = Instant::now();
            runtime.block_on(async {
                let mut session = to.connect().await.expect("a session");
                let canceller = session.canceller().expect("it can be stopped");
                let asking = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(200));
                    canceller.cancel()
                });
                let error = session.query("select pg_sleep(60)").await.expect_err("it was stopped");
                assert_eq!(error.code.as_deref(), Some("57014"), "{error}");
                asking.join().expect("no panic").expect("the server was asked");
                // From inside the runtime, too.
                session.canceller().expect("it can be stopped").cancel().expect("the server was asked");
            });
            assert!(began.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn a_database_is_created_and_dropped_whoever_is_connected() {
        let name = format!("made {} \"here\"", port());
        let encoded = name.replace(' ', "%20").replace('"', "%22");
        let to = database(&format!("postgres://postgres@localhost:PORT/{encoded}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let missing = to.connect().await.map(drop).expect_err("it is not there");
            assert_eq!((missing.fault, missing.code.as_deref()), (Fault::NoDatabase, Some("3D000")));
            assert!(!to.drop_database().await.expect("nothing to drop"));
            assert!(to.create_database().await.expect("created"));
            assert!(!to.create_database().await.expect("there already"));
            let _connected = to.connect().await.expect("a session");
            assert!(to.drop_database().await.expect("dropped"));
        });
    }

    #[test]
    fn who_may_create_no_database_reads_who_can() {
        let to = database("postgres://locked:secret@127.0.0.1:PORT/nowhere");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let refused = runtime.block_on(to.create_database()).expect_err("the right is missing");
        assert_eq!(refused.message, "the database nowhere cannot be created: permission denied to create database");
        let hint = "let somebody who may do it: CREATE DATABASE \"nowhere\" OWNER \"locked\"; or ALTER ROLE \"locked\" CREATEDB";
        assert_eq!(refused.hint.as_deref(), Some(hint));
    }

    #[test]
    fn the_command_line_takes_what_psql_takes() {
        let project = Project::new().file("migrations/1_a.sql", "create table a (n integer);\n");
        let database = server().database();
        let run = |words: &[&str], variables: &[(&str, &str)]| {
            let home = project.path("").display().to_string();
            let mut command = project.command(words);
            let output = command.env("HOME", home).envs(variables.iter().copied()).output().expect("it starts");
            let said = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8_lossy(&said).into_owned())
        };
        let name = database.name();
        let port = port();
        let list = format!("host=127.0.0.1 port={port} dbname={name} user=postgres");
        assert_eq!(run(&["up", "-d", &list], &[]).0, Some(0));
        database.psql("grant select on all tables in schema public to public");
        let variables =
            [("PGHOST", "127.0.0.1"), ("PGPORT", port.as_str()), ("PGDATABASE", name), ("PGUSER", "postgres")];
        for bare in ["postgres:", "postgres://", "postgresql://"] {
            let (code, said) = run(&["check", "-d", bare], &variables);
            assert_eq!(code, Some(0), "{said}");
        }
        let service = format!("[shop]\nhost=127.0.0.1\nport={port}\nuser=locked\ndbname={name}\n");
        project.write(".pg_service.conf", &service);
        project.write(".pgpass", &format!("127.0.0.1:{port}:*:locked:secret\n"));
        let pgpass = project.path(".pgpass");
        fs::set_permissions(&pgpass, fs::Permissions::from_mode(0o644)).expect("a mode");
        let (code, said) = run(&["status", "-d", "postgres://?service=shop"], &[]);
        assert!(code == Some(6) && said.contains("was ignored, because others can read it"), "{said}");
        fs::set_permissions(&pgpass, fs::Permissions::from_mode(0o600)).expect("a mode");
        let (code, said) = run(&["status", "-d", "postgres:"], &[("PGSERVICE", "shop")]);
        assert!(code == Some(0) && said.contains(&format!("postgres://locked@127.0.0.1:{port}/{name}")), "{said}");
        let locked = format!("postgres://locked@127.0.0.1:{port}/{name}");
        let by_command = ["status", "-d", locked.as_str(), "--password-command", "echo secret"];
        assert_eq!(run(&by_command, &[("PGPASSWORD", "wrong")]).0, Some(0));
        let (code, said) = run(&["status", "-d", &locked], &[("PGPASSWORD", "wrong")]);
        assert!(code == Some(6) && said.contains("28P01") && !said.contains("wrong"), "{said}");
        let direct = ["status", "-d", "postgres://127.0.0.1:1/away", "--direct-url", list.as_str()];
        assert_eq!(run(&direct, &[]).0, Some(0));
    }

    #[test]
    fn what_breaks_tls_off_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 8];
            stream.read_exact(&mut request).expect("a question for TLS");
            stream.write_all(b"SThis is no TLS server.").expect("an answer");
        });
        let text = format!("postgres://u@{address}/d?sslmode=require");
        fails(&text, "no TLS", "check that a PostgreSQL server listens there");
        answering.join().expect("no panic");
    }

    #[test]
    fn a_service_that_nobody_looked_up_is_no_service() {
        let info = ConnInfo::parse("service=shop").expect("a list");
        let error = try_to(&Postgres::new(info)).expect_err("where would it be");
        assert_eq!(error.message, "the service shop is named, and no service file was looked at");
    }
}
