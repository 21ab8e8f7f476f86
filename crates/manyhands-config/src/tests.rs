//! What people write, and what they get to read. The texts are in `snapshots/`.

mod entries;
mod files;
mod hostile;
mod messages;
mod parts;
mod secrets;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Config, ConfigError, Endpoint, HttpEndpoint, Source, StdioEndpoint};

/// A value that no error, warning or `Debug` may show.
const CANARY: &str = "canary-5f2b";

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
struct ServerSettings {
    required: bool,
    start_timeout: Option<Seconds>,
    retry: Option<Retry>,
    tags: Vec<Tag>,
    limits: BTreeMap<String, Retry>,
    extra: serde_json::Value,
    labels: serde_json::Map<String, serde_json::Value>,
    sandbox: Option<Sandbox>,
    #[serde(flatten)]
    shared: Shared,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
struct Seconds(u64);

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct Shared {
    owner: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Sandbox {
    Off,
    Landlock { paths: Vec<String> },
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
struct Retry {
    max: u8,
    #[serde(default)]
    mode: Mode,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
struct Tag {
    name: String,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Never,
    Always,
    Custom {
        ratio: f64,
    },
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct TopSettings {
    grace: f64,
    names: Names,
}

#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct Names {
    separator: String,
}

type Read = Config<ServerSettings, TopSettings>;

fn variables() -> BTreeMap<String, String> {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    BTreeMap::from([
        set("TOKEN", CANARY),
        set("EMPTY", ""),
        set("HOME", "/home/you"),
        set("MANYHANDS_INPUT_SLACK_TOKEN", CANARY),
    ])
}

fn read(text: &str) -> Result<Read, ConfigError> {
    Read::from_json(text, &Source::new("mcp.json", "/srv/shop"), &variables())
}

/// Reads a file with one entry, called `it`.
fn entry(entry: &str) -> crate::ServerEntry<ServerSettings> {
    let mut config = read(&format!("{{\"mcpServers\": {{\n\"it\": {entry}\n}}}}")).unwrap();
    config.servers.pop().unwrap()
}

fn stdio(text: &str) -> StdioEndpoint {
    match entry(text).definition.unwrap().endpoint {
        Endpoint::Stdio(it) => it,
        other => panic!("not a stdio endpoint: {other:?}"),
    }
}

fn http(text: &str) -> HttpEndpoint {
    match entry(text).definition.unwrap().endpoint {
        Endpoint::Http(it) => it,
        other => panic!("not an HTTP endpoint: {other:?}"),
    }
}
