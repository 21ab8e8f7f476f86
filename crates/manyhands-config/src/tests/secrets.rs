//! Entries that name secrets: what is known of them at first, and what they become.

use std::path::PathBuf;

use manyhands_core::Secret;

use super::*;
use crate::{Deferred, EntryError, EntryErrorKind, ServerDefinition};

type Definition = ServerDefinition<ServerSettings>;

fn definition(text: &str) -> Definition {
    entry(text).definition.unwrap()
}

fn deferred(text: &str) -> Deferred<Definition> {
    definition(text).deferred.unwrap()
}

fn references(text: &str) -> Vec<String> {
    let deferred = deferred(text);
    let uses = deferred.uses().iter();
    uses.map(|it| it.reference.clone()).collect()
}

/// Completes an entry whose secrets are all the same.
fn complete_with(text: &str, value: &str) -> Result<Definition, EntryError> {
    let secrets = references(text).into_iter();
    let secrets = secrets.map(|it| (it, Secret::new(value))).collect();
    deferred(text).complete(&secrets)
}

fn complete(text: &str) -> Definition {
    complete_with(text, CANARY).unwrap()
}

fn kind(text: &str) -> EntryErrorKind {
    entry(text).definition.unwrap_err().kind()
}

#[test]
fn a_secret_may_stand_wherever_a_string_may() {
    let text = r#"{"command": "${secret:a:1}", "args": ["--x=${secret:a:2}${TOKEN}"], "cwd": "${secret:a:3}",
        "env": {"K": "${secret:keyring:slack/token}"},
        "manyhands": {"labels": {"l": ["${secret:a:4}"]}, "required": true}}"#;
    let first = definition(text);
    assert!(first.settings.required);
    let Endpoint::Stdio(it) = complete(text).endpoint else {
        panic!("it has a command")
    };
    assert_eq!(it.command, CANARY);
    assert_eq!(it.args, [format!("--x={CANARY}{CANARY}")]);
    assert_eq!(it.env["K"], CANARY);
    assert_eq!(it.cwd, Some(PathBuf::from("/srv/shop").join(CANARY)));
    let settings = complete(text).settings;
    assert_eq!(settings.labels["l"], serde_json::json!([CANARY]));
    assert!(settings.required);

    let text = r#"{"url": "https://${secret:a:1}/mcp", "headers": {"Authorization": "Bearer ${secret:a:2}"}}"#;
    let Endpoint::Http(it) = complete(text).endpoint else {
        panic!("it has a URL")
    };
    assert_eq!(it.url, format!("https://{CANARY}/mcp"));
    assert_eq!(it.headers["Authorization"], format!("Bearer {CANARY}"));
    assert_eq!(definition(r#"{"command": "a"}"#).deferred, None);
}

#[test]
fn each_use_is_told_with_its_place() {
    let text = "{\"command\": \"a\",\n\"env\": {\"K\": \"${secret:keyring:slack/token}\"},\n\"args\": [\"b\",\n\
                \"${secret:env:A}${secret:env:A}\"]}";
    let deferred = deferred(text);
    let uses = deferred.uses().iter();
    let uses: Vec<_> = uses
        .map(|it| (it.reference.as_str(), it.path.as_str(), it.line))
        .collect();
    let expected = [
        ("keyring:slack/token", "env.K", 3),
        ("env:A", "args[1]", 5),
        ("env:A", "args[1]", 5),
    ];
    assert_eq!(uses, expected);
    let error = deferred.refused(&deferred.uses()[0], "there is no such source", Some("look"));
    insta::assert_snapshot!(error, @"configure server `it`: env.K (mcp.json, line 3): there is no such source; look");
}

#[test]
fn the_path_of_a_file_begins_at_the_folder_of_the_configuration() {
    let of = |path: &str| {
        references(&format!(
            r#"{{"command": "a", "args": ["${{secret:file:{path}}}"]}}"#
        ))
    };
    assert_eq!(of("keys/a"), ["file:/srv/shop/keys/a"]);
    assert_eq!(of("./a"), ["file:/srv/shop/a"]);
    assert_eq!(of("/keys/a"), ["file:/keys/a"]);
    assert_eq!(of("~/a"), ["file:~/a"]);
}

#[test]
fn the_second_reading_knows_what_the_first_one_knew() {
    let mut variables = variables();
    let text = r#"{"servers": {"it": {"command": "a", "args": ["${TOKEN}", "${input:slack-token}", "${secret:a:b}"]}}}"#;
    let source = Source::new("mcp.json", "/srv/shop");
    let mut config = Read::from_json(text, &source, &variables).unwrap();
    variables.clear();
    let definition = config.servers.pop().unwrap().definition.unwrap();
    let secrets = BTreeMap::from([("a:b".to_owned(), Secret::new("x"))]);
    let Endpoint::Stdio(it) = definition
        .deferred
        .unwrap()
        .complete(&secrets)
        .unwrap()
        .endpoint
    else {
        panic!("it has a command")
    };
    assert_eq!(it.args, [CANARY, CANARY, "x"]);
}

#[test]
fn neither_a_variable_nor_a_secret_is_filled_in_again() {
    let text = r#"{"command": "a", "args": ["${secret:a:b}"]}"#;
    let Endpoint::Stdio(it) = complete_with(text, "${TOKEN}${secret:c:d}")
        .unwrap()
        .endpoint
    else {
        panic!("it has a command")
    };
    assert_eq!(it.args, ["${TOKEN}${secret:c:d}"]);
    let variables = BTreeMap::from([("A".to_owned(), "${secret:c:d}".to_owned())]);
    let text = r#"{"servers": {"it": {"command": "${A}"}}}"#;
    let config = Read::from_json(text, &Source::new("mcp.json", "/"), &variables).unwrap();
    assert_eq!(
        config.servers[0].definition.as_ref().unwrap().deferred,
        None
    );
}

#[test]
fn what_hangs_on_a_secret_is_checked_when_it_is_known() {
    let url = r#"{"url": "${secret:a:b}"}"#;
    let Endpoint::Http(it) = complete_with(url, "https://a.example/mcp")
        .unwrap()
        .endpoint
    else {
        panic!("it is a URL")
    };
    assert_eq!(it.url, "https://a.example/mcp");
    let endpoint = complete_with(url, "unix:///run/a.sock").unwrap().endpoint;
    assert!(matches!(endpoint, Endpoint::Unix(_)));
    for (text, value, kind) in [
        (url, CANARY, EntryErrorKind::InvalidUrl),
        (
            r#"{"command": "${secret:a:b}"}"#,
            " ",
            EntryErrorKind::NoEndpoint,
        ),
        (
            r#"{"command": "a", "args": ["${secret:a:b}"]}"#,
            "canary-5f2b\0",
            EntryErrorKind::InvalidValue,
        ),
    ] {
        let error = complete_with(text, value).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(!format!("{error} {error:?}").contains(CANARY));
    }
}

#[test]
fn a_secret_that_was_not_read_is_named() {
    let deferred = deferred(r#"{"command": "${secret:a:b}"}"#);
    let error = deferred.complete(&BTreeMap::new()).unwrap_err();
    insta::assert_snapshot!(error, @"configure server `it`: command (mcp.json, line 2): the secret `a:b` was not read");
}

#[test]
fn what_is_needed_at_once_cannot_be_a_secret() {
    let env_file = r#"{"command": "a", "envFile": "${secret:a:b}"}"#;
    assert_eq!(kind(env_file), EntryErrorKind::InvalidReference);
    let number = r#"{"command": "a", "manyhands": {"startTimeout": "${secret:a:b}"}}"#;
    assert_eq!(kind(number), EntryErrorKind::InvalidSetting);
}

#[test]
fn nothing_that_was_filled_in_shows() {
    let text = r#"{"command": "${secret:a:1}", "args": ["${secret:a:2}"], "env": {"K": "${secret:a:3}"}, "cwd": "${secret:a:4}"}"#;
    let definition = complete(text);
    assert!(!format!("{definition:?}").contains(CANARY));
    let shown = format!("{:?}", deferred(text));
    assert!(shown.contains("a:1") && !shown.contains(CANARY), "{shown}");
}
