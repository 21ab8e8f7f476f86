//! What only a program can do wrong, the command does.
//!
//! Real processes know no paused clock; each wait has a bound.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_manyhands-testkit");

fn start(switches: &[&str]) -> Child {
    let faults = switches.iter().flat_map(|switch| ["--fault", switch]);
    let mut command = Command::new(PROGRAM);
    command.arg("serve").args(faults);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

fn send(child: &mut Child, id: u32, method: &str) {
    let message =
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"name": "whoami"}});
    let stdin = child.stdin.as_mut().expect("it is piped");
    writeln!(stdin, "{message}").expect("it reads");
}

/// Waits for the end of the process, ten seconds at most.
fn code(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("it is piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it is UTF-8");
    line
}

fn signal(name: &str, pid: &str) -> bool {
    let done = Command::new("kill")
        .args([name, pid])
        .stderr(Stdio::null())
        .status();
    done.expect("there is a kill").success()
}

#[test]
fn it_exits_with_the_code_that_it_was_given() {
    for (switches, expected) in [
        (&["closes-on-call"][..], 0),
        (&["closes-on-call", "exit-code=7"], 7),
    ] {
        let mut child = start(switches);
        send(&mut child, 1, "tools/call");
        assert_eq!(code(&mut child), Some(expected));
    }
}

#[test]
fn it_writes_to_its_error_output() {
    for (switch, length) in [
        ("floods-stderr=100000", 98 * 1024),
        ("text-in-stderr=bidi", 27),
    ] {
        let mut child = start(&[switch]);
        let mut stderr = child.stderr.take().expect("it is piped");
        drop(child.stdin.take());
        let mut text = String::new();
        stderr.read_to_string(&mut text).expect("it is UTF-8");
        assert_eq!(
            (text.len(), code(&mut child)),
            (length, Some(0)),
            "{text:.60}"
        );
    }
}

#[test]
fn it_closes_its_output_and_lives() {
    let mut child = start(&["closes-output"]);
    send(&mut child, 1, "ping");
    assert!(line(&mut child).contains("\"id\":1"));
    send(&mut child, 2, "tools/call");
    assert_eq!(line(&mut child), "");
    assert!(
        child.try_wait().expect("it is ours").is_none(),
        "it reads on"
    );
    drop(child.stdin.take());
    assert_eq!(code(&mut child), Some(0));
}

#[test]
fn it_outlives_its_input_and_a_signal() {
    for (switches, survives) in [(&["wrong-id"][..], false), (&["ignores-termination"], true)] {
        let mut child = start(switches);
        send(&mut child, 1, "ping");
        assert!(line(&mut child).contains("\"id\":1"));
        assert!(signal("-TERM", &child.id().to_string()));
        drop(child.stdin.take());
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(child.try_wait().expect("it is ours").is_none(), survives);
        // What is not ours any more cannot be killed, and needs not.
        let _ = child.kill();
        child.wait().expect("it is ours");
    }
}

#[test]
fn it_leaves_processes_behind() {
    for (switch, same_group) in [("leaves-child", true), ("leaves-escapee", false)] {
        let mut child = start(&[switch]);
        let mut told = String::new();
        let stderr = child.stderr.take().expect("it is piped");
        BufReader::new(stderr)
            .read_line(&mut told)
            .expect("it is UTF-8");
        let left = told
            .trim()
            .rsplit(' ')
            .next()
            .expect("there is a word")
            .to_owned();
        drop(child.stdin.take());
        assert_eq!(code(&mut child), Some(0));
        let group = |pid: &str| {
            let shown = Command::new("ps").args(["-o", "pgid=", "-p", pid]).output();
            String::from_utf8(shown.expect("there is a ps").stdout)
                .expect("it is UTF-8")
                .trim()
                .to_owned()
        };
        let ours = group(&std::process::id().to_string());
        assert_eq!(group(&left) == ours, same_group, "{told}");
        assert!(signal("-KILL", &left), "it is there");
    }
}
