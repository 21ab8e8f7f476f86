//! Supervision over fakes in this process, on a paused clock.

mod start;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manyhands_core::{Arguments, ErrorKind};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::sync::Notify;

use super::*;
use crate::connector::Transport;
use crate::error::{ConnectErrorKind, OpenError};
use crate::wire::Wire;

const SECOND: Duration = Duration::from_secs(1);

/// A server that can be made to fail, and counts what happens to it.
#[derive(Clone, Default)]
struct Fake(Arc<FakeState>);

#[derive(Default)]
struct FakeState {
    /// The obstacles that the next connections meet.
    refusals: Mutex<Vec<ConnectErrorKind>>,
    /// How long it asks to be left alone when it refuses.
    retry_after: Mutex<Option<Duration>>,
    /// Whether new connections are never answered.
    silent: Mutex<bool>,
    /// How long a call takes to be answered.
    latency: Mutex<Duration>,
    /// When connections were opened.
    opened: Mutex<Vec<Instant>>,
    open: AtomicUsize,
    calls: AtomicUsize,
    crash: Notify,
}

impl Fake {
    fn supervised(&self, supervision: Supervision) -> Supervised {
        let options = ConnectOptions::new(ServerId::parse("s").unwrap());
        let connector = Connector::custom(self.clone());
        Supervised::new(connector, options, supervision.with_seed(1))
    }

    /// Refuses the next `times` connections.
    fn refuses(&self, times: usize, kind: ConnectErrorKind) {
        *self.0.refusals.lock().unwrap() = vec![kind; times];
    }

    fn crash(&self) {
        self.0.crash.notify_waiters();
    }

    fn opened(&self) -> Vec<Instant> {
        self.0.opened.lock().unwrap().clone()
    }

    fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    async fn serve(self, io: DuplexStream) {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let _open = Opened(self.clone());
        let (read, mut write) = tokio::io::split(io);
        let mut lines = BufReader::new(read).lines();
        let crash = self.0.crash.notified();
        let answers = async {
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line).unwrap();
                let result = match message["method"].as_str() {
                    Some("initialize") => {
                        json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                        "serverInfo": {"name": "fake", "version": "1"}})
                    }
                    Some("tools/call") => {
                        self.0.calls.fetch_add(1, Ordering::SeqCst);
                        let latency = *self.0.latency.lock().unwrap();
                        tokio::time::sleep(latency).await;
                        json!({"content": []})
                    }
                    _ => Value::Null,
                };
                let reply = match (&message["id"], result) {
                    (Value::Null, _) => continue,
                    (id, Value::Null) => {
                        json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32_601, "message": "unknown"}})
                    }
                    (id, result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                };
                let _ = write.write_all(format!("{reply}\n").as_bytes()).await;
            }
        };
        tokio::select! { () = crash => {}, () = answers => {} }
    }
}

/// Counts an open connection until it is dropped.
struct Opened(Fake);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Transport for Fake {
    async fn open(&self) -> Result<Wire, OpenError> {
        self.0.opened.lock().unwrap().push(Instant::now());
        if let Some(kind) = self.0.refusals.lock().unwrap().pop() {
            let wait = *self.0.retry_after.lock().unwrap();
            let error = OpenError::new(kind, "it is down").with_mend("look there");
            return Err(error.with_retry_after(wait));
        }
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let silent = *self.0.silent.lock().unwrap();
        let fake = self.clone();
        tokio::spawn(async move {
            if silent {
                let _kept_open = theirs;
                std::future::pending::<()>().await;
            } else {
                fake.serve(theirs).await;
            }
        });
        Ok(Wire::from_io(ours))
    }
}

fn call() -> Request {
    Request::CallTool {
        name: "t".into(),
        arguments: Arguments::default(),
    }
}

fn within(limit: Duration) -> CallContext {
    CallContext::default().with_timeout(limit)
}

/// Waits until the phase is one that is wanted.
async fn until(supervised: &Supervised, wanted: impl Fn(&Phase) -> bool) -> Phase {
    let mut phases = supervised.phases();
    loop {
        let phase = phases.next().await.unwrap();
        if wanted(&phase) {
            return phase;
        }
    }
}

fn is_up(phase: &Phase) -> bool {
    matches!(phase, Phase::Up(_))
}

#[tokio::test(start_paused = true)]
async fn it_starts_nothing_before_the_first_use_and_users_share_what_is_started() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default());
    tokio::time::sleep(60 * SECOND).await;
    assert!(fake.opened().is_empty() && matches!(supervised.phase(), Phase::Idle));

    let calls: Vec<_> = (0..10)
        .map(|_| {
            let user = supervised.clone();
            tokio::spawn(async move { user.request(call(), CallContext::default()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((fake.opened().len(), fake.calls()), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_is_back_and_the_wait_doubles() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default());
    let mut waits = Vec::new();
    for _ in 0..4 {
        supervised.connection(60 * SECOND).await.unwrap();
        let died = Instant::now();
        fake.crash();
        until(&supervised, |phase| {
            matches!(phase, Phase::BackingOff { .. })
        })
        .await;
        supervised
            .request(call(), within(60 * SECOND))
            .await
            .unwrap();
        waits.push((Instant::now() - died).as_secs_f64());
    }
    for (wait, longest) in waits.iter().zip([0.5, 1.0, 2.0, 4.0]) {
        assert!((longest / 2.0..=longest + 0.1).contains(wait), "{waits:?}");
    }
    assert_eq!((fake.opened().len(), fake.open()), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_good_life_it_is_back_at_once() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default());
    supervised.connection(SECOND).await.unwrap();
    tokio::time::sleep(60 * SECOND).await;
    let died = Instant::now();
    fake.crash();
    while fake.opened().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    supervised.connection(SECOND).await.unwrap();
    assert!(
        died.elapsed() < Duration::from_millis(50),
        "{:?}",
        died.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_at_start_joins_later() {
    let fake = Fake::default();
    fake.refuses(5, ConnectErrorKind::Unreachable);
    let supervised = fake.supervised(Supervision::default());
    supervised.start();
    until(&supervised, is_up).await;
    assert_eq!(fake.opened().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_no_repetition_mends_is_not_repeated_until_somebody_may_have_mended_it() {
    for kind in [
        ConnectErrorKind::Settings,
        ConnectErrorKind::Command,
        ConnectErrorKind::Unauthorized,
        ConnectErrorKind::NotMcp,
    ] {
        let fake = Fake::default();
        fake.refuses(1, kind);
        let supervised = fake.supervised(Supervision::default());
        let started = Instant::now();
        let error = supervised
            .request(call(), CallContext::default())
            .await
            .unwrap_err();
        assert_eq!(
            (started.elapsed(), error.retry_after()),
            (Duration::ZERO, None)
        );
        assert_eq!(error.to_string(), "call s.t: it is down; look there");
        tokio::time::sleep(29 * SECOND).await;
        assert!(
            supervised
                .request(call(), CallContext::default())
                .await
                .is_err()
        );
        assert_eq!(fake.opened().len(), 1, "{kind:?}");
        // Nobody starts it but a call.
        tokio::time::sleep(3_600 * SECOND).await;
        assert_eq!(fake.opened().len(), 1, "{kind:?}");
        let call = supervised.request(call(), CallContext::default());
        assert!(call.await.is_ok());
        assert_eq!(fake.opened().len(), 2, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_never_to_be_restarted_stays_down() {
    let fake = Fake::default();
    fake.refuses(1, ConnectErrorKind::Command);
    let supervised = fake.supervised(Supervision::default().with_restart(Restart::never()));
    for _ in 0..2 {
        let call = supervised.request(call(), CallContext::default());
        assert!(call.await.is_err());
        tokio::time::sleep(3_600 * SECOND).await;
    }
    assert_eq!(fake.opened().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_once_when_the_wait_is_longer_than_its_deadline() {
    let fake = Fake::default();
    fake.refuses(5, ConnectErrorKind::Unreachable);
    let supervised = fake.supervised(Supervision::default());
    let started = Instant::now();
    let error = supervised
        .request(call(), within(2 * SECOND))
        .await
        .unwrap_err();
    assert!(started.elapsed() < 2 * SECOND, "{:?}", started.elapsed());
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Unavailable, Delivery::NotSent)
    );
    let wait = error.retry_after().unwrap();
    assert!(started.elapsed() + wait > 2 * SECOND);
    assert_eq!(
        error.to_string(),
        format!(
            "call s.t: it is down; look there; try again in {} s",
            wait.as_secs() + 1
        )
    );
    // The time that it names is the right one.
    tokio::time::sleep(wait).await;
    assert!(matches!(
        supervised.phase(),
        Phase::Starting { .. } | Phase::BackingOff { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_in_vain_tells_the_last_failure() {
    let fake = Fake::default();
    fake.refuses(1, ConnectErrorKind::Exited);
    let supervised = fake.supervised(Supervision::default());
    supervised.start();
    until(&supervised, |phase| {
        matches!(phase, Phase::BackingOff { .. })
    })
    .await;
    *fake.0.silent.lock().unwrap() = true;
    let error = supervised
        .request(call(), within(5 * SECOND))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "call s.t: it is down; started again, it is not up after 5s; look there"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_sent_once_its_server_is_back() {
    let fake = Fake::default();
    fake.refuses(3, ConnectErrorKind::Exited);
    let supervised = fake.supervised(Supervision::default());
    supervised
        .request(call(), within(10 * SECOND))
        .await
        .unwrap();
    assert_eq!((fake.calls(), fake.opened().len()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_been_received_is_never_repeated() {
    let fake = Fake::default();
    *fake.0.latency.lock().unwrap() = 5 * SECOND;
    let supervised = fake.supervised(Supervision::default());
    let user = supervised.clone();
    let pending = tokio::spawn(async move { user.request(call(), CallContext::default()).await });
    tokio::time::sleep(SECOND).await;
    fake.crash();
    let error = pending.await.unwrap().unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!((fake.calls(), fake.opened().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_its_connection_closed_goes_over_the_next_one() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default());
    for n in 1..=5 {
        let connection = supervised.connection(60 * SECOND).await.unwrap();
        connection.close().await;
        supervised
            .request(call(), within(60 * SECOND))
            .await
            .unwrap();
        assert_eq!((fake.calls(), fake.opened().len()), (n, n + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_says_so_and_a_call_after_the_cool_down_tries_once() {
    let fake = Fake::default();
    fake.refuses(100, ConnectErrorKind::Exited);
    let restart = Restart::default().with_budget(3, 300 * SECOND);
    let supervised = fake.supervised(Supervision::default().with_restart(restart));
    let error = supervised
        .request(call(), within(60 * SECOND))
        .await
        .unwrap_err();
    assert_eq!(fake.opened().len(), 4);
    assert_eq!(error.retry_after(), Some(300 * SECOND));
    assert_eq!(
        error.to_string(),
        "call s.t: it is down; it failed too often, and is left alone for a while; look there; try again in 300 s"
    );

    tokio::time::sleep(299 * SECOND).await;
    assert!(
        supervised
            .request(call(), CallContext::default())
            .await
            .is_err()
    );
    assert_eq!(fake.opened().len(), 4, "it is left alone");

    tokio::time::sleep(SECOND).await;
    assert!(
        supervised
            .request(call(), CallContext::default())
            .await
            .is_err()
    );
    assert_eq!(fake.opened().len(), 5, "one try, not a new row of them");

    fake.refuses(0, ConnectErrorKind::Exited);
    tokio::time::sleep(300 * SECOND).await;
    supervised
        .request(call(), CallContext::default())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_restarts_a_dead_server_stays_dead() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default().with_restart(Restart::never()));
    supervised.connection(SECOND).await.unwrap();
    fake.crash();
    until(&supervised, |phase| {
        matches!(phase, Phase::Failed { retry_at: None, .. })
    })
    .await;
    let error = supervised
        .request(call(), CallContext::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "call s.t: the connection was closed; look at its log"
    );
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_nobody_calls_and_the_next_call_starts_it() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default().with_idle_stop(Some(10 * SECOND)));
    supervised
        .request(call(), CallContext::default())
        .await
        .unwrap();
    tokio::time::sleep(6 * SECOND).await;
    supervised
        .request(call(), CallContext::default())
        .await
        .unwrap();
    tokio::time::sleep(9 * SECOND).await;
    assert!(is_up(&supervised.phase()), "a call counts");
    tokio::time::sleep(2 * SECOND).await;
    assert!(matches!(supervised.phase(), Phase::Idle));
    assert_eq!(fake.open(), 0);
    supervised
        .request(call(), CallContext::default())
        .await
        .unwrap();
    assert_eq!((fake.opened().len(), fake.calls()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_long_call_is_no_idleness() {
    let fake = Fake::default();
    *fake.0.latency.lock().unwrap() = 25 * SECOND;
    let supervised = fake.supervised(Supervision::default().with_idle_stop(Some(10 * SECOND)));
    supervised
        .request(call(), CallContext::default())
        .await
        .unwrap();
    tokio::time::sleep(9 * SECOND).await;
    assert!(
        is_up(&supervised.phase()),
        "it counts from the end of the call"
    );
    let used = supervised.in_use();
    tokio::time::sleep(60 * SECOND).await;
    assert!(is_up(&supervised.phase()));
    drop(used);
    tokio::time::sleep(11 * SECOND).await;
    assert!(matches!(supervised.phase(), Phase::Idle));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_lost_to_the_stop() {
    // The stop comes as often as it can, between calls that come as soon as they can.
    let fake = Fake::default();
    let stop = Some(Duration::from_millis(1));
    let supervised = fake.supervised(Supervision::default().with_idle_stop(stop));
    for n in 0_u32..300 {
        supervised
            .request(call(), CallContext::default())
            .await
            .unwrap();
        if n % 3 > 0 {
            let pause = Duration::from_micros(u64::from(n) * 7 % 2_000);
            tokio::time::sleep(pause).await;
        }
    }
    assert_eq!(fake.calls(), 300);
    assert!(fake.opened().len() > 1, "it was never stopped");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_it_for_good_in_every_phase() {
    let fake = Fake::default();
    let up = fake.supervised(Supervision::default());
    up.connection(SECOND).await.unwrap();
    let backing_off = {
        let down = Fake::default();
        down.refuses(9, ConnectErrorKind::Exited);
        let supervised = down.supervised(Supervision::default());
        assert!(supervised.connection(10 * SECOND).await.is_err());
        supervised
    };
    for supervised in [up, backing_off, fake.supervised(Supervision::default())] {
        let started = Instant::now();
        supervised.close().await;
        assert!(started.elapsed() < 5 * SECOND, "{supervised:?}");
        // Whatever the supervisor was about to enter comes too late.
        supervised.0.shared.enter(Phase::Idle);
        assert!(matches!(supervised.phase(), Phase::Closed));
        let error = supervised
            .request(call(), CallContext::default())
            .await
            .unwrap_err();
        assert_eq!(error.cause(), "its server was closed here");
        let mut phases = supervised.phases();
        assert!(matches!(phases.next().await, Some(Phase::Closed)));
        assert!(phases.next().await.is_none());
    }
    assert_eq!(fake.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_everything() {
    let fake = Fake::default();
    let supervised = fake.supervised(Supervision::default());
    supervised.connection(SECOND).await.unwrap();
    let (clone, mut phases, ended) = (
        supervised.clone(),
        supervised.phases(),
        supervised.0.ended.clone(),
    );
    drop(supervised);
    clone.request(call(), CallContext::default()).await.unwrap();
    drop(clone);
    timeout(SECOND, ended.cancelled())
        .await
        .expect("the task has ended");
    while fake.open() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(phases.next().await, Some(Phase::Closed)));
    assert!(phases.next().await.is_none());
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(fake.opened().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    let fake = Fake::default();
    fake.refuses(1, ConnectErrorKind::HttpStatus);
    *fake.0.retry_after.lock().unwrap() = Some(90 * SECOND);
    let supervised = fake.supervised(Supervision::default());
    supervised.start();
    until(&supervised, |phase| matches!(phase, Phase::Up(_))).await;
    let opened = fake.opened();
    let [first, second] = opened[..] else {
        panic!("{opened:?}");
    };
    assert_eq!((second - first).as_secs(), 90);
}
