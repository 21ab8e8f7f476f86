//! What `--help` says, what a wrong command line gets, and what readers that go away change: nothing.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::harness::{Sandbox, wait};

#[test]
fn help_of_the_program() {
    let sandbox = Sandbox::new();
    assert_snapshot!("help", sandbox.run(&["--help"]));
    assert_eq!(sandbox.run(&["-h"]).stdout, sandbox.run(&["--help"]).stdout);
}

#[test]
fn help_of_each_command() {
    let sandbox = Sandbox::new();
    for command in [
        "demo",
        "tools",
        "prompts",
        "resources",
        "call",
        "doctor",
        "pins",
        "serve",
        "trust",
        "add",
        "remove",
        "list",
        "import",
        "install",
        "demo-server",
    ] {
        assert_snapshot!(format!("help_{command}"), sandbox.run(&[command, "--help"]));
    }
}

#[test]
fn the_version() {
    let shown = Sandbox::new().run(&["--version"]);
    assert_eq!(
        shown.stdout,
        format!("manyhands {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_wrong_command_line() {
    let sandbox = Sandbox::new();
    let wrong: [&[&str]; 6] = [
        &["tool"],
        &["serve"],
        &["call"],
        &["tools", "slack"],
        &["tools", "--wait", "5"],
        &["demo-server", "github"],
    ];
    let told = wrong.map(|args| {
        let finished = sandbox.run(args);
        assert_eq!(finished.code, Some(2), "{finished}");
        finished.to_string()
    });
    assert_snapshot!("wrong_command_lines", told.join("\n"));
}

#[test]
fn a_reader_of_its_complaints_that_goes_away_changes_nothing() {
    let sandbox = Sandbox::new();
    let args = ["--config", "nowhere.json", "tools"];
    let mut child = sandbox.spawn(&args, Stdio::null());
    drop(child.stderr.take());
    assert_eq!(wait(&mut child, &args).code(), Some(2));
}

#[test]
fn a_reader_of_its_output_that_goes_away_changes_nothing() {
    let sandbox = Sandbox::new();
    let mut child = sandbox.spawn(&["demo"], Stdio::null());
    drop(child.stdout.take());
    assert_eq!(wait(&mut child, &["demo"]).code(), Some(0));
}
