//! The content of `mcp.lock.json`: which tools were approved, and as what.
//!
//! It is read and written as text here, and knows neither where the file lies nor what comes of a change.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use manyhands_core::{Printable, QualifiedName, ServerId, clip, is_unprintable};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::canonical::{canonical, quoted};
use super::pin::Pin;
use super::report::PinReport;
use crate::catalogue::{Catalogue, Unknown};

const VERSION: u64 = 1;
/// The longest file that is read or written, in bytes.
pub(super) const MAX_LOCK: usize = 64 * 1024 * 1024;
/// How many tools of one server are pinned at first use, and how much of their definitions, in bytes: a server that always
/// has new tools fills nobody's disk.
const MAX_PINS: usize = 10_000;
const MAX_PINNED: usize = 16 * 1024 * 1024;

/// Which tools were approved, and as what they were then: the content of `mcp.lock.json`.
///
/// As text it is made to be committed: sorted, one line for each tool, the same for the same pins.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// # use manyhands_core::{Inventory, ServerId, model::Tool};
/// use manyhands_registry::{Catalogue, Lock};
/// # let id = ServerId::parse("slack")?;
/// # let offers = |description: &str| {
/// #     let mut inventory = Inventory::default();
/// #     let tool = serde_json::json!({"name": "send", "description": description, "inputSchema": {}});
/// #     inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool).unwrap()));
/// #     inventory
/// # };
/// # let (then, now) = (offers("Sends it."), offers("Sends it to all."));
/// let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &then);
/// let mut lock = Lock::default();
/// lock.pin_new(&lock.compare(&catalogue));
///
/// let (catalogue, _) = catalogue.with_inventory(&id, &now);
/// let report = Lock::read(&lock.to_string())?.compare(&catalogue);
/// assert_eq!(report.changed[0].to_string(), "slack.send\n  description: \"Sends it.\" -> \"Sends it to all.\"");
/// lock.approve(&report, &["slack.send"])?;
/// assert!(lock.compare(&catalogue).changed.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    servers: BTreeMap<ServerId, BTreeMap<String, Pin>>,
}

impl Lock {
    /// Reads the content of a file. Keys that are not known are left out.
    ///
    /// # Errors
    /// [`LockError`] with the line, where something is not as [`Lock`] writes it.
    pub fn read(text: &str) -> Result<Self, LockError> {
        if text.len() > MAX_LOCK {
            return Err(LockError::new(format!("it has more than {MAX_LOCK} bytes")));
        }
        // Asked first: another version may look different in everything else.
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(LockError::new(format!(
                "its version is {version}, and only {VERSION} is known; use the manyhands that wrote it"
            )));
        }
        let file: File = serde_json::from_str(text)?;
        let servers = file
            .servers
            .0
            .into_iter()
            .map(|(server, tools)| (server, tools.0));
        Ok(Self {
            servers: servers.collect(),
        })
    }

    /// What a tool was when it was approved.
    #[must_use]
    pub fn pin(&self, server: &ServerId, tool: &str) -> Option<&Pin> {
        self.servers.get(server)?.get(tool)
    }

    /// All pins, in order of their names.
    pub fn pins(&self) -> impl Iterator<Item = (QualifiedName, &Pin)> {
        self.servers.iter().flat_map(|(server, tools)| {
            let named = move |tool: &String| QualifiedName::new(server.clone(), &**tool);
            tools.iter().map(move |(tool, pin)| (named(tool), pin))
        })
    }

    /// Whether nothing is pinned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Compares what servers offer now, withheld tools included, with what was approved.
    #[must_use]
    pub fn compare(&self, catalogue: &Catalogue) -> PinReport {
        PinReport::new(self, catalogue, |_| true)
    }

    /// Compares as [`compare`](Self::compare) does, and leaves out all servers but one.
    #[must_use]
    pub fn compare_server(&self, catalogue: &Catalogue, server: &ServerId) -> PinReport {
        PinReport::new(self, catalogue, |it| it == server)
    }

    /// Pins the tools that a report found to be new: what is seen for the first time is trusted. Of one server these are
    /// 10,000 tools at most, and 16 MiB of their definitions; tools beyond that stay new.
    pub fn pin_new(&mut self, report: &PinReport) {
        self.set_first(report.new.iter().map(|it| (it.name(), it.pin())));
    }

    /// Takes over the pins of tools that are not pinned here, within the bounds of [`pin_new`](Self::pin_new).
    pub fn take_over(&mut self, other: &Self) {
        let pins: Vec<_> = other.pins().collect();
        self.set_first(pins.iter().map(|(name, pin)| (name, *pin)));
    }

    /// Pins these changed or new tools of a report as the report shows them: what a server has made of them since is not
    /// approved with it.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names, where the report has no such tool; then nothing is approved.
    pub fn approve(&mut self, report: &PinReport, names: &[&str]) -> Result<(), Unknown> {
        let found: Result<Vec<_>, _> = names.iter().map(|name| report.find(name)).collect();
        for (name, pin) in found? {
            self.set(name, pin.clone());
        }
        Ok(())
    }

    /// Pins all changed and new tools of a report as the report shows them.
    ///
    /// Pins of missing tools stay: a tool that goes and comes back as another one has changed.
    pub fn approve_all(&mut self, report: &PinReport) {
        for change in report.new.iter().chain(&report.changed) {
            self.set(change.name(), change.pin().clone());
        }
    }

    /// Forgets what a tool was, and says whether it was known.
    pub fn forget(&mut self, name: &QualifiedName) -> bool {
        let Some(tools) = self.servers.get_mut(name.server()) else {
            return false;
        };
        let was_known = tools.remove(name.name()).is_some();
        if tools.is_empty() {
            self.servers.remove(name.server());
        }
        was_known
    }

    fn set_first<'p>(&mut self, pins: impl Iterator<Item = (&'p QualifiedName, &'p Pin)>) {
        let mut sizes: BTreeMap<ServerId, usize> = BTreeMap::new();
        for (name, pin) in pins {
            let of_server = self.servers.get(name.server());
            let size = sizes.entry(name.server().clone()).or_insert_with(|| {
                let pins = of_server.into_iter().flat_map(BTreeMap::values);
                pins.map(Pin::size).sum()
            });
            let count = of_server.map_or(0, BTreeMap::len);
            let is_pinned = of_server.is_some_and(|it| it.contains_key(name.name()));
            if !is_pinned && count < MAX_PINS && *size + pin.size() <= MAX_PINNED {
                *size += pin.size();
                self.set(name, pin.clone());
            }
        }
    }

    fn set(&mut self, name: &QualifiedName, pin: Pin) {
        let tools = self.servers.entry(name.server().clone()).or_default();
        tools.insert(name.name().to_owned(), pin);
    }
}

/// The text of the file, with one line for each tool.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\n  \"version\": {VERSION},\n  \"servers\": {{")?;
        for (at, (server, tools)) in self.servers.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}\n    {}: {{", quoted(server.as_str()))?;
            for (at, (tool, pin)) in tools.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let pin = serde_json::to_value(pin).map_err(|_| fmt::Error)?;
                let line = format!("{}: {}", quoted(tool), canonical(&pin));
                write!(f, "{comma}\n      {}", unhidden(&line))?;
            }
            f.write_str("\n    }")?;
        }
        let end = if self.servers.is_empty() { "" } else { "\n  " };
        writeln!(f, "{end}}}\n}}")
    }
}

/// JSON in which whoever reads the file, or a difference of two, sees every character. Only texts hold hidden ones.
fn unhidden(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unprintable(c) {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            shown.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Why the content of a lock file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the pinned tools: {cause}")]
pub struct LockError {
    cause: String,
    line: Option<usize>,
}

impl LockError {
    /// The line at fault, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    fn new(cause: String) -> Self {
        Self { cause, line: None }
    }
}

impl From<serde_json::Error> for LockError {
    fn from(error: serde_json::Error) -> Self {
        let cause = error.to_string();
        let mend = "mend it, or take it back from version control";
        Self {
            cause: format!("{}; {mend}", Printable(&clip(&cause, 400))),
            line: Some(error.line()).filter(|it| *it > 0),
        }
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Deserialize)]
struct File {
    servers: Unique<ServerId, Unique<String, Pin>>,
}

/// An object in which no key comes twice, as it would after a careless merge.
struct Unique<K, V>(BTreeMap<K, V>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Unique<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = Unique<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            if entries.insert(key, value).is_some() {
                return Err(A::Error::custom("the name is there twice"));
            }
        }
        Ok(Unique(entries))
    }
}
