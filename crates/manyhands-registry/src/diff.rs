//! What a change of the catalogue changed.

use manyhands_core::{Capability, CapabilityKind};

/// What was added, removed and changed between two snapshots of a catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// New names.
    pub added: Vec<Capability>,
    /// Names that are gone.
    pub removed: Vec<Capability>,
    /// Names whose definition is another one now.
    pub changed: Vec<Capability>,
}

impl Diff {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Whether a list of this kind looks different now.
    #[must_use]
    pub fn touches(&self, kind: CapabilityKind) -> bool {
        [&self.added, &self.removed, &self.changed]
            .into_iter()
            .flatten()
            .any(|it| it.kind() == kind)
    }
}
