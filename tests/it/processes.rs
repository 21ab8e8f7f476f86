//! Servers as child processes: what they get, what they leave, and that they end.

use std::collections::BTreeSet;
use std::time::Duration;

use manyhands::{Builder, Connector, Member, ServerSettings, ServerStatus, StdioSettings, Toolkit};
use serde_json::json;
use tempfile::TempDir;

use crate::servers::id;

/// A whole MCP server in shell: it answers the handshake, lists a tool, and answers each call with `$1`.
const SERVER: &str = r#"
while IFS= read -r line; do
  case "$line" in *'"id":'*) ;; *) continue ;; esac
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) result='{"tools":[{"name":"get","inputSchema":{"type":"object"}}]}' ;;
    *) result='{"content":[{"type":"text","text":"'"$ANSWER"'"}]}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

fn shell(script: &str) -> StdioSettings {
    StdioSettings::new("sh").with_args(["-c", script])
}

async fn started(settings: StdioSettings) -> Toolkit {
    let kit = Builder::default()
        .add(id("s"), Connector::stdio(settings))
        .start();
    tokio::time::timeout(Duration::from_secs(20), kit.all_started())
        .await
        .unwrap();
    kit
}

fn cause(kit: &Toolkit) -> String {
    kit.report().server("s").unwrap().to_string()
}

/// Whether a process is there and not a zombie.
fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until a process is gone; real processes know no paused clock.
async fn gone(pid: &str) -> bool {
    for _ in 0..500 {
        if !alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

async fn written(dir: &TempDir, name: &str) -> String {
    let path = dir.path().join(name);
    for _ in 0..500 {
        match std::fs::read_to_string(&path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    String::new()
}

#[tokio::test]
async fn a_child_gets_its_own_environment_and_not_ours() {
    // CARGO_MANIFEST_DIR stands for whatever else is in our environment.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let script = format!(
        "ANSWER=\"$GIVEN:$CARGO_MANIFEST_DIR:$(test -n \"$PATH\" && echo path)\"\n{SERVER}"
    );
    let kit = started(shell(&script).with_env("GIVEN", "yes")).await;
    assert_eq!(
        kit.call("s.get", json!({})).await.unwrap().text(),
        "yes::path"
    );
}

#[tokio::test]
async fn a_child_that_exits_is_explained_by_its_status_and_last_words() {
    let kit = started(shell(
        "echo 'starting up' >&2; echo 'no API key, giving up' >&2; exit 3",
    ))
    .await;
    assert_eq!(
        cause(&kit),
        "the server exited during the handshake (exit status: 3); its last words: \"no API key, giving up\"; \
         run the same command in a terminal, and check its arguments and environment"
    );
}

#[tokio::test]
async fn secrets_do_not_come_back_through_stderr() {
    let kit = started(
        shell("echo \"bad token $API_TOKEN\" >&2; exit 1").with_env("API_TOKEN", "canary-5ca1ab1e"),
    )
    .await;
    let report = kit.report();
    let shown = format!("{report} {report:?} {kit:?}");
    assert!(
        shown.contains("bad token [hidden]") && !shown.contains("canary"),
        "{shown}"
    );
}

#[tokio::test]
async fn closing_ends_the_child_and_its_own_children() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("sleep 1000 & echo $! > grandchild; echo $$ > child; {SERVER}");
    let kit = started(shell(&script).with_cwd(dir.path())).await;
    let (child, grandchild) = (
        written(&dir, "child").await,
        written(&dir, "grandchild").await,
    );
    assert!(alive(&child) && alive(&grandchild));
    tokio::time::timeout(Duration::from_secs(5), kit.close())
        .await
        .expect("close ends within 5 s");
    assert!(gone(&child).await && gone(&grandchild).await);
}

#[tokio::test]
async fn a_child_that_ignores_everything_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        format!("trap '' TERM HUP INT; echo $$ > child; {SERVER}\nwhile :; do sleep 1; done");
    let kit = started(shell(&script).with_cwd(dir.path())).await;
    let child = written(&dir, "child").await;
    tokio::time::timeout(Duration::from_secs(5), kit.close())
        .await
        .expect("close ends within 5 s");
    assert!(gone(&child).await);
}

#[tokio::test]
async fn dropping_the_toolkit_ends_a_child_that_never_shook_hands() {
    let dir = tempfile::tempdir().unwrap();
    let settings = shell("echo $$ > child; exec sleep 1000").with_cwd(dir.path());
    let kit = Builder::default()
        .add(id("s"), Connector::stdio(settings))
        .start();
    let child = written(&dir, "child").await;
    assert!(alive(&child));
    drop(kit);
    assert!(gone(&child).await);
}

#[tokio::test]
async fn a_child_that_dies_during_a_call_says_how() {
    let dying = SERVER.replace(
        "*) result='{\"content\"",
        "*) echo 'out of memory' >&2; exit 7; result='{\"content\"",
    );
    assert_ne!(dying, SERVER);
    let kit = started(shell(&dying)).await;
    let error = kit.call("s.get", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "call s.get: the server stopped (exit status: 7) while the call was under way; its last words: \"out of memory\"; \
         check whether the call took effect before repeating it"
    );
    while kit.report().server("s").unwrap().status == ServerStatus::Ready {
        tokio::task::yield_now().await;
    }
    assert!(
        cause(&kit)
            .starts_with("the server stopped (exit status: 7); its last words: \"out of memory\""),
        "{}",
        cause(&kit)
    );
}

#[tokio::test]
async fn a_child_that_stops_reading_cannot_hold_a_call_beyond_its_deadline() {
    // It lists its tool and then reads no more, so that a large argument fills the pipe.
    let deaf = SERVER.replace(
        "*'\"tools/list\"'*) result",
        "*'\"tools/list\"'*) deaf=1; result",
    );
    let deaf = deaf.replace(
        "\"$result\"\ndone",
        "\"$result\"\n[ -n \"$deaf\" ] && exec sleep 1000\ndone",
    );
    assert!(deaf.contains("exec sleep"));
    let kit = started(shell(&deaf)).await;
    let large = "x".repeat(1024 * 1024);
    let started = std::time::Instant::now();
    let error = kit
        .call("s.get", json!({"large": large}))
        .timeout(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no answer within 300ms"),
        "{error}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "took {:?}",
        started.elapsed()
    );
    tokio::time::timeout(Duration::from_secs(5), kit.close())
        .await
        .expect("close ends within 5 s");
}

#[tokio::test]
async fn instances_are_children_of_their_own_and_all_of_them_end() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("touch pid.$$; ANSWER=$$; {SERVER}");
    let reach = Connector::stdio(shell(&script).with_cwd(dir.path()));
    let settings = ServerSettings::default().instances(3);
    let kit = Builder::default()
        .member(Member::new(id("s"), reach).with_settings(settings))
        .start();
    let up = async || {
        let mut changes = kit.changes();
        let all_up = || {
            let report = kit.report();
            let replicas = &report.server("s").unwrap().replicas;
            replicas.iter().all(|it| it.status == ServerStatus::Ready)
        };
        while !all_up() {
            changes.next().await.unwrap();
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, up()).await.unwrap();
    let mut answered = BTreeSet::new();
    while answered.len() < 3 {
        let call = tokio::time::timeout(limit, kit.call("s.get", json!({})).into_future());
        answered.insert(call.await.unwrap().unwrap().text());
    }
    kit.close().await;
    let started = std::fs::read_dir(dir.path()).unwrap();
    let mut pids = 0;
    for file in started {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(gone(name.strip_prefix("pid.").unwrap()).await, "{name}");
        pids += 1;
    }
    assert!(pids >= 3);
}
