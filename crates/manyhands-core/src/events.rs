//! What a server says about a call while it is under way.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// What a server says about a call before it answers. All of it is the server's own word.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CallEvent {
    /// How far it is.
    Progress {
        /// How much is done, in a unit of the server's choice.
        progress: f64,
        /// How much there is to do, where it knows.
        total: Option<f64>,
        /// What it is doing.
        message: Option<String>,
    },
    /// A line for a log.
    Log {
        /// How serious it is: `debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert` or `emergency`.
        level: String,
        /// Which part of the server says it.
        logger: Option<String>,
        /// What it says.
        data: Value,
    },
}

/// Is told of what happens during a call. Cheap to clone.
///
/// It is called on the task that reads from the server, so it must return at once.
#[derive(Clone)]
pub struct Listener(Arc<dyn Fn(CallEvent) + Send + Sync>);

impl Listener {
    /// Calls `listen` with each event.
    pub fn new(listen: impl Fn(CallEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listen))
    }

    /// Tells it of one event.
    pub fn tell(&self, event: CallEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}
