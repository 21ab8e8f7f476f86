//! Which Vault it is, and how we log in there.

use std::path::PathBuf;

use manyhands_core::Secret;

/// Where Vault listens unless it is told otherwise.
const ADDRESS: &str = "https://127.0.0.1:8200";

/// Where a pod finds the token of its service account.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Which Vault it is, and how we log in there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VaultSettings {
    /// The address, such as `https://vault.example:8200`.
    pub address: String,
    /// How we log in.
    pub login: VaultLogin,
    /// The namespace that all paths are in. Default: none.
    pub namespace: Option<String>,
    /// A PEM file with certificates of authorities that are trusted beside the system's. Default: none.
    pub ca: Option<PathBuf>,
}

/// How we log in to Vault.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum VaultLogin {
    /// By a token.
    Token(Secret),
    /// By the token in a file, where `vault login` leaves it.
    TokenFile(PathBuf),
    /// As an application, at `auth/approle`.
    AppRole {
        /// The id of the role.
        role_id: String,
        /// The secret to it.
        secret_id: Secret,
    },
    /// As a pod, at `auth/kubernetes`.
    Kubernetes {
        /// The name of the role.
        role: String,
        /// The file with the token of the service account.
        token_file: PathBuf,
    },
}

impl VaultSettings {
    /// The Vault at `address`.
    #[must_use]
    pub fn new(address: impl Into<String>, login: VaultLogin) -> Self {
        Self {
            address: address.into(),
            login,
            namespace: None,
            ca: None,
        }
    }

    /// What the environment says, as for Vault's own command: `VAULT_ADDR`, `VAULT_TOKEN` or `~/.vault-token`,
    /// `VAULT_NAMESPACE`, `VAULT_CACERT`.
    ///
    /// Without `VAULT_TOKEN`, `VAULT_ROLE_ID` with `VAULT_SECRET_ID` logs in as an application, and `VAULT_K8S_ROLE` as a
    /// pod.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let address = variable("VAULT_ADDR").unwrap_or_else(|| ADDRESS.to_owned());
        let app_role = || variable("VAULT_ROLE_ID").zip(variable("VAULT_SECRET_ID"));
        let login = if let Some(token) = variable("VAULT_TOKEN") {
            VaultLogin::Token(Secret::new(token.trim()))
        } else if let Some((role_id, secret_id)) = app_role() {
            let secret_id = Secret::new(secret_id);
            VaultLogin::AppRole { role_id, secret_id }
        } else if let Some(role) = variable("VAULT_K8S_ROLE") {
            let token_file = PathBuf::from(POD_TOKEN);
            VaultLogin::Kubernetes { role, token_file }
        } else {
            let home = variable("HOME").or_else(|| variable("USERPROFILE"));
            VaultLogin::TokenFile(PathBuf::from(home.unwrap_or_default()).join(".vault-token"))
        };
        Self {
            address,
            login,
            namespace: variable("VAULT_NAMESPACE"),
            ca: variable("VAULT_CACERT").map(PathBuf::from),
        }
    }

    /// Sets the namespace that all paths are in.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets a PEM file with certificates of authorities that are trusted beside the system's.
    #[must_use]
    pub fn with_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca = Some(path.into());
        self
    }
}
