//! Servers that are commands, and do not do what they should; the good one beside them is there all the same.

use insta::assert_snapshot;

use crate::harness::Sandbox;

fn listed_and_examined(entry: &str) -> String {
    Sandbox::beside_slack(entry).transcript(&[&["tools"], &["doctor"]])
}

#[test]
fn a_command_that_is_not_found() {
    assert_snapshot!(
        "command_not_found",
        listed_and_examined(r#""git": {"command": "no-such-program-anywhere"}"#)
    );
}

#[test]
fn a_command_that_is_not_executable() {
    let sandbox = Sandbox::beside_slack(r#""git": {"command": "./plain.sh"}"#);
    sandbox.write("plain.sh", "echo hello\n");
    assert_snapshot!(
        "command_not_executable",
        sandbox.transcript(&[&["tools"], &["doctor"]])
    );
}

#[test]
fn a_working_directory_that_does_not_exist() {
    assert_snapshot!(
        "bad_working_directory",
        listed_and_examined(r#""git": {"command": "sh", "cwd": "/no/such/folder"}"#)
    );
}

#[test]
fn a_server_that_chats_instead_of_answering() {
    assert_snapshot!(
        "garbage_on_stdout",
        listed_and_examined(
            r#""git": {
      "command": "sh",
      "args": ["-c", "echo 'Welcome to git!'; exec sleep 1000"],
      "manyhands": {"startTimeout": "1s"}
    }"#
        )
    );
}

#[test]
fn a_server_that_exits_at_once_with_a_word_why() {
    let entry = r#""git": {
      "command": "sh",
      "args": ["-c", "echo 'missing API key: set GIT_KEY' >&2; exit 7"]
    }"#;
    assert_snapshot!(
        "exits_at_once",
        Sandbox::beside_slack(entry).transcript(&[&["tools"], &["doctor"], &["call", "git.log"]])
    );
}

#[test]
fn a_server_that_exits_at_once_without_a_word() {
    assert_snapshot!(
        "exits_silently",
        listed_and_examined(r#""git": {"command": "sh", "args": ["-c", "exit 0"]}"#)
    );
}
