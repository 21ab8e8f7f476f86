//! What stands between the clients and the server of a TCP port: it passes, cuts, and ends.
//!
//! Sockets know no paused clock; each step has a limit.
#![expect(
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

use std::io::ErrorKind;
use std::time::Duration;

use manyhands_testkit::{Relay, Side, Storm, TcpProxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);

/// A client and a server with a proxy between them.
async fn between(storm: &Storm) -> (TcpStream, TcpStream, TcpProxy) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay::default().with_storm(storm.clone());
    let server = listener.local_addr().unwrap();
    let proxy = TcpProxy::start(server, relay).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let accepted = timeout(LIMIT, listener.accept()).await.unwrap();
    (client, accepted.unwrap().0, proxy)
}

async fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    let done = timeout(LIMIT, stream.read_exact(&mut read)).await;
    done.expect("it comes").expect("all of it comes");
    read
}

/// How the stream ends, after whatever still comes.
async fn end(stream: &mut TcpStream) -> Option<ErrorKind> {
    let mut rest = Vec::new();
    let ended = timeout(LIMIT, stream.read_to_end(&mut rest)).await;
    ended.expect("it ends").err().map(|error| error.kind())
}

#[tokio::test]
async fn bytes_pass_both_ways_until_a_side_or_the_proxy_ends() {
    let storm = Storm::seeded(1);
    let (mut client, mut server, proxy) = between(&storm).await;
    // More than fits into any buffer on the way, and no line.
    let much = vec![7; 4 * 1024 * 1024];
    let (sent, came) = tokio::join!(client.write_all(&much), read(&mut server, much.len()));
    sent.unwrap();
    assert!(came == much);
    server.write_all(b"and back").await.unwrap();
    assert_eq!(read(&mut client, 8).await, b"and back");
    drop(server);
    assert_eq!(end(&mut client).await, None);

    let (mut client, _server, other) = between(&storm).await;
    drop((proxy, other));
    end(&mut client).await;
}

#[tokio::test]
async fn a_cut_resets_both_sides_halfway() {
    let storm = Storm::seeded(1).cut(1.0).only_from(Side::Server);
    let (mut client, mut server, _proxy) = between(&storm).await;
    client.write_all(b"a question").await.unwrap();
    assert_eq!(read(&mut server, 10).await, b"a question");
    server.write_all(b"an answer").await.unwrap();
    assert_eq!(end(&mut client).await, Some(ErrorKind::ConnectionReset));
    assert_eq!(end(&mut server).await, Some(ErrorKind::ConnectionReset));
    assert_eq!(storm.done().cut, 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_the_client() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let proxy = TcpProxy::start(address, Relay::default()).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(end(&mut client).await, None);
}
