//! `vault:MOUNT/PATH#FIELD`: Vault, by the second version of its key-value engine.

mod client;
mod place;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::Secret;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use super::apart::Apart;
use super::error::{SecretError, SecretErrorKind};
use super::source::SecretSource;
use client::Vault;
use place::Place;
pub use settings::{VaultLogin, VaultSettings};

/// How long one read may take, with the login if there is one: 10 s.
const LIMIT: Duration = Duration::from_secs(10);

/// The largest token file or certificate, in bytes: 1 MiB. A system's whole bundle takes about 200 KiB.
const MAX_FILE: u64 = 1 << 20;

/// Reads from the key-value engine, version 2.
///
/// A key is `MOUNT/PATH#FIELD`: the mount is the first part of the path, or what stands before `/data/`; the field may be
/// left out where there is just one. A token that was got by logging in is kept in memory until most of its time is over,
/// and got anew once where Vault refuses it.
#[derive(Clone, Default)]
pub struct VaultSource {
    settings: Option<Arc<VaultSettings>>,
    http: Arc<OnceCell<Client>>,
    lease: Arc<Mutex<Option<Lease>>>,
}

/// A token that ends.
#[derive(Clone)]
struct Lease {
    token: Secret,
    until: Instant,
}

impl VaultSource {
    /// Reads from this Vault; the default is the one that the environment names.
    #[must_use]
    pub fn new(settings: VaultSettings) -> Self {
        Self {
            settings: Some(Arc::new(settings)),
            ..Self::default()
        }
    }

    async fn ask(&self, place: &Place) -> Result<Secret, SecretError> {
        let settings = match &self.settings {
            Some(settings) => settings.clone(),
            None => Arc::new(VaultSettings::from_environment()),
        };
        let http = self.http.get_or_try_init(|| http(&settings)).await?;
        let vault = Vault::new(http, &settings)?;
        let (token, was_kept) = self.token(&vault, &settings.login).await?;
        match vault.read(&token, place).await {
            Err(error) if was_kept && error.kind() == SecretErrorKind::Denied => {
                self.forget(&token).await;
                let (token, _) = self.token(&vault, &settings.login).await?;
                vault.read(&token, place).await
            }
            answer => answer,
        }
    }

    /// A token, and whether it is one that was kept from an earlier login.
    async fn token(
        &self,
        vault: &Vault<'_>,
        login: &VaultLogin,
    ) -> Result<(Secret, bool), SecretError> {
        let (method, body) = match login {
            VaultLogin::Token(token) => return Ok((token.clone(), false)),
            VaultLogin::TokenFile(path) => return Ok((token_file(path).await?, false)),
            VaultLogin::AppRole { role_id, secret_id } => (
                "approle",
                json!({"role_id": role_id, "secret_id": secret_id.expose()}),
            ),
            VaultLogin::Kubernetes { role, token_file } => {
                let jwt = read(token_file, "the token of the service account").await?;
                (
                    "kubernetes",
                    json!({"role": role, "jwt": String::from_utf8_lossy(&jwt).trim()}),
                )
            }
        };
        // Who waits here finds the token of the one before.
        let mut kept = self.lease.lock().await;
        if let Some(lease) = kept.as_ref().filter(|lease| Instant::now() < lease.until) {
            return Ok((lease.token.clone(), true));
        }
        let lease = vault.login(method, &body).await.map(|auth| lease(&auth))?;
        let lease = kept.insert(lease?);
        Ok((lease.token.clone(), false))
    }

    /// Keeps `token` no longer.
    async fn forget(&self, token: &Secret) {
        let mut kept = self.lease.lock().await;
        if kept.as_ref().is_some_and(|lease| lease.token == *token) {
            *kept = None;
        }
    }
}

impl SecretSource for VaultSource {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let place = Place::parse(key)?;
        let answer = tokio::time::timeout(LIMIT, self.ask(&place)).await;
        answer.unwrap_or_else(|_| {
            let cause = "Vault did not answer within 10 s";
            Err(SecretError::new(SecretErrorKind::Unavailable, cause))
        })
    }
}

impl std::fmt::Debug for VaultSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VaultSource").field(&self.settings).finish()
    }
}

/// The token in Vault's answer to a login, kept until three quarters of its time are over.
fn lease(answer: &Value) -> Result<Lease, SecretError> {
    let auth = answer.get("auth");
    let token = auth.and_then(|auth| auth.get("client_token")?.as_str());
    let Some(token) = token else {
        let cause = "Vault's answer to the login holds no token";
        return Err(SecretError::new(SecretErrorKind::Unavailable, cause));
    };
    let seconds = auth.and_then(|auth| auth.get("lease_duration")?.as_u64());
    // A week stands for "without end", and keeps the sum in range.
    let seconds = match seconds.unwrap_or_default() {
        0 => 604_800,
        seconds => seconds.min(604_800),
    };
    Ok(Lease {
        token: Secret::new(token),
        until: Instant::now() + Duration::from_secs(seconds) * 3 / 4,
    })
}

async fn http(settings: &VaultSettings) -> Result<Client, SecretError> {
    let pem = match &settings.ca {
        Some(path) => Some(read(path, "the certificate of VAULT_CACERT").await?),
        None => None,
    };
    client::http(settings, pem.as_deref())
}

async fn token_file(path: &Path) -> Result<Secret, SecretError> {
    let bytes = read(path, "the token file").await.map_err(|error| {
        let told = SecretError::new(
            error.kind(),
            format!("we have no token for Vault: {}", error.cause()),
        );
        told.with_mend("run `vault login`, or set VAULT_TOKEN")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Secret::new(text.trim()))
}

/// Reads a small file off the async threads.
async fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, SecretError> {
    use std::io::Read as _;

    let path = path.to_owned();
    let apart = Apart::new(1, LIMIT);
    let read = apart.run(move || {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    });
    let failed = |why: &str| {
        SecretError::new(
            SecretErrorKind::Misconfigured,
            format!("{what} cannot be read: {why}"),
        )
    };
    match read.await? {
        Some(read) => read.map_err(|error| failed(&error.to_string())),
        None => Err(failed("it took longer than 10 s")),
    }
}

#[cfg(test)]
mod tests;
