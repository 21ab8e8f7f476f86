//! Hostile lists: what is read of them is bounded, what is told of them can be shown, and the rest becomes a catalogue.
//!
//! The input is cut at each `0xff`; each piece is the `result` that answers the next request for a list.

use manyhands_core::ServerId;
use manyhands_discovery::{Limits, discover};
use manyhands_registry::Catalogue;

use crate::wire::{self, Manners};
use crate::{BORDER, Taken, assert_printable};

const ITEMS: usize = 50;

pub(crate) fn run(data: &[u8]) -> Taken {
    let pieces: Vec<Vec<u8>> = data
        .split(|byte| *byte == BORDER)
        .map(<[u8]>::to_vec)
        .collect();
    let manners = Manners {
        greets: true,
        hangs_up: false,
        babbles: false,
        answers: true,
    };
    let connector = wire::connector(manners, pieces);
    wire::paused(async {
        let Ok(connection) = connector.connect(wire::options()).await else {
            return;
        };
        let mut limits = Limits::default();
        (limits.items, limits.pages) = (ITEMS, 5);
        let found = discover(&connection, &limits).await;
        judge(&found.inventory);
        if let Some(failure) = found.failure {
            assert_printable(failure.cause());
        }
        connection.close().await;
    });
    Taken::Read
}

/// Whether what was found keeps the limits, and every tool can be found again by both of its names.
fn judge(inventory: &manyhands_core::Inventory) {
    let counts = [
        inventory.tools.len(),
        inventory.prompts.len(),
        inventory.resources.len(),
        inventory.templates.len(),
    ];
    assert!(counts.iter().all(|count| *count <= ITEMS), "{counts:?}");
    for notice in &inventory.notices {
        assert_printable(notice.as_str());
        assert!(
            notice.as_str().len() <= 4_096,
            "a notice is that long: {notice:?}"
        );
    }
    let server = ServerId::parse("fuzz").expect("a legal id");
    let (catalogue, _) = Catalogue::new([server.clone()]).with_inventory(&server, inventory);
    for tool in catalogue.tools() {
        assert_eq!(catalogue.tool(&tool.name().to_string()), Ok(tool));
        assert_eq!(catalogue.tool_by_wire(tool.wire()), Ok(tool));
    }
    for resource in catalogue.resources() {
        let own = resource.definition().uri.as_str();
        assert_eq!(catalogue.resource(resource.uri()), Ok((&server, own)));
    }
    let (_, diff) = catalogue.with_inventory(&server, inventory);
    assert!(diff.is_empty(), "the same lists are no change");
}
