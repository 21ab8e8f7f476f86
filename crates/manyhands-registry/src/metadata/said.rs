//! What a server says of its tool, in the places where servers say it: cut, and cleaned of what nobody would see.

use std::collections::HashSet;

use manyhands_core::clip;
use manyhands_core::model::Tool;
use serde_json::{Map, Value};

use crate::describe::visible;

/// The longest title and tag that are kept, in bytes.
const MAX_TITLE: usize = 256;
const MAX_TAG: usize = 64;
/// The longest description that is looked at, in bytes. The longest of 1,167 real ones has 6,568.
const MAX_PURPOSE: usize = 64 * 1024;
/// How many tags and examples are kept, and how long an example may be as JSON, in bytes.
const MAX_TAGS: usize = 32;
const MAX_EXAMPLES: usize = 8;
const MAX_EXAMPLE: usize = 4 * 1024;

/// Where servers put tags into a tool's `_meta`: `FastMCP` 2.14 and later, earlier ones, and servers that do as they do.
const TAGS: [&[&str]; 3] = [&["fastmcp", "tags"], &["_fastmcp", "tags"], &["tags"]];

pub(super) fn title(tool: &Tool) -> Option<String> {
    // The protocol has the tool's own title come before that of its annotations.
    let annotated = || tool.annotations.as_ref()?.title.as_ref();
    line(tool.title.as_ref().or_else(annotated)?, MAX_TITLE)
}

pub(super) fn purpose(tool: &Tool) -> Option<String> {
    let text = visible(&clip(tool.description.as_deref()?, MAX_PURPOSE));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn tags(tool: &Tool) -> Vec<String> {
    let lists = TAGS.iter().filter_map(|path| meta(tool, path));
    let tags = lists.filter_map(Value::as_array).flatten();
    let mut seen = HashSet::new();
    tags.filter_map(|tag| line(tag.as_str()?, MAX_TAG))
        .filter(|tag| seen.insert(tag.clone()))
        .take(MAX_TAGS)
        .collect()
}

pub(super) fn examples(tool: &Tool) -> Vec<Map<String, Value>> {
    let schema = tool.input_schema.get("examples");
    let lists = [schema, meta(tool, &["examples"])].into_iter().flatten();
    let objects = lists.filter_map(Value::as_array).flatten();
    objects
        .filter_map(Value::as_object)
        .filter(|example| serde_json::to_string(example).is_ok_and(|it| it.len() <= MAX_EXAMPLE))
        .take(MAX_EXAMPLES)
        .cloned()
        .collect()
}

/// What of a tool's `_meta` reaches models: tags and examples, each as the server gives it. Tags are sorted, since servers
/// keep them in sets, which have no order.
pub(crate) fn read_of_meta(tool: &Tool) -> Map<String, Value> {
    let mut tags = tags(tool);
    tags.sort_unstable();
    let tags = (!tags.is_empty()).then(|| ("tags".to_owned(), tags.into()));
    let examples = meta(tool, &["examples"]).map(|it| ("examples".to_owned(), it.clone()));
    tags.into_iter().chain(examples).collect()
}

fn meta<'t>(tool: &'t Tool, path: &[&str]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    let found = tool.meta.as_ref()?.get(*first)?;
    rest.iter().try_fold(found, |at, key| at.get(key))
}

fn line(text: &str, max: usize) -> Option<String> {
    let text = manyhands_core::Printable(clip(text, max).trim()).to_string();
    (!text.is_empty()).then_some(text)
}
