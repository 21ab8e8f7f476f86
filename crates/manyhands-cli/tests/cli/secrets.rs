//! Secrets by reference, and secrets that stand in the configuration itself.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Sandbox;

/// A value that nothing may show.
const CANARY: &str = "canary5F2b8Xq1Z0";

#[test]
fn doctor_flags_literal_secrets_without_showing_them() {
    let sandbox = Sandbox::with_config(&format!(
        r#"{{
  "mcpServers": {{
    "slack": {{
      "command": "@MANYHANDS@",
      "args": ["demo-server", "slack"],
      "env": {{"SLACK_BOT_TOKEN": "{CANARY}", "TOKEN": "${{secret:env:PATH}}"}}
    }},
    "crm": {{
      "url": "https://me:{CANARY}@crm.example/mcp",
      "headers": {{"Authorization": "Bearer {CANARY}"}},
      "disabled": true
    }}
  }}
}}
"#
    ));
    let [tools, doctor, json] =
        [&["tools"][..], &["doctor"], &["--json", "doctor"]].map(|args| sandbox.configured(args));
    for run in [&tools, &doctor, &json] {
        assert_eq!(run.code, Some(0), "{run}");
        assert!(!format!("{run}").contains(CANARY), "{run}");
    }
    assert!(!format!("{tools}").contains("secret"), "{tools}");
    assert_snapshot!("doctor_flags_literal_secrets", doctor);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    let lines: Vec<_> = document["literal_secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [6, 9, 10]);
}

#[cfg(unix)]
#[test]
fn a_secret_that_cannot_be_read_costs_its_server_alone() {
    let sandbox = Sandbox::beside_slack(
        r#""by-file": {"command": "@MANYHANDS@", "args": ["demo-server", "${secret:file:which}"]},
    "by-command": {"command": "@MANYHANDS@", "args": ["demo-server", "${secret:command:printf 'jira\\n'}"]},
    "absent": {"command": "sh", "env": {"TOKEN": "${secret:file:nowhere}"}},
    "refused": {"command": "sh", "env": {"TOKEN": "${secret:command:sh -c 'echo no such entry >&2; exit 4'}"}},
    "typo": {"command": "sh", "env": {"TOKEN": "${secret:keyrng:a/b}"}},
    "form": {"command": "sh", "env": {"TOKEN": "${secret:keyring}"}}"#,
    );
    sandbox.write("which", "calendar\n");
    // What others may read is told in the log.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(sandbox.path().join("which"), private).unwrap();
    let [doctor, call] =
        [&["doctor"][..], &["call", "absent.thing"]].map(|args| sandbox.configured(args));
    assert_eq!((doctor.code, call.code), (Some(3), Some(3)));
    assert_snapshot!("unreadable_secrets", format!("{doctor}\n{call}"));
}
