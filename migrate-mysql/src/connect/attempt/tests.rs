//! Against a server that is played: what it says first, and what it hears.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;

const NO_TLS: u32 = 0x0008_0000 | 0x8000 | 0x0200 | 0x0008;
const TLS: u32 = NO_TLS | 0x0800;

fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], body].concat()
}

/// The first packet of the protocol:
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html>
fn greeting(capabilities: u32) -> Vec<u8> {
    let [a, b, c, d] = capabilities.to_le_bytes();
    let mut body = b"\x0a8.4.0\0\x01\0\0\0saltsalt\0".to_vec();
    body.extend([a, b, 45, 2, 0, c, d, 21]);
    body.extend([0; 10]);
    body.extend(b"saltsaltsalt\0caching_sha2_password\0");
    packet(0, &body)
}

/// Says one text to each client, then one more, and hears what the client answers to the first.
fn play(texts: Vec<(Vec<u8>, Vec<u8>)>) -> (u16, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let playing = thread::spawn(move || {
        texts
            .into_iter()
            .map(|(first, second)| {
                let (mut client, _) = listener.accept().unwrap();
                client.write_all(&first).unwrap();
                let mut heard = vec![0; 4096];
                let length = client.read(&mut heard).unwrap_or(0);
                heard.truncate(length);
                let _ = client.write_all(&second);
                heard
            })
            .collect()
    });
    (port, playing)
}

fn connect(port: u16, parameters: &str) -> ServerError {
    let url = format!("mysql://u:hunter2@127.0.0.1:{port}/d?connect-timeout=5&{parameters}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async { Mysql::from_url(&url).unwrap().open().await.map(drop).unwrap_err() });
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    error
}

fn denied() -> Vec<u8> {
    packet(2, b"\xff\x15\x04#28000Access denied")
}

#[cfg(feature = "tls")]
#[test]
fn a_server_without_tls_is_gone_to_without_it_where_that_is_allowed() {
    let (port, playing) = play(vec![(greeting(NO_TLS), vec![]), (greeting(NO_TLS), denied())]);
    let error = connect(port, "");
    assert_eq!(error.message, format!("127.0.0.1:{port}: Access denied"));
    assert_eq!((error.fault, error.code.as_deref()), (migrate_core::backend::Fault::Connect, Some("1045")));
    let heard = playing.join().unwrap();
    assert!(heard[0].is_empty(), "nothing is sent before it is known");
    assert!(!heard[1].is_empty());
}

#[cfg(feature = "tls")]
#[test]
fn nothing_is_sent_where_tls_is_asked_for_and_not_there() {
    for parameters in ["ssl-mode=REQUIRED", "ssl-mode=VERIFY_IDENTITY"] {
        let (port, playing) = play(vec![(greeting(NO_TLS), vec![])]);
        let error = connect(port, parameters);
        assert_eq!(error.message, format!("127.0.0.1:{port} offers no TLS, and ssl-mode asks for it"));
        assert_eq!(playing.join().unwrap(), [b""]);
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_server_that_says_it_has_tls_hears_no_login_before_it() {
    let (port, playing) = play(vec![(greeting(TLS), b"no TLS".to_vec())]);
    let error = connect(port, "");
    assert!(error.message.starts_with(&format!("127.0.0.1:{port}: no TLS: ")), "{}", error.message);
    let heard = playing.join().unwrap();
    assert!(!heard[0].windows(2).any(|word| word == b"u\0"), "{heard:?}");
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_server_that_has_tls_is_spoken_to_without_it_where_none_is_compiled_in() {
    let (port, playing) = play(vec![(greeting(TLS), denied())]);
    let error = connect(port, "ssl-mode=PREFERRED");
    assert_eq!(error.message, format!("127.0.0.1:{port}: Access denied"));
    let heard = playing.join().unwrap();
    assert!(heard[0].windows(2).any(|word| word == b"u\0"), "the login itself, and no wish for TLS: {heard:?}");
}

#[test]
fn what_is_no_such_server_is_told_as_that() {
    for (text, message, hint) in [
        (&b""[..], " closed the connection before it answered", "--connect-wait"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ": ", "check that a MySQL or MariaDB server listens there"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ": ", "check that a MySQL or MariaDB server listens there"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let playing = thread::spawn(move || listener.accept().unwrap().0.write_all(text).unwrap());
        let error = connect(port, "");
        assert!(error.message.starts_with(&format!("127.0.0.1:{port}{message}")), "{}", error.message);
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{:?}", error.hint);
        playing.join().unwrap();
    }
}
