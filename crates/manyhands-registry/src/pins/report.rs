//! What servers offer now beside what was approved.
//!
//! It knows no policy: whether a change is told of or keeps a tool back is for others to decide.

use std::collections::HashSet;
use std::fmt;

use manyhands_core::{CapabilityKind, Printable, QualifiedName, ServerId, clip};

use super::difference::{Difference, differences};
use super::lock::Lock;
use super::pin::Pin;
use crate::catalogue::{Catalogue, Unknown, unknown};

/// What servers offer now beside what was approved, in the catalogue's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinReport {
    /// Tools that nobody has seen before.
    pub new: Vec<Changed>,
    /// Tools that are not what was approved.
    pub changed: Vec<Changed>,
    /// Tools that were approved and are not there: their server offers others, or is none of the catalogue's. Of a server that
    /// offers nothing at all, none is missing, for it may only be away.
    pub missing: Vec<QualifiedName>,
}

/// A tool that is not what was approved. `Display` shows what changed, one difference on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    name: QualifiedName,
    pin: Pin,
    differences: Vec<Difference>,
    more: usize,
}

impl PinReport {
    pub(super) fn new(
        lock: &Lock,
        catalogue: &Catalogue,
        counts: impl Fn(&ServerId) -> bool,
    ) -> Self {
        let mut report = Self::default();
        let mut offered: HashSet<&QualifiedName> = HashSet::new();
        let mut away: HashSet<&ServerId> = catalogue.servers().collect();
        let tools = catalogue.offered();
        for tool in tools.filter(|it| counts(it.name().server())) {
            let name = tool.name();
            offered.insert(name);
            away.remove(name.server());
            let now = Pin::new(tool.definition());
            match lock.pin(name.server(), name.name()) {
                None => report.new.push(Changed::new(name, None, now)),
                Some(then) if then.sha256() != now.sha256() => {
                    report.changed.push(Changed::new(name, Some(then), now));
                }
                Some(_) => {}
            }
        }
        let gone = lock.pins().map(|(name, _)| name);
        report.missing = gone
            .filter(|it| {
                counts(it.server()) && !offered.contains(it) && !away.contains(it.server())
            })
            .collect();
        report
    }

    /// The names of a server's tools that changed, for [`Catalogue::with_quarantine`].
    pub fn changed_of<'r>(&'r self, server: &'r ServerId) -> impl Iterator<Item = &'r str> {
        let changed = self.changed.iter().map(|it| &it.name);
        changed
            .filter(move |it| it.server() == server)
            .map(QualifiedName::name)
    }

    pub(super) fn find(&self, name: &str) -> Result<(&QualifiedName, &Pin), Unknown> {
        let all = || self.changed.iter().chain(&self.new);
        let found = all().find(|it| it.name.to_string() == name);
        found.map(|it| (&it.name, &it.pin)).ok_or_else(|| {
            unknown(
                CapabilityKind::Tool,
                name,
                all().map(|it| it.name.to_string()),
            )
        })
    }
}

impl Changed {
    fn new(name: &QualifiedName, then: Option<&Pin>, now: Pin) -> Self {
        let (differences, more) = match then {
            Some(then) => differences(then.definition(), now.definition()),
            None => (Vec::new(), 0),
        };
        Self {
            name: name.clone(),
            pin: now,
            differences,
            more,
        }
    }

    /// The tool.
    #[must_use]
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// What it is now, as an approval pins it.
    #[must_use]
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// What changed, in the order in which people look for it; 50 at most, and none for a tool that is new.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// What changed in one short line: the first difference, and how many more there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let Some((first, others)) = self.differences.split_first() else {
            return "it cannot be told what".to_owned();
        };
        let first = first.to_string();
        let first = clip(&first, 240);
        match others.len() + self.more {
            0 => first.into_owned(),
            1 => format!("{first}, and 1 more difference"),
            more => format!("{first}, and {more} more differences"),
        }
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.to_string();
        write!(f, "{}", Printable(&clip(&name, 200)))?;
        for difference in &self.differences {
            write!(f, "\n  {difference}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more differences", self.more)?;
        }
        Ok(())
    }
}
