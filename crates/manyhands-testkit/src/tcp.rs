//! Stands between the clients and the server of a TCP port, and lets a storm at the bytes that pass. It knows no HTTP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncRead;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::codec::{BytesCodec, FramedRead};
use tokio_util::task::AbortOnDropHandle;

use crate::http;
use crate::relay::{End, Relay, join};

/// How long the server may take to be reached; the client is then sent away.
const DIAL: Duration = Duration::from_secs(5);

/// Passes bytes between the clients of a free port of 127.0.0.1 and a server, until this is dropped.
///
/// To a [`Storm`](crate::Storm), a message is here what came at once, a few KiB at the most. A cut resets both
/// connections.
///
/// ```
/// use manyhands_testkit::{HttpServer, Relay, ScriptedServer, Storm, TcpProxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let http = HttpServer::start(&ScriptedServer::new("s")).await?;
/// let storm = Storm::seeded(7).cut(0.1);
/// let proxy = TcpProxy::start(http.address(), Relay::default().with_storm(storm.clone())).await?;
/// println!("in the storm: http://{}/mcp", proxy.address());
/// storm.end();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// Stands before the server at this address.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start(server: SocketAddr, relay: Relay) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            http::accept(listener, |client| pass(client, server, relay.clone())).await;
        });
        Ok(Self {
            address,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Where clients reach it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, relay: Relay) {
    let Ok(Ok(mut server)) = timeout(DIAL, TcpStream::connect(server)).await else {
        return;
    };
    for stream in [&client, &server] {
        // Without it small pieces would wait for acknowledgements; that it fails changes no byte.
        let _ = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let (client_end, server_end) = (
        (pieces(from_client), to_client),
        (pieces(from_server), to_server),
    );
    if join(client_end, server_end, b"", &relay).await == End::Cut {
        for stream in [&client, &server] {
            // Where it fails, the connection ends as others do.
            let _ = stream.set_zero_linger();
        }
    }
}

/// What comes at once.
fn pieces(read: impl AsyncRead) -> impl Stream<Item = io::Result<Bytes>> {
    FramedRead::new(read, BytesCodec::new()).map(|piece| piece.map(Into::into))
}
