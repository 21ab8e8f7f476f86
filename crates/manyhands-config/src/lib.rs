//! Reads the `mcp.json` that people already have into typed sections.
//!
//! It takes what Claude, Cursor and VS Code write, comments and trailing commas
//! included, fills in `${..}` references, and leaves to each layer what its
//! settings mean: the program that puts the layers together names the types of
//! the `manyhands` sections. One broken entry costs only its own server, what is
//! likely a mistake is a warning, and no error or `Debug` shows a value that was
//! filled in.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::path::Path;
//!
//! use manyhands_config::{Config, Endpoint, Source};
//!
//! #[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(default)]
//! struct ServerSettings {
//!     required: bool,
//! }
//!
//! let text = r#"{
//!     "mcpServers": {
//!         // A comment is fine, and so is the comma at the end.
//!         "slack": {
//!             "command": "npx",
//!             "args": ["-y", "slack-mcp"],
//!             "env": {"TOKEN": "${SLACK_TOKEN}"},
//!             "manyhands": {"required": true},
//!         },
//!         "jira": {"comand": "jira-mcp"},
//!     },
//! }"#;
//! let variables = BTreeMap::from([("SLACK_TOKEN".to_owned(), "xoxb-1".to_owned())]);
//! let source = Source::new("mcp.json", Path::new("."));
//! let config = Config::<ServerSettings, serde_json::Value>::from_json(text, &source, &variables)?;
//!
//! let slack = config.servers[0].definition.as_ref().unwrap();
//! assert!(slack.settings.required);
//! let Endpoint::Stdio(child) = &slack.endpoint else { panic!("slack has a command") };
//! assert_eq!(child.env["TOKEN"], "xoxb-1");
//!
//! assert!(config.servers[1].definition.is_err());
//! assert_eq!(
//!     config.warnings[0].to_string(),
//!     "mcpServers.jira has the key `comand` (line 10), which means nothing here; did you mean `command`?",
//! );
//! # Ok::<(), manyhands_config::ConfigError>(())
//! ```

#[cfg(feature = "clients")]
pub mod clients;
mod config;
mod deferred;
mod document;
pub mod edit;
mod endpoint;
mod entry;
mod env_file;
mod error;
mod file;
mod include;
mod inputs;
mod keys;
mod literal;
mod locate;
mod part;
mod resolve;
mod schema;
mod schema_of_file;
pub mod server_json;
mod servers;
mod settings;
mod socket;
pub mod trust;
mod variables;
mod warning;

pub use config::{Config, ServerDefinition, ServerEntry, Settings};
pub use deferred::{Deferred, SecretUse};
pub use endpoint::{Endpoint, HttpEndpoint, StdioEndpoint, UnixEndpoint};
pub use error::{ConfigError, ConfigErrorKind, EntryError, EntryErrorKind};
pub use file::{ConfigFile, Source};
pub use literal::{Hidden, TakenSecret, TakenSecrets, take_secrets};
pub use locate::{Located, locate};
pub use part::Part;
pub use schema_of_file::json_schema;
pub use variables::{Environment, Variables, input_variable};
pub use warning::{Warning, WarningKind};

#[cfg(test)]
mod tests;
