//! Every layer tells of what it does, at debug. Alone in its process, since what is logged by one test is filtered by all.

use std::future::pending;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands_core::{
    Arguments, Call, CallError, Delivery, Effect, ErrorKind, Reply, Request, ServerId,
};
use manyhands_resilience::{
    BreakerSettings, BulkheadSettings, ChaosSettings, CoalesceLayer, DeadlineLayer,
    DeadlineSettings, HedgeSettings, RateLimitSettings, Stack, StackSettings, Statistics,
};
use tokio::time::sleep;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn every_layer_tells_of_what_it_does() {
    let events = Events::default();
    let guard = tracing::subscriber::set_default(events.clone());
    let settings = StackSettings::default()
        .with_chaos(ChaosSettings::default().with_seed(1))
        .with_breaker(
            BreakerSettings::default().with_consecutive(NonZeroU32::MIN.saturating_add(1)),
        )
        .with_hedge(HedgeSettings::default().with_after(SECOND / 20))
        .with_bulkhead(BulkheadSettings::default().with_max_concurrent(1))
        .with_rate_limit(
            RateLimitSettings::default()
                .with_rate(NonZeroU32::MIN, SECOND)
                .with_burst(NonZeroU32::MIN),
        );
    let server = service_fn(async |_: Call| {
        sleep(SECOND / 10).await;
        Err::<Reply, _>(CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            "it is down",
        ))
    });
    let stack = Stack::seeded(&settings, &Statistics::default(), 3);
    let service = CoalesceLayer::default().layer(stack.layer(server));
    let (read, write) = (call_of(Effect::ReadOnly), call_of(Effect::Unknown));
    let send = |call: &Call| service.clone().oneshot(call.clone());
    let _ends = tokio::join!(send(&read), send(&read), send(&write));

    let never = service_fn(|_: Call| pending::<Result<Reply, CallError>>());
    let short = DeadlineSettings::default().with_attempt(SECOND);
    let _end = DeadlineLayer::attempt(&short)
        .layer(never)
        .oneshot(write)
        .await;
    drop(guard);
    let mut seen = events.0.lock().expect("no other holder panics").clone();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        seen,
        [
            "attempt",
            "attempt deadline",
            "breaker",
            "bulkhead",
            "chaos",
            "coalesce",
            "hedge",
            "rate limit",
            "retry",
            "statistics",
        ]
    );
}

fn call_of(effect: Effect) -> Call {
    let (name, arguments) = ("post".into(), Arguments::default());
    let server = ServerId::parse("slack").expect("a legal id");
    let mut call = Call::new(server, Request::CallTool { name, arguments });
    call.context.effect = effect;
    call
}

/// Remembers the layers whose events it sees.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.0
            .lock()
            .expect("no other holder panics")
            .push(attributes.metadata().name().to_owned());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Layers(&self.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Layers<'a>(&'a Mutex<Vec<String>>);

impl Visit for Layers<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "layer" {
            self.0
                .lock()
                .expect("no other holder panics")
                .push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
