//! Asks one connected server what it offers: all pages, within limits, item by item.
//!
//! A server's lists come from a stranger. One item that cannot be understood is
//! left out and told; the rest survives. This crate knows nothing of other
//! servers or of names across them.
//!
//! What was learned can be kept on disk for the next start, in a [`ManifestFolder`].
//!
//! ```
//! use manyhands_core::ServerId;
//! use manyhands_discovery::{Limits, discover};
//! use manyhands_transport::{ConnectOptions, Connector};
//! # use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server with one good tool and one that lacks its schema.
//! let connector = Connector::in_process(|io| async move {
//! #   let (read, mut write) = tokio::io::split(io);
//! #   let mut lines = tokio::io::BufReader::new(read).lines();
//! #   while let Ok(Some(line)) = lines.next_line().await {
//! #       let message: serde_json::Value = serde_json::from_str(&line).unwrap();
//! #       let result = match message["method"].as_str() {
//! #           Some("initialize") => serde_json::json!({"protocolVersion": "2025-11-25",
//! #               "capabilities": {"tools": {}}, "serverInfo": {"name": "stub", "version": "1"}}),
//! #           Some("tools/list") => serde_json::json!({"tools":
//! #               [{"name": "good", "inputSchema": {"type": "object"}}, {"name": "bad"}]}),
//! #           _ => continue,
//! #       };
//! #       let reply = serde_json::json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
//! #       write.write_all(format!("{reply}\n").as_bytes()).await.unwrap();
//! #   }
//!     // read requests from `io`, write answers to it
//! });
//! let connection = connector.connect(ConnectOptions::new(ServerId::parse("stub")?)).await?;
//! let found = discover(&connection, &Limits::default()).await;
//! assert_eq!(found.inventory.tools.len(), 1);
//! assert!(found.inventory.notices[0].as_str().starts_with("left out the tool bad"));
//! # Ok(())
//! # }
//! ```

mod decode;
mod manifest;
mod pages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{CallError, CapabilityKind, Inventory, ListKind, Notice, Printable, clip};
use manyhands_transport::{Connection, check_header_annotations};
use serde::de::DeserializeOwned;

use decode::{Item, Notices};
pub use manifest::{Manifest, ManifestError, ManifestErrorKind, ManifestFolder};
use pages::fetch;

/// How much of a server's lists is read. What goes beyond is left out, and told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Pages of one list; 200 by default.
    pub pages: usize,
    /// Items of one list; 10,000 by default.
    pub items: usize,
    /// Bytes of JSON of one list; 32 MiB by default.
    pub bytes: usize,
    /// How long one page may take; 30 s by default.
    pub page_limit: Duration,
    /// How long one list may take in all; 60 s by default.
    pub list_limit: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 200,
            items: 10_000,
            bytes: 32 * 1024 * 1024,
            page_limit: Duration::from_secs(30),
            list_limit: Duration::from_secs(60),
        }
    }
}

/// What a server offers, as far as it could be learned.
#[derive(Debug)]
#[non_exhaustive]
pub struct Discovered {
    /// Everything that could be read.
    pub inventory: Inventory,
    /// Why the tools could not be listed, although the server says it has some.
    pub failure: Option<CallError>,
    /// The lists that could not be read, or not to their end.
    pub failed: Vec<ListKind>,
    /// How long the server says that lists stay as they are; those of which it says nothing, or no time at all, are not
    /// in it.
    pub ttls: BTreeMap<ListKind, Duration>,
}

/// All lists that a server may have.
pub const ALL_LISTS: [ListKind; 4] = [
    ListKind::Tools,
    ListKind::Prompts,
    ListKind::Resources,
    ListKind::ResourceTemplates,
];

/// Asks for all lists that the server says it has, at once.
///
/// It never fails as a whole: what could not be read is missing from the
/// inventory and told in its notices, or in `failure` where it is the tools.
pub async fn discover(connection: &Connection, limits: &Limits) -> Discovered {
    refresh(connection, limits, &ALL_LISTS, &Inventory::default()).await
}

/// Asks for these lists anew, at once, and keeps the others as they were.
///
/// A list that cannot be read to its end stays as it was too, which its notices tell, and `failure` where it is the tools.
pub async fn refresh(
    connection: &Connection,
    limits: &Limits,
    lists: &[ListKind],
    last: &Inventory,
) -> Discovered {
    let wanted = |kind| lists.contains(&kind);
    let (tools, prompts, resources, templates) = tokio::join!(
        Box::pin(list(
            connection,
            ListKind::Tools,
            limits,
            wanted(ListKind::Tools)
        )),
        Box::pin(list(
            connection,
            ListKind::Prompts,
            limits,
            wanted(ListKind::Prompts)
        )),
        Box::pin(list(
            connection,
            ListKind::Resources,
            limits,
            wanted(ListKind::Resources)
        )),
        Box::pin(list(
            connection,
            ListKind::ResourceTemplates,
            limits,
            wanted(ListKind::ResourceTemplates)
        )),
    );
    let ttls = [tools.ttl(), prompts.ttl(), resources.ttl(), templates.ttl()];
    let mut inventory = Inventory::default();
    let mut notices = Notices::default();
    // What is known of the lists that are not asked for is as true as it was.
    let kept = last.notices.iter();
    notices.extend(kept.filter(|it| !it.list().is_some_and(wanted)).cloned());
    let mut failed = Vec::new();
    failed.extend(tools.failed());
    failed.extend(prompts.failed());
    failed.extend(resources.failed());
    failed.extend(templates.failed());
    let failure;
    (inventory.tools, failure) = tools.or(&last.tools, &mut notices);
    if connection.repeats_parameters() {
        leave_out_uncallable(&mut inventory, &mut notices);
    }
    (inventory.prompts, _) = prompts.or(&last.prompts, &mut notices);
    (inventory.resources, _) = resources.or(&last.resources, &mut notices);
    (inventory.templates, _) = templates.or(&last.templates, &mut notices);
    inventory.notices = notices.into_vec();
    Discovered {
        inventory,
        failure,
        failed,
        ttls: ttls.into_iter().flatten().collect(),
    }
}

/// Leaves out tools whose annotations for HTTP are illegal, as the specification demands.
fn leave_out_uncallable(inventory: &mut Inventory, notices: &mut Notices) {
    inventory
        .tools
        .retain(|tool| match check_header_annotations(tool) {
            Ok(()) => true,
            Err(reason) => {
                let shown = Printable(&clip(&tool.name, 80)).to_string();
                let notice = Notice::new(format!("left out the tool {shown} ({reason})"));
                notices.push(notice.with_list(ListKind::Tools));
                false
            }
        });
}

/// One list, as far as it could be read.
struct Listed<T> {
    kind: ListKind,
    /// Whether it was asked for.
    wanted: bool,
    items: Vec<Arc<T>>,
    notices: Notices,
    failure: Option<CallError>,
    /// Why some of it is missing.
    cut_short: Option<CallError>,
    ttl: Option<Duration>,
}

impl<T> Listed<T> {
    fn failed(&self) -> Option<ListKind> {
        self.missing().map(|_| self.kind)
    }

    /// Why it could not be read, or not to its end.
    fn missing(&self) -> Option<&CallError> {
        self.failure.as_ref().or(self.cut_short.as_ref())
    }

    fn ttl(&self) -> Option<(ListKind, Duration)> {
        self.ttl.map(|ttl| (self.kind, ttl))
    }

    /// Its items, or the last ones where it was not asked for or could not be read; and why it could not.
    fn or(self, last: &[Arc<T>], all: &mut Notices) -> (Vec<Arc<T>>, Option<CallError>) {
        if !self.wanted {
            return (last.to_vec(), None);
        }
        let list = self.kind.field();
        if let Some(error) = self.missing().filter(|_| !last.is_empty()) {
            let notice = Notice::new(format!(
                "its {list} could not be listed anew, and are as they were: {}",
                error.cause()
            ));
            all.extend([notice.with_list(self.kind)]);
            return (last.to_vec(), self.failure);
        }
        let mut notices = self.notices;
        // That there are no tools is more than a notice.
        if let Some(error) = self
            .failure
            .as_ref()
            .filter(|_| self.kind != ListKind::Tools)
        {
            let cause = error.cause();
            notices.push(Notice::new(format!("its {list} cannot be listed: {cause}")));
        }
        all.extend_about(self.kind, notices);
        (self.items, self.failure)
    }
}

async fn list<T: Item + DeserializeOwned>(
    connection: &Connection,
    kind: ListKind,
    limits: &Limits,
    wanted: bool,
) -> Listed<T> {
    let mut listed = Listed {
        kind,
        wanted,
        items: Vec::new(),
        notices: Notices::default(),
        failure: None,
        cut_short: None,
        ttl: None,
    };
    let Some(certainty) = offered(connection, kind).filter(|_| wanted) else {
        return listed;
    };
    let pages = match tokio::time::timeout(limits.list_limit, fetch(connection, kind, limits)).await
    {
        Ok(pages) => pages,
        Err(_) => pages::Pages::failed(pages::too_slow(limits.list_limit)),
    };
    (listed.ttl, listed.cut_short) = (pages.ttl, pages.cut_short);
    listed.notices.extend(pages.notices);
    listed.items = decode::items(pages.items, &mut listed.notices);
    listed.failure = pages
        .failure
        .filter(|error| certainty == Certainty::Said && !is_missing_method(kind, error));
    listed
}

/// Whether the server says it has a list, or might.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Said,
    Possible,
}

fn offered(connection: &Connection, kind: ListKind) -> Option<Certainty> {
    let wanted = match kind {
        ListKind::Prompts => CapabilityKind::Prompt,
        ListKind::Resources | ListKind::ResourceTemplates => CapabilityKind::Resource,
        _ => CapabilityKind::Tool,
    };
    let offers = &connection.info().offers;
    if offers.contains(&wanted) {
        return Some(Certainty::Said);
    }
    // A server that declares nothing at all may have been written before it was needed.
    (offers.is_empty() && kind == ListKind::Tools).then_some(Certainty::Possible)
}

const METHOD_NOT_FOUND: i64 = -32_601;

/// Servers with resources but without templates often do not know the method, which means none.
fn is_missing_method(kind: ListKind, error: &CallError) -> bool {
    kind == ListKind::ResourceTemplates && error.rpc_code() == Some(METHOD_NOT_FOUND)
}
