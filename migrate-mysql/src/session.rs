//! One connection as the core wants it. Not there yet.

use std::time::Duration;

use async_trait::async_trait;
use migrate_core::backend::{Fault, ServerError, Session};
use migrate_core::{Backend, Dialect};

use crate::connect::Mysql;
use crate::dialect::{MARIADB, MYSQL};

#[async_trait]
impl Backend for Mysql {
    fn dialect(&self) -> &'static Dialect {
        if self.is_mariadb() { &MARIADB } else { &MYSQL }
    }

    fn label(&self) -> String {
        Self::label(self)
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        let link = self.open().await?;
        let what = if link.mariadb { "MariaDB" } else { "MySQL" };
        let message = format!("{what} {} can be connected to, and not migrated yet", link.version_text);
        Err(ServerError::new(Fault::Unsupported, message))
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
