//! What all requests to one server of secrets share, and which of them goes where.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::behavior::VaultBehavior;
use super::store::Store;
use super::{login, reading};
use crate::http::{Answer, Request, Serves};
use crate::oauth::form::Fields;
use crate::oauth::log::Log;
use crate::oauth::{ALWAYS, Failure};
use crate::record::lock;

/// One server of secrets.
#[derive(Debug)]
pub(super) struct Shared {
    address: SocketAddr,
    behavior: Mutex<VaultBehavior>,
    failure: Mutex<Option<(Failure, usize)>>,
    store: Mutex<Store>,
    log: Mutex<Log>,
}

impl Shared {
    pub(super) fn new(address: SocketAddr, behavior: VaultBehavior) -> Self {
        Self {
            address,
            behavior: Mutex::new(behavior),
            failure: Mutex::default(),
            store: Mutex::default(),
            log: Mutex::default(),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn behavior(&self) -> VaultBehavior {
        lock(&self.behavior).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut VaultBehavior)) {
        change(&mut lock(&self.behavior));
    }

    pub(super) fn fail(&self, failure: Failure, times: usize) {
        *lock(&self.failure) = Some((failure, times));
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    pub(super) fn put(&self, path: &str, data: &Value) {
        self.remember(data);
        self.store().put(path, data);
    }

    pub(super) fn issue(&self, lives: Option<u64>) -> String {
        let token = self.store().issue(lives);
        self.log().secret(&token);
        token
    }

    pub(super) fn add_app_role(&self, role_id: &str, secret_id: &str) {
        self.log().secret(secret_id);
        let (role_id, secret_id) = (role_id.to_owned(), secret_id.to_owned());
        self.store().app_roles.insert(role_id, secret_id);
    }

    pub(super) fn add_kubernetes_role(&self, role: &str, jwt: &str) {
        self.log().secret(jwt);
        let (role, jwt) = (role.to_owned(), jwt.to_owned());
        self.store().kubernetes_roles.insert(role, jwt);
    }

    /// Remembers all texts in a value as secrets.
    fn remember(&self, value: &Value) {
        match value {
            Value::String(text) => self.log().secret(text),
            Value::Array(items) => items.iter().for_each(|item| self.remember(item)),
            Value::Object(fields) => fields.values().for_each(|item| self.remember(item)),
            _ => {}
        }
    }

    fn failure(&self) -> Option<Failure> {
        let mut failure = lock(&self.failure);
        let (failure, left) = failure.as_mut().filter(|(_, left)| *left > 0)?;
        if *left != ALWAYS {
            *left -= 1;
        }
        Some(failure.clone())
    }

    fn work(&self, request: &Request, fields: &Fields) -> Answer {
        let behavior = self.behavior();
        if behavior.sealed {
            return errors(503, &["Vault is sealed"]);
        }
        let Some(path) = request.split().0.strip_prefix("/v1/") else {
            return errors(404, &[]);
        };
        let named = request.header("x-vault-namespace").unwrap_or_default();
        let expected = behavior.namespace.as_deref().unwrap_or_default();
        if named.trim_matches('/') != expected.trim_matches('/') {
            return no_route(path);
        }
        // Vault takes both methods for the same thing.
        let method = match request.method.as_str() {
            "PUT" => "POST",
            method => method,
        };
        match path.strip_prefix("auth/") {
            Some(rest) => login::answer(self, method, rest, request),
            None => reading::answer(self, method, path, request, fields),
        }
    }
}

impl Serves for Shared {
    async fn answer(&self, request: Request) -> Answer {
        let fields = Fields::parse(request.split().1);
        self.log().seen(&request, &fields);
        self.log().secret(token(&request).unwrap_or_default());
        let answer = match self.failure() {
            Some(Failure::Lost) => {
                self.work(&request, &fields);
                Answer::Hangup
            }
            Some(failure) => failure.answer(&request, &fields),
            None => self.work(&request, &fields),
        };
        tokio::time::sleep(self.behavior().delay).await;
        answer
    }
}

/// The token of a request, in either of its headers.
pub(super) fn token(request: &Request) -> Option<&str> {
    let bearer = || request.header("authorization")?.strip_prefix("Bearer ");
    request.header("x-vault-token").or_else(bearer)
}

/// The token of a request and its life, or why it is refused.
pub(super) fn holder<'a>(
    shared: &Shared,
    request: &'a Request,
) -> Result<(&'a str, Option<u64>), Answer> {
    let Some(token) = token(request).filter(|token| !token.is_empty()) else {
        return Err(errors(403, &["permission denied"]));
    };
    let life = shared.store().life(token);
    let both = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";
    let life = life.ok_or_else(|| errors(403, &[both]))?;
    Ok((token, life))
}

/// An error in Vault's form.
pub(super) fn errors(status: u16, messages: &[&str]) -> Answer {
    Answer::json(status, &json!({"errors": messages}))
}

pub(super) fn no_route(path: &str) -> Answer {
    let message = format!("no handler for route \"{path}\". route entry not found.");
    errors(404, &[&message])
}

/// What stands around each answer.
pub(super) fn envelope(data: &Value, auth: &Value) -> Value {
    json!({
        "request_id": "5ad1dd5c-0000-4000-8000-000000000000",
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": data,
        "wrap_info": null,
        "warnings": null,
        "auth": auth,
    })
}
