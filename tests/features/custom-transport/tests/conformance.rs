//! Holds the transport to the suite for custom transports.

use feature_custom_transport::{Channels, channels};
use manyhands_testkit::{ScriptedServer, conformance};
use manyhands_transport::{ConnectErrorKind, Connector, OpenError, Transport as _};

/// Puts a server behind the transport: each client from the lobby is served in a task of its own.
fn serve(server: ScriptedServer) -> Channels {
    let (transport, mut lobby) = channels();
    tokio::spawn(async move {
        while let Some(client) = lobby.recv().await {
            let server = server.clone();
            let (incoming, outgoing) = client.split();
            tokio::spawn(async move { server.serve_messages(incoming, outgoing).await });
        }
    });
    transport
}

// The clock may be paused because nothing here leaves the process; over a real network, leave it running.
#[tokio::test(start_paused = true)]
async fn it_conforms() {
    let report = conformance::check(|server| Connector::custom(serve(server))).await;
    report.assert();
}

#[tokio::test]
async fn an_empty_lobby_is_told_as_such() {
    let (transport, lobby) = channels();
    drop(lobby);
    let error: OpenError = transport.open().await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    assert_eq!(error.to_string(), "the server no longer takes clients");
}
