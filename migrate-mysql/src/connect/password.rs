//! Where passwords come from: the URL, a variable, an option file, somebody who is asked at every connect.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A text that cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
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

/// Somebody who is asked for the password at every connect.
#[derive(Clone)]
pub(super) struct Provider(Arc<dyn Fn() -> Answer + Send + Sync>);

impl Provider {
    pub(super) fn new<F, A>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, ProviderError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    pub(super) async fn ask(&self) -> Result<Secret, ProviderError> {
        (self.0)().await.map(Secret)
    }
}
