//! When calls pass: the state machine beside a simple model of it, and the layer around it.

use std::num::NonZeroU32;

use super::*;
use crate::testing::{SECOND, Server, call, reply, send};
use manyhands_core::{Delivery, ServerId};
use tokio::time::sleep;
use tower::Layer as _;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn settings() -> BreakerSettings {
    BreakerSettings::default()
        .with_consecutive(number(3))
        .with_open(10 * SECOND, 40 * SECOND)
}

fn breaker(settings: BreakerSettings) -> BreakerLayer {
    BreakerLayer::seeded(settings, KeyBy::server(), 5)
}

/// A server that fails until it is mended.
fn mendable() -> (Server, Arc<Mutex<bool>>) {
    let mended = Arc::new(Mutex::new(false));
    let is_mended = mended.clone();
    let server = Server::new(move |_, call| {
        let works = *is_mended.lock().unwrap();
        async move {
            if works {
                return Ok(reply(&call));
            }
            Err(CallError::new(
                ErrorKind::ConnectionClosed,
                Delivery::Unknown,
                "it stopped",
            ))
        }
    });
    (server, mended)
}

fn state(layer: &BreakerLayer) -> BreakerState {
    layer.status("slack").unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_in_a_row_is_left_alone_and_tried_again() {
    let (server, mended) = mendable();
    let layer = breaker(settings());
    let mut changes = layer.changes();
    let service = layer.layer(server.clone());
    for _ in 0..3 {
        send(&service, call()).await.unwrap_err();
    }
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let error = send(&service, call()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Unavailable, Delivery::NotSent)
    );
    assert!(error.is_exhausted());
    let wait = error.retry_after().unwrap();
    assert!((5 * SECOND..=10 * SECOND).contains(&wait), "{wait:?}");
    let wait_text = Rounded(wait);
    assert_eq!(
        error.to_string(),
        format!(
            "call slack.post: slack has failed 3 times in a row (the last time: it stopped) and is left alone for \
             {wait_text}; try again then, or look at the server's log"
        )
    );
    assert_eq!((server.count(), state(&layer)), (3, BreakerState::Open));
    assert_eq!(layer.snapshot(), [layer.status("slack").unwrap()]);
    assert_eq!(layer.status("slack").unwrap().open_for, Some(wait));

    sleep(wait).await;
    assert_eq!(state(&layer), BreakerState::HalfOpen);
    send(&service, call()).await.unwrap_err();
    let error = send(&service, call()).await.unwrap_err();
    assert!(
        error.to_string().contains("has failed 4 times in a row"),
        "{error}"
    );
    let wait = error.retry_after().unwrap();
    assert!(
        (10 * SECOND..=20 * SECOND).contains(&wait),
        "it grows: {wait:?}"
    );

    *mended.lock().unwrap() = true;
    sleep(wait).await;
    send(&service, call()).await.unwrap();
    assert_eq!(state(&layer), BreakerState::Closed);
    assert!(changes.has_changed().unwrap());
    assert_eq!(layer.status("slack").unwrap().failures_in_a_row, 0);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_reset_by_hand() {
    let (server, mended) = mendable();
    let layer = breaker(settings());
    let service = layer.layer(server);
    for _ in 0..3 {
        send(&service, call()).await.unwrap_err();
    }
    *mended.lock().unwrap() = true;
    assert!(send(&service, call()).await.is_err());
    layer.reset("teams");
    assert!(send(&service, call()).await.is_err());
    layer.reset("slack");
    send(&service, call()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_the_server_does_not_open_it() {
    for (kind, delivery) in [
        (ErrorKind::InvalidArguments, Delivery::Rejected),
        (ErrorKind::Unauthorized, Delivery::Rejected),
        (ErrorKind::Refused, Delivery::Unknown),
        (ErrorKind::RateLimited, Delivery::NotSent),
        (ErrorKind::DeadlineExceeded, Delivery::NotSent),
    ] {
        let server = Server::failing(kind, delivery);
        let service = breaker(settings()).layer(server.clone());
        for _ in 0..50 {
            send(&service, call()).await.unwrap_err();
        }
        assert_eq!(server.count(), 50, "{kind:?} {delivery:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_circuit_of_its_own() {
    let (server, _) = mendable();
    let layer = BreakerLayer::seeded(settings(), KeyBy::capability(), 5);
    let service = layer.layer(server.clone());
    for _ in 0..5 {
        send(&service, call()).await.unwrap_err();
    }
    let mut other = call();
    other.server = ServerId::parse("teams").unwrap();
    let error = send(&service, other).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::ConnectionClosed,
        "it is not the one that is open"
    );
    let keys: Vec<_> = layer
        .snapshot()
        .into_iter()
        .map(|status| status.key)
        .collect();
    assert_eq!(keys, ["slack.post", "teams.post"]);
}

#[tokio::test(start_paused = true)]
async fn it_opens_at_a_rate_too_once_there_are_calls_enough() {
    let server = Server::new(async |number, call| match number % 2 {
        0 => Err(CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            "it is down",
        )),
        _ => Ok(reply(&call)),
    });
    let service = breaker(settings().with_rate(50, number(10), 30 * SECOND)).layer(server.clone());
    for _ in 0..10 {
        let _ = send(&service, call()).await;
    }
    let error = send(&service, call()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("slack has failed 5 of its last 10 calls"),
        "{error}"
    );
    assert_eq!(server.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_counts_as_a_failure_where_that_is_set() {
    for (settings, expected) in [(settings(), 9), (settings().with_slow_call(2 * SECOND), 3)] {
        let server = Server::new(async |_, call| {
            let raw = reply(&call).raw().to_owned();
            Ok(Reply::new(call.server, raw, 2 * SECOND))
        });
        let service = breaker(settings).layer(server.clone());
        for _ in 0..9 {
            let _ = send(&service, call()).await;
        }
        assert_eq!(server.count(), expected);
    }
}

/// Opens a circuit and waits until it may be probed; then the server answers after a time.
async fn ready_to_probe(settings: BreakerSettings, answer: Duration) -> (BreakerLayer, Server) {
    let server = Server::new(move |number, call| async move {
        if number <= 3 {
            return Err(CallError::new(
                ErrorKind::Unavailable,
                Delivery::NotSent,
                "it is down",
            ));
        }
        sleep(answer).await;
        Ok(reply(&call))
    });
    let layer = breaker(settings);
    let service = layer.layer(server.clone());
    for _ in 0..3 {
        send(&service, call()).await.unwrap_err();
    }
    sleep(10 * SECOND).await;
    (layer, server)
}

#[tokio::test(start_paused = true)]
async fn only_so_many_probes_run_at_once_and_all_have_to_be_answered() {
    let (layer, server) = ready_to_probe(settings().with_probes(number(2)), SECOND).await;
    let service = layer.layer(server.clone());
    let (one, two, three) = tokio::join!(
        send(&service, call()),
        send(&service, call()),
        send(&service, call())
    );
    assert!(one.is_ok() && two.is_ok());
    let three = three.unwrap_err();
    assert_eq!(three.delivery(), Delivery::NotSent);
    assert!(
        three
            .to_string()
            .ends_with("and another call is trying it right now; try again shortly"),
        "{three}"
    );
    assert_eq!((server.count(), state(&layer)), (5, BreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_makes_room_for_another() {
    let (layer, server) = ready_to_probe(settings(), SECOND).await;
    let service = layer.layer(server);
    for _ in 0..10 {
        let given_up = tokio::time::timeout(SECOND / 2, send(&service, call())).await;
        assert!(given_up.is_err());
        assert_eq!(state(&layer), BreakerState::HalfOpen);
    }
    send(&service, call()).await.unwrap();
    assert_eq!(state(&layer), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_does_not_hold_it_half_open_for_ever() {
    let (layer, server) = ready_to_probe(settings(), 1_000 * SECOND).await;
    let service = layer.layer(server.clone());
    let hangs = tokio::spawn({
        let service = service.clone();
        async move { send(&service, call()).await }
    });
    sleep(39 * SECOND).await;
    let error = send(&service, call()).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Unavailable, 4));
    sleep(SECOND).await;
    let second = tokio::time::timeout(SECOND, send(&service, call())).await;
    assert!(second.is_err() && server.count() == 5, "it was let through");
    hangs.abort();
}

#[tokio::test(start_paused = true)]
async fn the_time_to_stay_open_is_bounded() {
    let (server, _) = mendable();
    let layer = breaker(settings());
    let service = layer.layer(server);
    let mut waits = Vec::new();
    for _ in 0..2_000 {
        let _ = send(&service, call()).await;
        if let Some(wait) = layer.status("slack").unwrap().open_for {
            waits.push(wait);
            sleep(wait).await;
        }
    }
    assert!(waits.len() > 1_900);
    assert!(waits.iter().all(|wait| *wait <= 40 * SECOND));
    assert!(waits.iter().skip(3).all(|wait| *wait >= 20 * SECOND));
}

/// What a breaker is, told as simply as possible: a list of what happened, looked through anew each time.
#[derive(Debug)]
struct Model {
    /// Ends of calls since it was closed last, with their times.
    ends: Vec<(Instant, bool)>,
    /// When it opened, and until when it is open.
    open: Option<Instant>,
    /// Since it let probes through: which calls those are, and how many were answered.
    probing: Option<(Vec<usize>, u32)>,
    began_in: Vec<usize>,
    epoch: usize,
}

impl Model {
    fn admits(&mut self, probes: u32, now: Instant, id: usize) -> bool {
        if let Some(until) = self.open {
            if now < until {
                return false;
            }
            (self.open, self.probing) = (None, Some((Vec::new(), 0)));
            self.epoch += 1;
        }
        if let Some((running, _)) = &mut self.probing {
            if running.len() >= probes as usize {
                return false;
            }
            running.push(id);
        }
        true
    }
}

#[tokio::test(start_paused = true)]
async fn many_random_steps_go_as_in_a_simple_model() {
    for seed in 0..60 {
        model_run(seed, 2_000);
    }
}

fn model_run(seed: u64, steps: usize) {
    let mut random = Rng::with_seed(seed);
    let probes = random.u32(1..4);
    // The window is longer than the run, so that the model need not slide: the window has tests of its own.
    let settings = settings()
        .with_probes(number(probes))
        .with_rate(60, number(8), 1_000_000 * SECOND)
        .with_open(SECOND, 1_000_000 * SECOND);
    let mut now = Instant::now();
    let mut circuit = Circuit::new(&settings, Rng::with_seed(seed), now);
    let mut model = Model {
        ends: vec![],
        open: None,
        probing: None,
        began_in: vec![],
        epoch: 0,
    };
    let mut running: Vec<(usize, Pass)> = Vec::new();
    for step in 0..steps {
        now += Duration::from_millis(random.u64(0..800));
        if running.is_empty() || random.bool() {
            let id = model.began_in.len();
            let passed = circuit.admit(&settings, now);
            assert_eq!(
                passed.is_ok(),
                model.admits(probes, now, id),
                "seed {seed}, step {step}: {model:?}"
            );
            model.began_in.push(model.epoch);
            if let Ok(pass) = passed {
                running.push((id, pass));
            }
        } else {
            let (id, pass) = running.swap_remove(random.usize(..running.len()));
            let end = random
                .choice([Some(true), Some(false), Some(false), None])
                .flatten();
            let verdict = match end {
                Some(true) => Verdict::Answered,
                Some(false) => Verdict::Failed,
                None => Verdict::Silent,
            };
            circuit.record(&settings, pass, verdict, now);
            model_end(&mut model, id, end, probes, now, circuit.open_for(now));
        }
        let expected = match (model.open, &model.probing) {
            (Some(until), _) if now < until => BreakerState::Open,
            (Some(_), _) | (None, Some(_)) => BreakerState::HalfOpen,
            (None, None) => BreakerState::Closed,
        };
        assert_eq!(
            circuit.state(now),
            expected,
            "seed {seed}, step {step}: {model:?}"
        );
    }
}

/// The model cannot know the jitter; how long it is open it takes over, once it has found out that it is.
fn model_end(
    model: &mut Model,
    id: usize,
    end: Option<bool>,
    probes: u32,
    now: Instant,
    open_for: Option<Duration>,
) {
    if model.began_in[id] != model.epoch {
        return;
    }
    let mut opens = false;
    if let Some((running, answered)) = &mut model.probing {
        running.retain(|it| *it != id);
        match end {
            Some(true) => *answered += 1,
            Some(false) => opens = true,
            None => {}
        }
        if *answered == probes {
            model.probing = None;
            model.epoch += 1;
            model.ends.clear();
        }
    } else if let Some(answered) = end {
        model.ends.push((now, answered));
        let failures = model.ends.iter().filter(|(_, answered)| !answered).count();
        let in_a_row = model
            .ends
            .iter()
            .rev()
            .take_while(|(_, answered)| !answered)
            .count();
        let rate = model.ends.len() >= 8 && failures * 10 >= model.ends.len() * 6;
        opens = !answered && (in_a_row >= 3 || rate);
    }
    if opens {
        let open_for = open_for.expect("the model opens here");
        (model.open, model.probing) = (Some(now + open_for), None);
        model.epoch += 1;
        model.ends.clear();
    }
}
