//! Servers at a Unix socket: as they are, and over HTTP.

use std::path::Path;

use manyhands_testkit::{HttpServer, ScriptedServer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::{relay, verdict, whoami};
use crate::servers::polite;

/// Has the server speak at this socket for as long as the test runs.
fn listen(listener: UnixListener, server: &ScriptedServer) {
    let server = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move { server.serve(stream).await });
        }
    });
}

/// Carries what comes to a socket to a server over HTTP.
async fn listen_http(path: &Path, server: &ScriptedServer) -> HttpServer {
    let http = HttpServer::start(server).await.unwrap();
    let (_, rest) = http
        .url()
        .split_once("://")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let address = rest.split('/').next().unwrap().to_owned();
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let address = address.clone();
            tokio::spawn(async move { relay(stream, &address).await });
        }
    });
    http
}

fn unix(path: &Path) -> String {
    format!("unix://{}", path.display())
}

#[tokio::test]
async fn a_server_at_a_socket_is_reached_by_its_path() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("my server.sock");
    listen(UnixListener::bind(&path).unwrap(), &polite("it"));
    assert_eq!(whoami(&json!({"url": unix(&path)})).await, "\"it\"");
    let escaped = unix(&path).replace(' ', "%20");
    assert_eq!(whoami(&json!({"url": escaped})).await, "\"it\"");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_socket_is_reached_by_its_name() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener as Blocking};

    let name = format!("manyhands-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = Blocking::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    listen(UnixListener::from_std(listener).unwrap(), &polite("it"));
    assert_eq!(
        whoami(&json!({"url": format!("unix://@{name}")})).await,
        "\"it\""
    );
}

#[tokio::test]
async fn http_is_spoken_at_a_socket_as_its_entry_says() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("it.sock");
    let http = listen_http(&path, &polite("it")).await;
    let (socket, url) = (unix(&path), json!("http://far.example/mcp"));
    let entries: [Value; 3] = [
        json!({"url": format!("{socket}#/mcp"), "type": "http"}),
        json!({"url": format!("{socket}#mcp")}),
        json!({"url": url, "manyhands": {"unixSocket": path}}),
    ];
    for entry in entries {
        let before = http.posts();
        assert_eq!(whoami(&entry).await, "\"it\"", "{entry}");
        assert!(http.posts() > before);
    }
}

#[tokio::test]
async fn a_socket_that_does_not_answer_is_told_with_its_path() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none.sock");
    assert_eq!(
        verdict(&json!({"url": unix(&path), "manyhands": {"restart": false}})).await,
        format!("there is no socket at {path:?}; check the path, and that the server is running")
    );
    let over_http = json!({"url": unix(&path), "type": "http", "manyhands": {"restart": false}});
    let found = verdict(&over_http).await;
    let expected =
        format!("nobody answers at http://localhost/ over the socket {path:?} (No such file");
    assert!(found.starts_with(&expected), "{found}");
}

#[tokio::test]
async fn a_socket_that_speaks_http_is_told_as_such() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("it.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let found = verdict(&json!({"url": unix(&path), "manyhands": {"restart": false}})).await;
    assert!(
        found.contains("it speaks HTTP: add \"type\": \"http\" to its entry"),
        "{found}"
    );
}
