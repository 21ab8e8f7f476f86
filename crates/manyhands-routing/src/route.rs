//! The way of one server's calls: its layers, derived from their ingredients in one place. It must not know what any of
//! them does inside.

use std::fmt;
use std::sync::Arc;

use manyhands_core::Call;
use manyhands_resilience::{
    BreakerLayer, CoalesceLayer, CoalesceSettings, Guard as _, Inner, Outcome, Preparation, Stack,
    StackSettings, Statistics,
};
use manyhands_transport::{Connection, Supervised};
use tower::Layer as _;

use crate::Limits;
use crate::Replicas;
use crate::layered::{Layers, Sending, ServerService, Way, WayOf};

/// What the layers of one server are made of.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LayerSettings {
    /// The layers around each call to the server.
    pub stack: StackSettings,
    /// Whether identical calls that change nothing share one.
    pub coalesce: Option<CoalesceSettings>,
}

impl LayerSettings {
    /// Sets the layers around each call to the server.
    #[must_use]
    pub fn with_stack(mut self, stack: StackSettings) -> Self {
        self.stack = stack;
        self
    }

    /// Has identical calls that change nothing share one; none for each on its own.
    #[must_use]
    pub fn with_coalesce(mut self, settings: Option<CoalesceSettings>) -> Self {
        self.coalesce = settings;
        self
    }
}

/// The way to one server, through its layers. Clones share their state, so that whoever keeps a route keeps what its
/// breaker has learned.
#[derive(Clone)]
pub struct Route {
    server: Replicas,
    limits: Limits,
    stack: Stack,
    way: Arc<dyn Way>,
}

impl Route {
    /// A way to `server`: a call may take as long as `limits` say where its caller does not, and passes what `settings`
    /// and `layers` put around it. `statistics` learn how the server's tools do.
    #[must_use]
    pub fn new(
        server: impl Into<Replicas>,
        limits: Limits,
        settings: &LayerSettings,
        statistics: &Statistics,
        layers: &Layers,
    ) -> Self {
        let server = server.into();
        let stack = Stack::of_replicas(server.len(), &settings.stack, statistics, None);
        let way = way(&server, &stack, settings, layers);
        Self {
            server,
            limits,
            stack,
            way,
        }
    }

    /// The server that it leads to, with all its replicas.
    #[must_use]
    pub fn server(&self) -> &Replicas {
        &self.server
    }

    /// What leaves each replica alone when it fails, in the order of the replicas; none where nothing does.
    #[must_use]
    pub fn breakers(&self) -> &[BreakerLayer] {
        self.stack.breakers()
    }

    /// Sends a call that only finds out how the server is doing, on `connection` and on no other, so that it starts
    /// nothing and keeps nothing from being idle; see [`Stack::probe`].
    ///
    /// # Errors
    /// [`CallError`](manyhands_core::CallError) from a layer or the connection.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call at the server, and counts for nothing.
    pub async fn probe(&self, connection: &Connection, call: Call, proves: bool) -> Outcome {
        let probe = self
            .stack
            .probe(Connected(connection), Box::new(call), proves);
        probe.await
    }

    pub(crate) fn send(&self, mut call: Call) -> Sending<'_> {
        self.limits.complete(&call.request, &mut call.context);
        self.way.send(Box::new(call))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("server", &self.server)
            .field("limits", &self.limits)
            .field("layers", &self.stack.order())
            .finish_non_exhaustive()
    }
}

/// The order outside of the stack is a contract, as is the order in it. Innermost first.
fn way(
    server: &Replicas,
    stack: &Stack,
    settings: &LayerSettings,
    layers: &Layers,
) -> Arc<dyn Way> {
    let (stack, server) = (stack.clone(), server.clone());
    let direct: Arc<dyn Way> = Arc::new(Stacked { stack, server });
    if settings.coalesce.is_none() && layers.is_empty() {
        // The usual case needs none of what a service of tower's costs.
        return direct;
    }
    let service = ServerService(direct);
    let service = match settings.coalesce.clone() {
        // Outside of the stack: one failure of a shared call is counted and repeated once. Inside of the user's layers:
        // what decides whether a principal may make a call decides it for each.
        Some(coalesce) => {
            ServerService(Arc::new(WayOf(CoalesceLayer::new(coalesce).layer(service))))
        }
        None => service,
    };
    // Outermost, so that they see each call once, and how it ended at last.
    layers.around(service).0
}

/// A server behind its stack.
struct Stacked {
    stack: Stack,
    server: Replicas,
}

impl Way for Stacked {
    fn send(&self, call: Box<Call>) -> Sending<'_> {
        Box::pin(self.stack.around(Server(&self.server), call))
    }
}

/// The end of the way: it starts its server where that is not up, and has clocks of its own.
#[derive(Clone, Copy)]
struct Server<'a>(&'a Replicas);

impl<'a> Server<'a> {
    /// The replica that takes a call, where that is settled.
    fn chosen(&self, call: &Call) -> Option<&'a Supervised> {
        match self.0.len() {
            1 => Some(self.0.first()),
            _ => self.0.get(call.context.replica?),
        }
    }
}

impl Inner for Server<'_> {
    async fn send(self, call: Box<Call>) -> Outcome {
        let replica = self.chosen(&call).unwrap_or(self.0.first());
        replica.request(call.request, call.context).await
    }

    fn preparation(&self, call: &Call) -> Option<Preparation> {
        let chosen = self.chosen(call);
        let is_up = match chosen {
            Some(replica) => replica.is_up(),
            None => {
                // A server is started as a whole, whichever of its replicas is up already.
                self.0.start();
                self.0.is_up()
            }
        };
        if is_up {
            return None;
        }
        let waited_for = chosen
            .cloned()
            .map_or_else(|| self.0.clone(), Replicas::from);
        let (request, context) = (call.request.clone(), call.context.clone());
        Some(Box::pin(async move {
            waited_for.wait_for_start(&request, &context).await
        }))
    }

    fn is_up(&self, replica: usize) -> bool {
        self.0.get(replica).is_some_and(Supervised::is_up)
    }

    fn keeps_time(&self) -> bool {
        true
    }
}

/// The end of a probe's way: it has clocks of its own, and starts nothing.
#[derive(Clone, Copy)]
struct Connected<'a>(&'a Connection);

impl Inner for Connected<'_> {
    async fn send(self, call: Box<Call>) -> Outcome {
        self.0.request(call.request, call.context).await
    }

    fn keeps_time(&self) -> bool {
        true
    }
}
