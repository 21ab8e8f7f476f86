//! What a place where secrets are kept has to do.

use std::future::Future;
use std::pin::Pin;

use manyhands_core::Secret;

use super::error::SecretError;

/// A place where secrets are kept.
///
/// ```
/// use manyhands_auth::secrets::{SecretError, SecretErrorKind, SecretReference, SecretSource, Secrets};
/// use manyhands_core::Secret;
///
/// struct Safe;
///
/// impl SecretSource for Safe {
///     async fn read(&self, key: &str) -> Result<Secret, SecretError> {
///         match key {
///             "door" => Ok(Secret::new("1234")),
///             _ => Err(SecretError::new(SecretErrorKind::NotFound, "the safe has no such drawer")),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secrets = Secrets::default().with_source("safe", Safe);
/// let door = secrets.read(&SecretReference::parse("safe:door")?).await?;
/// assert_eq!(door.expose(), "1234");
/// # Ok(())
/// # }
/// ```
pub trait SecretSource: Send + Sync + 'static {
    /// Reads the secret that is kept under `key`. It is read anew each time, so that a changed secret is noticed.
    ///
    /// # Errors
    /// [`SecretError`], whose text must not hold the secret.
    ///
    /// # Cancel safety
    /// The future may be dropped at any await, and must end what it started.
    fn read(&self, key: &str) -> impl Future<Output = Result<Secret, SecretError>> + Send;
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Secret, SecretError>> + Send + 'a>>;

/// The object-safe twin of [`SecretSource`].
pub(super) trait DynSource: Send + Sync {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a>;
}

impl<T: SecretSource> DynSource for T {
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a> {
        Box::pin(SecretSource::read(self, key))
    }
}
