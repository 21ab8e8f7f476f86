//! `doctor`: what it says of the settings of the whole, and of servers that are there several times.

use serde_json::{Value, json};

use crate::harness::Sandbox;

fn document(sandbox: &Sandbox) -> Value {
    let finished = sandbox.configured(&["--json", "doctor"]);
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn each_replica_is_told_of_and_a_server_that_is_there_once_has_none() {
    let sandbox = Sandbox::beside_slack(
        r#""gone": {"command": "no-such-program-anywhere", "manyhands": {"instances": 2}},
    "twice": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "manyhands": {"instances": 2}}"#,
    );
    let document = document(&sandbox);
    let replicas = |server: usize| document["servers"][server]["replicas"].as_array().unwrap();
    assert_eq!(replicas(0), &Vec::<Value>::new());
    let of_gone = replicas(1).iter().enumerate();
    for (at, replica) in of_gone {
        assert_eq!(replica["number"], at + 1);
        assert_eq!(replica["state"], "failed");
        assert_eq!(replica["cause"], document["servers"][1]["cause"]);
        assert!(
            replica["mend"].as_str().unwrap().contains("install it"),
            "{replica}"
        );
        assert!(replica["retry_in_ms"].is_null() && replica.get("retry_in_ms").is_some());
    }
    assert_eq!((replicas(1).len(), replicas(2).len()), (2, 2));
    assert_eq!(replicas(2)[0]["cause"], Value::Null);
}

#[test]
fn profiles_that_name_nobody_are_told() {
    let settings =
        json!({"profiles": {"chat": {"servers": ["slak"], "tools": ["slack.get_unred"]}}});
    let config = r#"{"mcpServers": {"slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}}, "manyhands": @OURS@}"#;
    let sandbox = Sandbox::with_config(&config.replace("@OURS@", &settings.to_string()));
    let finished = sandbox.configured(&["doctor"]);
    assert_eq!(finished.code, Some(0), "{finished}");
    for told in [
        "the profile chat: slak: no server offers anything of this name -> did you mean slack?",
        "the profile chat: slack.get_unred: its server offers nothing of this name -> did you mean slack.get_unread?",
    ] {
        assert!(finished.stdout.contains(told), "{told}: {finished}");
    }
    let document = document(&sandbox);
    assert_eq!(document["profiles"].as_array().unwrap().len(), 2);
}
