//! Servers that die, come back, come late, or are stopped while nobody needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands::{
    Builder, CallError, Connector, Delivery, ErrorKind, RestartSettings, ServerStatus, Toolkit,
};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::servers::{builder, id, kit, polite, state, text};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until one server is in this state.
async fn until(kit: &Toolkit, server: &str, wanted: &str) {
    let mut changes = kit.changes();
    while state(kit, server) != wanted {
        changes.next().await.unwrap();
    }
}

/// Restarts without end, which come soon.
fn tireless() -> RestartSettings {
    RestartSettings::default()
        .with_budget(u32::MAX, SECOND)
        .with_backoff(Duration::from_millis(20), Duration::from_millis(100))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_is_back_and_answers() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    let mut changes = kit.changes();
    server.stop();
    let gone = changes.next().await.unwrap();
    assert_eq!(
        gone.status.cause(),
        Some("the connection was closed"),
        "{gone:?}"
    );
    let report = kit.report();
    assert!(report.server("s").unwrap().retry_in.is_some());
    assert_eq!(
        report.to_string(),
        "s  failed      the connection was closed; look at its log; next try in 1 s"
    );
    assert_eq!(
        kit.catalogue().tools().count(),
        2,
        "names keep their meaning"
    );

    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    let back = changes.next().await.unwrap();
    assert_eq!(
        (back.status, back.diff.is_empty()),
        (ServerStatus::Ready, true)
    );
    assert_eq!((server.connections(), server.open_connections()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_offers_after_its_return_is_what_counts() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    let server = server.tool("new", |_| text("new"));
    let mut changes = kit.changes();
    server.stop();
    changes.next().await.unwrap();
    let back = changes.next().await.unwrap();
    assert_eq!((back.diff.added.len(), back.generation), (1, 2));
    assert_eq!(kit.call("s.new", json!({})).await.unwrap().text(), "new");
}

#[tokio::test(start_paused = true)]
async fn tools_that_cannot_be_listed_for_once_are_kept() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    let server = server.fault(Fault::FailsList(manyhands_core::ListKind::Tools, -32_603));
    server.stop();
    until(&kit, "s", "failed").await;
    server.until(|server| server.connections() == 2).await;
    sleep(SECOND).await;
    let report = kit.report();
    let cause = report
        .server("s")
        .unwrap()
        .status
        .cause()
        .unwrap()
        .to_owned();
    assert!(cause.starts_with("its tools cannot be listed"), "{cause}");
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_at_start_and_comes_up_later_joins() {
    let server = polite("s");
    let (down, up) = (Arc::new(Mutex::new(true)), server.clone());
    let is_down = down.clone();
    let connector = Connector::in_process(move |io| {
        let (server, down) = (up.clone(), *is_down.lock().unwrap());
        async move {
            if !down {
                server.serve(io).await;
            }
        }
    });
    let kit = builder(&[])
        .add(id("s"), connector)
        .connect()
        .await
        .unwrap();
    assert_eq!(state(&kit, "s"), "failed");
    assert!(kit.catalogue().tools().next().is_none());
    let mut changes = kit.changes();
    sleep(20 * SECOND).await;
    *down.lock().unwrap() = false;
    // It is called before anybody knows that it offers this.
    let reply = kit.call("s.whoami", json!({})).await.unwrap();
    assert_eq!(reply.text(), "s");
    let mut last = changes.next().await.unwrap();
    while last.status.is_failure() {
        last = changes.next().await.unwrap();
    }
    assert_eq!(
        (last.status, last.diff.added.len()),
        (ServerStatus::Ready, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_attempt_counts_as_started_and_is_not_waited_out() {
    let server = polite("s").fault(Fault::ClosesAtHandshake);
    let kit = builder(&[("s", &server)]).start();
    let started = Instant::now();
    kit.all_started().await;
    assert!(started.elapsed() < SECOND / 4, "{:?}", started.elapsed());
    // Nor does it seem to start anew with every attempt.
    for _ in 0..1_000 {
        sleep(Duration::from_millis(10)).await;
        assert_eq!(state(&kit, "s"), "failed");
    }
    assert!(server.connections() > 2);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_says_so_and_a_later_call_tries_once_more() {
    let server = polite("s").fault(Fault::ClosesAtHandshake);
    let restart = RestartSettings::default().with_budget(3, 300 * SECOND);
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.restart(restart))
        .start();
    sleep(30 * SECOND).await;
    // An attempt may take more than one connection.
    let attempts = server.connections();
    let started = Instant::now();
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::ZERO);
    let (kind, delivery) = (error.kind(), error.delivery());
    assert_eq!(
        (kind, delivery),
        (ErrorKind::Unavailable, Delivery::NotSent)
    );
    assert!(error.retry_after().is_some());
    let told = "call s.whoami: the connection was closed during the handshake; it failed too often, and is left alone \
                for a while; look at the server's own log; try again in ";
    assert!(error.to_string().starts_with(told), "{error}");

    sleep(299 * SECOND).await;
    assert_eq!(server.connections(), attempts, "it is left alone");
    sleep(SECOND).await;
    assert!(kit.call("s.whoami", json!({})).await.is_err());
    assert_eq!(server.connections(), attempts + attempts / 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_may_not_be_restarted_is_not() {
    let server = polite("s");
    let kit = builder(&[("s", &server)])
        .server("s", manyhands::ServerSettings::no_restart)
        .connect()
        .await
        .unwrap();
    server.stop();
    until(&kit, "s", "failed").await;
    sleep(600 * SECOND).await;
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "call s.whoami: the connection was closed; look at its log"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lazy_server_starts_with_its_first_call_and_stops_when_nobody_calls() {
    let (server, other) = (polite("s"), polite("other"));
    let kit = builder(&[("s", &server), ("other", &other)])
        .server("s", |s| s.lazy(true).idle_stop(60 * SECOND))
        .connect()
        .await
        .unwrap();
    kit.all_started().await;
    assert_eq!((state(&kit, "s"), server.connections()), ("idle", 0));
    assert_eq!(
        kit.report().to_string(),
        "s      idle        not running; starts when it is called\nother  ready       2 tools (0.00 s)"
    );

    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    assert_eq!(state(&kit, "s"), "ready");
    sleep(61 * SECOND).await;
    assert_eq!((state(&kit, "s"), server.open_connections()), ("idle", 0));
    assert_eq!(kit.catalogue().tools().count(), 4, "its names stay");
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    assert_eq!((server.connections(), other.connections()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn starting_all_makes_lazy_servers_known() {
    let server = polite("s");
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.lazy(true))
        .start();
    kit.start_all();
    kit.all_started().await;
    assert_eq!(
        (state(&kit, "s"), kit.catalogue().tools().count()),
        ("ready", 2)
    );
}

#[tokio::test(start_paused = true)]
async fn all_who_call_at_once_share_one_server() {
    let server = polite("s");
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.lazy(true))
        .start();
    let mut calls = JoinSet::new();
    for n in 0..50 {
        let ask = kit.call("s.echo", json!({"n": n}));
        calls.spawn(async move { ask.await.unwrap() });
    }
    assert_eq!(calls.join_all().await.len(), 50);
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_during_a_back_off_is_quick_and_final() {
    let server = polite("s").fault(Fault::ClosesAtHandshake);
    let kit = builder(&[("s", &server)]).start();
    sleep(40 * SECOND).await;
    let started = Instant::now();
    kit.close().await;
    assert!(started.elapsed() < 5 * SECOND);
    let (seen, started) = (server.connections(), Instant::now());
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "call s.whoami: its server was closed here; connect it anew to use it"
    );
    sleep(600 * SECOND).await;
    assert_eq!(server.connections(), seen, "{:?}", started.elapsed());
}

/// A server that counts how often it does what each key stands for.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<HashMap<u64, u32>>>);

impl Ledger {
    fn server(&self) -> ScriptedServer {
        let ledger = self.clone();
        ScriptedServer::new("s").tool("pay", move |arguments: &Value| {
            let key = arguments["key"].as_u64().unwrap();
            *ledger.0.lock().unwrap().entry(key).or_default() += 1;
            text("paid")
        })
    }

    fn times(&self, key: u64) -> u32 {
        self.0.lock().unwrap().get(&key).copied().unwrap_or(0)
    }
}

/// How calls under fire ended.
#[derive(Debug, Default)]
struct Tally {
    answered: u32,
    unknown: u32,
    not_sent: u32,
}

impl Tally {
    /// Counts one, and checks its outcome against what the server did.
    fn count(&mut self, result: &Result<manyhands::Reply, CallError>, times: Option<u32>) {
        let delivery = result.as_ref().err().map(CallError::delivery);
        let (count, allowed) = match delivery {
            None => (&mut self.answered, 1..=1),
            Some(Delivery::Unknown) => (&mut self.unknown, 0..=1),
            Some(Delivery::NotSent | Delivery::Rejected) => (&mut self.not_sent, 0..=0),
        };
        *count += 1;
        assert!(
            times.is_none_or(|times| allowed.contains(&times)),
            "{times:?} times, {result:?}"
        );
    }
}

/// Lets `users` call one after the other for as long as `fire` goes on.
async fn under_fire(
    kit: &Toolkit,
    users: u64,
    fire: impl Future<Output = ()>,
    times: impl Fn(u64) -> Option<u32>,
) -> Tally {
    let (stop, mut callers) = (tokio::sync::watch::Sender::new(false), JoinSet::new());
    for user in 0..users {
        let (kit, stopped) = (kit.clone(), stop.subscribe());
        callers.spawn(async move {
            let mut results = Vec::new();
            for n in 0.. {
                let key = user * 1_000_000 + n;
                let ask = kit.call("s.pay", json!({"key": key})).timeout(20 * SECOND);
                let result = timeout(25 * SECOND, ask.into_future()).await;
                results.push((key, result.expect("no call hangs")));
                if *stopped.borrow() {
                    break;
                }
            }
            results
        });
    }
    fire.await;
    stop.send_replace(true);
    let mut tally = Tally::default();
    for (key, result) in callers.join_all().await.into_iter().flatten() {
        tally.count(&result, times(key));
    }
    tally
}

#[tokio::test(start_paused = true)]
async fn a_hundred_deaths_under_load_cost_no_call_its_honest_outcome() {
    let ledger = Ledger::default();
    let server = ledger.server().latency(Duration::from_millis(5));
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.restart(tireless()))
        .connect()
        .await
        .unwrap();
    let fire = async {
        for death in 0..100_u64 {
            server
                .until(|server| server.connections() as u64 > death)
                .await;
            sleep(Duration::from_millis(10 + death * 13 % 30)).await;
            server.stop();
        }
    };
    let tally = under_fire(&kit, 4, fire, |key| Some(ledger.times(key))).await;
    assert!(tally.answered > 500 && tally.unknown > 0, "{tally:?}");
    assert_eq!(
        tally.not_sent, 0,
        "each had time to be sent again: {tally:?}"
    );
    assert_eq!(
        kit.call("s.pay", json!({"key": 0})).await.unwrap().text(),
        "paid"
    );
    assert_eq!(server.connections(), 101);
}

#[cfg(target_os = "linux")]
mod real_processes {
    use super::*;
    use manyhands::StdioSettings;
    use std::path::Path;

    /// A server in shell that writes its own id into `pids`, and into `paid` the key of every payment before it
    /// answers.
    const PAYMENTS: &str = r#"
echo $$ >> pids
while IFS= read -r line; do
  case "$line" in *'"id":'*) ;; *) continue ;; esac
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[{"name":"pay","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*) key=${line#*\"key\":}; echo "${key%%[,\}]*}" >> paid; result='{"content":[]}' ;;
    *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"unknown"}}\n' "$id"; continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

    fn lines(folder: &Path, name: &str) -> Vec<u64> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn alive(pid: u64) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn kill(pid: u64) {
        let pid = pid.to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", "KILL", &pid])
            .status();
        assert!(status.unwrap().success());
    }

    async fn started(script: &str, folder: &Path) -> Toolkit {
        let settings = StdioSettings::new("sh")
            .with_args(["-c", script])
            .with_cwd(folder);
        let kit = Builder::default()
            .add(id("s"), Connector::stdio(settings))
            .server("s", |s| s.restart(tireless()))
            .start();
        timeout(20 * SECOND, kit.all_started()).await.unwrap();
        kit
    }

    #[tokio::test]
    async fn a_killed_child_is_back_as_one_child() {
        let folder = tempfile::tempdir().unwrap();
        let kit = started(PAYMENTS, folder.path()).await;
        for n in 1..=3_usize {
            kill(*lines(folder.path(), "pids").last().unwrap());
            // That the child is dead may be known only once a call was on its way to it.
            let answered = async { while kit.call("s.pay", json!({"key": n})).await.is_err() {} };
            timeout(20 * SECOND, answered).await.unwrap();
            let pids = lines(folder.path(), "pids");
            assert_eq!(
                pids.iter().filter(|pid| alive(**pid)).count(),
                1,
                "{pids:?}"
            );
            assert_eq!(pids.len(), n + 1);
        }
        kit.close().await;
        assert!(!lines(folder.path(), "pids").into_iter().any(alive));
    }

    #[tokio::test]
    async fn the_last_child_is_gone_before_the_next_one_starts() {
        // It takes its time to end, once it has closed its output and so ended the connection.
        let linger = "first=$(head -1 pids)\nif [ \"$first\" != $$ ]; then kill -0 \"$first\" && echo 1 >> together; fi\n";
        let script = PAYMENTS
            .replace("while IFS=", &format!("{linger}while IFS="))
            .replace(
                "*) key=",
                "*) exec >&-; trap '' TERM; sleep 0.5; exit; key=",
            );
        let folder = tempfile::tempdir().unwrap();
        let kit = started(&script, folder.path()).await;
        assert!(kit.call("s.pay", json!({"key": 1})).await.is_err());
        for _ in 0..500 {
            if lines(folder.path(), "pids").len() > 1 && state(&kit, "s") == "ready" {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(lines(folder.path(), "pids").len(), 2);
        assert!(lines(folder.path(), "together").is_empty());
        kit.close().await;
    }

    #[tokio::test]
    async fn a_call_that_could_not_be_sent_goes_to_the_next_child() {
        // The first child closes its input before it lists its tool, and lives on.
        let is_first = "[ $(wc -l < pids) = 1 ]";
        let script = PAYMENTS.replace(
            "*'\"tools/list\"'*) result",
            &format!("*'\"tools/list\"'*) {is_first} && exec <&-; result"),
        );
        assert_ne!(script, PAYMENTS);
        let script = format!("{script}\n{is_first} && exec sleep 1000");
        let folder = tempfile::tempdir().unwrap();
        let kit = started(&script, folder.path()).await;
        // Nobody knows of the first call how far it came; the second one finds out what it did.
        let second = async {
            sleep(Duration::from_millis(100)).await;
            kit.call("s.pay", json!({"key": 7})).await
        };
        let first = kit.call("s.pay", json!({"key": 6}));
        let (first, second) = tokio::join!(first.into_future(), second);
        assert_eq!(first.unwrap_err().delivery(), Delivery::Unknown);
        second.unwrap();
        assert_eq!(lines(folder.path(), "pids").len(), 2);
        assert_eq!(lines(folder.path(), "paid"), [7]);
        kit.close().await;
    }

    #[tokio::test]
    async fn children_that_are_killed_under_load_pay_nothing_twice_and_none_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let kit = started(PAYMENTS, folder.path()).await;
        let fire = async {
            for death in 0..100_usize {
                // Under load it may take a while until the next one is there.
                for _ in 0..1_000 {
                    match lines(folder.path(), "pids").get(death) {
                        Some(pid) => {
                            sleep(Duration::from_millis(20)).await;
                            kill(*pid);
                            break;
                        }
                        None => sleep(Duration::from_millis(10)).await,
                    }
                }
            }
        };
        let counts = std::cell::OnceCell::new();
        let paid = |key| {
            // Asked only once all calls have ended.
            let counts = counts.get_or_init(|| {
                let mut counts = std::collections::BTreeMap::<u64, u32>::new();
                for key in lines(folder.path(), "paid") {
                    *counts.entry(key).or_default() += 1;
                }
                counts
            });
            Some(counts.get(&key).copied().unwrap_or_default())
        };
        let tally = under_fire(&kit, 4, fire, paid).await;
        assert!(tally.answered > 20, "{tally:?}");
        kit.close().await;
        let pids = lines(folder.path(), "pids");
        assert!(pids.len() >= 100, "{pids:?}");
        assert!(!pids.into_iter().any(alive));
    }
}
