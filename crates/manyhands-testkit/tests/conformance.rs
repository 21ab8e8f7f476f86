//! The suite itself is tested: it passes what works, and tells what does not.

use std::io;

use bytes::Bytes;
use futures_util::{Sink, Stream, StreamExt as _, sink, stream};
use manyhands_testkit::conformance::{Report, check};
use manyhands_testkit::{Fault, ScriptedServer};
use manyhands_transport::{Connector, OpenError, Transport, Wire};
use tokio::sync::mpsc;

fn incoming(
    channel: mpsc::Receiver<Bytes>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(channel, |mut channel| async move {
        let message = channel.recv().await?;
        Some((Ok(message), channel))
    })
}

fn outgoing(channel: mpsc::Sender<Bytes>) -> impl Sink<Bytes, Error = io::Error> + Send + 'static {
    sink::unfold(channel, |channel, message| async move {
        let sent = channel.send(message).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(channel)
    })
}

/// The names of the checks that failed.
fn failed(report: &Report) -> Vec<&'static str> {
    let failed = report.outcomes().iter().filter(|it| it.result.is_err());
    failed.map(|it| it.name).collect()
}

#[tokio::test(start_paused = true)]
async fn bytes_within_the_process_conform() {
    let report = check(|server| server.connector()).await;
    report.assert();
    assert_eq!(report.outcomes().len(), 14);
}

/// Opens wires in a way that is wrong.
struct Broken(ScriptedServer, fn(ScriptedServer) -> Wire);

impl Transport for Broken {
    async fn open(&self) -> Result<Wire, OpenError> {
        Ok((self.1)(self.0.clone()))
    }
}

/// The names of the checks that fail over such a transport.
async fn found(open: fn(ScriptedServer) -> Wire) -> Vec<&'static str> {
    let report = check(|server| Connector::custom(Broken(server, open))).await;
    failed(&report)
}

/// Serves over channels, where only those messages reach the server that `keep` lets through.
fn wire(server: ScriptedServer, mut keep: impl FnMut(&Bytes) -> bool + Send + 'static) -> Wire {
    let (to_server, from_client) = mpsc::channel(16);
    let (to_client, from_server) = mpsc::channel(16);
    let client = incoming(from_client).filter(move |message| {
        let kept = message.as_ref().is_ok_and(&mut keep);
        std::future::ready(kept)
    });
    tokio::spawn(async move { server.serve_messages(client, outgoing(to_client)).await });
    Wire::from_messages(incoming(from_server), outgoing(to_server))
}

#[tokio::test(start_paused = true)]
async fn messages_over_channels_conform() {
    let none = found(|server| wire(server, |_| true)).await;
    assert!(none.is_empty(), "{none:#?}");
}

#[tokio::test(start_paused = true)]
async fn lost_messages_are_found() {
    let every_tenth = |server| {
        let mut count = 0;
        wire(server, move |_| {
            count += 1;
            count % 10 != 0
        })
    };
    assert_eq!(
        found(every_tenth).await,
        [
            "text arrives as it was sent",
            "64 calls in flight get their own answers",
            "two connections are independent",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn lost_cancellations_are_found() {
    let cancellations = |server| {
        wire(server, |message| {
            !String::from_utf8_lossy(message).contains("notifications/cancelled")
        })
    };
    assert_eq!(
        found(cancellations).await,
        ["a hanging call ends and is cancelled"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_closed_is_found() {
    // Something keeps the way to the server open when the client is long gone.
    let unending = |server: ScriptedServer| {
        let (to_server, from_client) = mpsc::channel(16);
        let (to_client, from_server) = mpsc::channel(16);
        let kept = to_server.clone();
        tokio::spawn(async move {
            let client = incoming(from_client);
            server.serve_messages(client, outgoing(to_client)).await;
            drop(kept);
        });
        Wire::from_messages(incoming(from_server), outgoing(to_server))
    };
    assert_eq!(
        found(unending).await,
        [
            "two connections are independent",
            "closing ends the connection",
            "dropping the last clone ends the connection",
            "a silent server ends at the start limit",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_is_never_told_is_found() {
    let untold = |server: ScriptedServer| {
        let (to_server, from_client) = mpsc::channel(16);
        let (to_client, from_server) = mpsc::channel(16);
        tokio::spawn(async move {
            let client = incoming(from_client);
            server.serve_messages(client, outgoing(to_client)).await;
        });
        let endless = incoming(from_server).chain(stream::pending());
        Wire::from_messages(endless, outgoing(to_server))
    };
    assert_eq!(
        found(untold).await,
        [
            "a crash during a call is told as such",
            "a crash between calls is noticed",
        ]
    );
}

/// Faults that end every call make every check with an answered call fail.
#[tokio::test(start_paused = true)]
async fn answers_that_never_come_are_found() {
    let ends_every_call = [
        "text arrives as it was sent",
        "a megabyte comes through both ways",
        "a tool's error stays a reply",
        "what is no message is skipped",
        "the connection outlives a late call",
    ];
    for fault in [Fault::WrongId, Fault::GarbageReply, Fault::HangsOnCall] {
        let report = check(|server| server.fault(fault.clone()).connector()).await;
        let failed = failed(&report);
        for name in ends_every_call {
            assert!(failed.contains(&name), "{fault:?}: {name}\n{report}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_reaches_nobody_passes_nothing() {
    let nobody = |_| Wire::from_messages(stream::empty(), outgoing(mpsc::channel(1).0));
    assert_eq!(found(nobody).await.len(), 14);
}
