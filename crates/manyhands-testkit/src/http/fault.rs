//! Answers that are wrong as HTTP.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use manyhands_transport::MAX_MESSAGE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::sleep;

use super::Shared;
use super::body::{Head, chunk, event, whole};
use super::exchange::Exchange;
use crate::fault::{Fault, HttpFault, HttpMoment, RedirectTo};
use crate::session::After;

/// How long there is between two bytes that drip.
const DRIP: Duration = Duration::from_millis(50);
/// How long there is between two comments.
const COMMENT: Duration = Duration::from_millis(100);
/// A page for people.
const PAGE: &str = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";
/// Where a redirect within the same origin leads.
const MOVED: &str = "/moved";

/// Answers wrongly in place of the server, where it has such a fault at this moment.
pub(super) async fn instead(
    exchange: &mut Exchange<'_>,
    moment: HttpMoment,
) -> io::Result<Option<After>> {
    let script = exchange.shared.server.script();
    for fault in &script.faults {
        let Fault::Http(fault) = fault else { continue };
        let after = match fault {
            HttpFault::Status(status, at) if at.shows(moment) => {
                status_of(exchange, *status).await?
            }
            HttpFault::Silent(at) if at.shows(moment) => exchange.nothing().await?,
            HttpFault::ResetsRequest(at) if at.shows(moment) => {
                exchange.output.as_ref().set_zero_linger()?;
                After::Close
            }
            HttpFault::NotHttp(at) if at.shows(moment) => {
                exchange
                    .output
                    .write_all(b"SSH-2.0-OpenSSH_9.2\r\n")
                    .await?;
                After::Close
            }
            HttpFault::Html(at) if at.shows(moment) => {
                exchange
                    .plain(Head::new(200).typed("text/html"), PAGE)
                    .await?
            }
            HttpFault::Accepted(at) if at.shows(moment) => {
                exchange.plain(Head::new(202), "").await?
            }
            HttpFault::Empty(at) if at.shows(moment) => {
                exchange
                    .plain(Head::new(200).typed("application/json"), "")
                    .await?
            }
            HttpFault::HugeHeader(at) if at.shows(moment) => {
                let head = Head::new(200).header("x-huge", &"x".repeat(1024 * 1024));
                exchange.plain(head.typed("application/json"), "{}").await?
            }
            HttpFault::Redirect(to, at) if at.shows(moment) && exchange.request.path != MOVED => {
                redirect(exchange, *to).await?
            }
            HttpFault::ForgetsSession if moment == HttpMoment::Call => {
                if exchange.shared.has_forgotten.swap(true, Ordering::Relaxed) {
                    continue;
                }
                exchange.forget_session();
                exchange.refuse(404, "no such session").await?
            }
            HttpFault::ForgetsSessions if moment == HttpMoment::Call => {
                exchange.forget_session();
                exchange.refuse(404, "no such session").await?
            }
            _ => continue,
        };
        return Ok(Some(after));
    }
    Ok(None)
}

async fn status_of(exchange: &mut Exchange<'_>, status: u16) -> io::Result<After> {
    let head = Head::new(status);
    let head = match status {
        401 => head.header("www-authenticate", "Bearer realm=\"testkit\""),
        403 => head.header(
            "www-authenticate",
            "Bearer error=\"insufficient_scope\", scope=\"more\"",
        ),
        _ => head,
    };
    let script = exchange.shared.server.script();
    let retry = script.find(|fault| match fault {
        Fault::Http(HttpFault::RetryAfter(after)) => Some(after.clone()),
        _ => None,
    });
    let body = script.find(|fault| match fault {
        Fault::Http(HttpFault::Body(body)) => Some(body.clone()),
        _ => None,
    });
    let head = match retry {
        Some(after) => head.header("retry-after", &after),
        None => head,
    };
    match body {
        Some(body) => exchange.plain(head.typed("application/json"), &body).await,
        None => {
            exchange
                .plain(head.typed("text/plain"), "as the test wants it")
                .await
        }
    }
}

async fn redirect(exchange: &mut Exchange<'_>, to: RedirectTo) -> io::Result<After> {
    let location = match to {
        RedirectTo::SameOrigin => MOVED.to_owned(),
        RedirectTo::OtherOrigin => format!("http://{}/mcp", exchange.shared.elsewhere),
        RedirectTo::Loop => exchange.request.path.clone(),
    };
    let head = Head::new(307).header("location", &location);
    exchange.plain(head, "").await
}

/// Whether the answer at this moment is a body, or an event stream, whatever the options say.
pub(super) fn has_form(shared: &Shared, moment: HttpMoment, stream: bool) -> bool {
    let script = shared.server.script();
    script.faults.iter().any(|fault| match fault {
        Fault::Http(HttpFault::WrongType(at) | HttpFault::Drips(at) | HttpFault::Gzip(at)) => {
            !stream && at.shows(moment)
        }
        Fault::Http(
            HttpFault::StreamEnds(at)
            | HttpFault::StreamStops(at)
            | HttpFault::StreamSilent(at)
            | HttpFault::StreamComments(at)
            | HttpFault::StreamGiant(at)
            | HttpFault::StreamOdd(at),
        ) => stream && at.shows(moment),
        _ => false,
    })
}

/// Writes a whole body, or what is wrong with it.
pub(super) async fn body(
    shared: &Shared,
    moment: HttpMoment,
    output: &mut OwnedWriteHalf,
    head: Head,
    body: &Bytes,
) -> io::Result<After> {
    for fault in &shared.server.script().faults {
        let Fault::Http(fault) = fault else { continue };
        let half = body.get(..body.len() / 2).unwrap_or_default();
        match fault {
            HttpFault::WrongType(at) if at.shows(moment) => {
                whole(output, &head.typed("text/plain"), body).await?;
                return Ok(After::Continue);
            }
            HttpFault::Truncated(at) if at.shows(moment) => {
                output.write_all(&head.lines(Some(body.len()))).await?;
                output.write_all(half).await?;
                return Ok(After::Close);
            }
            HttpFault::Resets(at) if at.shows(moment) => {
                output.as_ref().set_zero_linger()?;
                output.write_all(&head.lines(Some(body.len()))).await?;
                output.write_all(half).await?;
                return Ok(After::Close);
            }
            HttpFault::Drips(at) if at.shows(moment) => {
                output.write_all(&head.lines(None)).await?;
                for byte in body.iter() {
                    chunk(output, &[*byte]).await?;
                    sleep(DRIP).await;
                }
                chunk(output, b"").await?;
                return Ok(After::Continue);
            }
            HttpFault::Gzip(at) if at.shows(moment) => {
                let head = head.header("content-encoding", "gzip");
                whole(output, &head, &super::gzip::stored(body)).await?;
                return Ok(After::Continue);
            }
            _ => {}
        }
    }
    whole(output, &head, body).await?;
    Ok(After::Continue)
}

/// Writes what stands before the events of a stream.
pub(super) async fn start_stream(output: &mut OwnedWriteHalf, head: &Head) -> io::Result<()> {
    output.write_all(&head.lines(None)).await?;
    output.flush().await
}

/// Writes a stream of events that is wrong in place of the answer's, or before it.
pub(super) async fn stream(
    shared: &Shared,
    moment: HttpMoment,
    output: &mut OwnedWriteHalf,
) -> io::Result<Option<After>> {
    for fault in &shared.server.script().faults {
        let Fault::Http(fault) = fault else { continue };
        match fault {
            HttpFault::StreamEnds(at) if at.shows(moment) => {
                chunk(output, b"").await?;
                return Ok(Some(After::Continue));
            }
            HttpFault::StreamStops(at) if at.shows(moment) => {
                chunk(output, b"id: 1\nretry: 1\ndata:\n\n").await?;
                chunk(output, b"").await?;
                return Ok(Some(After::Continue));
            }
            HttpFault::StreamSilent(at) if at.shows(moment) => return std::future::pending().await,
            HttpFault::StreamComments(at) if at.shows(moment) => loop {
                chunk(output, b": still working\n\n").await?;
                sleep(COMMENT).await;
            },
            HttpFault::StreamGiant(at) if at.shows(moment) => {
                let giant = Bytes::from(vec![b'x'; MAX_MESSAGE + 1]);
                chunk(output, &event(&giant)).await?;
            }
            HttpFault::StreamOdd(at) if at.shows(moment) => {
                let odd = b"event: ping\ndata: {}\n\nevent: message\ndata:\n\ndata: not json\n\n:\n\nfield\n\n";
                chunk(output, odd).await?;
            }
            HttpFault::Truncated(at) if at.shows(moment) => {
                output
                    .write_all(b"ffff\r\nevent: message\ndata: {\"json")
                    .await?;
                return Ok(Some(After::Close));
            }
            HttpFault::Resets(at) if at.shows(moment) => {
                output.as_ref().set_zero_linger()?;
                output
                    .write_all(b"ffff\r\nevent: message\ndata: {\"json")
                    .await?;
                return Ok(Some(After::Close));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Counts what comes to the place where redirects lead.
pub(super) async fn elsewhere(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        shared.count(|counts| &counts.elsewhere);
        // Whoever came is answered once and sent away, one at a time: it should not have come.
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await;
    }
}
