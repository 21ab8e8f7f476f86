//! Tokens: what they are issued for, and how often.

use manyhands_testkit::oauth::{AuthServer, RefreshTokens};
use serde_json::json;

use crate::client::{
    REDIRECT, RESOURCE, VERIFIER, code, log_in, post, public, redeem, refresh, register, text,
};

async fn server() -> (AuthServer, String) {
    let auth = AuthServer::start().await.expect("a port is free");
    let client = public(&auth).await;
    (auth, client)
}

#[tokio::test]
async fn a_code_needs_all_that_it_was_issued_with() {
    let (auth, client) = server().await;
    let other = public(&auth).await;
    for (name, value, error) in [
        ("code", "no-code", "invalid_grant"),
        ("client_id", other.as_str(), "invalid_grant"),
        (
            "redirect_uri",
            "http://127.0.0.1:7778/callback",
            "invalid_grant",
        ),
        (
            "code_verifier",
            &VERIFIER.replace('d', "e"),
            "invalid_grant",
        ),
        ("code_verifier", "", "invalid_grant"),
        ("resource", "http://127.0.0.1:2/mcp", "invalid_target"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let code = code(&auth, &client, &[]).await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(its, _)| *its != name);
        fields.push((name, value));
        let reply = post(&auth.token_url(), "", &fields).await;
        assert_eq!(
            (reply.status, text(&reply.json(), "error").as_str()),
            (400, error),
            "{name}"
        );
    }
    assert_eq!(auth.counts().codes, 0);
}

#[tokio::test]
async fn a_code_that_comes_again_ends_what_came_of_it() {
    let (auth, client) = server().await;
    let code = code(&auth, &client, &[]).await;
    let issued = redeem(&auth, &client, &code).await.json();
    let again = redeem(&auth, &client, &code).await;
    assert_eq!(
        (again.status, text(&again.json(), "error").as_str()),
        (400, "invalid_grant")
    );
    let refreshed = refresh(&auth, &client, &text(&issued, "refresh_token")).await;
    assert_eq!(text(&refreshed.json(), "error"), "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let (auth, client) = server().await;
    let first = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    let issued = refresh(&auth, &client, &first).await.json();
    let second = text(&issued, "refresh_token");
    assert_ne!(first, second);
    let again = refresh(&auth, &client, &first).await;
    assert_eq!(
        (again.status, text(&again.json(), "error").as_str()),
        (400, "invalid_grant")
    );
    // The one who was served goes on.
    let third = refresh(&auth, &client, &second).await;
    let third = text(&third.json(), "refresh_token");
    let counts = auth.counts();
    assert_eq!((counts.refreshes, counts.refresh_attempts), (2, 3));

    auth.change(|it| it.reuse_revokes = true);
    assert_eq!(refresh(&auth, &client, &second).await.status, 400);
    assert_eq!(refresh(&auth, &client, &third).await.status, 400);
}

#[tokio::test]
async fn a_refresh_token_is_one_clients_and_may_be_kept() {
    let (auth, client) = server().await;
    auth.change(|it| it.rotates = false);
    let token = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    let other = public(&auth).await;
    assert_eq!(refresh(&auth, &other, &token).await.status, 400);
    for _ in 0..2 {
        let issued = refresh(&auth, &client, &token).await.json();
        assert!(issued["access_token"].is_string());
        assert!(issued["refresh_token"].is_null());
    }
    auth.revoke_refresh_tokens();
    let reply = refresh(&auth, &client, &token).await;
    assert_eq!(text(&reply.json(), "error"), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_are_issued_as_told() {
    let (auth, client) = server().await;
    for (when, scope, expected) in [
        (RefreshTokens::Always, "", true),
        (RefreshTokens::Never, "", false),
        (RefreshTokens::WithOfflineAccess, "a", false),
        (RefreshTokens::WithOfflineAccess, "a offline_access", true),
    ] {
        auth.change(|it| it.refresh_tokens = when);
        let issued = log_in(&auth, &client, &[("scope", scope)]).await;
        assert_eq!(
            issued["refresh_token"].is_string(),
            expected,
            "{when:?} {scope}"
        );
    }
}

#[tokio::test]
async fn what_is_told_of_tokens_can_be_left_out() {
    let (auth, client) = server().await;
    auth.change(|it| {
        it.expires_in = None;
        it.tells_scope = false;
        it.token_type = "bearer".to_owned();
    });
    let mut issued = log_in(&auth, &client, &[("scope", "a")]).await;
    for secret in ["access_token", "refresh_token"] {
        assert!(issued[secret].take().is_string());
    }
    let expected = json!({"access_token": null, "token_type": "bearer", "refresh_token": null});
    assert_eq!(issued, expected);
}

/// `id:secret`, with a colon and a percent sign in both.
const BASIC: &str = "authorization: Basic bSUzQWU6cyUzQSUyNQ==\r\n";

#[tokio::test]
async fn clients_prove_who_they_are() {
    let (auth, _) = server().await;
    auth.add_client("m:e", Some("s:%"), &[]);
    let grant = [("grant_type", "client_credentials"), ("resource", RESOURCE)];
    let ask = async |headers: &str, more: &[(&str, &str)]| {
        let fields = [&grant, more].concat();
        let reply = post(&auth.token_url(), headers, &fields).await;
        let error = reply.json()["error"].as_str().unwrap_or("").to_owned();
        (reply.status, error)
    };
    let refused = (401, "invalid_client".to_owned());
    let fine = (200, String::new());
    let secret = ("client_secret", "s:%");
    assert_eq!(ask(BASIC, &[]).await, fine);
    assert_eq!(ask("", &[("client_id", "m:e"), secret]).await, fine);
    assert_eq!(ask("", &[("client_id", "m:e")]).await, refused);
    assert_eq!(
        ask("", &[("client_id", "m:e"), ("client_secret", "no")]).await,
        refused
    );
    assert_eq!(ask("", &[secret]).await, refused);
    assert_eq!(ask("authorization: Basic !\r\n", &[]).await, refused);
    assert_eq!(
        ask(BASIC, &[secret]).await,
        (400, "invalid_request".to_owned())
    );
    assert_eq!(
        ask(BASIC, &[("client_id", "you")]).await.1,
        "invalid_request"
    );
    auth.change(|it| it.token_auth_methods = vec!["client_secret_basic".to_owned()]);
    assert_eq!(ask("", &[("client_id", "m:e"), secret]).await, refused);
    assert_eq!(ask(BASIC, &[]).await, fine);
    assert_eq!(auth.counts().client_credentials, 3);
    let secrets = auth.secrets();
    for secret in ["s:%", "bSUzQWU6cyUzQSUyNQ=="] {
        assert!(secrets.iter().any(|it| it == secret), "{secret}");
    }
}

#[tokio::test]
async fn clients_keep_to_the_way_that_they_registered() {
    let (auth, client) = server().await;
    let metadata = r#"{"grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post"}"#;
    let registered = register(&auth, metadata).await.json();
    let (id, secret) = (
        text(&registered, "client_id"),
        text(&registered, "client_secret"),
    );
    let grant = [("grant_type", "client_credentials"), ("resource", RESOURCE)];
    let form = [("client_id", id.as_str()), ("client_secret", &secret)];
    let reply = post(&auth.token_url(), "", &[grant, form].concat()).await;
    assert_eq!(reply.status, 200);
    assert!(reply.json()["refresh_token"].is_null());
    let other = [("client_id", client.as_str()), ("client_secret", &secret)];
    let reply = post(&auth.token_url(), "", &[grant, other].concat()).await;
    assert_eq!(reply.status, 401);
    let public = [grant.as_slice(), &[("client_id", &client)]].concat();
    let reply = post(&auth.token_url(), "", &public).await;
    assert_eq!(text(&reply.json(), "error"), "unauthorized_client");
}

#[tokio::test]
async fn tokens_can_be_given_back() {
    let (auth, client) = server().await;
    let token = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    let url = format!("{}/revoke", auth.issuer());
    let other = public(&auth).await;
    let revoke = async |client: &str, token: &str| {
        let fields = [("client_id", client), ("token", token)];
        post(&url, "", &fields).await.status
    };
    assert_eq!(revoke(&client, "unknown").await, 200);
    assert_eq!(revoke("nobody", &token).await, 401);
    assert_eq!(revoke(&client, "").await, 400);
    // Another's token is not revoked, which nobody is told.
    assert_eq!(revoke(&other, &token).await, 200);
    let token = text(
        &refresh(&auth, &client, &token).await.json(),
        "refresh_token",
    );
    assert_eq!(revoke(&client, &token).await, 200);
    assert_eq!(refresh(&auth, &client, &token).await.status, 400);
    assert_eq!(auth.counts().revocations, 3);
}
