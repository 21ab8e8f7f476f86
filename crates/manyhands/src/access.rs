//! Where the servers of a configuration get their credentials from.

use manyhands_auth::LoginStore;
use manyhands_auth::secrets::Secrets;

/// Where the servers of a configuration get their credentials from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Access {
    /// What `${secret:..}` stands for. Default: all built-in sources.
    pub secrets: Secrets,
    /// Where logins are kept. Default: in memory, so that they end with the process.
    pub logins: LoginStore,
}

impl Access {
    /// Sets what `${secret:..}` stands for.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets where logins are kept.
    #[must_use]
    pub fn with_logins(mut self, logins: LoginStore) -> Self {
        self.logins = logins;
        self
    }
}
