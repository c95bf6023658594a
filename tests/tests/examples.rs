//! The examples, run: built by cargo as a reader would build them, each at its job.
#![cfg(unix)]

use std::process::{Child, Output, Stdio};

use migrate_tests::example::{check_readme, example};
use migrate_tests::servers::{Engine, Place, wait_for};
use migrate_tests::{Project, root};

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_program_brings_its_file_up_to_date_and_refuses_a_newer_one() {
    let project = Project::new();
    let notes = |arguments: &[&str]| {
        let output = example("desktop").arg(project.path("notes.db")).args(arguments).output().expect("it starts");
        (output.status.success(), said(&output))
    };
    let (succeeds, text) = notes(&["buy milk"]);
    assert!(succeeds && text.contains("was brought up to date") && text.contains("1  buy milk"), "{text}");
    let (succeeds, text) = notes(&[]);
    assert!(succeeds && !text.contains("up to date") && text.contains("1  buy milk"), "{text}");
    for name in ["1_create_notes", "2_add_written"] {
        let file = root().join(format!("examples/desktop/migrations/{name}.sql"));
        project.write(&format!("newer/{name}.sql"), &std::fs::read_to_string(file).expect("a migration"));
    }
    project.write("newer/3_newer.sql", "alter table notes add column colour text;\n");
    project.migrate("up -d sqlite:notes.db --dir newer").exits(0);
    let (succeeds, text) = notes(&[]);
    let told = text.contains("refused[M0205]: the database is ahead") && text.contains("= deploy");
    assert!(!succeeds && told, "whoever ends `main` with the error shows what a person can read: {text}");
}

#[test]
fn an_observer_draws_a_bar() {
    let output = example("progress").arg(root().join("examples/shop/migrations")).output().expect("it starts");
    let text = said(&output);
    assert!(output.status.success() && text.contains("[##############################] 7/7 R order_totals"), "{text}");
}

#[test]
fn readmes_are_what_a_terminal_shows() {
    for name in ["adding-a-backend", "desktop", "library-component", "progress"] {
        check_readme(name, &[]);
    }
}

/// Ten replicas at once on a new database, one of them killed half-way.
fn replicas(engine: Engine) {
    let project = Project::new();
    let place = Place::new(engine, &project);
    if engine == Engine::Sqlite {
        place.run("pragma user_version = 0");
    }
    let start = || {
        let mut service = example("web-service");
        service.env("DATABASE_URL", place.url()).env_remove("LISTEN").stdout(Stdio::piped()).stderr(Stdio::piped());
        service.spawn().expect("the service starts")
    };
    // The fourth migration is a slow one: whoever is at work in it is half-way.
    let mut killed = start();
    let mut services: Vec<Child> = Vec::new();
    wait_for("the migrations before the slow one", || {
        if services.len() < 9 {
            services.push(start());
        }
        (done(&place) == 3).then_some(())
    });
    services.extend((services.len()..9).map(|_| start()));
    killed.kill().expect("a process that can be killed");
    let status = killed.wait().expect("it ends");
    assert_eq!(status.code(), None, "it was killed and not over");
    assert!(done(&place) < 8, "{engine:?}: it was half-way");
    for service in &mut services {
        let mut listens = false;
        let text = first_lines(service, |line| {
            listens = line.starts_with("listening on");
            listens
        });
        assert!(listens, "{engine:?}: {text}");
    }
    let versions =
        place.sql("select version from migrate_history where state = 'done' order by seq").replace('\n', " ");
    assert_eq!(versions.trim(), "1 2 3 4 5 6 7 8", "{engine:?}: each once");
    for n in 1..=8 {
        assert_eq!(place.sql(&format!("select count(*) from t{n}")).trim(), "1");
    }
    for mut service in services {
        service.kill().expect("a process that can be killed");
        service.wait().expect("it ends");
    }
}

/// How many migrations are written down as done.
fn done(place: &Place) -> u32 {
    let there = match place {
        Place::Sqlite(_) => "select count(*) from sqlite_schema where name = 'migrate_history'",
        Place::Postgres(_) => "select count(*) from pg_class where relname = 'migrate_history'",
        Place::MySql(_) => {
            "select count(*) from information_schema.tables where table_schema = database() \
             and table_name = 'migrate_history'"
        }
    };
    if place.sql(there).trim() != "1" {
        return 0;
    }
    place.sql("select count(*) from migrate_history where state = 'done'").trim().parse().expect("a number")
}

/// What a service prints until a line is the one, or it ends. Its pipe stays open: what it prints later would end it.
fn first_lines(service: &mut Child, mut is_it: impl FnMut(&str) -> bool) -> String {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut text = String::new();
    for line in BufReader::new(service.stdout.as_mut().expect("a pipe")).lines() {
        let line = line.expect("text");
        text.push_str(&line);
        text.push('\n');
        if is_it(&line) {
            return text;
        }
    }
    let _ = service.stderr.take().expect("a pipe").read_to_string(&mut text);
    text
}

#[test]
fn ten_replicas_on_sqlite() {
    replicas(Engine::Sqlite);
}

/// The service with a migration that is code, as far as it listens; and where.
fn service(place: &Place) -> (Child, String) {
    let mut service = example("mysql-service");
    service.env("DATABASE_URL", place.url()).env_remove("LISTEN").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut service = service.spawn().expect("the service starts");
    let said = first_lines(&mut service, |line| line.starts_with("listening on"));
    let address = said.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{said}")).to_owned();
    (service, address)
}

/// The status and the text that it answers with.
fn ready(address: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET /ready HTTP/1.0\r\n\r\n").expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), text.trim().to_owned())
}

/// How many batches of the code were committed, as its readiness tells.
fn batches(text: &str) -> Option<u32> {
    let id: u32 = text.strip_prefix("pending: 3 fill initials, after checkpoint ")?.parse().ok()?;
    Some(id / 50)
}

/// Code that is killed half-way goes on in the next process, and readiness says how it stands.
fn killed_in_code(engine: Engine) {
    let place = Place::new(engine, &Project::new());
    let (mut killed, address) = service(&place);
    let before = wait_for("a batch", || {
        let (status, text) = ready(&address);
        assert_eq!((status, text.starts_with("pending: ")), (503, true), "{engine:?}: {text}");
        batches(&text).filter(|batches| *batches >= 3)
    });
    killed.kill().expect("a process that can be killed");
    assert_eq!(killed.wait().expect("it ends").code(), None, "it was killed and not over");
    let filled = || {
        place
            .sql("select count(*) from people where char_length(initials) = 2")
            .trim()
            .parse::<u32>()
            .expect("a number")
    };
    let written = filled();
    assert!(written % 50 == 0 && written >= 50 * before && written < 1000, "{engine:?}: whole batches: {written}");

    let (mut service, address) = service(&place);
    let first = wait_for("its next batch", || {
        let (status, text) = ready(&address);
        assert_eq!((status, text.starts_with("pending: ")), (503, true), "{engine:?}: {text}");
        batches(&text)
    });
    assert!(first >= written / 50, "{engine:?}: it goes on where the other was");
    wait_for("an answer that it is ready", || {
        let (status, text) = ready(&address);
        assert!(status == 200 || text.starts_with("pending: "), "{engine:?}: {text}");
        (status == 200).then(|| assert_eq!(text, "ready"))
    });
    assert_eq!(filled(), 1000);
    assert_eq!(place.sql("select count(*) from people where revision = 2").trim(), "1000", "{engine:?}: each once");
    service.kill().expect("a process that can be killed");
    service.wait().expect("it ends");
}

mod on_postgres {
    use super::*;

    #[test]
    fn readmes_are_what_a_terminal_shows() {
        for name in ["pools", "tenants"] {
            let place = Place::new(Engine::Postgres, &Project::new());
            check_readme(name, &[("DATABASE_URL", &place.url())]);
        }
    }

    #[test]
    fn ten_replicas() {
        replicas(Engine::Postgres);
    }

    #[test]
    fn a_fleet_of_tenants() {
        let place = Place::new(Engine::Postgres, &Project::new());
        let fleet = |tenants: &[&str]| {
            let output = example("tenants").env("DATABASE_URL", place.url()).args(tenants).output().expect("it starts");
            (output.status.success(), said(&output))
        };
        let (succeeds, text) = fleet(&["acme", "globex", "initech", "hooli", "umbrella"]);
        assert!(succeeds && text.matches("2 applied").count() == 5, "{text}");
        place.run("drop table globex.orders cascade; delete from globex.migrate_history where version = '2'");
        let (succeeds, text) = fleet(&["acme", "globex", "initech"]);
        assert!(!succeeds && text.contains("1 of 3 tenants are not up to date"), "{text}");
        assert!(text.contains("acme: 0 applied") && text.contains("initech: 0 applied"), "{text}");
    }
}

mod on_mysql {
    #[test]
    fn ten_replicas() {
        super::replicas(super::Engine::MySql);
    }

    #[test]
    fn code_that_is_killed_goes_on() {
        super::killed_in_code(super::Engine::MySql);
    }
}

mod on_mariadb {
    #[test]
    fn ten_replicas() {
        super::replicas(super::Engine::MariaDb);
    }

    #[test]
    fn code_that_is_killed_goes_on() {
        super::killed_in_code(super::Engine::MariaDb);
    }
}

/// The one line of a build script is what the documentation says.
#[test]
fn every_example_with_migrations_says_when_to_compile_again() {
    let with_migrations =
        ["desktop", "library-component", "library-component/queue", "mysql-service", "pools", "tenants", "web-service"];
    for name in with_migrations {
        let script =
            std::fs::read_to_string(root().join("examples").join(name).join("build.rs")).expect("a build script");
        assert!(script.contains("cargo:rerun-if-changed=migrations"), "{name}");
    }
}
