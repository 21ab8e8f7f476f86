//! How applications and pods get a token, and keep it.

use serde_json::{Value, json};

use super::behavior::VaultBehavior;
use super::shared::{Shared, envelope, errors, holder, no_route};
use crate::http::{Answer, Request};

pub(super) fn answer(shared: &Shared, method: &str, path: &str, request: &Request) -> Answer {
    let behavior = shared.behavior();
    match (method, path) {
        ("GET", "token/lookup-self") => look_up(shared, &behavior, request),
        ("POST", "token/renew-self") => renew(shared, &behavior, request),
        ("POST", _) => match path.strip_suffix("/login") {
            Some(mount) if mount == behavior.app_role_mount => {
                app_role(shared, &behavior, &request.body)
            }
            Some(mount) if mount == behavior.kubernetes_mount => {
                kubernetes(shared, &behavior, &request.body)
            }
            _ => no_route(&format!("auth/{path}")),
        },
        _ => errors(405, &["unsupported operation"]),
    }
}

fn app_role(shared: &Shared, behavior: &VaultBehavior, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let (role, secret) = (text(&body, "role_id"), text(&body, "secret_id"));
    shared.log().secret(secret);
    if role.is_empty() {
        return errors(400, &["missing role_id"]);
    }
    let known = shared.store().app_roles.get(role).cloned();
    if known.as_deref() != Some(secret) {
        return errors(400, &["invalid role or secret ID"]);
    }
    issue(shared, behavior, &json!({"role_name": role}))
}

fn kubernetes(shared: &Shared, behavior: &VaultBehavior, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let (role, jwt) = (text(&body, "role"), text(&body, "jwt"));
    shared.log().secret(jwt);
    if role.is_empty() || jwt.is_empty() {
        return errors(400, &["missing role or jwt"]);
    }
    let known = shared.store().kubernetes_roles.get(role).cloned();
    match known {
        None => errors(400, &[&format!("invalid role name \"{role}\"")]),
        Some(known) if known != jwt => errors(403, &["permission denied"]),
        Some(_) => {
            let metadata = json!({
                "role": role,
                "service_account_name": "default",
                "service_account_namespace": "default",
            });
            issue(shared, behavior, &metadata)
        }
    }
}

fn issue(shared: &Shared, behavior: &VaultBehavior, metadata: &Value) -> Answer {
    let token = shared.issue(Some(behavior.lease));
    let auth = auth(&token, behavior.lease, behavior.renewable, metadata);
    Answer::json(200, &envelope(&Value::Null, &auth))
}

fn renew(shared: &Shared, behavior: &VaultBehavior, request: &Request) -> Answer {
    let (token, life) = match holder(shared, request) {
        Ok(holder) => holder,
        Err(refused) => return refused,
    };
    if life.is_none() || !behavior.renewable {
        return errors(400, &["lease is not renewable"]);
    }
    shared.store().renew(token, behavior.lease);
    let auth = auth(token, behavior.lease, true, &json!({}));
    Answer::json(200, &envelope(&Value::Null, &auth))
}

fn look_up(shared: &Shared, behavior: &VaultBehavior, request: &Request) -> Answer {
    let (token, life) = match holder(shared, request) {
        Ok(holder) => holder,
        Err(refused) => return refused,
    };
    let data = json!({
        "id": token,
        "ttl": life.unwrap_or_default(),
        "renewable": life.is_some() && behavior.renewable,
        "policies": ["default"],
    });
    Answer::json(200, &envelope(&data, &Value::Null))
}

fn auth(token: &str, lease: u64, renewable: bool, metadata: &Value) -> Value {
    json!({
        "client_token": token,
        "accessor": "accessor",
        "policies": ["default"],
        "token_policies": ["default"],
        "metadata": metadata,
        "lease_duration": lease,
        "renewable": renewable,
        "entity_id": "",
        "token_type": "service",
        "orphan": true,
    })
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}
