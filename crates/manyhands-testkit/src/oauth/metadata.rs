//! What an authorization server says of itself, and where.

use serde_json::{Map, Value, json};

use super::behavior::{Behavior, MetadataPlace, RefreshTokens};
use super::shared::{AUTHORIZE, REGISTER, REVOKE, Shared, TOKEN};

/// The path at which the metadata are.
pub(super) fn path(behavior: &Behavior) -> String {
    let issuer = &behavior.issuer_path;
    match behavior.metadata_place {
        MetadataPlace::OAuth => format!("/.well-known/oauth-authorization-server{issuer}"),
        MetadataPlace::OpenIdBefore => format!("/.well-known/openid-configuration{issuer}"),
        MetadataPlace::OpenIdAfter => format!("{issuer}/.well-known/openid-configuration"),
    }
}

/// The metadata themselves.
pub(super) fn document(shared: &Shared, behavior: &Behavior) -> Value {
    let issuer = behavior.metadata_issuer.clone();
    let mut grants = vec!["authorization_code", "client_credentials"];
    if behavior.refresh_tokens != RefreshTokens::Never {
        grants.push("refresh_token");
    }
    let mut document = Map::new();
    let mut say = |key: &str, value: Value| drop(document.insert(key.to_owned(), value));
    say("issuer", issuer.unwrap_or_else(|| shared.issuer()).into());
    say("authorization_endpoint", shared.url(AUTHORIZE).into());
    say("token_endpoint", shared.url(TOKEN).into());
    say("revocation_endpoint", shared.url(REVOKE).into());
    say("response_types_supported", json!(["code"]));
    say("grant_types_supported", json!(grants));
    let methods = json!(behavior.token_auth_methods);
    say("token_endpoint_auth_methods_supported", methods);
    if behavior.registration {
        say("registration_endpoint", shared.url(REGISTER).into());
    }
    if !behavior.pkce_methods.is_empty() {
        let methods = json!(behavior.pkce_methods);
        say("code_challenge_methods_supported", methods);
    }
    if !behavior.scopes_supported.is_empty() {
        say("scopes_supported", json!(behavior.scopes_supported));
    }
    if behavior.iss_advertised {
        say(
            "authorization_response_iss_parameter_supported",
            true.into(),
        );
    }
    if behavior.client_id_metadata_documents {
        say("client_id_metadata_document_supported", true.into());
    }
    Value::Object(document)
}
