//! Where a database is and how it is spoken to: a URL, over variables, over option files. All of them are handed in as
//! texts; nothing is read here.
//!
//! | word | here |
//! |---|---|
//! | host, port | one host, `localhost` where nobody says, and TCP: 3306 |
//! | `socket` | counts where no host is named, or `localhost` without a port; TCP is what is used where none is named |
//! | `user`, `password`, `database` | before and behind the host, or as words |
//! | `ssl-mode` | `DISABLED`, `PREFERRED` (the default), `REQUIRED`, `VERIFY_IDENTITY`; see below |
//! | `ssl-ca` | a PEM file, or `system`; alone it means `VERIFY_IDENTITY` |
//! | `ssl-cert`, `ssl-key` | the client's certificate and its key, PEM files |
//! | `connect-timeout` | seconds for TCP, TLS and login of each address together; 10 where nobody says, 0 is for ever |
//! | `charset` | `utf8mb4`, or nothing |
//! | `allow-plain-password` | ours: whether a password may go to another machine without TLS |
//! | `gtid` | ours, and MySQL's alone: `explicit` gives definitions identifiers that are chosen beforehand, [`Mysql::explicit_gtid`](crate::Mysql::explicit_gtid) |
//! | `enable-cleartext-plugin` | whether the password itself may be sent, as LDAP and PAM want it; with TLS or over a socket |
//!
//! # TLS
//! `PREFERRED` goes without TLS where the server has none; `PREFERRED` and `REQUIRED` take any certificate, as MySQL's
//! own tools do, also where `ssl-ca` names an authority. `VERIFY_IDENTITY` takes one that is for the host and signed by
//! `ssl-ca`, or by an authority of the operating system where no file is named. `VERIFY_CA` is refused: the driver
//! cannot verify a certificate without its name. A socket is never encrypted.
//!
//! A password goes to another machine only with TLS, or where `allow-plain-password` says so.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::grammar;
use super::keyword::{KEYWORDS, Keyword, Use, advice};
use super::options::{self, OptionValue};
use super::values::{self, Place, Ssl};
use migrate_core::backend::password::Secret;

/// Where a database is and how it is spoken to. What it holds is legal; `Debug` shows no password.
///
/// ```
/// use migrate_mysql::ConnInfo;
///
/// let info = ConnInfo::parse("mysql://deploy@db.example/shop?ssl-mode=VERIFY_IDENTITY&ssl-ca=system")?
///     .with_variables(&[("MYSQL_PWD", "hunter2"), ("MYSQL_TCP_PORT", "3307")])?;
/// assert!(!format!("{info:?}").contains("hunter2"));
/// # Ok::<(), migrate_mysql::ConnInfoError>(())
/// ```
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub struct ConnInfo {
    given: BTreeMap<&'static str, Given>,
    /// The URL begins with `mariadb:`.
    pub(super) mariadb: bool,
    pub(super) place: Place,
    pub(super) password: Option<Secret>,
    /// For ever where it is `None`.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) ssl: Ssl,
    pub(super) cleartext: bool,
    pub(super) allow_plain_password: bool,
    pub(super) explicit_gtid: bool,
}

/// The value of a word.
#[derive(Clone, PartialEq, Eq)]
struct Given {
    value: String,
    from: From,
}

/// Who gave a value; messages name it. The nearer goes before the farther.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Text,
    Variable(&'static str),
    /// The file and its line.
    Options(String, usize),
    System,
}

impl From {
    fn distance(&self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Variable(_) => 1,
            Self::Options(..) => 2,
            Self::System => 3,
        }
    }
}

/// What is wrong with a URL, a variable or an option file. No part of it that may be a password is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnInfoError {
    /// It is no URL of these databases.
    #[error("the text is no URL as mysql://user@host/name or mariadb://user@host/name")]
    Form,
    /// A URL with an `@` where none can be: a password was not escaped.
    #[error(
        "an `@` stands behind the host: in a password `/` is written %2F, `?` %3F and `#` %23; elsewhere `@` is %40"
    )]
    Delimiter,
    /// The host of a URL is not one.
    #[error("the host of the URL has a colon too many: an IPv6 address stands in brackets, as [::1]:3306")]
    Bracket,
    /// More than one host.
    #[error("the URL names several hosts: migrations run on one server, so name the one that is written to")]
    Hosts,
    /// A percent sign that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the text has an illegal escape at byte {at}: write a percent sign as %25")]
    Escape {
        /// Where, in bytes.
        at: usize,
    },
    /// Something that is no word with a value.
    #[error("at byte {at} there is no NAME=VALUE: in a value `&` is written %26")]
    Pair {
        /// Where, in bytes.
        at: usize,
    },
    /// A word that nobody knows.
    #[error("{what} is unknown{hint}")]
    Unknown {
        /// Which, and who gave it.
        what: String,
        /// What to write instead.
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
    /// TLS is asked for, and the feature `tls` is off.
    #[error("{what} asks for TLS, which was not compiled in: switch the feature `tls` of migrate-mysql on")]
    NoTls {
        /// Which word, and who gave it.
        what: String,
    },
    /// What MySQL's own tools could do and this cannot.
    #[error("{what} cannot be honoured: {why}")]
    Unsupported {
        /// Which word, and who gave it.
        what: String,
        /// Why not, and what to write.
        why: &'static str,
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
    /// A port that is none. What stands for it may be a password with a `/`, so it is not repeated.
    #[error("{what} is no number from 1 to 65535; in a password `/` is written %2F")]
    Port {
        /// Who gave it.
        what: String,
    },
    /// A client's certificate without its key, or the other way round.
    #[error("ssl-cert and ssl-key do not go alone: a client's certificate needs its key")]
    Identity,
    /// A line of an option file.
    #[error("{path}:{line}: {why}")]
    OptionFile {
        /// Which file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl ConnInfo {
    /// Reads a URL.
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
        let url = grammar::parse(text)?;
        for (name, value) in url.words {
            let keyword = Keyword::by_name(&name).ok_or_else(|| unknown(&name, &value, after_secret))?;
            after_secret = keyword.is_secret();
            let is_path = keyword.use_ == Use::Path && !value.is_empty() && value != values::SYSTEM;
            let value = if is_path { base.join(value).to_string_lossy().into_owned() } else { value };
            given.insert(keyword.name, Given { value, from: From::Text });
        }
        Self::of(given, url.mariadb)
    }

    /// With what variables say wherever nothing else says it, the first of several that mean the same. Those of other
    /// things are left alone.
    ///
    /// `MYSQL_PASSWORD` and `MARIADB_PASSWORD`, as container images have them, belong to the user beside them: they
    /// are not for another one that the URL names.
    ///
    /// # Errors
    /// What is wrong with a value; it names the variable.
    pub fn with_variables(self, variables: &[(&str, &str)]) -> Result<Self, ConnInfoError> {
        let mut known = vec![];
        for (variable, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            let Some((keyword, name)) = Keyword::by_variable(variable) else { continue };
            let owner = name.strip_suffix("_PASSWORD").map(|product| format!("{product}_USER"));
            let owner = owner.and_then(|owner| variables.iter().find(|(variable, _)| *variable == owner));
            let is_ours = match (owner, self.user()) {
                (Some((_, owner)), Some(user)) => *owner == user,
                _ => true,
            };
            if is_ours {
                known.push((keyword, (*value).to_owned(), From::Variable(name)));
            }
        }
        self.under(known)
    }

    /// The names of the variables that mean something here, those first that go before others for the same word.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        KEYWORDS.iter().flat_map(|keyword| keyword.variables.iter().copied())
    }

    /// With a user wherever nothing else names one: the servers' own tools take that of the operating system.
    ///
    /// # Errors
    /// None for a name that is one.
    pub fn with_default_user(self, user: &str) -> Result<Self, ConnInfoError> {
        let keyword = Keyword::by_name("user").into_iter();
        self.under(keyword.map(|keyword| (keyword, user.to_owned(), From::System)).collect())
    }

    /// With what option files say wherever neither the URL nor a variable does: the groups `client`, `client-server`,
    /// `client-mariadb`, `mysql`, `mariadb-client` and `migrate`, of which the later line counts. What is meant for
    /// other tools is left alone.
    ///
    /// # Errors
    /// What is wrong with a value; it names the file and the line.
    pub fn with_options(self, options: &[OptionValue]) -> Result<Self, ConnInfoError> {
        let known = options::known(options)?;
        let known = known
            .into_iter()
            .map(|(keyword, value, option)| (keyword, value, From::Options(option.path.clone(), option.line)));
        // Of two lines the later one counts, of two layers' values the first.
        self.under(known.rev().collect())
    }

    /// The name of the database, where one is given.
    pub fn database(&self) -> Option<&str> {
        self.text("database")
    }

    /// The same on another database.
    pub(super) fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.given.insert("database", Given { value: name.to_owned(), from: From::Text });
        other
    }

    /// The user, where one is given.
    pub fn user(&self) -> Option<&str> {
        self.text("user")
    }

    /// The password, where one is given.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The socket of the server, where it is reached by one.
    pub fn socket(&self) -> Option<&Path> {
        match &self.place {
            Place::Socket(path) => Some(path),
            Place::Tcp { .. } => None,
        }
    }

    /// The server's name or address and its port, where it is reached over the network.
    pub fn host(&self) -> Option<(&str, u16)> {
        match &self.place {
            Place::Socket(_) => None,
            Place::Tcp { host, port } => Some((host, *port)),
        }
    }

    /// The value of a word that is given, as `ssl-ca`; none of one that may hold a secret.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|_| Keyword::by_name(name).is_some_and(|keyword| !keyword.is_secret()))
    }

    /// Whether the URL begins with `mariadb:`, so that the dialect is MariaDB's.
    pub fn is_mariadb(&self) -> bool {
        self.mariadb
    }

    /// The value of a word that is given and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|given| given.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Who gave a word, as messages name it.
    pub(super) fn source(&self, name: &'static str) -> Option<String> {
        self.given.get(name).map(|given| what(name, &given.from))
    }

    fn under(mut self, lower: Vec<(&'static Keyword, String, From)>) -> Result<Self, ConnInfoError> {
        // Host and socket are one thing, but a socket is also where `localhost` is.
        let has_socket = self.text("socket").is_some();
        for (keyword, value, from) in lower {
            let is_elsewhere = keyword.name == "host" && has_socket;
            if !is_elsewhere && self.text(keyword.name).is_none() {
                self.given.insert(keyword.name, Given { value, from });
            }
        }
        Self::of(self.given, self.mariadb)
    }

    /// Every value is legal, or this is an error.
    fn of(given: BTreeMap<&'static str, Given>, mariadb: bool) -> Result<Self, ConnInfoError> {
        for (name, Given { value, from }) in &given {
            if let Some(Use::Refused(why)) = Keyword::by_name(name).map(|keyword| keyword.use_)
                && !value.is_empty()
            {
                return Err(ConnInfoError::Unsupported { what: what(name, from), why });
            }
        }
        let words = Words(&given);
        values::charset(words)?;
        values::public_key(words)?;
        let (place, ssl) = (values::place(words)?, Ssl::of(words)?);
        values::without_tls(words, &place, &ssl)?;
        Ok(Self {
            mariadb,
            place,
            password: words.text("password").map(Secret::new),
            connect_timeout: values::connect_timeout(words)?,
            ssl,
            cleartext: values::switch(words, "enable-cleartext-plugin")?.unwrap_or(false),
            allow_plain_password: values::switch(words, "allow-plain-password")?.unwrap_or(false),
            explicit_gtid: values::explicit_gtid(words, mariadb)?,
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

    pub(super) fn bad_port(self) -> ConnInfoError {
        ConnInfoError::Port { what: self.what("port") }
    }

    /// Whether one word is said nearer than another.
    pub(super) fn is_nearer(self, one: &str, other: &str) -> bool {
        let distance = |name: &str| self.0.get(name).map(|given| given.from.distance());
        distance(one).zip(distance(other)).is_some_and(|(one, other)| one < other)
    }

    /// Whether the URL itself says both.
    pub(super) fn are_of_text(self, one: &str, other: &str) -> bool {
        let of_text = |name: &str| self.0.get(name).is_some_and(|given| given.from == From::Text);
        of_text(one) && of_text(other)
    }
}

fn what(name: &str, from: &From) -> String {
    match from {
        From::Text => format!("the parameter {name}"),
        From::Variable(variable) => format!("the variable {variable}"),
        From::Options(path, line) => format!("{name} of {path}:{line}"),
        From::System => format!("{name} of the operating system"),
    }
}

fn unknown(name: &str, value: &str, after_secret: bool) -> ConnInfoError {
    // What follows a password may be the rest of it.
    if after_secret || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        let hint = ": in a value `&` is written %26".to_owned();
        return ConnInfoError::Unknown { what: "a parameter".to_owned(), hint };
    }
    let hint = advice(name, value).map(|said| format!(": {said}")).unwrap_or_default();
    ConnInfoError::Unknown { what: format!("the parameter `{name}`"), hint }
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
