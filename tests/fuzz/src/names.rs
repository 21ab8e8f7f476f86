//! Names that strangers chose, there and back: configuration keys, tools and URIs.
//!
//! The input is cut at each `0xff`; each piece is a configuration key, and at the same time the name of a tool and a
//! URI of each server.

use std::collections::HashSet;
use std::sync::Arc;

use manyhands_core::model::{Resource, Tool};
use manyhands_core::{Inventory, QualifiedName, ServerId, assign_ids};
use manyhands_registry::{Catalogue, qualify_uri, wire_name};
use serde_json::json;

use crate::{Taken, parts};

/// More than this only makes an input slow.
const MOST: usize = 8;

pub(crate) fn run(data: &[u8]) -> Taken {
    let names: Vec<_> = parts(data).take(MOST).collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let ids = ids(&names);
    wire_names(&ids, &names);
    catalogue(&ids, &names);
    Taken::Read
}

/// Every key gets an id, no two the same, and a later key renames no earlier one.
fn ids(keys: &[&str]) -> Vec<ServerId> {
    let ids = assign_ids(keys.iter().copied());
    assert_eq!(ids.len(), keys.len());
    let different: HashSet<String> = ids
        .iter()
        .map(|id| id.as_str().to_ascii_lowercase())
        .collect();
    assert_eq!(different.len(), ids.len(), "{keys:?} became {ids:?}");
    for id in &ids {
        assert_eq!(ServerId::parse(id.as_str()).as_ref(), Ok(id));
    }
    ids
}

/// A wire name is legal for every model API, and no two names share one.
fn wire_names(ids: &[ServerId], names: &[&str]) {
    let different: HashSet<&&str> = names.iter().collect();
    let mut seen = HashSet::new();
    for id in ids {
        for name in &different {
            let wire = wire_name(id, name);
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            assert!(wire.len() <= 64 && wire.bytes().all(legal), "{wire:?}");
            assert_eq!(wire, wire_name(id, name));
            assert!(
                seen.insert(wire),
                "{:?} shares its wire name",
                QualifiedName::new(id.clone(), **name)
            );
        }
    }
}

/// What is listed is found again by each of its names.
fn catalogue(ids: &[ServerId], names: &[&str]) {
    let mut inventory = Inventory::default();
    for name in names {
        let tool = json!({"name": name, "inputSchema": {"type": "object"}});
        let tool: Tool = serde_json::from_value(tool).expect("any text names a tool");
        inventory.tools.push(Arc::new(tool));
        let resource = json!({"name": "x", "uri": name});
        let resource: Resource =
            serde_json::from_value(resource).expect("any text is taken as a URI");
        inventory.resources.push(Arc::new(resource));
    }
    let mut catalogue = Catalogue::new(ids.iter().cloned());
    for id in ids {
        catalogue = catalogue.with_inventory(id, &inventory).0;
    }
    for tool in catalogue.tools() {
        assert_eq!(catalogue.tool(&tool.name().to_string()), Ok(tool));
        assert_eq!(catalogue.tool_by_wire(tool.wire()), Ok(tool));
    }
    for id in ids {
        for name in names {
            let uri = qualify_uri(id, name);
            assert_eq!(catalogue.resource(&uri), Ok((id, *name)), "{uri:?}");
        }
    }
}
