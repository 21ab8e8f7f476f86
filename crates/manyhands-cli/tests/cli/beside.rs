//! One good server beside three that fail, each in its own way.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::processes::running_in;

/// The good one, one that does not exist, one that never answers, and one that exits at once.
fn sandbox() -> Sandbox {
    Sandbox::beside_slack(&format!(
        r#""absent": {{"command": "no-such-program-anywhere"}},
    "silent": {{"command": "sleep", "args": ["{}"], "manyhands": {{"startTimeout": "1s"}}}},
    "quits": {{"command": "sh", "args": ["-c", "echo 'no licence found' >&2; exit 1"]}}"#,
        marker()
    ))
}

/// An argument to `sleep` that no other process on this machine has.
fn marker() -> String {
    format!("1000.{}", std::process::id())
}

#[test]
fn the_good_server_answers_without_waiting_for_the_others() {
    let sandbox = sandbox();
    let called = sandbox.configured(&["call", "slack.search_messages", "query=deployment"]);
    assert_eq!(called.code, Some(0), "{called}");
    assert!(
        called
            .stdout
            .contains("the Project X deployment is failing"),
        "{called}"
    );
    assert_eq!(called.stderr, "");
    assert_eq!(running_in(sandbox.path()), Vec::<String>::new());
}

#[test]
fn each_failure_is_told_with_cause_and_mend() {
    let sandbox = sandbox();
    let [tools, doctor] = ["tools", "doctor"].map(|command| sandbox.configured(&[command]));
    assert_eq!(tools.code, Some(0), "{tools}");
    assert_eq!(doctor.code, Some(3), "{doctor}");
    assert_snapshot!("one_good_and_three_that_fail", format!("{tools}\n{doctor}"));
    assert_eq!(running_in(sandbox.path()), Vec::<String>::new());
}

#[test]
fn doctor_tells_programs_the_same() {
    let doctor = sandbox().configured(&["--json", "doctor"]);
    assert_eq!(doctor.code, Some(3), "{doctor}");
    let document: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let servers = document["servers"].as_array().unwrap();
    let states: Vec<_> = servers
        .iter()
        .map(|it| (it["id"].as_str(), it["state"].as_str()))
        .collect();
    let expected = [
        ("slack", "ready"),
        ("absent", "failed"),
        ("silent", "failed"),
        ("quits", "failed"),
    ];
    assert_eq!(states, expected.map(|(id, state)| (Some(id), Some(state))));
    assert!(
        servers
            .iter()
            .all(|it| it["mend"].is_string() == (it["state"] == "failed")),
        "{doctor}"
    );
    assert_eq!(servers[3]["stderr"], json!(["no licence found"]));
}

#[test]
fn calls_to_the_three_end_as_unavailable() {
    let sandbox = sandbox();
    for server in ["absent", "silent", "quits"] {
        let called = sandbox.configured(&["call", &format!("{server}.thing")]);
        assert_eq!(called.code, Some(3), "{called}");
        assert!(
            called
                .stderr
                .contains(&format!("failed to call {server}.thing")),
            "{called}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn being_told_to_end_takes_a_server_along_that_has_not_answered_yet() {
    use crate::harness::wait;
    use crate::processes::{assert_none_left, await_running};
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::process::Stdio;

    let sandbox = Sandbox::beside_slack(&format!(
        r#""silent": {{"command": "sleep", "args": ["{}"]}}"#,
        marker()
    ));
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let args = ["--config", "mcp.json", "doctor"];
        let mut child = sandbox.spawn(&args, Stdio::null());
        await_running(sandbox.path(), &marker());
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let status = wait(&mut child, &args);
        assert!(!status.success(), "{signal}: {status}");
        assert_none_left(sandbox.path());
    }
}
