//! How a run behaves where neither the goal nor the policy says so.

use std::time::Duration;

/// Limits and identity of a run. Nothing here changes what is done, only whether it is begun, how long it may take and
/// what is written down about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunOptions {
    /// The longest wait for the lock of the migrations.
    pub lock_wait: Duration,
    /// The longest wait of one statement for a lock of the database; zero is no limit.
    pub lock_timeout: Duration,
    /// For how long a step that met a lock is tried again.
    pub lock_retry_for: Duration,
    /// The longest run of one statement; zero is no limit.
    pub statement_timeout: Duration,
    /// For how long another connection is tried for after one was lost in the middle of a run; zero is not at all. A
    /// run on a session of the caller's never connects by itself.
    pub reconnect_for: Duration,
    /// Session settings of every step, before its own.
    pub settings: Vec<(String, String)>,
    /// Preconditions in spite of which the run goes on: names of [`Condition`](crate::condition::Condition)s, texts of
    /// [`Precondition`](crate::migration::Precondition)s. What was waived is written down.
    pub waive: Vec<String>,
    /// The backup that was made before the run, for the history: a file, or somebody's word.
    pub backup: Option<String>,
    /// Who runs it: `deploy@ci`.
    pub installed_by: Option<String>,
    /// Which release of the application runs it. In the component `main` it counts as deployed, unless the policy says
    /// which one is: [`deploy`](crate::plan::deploy).
    pub app_version: Option<String>,
    /// What those who wait for the lock are shown.
    pub owner: String,
    /// How much of a script is stored.
    pub store: StoreScript,
    /// The most bytes of a script that are stored; a longer one leaves its digest.
    pub store_limit: usize,
}

/// How much of a script is stored in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreScript {
    /// The text, with literals after PASSWORD and the like masked.
    Full,
    /// Every literal masked.
    Redacted,
    /// Nothing.
    None,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_secs(600),
            lock_timeout: Duration::from_secs(2),
            lock_retry_for: Duration::from_secs(600),
            statement_timeout: Duration::ZERO,
            reconnect_for: Duration::from_secs(60),
            settings: Vec::new(),
            waive: Vec::new(),
            backup: None,
            installed_by: None,
            app_version: None,
            owner: format!("pid {}", std::process::id()),
            store: StoreScript::Full,
            store_limit: 1 << 20,
        }
    }
}
