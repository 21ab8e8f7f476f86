//! The handle that an agent holds.

use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;
use manyhands_core::CapabilityKind;
use manyhands_registry::Catalogue;
use manyhands_transport::Phase;
use serde_json::Value;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::ask::Ask;
use crate::changes::Changes;
use crate::report::{Report, ServerStatus};
use crate::settings::Settings;
use crate::shared::{Shared, Slot};

/// Many servers as one toolkit. Clones share it; dropping the last one ends every server it started.
#[derive(Clone)]
pub struct Toolkit(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
    settings: Settings,
    started: Instant,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Toolkit {
    pub(crate) fn new(shared: Arc<Shared>, tasks: Vec<AbortHandle>, settings: Settings) -> Self {
        Self(Arc::new(Handle {
            shared,
            tasks,
            settings,
            started: Instant::now(),
        }))
    }

    /// How each server is doing now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.shared.report()
    }

    /// What all servers offer now. The snapshot does not change; ask again for a newer one.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.0.shared.catalogue.load_full()
    }

    /// Changes of servers and catalogue from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.0.shared.changes.subscribe())
    }

    /// Calls a tool by its name, such as `slack.search_messages`, with a JSON object of arguments.
    ///
    /// A tool that says it failed is a reply with [`is_error`](manyhands_core::Reply::is_error), not an error.
    ///
    /// ```no_run
    /// # async fn example(kit: manyhands_toolkit::Toolkit) -> Result<(), manyhands_core::CallError> {
    /// use std::time::Duration;
    /// let query = serde_json::json!({"query": "outage"});
    /// let reply = kit.call("slack.search_messages", query).timeout(Duration::from_secs(5)).await?;
    /// println!("{}", reply.value());
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        Ask::new(
            self.0.shared.clone(),
            CapabilityKind::Tool,
            name.into(),
            arguments.into(),
        )
    }

    /// Gets a prompt by its name, filled in with a JSON object of texts.
    pub fn get_prompt(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        Ask::new(
            self.0.shared.clone(),
            CapabilityKind::Prompt,
            name.into(),
            arguments.into(),
        )
    }

    /// Reads a resource by its URI across all servers, such as `files+file:///a.txt`.
    pub fn read_resource(&self, uri: impl Into<String>) -> Ask {
        Ask::new(
            self.0.shared.clone(),
            CapabilityKind::Resource,
            uri.into(),
            Value::Null,
        )
    }

    /// Waits until no required server is starting any more, and for the others until the grace is over.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn settle(&self) {
        let required = self
            .0
            .shared
            .slots()
            .iter()
            .filter(|slot| slot.settings.required);
        join_all(required.map(started)).await;
        let end_of_grace = self.0.started + self.0.settings.grace.0;
        // Servers that take longer are found in the catalogue once they are there.
        let _ = timeout_at(end_of_grace, self.all_started()).await;
    }

    /// Waits until no server is starting any more: each is ready, has failed, or waits for its first use. One that
    /// failed may become ready later, which [`changes`](Self::changes) tells.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn all_started(&self) {
        join_all(self.0.shared.slots().iter().map(started)).await;
    }

    /// Starts every server that was never asked what it offers, as a call to it would: those that are started lazily,
    /// and those that failed and are not started again by themselves any more. Waits for none of them.
    pub fn start_all(&self) {
        let slots = self.0.shared.slots().iter();
        for slot in slots.filter(|slot| !slot.is_introduced()) {
            if let Some(server) = self.0.shared.router.supervised(&slot.id) {
                server.start();
                if matches!(server.phase(), Phase::Starting { .. }) {
                    self.0.shared.starting(&slot.id);
                }
            }
        }
    }

    /// Ends every server: says goodbye, then kills what does not go. Takes 5 s at most.
    pub async fn close(&self) {
        self.0.tasks.iter().for_each(AbortHandle::abort);
        let slots = self.0.shared.slots().iter();
        let servers = slots.filter_map(|slot| self.0.shared.router.supervised(&slot.id));
        join_all(servers.map(|server| async move { server.close().await })).await;
    }
}

impl fmt::Debug for Toolkit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.0.shared.slots().iter().map(|slot| slot.id.as_str());
        f.debug_list().entries(servers).finish()
    }
}

/// Waits until one server is not starting any more.
async fn started(slot: &Slot) {
    let mut state = slot.state.subscribe();
    // The slot holds the sender, so this ends only by a change of state.
    let _ = state
        .wait_for(|state| state.status != ServerStatus::Starting)
        .await;
}
