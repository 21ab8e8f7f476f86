//! All pages of one list, as raw items.

use std::collections::HashSet;
use std::time::Duration;

use manyhands_core::{
    CallContext, CallError, Delivery, ErrorKind, ListKind, Notice, Reply, Request,
};
use manyhands_transport::Connection;
use serde_json::Value;

use crate::Limits;

/// What the pages held, and what ended the reading.
#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) items: Vec<Value>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) failure: Option<CallError>,
    /// Why pages are missing behind those that could be read.
    pub(crate) cut_short: Option<CallError>,
    /// The shortest time that a page says it stays true.
    pub(crate) ttl: Option<Duration>,
}

impl Pages {
    pub(crate) fn failed(error: CallError) -> Self {
        Self {
            failure: Some(error),
            ..Self::default()
        }
    }
}

pub(crate) fn too_slow(limit: Duration) -> CallError {
    CallError::new(
        ErrorKind::DeadlineExceeded,
        Delivery::Unknown,
        format!("the list took longer than {limit:?}"),
    )
    .with_advice("look at why the server is slow")
}

const INVALID_PARAMS: i64 = -32_602;

/// Reads pages until there is no further one, or a limit is reached; from the first again where the server does not know
/// its own cursor any more, as happens when a list changes meanwhile.
pub(crate) async fn fetch(connection: &Connection, kind: ListKind, limits: &Limits) -> Pages {
    let pages = read(connection, kind, limits).await;
    match &pages.cut_short {
        Some(error) if error.rpc_code() == Some(INVALID_PARAMS) => {
            read(connection, kind, limits).await
        }
        _ => pages,
    }
}

async fn read(connection: &Connection, kind: ListKind, limits: &Limits) -> Pages {
    let mut pages = Pages::default();
    let (mut cursor, mut bytes, mut seen) = (None, 0, HashSet::new());
    for number in 1.. {
        let context = CallContext::default().with_timeout(limits.page_limit);
        let reply = match connection
            .request(Request::List { kind, cursor }, context)
            .await
        {
            Ok(reply) => reply,
            Err(error) => {
                pages.fail(number, error);
                return pages;
            }
        };
        bytes += reply.raw().get().len();
        let next = pages.take(&reply, kind, number);
        let over = if pages.items.len() > limits.items {
            pages.items.truncate(limits.items);
            format!("{} items", limits.items)
        } else {
            let Some(next) = next else { return pages };
            if bytes > limits.bytes {
                format!("{} MiB", limits.bytes / (1024 * 1024))
            } else if number >= limits.pages {
                format!("{} pages", limits.pages)
            } else if !seen.insert(next.clone()) {
                "a cursor that comes again".to_owned()
            } else {
                cursor = Some(next);
                continue;
            }
        };
        pages.notices.push(stopped_after(kind, &over));
        return pages;
    }
    pages
}

/// Says where the reading of a list ended.
pub(crate) fn stopped_after(kind: ListKind, over: &str) -> Notice {
    let list = kind.field();
    Notice::new(format!("stopped reading its {list} after {over}"))
}

impl Pages {
    /// Keeps a page's items and gives the cursor of the next one.
    fn take(&mut self, reply: &Reply, kind: ListKind, number: usize) -> Option<String> {
        let page = reply.parsed();
        // `cacheScope` is not read: what it allows is to show one principal what another one was told, and whoever has a
        // login of its own asks for itself, which is always right. A time of zero promises nothing, and asks for nothing.
        let ttl = page.get("ttlMs").and_then(Value::as_u64);
        if let Some(millis) = ttl.filter(|millis| *millis > 0) {
            let ttl = Duration::from_millis(millis);
            self.ttl = Some(self.ttl.map_or(ttl, |shortest| shortest.min(ttl)));
        }
        match page.get(kind.field()) {
            Some(Value::Array(items)) => self.items.extend(items.iter().cloned()),
            _ => {
                let cause = format!("the answer holds no list of {}", kind.field());
                self.fail(
                    number,
                    CallError::new(ErrorKind::MalformedReply, Delivery::Unknown, cause)
                        .with_advice("look at the server's log, and update it"),
                );
                return None;
            }
        }
        match page.get("nextCursor") {
            None | Some(Value::Null) => None,
            Some(Value::String(next)) if next.is_empty() => None,
            Some(Value::String(next)) => Some(next.clone()),
            Some(_) => {
                self.notices.push(Notice::new(format!(
                    "stopped reading its {} at page {number}: the cursor of the next one is not a text",
                    kind.field()
                )));
                None
            }
        }
    }

    fn fail(&mut self, number: usize, error: CallError) {
        if number == 1 {
            self.failure = Some(error);
        } else {
            self.notices.push(Notice::new(format!(
                "stopped reading at page {number}: {}",
                error.cause()
            )));
            self.cut_short = Some(error);
        }
    }
}
