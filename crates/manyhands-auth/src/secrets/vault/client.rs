//! Vault's HTTP API: one exchange, and what its answers mean.

use std::error::Error as _;

use manyhands_core::{Printable, Secret, clip};
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Response, Url};
use serde_json::Value;

use super::place::Place;
use super::settings::VaultSettings;
use crate::secrets::error::{SecretError, SecretErrorKind};
use crate::secrets::fields::pick;

/// The largest answer, in bytes: 1 MiB, as much as Vault stores in one secret.
const MAX_ANSWER: usize = 1 << 20;

/// How many redirects are followed, none of them to another origin.
const MAX_REDIRECTS: usize = 3;

/// How much of Vault's words is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// A Vault that can be asked.
pub(super) struct Vault<'a> {
    http: &'a Client,
    address: Url,
    namespace: Option<&'a str>,
}

/// An answer that came.
struct Answer {
    status: u16,
    body: Value,
}

/// Makes the client, which trusts the authorities in `pem` beside the system's.
pub(super) fn http(settings: &VaultSettings, pem: Option<&[u8]>) -> Result<Client, SecretError> {
    let stays = Policy::custom(|attempt| {
        let origin = attempt.url().origin();
        let came_from = attempt.previous();
        let stays = came_from.iter().all(|url| url.origin() == origin);
        if stays && came_from.len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = Client::builder().redirect(stays);
    if is_loopback(&settings.address) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = pem {
        let refuse = |_| {
            let cause = "the certificate of VAULT_CACERT is not in the form PEM";
            SecretError::new(SecretErrorKind::Misconfigured, cause)
        };
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(refuse)?);
    }
    builder.build().map_err(|_| {
        let cause = "no HTTP client can be made for Vault";
        SecretError::new(SecretErrorKind::Misconfigured, cause)
            .with_mend("check the certificate that VAULT_CACERT names")
    })
}

fn is_loopback(address: &str) -> bool {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

impl<'a> Vault<'a> {
    pub(super) fn new(http: &'a Client, settings: &'a VaultSettings) -> Result<Self, SecretError> {
        let address = Url::parse(&settings.address).ok();
        let address = address.filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        });
        let Some(address) = address else {
            let cause = "the address of Vault is no http or https URL, or has a user in it";
            return Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("set VAULT_ADDR, as in https://vault.example:8200"));
        };
        Ok(Self {
            http,
            address,
            namespace: settings.namespace.as_deref(),
        })
    }

    /// Reads the newest version of a secret.
    pub(super) async fn read(&self, token: &Secret, place: &Place) -> Result<Secret, SecretError> {
        let mount = place.mount.iter().map(String::as_str);
        let path = place.path.iter().map(String::as_str);
        let parts: Vec<&str> = ["v1"]
            .into_iter()
            .chain(mount)
            .chain(["data"])
            .chain(path)
            .collect();
        let answer = self
            .exchange(Method::GET, &parts, Some(token), None)
            .await?;
        let data = answer.body.get("data");
        let fields = data.and_then(|data| data.get("data")?.as_object());
        match (answer.status, fields) {
            (200, Some(fields)) => pick(fields, place.field.as_deref()),
            (200, None) => Err(not_versioned()),
            (404, _) => Err(missing(data)),
            _ => Err(self.refusal(&answer, token.expose())),
        }
    }

    /// Logs in by `method`, and gives Vault's answer.
    pub(super) async fn login(&self, method: &str, body: &Value) -> Result<Value, SecretError> {
        let parts = ["v1", "auth", method, "login"];
        let answer = self
            .exchange(Method::POST, &parts, None, Some(body))
            .await?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let error = self.refusal(&answer, "");
        let cause = format!("the login as {method} failed: {}", error.cause());
        let told = SecretError::new(error.kind(), cause);
        Err(match error.kind() {
            SecretErrorKind::Unavailable => told,
            _ => told.with_mend("check the role, and what we show for it"),
        })
    }

    async fn exchange(
        &self,
        method: Method,
        parts: &[&str],
        token: Option<&Secret>,
        body: Option<&Value>,
    ) -> Result<Answer, SecretError> {
        let mut url = self.address.clone();
        // It is an http URL, which always has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        let mut request = self.http.request(method, url);
        request = request.header("X-Vault-Request", "true");
        if let Some(token) = token {
            request = request.header("X-Vault-Token", header(token.expose(), "token")?);
        }
        if let Some(namespace) = self.namespace {
            request = request.header("X-Vault-Namespace", header(namespace, "namespace")?);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.silent(error))?;
        let status = response.status().as_u16();
        let body = self.body(response).await?;
        // An answer that is no JSON has nothing to say.
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer { status, body })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, SecretError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.silent(error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let cause = "Vault's answer is larger than 1 MiB";
                return Err(SecretError::new(SecretErrorKind::TooLarge, cause));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Says why no answer came.
    fn silent(&self, error: reqwest::Error) -> SecretError {
        let error = error.without_url();
        let mut deepest: &dyn std::error::Error = &error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        let why = deepest.to_string();
        let origin = self.address.origin().ascii_serialization();
        let cause = format!("Vault cannot be reached at {origin}: {}", shown(&why));
        if error.source().is_some() && why.contains("certificate") {
            return SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("name the authority of its certificate in VAULT_CACERT");
        }
        SecretError::new(SecretErrorKind::Unavailable, cause)
            .with_mend("check VAULT_ADDR, and that Vault is running")
    }

    /// Says what an answer means that is no secret. What it repeats of the token is not told.
    fn refusal(&self, answer: &Answer, token: &str) -> SecretError {
        use SecretErrorKind as Kind;
        let said = answer.body.get("errors").and_then(|errors| errors.get(0));
        let said = said
            .and_then(Value::as_str)
            .filter(|said| token.is_empty() || !said.contains(token))
            .map(|said| format!(": {}", shown(said.trim())))
            .unwrap_or_default();
        let status = answer.status;
        let (kind, cause, mend) = match status {
            403 => (
                Kind::Denied,
                format!("Vault does not let us read it{said}"),
                "check that the token is valid, and that its policy allows `read` on this path; see `vault token lookup`",
            ),
            503 => (
                Kind::Unavailable,
                format!("Vault is sealed, or under maintenance{said}"),
                "unseal it",
            ),
            300..400 => (
                Kind::Misconfigured,
                "Vault sends us to another address".to_owned(),
                "set VAULT_ADDR to that of the active node",
            ),
            429 | 472 | 473 | 500.. => (
                Kind::Unavailable,
                format!("Vault answers with HTTP {status}{said}"),
                "",
            ),
            _ => (
                Kind::Misconfigured,
                format!("Vault answers with HTTP {status}{said}"),
                "check VAULT_ADDR, and the path",
            ),
        };
        let error = SecretError::new(kind, cause);
        if mend.is_empty() {
            error
        } else {
            error.with_mend(mend)
        }
    }
}

/// A header's value that no log shows.
fn header(value: &str, what: &str) -> Result<HeaderValue, SecretError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        let cause = format!("the {what} for Vault holds characters that no header may hold");
        SecretError::new(SecretErrorKind::Misconfigured, cause)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Says that the path has no secret, or has none any more.
fn missing(data: Option<&Value>) -> SecretError {
    let metadata = data.and_then(|data| data.get("metadata"));
    let of = |key: &str| metadata.and_then(|metadata| metadata.get(key));
    let is_deleted = of("deletion_time").and_then(Value::as_str);
    if of("destroyed") == Some(&Value::Bool(true)) {
        let cause = "its newest version was destroyed in Vault";
        return SecretError::new(SecretErrorKind::NotFound, cause).with_mend("store it anew");
    }
    if is_deleted.is_some_and(|time| !time.is_empty()) {
        let cause = "its newest version was deleted in Vault";
        return SecretError::new(SecretErrorKind::NotFound, cause)
            .with_mend("bring it back with `vault kv undelete`, or store it anew");
    }
    SecretError::new(SecretErrorKind::NotFound, "Vault has nothing at this path")
        .with_mend("check the mount and the path with `vault kv get`; the engine has to be the key-value one, version 2")
}

fn not_versioned() -> SecretError {
    let cause = "Vault's answer is not that of the key-value engine, version 2";
    SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend("check the mount")
}

fn shown(text: &str) -> String {
    Printable(&clip(text, MAX_SHOWN)).to_string()
}
