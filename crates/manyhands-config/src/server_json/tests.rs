//! Descriptions as the registry has them.

use super::*;

const HYBRID: &str = r#"{
  "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
  "name": "io.github.example/hybrid", "version": "1.5.0",
  "packages": [
    {"registryType": "mcpb", "identifier": "https://github.com/x/y.mcpb"},
    {"registryType": "npm", "identifier": "@example/hybrid", "version": "1.5.0", "runtimeHint": "npx",
     "transport": {"type": "stdio"},
     "runtimeArguments": [{"type": "positional", "value": "-y"}, {"type": "named", "name": "--registry", "value": "https://r.example"}],
     "packageArguments": [
       {"type": "named", "name": "--mode", "default": "local"},
       {"type": "named", "name": "--port"},
       {"type": "named", "name": "--verbose", "isRequired": true},
       {"type": "positional", "valueHint": "target_dir", "description": "Where to look", "isRequired": true}],
     "environmentVariables": [
       {"name": "API_KEY", "description": "The key", "isRequired": true, "isSecret": true},
       {"name": "LOG_LEVEL", "default": "info"}, {"name": "EXTRA"}]},
    {"registryType": "pypi", "identifier": "weather", "version": "0.5.0", "runtimeHint": "pipx"},
    {"registryType": "nuget", "identifier": "Knap.Sample", "version": "0.4.0-beta", "packageArguments": [{"type": "positional", "value": "mcp"}]},
    {"registryType": "oci", "identifier": "docker.io/example/db:3.1", "version": "3.1.0",
     "runtimeArguments": [{"type": "named", "name": "--mount", "value": "type=bind,src={source},dst={target}",
       "variables": {"source": {"description": "On the host", "isRequired": true}, "target": {"default": "/project"}}}],
     "environmentVariables": [{"name": "DB_PASSWORD", "isRequired": true, "isSecret": true}]},
    {"registryType": "oci-remote", "identifier": "x"}
  ],
  "remotes": [
    {"type": "sse", "url": "https://mcp.example/sse"},
    {"type": "streamable-http", "url": "https://{tenant}.mcp.example/http",
     "variables": {"tenant": {"isRequired": true, "description": "Your \u001b[31mtenant"}},
     "headers": [{"name": "X-API-Key", "isRequired": true, "isSecret": true}, {"name": "X-Region", "default": "us-east-1"},
       {"name": "Authorization", "value": "Bearer {token}", "variables": {"token": {"isSecret": true}}}]}
  ]
}"#;

#[test]
fn each_way_to_run_a_server_becomes_an_entry() {
    let ways = [
        None,
        Some(""),
        Some("npm"),
        Some("pypi"),
        Some("nuget"),
        Some("oci"),
        Some("mcpb"),
        Some("cargo"),
    ];
    let shown = ways.map(|way| match describe(HYBRID, "My Hybrid", way) {
        Ok(it) => format!(
            "{way:?}: {}\n  wanted: {:?}\n  notes: {:?}\n",
            it.entry, it.wanted, it.notes
        ),
        Err(what) => format!("{way:?}: {what}\n"),
    });
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn the_first_form_of_the_schema_and_the_api_are_read_too() {
    let old = r#"{"server": {"name": "x", "packages": [{"registry_type": "npm", "identifier": "brave", "version": "1.0.2",
        "environment_variables": [{"name": "KEY", "is_required": true, "is_secret": true}]}]}}"#;
    let it = describe(old, "brave", None).unwrap();
    assert_eq!(it.entry["args"][1], "brave@1.0.2");
    assert_eq!(it.entry["env"]["KEY"], "${secret:keyring:brave/KEY}");
    let old = r#"{"remotes": [{"transport_type": "sse", "url": "https://a.example/sse"}]}"#;
    assert_eq!(describe(old, "a", None).unwrap().entry["type"], "sse");
}

#[test]
fn what_describes_no_server_is_refused() {
    for (text, what) in [
        ("{", "no JSON"),
        ("[]", "neither"),
        ("{}", "neither"),
        (r#"{"remotes": [{"type": "x"}]}"#, "type that is known"),
        (r#"{"remotes": [{"type": "sse"}]}"#, "no `url`"),
        (
            r#"{"packages": [{"registryType": "npm"}]}"#,
            "no `identifier`",
        ),
        (
            r#"{"packages": [{"registryType": "npm", "identifier": "--call=x"}]}"#,
            "no name",
        ),
        (
            r#"{"remotes": [{"type": "sse", "url": "https://a.example/${secret:command:id}"}]}"#,
            "filled in here",
        ),
        (
            r#"{"remotes": [{"type": "sse", "url": "https://a.example", "headers": [{"name": "A${HOME}", "value": "x"}]}]}"#,
            "filled in here",
        ),
        (r#"{"packages": [5]}"#, "can be taken"),
    ] {
        let error = describe(text, "a", None).unwrap_err();
        assert!(error.contains(what), "{text}: {error}");
    }
}

#[test]
fn no_mutation_panics() {
    for (at, c) in HYBRID.char_indices() {
        let (head, tail) = HYBRID.split_at(at);
        let rest = tail.strip_prefix(c).unwrap();
        for text in [
            head.to_owned(),
            format!("{head}{rest}"),
            format!("{head}[{tail}"),
            format!("{head}\"{rest}"),
        ] {
            for way in [None, Some("npm"), Some("oci")] {
                drop(describe(&text, "a", way));
            }
        }
    }
}
