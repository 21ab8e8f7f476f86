//! Vault, as a stub on this machine has it.

use std::sync::Mutex as StdMutex;

use tokio::net::TcpListener;

use super::*;
use crate::secrets::stub::{Asked, serve};

const TOKEN: &str = "hvs.canary-token";
const CANARY: &str = "canary-5f2b";

fn vault(address: &str) -> VaultSource {
    VaultSource::new(VaultSettings::new(
        address,
        VaultLogin::Token(Secret::new(TOKEN)),
    ))
}

/// Reads `key` from a Vault that always gives this answer.
async fn answered(key: &str, status: u16, body: &Value) -> Result<Secret, SecretError> {
    let body = body.to_string();
    let (address, _) = serve(move |_| (status, body.clone())).await;
    vault(&address).read(key).await
}

fn secret(fields: &Value) -> Value {
    json!({"data": {"data": fields, "metadata": {"version": 1}}})
}

#[test]
fn a_key_is_a_mount_a_path_and_a_field() {
    let place = |key: &str| {
        let place = Place::parse(key).unwrap();
        (
            place.mount.join("/"),
            place.path.join("/"),
            place.field.unwrap_or_default(),
        )
    };
    let is = |mount: &str, path: &str, field: &str| {
        (mount.to_owned(), path.to_owned(), field.to_owned())
    };
    assert_eq!(place("secret/a/b#c"), is("secret", "a/b", "c"));
    assert_eq!(place("secret/data/a/b"), is("secret", "a/b", ""));
    assert_eq!(place("team/kv/data/a#b#c"), is("team/kv", "a", "b#c"));
    assert_eq!(place("data/a"), is("data", "a", ""));
    for bad in [
        "",
        "secret",
        "secret/",
        "/a",
        "a//b",
        "a/../b",
        "secret/data",
        "a/b#",
    ] {
        let error = Place::parse(bad).unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{bad}");
    }
}

#[tokio::test]
async fn a_secret_is_asked_for_as_vault_wants_it() {
    let (address, log) = serve(|_| (200, secret(&json!({"t": CANARY})).to_string())).await;
    let settings = VaultSettings::new(&address, VaultLogin::Token(TOKEN.into()));
    let vault = VaultSource::new(settings.with_namespace("team"));
    let read = vault.read("secret/my app/ü?#t").await.unwrap();
    assert_eq!(read.expose(), CANARY);
    let asked = log.lock().unwrap().remove(0);
    assert_eq!(
        asked.line,
        "GET /v1/secret/data/my%20app/%C3%BC%3F HTTP/1.1"
    );
    assert_eq!(
        (asked.token.as_str(), asked.namespace.as_str()),
        (TOKEN, "team")
    );
    assert!(!format!("{vault:?}").contains(TOKEN));
}

#[tokio::test]
async fn one_field_needs_no_name_and_of_several_one_is_named() {
    let read = async |key: &str, fields: Value| answered(key, 200, &secret(&fields)).await;
    let one = read("s/a", json!({"t": "1"})).await.unwrap();
    assert_eq!(one.expose(), "1");
    let number = read("s/a#n", json!({"n": 5, "t": 1})).await.unwrap();
    assert_eq!(number.expose(), "5");
    let error = read("s/a", json!({"a": CANARY, "b": CANARY})).await;
    let error = error.unwrap_err();
    assert_eq!(error.cause(), "it has 2 fields, and the key names none");
    assert_eq!(error.mend(), Some("add `#FIELD`; there are: a, b"));
    let error = read("s/a#c", json!({"a": CANARY})).await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::NotFound);
    let error = read("s/a", json!({"a": [CANARY]})).await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    assert!(!format!("{error:?}").contains(CANARY));
}

#[tokio::test]
async fn each_refusal_says_what_it_is() {
    let errors = |text: &str| json!({"errors": [text]});
    for (status, body, kind, cause) in [
        (
            403,
            errors("1 error occurred:\n\t* permission denied\n\n"),
            SecretErrorKind::Denied,
            "Vault does not let us read it: 1 error occurred:  * permission denied",
        ),
        (
            403,
            errors(&format!("bad token {TOKEN}")),
            SecretErrorKind::Denied,
            "Vault does not let us read it",
        ),
        (
            404,
            json!({"errors": []}),
            SecretErrorKind::NotFound,
            "Vault has nothing at this path",
        ),
        (
            503,
            errors("Vault is sealed"),
            SecretErrorKind::Unavailable,
            "Vault is sealed, or under maintenance: Vault is sealed",
        ),
        (
            500,
            json!("<html>"),
            SecretErrorKind::Unavailable,
            "Vault answers with HTTP 500",
        ),
        (
            400,
            errors("no\u{1b}"),
            SecretErrorKind::Misconfigured,
            r"Vault answers with HTTP 400: no\u{1b}",
        ),
        (
            200,
            json!({"data": {"t": CANARY}}),
            SecretErrorKind::Misconfigured,
            "Vault's answer is not that of the key-value engine, version 2",
        ),
    ] {
        let error = answered("s/a", status, &body).await.unwrap_err();
        assert_eq!((error.kind(), error.cause()), (kind, cause), "{status}");
    }
}

#[tokio::test]
async fn a_version_that_is_gone_is_told_as_such() {
    let gone = |time: &str, destroyed: bool| json!({"data": {"data": null, "metadata": {"deletion_time": time, "destroyed": destroyed}}});
    for (body, what) in [
        (gone("2024-11-15T00:45:04Z", false), "deleted"),
        (gone("", true), "destroyed"),
    ] {
        let error = answered("s/a", 404, &body).await.unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::NotFound);
        let cause = format!("its newest version was {what} in Vault");
        assert_eq!(error.cause(), cause);
    }
}

#[tokio::test]
async fn a_redirect_is_followed_at_home_only() {
    let answer = |asked: &Asked| {
        if asked.line.contains("/v1/s/") {
            (307, "HERE/elsewhere".to_owned())
        } else {
            (200, secret(&json!({"t": CANARY})).to_string())
        }
    };
    let (address, _) = serve(answer).await;
    let read = vault(&address).read("s/a").await;
    assert_eq!(read.unwrap().expose(), CANARY);
    let (elsewhere, log) = serve(|_| (200, String::new())).await;
    let (address, _) = serve(move |_| (307, elsewhere.clone())).await;
    let error = vault(&address).read("s/a").await.unwrap_err();
    assert_eq!(error.cause(), "Vault sends us to another address");
    assert_eq!(*log.lock().unwrap(), []);
}

#[tokio::test]
async fn what_is_no_vault_is_told() {
    let large = "x".repeat(2 << 20);
    let (address, _) = serve(move |_| (200, large.clone())).await;
    let error = vault(&address).read("s/a").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::TooLarge);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = vault(&nobody).read("s/a").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Unavailable);
    let cause = format!("Vault cannot be reached at {nobody}: ");
    assert!(error.cause().starts_with(&cause), "{error}");
    for odd in [
        "",
        "vault",
        "ftp://a",
        "http://me:canary@a",
        "http://:canary@a",
    ] {
        let error = vault(odd).read("s/a").await.unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{odd}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}

/// A Vault whose tokens are numbered, of which those before `valid` are refused.
fn numbered(valid: Arc<StdMutex<usize>>) -> impl Fn(&Asked) -> (u16, String) {
    let issued = StdMutex::new(0);
    move |asked| {
        if asked.line.starts_with("POST") {
            let mut issued = issued.lock().unwrap();
            *issued += 1;
            let auth = json!({"client_token": format!("t{issued}"), "lease_duration": 3600});
            return (200, json!({"auth": auth}).to_string());
        }
        let number = asked.token.trim_start_matches('t').parse::<usize>();
        if number.is_ok_and(|number| number >= *valid.lock().unwrap()) {
            (200, secret(&json!({"t": CANARY})).to_string())
        } else {
            (403, json!({"errors": ["permission denied"]}).to_string())
        }
    }
}

#[tokio::test]
async fn a_login_is_made_once_and_again_when_its_token_is_refused() {
    let valid = Arc::new(StdMutex::new(0));
    let (address, log) = serve(numbered(valid.clone())).await;
    let vault = VaultSource::new(VaultSettings::new(
        &address,
        VaultLogin::AppRole {
            role_id: "bot".to_owned(),
            secret_id: "s3cret".into(),
        },
    ));
    let logins = || {
        let log = log.lock().unwrap();
        let logins = log.iter().filter(|it| it.line.starts_with("POST"));
        logins.cloned().collect::<Vec<_>>()
    };
    let (a, b) = tokio::join!(vault.read("s/a"), vault.read("s/b"));
    assert_eq!((a.unwrap().expose(), b.unwrap().expose()), (CANARY, CANARY));
    assert_eq!(logins().len(), 1);
    assert_eq!(logins()[0].line, "POST /v1/auth/approle/login HTTP/1.1");
    assert_eq!(
        logins()[0].body,
        r#"{"role_id":"bot","secret_id":"s3cret"}"#
    );
    *valid.lock().unwrap() = 2;
    assert!(vault.read("s/a").await.is_ok());
    assert_eq!(logins().len(), 2);
    // A fresh token that is refused is not asked for again.
    *valid.lock().unwrap() = 9;
    let error = vault.read("s/a").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Denied);
    assert_eq!(logins().len(), 3);
    vault.forget(&"t3".into()).await;
    assert!(vault.read("s/a").await.is_err());
    assert_eq!(logins().len(), 4);
}

#[tokio::test]
async fn a_pod_logs_in_by_its_own_token() {
    let (address, log) = serve(numbered(Arc::default())).await;
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("token");
    let login = VaultLogin::Kubernetes {
        role: "bot".to_owned(),
        token_file: token_file.clone(),
    };
    let vault = VaultSource::new(VaultSettings::new(&address, login));
    let error = vault.read("s/a").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    std::fs::write(&token_file, "jwt\n").unwrap();
    assert!(vault.read("s/a").await.is_ok());
    let asked = log.lock().unwrap().remove(0);
    assert_eq!(asked.body, r#"{"role":"bot","jwt":"jwt"}"#);
}

#[tokio::test]
async fn a_token_file_is_read_for_each_secret() {
    let (address, log) = serve(numbered(Arc::default())).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".vault-token");
    let settings = VaultSettings::new(&address, VaultLogin::TokenFile(path.clone()));
    let vault = VaultSource::new(settings);
    let error = vault.read("s/a").await.unwrap_err();
    assert!(
        error.cause().starts_with("we have no token for Vault"),
        "{error}"
    );
    for token in ["t1", "t2"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        assert!(vault.read("s/a").await.is_ok());
        assert_eq!(log.lock().unwrap().remove(0).token, token);
    }
}

#[test]
fn the_environment_says_what_it_says_to_vaults_own_command() {
    let settings = |set: &[(&str, &str)]| {
        VaultSettings::from_variables(|name| {
            let value = set.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    };
    let role = [("VAULT_ROLE_ID", "r"), ("VAULT_SECRET_ID", "s")];
    let none = settings(&[("HOME", "/home/you")]);
    assert_eq!(none.address, "https://127.0.0.1:8200");
    let VaultLogin::TokenFile(path) = &none.login else {
        panic!("{none:?}")
    };
    assert_eq!(path, Path::new("/home/you/.vault-token"));
    assert!(matches!(settings(&role).login, VaultLogin::AppRole { .. }));
    let pod = settings(&[("VAULT_K8S_ROLE", "r")]);
    assert!(matches!(pod.login, VaultLogin::Kubernetes { .. }));
    let all = [
        role[0],
        role[1],
        ("VAULT_TOKEN", "t"),
        ("VAULT_NAMESPACE", "n"),
        ("VAULT_CACERT", "c"),
    ];
    let all = settings(&all);
    assert!(matches!(all.login, VaultLogin::Token(token) if token.expose() == "t"));
    assert_eq!(all.namespace.as_deref(), Some("n"));
    assert_eq!(all.ca.as_deref(), Some(Path::new("c")));
}
