//! The third migration: what SQL cannot say, in batches.

use std::time::Duration;

use migrate_mysql::core::async_trait;
use migrate_mysql::core::code::{Code, CodeContext, CodeError};
use migrate_mysql::mysql_async::Conn;
use migrate_mysql::mysql_async::prelude::Queryable as _;

/// Rows of one transaction: few, so that nobody waits long for them.
const BATCH: u64 = 50;
/// Time for others who use the server.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes the initials of all people.
pub(crate) struct Fill;

#[async_trait]
impl Code for Fill {
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        loop {
            // Of this attempt's last batch, or of the attempt's that was killed.
            let done: u64 = context.checkpoint().unwrap_or("0").parse()?;
            let conn = context.native::<Conn>()?;
            let next = "select id, name from people where id > ? order by id limit ?";
            let people: Vec<(u64, String)> = conn.exec(next, (done, BATCH)).await?;
            let Some(last) = people.last().map(|(id, _)| *id) else { return Ok(()) };
            let update = "update people set initials = ?, revision = revision + 1 where id = ?";
            conn.exec_batch(update, people.iter().map(|(id, name)| (initials(name), id))).await?;
            // These rows and how far they came: both or neither.
            context.commit(last.to_string()).await?;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn initials(name: &str) -> String {
    let first = name.split_whitespace().filter_map(|word| word.chars().next());
    first.filter(|letter| letter.is_alphabetic()).flat_map(char::to_uppercase).collect()
}
