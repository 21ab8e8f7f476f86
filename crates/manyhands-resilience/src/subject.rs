//! What a call was for, kept for the error that it may end with. It must not know why it ends.

use manyhands_core::{Call, CallError, Delivery, ErrorKind, Request, ServerId, TraceId};

/// The names of a call, which itself has been handed on.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    server: ServerId,
    request: Request,
    trace: TraceId,
}

impl Subject {
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            server: call.server.clone(),
            request: call.request.clone(),
            trace: call.context.trace,
        }
    }

    pub(crate) fn error(
        &self,
        kind: ErrorKind,
        delivery: Delivery,
        cause: impl Into<String>,
    ) -> CallError {
        CallError::new(kind, delivery, cause)
            .with_server(self.server.clone())
            .with_capability(self.request.capability(&self.server))
            .with_trace(self.trace)
    }
}

/// The error of a call that a layer turns away. It is final: the layer knows what trying again at once would give.
pub(crate) fn turned_away(call: &Call, kind: ErrorKind, cause: impl Into<String>) -> CallError {
    let error = Subject::of(call).error(kind, Delivery::NotSent, cause);
    error.exhausted()
}
