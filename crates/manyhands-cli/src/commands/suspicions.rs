//! What `doctor` says of tools that look hostile, and of those that are no longer what was approved.

use manyhands::{
    Catalogue, Changed, Flag, PinReport, Printable, ServerId, ServerReport, clip, flags,
};
use serde_json::{Value, json};

use crate::commands::pins::differences;
use crate::output::printable;

/// How many flags of a server people are told of.
const SHOWN: usize = 5;

/// What there is to suspect, in the catalogue's order.
pub(super) struct Suspicions {
    flags: Vec<Flag>,
    changed: Vec<Changed>,
}

impl Suspicions {
    pub(super) fn new(catalogue: &Catalogue, pins: PinReport) -> Self {
        Self {
            flags: flags(catalogue),
            changed: pins.changed,
        }
    }

    /// The flags of a server's tools, and how many more there are than are told.
    pub(super) fn told_of(&self, server: &ServerId) -> Vec<String> {
        let mut flags = self.flags_of(server);
        let told = flags.by_ref().take(SHOWN).map(|flag| {
            let name = clip(flag.tool().name(), 80);
            format!("{}: {flag}", Printable(&name))
        });
        let mut told: Vec<String> = told.collect();
        match flags.count() {
            0 => {}
            more => told.push(format!(
                "{more} more of its tools' texts look hostile; `--json` has them all"
            )),
        }
        told
    }

    /// A server as programs get it, with what is suspected of its tools.
    pub(super) fn add_to(&self, server: &ServerReport, mut document: Value) -> Value {
        let changed = self
            .changed
            .iter()
            .filter(|it| *it.name().server() == server.id);
        let changed = changed.map(|it| json!({"tool": it.name(), "differences": differences(it)}));
        let flags = self.flags_of(&server.id).map(|flag| {
            json!({
                "tool": flag.tool(),
                "kind": flag.kind().as_str(),
                "place": printable(flag.place()),
                "other": flag.other().map(printable),
                "message": flag.to_string(),
            })
        });
        if let Some(fields) = document.as_object_mut() {
            fields.insert("changed".to_owned(), changed.collect());
            fields.insert("flags".to_owned(), flags.collect());
        }
        document
    }

    fn flags_of(&self, server: &ServerId) -> impl Iterator<Item = &Flag> {
        self.flags
            .iter()
            .filter(move |it| it.tool().server() == server)
    }
}
