//! Where a database is and how it is spoken to, as libpq's users say it: a URL or a list of keywords and values, over
//! a service of a file, over `PG…` variables. All of them are handed in as texts; nothing is read here.
//!
//! | word | here |
//! |---|---|
//! | `connect_timeout` | for the name, the socket, TLS and the password of each address together; 30 s where nobody says, 0 is for ever |
//! | `keepalives_idle`, `_interval`, `_count`, `tcp_user_timeout` | 30 s, 10 s, 3 and 60 s where nobody says, so that a dead server is noticed within a minute |
//! | `pool_mode` | ours: `session` says that the pooler in front of the server hands out whole sessions |
//! | `require_auth`, `requirepeer`, … | refused, because they cannot be honoured |
//!
//! `host` and `hostaddr` are one thing: a `PGHOSTADDR` never bends where a URL's host is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::grammar;
use super::keyword::{Keyword, Use, nearest};
use super::service::{self, ServiceFile};
use super::values::{self, Host, Keepalive, Ssl, Wish};
use migrate_core::backend::password::Secret;

/// Where a database is and how it is spoken to. What it holds is legal; `Debug` shows no password.
///
/// ```
/// use migrate_postgres::ConnInfo;
///
/// let info = ConnInfo::parse("postgres://deploy@db.example/shop?sslmode=verify-full&sslrootcert=system")?
///     .with_defaults(&[("PGPASSWORD", "hunter2"), ("PGUSER", "ada")])?;
/// assert!(!format!("{info:?}").contains("hunter2"));
/// # Ok::<(), migrate_postgres::ConnInfoError>(())
/// ```
#[derive(Clone)]
pub struct ConnInfo {
    given: BTreeMap<&'static str, Given>,
    pub(super) hosts: Vec<Host>,
    pub(super) password: Option<Secret>,
    /// For ever where it is `None`.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) keepalive: Keepalive,
    pub(super) ssl: Ssl,
    pub(super) channel_binding: tokio_postgres::config::ChannelBinding,
    pub(super) wish: Wish,
    pub(super) shuffled: bool,
    pub(super) session_pooling: bool,
}

/// The value of a word.
#[derive(Clone, PartialEq, Eq)]
struct Given {
    value: String,
    from: From,
}

/// Who gave a value; messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Text,
    Service(String),
    Variable(&'static str),
}

/// What is wrong with a connection string, a service or a variable. No part of it that may be a password is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnInfoError {
    /// It has neither of the two forms.
    #[error("the text is neither a URL as postgres://user@host/name nor a list as host=… dbname=…")]
    Form,
    /// A URL with an `@` where none can be: a password was not escaped.
    #[error(
        "an `@` stands behind the host: in a password `/` is written %2F, `?` %3F and `#` %23; elsewhere `@` is %40"
    )]
    Delimiter,
    /// The host of a URL is not one.
    #[error("a host of the URL has a colon too many: an IPv6 address stands in brackets, as [::1]:5432")]
    Bracket,
    /// A percent sign that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the text has an illegal escape at byte {at}: write a percent sign as %25")]
    Escape {
        /// Where, in bytes.
        at: usize,
    },
    /// Something that is no word with a value.
    #[error("at byte {at} there is no NAME=VALUE: a value with blanks stands in single quotes, in a URL as %20")]
    Pair {
        /// Where, in bytes.
        at: usize,
    },
    /// A quote without its end.
    #[error("the quote at byte {at} never ends")]
    Quote {
        /// Where it begins, in bytes.
        at: usize,
    },
    /// A word that nobody knows.
    #[error("{what} is unknown{hint}")]
    Unknown {
        /// Which, and who gave it.
        what: String,
        /// What could have been meant.
        hint: String,
    },
    /// A value that its word cannot have.
    #[error("{what} is `{value}`; legal is {legal}")]
    Value {
        /// Which word, and who gave it.
        what: String,
        /// Its value.
        value: String,
        /// What it could be.
        legal: &'static str,
    },
    /// What libpq could do and this cannot.
    #[error("{what} cannot be honoured: {why}")]
    Unsupported {
        /// Which word, and who gave it.
        what: String,
        /// Why not.
        why: &'static str,
    },
    /// TLS is asked for, and the feature `tls` is off.
    #[error("{what} asks for TLS, which was not compiled in: switch the feature `tls` of migrate-postgres on")]
    NoTls {
        /// Which word, and who gave it.
        what: String,
    },
    /// Two words that exclude each other.
    #[error("{one} and {other} do not go together: {why}")]
    Conflict {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// As many of the one as of the other are needed.
    #[error("there are {hosts} hosts and {ports} ports: give as many, or one port for all")]
    Ports {
        /// So many hosts.
        hosts: usize,
        /// So many ports.
        ports: usize,
    },
    /// As many of the one as of the other are needed.
    #[error("there are {names} names and {addresses} addresses of hosts: give as many")]
    Addresses {
        /// So many in `host`.
        names: usize,
        /// So many in `hostaddr`.
        addresses: usize,
    },
    /// A port that is none. What stands for it may be a password with a `/`, so it is not repeated.
    #[error("{what} is no number from 1 to 65535; in a password `/` is written %2F")]
    Port {
        /// Who gave it.
        what: String,
    },
    /// A client's certificate without its key, or the other way round.
    #[error("sslcert and sslkey do not go alone: a client's certificate needs its key")]
    Identity,
    /// A line of a service file.
    #[error("{path}:{line}: {why}")]
    ServiceFile {
        /// Which file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A service that no file has.
    #[error("there is no service `{service}` in {files}")]
    NoService {
        /// Its name.
        service: String,
        /// Where it was looked for.
        files: String,
    },
}

impl ConnInfo {
    /// Reads a URL or a list of keywords and values.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConnInfoError> {
        Self::parse_from(text, Path::new(""))
    }

    /// Reads the same; relative paths in it start from `base`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_from(text: &str, base: &Path) -> Result<Self, ConnInfoError> {
        let mut given = BTreeMap::new();
        let mut after_secret = false;
        for (name, value) in grammar::parse(text)? {
            let keyword = Keyword::by_name(&name).ok_or_else(|| unknown(&name, after_secret))?;
            after_secret = keyword.is_secret();
            let is_path = keyword.use_ == Use::Path && !value.is_empty() && value != values::SYSTEM;
            let value = if is_path { base.join(value).to_string_lossy().into_owned() } else { value };
            given.insert(keyword.name, Given { value, from: From::Text });
        }
        Self::of(given)
    }

    /// Whether a text begins as a list of keywords and values does: `host=…`.
    pub fn is_list(text: &str) -> bool {
        let name = text.split_once('=').map_or("", |(name, _)| name.trim());
        Keyword::by_name(name).is_some()
    }

    /// With what `PG…` variables say wherever nothing else says it. Names that are no connection parameter's are left
    /// alone.
    ///
    /// # Errors
    /// What is wrong with a value; it names the variable.
    pub fn with_defaults(self, variables: &[(&str, &str)]) -> Result<Self, ConnInfoError> {
        let known = variables.iter().filter_map(|(variable, value)| {
            let keyword = Keyword::by_variable(variable)?;
            Some((keyword, (*value).to_owned(), From::Variable(keyword.variable?)))
        });
        self.under(known.collect())
    }

    /// The service it names, if any.
    pub fn service(&self) -> Option<&str> {
        self.text("service")
    }

    /// The service it names, if no file was looked at for it.
    pub(super) fn unresolved_service(&self) -> Option<&str> {
        self.service().filter(|_| !matches!(self.given["service"].from, From::Service(_)))
    }

    /// With what its service says wherever the connection string does not. The first file that has it counts. Call it
    /// before [`with_defaults`](Self::with_defaults), and with no defaults but `PGSERVICE`: a service goes before the
    /// variables.
    ///
    /// # Errors
    /// If no file has the service, or something is wrong with it.
    pub fn with_service(self, files: &[ServiceFile<'_>]) -> Result<Self, ConnInfoError> {
        let Some(service) = self.service().map(str::to_owned) else { return Ok(self) };
        for file in files {
            let Some(words) = service::find(*file, &service)? else { continue };
            let mut known = vec![];
            for (name, value) in words {
                let from = From::Service(service.clone());
                let keyword = Keyword::by_name(&name).ok_or_else(|| ConnInfoError::Unknown {
                    what: format!("`{name}` of the service {service}"),
                    hint: hint(&name),
                })?;
                known.push((keyword, value, from));
            }
            let mut info = self.under(known)?;
            if let Some(given) = info.given.get_mut("service") {
                given.from = From::Service(service);
            }
            return Ok(info);
        }
        let files: Vec<_> = files.iter().map(|file| file.path).collect();
        let files = if files.is_empty() { "any service file".to_owned() } else { files.join(", ") };
        Err(ConnInfoError::NoService { service, files })
    }

    /// The name of the database, where one is given. Otherwise the server takes the user's.
    pub fn database(&self) -> Option<&str> {
        self.text("dbname")
    }

    /// The user, where one is given. Otherwise it is the one of the operating system.
    pub fn user(&self) -> Option<&str> {
        self.text("user")
    }

    /// The file of passwords, where one is given.
    pub fn passfile(&self) -> Option<PathBuf> {
        self.text("passfile").map(PathBuf::from)
    }

    /// The password, where one is given.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// Every word that is given with its value, as a program that is built on libpq takes them. The password is not
    /// among them, nor what libpq does not know.
    pub fn words(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let known = |name: &str| {
            let used = Keyword::by_name(name).is_some_and(|keyword| matches!(keyword.use_, Use::Used | Use::Path));
            used && !matches!(name, "pool_mode" | "service")
        };
        let given = self.given.iter().filter(move |(name, given)| known(name) && !given.value.is_empty());
        given.map(|(name, given)| (*name, given.value.as_str()))
    }

    /// The same server, another database.
    pub(super) fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.given.insert("dbname", Given { value: name.to_owned(), from: From::Text });
        other
    }

    /// The value of a word that is given and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|given| given.value.as_str()).filter(|value| !value.is_empty())
    }

    fn under(mut self, lower: Vec<(&'static Keyword, String, From)>) -> Result<Self, ConnInfoError> {
        // Taken as one thing: an address of a lower layer does not belong to this host.
        let has_host = self.text("host").is_some() || self.text("hostaddr").is_some();
        for (keyword, value, from) in lower {
            let is_host = matches!(keyword.name, "host" | "hostaddr");
            if !(is_host && has_host) && self.text(keyword.name).is_none() {
                self.given.insert(keyword.name, Given { value, from });
            }
        }
        Self::of(self.given)
    }

    /// Every value is legal, or this is an error.
    fn of(given: BTreeMap<&'static str, Given>) -> Result<Self, ConnInfoError> {
        for (name, Given { value, from }) in &given {
            let what = || what(name, from);
            match Keyword::by_name(name).map(|keyword| keyword.use_) {
                Some(Use::Refused(why)) if !value.is_empty() => {
                    return Err(ConnInfoError::Unsupported { what: what(), why });
                }
                Some(Use::Only(legal, why))
                    if !value.is_empty() && !legal.iter().any(|legal| legal.eq_ignore_ascii_case(value)) =>
                {
                    return Err(ConnInfoError::Unsupported { what: format!("{}={value}", what()), why });
                }
                _ => {}
            }
        }
        let words = Words(&given);
        let (hosts, ssl) = (values::hosts(words)?, Ssl::of(words)?);
        values::without_tls(words, &hosts, &ssl)?;
        Ok(Self {
            hosts,
            password: words.text("password").map(Secret::new),
            connect_timeout: values::connect_timeout(words)?,
            keepalive: Keepalive::of(words)?,
            ssl,
            channel_binding: values::channel_binding(words)?,
            wish: Wish::of(words)?,
            shuffled: values::shuffled(words)?,
            session_pooling: values::session_pooling(words)?,
            given,
        })
    }
}

/// The values as they were given, for [`values`].
#[derive(Clone, Copy)]
pub(super) struct Words<'a>(&'a BTreeMap<&'static str, Given>);

impl<'a> Words<'a> {
    /// The value of a word that is given and not empty.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|given| given.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A word, as messages name it.
    pub(super) fn what(self, name: &'static str) -> String {
        self.0.get(name).map_or_else(|| format!("`{name}`"), |given| what(name, &given.from))
    }

    /// Its value is not legal.
    pub(super) fn illegal(self, name: &'static str, legal: &'static str) -> ConnInfoError {
        let value = self.text(name).unwrap_or_default().to_owned();
        ConnInfoError::Value { what: self.what(name), value, legal }
    }
}

fn what(name: &str, from: &From) -> String {
    match from {
        From::Text => format!("the parameter {name}"),
        From::Service(service) => format!("{name} of the service {service}"),
        From::Variable(variable) => format!("the variable {variable}"),
    }
}

fn unknown(name: &str, after_secret: bool) -> ConnInfoError {
    // What follows a password may be the rest of it.
    if after_secret || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        let hint = ": a value with blanks stands in single quotes, in a URL `&` is written %26".to_owned();
        return ConnInfoError::Unknown { what: "a parameter".to_owned(), hint };
    }
    ConnInfoError::Unknown { what: format!("the parameter `{name}`"), hint: hint(name) }
}

fn hint(name: &str) -> String {
    nearest(name).map(|near| format!(": did you mean {near}?")).unwrap_or_default()
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.given.iter().map(|(name, given)| {
            let secret = Keyword::by_name(name).is_none_or(Keyword::is_secret);
            (name, if secret { "[secret]" } else { given.value.as_str() })
        });
        f.debug_map().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests;
