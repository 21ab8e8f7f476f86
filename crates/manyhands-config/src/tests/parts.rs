//! A part of the file's section that is read by itself: what it costs when it is wrong, and what it holds.

use manyhands_core::Secret;

use super::*;
use crate::{EntryError, Part};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Embeddings {
    url: String,
    key: Option<String>,
}

fn part(embeddings: &str) -> Option<Result<Part, EntryError>> {
    let text = format!(
        "{{\"servers\": {{}}, \"manyhands\": {{\"grace\": 1,\n\"embeddings\": {embeddings}}}}}"
    );
    let config = read(&text).unwrap();
    assert_eq!(config.settings.grace, 1.0, "the rest is read all the same");
    config.embeddings
}

fn settings(embeddings: &str) -> Result<Embeddings, EntryError> {
    part(embeddings).unwrap()?.read()
}

#[test]
fn references_are_filled_in_and_secrets_come_later() {
    let given = settings(r#"{"url": "https://${X:-a}/v1", "key": "${TOKEN}"}"#).unwrap();
    assert_eq!(given.url, "https://a/v1");
    assert_eq!(given.key.as_deref(), Some(CANARY));
    assert_eq!(part("null"), None);

    let part = part(r#"{"url": "u", "key": "x${secret:keyring:a/b}"}"#)
        .unwrap()
        .unwrap();
    let first: Embeddings = part.read().unwrap();
    assert_eq!(first.key.as_deref(), Some("x${secret:keyring:a/b}"));
    let deferred = part.deferred.as_ref().unwrap();
    assert_eq!(deferred.uses()[0].reference, "keyring:a/b");
    let secrets = [("keyring:a/b".to_owned(), Secret::new(CANARY))];
    let whole = deferred.complete(&secrets.into()).unwrap();
    let key = whole.read::<Embeddings>().unwrap().key.unwrap();
    assert_eq!(key, format!("x{CANARY}"));
    assert!(!format!("{part:?}{whole:?}{deferred:?}").contains(CANARY));
    deferred.complete(&BTreeMap::new()).unwrap_err();
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_without_its_value() {
    for (text, told) in [
        (
            r#"{"url": "u", "kee": 1}"#,
            "configure embeddings: manyhands.embeddings (mcp.json, line 2): the key `kee` means nothing here; did you mean `key`?",
        ),
        (
            "{\"url\":\n[\"${TOKEN}\"]}",
            "configure embeddings: manyhands.embeddings.url (mcp.json, line 3): expected a string, found a list",
        ),
        (
            r#"{"key": "${TOKEN}"}"#,
            "configure embeddings: manyhands.embeddings (mcp.json, line 2): the key `url` is missing; add it",
        ),
        (
            r#"{"url": "${NOT_SET}"}"#,
            "configure embeddings: manyhands.embeddings.url (mcp.json, line 2): the variable `NOT_SET` is not set; set it \
             in the environment, or write a default: ${NOT_SET:-..}",
        ),
        (
            "\"${TOKEN}\"",
            "configure embeddings: manyhands.embeddings (mcp.json, line 2): expected an object, found a string",
        ),
    ] {
        assert_eq!(settings(text).unwrap_err().to_string(), told);
    }
}

#[test]
fn a_part_is_the_same_when_it_says_the_same() {
    let same = |a: &str, b: &str| part(a) == part(b);
    assert!(same(r#"{"url": "a"}"#, "{\n\"url\": \"a\"}"));
    assert!(!same(r#"{"url": "a"}"#, r#"{"url": "b"}"#));
    assert!(!same(r#"{"url": "${EMPTY}"}"#, r#"{"url": "${TOKEN}"}"#));
}

#[test]
fn a_secret_in_it_and_a_misspelt_name_of_it_are_told() {
    let file = |section: &str| format!("{{\"servers\": {{}}, \"manyhands\": {section}}}");
    let literal =
        file(r#"{"embeddings": {"url": "u", "apiKey": "sk-proj-8Xq1Z0r7Tk2Lw98Xq1Z0r7Tk2Lw9"}}"#);
    let told = read(&literal).unwrap().literal_secrets;
    let told = told.iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.starts_with("manyhands.embeddings.apiKey (line 1) looks like "),
        "{told}"
    );
    assert!(
        told.contains("${secret:keyring:embeddings/apikey}") && !told.contains("8Xq1"),
        "{told}"
    );

    let error = read(&file(r#"{"embedings": {}}"#)).unwrap_err().to_string();
    assert!(error.contains("did you mean `embeddings`?"), "{error}");
}
