//! An authority and what it signed, for TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::guard::Guard;
use super::said;

/// Certificates in the folder of a server, good for a day.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes an authority, a certificate for `localhost` and 127.0.0.1, and one for the user `postgres`.
    ///
    /// # Panics
    /// Without the program `openssl`.
    pub(super) fn new(guard: &Guard) -> Self {
        let certificates = Self { folder: guard.folder().to_path_buf() };
        let extensions = guard.write("server.ext", "subjectAltName = DNS:localhost, IP:127.0.0.1\n");
        openssl(
            guard,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=authority \
             -keyout authority.key -out authority.crt",
        );
        for (name, subject) in [("server", "localhost"), ("client", "postgres")] {
            openssl(
                guard,
                &format!(
                    "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={subject} \
                     -keyout {name}.key -out {name}.csr"
                ),
            );
            let extfile = if name == "server" { format!(" -extfile {}", extensions.display()) } else { String::new() };
            openssl(
                guard,
                &format!(
                    "x509 -req -days 1 -in {name}.csr -CA authority.crt -CAkey authority.key -CAcreateserial \
                     -out {name}.crt{extfile}"
                ),
            );
            for ending in ["key", "crt"] {
                guard.give_away(&guard.folder().join(format!("{name}.{ending}")));
            }
        }
        guard.give_away(&certificates.authority());
        certificates
    }

    /// Whom a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.crt")
    }

    /// What a client called `postgres` shows.
    pub fn client(&self) -> PathBuf {
        self.folder.join("client.crt")
    }

    /// What it signs with.
    pub fn client_key(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    pub(super) fn postgres_config(&self) -> String {
        let file = |name: &str| self.folder.join(name).display().to_string();
        format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{}'\n",
            file("server.crt"),
            file("server.key"),
            file("authority.crt")
        )
    }

    pub(super) fn mysql_arguments(&self) -> [String; 3] {
        let file = |option: &str, name: &str| format!("--ssl-{option}={}", self.folder.join(name).display());
        [file("ca", "authority.crt"), file("cert", "server.crt"), file("key", "server.key")]
    }
}

fn openssl(guard: &Guard, words: &str) {
    let folder: &Path = guard.folder();
    said(Command::new("openssl").current_dir(folder).args(words.split_whitespace()));
}
