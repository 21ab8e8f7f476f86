//! News from servers of 2026-07-28: one long request whose answer is what has changed, made anew when it ends.

use std::sync::Arc;

use manyhands_core::{CallContext, CapabilityKind, ListKind};
use serde_json::{Map, json};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::http::failure::HttpFailure;
use crate::link::{Failure, Link};
use crate::session::clock::Clock;
use crate::session::pending::Answer;
use crate::session::{Outbound, ServerEvent, Session, Target};

/// Listens until the future is dropped, the connection ends, or the server turns out to have no news.
pub(crate) async fn listen(session: Arc<Session>, link: Link) {
    let mut wanted = Map::new();
    for kind in session.announces() {
        let name = match kind {
            CapabilityKind::Prompt => "promptsListChanged",
            CapabilityKind::Resource => "resourcesListChanged",
            _ => "toolsListChanged",
        };
        wanted.insert(name.to_owned(), json!(true));
    }
    if wanted.is_empty() {
        return;
    }
    let params = Map::from_iter([("notifications".to_owned(), wanted.into())]);
    let context = CallContext::default();
    let outbound = Outbound {
        target: Target::Protocol("subscriptions/listen", &params),
        context: &context,
        round: None,
        dialect: None,
    };
    let mut backoff = Backoff::default();
    loop {
        backoff.begins();
        match link
            .exchange(&session, &outbound, &Arc::new(Clock::endless()))
            .await
        {
            Err(Failure::Closed(_)) => return,
            Ok(Answer::Error(_)) => return session.tell(ServerEvent::NoNews),
            Err(Failure::Http(HttpFailure::Status(status)))
                if status.retry_after.is_none() && status.code < 500 =>
            {
                return session.tell(ServerEvent::NoNews);
            }
            ended => tracing::debug!(?ended, "the subscription ended"),
        }
        sleep(backoff.next()).await;
        // What was said meanwhile is lost.
        everything_changed(&session);
    }
}

/// Tells everyone that any list may hold something else now, of those whose changes the server announces.
pub(crate) fn everything_changed(session: &Session) {
    for kind in session.announces() {
        for list in lists(*kind) {
            session.tell(ServerEvent::ListChanged(*list));
        }
    }
}

/// The lists that hold what is of this kind.
pub(crate) fn lists(kind: CapabilityKind) -> &'static [ListKind] {
    match kind {
        CapabilityKind::Prompt => &[ListKind::Prompts],
        CapabilityKind::Resource => &[ListKind::Resources, ListKind::ResourceTemplates],
        _ => &[ListKind::Tools],
    }
}
