//! `tools`, `prompts` and `resources`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::beside_slack(
        r#""jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]},
    "calendar": {"command": "@MANYHANDS@", "args": ["demo-server", "calendar"]},
    "gone": {"command": "no-such-program-anywhere"}"#,
    )
}

fn document(sandbox: &Sandbox, args: &[&str]) -> Value {
    let finished = sandbox.configured(args);
    assert_eq!(finished.code, Some(0), "{finished}");
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let missing = document["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0]["server"], "gone");
    assert_eq!(missing[0]["state"], "failed");
    assert!(
        missing[0]["cause"]
            .as_str()
            .unwrap()
            .contains("no-such-program-anywhere")
    );
    assert!(missing[0]["mend"].as_str().unwrap().contains("install"));
    document
}

#[test]
fn tools_of_all_servers_under_one_set_of_names() {
    assert_snapshot!("tools", sandbox().configured(&["tools"]));
}

#[test]
fn tools_as_one_document() {
    let document = document(&sandbox(), &["--json", "tools"]);
    let tools = document["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 11);
    for tool in tools {
        let (name, server) = (
            tool["name"].as_str().unwrap(),
            tool["server"].as_str().unwrap(),
        );
        assert!(name.starts_with(&format!("{server}.")), "{name}");
        assert_eq!(tool["wire"], name.replacen('.', "__", 1));
        assert_eq!(tool["inputSchema"]["type"], "object");
    }
}

#[test]
fn prompts_are_listed_and_got() {
    let sandbox = sandbox();
    assert_snapshot!(
        "prompts",
        sandbox.transcript(&[
            &["prompts"],
            &["prompts", "slack.summarize_channel", "channel=project-x"],
            &["prompts", "jira.triage_issue", r#"{"key": "PX-142"}"#],
        ])
    );
    assert_eq!(
        document(&sandbox, &["--json", "prompts"])["prompts"][0]["wire"],
        "slack__summarize_channel"
    );
}

#[test]
fn resources_are_listed_and_read() {
    let sandbox = sandbox();
    assert_snapshot!(
        "resources",
        sandbox.transcript(&[
            &["resources"],
            &["resources", "slack+slack://channel/project-x"],
            &["resources", "slack+slack://channel/design"],
        ])
    );
    let document = document(&sandbox, &["--json", "resources"]);
    assert_eq!(
        document["resources"][0]["uri"],
        "slack+slack://channel/project-x"
    );
    assert_eq!(
        document["templates"][0]["uriTemplate"],
        "slack+slack://channel/{name}"
    );
}
