//! From a server's name to that server: one route each, swapped as servers come and go.
//!
//! A route leads to a supervised server through that server's layers, or nowhere, with the reason. This crate
//! does not know how a call was chosen, nor what any layer does inside.
//!
//! ```
//! use manyhands_core::{Call, Request, ServerId};
//! use manyhands_routing::{Down, RouteState, Router};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Router::default();
//! let slack = ServerId::parse("slack")?;
//! router.set(slack.clone(), RouteState::Down(Down::new("the server stopped")));
//!
//! let call = Call::new(slack, Request::ReadResource { uri: "slack://channels".into() });
//! let error = router.dispatch(call).await.unwrap_err();
//! assert_eq!(error.to_string(), "read slack+slack://channels: the server stopped");
//! # Ok(())
//! # }
//! ```

mod followed;
mod layered;
mod replicas;
mod route;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use manyhands_core::{Call, CallContext, CallError, Delivery, ErrorKind, Reply, Request, ServerId};
use manyhands_registry::qualify_reply;

pub use followed::{Followed, Turn};
pub use layered::{Layers, ServerService};
pub use replicas::Replicas;
pub use route::{LayerSettings, Route};

/// Where calls to one server go.
#[derive(Debug, Clone)]
pub enum RouteState {
    /// To a server, which is up or can be.
    Up(Route),
    /// Nowhere.
    Down(Down),
}

/// How long one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Without an answer or a sign of progress.
    pub idle: Duration,
    /// In total.
    pub total: Duration,
}

/// How long calls to one server may take. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    server: Limit,
    tools: Arc<HashMap<String, Limit>>,
}

impl Limits {
    /// The same for all its calls.
    #[must_use]
    pub fn new(server: Limit) -> Self {
        Self {
            server,
            tools: Arc::default(),
        }
    }

    /// Others for some of its tools, by their names on the server.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = (String, Limit)>) -> Self {
        self.tools = Arc::new(tools.into_iter().collect());
        self
    }

    /// Completes a context: a caller who says how long to wait means both clocks.
    fn complete(&self, request: &Request, context: &mut CallContext) {
        if context.timeout.is_some() {
            return;
        }
        let limit = match request {
            Request::CallTool { name, .. } => self.tools.get(&**name).unwrap_or(&self.server),
            _ => &self.server,
        };
        context.timeout = Some(limit.total);
        context.idle_timeout.get_or_insert(limit.idle);
    }
}

/// Why a server cannot be called.
#[derive(Debug, Clone)]
pub struct Down {
    cause: String,
    mend: Option<String>,
    kind: ErrorKind,
}

impl Down {
    /// Gives the cause as a lowercase clause.
    pub fn new(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            mend: None,
            kind: ErrorKind::Unavailable,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_mend(mut self, mend: Option<String>) -> Self {
        self.mend = mend;
        self
    }

    /// Says that credentials are what is missing.
    #[must_use]
    pub fn unauthorized(mut self) -> Self {
        self.kind = ErrorKind::Unauthorized;
        self
    }

    /// Says that the configuration is what keeps it from being used.
    #[must_use]
    pub fn misconfigured(mut self) -> Self {
        self.kind = ErrorKind::Misconfigured;
        self
    }

    /// The cause, as a lowercase clause.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }

    /// The error that a call ends with, which was not sent.
    #[must_use]
    pub fn error(&self) -> CallError {
        let error = CallError::new(self.kind, Delivery::NotSent, self.cause.clone());
        match &self.mend {
            Some(mend) => error.with_advice(mend.clone()),
            None => error,
        }
    }
}

/// Takes calls to their servers. Reading a route never waits for a writer.
#[derive(Debug, Default)]
pub struct Router {
    routes: ArcSwap<HashMap<ServerId, Arc<RouteState>>>,
}

impl Router {
    /// Sets where calls to `server` go from now on. Calls under way keep the old route.
    pub fn set(&self, server: ServerId, state: RouteState) {
        let state = Arc::new(state);
        self.routes.rcu(move |routes| {
            let mut routes = HashMap::clone(routes);
            routes.insert(server.clone(), state.clone());
            routes
        });
    }

    /// Forgets where calls to `server` went. Calls under way keep the old route.
    pub fn remove(&self, server: &ServerId) {
        self.routes.rcu(|routes| {
            let mut routes = HashMap::clone(routes);
            routes.remove(server);
            routes
        });
    }

    /// The server that calls go to, with all its replicas; none where they go nowhere.
    #[must_use]
    pub fn supervised(&self, server: &ServerId) -> Option<Replicas> {
        Some(self.route(server)?.server().clone())
    }

    /// The route that calls take; none where they go nowhere.
    #[must_use]
    pub fn route(&self, server: &ServerId) -> Option<Route> {
        match self.routes.load().get(server).map(|state| &**state) {
            Some(RouteState::Up(route)) => Some(route.clone()),
            _ => None,
        }
    }

    /// Why calls to a server go nowhere.
    #[must_use]
    pub fn down(&self, server: &ServerId) -> Option<Down> {
        match self.routes.load().get(server).map(|state| &**state) {
            Some(RouteState::Down(down)) => Some(down.clone()),
            _ => None,
        }
    }

    /// Sends a call to its server through the layers of its route, within the caller's limit or the server's own, and
    /// puts the URIs of the result into the toolkit's names.
    ///
    /// # Errors
    /// [`CallError`] from a layer or the server's connection, or with `NotSent` when there is none.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call at the server.
    pub async fn dispatch(&self, call: Call) -> Result<Reply, CallError> {
        let state = self.routes.load().get(&call.server).cloned();
        let down = match state.as_deref() {
            Some(RouteState::Up(route)) => return route.send(call).await.map(qualify_reply),
            Some(RouteState::Down(down)) => down.error(),
            None => Down::new("no server of this name is registered").error(),
        };
        let capability = call.request.capability(&call.server);
        Err(down
            .with_server(call.server)
            .with_capability(capability)
            .with_trace(call.context.trace))
    }
}
