//! A configuration that includes the files of several teams.

use insta::assert_snapshot;

use crate::harness::Sandbox;

#[test]
fn the_servers_of_all_teams_are_used_and_a_broken_file_costs_its_own() {
    let sandbox = Sandbox::with_config(
        r#"{
  "mcpServers": {"slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}},
  "manyhands": {"include": [{"path": "team", "owner": "shop"}, "broken.json"]}
}
"#,
    );
    std::fs::create_dir(sandbox.path().join("team")).unwrap();
    sandbox.write(
        "team/jira.json",
        r#"{"mcpServers": {"jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]}, "slack": {"command": "x"}}, "manyhands": {"grace": "1s"}}"#,
    );
    sandbox.write(
        "broken.json",
        "{\n  \"mcpServers\": {\n    \"a\": \n  }\n}\n",
    );
    let list = sandbox.configured(&["list"]);
    assert_snapshot!(
        "include",
        sandbox.transcript(&[&["list"], &["doctor"], &["remove", "jira"]])
    );
    assert_eq!(list.code, Some(0));
    let tools = sandbox.configured(&["tools"]);
    assert!(tools.stdout.contains("\njira."), "{tools}");
}

#[test]
fn what_is_included_is_trusted_with_the_file() {
    let sandbox =
        Sandbox::with_config(r#"{"mcpServers": {}, "manyhands": {"include": "team.json"}}"#);
    sandbox.write(
        "team.json",
        r#"{"mcpServers": {"a": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}}}"#,
    );
    let trust = sandbox.run(&["trust"]);
    assert!(trust.stdout.contains("  a  "), "{trust}");
    assert_eq!(sandbox.run(&["tools"]).code, Some(0));
    sandbox.write("team.json", r#"{"mcpServers": {"a": {"command": "sh"}}}"#);
    let refused = sandbox.run(&["tools"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(
        refused.stderr.contains("has changed since you trusted it"),
        "{refused}"
    );
}
