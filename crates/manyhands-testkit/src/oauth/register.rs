//! Clients that register themselves, and tokens that are given back.

use serde_json::{Value, json};

use super::credentials;
use super::form::Fields;
use super::kept::random;
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::Client;
use crate::http::{Answer, Request};

/// Takes in a client, as RFC 7591 has it.
pub(super) fn register(shared: &Shared, request: &Request) -> Answer {
    match take_in(shared, request) {
        Ok(body) => Answer::json(201, &body).header("cache-control", "no-store"),
        Err(refusal) => refusal.answer(),
    }
}

fn take_in(shared: &Shared, request: &Request) -> Result<Value, Refusal> {
    let invalid = |description| Refusal::new("invalid_client_metadata", description);
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let Value::Object(mut body) = asked else {
        return Err(invalid("the metadata are no object of JSON"));
    };
    let uris = body.get("redirect_uris").and_then(Value::as_array);
    let uris = uris.into_iter().flatten().filter_map(Value::as_str);
    let redirect_uris: Vec<_> = uris.map(str::to_owned).collect();
    let grants = body.get("grant_types").and_then(Value::as_array);
    let redirects = grants.is_none_or(|it| it.contains(&"authorization_code".into()));
    if redirects && redirect_uris.is_empty() {
        let description = "a redirect URI is required";
        return Err(Refusal::new("invalid_redirect_uri", description));
    }
    let method = body.get("token_endpoint_auth_method");
    let method = method
        .and_then(Value::as_str)
        .unwrap_or("client_secret_basic");
    let method = method.to_owned();
    if !shared.behavior().token_auth_methods.contains(&method) {
        return Err(invalid("this way to authenticate is not taken"));
    }
    let id = random("client");
    body.insert("client_id".to_owned(), json!(id));
    let method_key = "token_endpoint_auth_method".to_owned();
    body.insert(method_key, json!(method));
    let secret = (method != "none").then(|| random("client-secret"));
    if let Some(secret) = &secret {
        body.insert("client_secret".to_owned(), json!(secret));
        body.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    shared.add_client(Client {
        id,
        secret,
        redirect_uris,
        method: Some(method),
    });
    shared.log().counts.registrations += 1;
    Ok(Value::Object(body))
}

/// Forgets a token, as RFC 7009 has it: one that is not known is as good as revoked.
pub(super) fn revoke(shared: &Shared, request: &Request, fields: &Fields) -> Answer {
    let client = match credentials::client(shared, request, fields) {
        Ok(client) => client,
        Err(refusal) => return refusal.answer(),
    };
    let Some(token) = fields.get("token") else {
        return Refusal::request("no token is named").answer();
    };
    shared.state().revoke(token, &client.id);
    shared.log().counts.revocations += 1;
    Answer::text(200, "")
}
