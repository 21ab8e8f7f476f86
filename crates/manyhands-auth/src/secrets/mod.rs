//! Secrets by reference: `keyring:slack/token` in place of the token itself.
//!
//! A [`SecretSource`] is a place where secrets are kept, and [`Secrets`] knows the sources by their names. Every read is
//! bounded in time and in size, and neither an error, a log line nor a `Debug` ever holds a secret.
//!
//! ```
//! use manyhands_auth::secrets::{SecretReference, Secrets};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let reference = SecretReference::parse("env:CARGO_PKG_NAME")?;
//! let secret = Secrets::default().read(&reference).await?;
//! assert_eq!(secret.expose(), "manyhands-auth");
//! assert_eq!(format!("{secret:?}"), "[hidden]");
//! # Ok(())
//! # }
//! ```

mod apart;
#[cfg(feature = "aws")]
mod aws;
mod command;
mod env;
mod error;
mod fields;
mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod missing;
mod reference;
mod registry;
mod source;
mod vault;

#[cfg(feature = "aws")]
pub use aws::AwsSource;
pub use command::CommandSource;
pub use env::EnvSource;
pub use error::{SecretError, SecretErrorKind};
pub use file::FileSource;
#[cfg(feature = "keyring")]
pub use keyring::Keyring;
pub use reference::SecretReference;
pub use registry::Secrets;
pub use source::SecretSource;
pub use vault::{VaultLogin, VaultSettings, VaultSource};

#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;
