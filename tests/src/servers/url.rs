//! The parts of a server's URL.

/// `scheme://user:password@host:port/database?options`. Nothing in it is escaped.
#[derive(Clone, Debug)]
pub(super) struct Url(String);

impl Url {
    pub(super) fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// With another database.
    pub(super) fn of(&self, database: &str) -> String {
        let (before, _) = self.split();
        let query = self.0.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        format!("{before}://{}/{database}{query}", self.authority())
    }

    /// Host and port.
    pub(super) fn address(&self, default_port: u16) -> String {
        let host = self.authority().rsplit('@').next().unwrap_or_default();
        if host.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:{default_port}")
        }
    }

    /// User and password.
    pub(super) fn credentials<'a>(&'a self, default_user: &'a str) -> (&'a str, &'a str) {
        let (user, _) = self.authority().rsplit_once('@').unwrap_or((default_user, ""));
        user.split_once(':').unwrap_or((user, ""))
    }

    fn authority(&self) -> &str {
        self.split().1.split(['/', '?']).next().unwrap_or_default()
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once("://").unwrap_or_else(|| panic!("{} is no URL", self.0))
    }
}
