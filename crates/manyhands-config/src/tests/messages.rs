//! The texts that people read when something is wrong. Snapshots, to be read as they read them.

use std::fmt::Write as _;

use super::*;

/// Each text, and under it what it is answered with.
fn answers(cases: &[&str], answer: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for case in cases {
        let answer = answer(case);
        assert!(!answer.contains(CANARY), "{answer}");
        writeln!(
            out,
            "{case}\n    {}",
            answer.trim_end().replace('\n', "\n    ")
        )
        .unwrap();
    }
    out
}

#[test]
fn a_whole_file() {
    let cases = [
        "",
        "{\n  \"servers\": {\n    \"a\": {\"command\": \"x\"}\n    \"b\": {}\n  }\n}",
        "{\"servers\": {\"a\": {\"args\": [\"x\" \"y\"]}}}",
        "{\"servers\": {}",
        "{\"servers\": {\"a\": [1, 2}}",
        "{\"servers\": {}}\n}",
        "{\"servers\" {}}",
        "{\"servers\": }",
        "{servers: {}}",
        "{'servers': {}}",
        "{\"servers\": {\"a\": {\"command\": C:\\tools}}}",
        "{\"servers\": {\"a\": {\"command\": \"C:\\tools\\mcp\"}}}",
        "{\"servers\": {\"a\": \"never closed}}",
        "{\"servers\": {},, }",
        "{\"servers\": {} /* never closed }",
        "{\"servers\": {\"a\": 0x10}}",
        "[]",
        "{}",
        "{\"mcpservers\": {}}",
        "{\"slack\": {\"command\": \"slack-mcp\"}}",
        "{\"editor.fontSize\": 12,\n\"mcp.servers\": {\"a\": {}}}",
        "{\"mcp\": {\"servers\": {}}}",
        "{\"servers\": [{\"command\": \"x\"}]}",
        "{\"servers\": {},\n\"manyhands\": 5}",
        "{\"servers\": {},\n\"manyhands\": {\n\"names\": {\"seperator\": \"/\"}}}",
        "{\"servers\": {},\n\"manyhands\": {\"grace\": \"canary-5f2b\"}}",
    ];
    let answer = |text: &str| match read(text) {
        Ok(_) => "fine".to_owned(),
        Err(error) => format!("failed to {error}"),
    };
    insta::assert_snapshot!(answers(&cases, answer));
}

#[test]
fn one_entry() {
    let cases = [
        r#"5"#,
        r#"{}"#,
        r#"{"command": ""}"#,
        r#"{"command": ["npx", "-y"]}"#,
        r#"{"command": "a", "args": "b"}"#,
        "{\"command\": \"a\",\n\"args\": [\"b\",\n[]]}",
        r#"{"command": "a", "env": {"MY KEY": {}}}"#,
        r#"{"command": "a", "disabled": "yes"}"#,
        r#"{"command": "a", "url": "https://a.example"}"#,
        r#"{"type": "http", "command": "a"}"#,
        r#"{"type": "stdio", "url": "https://a.example"}"#,
        r#"{"type": "htpp", "url": "https://a.example"}"#,
        r#"{"type": "websocket", "url": "https://a.example"}"#,
        r#"{"type": "sse", "url": "a.example/sse"}"#,
        r#"{"url": "unix://run/canary-5f2b.sock"}"#,
        r#"{"type": "http", "url": "unix:///run/%2"}"#,
        r#"{"url": "a.example/${TOKEN}"}"#,
        r#"{"url": "canary-5f2b://x"}"#,
        "{\"command\": \"a\",\n\"env\": {\"KEY\": \"${SLACK_TOKEN}\"}}",
        r#"{"command": "a", "args": ["x", "y", "${env:NOPE}"]}"#,
        r#"{"url": "https://a.example", "headers": {"Authorization": "Bearer ${input:jira-key}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:keyring:slack/canary-5f2b}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:canary-5f2b}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:Keyring:canary-5f2b}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:keyring:}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:env:KEY:-canary-5f2b}"}}"#,
        r#"{"command": "a", "env": {"KEY": "${secret:file:${HOME}/canary-5f2b}"}}"#,
        r#"{"command": "a", "envFile": "${secret:env:canary-5f2b}"}"#,
        r#"{"command": "a", "manyhands": {"startTimeout": "${secret:env:canary-5f2b}"}}"#,
        r#"{"command": "${command:canary-5f2b}"}"#,
        r#"{"command": "${A:-${B}}"}"#,
        r#"{"command": "a", "envFile": "none.env"}"#,
        "{\"command\": \"a\", \"manyhands\": {\n\"requird\": true}}",
        "{\"command\": \"a\", \"manyhands\": {\n\"retry\": {\n\"max\": 1, \"mod\": \"always\"}}}",
        r#"{"command": "a", "manyhands": {"limits": {"odd key": {"mix": 1}}}}"#,
        r#"{"command": "a", "manyhands": {"tags": [{"name": "x"}, {"label": "x"}]}}"#,
        r#"{"command": "a", "manyhands": {"zzz": 1}}"#,
        "{\"command\": \"a\", \"manyhands\": {\n\"startTimeout\": \"canary-5f2b\"}}",
        r#"{"command": "a", "manyhands": {"retry": {"max": 300}}}"#,
        r#"{"command": "a", "manyhands": {"retry": {}}}"#,
        r#"{"command": "a", "manyhands": {"retry": ["canary-5f2b"]}}"#,
        r#"{"command": "a", "manyhands": {"retry": {"max": 1, "mode": "allways"}}}"#,
        r#"{"command": "a", "manyhands": {"tags": [{"name": 5}]}}"#,
        r#"{"command": "a", "manyhands": {"required": 1e999}}"#,
        r#"{"command": "a", "manyhands": []}"#,
        r#"{"command": "a", "manyhands": {"sandbox": {"kind": "landlock", "path": []}}}"#,
        r#"{"command": "a", "manyhands": {"sandbox": {"kind": "landlok"}}}"#,
        r#"{"command": "a", "manyhands": {"owner": 5}}"#,
    ];
    let answer = |text: &str| match entry(text).definition {
        Ok(_) => "fine".to_owned(),
        Err(error) => format!("failed to {error}"),
    };
    insta::assert_snapshot!(answers(&cases, answer));
}

#[test]
fn an_input_of_vs_code_says_what_it_is_for() {
    let text = r#"{"inputs": [{"id": "jira-key", "description": "The key from jira.example"}],
                   "servers": {"jira": {"command": "a", "args": ["${input:jira-key}"]}}}"#;
    let config = read(text).unwrap();
    let error = config.servers[0].definition.as_ref().unwrap_err();
    assert_eq!(
        format!("{} / {}", error.cause(), error.mend().unwrap()),
        "args[0] (mcp.json, line 2): the input `jira-key` (The key from jira.example) has no value / \
         set the variable MANYHANDS_INPUT_JIRA_KEY to it"
    );
    assert_eq!((error.path(), error.line()), ("args[0]", Some(2)));
}

#[test]
fn what_is_odd_but_usable() {
    let cases = [
        "{\"servers\": {\"slack\": {\n\"command\": \"x\",\n\"argz\": []}}}",
        r#"{"servers": {"my server": {"command": "x", "qqq": 1}}}"#,
        r#"{"servers": {"a": {"command": "x", "disabledTools": ["rm"], "autoApprove": ["ls"], "timeout": 5}}}"#,
        r#"{"servers": {"a": {"command": "x", "headers": {}}, "b": {"url": "http://b", "env": {}}}}"#,
        r#"{"servers": {"a": {"type": "http", "command": "x", "url": "http://b", "httpUrl": "http://c"}}}"#,
        "{\"servers\": {\"a\": {\"command\": \"x\",\n\"command\": \"y\"}}}",
        "{\"servers\": {\"a\": {\"command\": \"x\"}},\n\"mcpServers\": {\"a\": {\"command\": \"y\"}}}",
        "{\"servers\": {\"Slack\": {\"command\": \"x\"},\n\"slack\": {\"command\": \"y\"}}}",
        "{\"servers\": {\"my server\": {\"command\": \"x\"},\n\"my-server\": {\"command\": \"y\"}}}",
        r#"{"$schema": "x", "servers": {}, "globalShortcut": "", "input": [], "zzzzz": 1}"#,
        r#"{"servers": {}, "inputs": {"id": "x"}}"#,
        r#"{"servers": {}, "inputs": [5, {"id": 5}, {"id": "x"}]}"#,
    ];
    let answer = |text: &str| {
        let warnings = read(text).unwrap().warnings;
        warnings
            .iter()
            .map(|warning| format!("{warning}\n"))
            .collect::<String>()
    };
    insta::assert_snapshot!(answers(&cases, answer));
}
