//! How a person is sent back, and who is taken for a client.

use manyhands_testkit::oauth::{AuthServer, Sent, fetch, visit, visit_and_follow};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::client::{PUBLIC, REDIRECT, VERIFIER, authorize_url, field, log_in, public, register};

async fn server() -> AuthServer {
    AuthServer::start().await.expect("a port is free")
}

#[tokio::test]
async fn a_client_finds_registers_and_logs_in() {
    let auth = server().await;
    let metadata = fetch(&auth.metadata_url()).await.expect("there are some");
    let metadata: serde_json::Value = serde_json::from_str(&metadata.body).expect("it is JSON");
    assert_eq!(metadata["issuer"], auth.issuer());
    assert_eq!(metadata["token_endpoint"], auth.token_url());
    let client = public(&auth).await;
    let location = visit(&authorize_url(&auth, &client, &[])).await;
    let location = location.expect("the person is sent back");
    assert!(location.starts_with(&format!("{REDIRECT}?code=")));
    assert_eq!(field(&location, "state"), Some("the%20state"));
    let iss = auth.issuer().replace(':', "%3A").replace('/', "%2F");
    assert_eq!(field(&location, "iss"), Some(iss.as_str()));

    let issued = log_in(&auth, &client, &[]).await;
    assert_eq!(issued["token_type"], "Bearer");
    assert_eq!(issued["expires_in"], 3_600);
    let counts = auth.counts();
    assert_eq!((counts.metadata, counts.registrations), (1, 1));
    assert_eq!((counts.authorizations, counts.codes), (2, 1));
    let secrets = auth.secrets();
    for secret in [
        field(&location, "code").expect("there is a code"),
        issued["access_token"].as_str().expect("there is a token"),
        issued["refresh_token"].as_str().expect("there is one"),
        VERIFIER,
    ] {
        assert!(secrets.iter().any(|it| it == secret), "{secret}");
    }
    let asked = auth.requests_to("/authorize");
    assert_eq!(asked[0].field("state"), Some("the state"));
}

#[tokio::test]
async fn what_is_wrong_is_sent_back_unless_the_way_back_is() {
    let auth = server().await;
    let client = public(&auth).await;
    for (name, value, expected) in [
        ("client_id", "somebody", Err(400)),
        ("redirect_uri", "http://127.0.0.1:7777/other", Err(400)),
        ("redirect_uri", "https://evil.example/callback", Err(400)),
        ("redirect_uri", "http://127.0.0.1:8888/callback", Ok(None)),
        (
            "response_type",
            "token",
            Ok(Some("unsupported_response_type")),
        ),
        ("code_challenge", "", Ok(Some("invalid_request"))),
        ("code_challenge", "short", Ok(Some("invalid_request"))),
        (
            "code_challenge_method",
            "plain",
            Ok(Some("invalid_request")),
        ),
        ("code_challenge_method", "", Ok(Some("invalid_request"))),
        ("resource", "", Ok(Some("invalid_target"))),
        ("resource", "no URL", Ok(Some("invalid_target"))),
        (
            "resource",
            "http://127.0.0.1:1/mcp#a",
            Ok(Some("invalid_target")),
        ),
    ] {
        let page = fetch(&authorize_url(&auth, &client, &[(name, value)])).await;
        let page = page.expect("it is answered");
        let location = page.header("location");
        let result = match page.status {
            302 => Ok(location.and_then(|it| field(it, "error"))),
            status => Err(status),
        };
        assert_eq!(result, expected, "{name}={value}");
        assert_eq!(location.is_none(), result.is_err());
    }
    assert_eq!(auth.counts().authorizations, 1);
}

#[tokio::test]
async fn state_and_issuer_are_sent_as_told() {
    let auth = server().await;
    let client = public(&auth).await;
    let url = authorize_url(&auth, &client, &[]);
    auth.change(|it| {
        it.iss = Sent::Other("evil".to_owned());
        it.state = Sent::Absent;
    });
    let location = visit(&url).await.expect("the person is sent back");
    assert_eq!(field(&location, "iss"), Some("evil"));
    assert_eq!(field(&location, "state"), None);
    auth.change(|it| {
        it.iss = Sent::Absent;
        it.state = Sent::Other("other".to_owned());
        it.denies = true;
    });
    let location = visit(&url).await.expect("the person is sent back");
    assert_eq!(field(&location, "iss"), None);
    assert_eq!(field(&location, "state"), Some("other"));
    assert_eq!(field(&location, "error"), Some("access_denied"));
}

#[tokio::test]
async fn only_known_resources_are_taken_where_they_are_told() {
    let auth = server().await;
    let client = public(&auth).await;
    auth.change(|it| it.resources = Some(vec!["http://a.example/mcp".to_owned()]));
    let ask = async |resource| {
        let url = authorize_url(&auth, &client, &[("resource", resource)]);
        let location = visit(&url).await.expect("the person is sent back");
        field(&location, "error").map(str::to_owned)
    };
    assert_eq!(ask("http://a.example/mcp").await, None);
    let error = ask("http://b.example/mcp").await;
    assert_eq!(error.as_deref(), Some("invalid_target"));
    auth.change(|it| it.requires_resource = false);
    assert_eq!(ask("").await, None);
}

#[tokio::test]
async fn clients_at_urls_are_taken_where_that_is_told() {
    let auth = server().await;
    let client = "https://client.example/metadata.json";
    let url = authorize_url(&auth, client, &[]);
    assert_eq!(fetch(&url).await.expect("it is answered").status, 400);
    auth.change(|it| it.client_id_metadata_documents = true);
    assert!(log_in(&auth, client, &[]).await["access_token"].is_string());
    let plain = authorize_url(&auth, "http://client.example/", &[]);
    assert_eq!(fetch(&plain).await.expect("it is answered").status, 400);
}

#[tokio::test]
async fn clients_that_were_added_are_known_until_all_are_forgotten() {
    let auth = server().await;
    auth.add_client("mine", None, &[REDIRECT]);
    assert!(log_in(&auth, "mine", &[]).await["access_token"].is_string());
    auth.forget_clients();
    let url = authorize_url(&auth, "mine", &[]);
    assert_eq!(fetch(&url).await.expect("it is answered").status, 400);
}

#[tokio::test]
async fn registrations_are_checked() {
    let auth = server().await;
    let uris = r#""redirect_uris": ["http://127.0.0.1/"]"#;
    for (metadata, status, error) in [
        (PUBLIC, 201, None),
        ("[]", 400, Some("invalid_client_metadata")),
        ("{}", 400, Some("invalid_redirect_uri")),
        (r#"{"grant_types": ["client_credentials"]}"#, 201, None),
        (
            &format!(r#"{{{uris}, "token_endpoint_auth_method": "private_key_jwt"}}"#),
            400,
            Some("invalid_client_metadata"),
        ),
        (&format!("{{{uris}}}"), 201, None),
    ] {
        let reply = register(&auth, metadata).await;
        assert_eq!(reply.status, status, "{metadata}");
        assert_eq!(reply.json()["error"].as_str(), error, "{metadata}");
    }
    assert_eq!(auth.counts().registrations, 3);
    auth.change(|it| it.registration = false);
    assert_eq!(register(&auth, PUBLIC).await.status, 404);
}

#[tokio::test]
async fn a_visit_ends_at_the_page_of_the_application() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let application = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("the browser comes");
        let mut bytes = vec![0; 64 * 1024];
        let count = stream.read(&mut bytes).await.expect("it asks");
        let answer = b"HTTP/1.1 201 Created\r\n\r\nyou may close this window";
        stream.write_all(answer).await.expect("it reads");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    });
    let auth = server().await;
    let client = public(&auth).await;
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let url = authorize_url(&auth, &client, &[("redirect_uri", &redirect)]);
    let page = visit_and_follow(&url).await.expect("there is a page");
    assert_eq!(
        (page.status, page.body.as_str()),
        (201, "you may close this window")
    );
    let asked = application.await.expect("it was asked");
    assert!(asked.starts_with("GET /callback?code=code-"), "{asked}");
}
