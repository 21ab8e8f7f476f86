//! One span for each attempt, so that what is logged within it can be told from the attempt before it.

use manyhands_core::Call;
use tracing::{Instrument as _, debug, debug_span};

use crate::guard::{Guard, Inner, Outcome, tower_layers};

/// Puts each attempt into a span named `attempt`, with the server, the trace and the attempt's number.
///
/// It belongs inside of the retry, which does the counting.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AttemptSpanLayer;

impl Guard for AttemptSpanLayer {
    fn name(&self) -> &'static str {
        "attempt span"
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        let span = debug_span!(
            "attempt",
            server = %call.server,
            number = call.context.attempt,
            trace = %call.context.trace,
        );
        if span.is_disabled() {
            return inner.send(call).await;
        }
        async {
            let outcome = inner.send(call).await;
            match &outcome {
                Ok(reply) => debug!(took = ?reply.took(), "answered"),
                Err(error) => debug!(%error, delivery = error.delivery().as_str(), "failed"),
            }
            outcome
        }
        .instrument(span)
        .await
    }
}

tower_layers!(AttemptSpanLayer);
