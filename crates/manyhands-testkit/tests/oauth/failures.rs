//! What an authorization server does wrong when it is told to.

use std::time::Instant;

use manyhands_testkit::oauth::{ALWAYS, AuthServer, Failure, MetadataPlace, Moment, fetch};
use serde_json::Value;

use crate::client::{
    PUBLIC, SILENCE, code, is_silent, log_in, public, redeem, refresh, refreshing, register, text,
};

async fn server() -> AuthServer {
    AuthServer::start().await.expect("a port is free")
}

async fn metadata(auth: &AuthServer) -> Value {
    let page = fetch(&auth.metadata_url()).await.expect("it is answered");
    serde_json::from_str(&page.body).expect("it is JSON")
}

#[tokio::test]
async fn metadata_are_where_they_are_told_to_be() {
    let auth = server().await;
    let origin = auth.issuer();
    auth.change(|it| it.issuer_path = "/tenant".to_owned());
    assert_eq!(auth.issuer(), format!("{origin}/tenant"));
    let places = [
        (
            MetadataPlace::OAuth,
            "/.well-known/oauth-authorization-server/tenant",
        ),
        (
            MetadataPlace::OpenIdBefore,
            "/.well-known/openid-configuration/tenant",
        ),
        (
            MetadataPlace::OpenIdAfter,
            "/tenant/.well-known/openid-configuration",
        ),
    ];
    for (place, _) in places {
        auth.change(|it| it.metadata_place = place);
        for (other, path) in places {
            let page = fetch(&format!("{origin}{path}")).await;
            let expected = if other == place { 200 } else { 404 };
            assert_eq!(
                page.expect("it is answered").status,
                expected,
                "{place:?} {path}"
            );
        }
    }
    assert_eq!(auth.counts().metadata, 3);
    assert_eq!(metadata(&auth).await["issuer"], auth.issuer());
}

#[tokio::test]
async fn metadata_say_what_they_are_told_to_say() {
    let auth = server().await;
    let fine = metadata(&auth).await;
    assert_eq!(fine["code_challenge_methods_supported"][0], "S256");
    assert_eq!(fine["authorization_response_iss_parameter_supported"], true);
    assert!(fine["registration_endpoint"].is_string());
    assert!(fine["client_id_metadata_document_supported"].is_null());
    auth.change(|it| {
        it.metadata_issuer = Some("http://evil.example".to_owned());
        it.pkce_methods = vec!["plain".to_owned()];
        it.iss_advertised = false;
        it.registration = false;
        it.client_id_metadata_documents = true;
        it.scopes_supported = vec!["a".to_owned()];
    });
    let odd = metadata(&auth).await;
    assert_eq!(odd["issuer"], "http://evil.example");
    assert_eq!(odd["code_challenge_methods_supported"][0], "plain");
    assert!(odd["authorization_response_iss_parameter_supported"].is_null());
    assert!(odd["registration_endpoint"].is_null());
    assert_eq!(odd["client_id_metadata_document_supported"], true);
    assert_eq!(odd["scopes_supported"][0], "a");
    auth.change(|it| it.pkce_methods.clear());
    assert!(metadata(&auth).await["code_challenge_methods_supported"].is_null());
}

#[tokio::test]
async fn failures_come_as_often_as_they_are_told_to() {
    let auth = server().await;
    auth.fail(
        Moment::Registration,
        Failure::Error("invalid_client_metadata".to_owned()),
        1,
    );
    let refused = register(&auth, PUBLIC).await;
    assert_eq!(
        (refused.status, text(&refused.json(), "error")),
        (400, "invalid_client_metadata".to_owned())
    );
    let client = public(&auth).await;
    let token = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    auth.fail(Moment::Refresh, Failure::Unavailable(7), 2);
    for _ in 0..2 {
        let reply = refresh(&auth, &client, &token).await;
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("7"))
        );
    }
    let token = text(
        &refresh(&auth, &client, &token).await.json(),
        "refresh_token",
    );
    auth.fail(
        Moment::Refresh,
        Failure::Error("invalid_grant".to_owned()),
        ALWAYS,
    );
    for _ in 0..3 {
        let reply = refresh(&auth, &client, &token).await;
        assert_eq!(
            (reply.status, text(&reply.json(), "error")),
            (400, "invalid_grant".to_owned())
        );
    }
    auth.heal();
    assert_eq!(refresh(&auth, &client, &token).await.status, 200);
    let counts = auth.counts();
    assert_eq!((counts.refreshes, counts.refresh_attempts), (2, 7));
}

#[tokio::test]
async fn each_failure_is_what_its_name_says() {
    let auth = server().await;
    let get = async |failure| {
        auth.fail(Moment::Metadata, failure, 1);
        fetch(&auth.metadata_url()).await.expect("it is answered")
    };
    assert_eq!(get(Failure::Status(500)).await.status, 500);
    let garbage = get(Failure::Garbage).await;
    assert_eq!(
        (garbage.status, garbage.header("content-type")),
        (200, Some("text/html"))
    );
    let oversized = get(Failure::Oversized).await;
    assert_eq!(oversized.status, 200);
    assert!(oversized.body.len() > 1024 * 1024 && oversized.body.ends_with("x\"}"));
    let redirect = get(Failure::Redirect("http://127.0.0.1:1/".to_owned())).await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (302, Some("http://127.0.0.1:1/"))
    );
    assert_eq!(
        fetch(&auth.metadata_url())
            .await
            .expect("it is well")
            .status,
        200
    );
}

#[tokio::test]
async fn an_error_can_quote_what_was_sent() {
    let auth = server().await;
    let client = public(&auth).await;
    let code = code(&auth, &client, &[]).await;
    auth.fail(
        Moment::Code,
        Failure::Quoting("invalid_grant".to_owned()),
        1,
    );
    let reply = redeem(&auth, &client, &code).await;
    assert_eq!(reply.status, 400);
    let description = text(&reply.json(), "error_description");
    for part in [code.as_str(), crate::client::VERIFIER, "\u{1b}[31m", "\r\n"] {
        assert!(description.contains(part), "{part:?}");
    }
}

#[tokio::test]
async fn silence_changes_nothing_and_a_lost_answer_was_meant() {
    let auth = server().await;
    let client = public(&auth).await;
    let token = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    auth.fail(Moment::Refresh, Failure::Silent, 1);
    assert!(is_silent(&auth.token_url(), &refreshing(&client, &token)).await);
    let token = text(
        &refresh(&auth, &client, &token).await.json(),
        "refresh_token",
    );
    auth.fail(Moment::Refresh, Failure::Lost, 1);
    assert_eq!(refresh(&auth, &client, &token).await.status, 0);
    assert_eq!(refresh(&auth, &client, &token).await.status, 400);
    assert_eq!(auth.counts().refreshes, 2);
}

#[tokio::test]
async fn tokens_can_take_their_time() {
    let auth = server().await;
    let client = public(&auth).await;
    auth.change(|it| it.token_delay = SILENCE);
    let before = Instant::now();
    let token = text(&log_in(&auth, &client, &[]).await, "refresh_token");
    assert!(before.elapsed() >= SILENCE);
    auth.change(|it| it.token_delay = SILENCE * 100);
    assert!(is_silent(&auth.token_url(), &refreshing(&client, &token)).await);
    // The work was done before the delay, for a client that did not wait.
    assert_eq!(auth.counts().refreshes, 1);
}
