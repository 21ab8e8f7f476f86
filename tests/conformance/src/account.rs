//! What a user would set for the login at a server: which client to come as, and who vouches for it where no person
//! logs in.

use anyhow::{Context as _, Result};
use manyhands::{
    Assertions, Credentials, Enterprise, Grant, LoginStore, OAuth, OAuthSettings, Secret,
    SigningAlgorithm, SigningKey,
};
use serde_json::Value;

use crate::run::Run;

/// The document that describes this client; the suite knows it by its URL.
const METADATA: &str = "https://conformance-test.local/client-metadata.json";

/// The credentials for the scenario's server, kept as long as this program runs.
pub(crate) fn credentials(run: &Run) -> Result<Credentials> {
    let login = OAuth::new(&run.url, settings(run)?, LoginStore::in_memory())?;
    Ok(Credentials::new(login))
}

/// Everything is found out from the server, but for what the suite says that a user knows.
fn settings(run: &Run) -> Result<OAuthSettings> {
    let told = |key: &str| run.context.get(key).and_then(Value::as_str);
    let mut settings = OAuthSettings::default().with_client_metadata_url(METADATA);
    if let Some(id) = told("client_id") {
        settings = settings.with_client(id, told("client_secret").map(Secret::new));
    }
    if let Some((pem, algorithm)) = told("private_key_pem").zip(told("signing_algorithm")) {
        settings = settings.with_signing_key(key(pem, algorithm)?);
    }
    if run.scenario.starts_with("auth/client-credentials") {
        settings = settings.with_grant(Grant::ClientCredentials);
    }
    if let Some(identity) = told("valid_jwt") {
        settings = settings.with_assertions(always(identity));
    }
    if let Some(identity) = told("idp_id_token") {
        let provider = |key| told(key).with_context(|| format!("the context has no {key}"));
        settings = settings.with_enterprise(Enterprise::new(
            provider("idp_issuer")?,
            provider("idp_token_endpoint")?,
            provider("idp_client_id")?,
            always(identity),
        ));
    }
    Ok(settings)
}

fn key(pem: &str, algorithm: &str) -> Result<SigningKey> {
    let known = SigningAlgorithm::named(algorithm);
    let known = known.with_context(|| format!("the algorithm {algorithm} is not known"))?;
    Ok(SigningKey::new(pem, known))
}

/// A program that runs for longer would read it from where it is kept fresh.
fn always(identity: &str) -> Assertions {
    let identity = Secret::new(identity);
    Assertions::new(move || std::future::ready(Ok(identity.clone())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(scenario: &str, context: Value) -> OAuthSettings {
        settings(&Run {
            url: "http://localhost:1/mcp".to_owned(),
            scenario: scenario.to_owned(),
            context,
        })
        .unwrap()
    }

    #[test]
    fn what_the_context_tells_is_set() {
        let alone = of("auth/basic-cimd", Value::Null);
        assert_eq!(
            (alone.client_id, alone.grant),
            (None, Grant::AuthorizationCode)
        );
        let context = json!({"client_id": "me", "client_secret": "s3cret"});
        let registered = of("auth/pre-registration", context.clone());
        assert_eq!(registered.client_id.as_deref(), Some("me"));
        assert_eq!(registered.client_secret, Some(Secret::new("s3cret")));
        assert_eq!(registered.grant, Grant::AuthorizationCode);
        let machine = of("auth/client-credentials-basic", context);
        assert_eq!(machine.grant, Grant::ClientCredentials);
        let vouched = of("auth/wif-jwt-bearer", json!({"valid_jwt": "a.b.c"}));
        assert_eq!(vouched.grant, Grant::JwtBearer);
    }
}
