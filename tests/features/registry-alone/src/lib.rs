//! The catalogue without connections: tool lists come from elsewhere, as JSON.
//!
//! Whoever has MCP clients of their own can still put all tools under one namespace, with
//! names that model APIs accept, and find the server behind each name.
//!
//! ```
//! use feature_registry_alone::catalogue;
//! use serde_json::json;
//!
//! let list = json!({"tools": [{"name": "git_log", "inputSchema": {"type": "object"}}]});
//! let catalogue = catalogue(&[("git", list)])?;
//! let tool = catalogue.tool_by_wire("git__git_log")?;
//! assert_eq!(tool.name().to_string(), "git.git_log");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::error::Error;
use std::sync::Arc;

use manyhands_core::model::Tool;
use manyhands_core::{Inventory, ServerId};
use manyhands_registry::Catalogue;
use serde_json::Value;

/// Puts the results of `tools/list` of several servers into one catalogue, in their order.
///
/// # Errors
/// When a name cannot be a server's, or a list does not have the form of the protocol.
pub fn catalogue(lists: &[(&str, Value)]) -> Result<Catalogue, Box<dyn Error>> {
    let mut servers = Vec::new();
    for (name, list) in lists {
        servers.push((ServerId::parse(name)?, inventory(list)?));
    }
    let empty = Catalogue::new(servers.iter().map(|(server, _)| server.clone()));
    let add =
        |all: Catalogue, (server, inventory): &(_, _)| all.with_inventory(server, inventory).0;
    Ok(servers.iter().fold(empty, add))
}

fn inventory(list: &Value) -> Result<Inventory, serde_json::Error> {
    let tools = list.get("tools").cloned().unwrap_or_default();
    let mut inventory = Inventory::default();
    inventory.tools = serde_json::from_value::<Vec<Tool>>(tools)?
        .into_iter()
        .map(Arc::new)
        .collect();
    Ok(inventory)
}
