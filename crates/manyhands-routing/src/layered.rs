//! Layers of a user's own around the way to a server, erased, so that no type of a user's names them. It must not know
//! what they do, nor what they are put around.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use manyhands_core::{Call, CallError, Reply};
use manyhands_resilience::Outcome;
use tower::{Layer, Service};

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Layers that go around the way to each server, the one that was added first outermost. Cheap to clone.
///
/// A layer is put around each server and each authorization of it anew: what it makes a state of in `layer` is one
/// connection's, and what all of them are to share it holds itself.
///
/// ```
/// use manyhands_routing::Layers;
/// use tower::layer::layer_fn;
///
/// let layers = Layers::default().and(layer_fn(|service| service));
/// assert_eq!(format!("{layers:?}"), "Layers(1)");
/// ```
#[derive(Clone, Default)]
pub struct Layers(Vec<Arc<Around>>);

type Around = dyn Fn(ServerService) -> ServerService + Send + Sync;

impl Layers {
    /// The same with one more, inside of those that are there.
    #[must_use]
    pub fn and<L>(mut self, layer: L) -> Self
    where
        L: Layer<ServerService> + Send + Sync + 'static,
        L::Service:
            Service<Call, Response = Reply, Error = CallError> + Clone + Send + Sync + 'static,
        <L::Service as Service<Call>>::Future: Send,
    {
        self.0.push(Arc::new(move |service| {
            ServerService(Arc::new(WayOf(layer.layer(service))))
        }));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn around(&self, service: ServerService) -> ServerService {
        let innermost_first = self.0.iter().rev();
        innermost_first.fold(service, |service, around| around(service))
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layers({})", self.0.len())
    }
}

/// One server behind its layers, as a layer of a user's own gets it. Cheap to clone, and always ready.
///
/// # Cancel safety
/// Dropping the future of a call cancels the call at the server.
#[derive(Clone)]
pub struct ServerService(pub(crate) Arc<dyn Way>);

impl Service<Call> for ServerService {
    type Response = Reply;
    type Error = CallError;
    type Future = Sending<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let way = self.0.clone();
        Box::pin(async move { way.send(Box::new(call)).await })
    }
}

impl fmt::Debug for ServerService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerService")
    }
}

/// The way to one server, whatever it is made of.
pub(crate) trait Way: Send + Sync {
    fn send(&self, call: Box<Call>) -> Sending<'_>;
}

/// The way through a service of tower's.
pub(crate) struct WayOf<S>(pub(crate) S);

impl<S> Way for WayOf<S>
where
    S: Service<Call, Response = Reply, Error = CallError> + Clone + Send + Sync,
    S::Future: Send,
{
    fn send(&self, call: Box<Call>) -> Sending<'_> {
        let mut service = self.0.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(*call).await
        })
    }
}
