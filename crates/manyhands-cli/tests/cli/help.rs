//! What `--help` says, and what a wrong command line gets.

use insta::assert_snapshot;

use crate::harness::Sandbox;

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
        "serve",
        "trust",
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
