//! MCP servers that want tokens.

use manyhands_testkit::oauth::{
    AuthServer, Failure, Protected, ResourceMetadata, ScopeHint, fetch, visit_as,
};
use manyhands_testkit::{HttpOptions, ScriptedServer};
use serde_json::{Value, json};

use crate::client::{Reply, authorize_url, field, log_in, public, redeem, send, text};

async fn servers() -> (AuthServer, Protected, ScriptedServer) {
    let auth = AuthServer::start().await.expect("a port is free");
    let server = ScriptedServer::new("s").tool("t", |_| json!({"content": []}));
    let server = server.tool("u", |_| json!({"content": []}));
    let options = HttpOptions::default().with_event_streams(false);
    let mcp = Protected::start_with(&server, &auth, options).await;
    (auth, mcp.expect("a port is free"), server)
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

async fn ask(mcp: &Protected, headers: &str, method: &str, tool: &str) -> Reply {
    let params = json!({"name": tool, "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    send("POST", &mcp.url(), headers, &body.to_string()).await
}

/// Starts a session, and returns the headers that go with it.
async fn session(mcp: &Protected, token: &str) -> (String, String) {
    let reply = ask(mcp, &bearer(token), "initialize", "").await;
    let session = reply.header("mcp-session-id").expect("there is one");
    let headers = format!("{}mcp-session-id: {session}\r\n", bearer(token));
    (session.to_owned(), headers)
}

fn challenge(reply: &Reply) -> &str {
    reply.header("www-authenticate").unwrap_or("")
}

async fn metadata(mcp: &Protected) -> Value {
    let page = fetch(&mcp.metadata_url()).await.expect("it is answered");
    serde_json::from_str(&page.body).expect("it is JSON")
}

#[tokio::test]
async fn who_has_no_token_is_told_where_to_get_one() {
    let (auth, mcp, server) = servers().await;
    mcp.change(|it| it.scopes = vec!["a".to_owned(), "b".to_owned()]);
    let where_to = format!(
        "resource_metadata=\"{}\", scope=\"a b\"",
        mcp.metadata_url()
    );
    for method in ["POST", "GET", "DELETE"] {
        let reply = send(method, &mcp.url(), "", "").await;
        assert_eq!(
            (reply.status, challenge(&reply)),
            (401, format!("Bearer {where_to}").as_str())
        );
    }
    let reply = ask(&mcp, &bearer("unknown"), "initialize", "").await;
    assert_eq!(
        challenge(&reply),
        format!("Bearer error=\"invalid_token\", {where_to}")
    );
    assert_eq!(
        (
            mcp.unauthorized(),
            mcp.http().posts(),
            server.asked("initialize")
        ),
        (4, 0, 0)
    );

    let document = metadata(&mcp).await;
    assert_eq!(document["resource"], mcp.url());
    assert_eq!(document["authorization_servers"], json!([auth.issuer()]));
    assert_eq!(mcp.metadata_requests(), 1);

    let token = auth.issue("ada", &mcp.url(), "b a");
    let (_, headers) = session(&mcp, &token).await;
    assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 200);
    assert_eq!(send("DELETE", &mcp.url(), &headers, "").await.status, 204);
    auth.expire_access_tokens();
    assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 401);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_token_is_for_one_resource_and_one_time() {
    let (auth, mcp, _) = servers().await;
    let status = async |token: &str| ask(&mcp, &bearer(token), "initialize", "").await.status;
    let elsewhere = auth.issue("ada", "http://127.0.0.1:1/mcp", "");
    assert_eq!(status(&elsewhere).await, 401);
    mcp.change(|it| it.checks_resource = false);
    assert_eq!(status(&elsewhere).await, 200);
    auth.change(|it| it.expires_in = Some(0));
    assert_eq!(status(&auth.issue("ada", &mcp.url(), "")).await, 401);
    auth.change(|it| it.expires_in = None);
    assert_eq!(status(&auth.issue("ada", &mcp.url(), "")).await, 200);
}

#[tokio::test]
async fn tools_ask_for_scopes_of_their_own() {
    let (auth, mcp, _) = servers().await;
    mcp.change(|it| {
        it.scopes = vec!["a".to_owned()];
        it.require("t", "b c");
        it.forbidden_tools.insert("u".to_owned());
    });
    let (_, headers) = session(&mcp, &auth.issue("ada", &mcp.url(), "a b")).await;
    let reply = ask(&mcp, &headers, "tools/call", "t").await;
    let expected = |scope: &str| {
        let url = mcp.metadata_url();
        format!("Bearer error=\"insufficient_scope\", resource_metadata=\"{url}\"{scope}")
    };
    assert_eq!(
        (reply.status, challenge(&reply)),
        (403, expected(", scope=\"a b c\"").as_str())
    );
    for (hint, scope) in [
        (ScopeHint::Lacking, ", scope=\"c\""),
        (ScopeHint::These("x".to_owned()), ", scope=\"x\""),
        (ScopeHint::Absent, ""),
    ] {
        mcp.change(|it| it.scope_hint = hint);
        let reply = ask(&mcp, &headers, "tools/call", "t").await;
        assert_eq!(challenge(&reply), expected(scope));
    }
    let (_, headers) = session(&mcp, &auth.issue("ada", &mcp.url(), "a b c")).await;
    assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 200);
    assert_eq!(ask(&mcp, &headers, "tools/call", "u").await.status, 403);
    assert_eq!(mcp.forbidden(), 5);
}

#[tokio::test]
async fn only_calls_need_a_token_where_that_is_told() {
    let (auth, mcp, _) = servers().await;
    mcp.change(|it| it.only_calls = true);
    let reply = ask(&mcp, "", "initialize", "").await;
    assert_eq!(reply.status, 200);
    let session = reply.header("mcp-session-id").expect("there is one");
    let headers = format!("mcp-session-id: {session}\r\n");
    assert_eq!(ask(&mcp, &headers, "tools/list", "").await.status, 200);
    assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 401);
    let headers = format!("{headers}{}", bearer(&auth.issue("ada", &mcp.url(), "")));
    assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 200);
    let tokens: Vec<_> = mcp.calls().iter().map(|call| call.token).collect();
    assert_eq!(tokens, [None, None, Some(0)]);
}

#[tokio::test]
async fn metadata_of_a_resource_can_be_elsewhere_or_wrong() {
    let (_, mcp, _) = servers().await;
    let origin = mcp.url().trim_end_matches("/mcp").to_owned();
    let root = format!("{origin}/.well-known/oauth-protected-resource");
    for (place, at_root, at_path) in [
        (ResourceMetadata::Both, 200, 200),
        (ResourceMetadata::AtRoot, 200, 404),
        (ResourceMetadata::AtPath, 404, 200),
        (ResourceMetadata::Nowhere, 404, 404),
    ] {
        mcp.change(|it| it.metadata = place);
        for (url, expected) in [(root.clone(), at_root), (format!("{root}/mcp"), at_path)] {
            let page = fetch(&url).await.expect("it is answered");
            assert_eq!(page.status, expected, "{place:?} {url}");
        }
    }
    mcp.change(|it| {
        it.metadata = ResourceMetadata::AtRoot;
        it.resource = Some("http://evil.example/mcp".to_owned());
        it.authorization_servers = Some(vec!["http://evil.example".to_owned()]);
        it.scopes_supported = vec!["a".to_owned()];
    });
    let reply = send("GET", &mcp.url(), "", "").await;
    assert_eq!(
        challenge(&reply),
        format!("Bearer resource_metadata=\"{root}\"")
    );
    let document = metadata(&mcp).await;
    assert_eq!(document["resource"], "http://evil.example/mcp");
    assert_eq!(
        document["authorization_servers"],
        json!(["http://evil.example"])
    );
    assert_eq!(document["scopes_supported"], json!(["a"]));
    mcp.change(|it| it.metadata_failure = Some(Failure::Status(500)));
    assert_eq!(fetch(&root).await.expect("it is answered").status, 500);
}

#[tokio::test]
async fn challenges_can_say_less_or_something_else() {
    let (_, mcp, _) = servers().await;
    mcp.change(|it| it.metadata_in_challenge = false);
    let reply = send("GET", &mcp.url(), "", "").await;
    assert_eq!(challenge(&reply), "Bearer");
    for challenge_text in ["Negotiate", ""] {
        mcp.change(|it| it.challenge = Some(challenge_text.to_owned()));
        let reply = send("GET", &mcp.url(), "", "").await;
        assert_eq!((reply.status, challenge(&reply)), (401, challenge_text));
    }
}

#[tokio::test]
async fn a_server_can_move_to_another_issuer() {
    let (auth, mcp, _) = servers().await;
    let other = AuthServer::start().await.expect("a port is free");
    let token = auth.issue("ada", &mcp.url(), "");
    let status = async |token: &str| ask(&mcp, &bearer(token), "initialize", "").await.status;
    assert_eq!(status(&token).await, 200);
    mcp.move_to(&other);
    assert_eq!(status(&token).await, 401);
    let servers = &metadata(&mcp).await["authorization_servers"];
    assert_eq!(*servers, json!([other.issuer()]));
    assert_eq!(status(&other.issue("ada", &mcp.url(), "")).await, 200);
}

#[tokio::test]
async fn each_call_says_whose_token_and_session_it_had() {
    let (auth, mcp, _) = servers().await;
    let client = public(&auth).await;
    let resource = mcp.url();
    let others = [("resource", resource.as_str())];
    let ada = text(&log_in(&auth, &client, &others).await, "access_token");
    let url = authorize_url(&auth, &client, &others);
    let location = visit_as(&url, "grace").await.expect("she is sent back");
    let code = field(&location, "code").expect("there is a code");
    let grace = text(&redeem(&auth, &client, code).await.json(), "access_token");
    let mut expected = Vec::new();
    for (number, (person, token)) in [("person", ada), ("grace", grace)].into_iter().enumerate() {
        let (session, headers) = session(&mcp, &token).await;
        assert_eq!(ask(&mcp, &headers, "tools/call", "t").await.status, 200);
        expected.push((person.to_owned(), Some(number), Some(session)));
    }
    let calls = mcp.calls();
    assert!(calls.iter().all(|call| call.client == client));
    let calls = calls
        .into_iter()
        .filter(|call| call.tool.as_deref() == Some("t"));
    let seen: Vec<_> = calls
        .map(|call| (call.subject, call.token, call.session))
        .collect();
    assert_eq!(seen, expected);
    assert_ne!(expected[0].2, expected[1].2);
}
