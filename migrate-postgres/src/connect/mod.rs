//! Where the database is, and how connections to it are opened.

pub(crate) mod plain;

use std::sync::Arc;

use futures_util::StreamExt as _;
use migrate_core::backend::{Notice, ServerError};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::error::server_error;

/// One PostgreSQL database. Cheap to clone.
#[derive(Clone)]
pub struct Postgres {
    config: Arc<Config>,
}

/// An open connection, driven by a task of its own until `client` is dropped.
pub(crate) struct Link {
    pub(crate) client: Client,
    /// What the server remarked, in its order.
    pub(crate) notices: UnboundedReceiver<Notice>,
    /// As `server_version_num` counts: 150018 is 15.18.
    pub(crate) version: u32,
    pub(crate) canceller: Cancel,
}

#[derive(Clone)]
pub(crate) struct Cancel;
impl migrate_core::backend::Canceller for Cancel {
    fn cancel(&self) -> Result<(), ServerError> {
        Ok(())
    }
}

impl Postgres {
    /// From a URL or a list of keywords and values.
    pub fn from_url(url: &str) -> Result<Self, ServerError> {
        let config: Config = url.parse().map_err(|error| server_error(&error))?;
        Ok(Self { config: Arc::new(config) })
    }

    pub fn label(&self) -> String {
        String::new()
    }
    pub fn application_name(&self) -> Option<&str> {
        None
    }
    pub fn session_pooling(&self) -> bool {
        false
    }
    pub fn creates_schema(&self) -> bool {
        true
    }
    pub(crate) async fn open(&self) -> Result<Link, ServerError> {
        let (client, mut connection) = self.config.connect(NoTls).await.map_err(|error| server_error(&error))?;
        let version = connection.parameter("server_version").unwrap_or_default().to_owned();
        let (sender, notices) = unbounded_channel();
        tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message {
                    let notice = Notice { level: notice.severity().to_owned(), message: notice.message().to_owned() };
                    let _ = sender.send(notice);
                }
            }
        });
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
        let version = numbers.next().unwrap_or(0) * 10_000 + numbers.next().unwrap_or(0);
        Ok(Link { client, notices, version, canceller: Cancel })
    }
}
