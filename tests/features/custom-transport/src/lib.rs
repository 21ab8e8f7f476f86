//! A transport of your own, to copy: messages over channels, without a byte stream beneath.
//!
//! Servers are reached this way when something else than a pipe or a socket already carries
//! whole messages: a message broker, a WebSocket, another thread. Such a transport has three
//! parts, and each is short:
//!
//! 1. A struct that knows where the server is. Here it is [`Channels`], which holds the way
//!    into a lobby where the server waits for clients.
//! 2. `impl Transport` for it: `open` makes a new way to the server for each connection, and
//!    gives an [`OpenError`] with a kind, a cause and a mend when there is none.
//! 3. A stream and a sink of messages for [`Wire::from_messages`]. The stream ends when the
//!    server is gone; dropping both tells the server that the client is gone.
//!
//! The rest comes with the crate: handshake, deadlines, cancellation, errors. Whether the
//! three parts are right is told by the suite in `tests/conformance.rs`, also to copy.
//!
//! ```
//! use feature_custom_transport::channels;
//! use manyhands_transport::Connector;
//!
//! let (transport, lobby) = channels();
//! let connector = Connector::custom(transport); // connects to whoever serves the `lobby`
//! # drop((connector, lobby));
//! ```

use std::io;

use bytes::Bytes;
use futures_util::{Sink, Stream, sink, stream};
use manyhands_transport::{ConnectErrorKind, OpenError, Transport, Wire};
use tokio::sync::mpsc;

/// How many clients may wait in the lobby, and how many messages each way.
///
/// A limit makes the faster side wait for the slower one; without it, memory would grow.
const QUEUE: usize = 16;

/// Reaches a server that takes its clients from a lobby.
#[derive(Debug, Clone)]
pub struct Channels {
    lobby: mpsc::Sender<End>,
}

/// Makes a transport, and the lobby in which its server finds one [`End`] for each connection.
#[must_use]
pub fn channels() -> (Channels, mpsc::Receiver<End>) {
    let (lobby, clients) = mpsc::channel(QUEUE);
    (Channels { lobby }, clients)
}

impl Transport for Channels {
    async fn open(&self) -> Result<Wire, OpenError> {
        let (ours, theirs) = End::pair();
        // May wait as long as it likes: the start limit drops the future when it is over.
        self.lobby.send(theirs).await.map_err(|error| {
            OpenError::new(
                ConnectErrorKind::Unreachable,
                "the server no longer takes clients",
            )
            .with_mend("start the server again")
            .with_source(error)
        })?;
        let (incoming, outgoing) = ours.split();
        Ok(Wire::from_messages(incoming, outgoing))
    }
}

/// One end of a connection: messages come in and go out, each a whole JSON-RPC message.
#[derive(Debug)]
pub struct End {
    incoming: mpsc::Receiver<Bytes>,
    outgoing: mpsc::Sender<Bytes>,
}

impl End {
    fn pair() -> (Self, Self) {
        let (to_server, from_client) = mpsc::channel(QUEUE);
        let (to_client, from_server) = mpsc::channel(QUEUE);
        let end = |incoming, outgoing| Self { incoming, outgoing };
        (end(from_server, to_server), end(from_client, to_client))
    }

    /// The messages that come in, and where those that go out are put.
    ///
    /// The stream ends when the other end is dropped, and from then on the sink fails.
    pub fn split(
        self,
    ) -> (
        impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        impl Sink<Bytes, Error = io::Error> + Send + 'static,
    ) {
        let incoming = stream::unfold(self.incoming, |mut channel| async move {
            let message = channel.recv().await?;
            Some((Ok(message), channel))
        });
        let outgoing = sink::unfold(self.outgoing, |channel, message| async move {
            let sent = channel.send(message).await;
            // The error's source would be the message itself, which has no place in logs.
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(channel)
        });
        (incoming, outgoing)
    }
}
