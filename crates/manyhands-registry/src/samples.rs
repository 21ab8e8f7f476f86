//! Catalogues for the tests of this crate. It knows no rule that they test.

use std::sync::Arc;

use manyhands_core::{Inventory, ServerId};
use serde_json::Value;

use crate::{Catalogue, Overlays, ToolEntry};

pub(crate) fn id(name: &str) -> ServerId {
    ServerId::parse(name).unwrap()
}

pub(crate) fn offering(tools: &[Value]) -> Inventory {
    let mut inventory = Inventory::default();
    let tools = tools.iter().cloned().map(serde_json::from_value);
    inventory.tools = tools.map(|it| Arc::new(it.unwrap())).collect();
    inventory
}

/// One server `s` that offers `tools`, of which the configuration says `overlays`.
pub(crate) fn overlaid(tools: &[Value], overlays: Overlays) -> Catalogue {
    let empty = Catalogue::new([id("s")]).with_overlays(&id("s"), overlays);
    empty.with_inventory(&id("s"), &offering(tools)).0
}

/// The one tool of a server `s`.
pub(crate) fn tool(definition: &Value) -> ToolEntry {
    let catalogue = overlaid(std::slice::from_ref(definition), Overlays::default());
    catalogue.tools().next().unwrap().clone()
}

/// Servers with their tools, as `[{server, tools}]` or as a flat list of tools that name their server.
fn read(text: &str) -> Catalogue {
    let listed: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut servers: Vec<(ServerId, Vec<Value>)> = Vec::new();
    for (at, mut it) in listed.into_iter().enumerate() {
        let server = id(it["server"].as_str().unwrap());
        let tools = match it["tools"].take() {
            Value::Array(tools) => tools,
            _ => {
                // Among the samples are several of one name.
                it["name"] = format!("{}-{at}", it["name"].as_str().unwrap()).into();
                vec![it]
            }
        };
        match servers.iter_mut().find(|(known, _)| *known == server) {
            Some((_, all)) => all.extend(tools),
            None => servers.push((server, tools)),
        }
    }
    let empty = Catalogue::new(servers.iter().map(|(server, _)| server.clone()));
    servers.iter().fold(empty, |catalogue, (server, tools)| {
        catalogue.with_inventory(server, &offering(tools)).0
    })
}

/// Twenty-five tools chosen for the keywords that their schemas use, out of 1,167 tools of 44 published servers.
pub(crate) fn odd_real_tools() -> Catalogue {
    read(include_str!("../tests/data/real-schemas.json"))
}

/// The definitions of many real servers, where a file with them is named: `[{server, tools: [..]}]`.
pub(crate) fn all_real_tools() -> Option<Catalogue> {
    match std::env::var_os("MANYHANDS_TOOLSET") {
        Some(file) => Some(read(&std::fs::read_to_string(file).unwrap())),
        None => {
            println!("skipped: MANYHANDS_TOOLSET names no file with the tools of real servers");
            None
        }
    }
}
