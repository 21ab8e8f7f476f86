//! `doctor --watch`: a line for each turn, until it is interrupted.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Sandbox, wait};

/// How long one line may take: three probes of a second each in vain, a restart, and a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that goes on until it is told to end, or until its test is over.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn new(sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut child = sandbox.spawn(args, Stdio::null());
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.expect("it says something in time")
    }

    /// The line that says this of a server, whatever comes before it.
    fn until(&self, server: &str, state: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.line()).unwrap();
            if line["id"] == server && line["state"] == state {
                return line;
            }
        }
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, signal).unwrap();
        wait(&mut self.child, &["doctor", "--watch"])
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_turn_is_a_line_and_the_end_is_the_doctors() {
    let sandbox = Sandbox::beside_slack(r#""gone": {"command": "no-such-program-anywhere"}"#);
    let args = [
        "--config", "mcp.json", "doctor", "--watch", "--every", "1s", "--json",
    ];
    let mut watching = Watching::new(&sandbox, &args);
    let gone = watching.until("gone", "failed");
    assert!(
        gone["cause"].as_str().unwrap().contains("was not found"),
        "{gone}"
    );
    assert!(gone["at"].as_str().unwrap().ends_with('Z'), "{gone}");
    assert_eq!(watching.until("slack", "ready")["tools"], 4);

    let all = crate::processes::processes_in(sandbox.path());
    let slack = all
        .iter()
        .find(|(_, line)| line.ends_with("demo-server slack "));
    kill(Pid::from_raw(slack.unwrap().0), Signal::SIGSTOP).unwrap();
    let stopped = Instant::now();
    let hung = watching.until("slack", "failed");
    assert!(
        hung["cause"]
            .as_str()
            .unwrap()
            .contains("3 probes in a row"),
        "{hung}"
    );
    // Three probes of 5 s each; without `--every`, the first would be sent half a minute later.
    assert!(stopped.elapsed() < Duration::from_secs(30), "{hung}");
    assert!(hung["probe"]["cause"].as_str().is_some(), "{hung}");
    watching.until("slack", "ready");

    let status = watching.end(Signal::SIGINT);
    assert_eq!(status.code(), Some(3), "one server has failed");
    crate::processes::assert_none_left(sandbox.path());
}

#[test]
fn nothing_but_the_turns_is_printed_and_all_well_is_no_error() {
    let sandbox = Sandbox::beside_slack(r#""off": {"command": "x", "disabled": true}"#);
    let args = ["--config", "mcp.json", "doctor", "--watch"];
    let mut watching = Watching::new(&sandbox, &args);
    let first = [(); 3].map(|()| watching.line()).join("\n");
    for told in ["slack  starting", "slack  ready", "off    disabled"] {
        assert!(first.contains(told), "{first}");
    }
    assert!(!first.contains('\u{1b}'), "{first:?}");
    assert_eq!(watching.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(watching.lines.iter().count(), 0);
}
