//! The sources that are there only in some builds. A name keeps its meaning in the others: it says what is missing.

use super::registry::Secrets;

/// Adds the sources that stand behind features.
pub(super) fn with_optional(secrets: Secrets) -> Secrets {
    #[cfg(feature = "keyring")]
    let secrets = secrets.with_source("keyring", super::keyring::Keyring::default());
    #[cfg(not(feature = "keyring"))]
    let secrets = secrets.with_source("keyring", absent::Absent("keyring"));
    #[cfg(feature = "aws")]
    let secrets = secrets.with_source("aws", super::aws::AwsSource::default());
    #[cfg(not(feature = "aws"))]
    let secrets = secrets.with_source("aws", absent::Absent("aws"));
    secrets
}

#[cfg(not(all(feature = "keyring", feature = "aws")))]
mod absent {
    use manyhands_core::Secret;

    use crate::secrets::error::{SecretError, SecretErrorKind};
    use crate::secrets::source::SecretSource;

    /// Stands for a source that this program was built without.
    pub(super) struct Absent(pub(super) &'static str);

    impl SecretSource for Absent {
        async fn read(&self, _key: &str) -> Result<Secret, SecretError> {
            let feature = self.0;
            let cause = format!("this program was built without the source `{feature}`");
            let mend = format!(
                "build it with the feature `{feature}` of manyhands, or use another source"
            );
            Err(SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend(mend))
        }
    }
}
