//! Servers behind other things than a child's pipes: the event stream of 2024-11-05, Unix sockets, TLS.

mod sse;
mod tls;
#[cfg(unix)]
mod unix;

use std::time::Duration;

use manyhands::{Builder, FromConfig as _, Toolkit};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;

/// A toolkit from a file whose one server `s` has this entry.
fn configured(entry: &Value) -> Builder {
    let file = json!({"mcpServers": {"s": entry}});
    Toolkit::from_json(&file.to_string()).unwrap()
}

/// What the report says of a server with this entry once it is known.
async fn verdict(entry: &Value) -> String {
    let kit = configured(entry).start();
    tokio::time::timeout(Duration::from_secs(20), kit.all_started())
        .await
        .unwrap();
    kit.report().server("s").unwrap().to_string()
}

/// What the server with this entry answers to `whoami`.
async fn whoami(entry: &Value) -> String {
    let kit = configured(entry).connect().await.unwrap();
    match kit.call("s.whoami", json!({})).await {
        Ok(reply) => reply.value().to_string(),
        Err(error) => format!("{error}\n{}", kit.report()),
    }
}

/// Carries bytes to and from a server at this address, until either side ends.
async fn relay(mut stream: impl AsyncRead + AsyncWrite + Unpin, to: &str) {
    if let Ok(mut server) = TcpStream::connect(to).await {
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let url = "http://mcp.invalid/mcp";
    let refused = "its URL would send everything to mcp.invalid unencrypted, credentials included; write it with https, \
                   or set `manyhands.allowPlainHttp` to true in its entry if you trust the whole way there";
    assert_eq!(verdict(&json!({"url": url})).await, refused);
    assert_eq!(verdict(&json!({"url": url, "type": "sse"})).await, refused);
    let allowed = json!({"url": url, "manyhands": {"allowPlainHttp": true, "restart": false}});
    assert!(
        verdict(&allowed)
            .await
            .starts_with("nobody answers at http://mcp.invalid/mcp")
    );
}

#[tokio::test]
async fn a_setting_that_is_none_is_named_with_the_nearest_one() {
    for (section, expected) in [
        (
            json!({"allowPlainHtp": true}),
            "did you mean `allowPlainHttp`?",
        ),
        (json!({"tls": {"onlyCaa": true}}), "did you mean `onlyCa`?"),
        (
            json!({"tls": {"verify": false}}),
            "known are: ca, cert, key, onlyCa",
        ),
        (
            json!({"tls": {"ca": 5}}),
            "expected a path or a list of paths",
        ),
    ] {
        let found = verdict(&json!({"url": "https://a.invalid", "manyhands": section})).await;
        assert!(found.contains(expected), "{found}");
    }
}
