//! The server of secrets.

use std::time::Instant;

use manyhands_testkit::vault::{ALWAYS, Failure, VaultServer};
use serde_json::{Value, json};

use crate::client::{Reply, SILENCE, is_silent, send};

async fn server() -> (VaultServer, String) {
    let vault = VaultServer::start().await.expect("a port is free");
    let headers = format!("x-vault-token: {}\r\n", vault.token());
    (vault, headers)
}

async fn get(vault: &VaultServer, headers: &str, path: &str) -> Reply {
    send("GET", &format!("{}/v1/{path}", vault.url()), headers, "").await
}

async fn post(vault: &VaultServer, headers: &str, path: &str, body: &Value) -> Reply {
    let url = format!("{}/v1/{path}", vault.url());
    send("POST", &url, headers, &body.to_string()).await
}

fn errors(reply: &Reply) -> (u16, Value) {
    let errors = reply.json().get("errors").cloned();
    (reply.status, errors.unwrap_or_default())
}

#[tokio::test]
async fn secrets_are_read_in_their_versions() {
    let (vault, headers) = server().await;
    vault.put("a/b c", &json!({"k": "one"}));
    vault.put("a/b c", &json!({"k": "two"}));
    for (query, version, value) in [
        ("", 2, "two"),
        ("?version=0", 2, "two"),
        ("?version=1", 1, "one"),
    ] {
        let reply = get(&vault, &headers, &format!("secret/data/a/b%20c{query}")).await;
        let data = &reply.json()["data"];
        assert_eq!(
            (reply.status, &data["data"]),
            (200, &json!({"k": value})),
            "{query}"
        );
        assert_eq!(data["metadata"]["version"], version);
        assert_eq!(data["metadata"]["deletion_time"], "");
    }
    let missing = get(&vault, &headers, "secret/data/a/b%20c?version=3").await;
    assert_eq!(errors(&missing), (404, json!([])));
    let missing = get(&vault, &headers, "secret/data/a").await;
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (404, r#"{"errors":[]}"#)
    );
}

#[tokio::test]
async fn deleted_secrets_leave_their_metadata() {
    let (vault, headers) = server().await;
    vault.put("a", &json!({"k": "one"}));
    vault.delete("a");
    let reply = get(&vault, &headers, "secret/data/a").await;
    let data = &reply.json()["data"];
    assert_eq!((reply.status, &data["data"]), (404, &Value::Null));
    assert_ne!(data["metadata"]["deletion_time"], "");
    assert_eq!(data["metadata"]["destroyed"], false);
    vault.put("a", &json!({"k": "two"}));
    vault.destroy("a");
    let reply = get(&vault, &headers, "secret/data/a").await;
    let data = &reply.json()["data"];
    assert_eq!(
        (reply.status, &data["metadata"]["destroyed"]),
        (404, &json!(true))
    );
    assert_eq!(data["metadata"]["version"], 2);
}

#[tokio::test]
async fn nobody_reads_without_a_token() {
    let (vault, headers) = server().await;
    vault.put("a", &json!({"k": "one"}));
    let none = get(&vault, "", "secret/data/a").await;
    assert_eq!(errors(&none), (403, json!(["permission denied"])));
    let wrong = get(&vault, "x-vault-token: hvs.wrong\r\n", "secret/data/a").await;
    assert_eq!(wrong.status, 403);
    assert!(
        wrong.json()["errors"][0]
            .as_str()
            .expect("it says why")
            .contains("invalid token")
    );
    let bearer = headers.replace("x-vault-token: ", "authorization: Bearer ");
    assert_eq!(get(&vault, &bearer, "secret/data/a").await.status, 200);
    vault.change(|it| it.denied = ["a".to_owned()].into());
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 403);
    vault.change(|it| it.denied.clear());
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 200);
    vault.expire_tokens();
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 403);
}

#[tokio::test]
async fn applications_and_pods_log_in() {
    let (vault, _) = server().await;
    vault.add_app_role("role", "the-secret-id");
    vault.add_kubernetes_role("pod", "the.jwt");
    vault.put("a", &json!({"k": ["deep"]}));
    let app = json!({"role_id": "role", "secret_id": "the-secret-id"});
    let pod = json!({"role": "pod", "jwt": "the.jwt"});
    for (path, body, lacking) in [("approle", &app, "role_id"), ("kubernetes", &pod, "jwt")] {
        let path = format!("auth/{path}/login");
        let reply = post(&vault, "", &path, body).await;
        let auth = &reply.json()["auth"];
        assert_eq!(
            (&auth["lease_duration"], &auth["renewable"]),
            (&json!(3_600), &json!(true))
        );
        let headers = format!(
            "x-vault-token: {}\r\n",
            auth["client_token"].as_str().expect("it is")
        );
        assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 200);
        let renewed = post(&vault, &headers, "auth/token/renew-self", &json!({})).await;
        assert_eq!(renewed.json()["auth"]["client_token"], auth["client_token"]);
        let looked = get(&vault, &headers, "auth/token/lookup-self").await;
        assert!(
            looked.json()["data"]["ttl"]
                .as_u64()
                .is_some_and(|ttl| ttl > 3_500)
        );
        let mut body = body.clone();
        body[lacking] = "".into();
        assert_eq!(post(&vault, "", &path, &body).await.status, 400);
    }
    let wrong = json!({"role_id": "role", "secret_id": "guess"});
    let wrong = post(&vault, "", "auth/approle/login", &wrong).await;
    assert_eq!(errors(&wrong), (400, json!(["invalid role or secret ID"])));
    let wrong = json!({"role": "pod", "jwt": "guess"});
    assert_eq!(
        post(&vault, "", "auth/kubernetes/login", &wrong)
            .await
            .status,
        403
    );
    let secrets = vault.secrets();
    for secret in ["the-secret-id", "the.jwt", "deep", "guess"] {
        assert!(secrets.iter().any(|it| it == secret), "{secret}");
    }
}

#[tokio::test]
async fn leases_end_and_are_renewed_as_told() {
    let (vault, root) = server().await;
    vault.add_app_role("role", "id");
    vault.change(|it| {
        it.lease = 0;
        it.renewable = false;
        it.app_role_mount = "apps".to_owned();
    });
    let body = json!({"role_id": "role", "secret_id": "id"});
    assert_eq!(
        post(&vault, "", "auth/approle/login", &body).await.status,
        404
    );
    let reply = post(&vault, "", "auth/apps/login", &body).await;
    let auth = &reply.json()["auth"];
    assert_eq!(
        (&auth["lease_duration"], &auth["renewable"]),
        (&json!(0), &json!(false))
    );
    let headers = format!(
        "x-vault-token: {}\r\n",
        auth["client_token"].as_str().expect("it is")
    );
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 403);
    let renewed = post(&vault, &root, "auth/token/renew-self", &json!({})).await;
    assert_eq!(errors(&renewed), (400, json!(["lease is not renewable"])));
}

#[tokio::test]
async fn mounts_and_namespaces_are_kept_apart() {
    let (vault, headers) = server().await;
    vault.put("a", &json!({"k": "one"}));
    let mount = get(&vault, &headers, "sys/internal/ui/mounts/secret/a")
        .await
        .json();
    assert_eq!(
        (&mount["data"]["path"], &mount["data"]["options"]["version"]),
        (&json!("secret/"), &json!("2"))
    );
    let other = get(&vault, &headers, "sys/internal/ui/mounts/secrets").await;
    assert_eq!(other.status, 403);
    let other = get(&vault, &headers, "kv/data/a").await;
    let expected = json!(["no handler for route \"kv/data/a\". route entry not found."]);
    assert_eq!(errors(&other), (404, expected));
    assert_eq!(
        post(&vault, &headers, "secret/data/a", &json!({}))
            .await
            .status,
        405
    );
    vault.change(|it| it.namespace = Some("team/a".to_owned()));
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 404);
    let headers = format!("{headers}x-vault-namespace: team/a/\r\n");
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 200);
    vault.change(|it| it.mount = "kv".to_owned());
    assert_eq!(get(&vault, &headers, "kv/data/a").await.status, 200);
    assert_eq!(
        vault.secret_url("a"),
        format!("{}/v1/kv/data/a", vault.url())
    );
}

#[tokio::test]
async fn it_can_be_sealed_slow_or_broken() {
    let (vault, headers) = server().await;
    vault.put("a", &json!({"k": "one"}));
    vault.change(|it| it.sealed = true);
    let sealed = get(&vault, &headers, "secret/data/a").await;
    assert_eq!(errors(&sealed), (503, json!(["Vault is sealed"])));
    vault.change(|it| {
        it.sealed = false;
        it.delay = SILENCE;
    });
    let before = Instant::now();
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 200);
    assert!(before.elapsed() >= SILENCE);
    vault.change(|it| it.delay = std::time::Duration::ZERO);
    vault.fail(Failure::Garbage, 1);
    let garbage = get(&vault, &headers, "secret/data/a").await;
    assert_eq!(
        (garbage.status, garbage.header("content-type")),
        (200, Some("text/html"))
    );
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 200);
    vault.fail(Failure::Lost, 1);
    assert_eq!(get(&vault, &headers, "secret/data/a").await.status, 0);
    vault.fail(Failure::Silent, ALWAYS);
    assert!(is_silent(&vault.secret_url("a"), &[]).await);
    assert_eq!(vault.requests().len(), 6);
}
