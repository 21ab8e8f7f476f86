//! What models are told of tools that cannot be called now, or that they are not shown them. It must not know why a server
//! is down.

use std::collections::BTreeSet;

use manyhands_core::{
    CallError, Delivery, ErrorKind, Printable, QualifiedName, Rounded, ServerId, clip,
};
use manyhands_registry::Query;
use tokio::time::{Instant, sleep_until};

use crate::open;
use crate::report::ServerStatus;
use crate::settings::WhenDown;
use crate::shared::{Shared, Slot};

/// How much is told of a name, in bytes.
const MAX_TOLD: usize = 200;

impl Shared {
    /// The servers whose tools models are not shown now.
    pub(crate) fn hidden(&self) -> BTreeSet<ServerId> {
        let slots = self.slots();
        let hidden = slots.iter().filter(|slot| self.is_hidden(slot));
        hidden.map(|slot| slot.id.clone()).collect()
    }

    /// Whether models are not shown a server's tools now. What a call would try, or mend, is shown, or it would never be
    /// called again.
    pub(crate) fn is_hidden(&self, slot: &Slot) -> bool {
        if slot.settings.when_down.unwrap_or(self.when_down) != WhenDown::Hide {
            return false;
        }
        match self.status(slot) {
            ServerStatus::NeedsAuth { .. } => !self.may_log_in(slot),
            ServerStatus::OpenUntil { wait, .. } => !wait.0.is_zero(),
            ServerStatus::Failed { .. } => {
                let server = self.router.supervised(&slot.id);
                server.is_none_or(|server| !server.would_start())
            }
            _ => false,
        }
    }

    /// Waits until a call would try a server that is hidden, so that it is shown again. Cancel safe.
    pub(crate) async fn shown_again(&self, slot: &Slot) {
        let at = self.is_hidden(slot).then(|| self.retry_at(slot)).flatten();
        match at.filter(|at| *at > Instant::now()) {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// The query without the tools that models are not shown now.
    pub(crate) fn without_hidden(&self, query: Query) -> Query {
        let hidden = self.hidden();
        if hidden.is_empty() {
            return query;
        }
        query.with_permit(move |tool| !hidden.contains(tool.name().server()))
    }

    /// Why a tool cannot be called now, until when, and what can be called instead; none where it can be.
    pub(crate) fn outage(&self, tool: &QualifiedName) -> Option<String> {
        let slot = self.slot(tool.server())?;
        let status = self.status(&slot);
        let mut text = Printable(status.cause()?).to_string();
        let wait = self
            .retry_at(&slot)
            .map(|at| at.saturating_duration_since(Instant::now()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            text.push_str(&format!("; it is tried again in {}", Rounded(wait)));
        }
        if let Some(other) = self.alternative_to(tool) {
            text.push_str(&format!("; use {} instead", shown(&other)));
        }
        Some(text)
    }

    /// Adds to the error of a call that came to no server what can be called instead.
    pub(crate) fn advised(&self, error: CallError, name: &str) -> CallError {
        let is_down =
            error.kind() == ErrorKind::Unavailable && error.delivery() == Delivery::NotSent;
        let tool = QualifiedName::parse(name).ok().filter(|_| is_down);
        match tool.and_then(|tool| self.alternative_to(&tool)) {
            Some(other) => {
                let before = error
                    .advice()
                    .map(|it| format!("{it}; or "))
                    .unwrap_or_default();
                error.with_advice(format!("{before}use {} instead", shown(&other)))
            }
            None => error,
        }
    }

    /// The tool of the same group that can be called in place of one that cannot.
    fn alternative_to(&self, tool: &QualifiedName) -> Option<QualifiedName> {
        let ranking = self.ranking();
        let members = ranking.group_of(tool)?.members.iter();
        let mut others = members.filter(|it| it.tool != *tool && it.outage.is_none());
        others.next().map(|it| it.tool.clone())
    }

    /// When a server is tried again, by itself or by a call.
    fn retry_at(&self, slot: &Slot) -> Option<Instant> {
        let retry_at = slot.state.borrow().retry_at;
        let route = self.router.route(&slot.id);
        let wait = || open::wait(&self.status(slot), route.as_ref());
        retry_at.or_else(|| Some(Instant::now() + wait()?))
    }
}

fn shown(name: &QualifiedName) -> String {
    let name = name.to_string();
    Printable(&clip(&name, MAX_TOLD)).to_string()
}
