//! What the layers have in common: each is one asynchronous function around the rest of a call's way, and a
//! [`tower::Service`] when it is put around a service. It must not know what any of them is for.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use manyhands_core::{Call, CallError, Reply};
use tower::Service;

/// How a call ends.
pub type Outcome = Result<Reply, CallError>;

/// What has to be waited for before a call can be made.
pub type Preparation = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>;

/// What one layer does around a call.
///
/// Layers that are put inside each other this way are one future, however many they are.
pub trait Guard: Clone + Send + Sync + 'static {
    /// What the layer is called, in a list of what a call passes.
    fn name(&self) -> &'static str;

    /// Whether it does anything, rather than just send each call on.
    fn is_on(&self) -> bool {
        true
    }

    /// Whether it waits without an eye on the call's time, so that what lies further in cannot be relied on for that.
    fn dawdles(&self) -> bool {
        false
    }

    /// Takes `call` through the layer and on to `inner`. It is boxed since each layer's future has room for it twice.
    fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> impl Future<Output = Outcome> + Send;
}

/// The rest of a call's way, as a layer sees it.
pub trait Inner: Clone + Send {
    /// Sends `call` on.
    fn send(self, call: Box<Call>) -> impl Future<Output = Outcome> + Send;

    /// What has to be waited for before `call` can be made at all, such as a server's start; none where it can be made now.
    ///
    /// It is waited for where [`stack`](crate::stack) has its place for that, so that it holds none of a bulkhead's places,
    /// and is no part of an attempt's time. An error that was waited for is final.
    fn preparation(&self, call: &Call) -> Option<Preparation> {
        let _ = call;
        None
    }

    /// Whether one of the server's replicas would be sent a call at once.
    fn is_up(&self, replica: usize) -> bool {
        let _ = replica;
        true
    }

    /// Whether what lies further in ends each call by itself when its time is over. It knows more about why, and has the
    /// last word.
    fn keeps_time(&self) -> bool {
        false
    }

    /// The layers from here inwards, outermost first.
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// This way, behind a future of a size and a name of its own. Compilers refuse futures that are nested too deep.
    fn boxed(self) -> Boxed<Self> {
        Boxed(self)
    }

    /// This way, with `guard` before it.
    fn behind<G: Guard>(self, guard: &G) -> Guarding<'_, G, Self> {
        Guarding { guard, inner: self }
    }
}

/// A way with a boxed future.
#[derive(Debug, Clone, Copy)]
pub struct Boxed<I>(I);

impl<I: Inner> Inner for Boxed<I> {
    async fn send(self, call: Box<Call>) -> Outcome {
        let end: Pin<Box<dyn Future<Output = Outcome> + Send + '_>> = Box::pin(self.0.send(call));
        end.await
    }

    fn preparation(&self, call: &Call) -> Option<Preparation> {
        self.0.preparation(call)
    }

    fn is_up(&self, replica: usize) -> bool {
        self.0.is_up(replica)
    }

    fn keeps_time(&self) -> bool {
        self.0.keeps_time()
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.names()
    }
}

/// The way through one layer and on.
#[derive(Debug, Clone, Copy)]
pub struct Guarding<'a, G, I> {
    guard: &'a G,
    inner: I,
}

impl<G: Guard, I: Inner> Inner for Guarding<'_, G, I> {
    // Not an `async fn`: that would be one more future around each layer's.
    fn send(self, call: Box<Call>) -> impl Future<Output = Outcome> + Send {
        self.guard.around(self.inner, call)
    }

    fn preparation(&self, call: &Call) -> Option<Preparation> {
        self.inner.preparation(call)
    }

    fn is_up(&self, replica: usize) -> bool {
        self.inner.is_up(replica)
    }

    fn keeps_time(&self) -> bool {
        !self.guard.dawdles() && self.inner.keeps_time()
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names = self.inner.names();
        if self.guard.is_on() {
            names.insert(0, self.guard.name());
        }
        names
    }
}

/// A service behind one layer, or behind a whole stack of them. As cheap to clone as the service.
///
/// It is always ready: what the service needs before it takes a call is waited for on the call's own time.
///
/// # Cancel safety
/// A call is given up by dropping its future. The place, permit or probe that it held is free again at once.
#[derive(Debug, Clone)]
pub struct Guarded<G, S> {
    guard: G,
    service: S,
}

impl<G: Guard, S> Guarded<G, S> {
    pub(crate) fn new(guard: G, service: S) -> Self {
        Self { guard, service }
    }
}

impl<G, S> Service<Call> for Guarded<G, S>
where
    G: Guard,
    S: Service<Call, Response = Reply, Error = CallError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (guard, inner) = (self.guard.clone(), Leaf(self.service.clone()));
        Box::pin(async move { inner.behind(&guard).send(Box::new(call)).await })
    }
}

/// Where our layers end and a service begins that may be anybody's.
#[derive(Clone)]
pub(crate) struct Leaf<S>(pub(crate) S);

impl<S> Inner for Leaf<S>
where
    S: Service<Call, Response = Reply, Error = CallError> + Clone + Send,
    S::Future: Send,
{
    async fn send(mut self, call: Box<Call>) -> Outcome {
        poll_fn(|cx| self.0.poll_ready(cx)).await?;
        if let Some(transit) = &call.context.transit {
            transit.leave();
        }
        self.0.call(*call).await
    }
}

/// Makes guards layers of tower.
macro_rules! tower_layers {
    ($($guard:ty),* $(,)?) => {$(
        impl<S> tower::Layer<S> for $guard {
            type Service = $crate::guard::Guarded<$guard, S>;

            fn layer(&self, service: S) -> Self::Service {
                $crate::guard::Guarded::new(self.clone(), service)
            }
        }
    )*};
}

pub(crate) use tower_layers;
