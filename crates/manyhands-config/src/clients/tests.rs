//! The files as the clients write them, and what becomes of them here.

use std::path::Path;

use super::*;
use crate::{Config, Source};

const SAMPLES: [(Client, &str); 7] = [
    (
        Client::ClaudeDesktop,
        include_str!("samples/claude-desktop.json"),
    ),
    (Client::ClaudeCode, include_str!("samples/claude-code.json")),
    (Client::Cursor, include_str!("samples/cursor.json")),
    (Client::VsCode, include_str!("samples/vscode.json")),
    (Client::Codex, include_str!("samples/codex.toml")),
    (Client::Goose, include_str!("samples/goose.yaml")),
    (Client::Zed, include_str!("samples/zed.json")),
];

/// What the clients themselves wrote, without what has nothing to do with servers: Codex 0.169.0 by `codex mcp add`, Claude
/// Code 2.1.330 by `claude mcp add`, run on 2026-11-22.
const WRITTEN: [(Client, &str); 2] = [
    (Client::Codex, include_str!("samples/codex-written.toml")),
    (
        Client::ClaudeCode,
        include_str!("samples/claude-code-written.json"),
    ),
];

fn read(client: Client, text: &str) -> Result<Vec<Found>, EditError> {
    client.read("FILE", text, Path::new("/srv/shop"))
}

#[test]
fn what_each_client_writes_becomes_entries_of_ours() {
    let samples = SAMPLES.map(|it| ("read", it)).into_iter();
    let written = WRITTEN.map(|it| ("written", it));
    for (kind, (client, text)) in samples.chain(written) {
        let found = read(client, text).unwrap();
        let shown = found.iter().map(|it| {
            let entry = match &it.entry {
                Ok(entry) => entry.to_string(),
                Err(why) => format!("none: {why}"),
            };
            let mut shown = format!("{}: {entry}\n", it.name);
            it.notes
                .iter()
                .for_each(|note| shown.push_str(&format!("  note: {note}\n")));
            it.wanted
                .iter()
                .for_each(|wanted| shown.push_str(&format!("  wanted: {wanted}\n")));
            shown
        });
        insta::assert_snapshot!(
            format!("{kind}_{}", client.name()),
            shown.collect::<String>()
        );
    }
}

/// Settings as the layers above have them, as far as the conversions write them.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    start_timeout: String,
    timeout: String,
    required: bool,
    inherit_env: Vec<String>,
    oauth: OAuth,
}

#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, rename_all = "camelCase")]
struct OAuth {
    client_id: String,
    client_secret: String,
    scopes: Vec<String>,
    redirect_uri: String,
}

struct Any;

impl crate::Variables for Any {
    fn get(&self, _: &str) -> Option<String> {
        Some("x".to_owned())
    }
}

#[test]
fn every_entry_can_be_read_back_without_a_warning() {
    for (client, text) in SAMPLES.into_iter().chain(WRITTEN) {
        for found in read(client, text).unwrap() {
            // The sample has one on purpose that has nothing to reach.
            let Ok(entry) = found.entry.as_ref().map_err(drop) else {
                continue;
            };
            if found.name == "figma2" {
                continue;
            }
            let text = serde_json::json!({"mcpServers": {&found.name: entry}}).to_string();
            let source = Source::new("x", "/");
            let config = Config::<Settings, Value>::from_json(&text, &source, &Any).unwrap();
            assert_eq!(config.warnings.len(), 0, "{:?}", config.warnings);
            let definition = &config.servers[0].definition;
            let lacks_env_file = definition.as_ref().is_err_and(|it| it.path() == "envFile");
            assert!(definition.is_ok() || lacks_env_file, "{definition:?}");
        }
    }
}

#[test]
fn files_that_are_none_are_refused_without_their_content() {
    for (client, _) in SAMPLES {
        for text in [
            "{",
            "[mcp_servers\ntoken = canary",
            "a: [canary",
            "a: {b: canary",
            "\u{0}canary",
        ] {
            if let Err(error) = read(client, text) {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("canary"), "{shown}");
            }
        }
        assert_eq!(
            read(client, if client == Client::Codex { "" } else { "{}" }).unwrap(),
            []
        );
    }
    let refused = |client, text: &str| read(client, text).unwrap_err().to_string();
    let told = [
        refused(Client::Codex, "a = 1\nb = = 2"),
        refused(Client::Goose, "a: 1\nb: *x"),
        refused(Client::Goose, &"[".repeat(1_000)),
        refused(
            Client::Goose,
            &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ),
        refused(Client::Goose, "a: [1\nb: 2"),
        refused(Client::Cursor, "{\n\"a\" 1}"),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn no_mutation_of_a_file_panics_or_loses_another_entry() {
    let marks = [
        '"', '\\', '{', ']', ',', ':', '\0', '/', '=', '\n', '-', '\'',
    ];
    let args = ["serve".to_owned(), "--stdio".to_owned()];
    for (client, whole) in SAMPLES {
        for (at, c) in whole.char_indices() {
            let (head, tail) = whole.split_at(at);
            let rest = tail.strip_prefix(c).unwrap();
            // One mark at each place is enough to come by every kind of fault.
            let mark = marks[at % marks.len()];
            for text in [
                head.to_owned(),
                format!("{head}{mark}{tail}"),
                format!("{head}{mark}{rest}"),
                format!("{head}{rest}"),
            ] {
                let before = read(client, &text);
                if let Ok(Some(changed)) = installed(client, "FILE", &text, "/bin/manyhands", &args)
                    && let Ok(before) = before
                {
                    let after = read(client, &changed).unwrap();
                    let others: Vec<_> = after
                        .into_iter()
                        .filter(|it| it.name != "manyhands")
                        .collect();
                    assert_eq!(others, before, "{text}");
                }
            }
        }
    }
}

#[test]
fn our_entry_is_put_into_a_file_and_nothing_else_is_touched() {
    let args = ["serve".to_owned(), "--stdio".to_owned()];
    for (client, text) in SAMPLES {
        let install =
            |text: &str| installed(client, "FILE", text, "/bin/manyhands", &args).unwrap();
        let Some(once) = install(text) else {
            assert!([Client::Goose, Client::Zed].contains(&client));
            continue;
        };
        assert_eq!(
            install(&once).as_deref(),
            Some(once.as_str()),
            "it is not idempotent"
        );
        let moved = installed(client, "FILE", &once, "/usr/bin/manyhands", &args)
            .unwrap()
            .unwrap();
        assert!(moved.contains("/usr/bin/manyhands") && !moved.contains("\"/bin/manyhands"));
        let lines: Vec<&str> = text.lines().collect();
        let diff = once
            .lines()
            .filter(|line| !lines.contains(line))
            .collect::<Vec<_>>();
        let gone = lines.iter().filter(|line| !once.contains(**line)).count();
        assert_eq!(gone, 0, "{once}");
        insta::assert_snapshot!(format!("installed_{}", client.name()), diff.join("\n"));
        insta::assert_snapshot!(
            format!("installed_empty_{}", client.name()),
            install("").unwrap()
        );
    }
    let commented = "[mcp_servers.manyhands] # ours\ncommand = 'b' # the binary\nargs = [ \"serve\", \"--stdio\" ]\n";
    let again = installed(Client::Codex, "FILE", commented, "b", &args).unwrap();
    assert_eq!(again.as_deref(), Some(commented));
    for text in [
        "mcp_servers = 5\n",
        "mcp_servers.manyhands = 5\n",
        "[mcp_servers]\nmanyhands = {command = \"a\"}\n",
        "mcp_servers = {a = {command = \"a\"}}\n",
    ] {
        match installed(Client::Codex, "FILE", text, "b", &args) {
            Ok(changed) => assert!(changed.unwrap().contains("\"b\"")),
            Err(error) => assert!(error.to_string().contains("no table"), "{error}"),
        }
    }
}

#[test]
fn files_lie_where_the_clients_look_for_them() {
    let mut shown = String::new();
    for system in [System::Linux, System::MacOs, System::Windows] {
        let mut places = Places::new(system, "PROJECT".into());
        places.home = Some("HOME".into());
        places.config = Some(
            if system == System::Windows {
                "APPDATA"
            } else {
                "CONFIG"
            }
            .into(),
        );
        for client in Client::ALL {
            assert_eq!(Client::named(client.name()), Some(client));
            let files = places.files(client);
            let files: Vec<String> = files
                .iter()
                .map(|it| it.to_string_lossy().replace('\\', "/"))
                .collect();
            shown.push_str(&format!(
                "{system:?} {}: {}\n",
                client.name(),
                files.join(", ")
            ));
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_file_that_came_with_a_project_cannot_read_our_secrets() {
    let files = [
        (
            Client::Codex,
            "[mcp_servers.a]\nurl = \"https://a.example\"\nbearer_token_env_var = \"secret:keyring:a/b\"\n",
        ),
        (
            Client::Cursor,
            r#"{"mcpServers": {"a": {"command": "x", "args": ["${secret:command:id}"]}}}"#,
        ),
        (
            Client::VsCode,
            r#"{"inputs": [{"id": "x", "default": "secret:command:id"}], "servers": {"a": {"command": "x", "args": ["${${input:x}}", "${secret:file:~/.ssh/id}"]}}}"#,
        ),
        (
            Client::Codex,
            "[mcp_servers.a]\ncommand = \"x\"\n[mcp_servers.a.env]\nA = \"${secret:env:HOME}\"\n",
        ),
        (
            Client::Codex,
            "[mcp_servers.a]\nurl = \"https://a.example\"\nbearer_token_env_var = \"secret:command:id\"\n",
        ),
        (
            Client::Goose,
            "extensions:\n  a: {type: stdio, cmd: x, env_keys: ['secret:command:id']}\n",
        ),
        (
            Client::Zed,
            r#"{"context_servers": {"a": {"command": "x", "env": {"A": "${secret:env:A}"}}}}"#,
        ),
    ];
    for (client, text) in files {
        let found = read(client, text).unwrap();
        let entry = found[0].entry.as_ref();
        assert!(
            entry.is_err_and(|why| why.contains("${secret:..}")),
            "{client:?}: {found:?}"
        );
    }
}
