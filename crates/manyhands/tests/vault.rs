//! Secrets from a server that speaks as Vault does.
#![cfg(feature = "config")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

use manyhands::{
    SecretErrorKind, SecretReference, Secrets, VaultLogin, VaultSettings, VaultSource,
};
use manyhands_testkit::vault::VaultServer;
use serde_json::json;

#[tokio::test]
async fn a_vault_gives_secrets_by_each_of_its_logins() {
    let vault = VaultServer::start().await.unwrap();
    vault.put("github/bot", &json!({"token": "ghp_1", "user": "bot"}));
    vault.add_app_role("role", "role-secret");
    vault.add_kubernetes_role("pod", "jwt");
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("token");
    std::fs::write(&token_file, "jwt\n").unwrap();
    for login in [
        VaultLogin::Token(vault.token().into()),
        VaultLogin::AppRole {
            role_id: "role".to_owned(),
            secret_id: "role-secret".into(),
        },
        VaultLogin::Kubernetes {
            role: "pod".to_owned(),
            token_file,
        },
    ] {
        let logs_in_anew = !matches!(login, VaultLogin::Token(_));
        let secrets = secrets(&vault, login);
        assert_eq!(
            read(&secrets, "secret/github/bot#token").await,
            Ok("ghp_1".to_owned())
        );
        assert_eq!(
            read(&secrets, "secret/data/github/bot#user").await,
            Ok("bot".to_owned())
        );
        vault.expire_tokens();
        let again = read(&secrets, "secret/github/bot#token").await;
        assert_eq!(again.is_ok(), logs_in_anew);
    }
}

#[tokio::test]
async fn each_refusal_is_told_as_what_it_is() {
    let vault = VaultServer::start().await.unwrap();
    vault.put("a", &json!({"token": "canary"}));
    let secrets = secrets(&vault, VaultLogin::Token(vault.token().into()));
    let refusal = async |key: &str| read(&secrets, key).await.unwrap_err();
    assert_eq!(refusal("secret/b").await, SecretErrorKind::NotFound);
    assert_eq!(refusal("secret/a#b").await, SecretErrorKind::NotFound);
    vault.change(|behavior| behavior.sealed = true);
    assert_eq!(refusal("secret/a").await, SecretErrorKind::Unavailable);
    vault.change(|behavior| {
        behavior.sealed = false;
        behavior.denied.insert("a".to_owned());
    });
    assert_eq!(refusal("secret/a").await, SecretErrorKind::Denied);
    vault.change(|behavior| behavior.denied.clear());
    vault.delete("a");
    assert_eq!(refusal("secret/a").await, SecretErrorKind::NotFound);
}

fn secrets(vault: &VaultServer, login: VaultLogin) -> Secrets {
    let source = VaultSource::new(VaultSettings::new(vault.url(), login));
    Secrets::empty().with_source("vault", source)
}

async fn read(secrets: &Secrets, key: &str) -> Result<String, SecretErrorKind> {
    let reference = SecretReference::parse(&format!("vault:{key}")).unwrap();
    let secret = secrets.read(&reference).await;
    secret
        .map(|secret| secret.expose().to_owned())
        .map_err(|error| error.kind())
}
