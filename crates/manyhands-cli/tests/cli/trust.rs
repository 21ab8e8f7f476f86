//! A configuration that came with a folder: refused, trusted, used, changed, refused again, trust taken back.

use insta::assert_snapshot;

use crate::harness::Sandbox;

const CONFIG: &str = r#"{
  "mcpServers": {
    "slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "env": {"TOKEN": "${SLACK_TOKEN:-none}"}}
  }
}
"#;

#[test]
fn a_projects_own_file_runs_nothing_before_it_is_trusted() {
    let sandbox = Sandbox::with_config(CONFIG);
    let mut story = Vec::new();
    let mut say = |args: &[&str]| story.push(sandbox.run(args).to_string());
    say(&["tools"]);
    say(&["--config", "mcp.json", "tools"]);
    say(&["trust"]);
    say(&["tools"]);
    sandbox.write(
        "mcp.json",
        &CONFIG.replace("\"slack\"]", "\"slack\", \"-v\"]"),
    );
    say(&["tools"]);
    say(&["trust"]);
    say(&["tools"]);
    say(&["trust", "--revoke"]);
    say(&["tools"]);
    say(&["trust", "--revoke"]);
    assert_snapshot!("trust", story.join("\n"));
}

#[test]
fn every_command_that_starts_servers_asks_for_trust() {
    let sandbox = Sandbox::with_config(CONFIG);
    for args in [
        &["tools"][..],
        &["prompts"],
        &["resources"],
        &["doctor"],
        &["call", "slack.list_channels"],
        &["serve", "--stdio"],
    ] {
        let refused = sandbox.run(args);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(
            refused.stderr.contains("nobody has trusted it yet"),
            "{refused}"
        );
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn the_files_of_other_clients_are_found_and_need_trust_too() {
    for name in [".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json"] {
        let sandbox = Sandbox::new();
        for folder in [".cursor", ".vscode"] {
            std::fs::create_dir(sandbox.path().join(folder)).unwrap();
        }
        sandbox.write(name, CONFIG);
        let refused = sandbox.run(&["tools"]);
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(refused.stderr.contains(name), "{refused}");
    }
}

#[test]
fn a_personal_file_needs_no_trust() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("config_home/manyhands")).unwrap();
    sandbox.write("config_home/manyhands/mcp.json", CONFIG);
    let listed = sandbox.run(&["tools"]);
    assert_eq!(listed.code, Some(0), "{listed}");
    assert!(listed.stdout.contains("slack.search_messages"), "{listed}");
}

#[test]
fn what_cannot_be_trusted_is_told() {
    let sandbox = Sandbox::with_config("{\"mcpServers\": [");
    assert_snapshot!("trust_broken_file", sandbox.run(&["trust"]));
    assert_snapshot!(
        "trust_missing_file",
        sandbox.run(&["trust", "nowhere.json"])
    );
}

#[test]
fn the_commands_that_give_secrets_are_named() {
    let sandbox = Sandbox::with_config(
        r#"{"mcpServers": {"s": {"command": "x", "env": {"T": "${secret:command:op read op://v/t}"}}}}"#,
    );
    let trusted = sandbox.run(&["trust"]).to_string();
    let secret = "and the secret command:op read op://v/t";
    assert!(trusted.contains(secret), "{trusted}");
}
