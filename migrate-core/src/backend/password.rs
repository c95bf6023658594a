//! Passwords, and who gives them.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A password, or a text that may hold one. It has no `Display`, and `Debug` shows that it is there and nothing else.
///
/// ```
/// use migrate_core::backend::password::Secret;
///
/// let password = Secret::new("hunter2");
/// assert_eq!(format!("{password:?}"), "[secret]");
/// assert_eq!(password.reveal(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for handing it to a driver and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why a provider has no password; what it says must hold no secret.
pub type ProviderError = Box<dyn Error + Send + Sync>;

type Answer = Pin<Box<dyn Future<Output = Result<String, ProviderError>> + Send>>;

/// Somebody who is asked for the password at every connect. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<dyn Fn() -> Answer + Send + Sync>);

impl Provider {
    /// From what is asked; what answers at once returns [`std::future::ready`].
    pub fn new<F, A>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, ProviderError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    /// Asks for it.
    ///
    /// # Errors
    /// Whatever whoever is asked says.
    pub async fn ask(&self) -> Result<Secret, ProviderError> {
        (self.0)().await.map(Secret)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[provider]")
    }
}
