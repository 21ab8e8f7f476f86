//! Servers at a URL: what answers there, and what an error then says.

use std::time::Duration;

use manyhands::{Builder, Connector, Credentials, HttpSettings, ServerStatus};
use manyhands_testkit::{Fault, HttpServer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::servers::{LoggedIn, id, polite};

/// Answers every request on a loopback port with the same bytes, for as long as the test runs.
async fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                // One read is enough: the answer does not depend on the request.
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    });
    url
}

/// What the report says of a server at this URL, with the URL written `URL`.
async fn verdict(url: &str) -> (ServerStatus, String) {
    let kit = Builder::default()
        .add(id("s"), Connector::http(HttpSettings::new(url)))
        .start();
    tokio::time::timeout(Duration::from_secs(20), kit.all_started())
        .await
        .unwrap();
    let report = kit.report();
    let server = report.server("s").unwrap();
    (
        server.status.clone(),
        server.to_string().replace(url, "URL"),
    )
}

#[tokio::test]
async fn each_wrong_answer_has_its_own_words() {
    for (response, expected) in [
        (
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops",
            "URL answered with HTTP 500: oops; the server itself is failing: look at its log, or try again later",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "URL answered with HTTP 404; check the URL's path; MCP endpoints often end in /mcp",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
            "URL answered with text/html instead of JSON or an event stream; check the URL; MCP endpoints often end in /mcp",
        ),
        (
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n",
            "URL answered with HTTP 429, and asks to be left alone for 5 s; it is being asked too often; wait, then try again",
        ),
    ] {
        let (status, text) = verdict(&answering(response).await).await;
        assert!(matches!(status, ServerStatus::Failed { .. }), "{status:?}");
        assert_eq!(text, expected);
    }
}

#[tokio::test]
async fn missing_credentials_are_a_state_of_their_own() {
    for response in [
        "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
    ] {
        let (status, text) = verdict(&answering(response).await).await;
        assert_eq!(status.word(), "needs-auth");
        assert!(
            text.starts_with(
                "URL wants credentials (HTTP 401); put its credentials into `headers`"
            ),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let elsewhere = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.2:9/\r\ncontent-length: 0\r\n\r\n";
    let (_, text) = verdict(&answering(elsewhere).await).await;
    assert!(text.starts_with("URL answered with HTTP 307"), "{text}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let (_, text) = verdict(&url).await;
    assert_eq!(
        text,
        "nobody answers at URL (Connection refused (os error 111)); \
         check the URL, and that the server is running and can be reached from here"
    );
}

#[tokio::test]
async fn an_error_that_repeats_a_header_or_a_token_is_shown_without_it() {
    let server = polite("s").fault(Fault::FailsCall(-32_603));
    let http = HttpServer::start(&server).await.unwrap();
    let said = async |settings: HttpSettings| {
        let builder = Builder::default().add(id("s"), Connector::http(settings));
        let kit = builder.connect().await.unwrap();
        let error = kit.call("s.whoami", json!({})).await.unwrap_err();
        kit.close().await;
        error
            .cause()
            .replace("the server answered with error -32603: ", "")
    };
    let plain = || HttpSettings::new(http.url());
    assert_eq!(said(plain()).await, "it failed, as the test wants it");
    let header = plain().with_header("X-Key", "as the test");
    assert_eq!(said(header).await, "it failed, [hidden] wants it");
    let token = plain().with_credentials(Credentials::new(LoggedIn("Bearer failed, as")));
    assert_eq!(said(token).await, "it [hidden] the test wants it");
}
