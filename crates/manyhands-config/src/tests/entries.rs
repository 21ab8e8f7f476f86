//! Entries as clients write them, and what they become.

use std::path::{Path, PathBuf};

use super::*;

#[test]
fn a_child_process_gets_everything_filled_in() {
    let it = stdio(
        r#"{"command": "${userHome}/bin/${NAME:-srv}", "args": ["-y", "--key=${env:TOKEN}", "$HOME", "${"],
            "env": {"A": "${TOKEN}", "PORT": 8080, "FLAG": true, "GONE": null}, "cwd": "./sub"}"#,
    );
    assert_eq!(it.command, "/home/you/bin/srv");
    assert_eq!(it.args, ["-y", &format!("--key={CANARY}"), "$HOME", "${"]);
    let env: Vec<_> = it
        .env
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(env, [("A", CANARY), ("FLAG", "true"), ("PORT", "8080")]);
    assert_eq!(it.cwd, Some(PathBuf::from("/srv/shop/sub")));
}

#[test]
fn every_spelling_of_an_http_server_is_one() {
    for text in [
        r#"{"url": "https://a.example/mcp"}"#,
        r#"{"serverUrl": "https://a.example/mcp"}"#,
        r#"{"httpUrl": "https://a.example/mcp", "url": "https://a.example/sse"}"#,
        r#"{"type": "http", "url": "https://a.example/mcp"}"#,
        r#"{"type": "streamable-http", "url": "https://a.example/mcp"}"#,
        r#"{"type": "streamableHttp", "url": "https://a.example/mcp"}"#,
        r#"{"transport": "streamable_http", "url": "https://a.example/mcp"}"#,
        r#"{"type": "http", "command": "unused", "url": "https://a.example/mcp"}"#,
    ] {
        assert_eq!(http(text).url, "https://a.example/mcp", "{text}");
    }
}

#[test]
fn a_socket_speaks_http_where_its_type_or_its_fragment_says_so() {
    for (text, url) in [
        (
            r#"{"type": "http", "url": "unix:///run/a.sock"}"#,
            "http://localhost/",
        ),
        (
            r#"{"type": "http", "url": "unix:///run/a.sock#/mcp"}"#,
            "http://localhost/mcp",
        ),
        (
            r#"{"url": "unix:///run/a.sock#/mcp"}"#,
            "http://localhost/mcp",
        ),
    ] {
        let it = http(text);
        assert_eq!(it.url, url, "{text}");
        assert_eq!(it.unix_socket, Some(PathBuf::from("/run/a.sock")), "{text}");
    }
    let of = |text: &str| entry(text).definition.unwrap().endpoint;
    match of(r#"{"type": "sse", "url": "unix:///run/a.sock#/sse", "headers": {"A": "b"}}"#) {
        Endpoint::Sse(it) => {
            assert_eq!(
                (it.url.as_str(), it.headers["A"].as_str()),
                ("http://localhost/sse", "b")
            );
            assert_eq!(it.unix_socket, Some(PathBuf::from("/run/a.sock")));
        }
        other => panic!("{other:?}"),
    }
    match of(r#"{"url": "unix://${HOME}/a.sock"}"#) {
        Endpoint::Unix(it) => assert_eq!(it.path, Path::new("/home/you/a.sock")),
        other => panic!("{other:?}"),
    }
    match of(r#"{"type": "sse", "url": "https://a.example/sse"}"#) {
        Endpoint::Sse(it) => assert_eq!(
            (it.url.as_str(), it.unix_socket),
            ("https://a.example/sse", None)
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_are_of_no_use_to_a_socket_without_http() {
    let config = read(r#"{"mcpServers": {"a": {"url": "unix:///run/a.sock", "headers": {}}}}"#);
    assert_eq!(
        config.unwrap().warnings[0].to_string(),
        "mcpServers.a.headers (line 1) is not used: no HTTP is spoken at this socket, as it has no `type`"
    );
}

#[test]
fn references_in_settings_are_filled_in_and_do_not_show_in_errors() {
    let it = entry(
        r#"{"command": "a", "manyhands": {"tags": [{"name": "${userHome}/x"}], "owner": "${NOBODY:-ada}"}}"#,
    );
    let definition = it.definition.unwrap();
    assert_eq!(definition.settings.tags[0].name, "/home/you/x");
    assert_eq!(definition.settings.shared.owner, "ada");
    assert_eq!(definition.folder, Path::new("/srv/shop"));
    let failed = |text: &str| entry(text).definition.unwrap_err().to_string();
    let unset = failed(r#"{"command": "a", "manyhands": {"tags": [{"name": "${NOBODY}"}]}}"#);
    assert!(
        unset.contains("manyhands.tags[0].name") && unset.contains("NOBODY"),
        "{unset}"
    );
    let secret =
        failed(r#"{"command": "a", "manyhands": {"retry": {"max": 1, "mode": "${TOKEN}"}}}"#);
    assert!(
        secret.contains("${TOKEN}") && !secret.contains(CANARY),
        "{secret}"
    );
}

#[test]
fn headers_are_filled_in_from_variables_and_inputs() {
    let config = read(
        r#"{"inputs": [{"type": "promptString", "id": "slack-token", "password": true},
                       {"id": "region", "default": "eu"}],
            "servers": {"a": {"url": "https://${input:region}.example/",
                              "headers": {"Authorization": "Bearer ${input:slack-token}"}}}}"#,
    )
    .unwrap();
    let Ok(Endpoint::Http(it)) = config.servers[0].definition.as_ref().map(|it| &it.endpoint)
    else {
        panic!("{:?}", config.servers)
    };
    assert_eq!(it.url, "https://eu.example/");
    assert_eq!(it.headers["Authorization"], format!("Bearer {CANARY}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn a_server_can_be_switched_off_in_two_ways() {
    assert!(entry(r#"{"command": "a", "disabled": true}"#).disabled);
    assert!(entry(r#"{"command": "a", "enabled": false}"#).disabled);
    assert!(!entry(r#"{"command": "a", "disabled": false, "enabled": true}"#).disabled);
    assert!(!entry(r#"{"command": "a", "disabled": null}"#).disabled);
}

#[test]
fn settings_are_typed_and_nested() {
    let it = entry(
        r#"{"command": "a", "manyhands": {"required": true, "startTimeout": 5,
            "retry": {"max": 3, "mode": {"custom": {"ratio": 1}}}, "tags": [{"name": "x"}],
            "limits": {"any key": {"max": 1, "mode": "always"}}, "extra": {"whatever": [1, -2, 0.5]},
            "labels": {"any": 1}, "owner": "ada", "sandbox": {"kind": "landlock", "paths": ["/tmp"]}}}"#,
    );
    let settings = it.definition.unwrap().settings;
    assert!(settings.required);
    assert_eq!(settings.start_timeout, Some(Seconds(5)));
    assert_eq!(
        settings.retry,
        Some(Retry {
            max: 3,
            mode: Mode::Custom { ratio: 1.0 }
        })
    );
    assert_eq!(
        settings.tags,
        [Tag {
            name: "x".to_owned()
        }]
    );
    assert_eq!(
        settings.limits["any key"],
        Retry {
            max: 1,
            mode: Mode::Always
        }
    );
    assert_eq!(
        settings.extra,
        serde_json::json!({"whatever": [1, -2, 0.5]})
    );
    assert_eq!(settings.labels["any"], 1);
    assert_eq!(settings.shared.owner, "ada");
    let paths = vec!["/tmp".to_owned()];
    assert_eq!(settings.sandbox, Some(Sandbox::Landlock { paths }));
}

#[test]
fn absent_sections_are_defaults() {
    let config = read(r#"{"servers": {"a": {"command": "a"}}}"#).unwrap();
    assert_eq!(config.settings, TopSettings::default());
    let settings = &config.servers[0].definition.as_ref().unwrap().settings;
    assert_eq!(*settings, ServerSettings::default());
}

#[test]
fn lists_are_merged_in_the_order_of_the_file_and_odd_keys_get_ids() {
    let config = read(
        r#"{"servers": {"鸣潮 MCP Server": {"command": "a"}, "git": {"command": "b"}},
            "mcpServers": {"Git": {"command": "c"}, "": {"command": "d"}}}"#,
    )
    .unwrap();
    let ids: Vec<_> = config.servers.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids[..2], ["mcp-server", "git"]);
    assert!(ids[2].starts_with("git-"), "{ids:?}");
    let titles: Vec<_> = config
        .servers
        .iter()
        .map(|it| it.title.as_deref())
        .collect();
    assert_eq!(
        titles,
        [Some("鸣潮 MCP Server"), None, Some("Git"), Some("")]
    );
}

#[test]
fn of_servers_with_the_same_key_the_last_one_counts() {
    let config = read(
        r#"{"servers": {"a": {"command": "1"}, "b": {"command": "2"}, "a": {"command": "3"}},
            "mcpServers": {"b": {"command": "4"}}}"#,
    )
    .unwrap();
    let commands = config.servers.iter().map(|it| match &it.definition {
        Ok(it) => format!("{:?}", it.endpoint),
        Err(error) => error.to_string(),
    });
    let commands = commands.collect::<Vec<_>>().join("\n");
    assert_eq!(config.servers.len(), 2, "{commands}");
    assert!(
        commands.contains("\"3\"") && commands.contains("\"4\""),
        "{commands}"
    );
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
}

#[test]
fn a_broken_entry_costs_only_itself() {
    let config =
        read(r#"{"servers": {"slack": 5, "git": {"command": "git-mcp"}, "x": {"url": 1}}}"#)
            .unwrap();
    let usable: Vec<_> = config
        .servers
        .iter()
        .map(|it| it.definition.is_ok())
        .collect();
    assert_eq!(usable, [false, true, false]);
}

#[test]
fn the_workspace_folder_is_above_an_editors_own() {
    let folder = |path: &str| Source::of_file(Path::new(path)).folder().to_owned();
    assert_eq!(folder("/srv/shop/mcp.json"), Path::new("/srv/shop"));
    assert_eq!(folder("/srv/shop/.vscode/mcp.json"), Path::new("/srv/shop"));
    assert_eq!(folder("/srv/shop/.cursor/mcp.json"), Path::new("/srv/shop"));
    assert!(folder("mcp.json").is_absolute());
    assert_eq!(
        stdio(r#"{"command": "${workspaceFolder}/a"}"#).command,
        "/srv/shop/a"
    );
    assert_eq!(
        stdio(r#"{"command": "${workspaceFolderBasename}"}"#).command,
        "shop"
    );
}

#[test]
fn debug_shows_no_value_that_may_be_secret() {
    let config = read(
        r#"{"servers": {
            "a": {"command": "${TOKEN}", "args": ["${TOKEN}", "canary-5f2b"], "env": {"KEY": "${TOKEN}"}, "cwd": "/${TOKEN}"},
            "b": {"url": "https://u:${TOKEN}@${TOKEN}/canary-5f2b?k=${TOKEN}", "headers": {"X-Key": "canary-5f2b"}},
            "c": {"url": "${TOKEN}"}, "d": {"command": "${TOKEN}", "envFile": "/no/${TOKEN}"}}}"#,
    )
    .unwrap();
    let shown = format!("{config:?} {:#?}", config.servers);
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("X-Key") && shown.contains("KEY"), "{shown}");
}
