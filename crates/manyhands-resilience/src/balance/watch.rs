//! A call at one replica, and what its end says of it. It must not know how replicas are compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use manyhands_core::CallContext;

use super::latency::OfTool;
use crate::guard::Outcome;
use crate::remaining::Remaining;
use crate::rule::Verdict;

/// No replica's number.
pub(super) const NOWHERE: usize = usize::MAX;

/// One call under way. Dropped before it ended, it says that the replica kept somebody waiting.
pub(super) struct Watch {
    replica: usize,
    latencies: Option<Arc<OfTool>>,
    last: Option<Arc<AtomicUsize>>,
    remaining: Remaining,
    verdict: Option<Verdict>,
}

impl Watch {
    /// None where nobody wants to know. Boxed, since that is the usual case.
    pub(super) fn new(
        replica: usize,
        latencies: Option<Arc<OfTool>>,
        last: Option<Arc<AtomicUsize>>,
        context: &CallContext,
    ) -> Option<Box<Self>> {
        (latencies.is_some() || last.is_some()).then(|| {
            Box::new(Self {
                replica,
                latencies,
                last,
                remaining: Remaining::of(context),
                verdict: None,
            })
        })
    }

    pub(super) fn ended(&mut self, outcome: &Outcome) {
        let verdict = Verdict::of_server(outcome);
        self.verdict = Some(verdict);
        let Some(last) = &self.last else { return };
        match verdict {
            Verdict::Answered => last.store(self.replica, Ordering::Relaxed),
            // Nobody stays with one that fails.
            Verdict::Failed => last.store(NOWHERE, Ordering::Relaxed),
            Verdict::Silent => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(latencies) = &self.latencies else {
            return;
        };
        let (took, known) = (self.remaining.worked(), latencies.at(self.replica));
        let is_longer = |known: f64| known < took.as_secs_f64();
        let counts = match self.verdict {
            Some(Verdict::Answered) => true,
            // That a failure came soon makes nothing fast.
            Some(Verdict::Failed) => known.is_some_and(is_longer),
            Some(Verdict::Silent) => false,
            // It would have taken longer still.
            None => known.is_none_or(is_longer),
        };
        if counts {
            latencies.put(self.replica, took);
        }
    }
}
