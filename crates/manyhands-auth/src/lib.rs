//! Credentials in one place: secrets that a configuration names instead of holding, and OAuth 2.1 logins.
//!
//! It knows how to come by credentials and where to keep them, and neither which server they are for nor what is done
//! with them.

mod oauth;
pub mod secrets;
mod store;

#[cfg(feature = "enterprise")]
pub use oauth::Enterprise;
pub use oauth::{Assertions, Grant, OAuth, OAuthSettings};
#[cfg(feature = "private-key-jwt")]
pub use oauth::{SigningAlgorithm, SigningKey};
pub use store::{LoginStore, LoginSummary, Place};
