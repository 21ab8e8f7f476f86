//! `add`, `remove` and `list`: the configuration changed from the command line, and nothing else with it.

use std::io::{Read as _, Write as _};

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Sandbox;

/// A value that nothing may show.
const CANARY: &str = "canary5F2b8Xq1Z0";

const COMMENTED: &str = r#"{
  // The servers of the shop.
  "mcpServers": {
    "crm": {"url": "https://crm.example/mcp"}, // ask Ada first
    "old": {"command": "old-server", "disabled": true}
  },
  "manyhands": {"grace": "2s"}
}
"#;

/// Runs commands here, and tells what they said and what became of the file.
fn story(sandbox: &Sandbox, file: &str, commands: &[&[&str]]) -> String {
    let mut story: Vec<String> = commands
        .iter()
        .map(|args| sandbox.run(args).to_string())
        .collect();
    story.push(format!("$ cat {file}\n{}", sandbox.read(file)));
    story.join("\n")
}

#[test]
fn a_server_is_added_listed_and_removed_and_the_rest_stays_as_it_is() {
    let sandbox = Sandbox::with_config(COMMENTED);
    let config = ["--config", "mcp.json"];
    let add = [
        &config[..],
        &[
            "add",
            "files",
            "--env",
            "MODE=fast",
            "--",
            "npx",
            "-y",
            "files-mcp",
            "/my notes",
        ],
    ]
    .concat();
    let list = [&config[..], &["list"]].concat();
    assert_snapshot!("editing_added", story(&sandbox, "mcp.json", &[&add, &list]));
    let remove = [&config[..], &["remove", "files"]].concat();
    assert_snapshot!("editing_removed", sandbox.run(&remove));
    assert_eq!(sandbox.read("mcp.json"), COMMENTED);
}

#[test]
fn without_any_file_the_personal_one_is_made() {
    let sandbox = Sandbox::new();
    let add = [
        "add",
        "Acme CRM",
        "--url",
        "https://crm.example/mcp",
        "--header",
        "X-Team=shop",
        "--header",
        "Authorization: Bearer ${CRM_TOKEN}",
        "--type",
        "http",
    ];
    let file = "config_home/manyhands/mcp.json";
    assert_snapshot!(
        "editing_personal",
        story(
            &sandbox,
            file,
            &[
                &add,
                &["list"],
                &["list", "--json"],
                &["add", "b", "--json", "--", "b-mcp"]
            ]
        )
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(sandbox.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_name_that_is_taken_is_replaced_only_by_force() {
    let sandbox = Sandbox::with_config(COMMENTED);
    let refused = sandbox.configured(&["add", "crm", "--", "crm-mcp"]);
    assert_eq!(sandbox.read("mcp.json"), COMMENTED);
    let forced = sandbox.configured(&["add", "crm", "--force", "--", "crm-mcp"]);
    assert_snapshot!(
        "editing_force",
        format!("{refused}\n{forced}\n{}", sandbox.read("mcp.json"))
    );
}

#[test]
fn what_could_not_be_used_is_not_written() {
    let sandbox = Sandbox::with_config(COMMENTED);
    let wrong: [&[&str]; 8] = [
        &["add", "a"],
        &["add", "a", "--url", "https://a.example", "--", "b"],
        &["add", "a", "--url", "a.example"],
        &["add", "a", "--type", "htp", "--url", "https://a.example"],
        &["add", "a", "--env", "canary", "--", "b"],
        &["add", "a", "--env", "A=1", "--env", "A=2", "--", "b"],
        &["add", "a", "--", ""],
        &["remove", "crn"],
    ];
    let told = wrong.map(|args| {
        let finished = sandbox.configured(args);
        assert_eq!(finished.code, Some(2), "{finished}");
        finished.to_string()
    });
    assert_snapshot!("editing_refused", told.join("\n"));
    assert_eq!(sandbox.read("mcp.json"), COMMENTED);
    for broken in [
        "{",
        "[]",
        "{\"mcpServers\": {\"a\": 1, \"a\": 2}}",
        "{\"mcpServers\": {}, \"manyhands\": {\"x\": 1}}",
    ] {
        let sandbox = Sandbox::with_config(broken);
        let finished = sandbox.configured(&["add", "a", "--", "b"]);
        assert_eq!(finished.code, Some(2), "{finished}");
        assert_eq!(sandbox.read("mcp.json"), broken);
    }
}

// On the others, the keyring is the user's own.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_never_written_unless_somebody_says_so() {
    let sandbox = Sandbox::with_config(COMMENTED);
    let secret = format!("CRM_TOKEN={CANARY}");
    let refused = sandbox.configured(&["add", "a", "--env", &secret, "--", "a-mcp"]);
    assert_eq!(refused.code, Some(2));
    assert!(!refused.stderr.contains(CANARY) && !refused.stdout.contains(CANARY));
    assert!(
        refused
            .stderr
            .contains("env.CRM_TOKEN cannot go to the keyring"),
        "{refused}"
    );
    assert!(refused.stderr.contains("--plain"), "{refused}");
    let mixed = "CRM_TOKEN=${A:-ghp_0123456789abcdefghij0123456789abcdef}";
    let mixed = sandbox.configured(&["add", "a", "--env", mixed, "--", "a-mcp"]);
    assert_eq!(mixed.code, Some(2));
    assert_eq!(sandbox.read("mcp.json"), COMMENTED);
    let plain = sandbox.configured(&["add", "a", "--plain", "--", "a-mcp", "--token", CANARY]);
    assert_eq!(plain.code, Some(0), "{plain}");
    assert!(sandbox.read("mcp.json").contains(CANARY));
    for args in [&["list"][..], &["list", "--json"], &["remove", "a"]] {
        let shown = sandbox.configured(args);
        assert_eq!(shown.code, Some(0), "{shown}");
        assert!(
            !shown.to_string().contains("canary") && shown.stdout.contains("[hidden]"),
            "{shown}"
        );
    }
}

#[test]
fn trust_in_a_projects_file_outlives_ones_own_change_only() {
    let sandbox = Sandbox::with_config(COMMENTED);
    let mut story = Vec::new();
    let mut say = |args: &[&str]| story.push(sandbox.run(args).to_string());
    say(&["add", "a", "--", "a-mcp"]);
    say(&["trust"]);
    say(&["add", "b", "--", "b-mcp"]);
    say(&["remove", "crm"]);
    assert_eq!(
        sandbox.run(&["auth", "status"]).code,
        Some(0),
        "it is trusted still"
    );
    sandbox.write(
        "mcp.json",
        &sandbox
            .read("mcp.json")
            .replace("old-server", "other-server"),
    );
    say(&["add", "c", "--", "c-mcp"]);
    let refused = sandbox.run(&["auth", "status"]);
    assert!(
        refused.stderr.contains("has changed since you trusted it"),
        "{refused}"
    );
    assert_snapshot!("editing_trust", story.join("\n"));
}

#[test]
fn a_broken_entry_is_listed_and_can_be_removed() {
    let sandbox = Sandbox::with_config(
        "{\"mcpServers\": {\n  \"bad\": {\"comand\": \"x\"},\n  \"\\u001b[31m\": {\"command\": \"a\\u001b[2Jb\"}\n}}\n",
    );
    assert_snapshot!(
        "editing_broken_entry",
        sandbox.transcript(&[
            &["list"],
            &["remove", "bad"],
            &["remove", "\u{1b}[31m"],
            &["list"]
        ])
    );
}

#[test]
fn what_add_writes_can_be_called() {
    let sandbox = Sandbox::new();
    let added = sandbox.run(&[
        "add",
        "slack",
        "--",
        crate::harness::MANYHANDS,
        "demo-server",
        "slack",
    ]);
    assert_eq!(added.code, Some(0), "{added}");
    let called = sandbox.run(&["call", "slack.list_channels", "--json"]);
    assert_eq!(called.code, Some(0), "{called}");
    let _: Value = serde_json::from_str(&called.stdout).unwrap();
}

const WEATHER: &str = r#"{
  "name": "io.github.example/weather",
  "packages": [{
    "registryType": "npm", "identifier": "@example/weather", "version": "1.2.3", "transport": {"type": "stdio"},
    "packageArguments": [{"type": "positional", "valueHint": "city", "isRequired": true}],
    "environmentVariables": [{"name": "WEATHER_KEY", "description": "Your key", "isRequired": true, "isSecret": true}]
  }],
  "remotes": [{"type": "streamable-http", "url": "https://weather.example/mcp"}]
}
"#;

#[test]
fn a_server_is_added_as_its_author_describes_it() {
    let sandbox = Sandbox::with_config("{}");
    sandbox.write("server.json", WEATHER);
    let add = [
        "--config",
        "mcp.json",
        "add",
        "--server-json",
        "server.json",
    ];
    let commands: [&[&str]; 6] = [
        &[&add[..], &["weather"]].concat(),
        &[&add[..], &["local", "--package"]].concat(),
        &[&add[..], &["other", "--package", "pypi"]].concat(),
        &[
            "--config",
            "mcp.json",
            "add",
            "url",
            "--server-json",
            "http://127.0.0.1:1/server.json?key=k1",
        ],
        &[
            "--config",
            "mcp.json",
            "add",
            "none",
            "--server-json",
            "none.json",
        ],
        &["--config", "mcp.json", "add", "empty", "--server-json", "-"],
    ];
    sandbox.write("mcp.json", "{\n  \"mcpServers\": {}\n}\n");
    assert_snapshot!(
        "editing_server_json",
        story(&sandbox, "mcp.json", &commands)
    );
}

/// Answers one request at a URL with this status and text.
fn at_a_url(status: &'static str, text: String) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/server.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let length = text.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
        let _ = stream.write_all((head + &text).as_bytes());
    });
    url
}

#[test]
fn what_its_author_says_may_be_at_a_url() {
    let sandbox = Sandbox::with_config("{}");
    sandbox.write("mcp.json", "{\"mcpServers\": {}}");
    let add = |url: &str| {
        let ended = sandbox.run(&[
            "--config",
            "mcp.json",
            "add",
            "weather",
            "--server-json",
            url,
        ]);
        ended.to_string()
    };
    let large = " ".repeat(2 << 20);
    let refused = add(&at_a_url("200 OK", large));
    assert!(
        refused.contains("answered with more than 1 MiB"),
        "{refused}"
    );
    let missing = add(&at_a_url("404 Not Found", String::new()));
    assert!(
        missing.contains("404") && missing.contains("exit 3"),
        "{missing}"
    );
    let added = add(&at_a_url("200 OK", WEATHER.to_owned()));
    assert!(added.contains("added weather"), "{added}");
}
