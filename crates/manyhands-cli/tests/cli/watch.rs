//! `doctor --watch`: a line for each turn, until it is interrupted.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Sandbox, wait};

fn pid(process: &Child) -> Pid {
    Pid::from_raw(i32::try_from(process.id()).unwrap())
}

#[test]
fn every_turn_is_a_line_and_the_end_is_the_doctors() {
    let sandbox = Sandbox::beside_slack(r#""gone": {"command": "no-such-program-anywhere"}"#);
    let args = [
        "--config", "mcp.json", "doctor", "--watch", "--every", "1s", "--json",
    ];
    let mut watching = sandbox.spawn(&args, Stdio::null());
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    // What hangs is stopped here, as a debugger would; the harness bounds the whole.
    let mut until = |server: &str, state: &str| {
        let of_it = |line: &Value| line["id"] == server && line["state"] == state;
        lines.find(of_it).expect("it says so before it ends")
    };
    let gone = until("gone", "failed");
    assert!(
        gone["cause"].as_str().unwrap().contains("was not found"),
        "{gone}"
    );
    assert!(gone["at"].as_str().unwrap().ends_with('Z'), "{gone}");
    assert_eq!(until("slack", "ready")["tools"], 4);

    let all = crate::processes::processes_in(sandbox.path());
    let slack = all
        .iter()
        .find(|(_, line)| line.ends_with("demo-server slack "));
    kill(Pid::from_raw(slack.unwrap().0), Signal::SIGSTOP).unwrap();
    let hung = until("slack", "failed");
    assert!(
        hung["cause"]
            .as_str()
            .unwrap()
            .contains("3 probes in a row"),
        "{hung}"
    );
    assert!(hung["probe"]["cause"].as_str().is_some(), "{hung}");
    until("slack", "ready");

    kill(pid(&watching), Signal::SIGINT).unwrap();
    let status = wait(&mut watching, &args);
    assert_eq!(status.code(), Some(3), "one server has failed");
    crate::processes::assert_none_left(sandbox.path());
}

#[test]
fn nothing_but_the_turns_is_printed_and_all_well_is_no_error() {
    let sandbox = Sandbox::beside_slack(r#""off": {"command": "x", "disabled": true}"#);
    let args = ["--config", "mcp.json", "doctor", "--watch"];
    let mut watching = sandbox.spawn(&args, Stdio::null());
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let first = [next(), next(), next()].join("\n");
    for told in ["slack  starting", "slack  ready", "off    disabled"] {
        assert!(first.contains(told), "{first}");
    }
    assert!(!first.contains('\u{1b}'), "{first:?}");
    kill(pid(&watching), Signal::SIGTERM).unwrap();
    assert_eq!(wait(&mut watching, &args).code(), Some(0));
    assert_eq!(lines.count(), 0);
}
