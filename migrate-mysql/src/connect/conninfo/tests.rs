use proptest::prelude::*;

use super::*;
use crate::Mysql;

fn label(text: &str, variables: &[(&str, &str)]) -> String {
    match ConnInfo::parse(text).and_then(|info| info.with_variables(variables)) {
        Ok(info) => Mysql::new(info).label(),
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn a_label_says_where_and_no_more() {
    for (text, shown) in [
        ("mysql://u:hunter2@h/d?ssl-mode=preferred&password=hunter2", "mysql://u@h:3306/d"),
        ("mariadb://u@h:3307/d", "mariadb://u@h:3307/d"),
        ("mysql://u@[::1]/d", "mysql://u@[::1]:3306/d"),
        ("mysql://u@localhost/d?socket=/run/s", "mysql://u@/run/s/d"),
        ("mysql://u@%2Frun%2Fs/d", "mysql://u@/run/s/d"),
        ("mysql:///d", "mysql://localhost:3306/d"),
        ("mysql:", "mysql://localhost:3306"),
    ] {
        assert_eq!(label(text, &[]), shown, "{text}");
    }
}

#[test]
fn what_insists_on_tls_needs_it_compiled_in() {
    let check = |text: &str, variables: &[(&str, &str)], what: Option<&str>| {
        let missing = what.filter(|_| cfg!(not(feature = "tls"))).map(|what| {
            format!("! {what} asks for TLS, which was not compiled in: switch the feature `tls` of migrate-mysql on")
        });
        assert_eq!(label(text, variables), missing.unwrap_or("mysql://u@h:3306/d".to_owned()), "{text}");
    };
    let url = "mysql://u@h/d";
    check(&format!("{url}?ssl-mode=REQUIRED"), &[], Some("the parameter ssl-mode"));
    check(&format!("{url}?ssl-mode=VERIFY_IDENTITY"), &[], Some("the parameter ssl-mode"));
    check(&format!("{url}?ssl-ca=f"), &[], Some("the parameter ssl-ca"));
    for mode in ["DISABLED", "PREFERRED"] {
        check(&format!("{url}?ssl-mode={mode}&ssl-ca=f"), &[], None);
    }
    let socket = ConnInfo::parse("mysql://u@localhost/d?socket=/run/s&ssl-mode=REQUIRED");
    assert!(socket.is_ok(), "a socket is never encrypted, whatever is said: {socket:?}");
}

#[test]
fn variables_say_what_the_url_does_not() {
    let variables = [("MYSQL_HOST", "v"), ("MYSQL_TCP_PORT", "7"), ("MYSQL_USER", "w"), ("MARIADB_USER", "never")];
    for (text, shown) in [
        ("mysql:", "mysql://w@v:7"),
        ("mysql://h", "mysql://w@h:7"),
        ("mysql://u@h:8/d", "mysql://u@h:8/d"),
        ("mysql:///d?socket=/s", "mysql://w@/s/d"),
    ] {
        assert_eq!(label(text, &variables), shown, "{text}");
    }
    for (text, shown) in [
        ("mysql:", "mysql:///run/s"),
        ("mysql://localhost", "mysql:///run/s"),
        ("mysql://localhost:3306", "mysql://localhost:3306"),
        ("mysql://127.0.0.1", "mysql://127.0.0.1:3306"),
    ] {
        assert_eq!(label(text, &[("MYSQL_UNIX_PORT", "/run/s"), ("MYSQL_DATABASE", "")]), shown, "{text}");
    }
}

#[test]
fn the_password_of_a_container_is_that_of_its_user() {
    let check = |text: &str, variables: &[(&str, &str)], password: Option<&str>| {
        let info = ConnInfo::parse(text).unwrap().with_variables(variables).unwrap();
        assert_eq!(info.password.as_ref().map(Secret::reveal), password, "{text} {variables:?}");
    };
    let image = [("MYSQL_PASSWORD", "p"), ("MYSQL_USER", "app")];
    check("mysql:", &image, Some("p"));
    check("mysql://app@h", &image, Some("p"));
    check("mysql://root@h", &image, None);
    check("mysql://root@h", &[("MYSQL_PASSWORD", "p")], Some("p"));
    check("mysql://root@h", &[("MYSQL_PWD", "p"), ("MYSQL_USER", "app")], Some("p"));
    check("mysql://root:q@h", &image, Some("q"));
    check("mariadb://x@h", &[("MARIADB_USER", "app"), ("MARIADB_PASSWORD", "p")], None);
}

#[test]
fn what_is_wrong_names_the_word_or_the_variable_and_what_is_legal() {
    let check = |text: &str, variables: &[(&str, &str)], message: &str| {
        assert_eq!(label(text, variables), format!("! {message}"), "{text}");
    };
    let modes = "legal is DISABLED, PREFERRED, REQUIRED, VERIFY_IDENTITY";
    check("mysql://h?ssl-mode=on", &[], &format!("the parameter ssl-mode is `on`; {modes}"));
    check("mysql://h?ssl_mod=x", &[], "the parameter `ssl_mod` is unknown: did you mean ssl-mode?");
    check("mysql://h?sslMode=REQUIRED", &[], "the parameter `sslMode` is unknown: write ssl-mode=REQUIRED");
    check("mysql://h?nonsense=1", &[], "the parameter `nonsense` is unknown");
    check(
        "mysql://h?serverTimezone=UTC",
        &[],
        "the parameter `serverTimezone` is unknown: leave it out, the server's own time zone is used: a migration \
         that needs another one sets time_zone",
    );
    check(
        "mysql://h?connect-timeout=5s",
        &[],
        "the parameter connect-timeout is `5s`; legal is a whole number of seconds",
    );
    check(
        "mysql://u:hunter2",
        &[],
        "the parameter port is no number from 1 to 65535; in a password `/` is written %2F",
    );
    check(
        "mysql:",
        &[("MYSQL_TCP_PORT", "0")],
        "the variable MYSQL_TCP_PORT is no number from 1 to 65535; in a password `/` is written %2F",
    );
    check("mysql://h?ssl-cert=c", &[], "ssl-cert and ssl-key do not go alone: a client's certificate needs its key");
    check("mysql://h?socket=/s", &[], "host and socket do not go together: a socket is on this machine");
    check("mysql://h?gtid=maybe", &[], "the parameter gtid is `maybe`; legal is explicit, automatic");
    check(
        "mariadb://h?gtid=explicit",
        &[],
        "the parameter gtid=explicit cannot be honoured: identifiers of MariaDB prove nothing after a crash, and what \
         became of a statement is found without them",
    );
    check(
        "mysql://h?allow-plain-password=maybe",
        &[],
        "the parameter allow-plain-password is `maybe`; legal is true, false",
    );
    check(
        "mysql://h?ssl-mode=verify_ca&ssl-ca=c",
        &[],
        "the parameter ssl-mode=VERIFY_CA cannot be honoured: the driver verifies a certificate with the host's name \
         or not at all: ssl-mode=VERIFY_IDENTITY does both",
    );
    check(
        "mysql://h?charset=latin1",
        &[],
        "the parameter charset=latin1 cannot be honoured: migrations are UTF-8, and are sent and stored as utf8mb4; \
         what a table is in is said by its own CHARACTER SET",
    );
    check(
        "mysql://h?server-public-key-path=k",
        &[],
        "the parameter server-public-key-path cannot be honoured: the driver takes the key that the server sends: \
         with ssl-mode=REQUIRED none is needed",
    );
}

#[cfg(feature = "tls")]
#[test]
fn whoever_names_an_authority_wants_it_asked() {
    let mode = |text: &str| format!("{:?}", ConnInfo::parse(text).unwrap().ssl.mode);
    assert_eq!(mode("mysql://h"), "Preferred");
    assert_eq!(mode("mysql://h?ssl-ca=ca.pem"), "VerifyIdentity");
    assert_eq!(mode("mysql://h?ssl-ca=ca.pem&ssl-mode=Required"), "Required");
    assert_eq!(mode("mysql://h?SSL_MODE=verify_identity"), "VerifyIdentity");
}

#[cfg(feature = "tls")]
#[test]
fn relative_files_start_from_the_folder_of_whoever_names_them() {
    let info = ConnInfo::parse_from("mysql://localhost?ssl-ca=ca&ssl-cert=/c&ssl-key=k&socket=s", Path::new("/srv"));
    let info = info.unwrap();
    let files = ["ssl-ca", "ssl-cert", "ssl-key", "socket"].map(|name| info.text(name).unwrap());
    assert_eq!(files, ["/srv/ca", "/c", "/srv/k", "/srv/s"]);
    let info = ConnInfo::parse_from("mysql://h?ssl-ca=system", Path::new("/srv")).unwrap();
    assert_eq!(info.ssl.roots, values::Roots::System);
}

proptest! {
    #[test]
    fn debug_shows_everything_but_secrets(password in "[a-z]{8,12}", name in "[a-z]{4,7}") {
        let text = format!("mysql://u:{password}@h/{name}?password={password}x");
        let info = ConnInfo::parse(&text).unwrap();
        let shown = format!("{info:?} {:?}", Mysql::new(info.clone()));
        prop_assert!(!shown.contains(&password) && shown.contains(&name), "{}", shown);
    }
}
