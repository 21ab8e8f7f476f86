//! The parts of an index that a query may take from, seen as one list of tools. It must not know what is asked.

use super::part::{Part, Said};

/// Some servers' parts, their tools counted through.
pub(super) struct View<'i> {
    parts: Vec<&'i Part>,
    /// The number of tools before each part.
    starts: Vec<usize>,
    tools: usize,
}

impl<'i> View<'i> {
    pub(super) fn new(parts: impl Iterator<Item = &'i Part>) -> Self {
        let mut view = Self {
            parts: Vec::new(),
            starts: Vec::new(),
            tools: 0,
        };
        for part in parts {
            view.starts.push(view.tools);
            view.tools += part.tools().len();
            view.parts.push(part);
        }
        view
    }

    pub(super) fn parts(&self) -> &[&'i Part] {
        &self.parts
    }

    /// The number of all tools.
    pub(super) fn tools(&self) -> usize {
        self.tools
    }

    /// What each part's tools say of the term with this hash, with the part's place and the number of tools before it.
    pub(super) fn said(&self, hash: u64) -> impl Iterator<Item = (usize, usize, Said<'i>)> {
        let parts = self.parts.iter().zip(&self.starts).enumerate();
        parts.filter_map(move |(at, (part, start))| Some((at, *start, part.said(hash)?)))
    }

    /// The part of the tool at `place` among all, and its place there.
    pub(super) fn locate(&self, place: usize) -> Option<(&'i Part, usize)> {
        let at = self.starts.partition_point(|start| *start <= place);
        // Parts without tools begin where the next does, so the last that begins early enough has the tool.
        let at = at.checked_sub(1)?;
        Some((self.parts.get(at)?, place - self.starts.get(at)?))
    }
}
