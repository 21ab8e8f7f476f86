//! Preparation: what a call needs before it can be made, such as a server's start, is waited for here. It must not know
//! what that is.

use manyhands_core::{Call, CallError};
use tracing::debug;

use crate::guard::{Guard, Inner, Outcome, Preparation};
use crate::remaining::Remaining;

/// Waits for what [`Inner::preparation`] names, on the call's own time.
///
/// What is behind it starts and restarts by rules of its own. So an error of it is final: a retry would only ask again
/// what has just been answered, and a breaker would leave a server alone that has since come up. A service of tower's
/// prepares nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct PreparationLayer;

impl Guard for PreparationLayer {
    fn name(&self) -> &'static str {
        "preparation"
    }

    async fn around<I: Inner>(&self, inner: I, mut call: Box<Call>) -> Outcome {
        if let Some(preparation) = inner.preparation(&call) {
            Box::pin(waited(preparation, &mut call)).await?;
        }
        inner.send(call).await
    }
}

/// Waits for what a call needs, on its own time.
pub(crate) async fn waited(preparation: Preparation, call: &mut Call) -> Result<(), CallError> {
    debug!(layer = "preparation", server = %call.server, "a call waits for its server");
    let remaining = Remaining::of(&call.context);
    remaining.hold();
    preparation.await.map_err(CallError::exhausted)?;
    remaining.hand_on(&mut call.context);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::guard::Preparation;
    use crate::testing::{SECOND, call, call_within, reply};
    use crate::{BulkheadLayer, BulkheadSettings, Stack, StackSettings, Statistics, stack};
    use manyhands_core::{Delivery, ErrorKind};
    use tokio::time::{Instant, sleep};

    /// A server that is up after a time, or fails to come up then, and answers after another time.
    #[derive(Clone)]
    struct Starting {
        comes_up: Result<Instant, Instant>,
        answers_in: Duration,
    }

    impl Inner for Starting {
        async fn send(self, call: Box<Call>) -> Outcome {
            let up = self.comes_up.is_ok_and(|at| at <= Instant::now());
            assert!(up, "it was sent a call before it was up");
            sleep(self.answers_in).await;
            Ok(reply(&call))
        }

        fn preparation(&self, _: &Call) -> Option<Preparation> {
            let (Ok(at) | Err(at)) = self.comes_up;
            let comes_up = self.comes_up;
            (at > Instant::now() || comes_up.is_err()).then(|| -> Preparation {
                Box::pin(async move {
                    tokio::time::sleep_until(at).await;
                    comes_up.map(drop).map_err(|_| {
                        CallError::new(
                            ErrorKind::Unavailable,
                            Delivery::NotSent,
                            "it will not start",
                        )
                    })
                })
            })
        }
    }

    fn starting(seconds: u32) -> Starting {
        Starting {
            comes_up: Ok(Instant::now() + seconds * SECOND),
            answers_in: SECOND,
        }
    }

    fn built(settings: &StackSettings) -> Stack {
        stack(settings, &Statistics::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_takes_no_place_of_a_bulkhead_and_no_time_of_an_attempt() {
        let bulkhead = BulkheadSettings::default().with_max_concurrent(1);
        let settings = StackSettings::default().with_bulkhead(bulkhead.with_queue(1, 2 * SECOND));
        let deadline = settings.deadline.clone().with_attempt(3 * SECOND);
        let stack = built(&settings.with_deadline(deadline));
        let server = starting(20);
        let (first, second) = tokio::join!(
            stack.around(server.clone(), call().into()),
            stack.around(server, call().into())
        );
        first.unwrap();
        second.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_is_on_the_callers_time() {
        let server = starting(20);
        let begun = Instant::now();
        let stack = built(&StackSettings::default());
        let error = stack.around(server, call_within(5 * SECOND).into()).await;
        let error = error.unwrap_err();
        assert_eq!(begun.elapsed(), 5 * SECOND);
        assert_eq!(error.delivery(), Delivery::NotSent);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_after_a_start_is_handed_on() {
        let mut slow = starting(2);
        slow.answers_in = 100 * SECOND;
        let begun = Instant::now();
        let bulkhead = BulkheadLayer::new(BulkheadSettings::default());
        let timed = crate::DeadlineLayer::total(&crate::DeadlineSettings::default());
        let way = slow
            .behind(&timed)
            .behind(&bulkhead)
            .behind(&PreparationLayer);
        way.send(call_within(5 * SECOND).into()).await.unwrap_err();
        assert_eq!(begun.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_fails_is_neither_tried_again_nor_held_against_the_server() {
        let stack = built(&StackSettings::default());
        for _ in 0..30 {
            let begun = Instant::now();
            let server = Starting {
                comes_up: Err(begun + SECOND),
                answers_in: SECOND,
            };
            let error = stack.around(server, call().into()).await.unwrap_err();
            assert_eq!(error.to_string(), "it will not start");
            assert_eq!(begun.elapsed(), SECOND);
        }
    }
}
