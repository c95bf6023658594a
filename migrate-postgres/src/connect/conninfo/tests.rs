use proptest::prelude::*;

use super::*;
use crate::Postgres;

fn label(text: &str, variables: &[(&str, &str)]) -> String {
    match ConnInfo::parse(text).and_then(|info| info.with_defaults(variables)) {
        Ok(info) => Postgres::new(info).label(),
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn a_label_says_where_and_no_more() {
    for (text, shown) in [
        ("postgres://u:hunter2@h/d?sslmode=prefer&password=hunter2", "postgres://u@h:5432/d"),
        ("host=a,b port=1,2 user=u dbname=d", "postgres://u@a:1,b:2/d"),
        ("host=/run/pg user=u", "postgres://u@/run/pg:5432/u"),
        ("host=::1 dbname=d", "postgres://[::1]:5432/d"),
        ("hostaddr=10.0.0.1", "postgres://10.0.0.1:5432"),
        ("host=h hostaddr=10.0.0.1", "postgres://h:5432"),
        ("dbname=d", "postgres:///d"),
        ("postgres:", "postgres://"),
    ] {
        assert_eq!(label(text, &[]), shown, "{text}");
    }
}

#[test]
fn variables_say_what_the_text_does_not() {
    let variables =
        [("PGHOST", "v"), ("PGHOSTADDR", "10.0.0.9"), ("PGPORT", "7"), ("PGUSER", "w"), ("PGUSER", "never")];
    for (text, shown) in [
        ("postgres:", "postgres://w@v:7/w"),
        ("postgres://h", "postgres://w@h:7/w"),
        ("postgres://u@h:8/d", "postgres://u@h:8/d"),
        ("host='' user=''", "postgres://w@v:7/w"),
    ] {
        assert_eq!(label(text, &variables), shown, "{text}");
    }
    let info = ConnInfo::parse("host=h").unwrap().with_defaults(&variables).unwrap();
    assert_eq!(info.hosts[0].address, None, "an address of the environment belongs to its own host");
}

#[test]
fn what_insists_on_tls_needs_it_compiled_in() {
    let check = |text: &str, variables: &[(&str, &str)], what: Option<&str>| {
        let missing = what.filter(|_| cfg!(not(feature = "tls"))).map(|what| {
            format!("! {what} asks for TLS, which was not compiled in: switch the feature `tls` of migrate-postgres on")
        });
        assert_eq!(label(text, variables), missing.unwrap_or("postgres://u@h:5432/d".to_owned()), "{text}");
    };
    let url = "postgres://u@h/d";
    check(&format!("{url}?sslmode=require"), &[], Some("the parameter sslmode"));
    check(&format!("{url}?sslmode=verify-ca&sslrootcert=f"), &[], Some("the parameter sslmode"));
    check(&format!("{url}?sslrootcert=system"), &[], Some("the parameter sslrootcert"));
    check(&format!("{url}?channel_binding=require"), &[], Some("the parameter channel_binding"));
    check(url, &[("PGSSLMODE", "verify-full")], Some("the variable PGSSLMODE"));
    for mode in ["disable", "allow", "prefer"] {
        check(&format!("{url}?sslmode={mode}&sslrootcert=f"), &[], None);
    }
    let socket = ConnInfo::parse("host=/run/pg sslmode=require");
    assert!(socket.is_ok(), "a socket is never encrypted, whatever is said: {socket:?}");
}

#[test]
fn a_service_goes_before_the_variables_and_behind_the_text() {
    let file = ServiceFile { path: "f", text: "[s]\nhost=s\nport=6\nuser=s\n[bad]\nhots=x\n[ssl]\nsslmode=x\n" };
    let other = ServiceFile { path: "g", text: "[t]\nhost=t" };
    let check = |text: &str, shown: &str| {
        let info = ConnInfo::parse(text).and_then(|info| info.with_service(&[file, other]));
        let info = info.and_then(|info| info.with_defaults(&[("PGUSER", "v"), ("PGDATABASE", "v")]));
        let found = info.map_or_else(|error| format!("! {error}"), |info| Postgres::new(info).label());
        assert_eq!(found, shown, "{text}");
    };
    check("service=s", "postgres://s@s:6/v");
    check("postgres://u@/?service=s", "postgres://u@s:6/v");
    check("host=h service=t", "postgres://v@h:5432/v");
    check("service=u", "! there is no service `u` in f, g");
    check("service=bad", "! `hots` of the service bad is unknown: did you mean host?");
    let modes = "legal is disable, allow, prefer, require, verify-ca, verify-full";
    check("service=ssl", &format!("! sslmode of the service ssl is `x`; {modes}"));
    assert_eq!(ConnInfo::parse("service=s").unwrap().unresolved_service(), Some("s"));
}

#[test]
fn what_is_wrong_names_the_word_or_the_variable_and_what_is_legal() {
    let check = |text: &str, variables: &[(&str, &str)], message: &str| {
        assert_eq!(label(text, variables), format!("! {message}"), "{text}");
    };
    let modes = "legal is disable, allow, prefer, require, verify-ca, verify-full";
    check("sslmode=on", &[], &format!("the parameter sslmode is `on`; {modes}"));
    check("host=h", &[("PGSSLMODE", "on")], &format!("the variable PGSSLMODE is `on`; {modes}"));
    check("sslmod=on", &[], "the parameter `sslmod` is unknown: did you mean sslmode?");
    check("host=h nonsense=1", &[], "the parameter `nonsense` is unknown");
    check("connect_timeout=5s", &[], "the parameter connect_timeout is `5s`; legal is a whole number");
    check("host=a,b,c port=1,2", &[], "there are 3 hosts and 2 ports: give as many, or one port for all");
    check("host=a,b hostaddr=::1", &[], "there are 2 names and 1 addresses of hosts: give as many");
    check("port=hunter2", &[], "the parameter port is no number from 1 to 65535; in a password `/` is written %2F");
    check(
        "require_auth=scram-sha-256",
        &[],
        "the parameter require_auth cannot be honoured: the driver answers whatever the server asks for: \
         channel_binding=require insists on SCRAM",
    );
    check("gssencmode=require", &[], "the parameter gssencmode=require cannot be honoured: GSSAPI is not spoken here");
    check(
        "sslmode=require sslrootcert=system",
        &[],
        "sslmode and sslrootcert do not go together: anybody has a certificate of a public authority: \
         sslmode=verify-full",
    );
    check(
        "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        &[],
        "ssl_min_protocol_version and ssl_max_protocol_version do not go together: no version of TLS is left",
    );
    check("sslcert=c", &[], "sslcert and sslkey do not go alone: a client's certificate needs its key");
}

#[test]
fn what_changes_nothing_is_taken() {
    let text = "gssencmode=prefer krbsrvname=x sslcompression=1 client_encoding=UTF8 gsslib=gssapi replication=false \
                requirepeer='' max_protocol_version=latest";
    assert!(ConnInfo::parse(text).is_ok());
}

#[test]
fn relative_files_start_from_the_folder_of_whoever_names_them() {
    let base = Path::new("/srv");
    let info = ConnInfo::parse_from("sslrootcert=ca.crt sslcert=/c sslkey=k passfile=p", base).unwrap();
    let files = [info.text("sslrootcert"), info.text("sslcert"), info.text("sslkey"), info.text("passfile")];
    assert_eq!(files.map(Option::unwrap), ["/srv/ca.crt", "/c", "/srv/k", "/srv/p"]);
    assert_eq!(ConnInfo::parse_from("sslrootcert=system", base).unwrap().text("sslrootcert"), Some("system"));
    let later = ConnInfo::parse_from("host=h", base).unwrap().with_defaults(&[("PGPASSFILE", "p")]).unwrap();
    assert_eq!(later.passfile(), Some(PathBuf::from("p")));
}

proptest! {
    #[test]
    fn debug_shows_everything_but_secrets(password in "[a-z]{8,12}", name in "[a-z]{4,7}") {
        let text = format!("postgres://u:{password}@h/{name}?password={password}x");
        let info = ConnInfo::parse(&text).unwrap();
        let shown = format!("{info:?} {:?}", Postgres::new(info.clone()));
        prop_assert!(!shown.contains(&password) && shown.contains(&name), "{}", shown);
    }
}
