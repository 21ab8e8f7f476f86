//! Configuration files that are broken, half right, or not there.

use insta::assert_snapshot;

use crate::harness::Sandbox;

const SLACK: &str =
    r#"{"mcpServers": {"slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}}}"#;

/// Runs `tools` on a file that cannot be used, and sees that the file stays as it was.
fn refused(config: &str) -> String {
    let sandbox = Sandbox::with_config(config);
    let before = sandbox.read("mcp.json");
    let finished = sandbox.configured(&["tools"]);
    assert_eq!(sandbox.read("mcp.json"), before, "the file was changed");
    assert_eq!(finished.code, Some(2));
    finished.to_string()
}

#[test]
fn broken_json_is_told_with_its_place() {
    assert_snapshot!(
        "missing_comma",
        refused(
            "{\n  \"mcpServers\": {\n    \"slack\": {\"command\": \"npx\"}\n    \"jira\": {\"command\": \"npx\"}\n  }\n}\n"
        )
    );
    assert_snapshot!(
        "missing_brace",
        refused("{\n  \"mcpServers\": {\n    \"slack\": {\"command\": \"npx\"}\n")
    );
    assert_snapshot!("empty", refused(""));
    assert_snapshot!("list", refused("[]"));
    assert_snapshot!("no_servers_key", refused("{}"));
}

#[test]
fn unknown_keys_of_others_are_passed_over_and_told() {
    let sandbox = Sandbox::with_config(
        r#"{
  "theme": "dark",
  "mcpServers": {
    "slack": {
      "command": "@MANYHANDS@",
      "args": ["demo-server", "slack"],
      "colour": "blue",
      "startTimeout": "20s"
    }
  }
}"#,
    );
    assert_snapshot!("unknown_keys_of_others", sandbox.transcript(&[&["tools"]]));
}

#[test]
fn an_unknown_key_of_ours_is_an_error() {
    assert_snapshot!(
        "unknown_key_of_ours",
        refused("{\n  \"mcpServers\": {},\n  \"manyhands\": {\"gracee\": \"3s\"}\n}\n")
    );
}

#[test]
fn an_unknown_key_of_ours_in_one_server_costs_that_server_alone() {
    let sandbox =
        Sandbox::beside_slack(r#""git": {"command": "sh", "manyhands": {"startTimeut": "1s"}}"#);
    assert_snapshot!(
        "unknown_key_of_ours_in_a_server",
        sandbox.transcript(&[&["tools"], &["doctor"]])
    );
}

#[test]
fn values_of_the_wrong_kind_cost_their_server_alone() {
    let sandbox = Sandbox::beside_slack(
        r#""args": {"command": "sh", "args": "-c"},
    "both": {"command": "sh", "url": "http://127.0.0.1:1/mcp"},
    "neither": {},
    "time": {"command": "sh", "manyhands": {"startTimeout": "5 parsecs"}},
    "url": {"url": "htp:/example"}"#,
    );
    assert_snapshot!(
        "values_of_the_wrong_kind",
        sandbox.transcript(&[&["tools"], &["doctor"]])
    );
}

#[test]
fn an_unset_variable_costs_its_server_alone() {
    let sandbox =
        Sandbox::beside_slack(r#""git": {"command": "sh", "env": {"TOKEN": "${GITHUB_TOKEN}"}}"#);
    assert_snapshot!(
        "unset_variable",
        sandbox.transcript(&[&["tools"], &["doctor"], &["call", "git.log"]])
    );
}

#[test]
fn odd_and_clashing_names_become_names_that_can_be_typed() {
    let sandbox = Sandbox::beside_slack(
        r#""鸣潮 MCP Server": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]},
    "Slack": {"command": "@MANYHANDS@", "args": ["demo-server", "calendar"]}"#,
    );
    assert_snapshot!("odd_names", sandbox.transcript(&[&["tools"], &["doctor"]]));
}

#[test]
fn a_disabled_server_is_not_missed() {
    let sandbox =
        Sandbox::beside_slack(r#""old": {"command": "no-such-program", "disabled": true}"#);
    assert_snapshot!(
        "disabled",
        sandbox.transcript(&[&["tools"], &["doctor"], &["call", "old.thing"]])
    );
}

#[test]
fn a_configuration_without_servers_says_so() {
    let sandbox = Sandbox::with_config("{\"mcpServers\": {}}\n");
    assert_snapshot!("no_servers", sandbox.transcript(&[&["tools"], &["doctor"]]));
}

#[test]
fn a_path_that_is_no_configuration_is_told_as_what_it_is() {
    let sandbox = Sandbox::with_config(SLACK);
    std::fs::create_dir(sandbox.path().join("folder")).unwrap();
    let good = sandbox.configured(&["tools"]);
    let run = |file| format!("{}\n{good}", sandbox.run(&["--config", file, "tools"]));
    assert_snapshot!("directory", run("folder"));
    assert_snapshot!("missing_file", run("nowhere.json"));
}

#[test]
fn without_any_configuration_there_is_a_next_step() {
    let sandbox = Sandbox::new();
    assert_snapshot!("no_configuration", sandbox.run(&["tools"]));
    assert_eq!(sandbox.run(&["demo", "--json"]).code, Some(0));
}
