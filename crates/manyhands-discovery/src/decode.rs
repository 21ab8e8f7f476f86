//! Items read one by one: a bad one is mended where that is safe, or left out, and told.

use std::sync::Arc;

use manyhands_core::model::{Prompt, Resource, ResourceTemplate, Tool};
use manyhands_core::{ListKind, Notice, Printable, clip};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How many notices are kept of one server.
pub(crate) const MAX_NOTICES: usize = 50;
/// The longest name that is taken, in bytes; the spec asks for at most 128.
const MAX_NAME: usize = 1024;

/// The longest title or description that is taken, in bytes; what is longer is cut.
const MAX_TEXT: usize = 32 * 1024;

/// What a list holds, and what of it can be done without.
pub(crate) trait Item {
    /// What people call it.
    const WORD: &'static str;
    /// The field that names it.
    const NAME: &'static str;
    /// Fields that may be dropped when they are what makes an item unreadable.
    const OPTIONAL: &'static [&'static str];

    /// What stands in that field.
    fn identifier(&self) -> &str;
    /// Its title and its description.
    fn texts(&self) -> [Option<&str>; 2];
}

impl Item for Tool {
    const WORD: &'static str = "tool";
    const NAME: &'static str = "name";
    const OPTIONAL: &'static [&'static str] = &[
        "annotations",
        "icons",
        "_meta",
        "title",
        "outputSchema",
        "description",
    ];

    fn identifier(&self) -> &str {
        &self.name
    }

    fn texts(&self) -> [Option<&str>; 2] {
        [self.title.as_deref(), self.description.as_deref()]
    }
}

impl Item for Prompt {
    const WORD: &'static str = "prompt";
    const NAME: &'static str = "name";
    const OPTIONAL: &'static [&'static str] = &["icons", "_meta", "title", "description"];

    fn identifier(&self) -> &str {
        &self.name
    }

    fn texts(&self) -> [Option<&str>; 2] {
        [self.title.as_deref(), self.description.as_deref()]
    }
}

impl Item for Resource {
    const WORD: &'static str = "resource";
    const NAME: &'static str = "uri";
    const OPTIONAL: &'static [&'static str] = &[
        "annotations",
        "icons",
        "_meta",
        "title",
        "size",
        "mimeType",
        "description",
    ];

    fn identifier(&self) -> &str {
        &self.uri
    }

    fn texts(&self) -> [Option<&str>; 2] {
        [self.title.as_deref(), self.description.as_deref()]
    }
}

impl Item for ResourceTemplate {
    const WORD: &'static str = "resource template";
    const NAME: &'static str = "uriTemplate";
    const OPTIONAL: &'static [&'static str] = &[
        "annotations",
        "icons",
        "_meta",
        "title",
        "mimeType",
        "description",
    ];

    fn identifier(&self) -> &str {
        &self.uri_template
    }

    fn texts(&self) -> [Option<&str>; 2] {
        [self.title.as_deref(), self.description.as_deref()]
    }
}

/// Sentences about one server, bounded in number.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    kept: Vec<Notice>,
    dropped: usize,
}

impl Notices {
    pub(crate) fn push(&mut self, notice: Notice) {
        if self.kept.len() < MAX_NOTICES {
            self.kept.push(notice);
        } else {
            self.dropped += 1;
        }
    }

    pub(crate) fn extend(&mut self, notices: impl IntoIterator<Item = Notice>) {
        notices.into_iter().for_each(|notice| self.push(notice));
    }

    /// Takes over one list's notices.
    pub(crate) fn extend_about(&mut self, list: ListKind, other: Self) {
        self.extend(other.kept.into_iter().map(|it| it.with_list(list)));
        self.dropped += other.dropped;
    }

    pub(crate) fn into_vec(mut self) -> Vec<Notice> {
        if self.dropped > 0 {
            self.kept
                .push(Notice::new(format!("and {} more like these", self.dropped)));
        }
        self.kept
    }
}

/// Reads each item, and tells which ones were mended or left out.
pub(crate) fn items<T: Item + DeserializeOwned>(
    raw: Vec<Value>,
    notices: &mut Notices,
) -> Vec<Arc<T>> {
    raw.into_iter()
        .filter_map(|item| read(item, notices).map(Arc::new))
        .collect()
}

/// Whether an item that was read by its type alone is one that [`items`] would give as it is.
pub(crate) fn is_within_limits<T: Item>(item: &T) -> bool {
    let name = item.identifier().len();
    let long = |text: &&str| text.len() > MAX_TEXT;
    (1..=MAX_NAME).contains(&name) && !item.texts().iter().flatten().any(long)
}

fn read<T: Item + DeserializeOwned>(mut item: Value, notices: &mut Notices) -> Option<T> {
    let name = item
        .get(T::NAME)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let shown = Printable(&clip(&name, 80)).to_string();
    if name.is_empty() || name.len() > MAX_NAME {
        let problem = if name.is_empty() {
            format!("without a {}", T::NAME)
        } else {
            format!("whose {} is over {MAX_NAME} bytes", T::NAME)
        };
        notices.push(Notice::new(format!("left out a {} {problem}", T::WORD)));
        return None;
    }
    for field in ["title", "description"] {
        if let Some(Value::String(text)) = item.get_mut(field)
            && text.len() > MAX_TEXT
        {
            let size = text.len() / 1024;
            *text = clip(text, MAX_TEXT).into_owned();
            notices.push(Notice::new(format!(
                "{} {shown}: cut its {field} of {size} KiB at {} KiB",
                T::WORD,
                MAX_TEXT / 1024
            )));
        }
    }
    let error = match T::deserialize(&item) {
        Ok(read) => return Some(read),
        Err(error) => error,
    };
    let dropped = drop_unreadable::<T>(&mut item);
    let error = Printable(&clip(&error.to_string(), 160)).to_string();
    if let (false, Ok(read)) = (dropped.is_empty(), T::deserialize(&item)) {
        notices.push(Notice::new(format!(
            "{} {shown}: ignored its {} ({error})",
            T::WORD,
            dropped.join(", ")
        )));
        return Some(read);
    }
    let notice = Notice::new(format!("left out the {} {shown} ({error})", T::WORD));
    notices.push(notice.with_left_out(name));
    None
}

/// Removes the optional fields without which an item can be read: one alone if that does it, else all.
fn drop_unreadable<T: Item + DeserializeOwned>(item: &mut Value) -> Vec<&'static str> {
    let Value::Object(fields) = item else {
        return Vec::new();
    };
    for field in T::OPTIONAL {
        if let Some(value) = fields.remove(*field) {
            let readable = T::deserialize(&Value::Object(fields.clone())).is_ok();
            if readable {
                return vec![field];
            }
            fields.insert((*field).to_owned(), value);
        }
    }
    T::OPTIONAL
        .iter()
        .copied()
        .filter(|field| fields.remove(*field).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tools(raw: &Value) -> (Vec<String>, Vec<String>) {
        let mut notices = Notices::default();
        let tools: Vec<Arc<Tool>> = items(raw.as_array().unwrap().clone(), &mut notices);
        let told = notices
            .into_vec()
            .iter()
            .map(|notice| notice.as_str().to_owned())
            .collect();
        (
            tools.iter().map(|tool| tool.name.to_string()).collect(),
            told,
        )
    }

    #[test]
    fn one_bad_tool_costs_only_itself() {
        let schema = json!({"type": "object"});
        let (names, told) = tools(&json!([
            {"name": "good", "inputSchema": schema},
            {"name": "no_schema"},
            {"name": "null_schema", "inputSchema": null},
            {"name": "odd_hints", "inputSchema": schema, "annotations": {"readOnlyHint": "yes"}},
            {"inputSchema": schema},
            "not even an object",
            {"name": "x".repeat(2_000), "inputSchema": schema},
            {"name": "no_type", "inputSchema": {"properties": {}}},
        ]));
        assert_eq!(names, ["good", "odd_hints", "no_type"]);
        assert_eq!(told.len(), 6, "{told:#?}");
        assert!(
            told[0].starts_with("left out the tool no_schema (missing field `inputSchema`"),
            "{told:#?}"
        );
        assert!(
            told[2].starts_with("tool odd_hints: ignored its annotations ("),
            "{told:#?}"
        );
        assert_eq!(told[3], "left out a tool without a name");
    }

    #[test]
    fn long_texts_are_cut_and_told() {
        let raw =
            json!([{"name": "t", "inputSchema": {}, "description": "x".repeat(MAX_TEXT * 2)}]);
        let mut notices = Notices::default();
        let tools: Vec<Arc<Tool>> = items(raw.as_array().unwrap().clone(), &mut notices);
        assert!(tools[0].description.as_ref().unwrap().len() <= MAX_TEXT);
        let told = notices.into_vec();
        assert_eq!(
            told[0].as_str(),
            "tool t: cut its description of 64 KiB at 32 KiB"
        );
    }

    #[test]
    fn notices_are_bounded() {
        let raw: Vec<Value> = (0..500).map(|n| json!({"name": format!("t{n}")})).collect();
        let (names, told) = tools(&Value::from(raw));
        assert_eq!((names.len(), told.len()), (0, MAX_NOTICES + 1));
        assert_eq!(told[MAX_NOTICES], "and 450 more like these");
    }
}
