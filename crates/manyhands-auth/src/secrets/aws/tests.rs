//! AWS, as a stub on this machine has it.

use aws_sdk_secretsmanager::Config;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{Credentials, Region};
use serde_json::json;

use super::*;
use crate::secrets::stub::{Log, serve};

const CANARY: &str = "canary-5f2b";

fn at(address: &str) -> AwsSource {
    let credentials = Credentials::builder()
        .access_key_id("AKIA")
        .secret_access_key(CANARY)
        .provider_name("test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(address)
        .credentials_provider(credentials.build());
    AwsSource {
        client: Arc::new(OnceCell::new_with(Some(Client::from_conf(config.build())))),
    }
}

/// Reads `key` from a service that always gives this answer, and tells what it was asked.
async fn answered(key: &str, status: u16, body: &Value) -> (Result<Secret, SecretError>, Log) {
    let body = body.to_string();
    let (address, log) = serve(move |_| (status, body.clone())).await;
    (at(&address).read(key).await, log)
}

#[tokio::test]
async fn a_secret_or_a_field_of_it_is_read() {
    let arn = "arn:aws:secretsmanager:eu-central-1:1:secret:prod/github-AbCdEf";
    let text = json!({"SecretString": CANARY});
    let (read, log) = answered(arn, 200, &text).await;
    assert_eq!(read.unwrap().expose(), CANARY);
    let asked = log.lock().unwrap().remove(0);
    assert_eq!(asked.line, "POST / HTTP/1.1");
    assert_eq!(asked.body, json!({"SecretId": arn}).to_string());
    let object = json!({"SecretString": json!({"a": CANARY, "b": 1}).to_string()});
    let (read, _) = answered("prod/github#a", 200, &object).await;
    assert_eq!(read.unwrap().expose(), CANARY);
}

#[tokio::test]
async fn what_is_no_field_or_no_text_is_refused_without_being_shown() {
    let object = json!({"SecretString": json!({"a": CANARY}).to_string()});
    for (key, body, kind) in [
        ("x#b", object, SecretErrorKind::NotFound),
        (
            "x#a",
            json!({"SecretString": CANARY}),
            SecretErrorKind::Misconfigured,
        ),
        (
            "x",
            json!({"SecretBinary": "Y2FuYXJ5"}),
            SecretErrorKind::NotText,
        ),
        ("#a", json!({}), SecretErrorKind::Misconfigured),
        ("x#", json!({}), SecretErrorKind::Misconfigured),
    ] {
        let error = answered(key, 200, &body).await.0.unwrap_err();
        assert_eq!(error.kind(), kind, "{key}");
        assert!(!format!("{error:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn each_refusal_says_what_it_is() {
    for (status, code, kind) in [
        (400, "ResourceNotFoundException", SecretErrorKind::NotFound),
        (400, "InvalidRequestException", SecretErrorKind::NotFound),
        (400, "AccessDeniedException", SecretErrorKind::Denied),
        (400, "ExpiredTokenException", SecretErrorKind::Denied),
        (400, "ValidationException", SecretErrorKind::Misconfigured),
        (500, "InternalServiceError", SecretErrorKind::Unavailable),
        (400, "ThrottlingException", SecretErrorKind::Unavailable),
    ] {
        let body = json!({"__type": code, "message": "because\u{1b}"});
        let error = answered("x", status, &body).await.0.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}");
        assert!(!error.cause().contains('\u{1b}'), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_worth_another_attempt_and_no_region_is_not() {
    let error = at("http://127.0.0.1:1").read("x").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Unavailable, "{error}");
    let config = Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
    let client = Client::from_conf(config.build());
    let nowhere = AwsSource {
        client: Arc::new(OnceCell::new_with(Some(client))),
    };
    let error = nowhere.read("x").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{error}");
}
