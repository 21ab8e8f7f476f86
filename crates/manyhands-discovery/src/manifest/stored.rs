//! A manifest as JSON, and back. What is read is as little to be trusted as a server's own lists.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use manyhands_core::model::{Prompt, Resource, ResourceTemplate, Tool};
use manyhands_core::{
    CapabilityKind, Inventory, ListKind, Notice, Printable, ServerId, ServerInfo, clip,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Manifest;
use crate::decode::{Item, MAX_NOTICES, Notices, is_within_limits, items};
use crate::pages::stopped_after;
use crate::{ALL_LISTS, Limits};

/// The form that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
/// The longest notice and protocol version that are taken, in bytes.
const MAX_NOTICE: usize = 4096;
const MAX_PROTOCOL: usize = 64;

/// Whose manifest it is. A file that was copied to another's name is not taken for that one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) server: ServerId,
    /// The digest in the file's name.
    pub(super) entry: String,
}

/// The content of a file. The lists lie as deep as in a server's answer, so that no item is nested too deep for one and not
/// for the other.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<T = Arc<Tool>, P = Arc<Prompt>, R = Arc<Resource>, M = Arc<ResourceTemplate>> {
    format: u32,
    owner: Owner,
    /// Seconds since 1970.
    learned: u64,
    protocol: String,
    /// How the server introduced itself, in the form of its own answer.
    introduction: Value,
    notices: Vec<StoredNotice>,
    tools: Vec<T>,
    prompts: Vec<P>,
    resources: Vec<R>,
    resource_templates: Vec<M>,
}

#[derive(Serialize, Deserialize)]
struct StoredNotice {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    list: Option<String>,
}

/// The file for this manifest.
pub(super) fn encode(owner: &Owner, manifest: &Manifest) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Stored::of(owner, manifest))
}

/// Reads a file; else says what is wrong with it, as in "which {reason}".
pub(super) fn decode(
    owner: &Owner,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Manifest, &'static str> {
    // All that we wrote is read in one pass. Only what we would not have written needs the care of a server's list.
    match serde_json::from_slice::<Stored>(bytes) {
        Ok(stored) if stored.is_within(limits) => stored.into_manifest(owner, Notices::default()),
        _ => decode_carefully(owner, bytes, limits),
    }
}

fn decode_carefully(
    owner: &Owner,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Manifest, &'static str> {
    let Ok(raw) = serde_json::from_slice::<Stored<Value, Value, Value, Value>>(bytes) else {
        return Err(reason(bytes));
    };
    let mut notices = Notices::default();
    let all = &mut notices;
    let stored = Stored {
        format: raw.format,
        owner: raw.owner,
        learned: raw.learned,
        protocol: raw.protocol,
        introduction: raw.introduction,
        notices: raw.notices,
        tools: list(ListKind::Tools, raw.tools, limits, all),
        prompts: list(ListKind::Prompts, raw.prompts, limits, all),
        resources: list(ListKind::Resources, raw.resources, limits, all),
        resource_templates: list(
            ListKind::ResourceTemplates,
            raw.resource_templates,
            limits,
            all,
        ),
    };
    stored.into_manifest(owner, notices)
}

/// Why a file could not be read.
fn reason(bytes: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    match serde_json::from_slice::<Head>(bytes) {
        Ok(head) if head.format != FORMAT => OTHER_FORMAT,
        _ if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() => "is no manifest",
        _ => "is damaged",
    }
}

const OTHER_FORMAT: &str = "is of another version of this program";

fn list<T: Item + DeserializeOwned>(
    kind: ListKind,
    mut raw: Vec<Value>,
    limits: &Limits,
    all: &mut Notices,
) -> Vec<Arc<T>> {
    let mut notices = Notices::default();
    if raw.len() > limits.items {
        raw.truncate(limits.items);
        notices.push(stopped_after(kind, &format!("{} items", limits.items)));
    }
    let found = items(raw, &mut notices);
    all.extend_about(kind, notices);
    found
}

impl Stored {
    fn of(owner: &Owner, manifest: &Manifest) -> Self {
        let Manifest {
            info,
            inventory,
            learned,
        } = manifest;
        let since = learned.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            format: FORMAT,
            owner: owner.clone(),
            learned: since.unwrap_or_default().as_secs(),
            protocol: info.protocol.clone(),
            introduction: introduction(info),
            notices: inventory.notices.iter().map(StoredNotice::of).collect(),
            tools: inventory.tools.clone(),
            prompts: inventory.prompts.clone(),
            resources: inventory.resources.clone(),
            resource_templates: inventory.templates.clone(),
        }
    }

    /// Whether each list could be a server's as it was read live.
    fn is_within(&self, limits: &Limits) -> bool {
        fn all<T: Item>(list: &[Arc<T>], limits: &Limits) -> bool {
            list.len() <= limits.items && list.iter().all(|it| is_within_limits(&**it))
        }
        all(&self.tools, limits)
            && all(&self.prompts, limits)
            && all(&self.resources, limits)
            && all(&self.resource_templates, limits)
    }

    fn into_manifest(self, owner: &Owner, more: Notices) -> Result<Manifest, &'static str> {
        if self.format != FORMAT {
            return Err(OTHER_FORMAT);
        }
        if self.owner != *owner {
            return Err("is about another server, or learned by somebody else");
        }
        let since = Duration::from_secs(self.learned);
        let learned = SystemTime::UNIX_EPOCH.checked_add(since);
        let (Some(learned), true) = (learned, self.protocol.len() <= MAX_PROTOCOL) else {
            return Err("is no manifest");
        };
        let info = ServerInfo::read(&self.protocol, &self.introduction);
        let mut inventory = Inventory::default();
        let notices = self.notices.into_iter().take(MAX_NOTICES + 1);
        inventory.notices = notices.map(StoredNotice::into_notice).collect();
        inventory.notices.extend(more.into_vec());
        inventory.tools = self.tools;
        inventory.prompts = self.prompts;
        inventory.resources = self.resources;
        inventory.templates = self.resource_templates;
        Ok(Manifest {
            info,
            inventory,
            learned,
        })
    }
}

/// How the server introduced itself, as [`ServerInfo::read`] reads it.
fn introduction(info: &ServerInfo) -> Value {
    let capability = |kind: &CapabilityKind| (format!("{}s", kind.as_str()), json!({}));
    let capabilities: Map<String, Value> = info.offers.iter().map(capability).collect();
    json!({
        "serverInfo": {"name": info.name, "version": info.version},
        "instructions": info.instructions,
        "capabilities": capabilities,
    })
}

impl StoredNotice {
    fn of(notice: &Notice) -> Self {
        Self {
            text: notice.as_str().to_owned(),
            list: notice.list().map(|list| list.field().to_owned()),
        }
    }

    fn into_notice(self) -> Notice {
        let shown = Printable(&clip(&self.text, MAX_NOTICE)).to_string();
        let notice = Notice::new(clip(&shown, MAX_NOTICE));
        let named = |list: &ListKind| self.list.as_deref() == Some(list.field());
        match ALL_LISTS.into_iter().find(named) {
            Some(list) => notice.with_list(list),
            None => notice,
        }
    }
}
