//! Changes an `mcp.json` entry by entry, and leaves everything else as its author wrote it.
//!
//! Comments, order, indentation and line ends stay. A change is made on the concrete syntax of the text; before it counts,
//! the result is parsed anew and compared with what was there, so that no entry but the one that was meant can get lost.
//!
//! ```
//! use manyhands_config::edit::{Draft, SERVERS};
//! use serde_json::json;
//!
//! let text = "{\n  \"mcpServers\": {\n    // Ask Ada before you change this.\n    \"crm\": {\"url\": \"https://crm.example/mcp\"}\n  }\n}\n";
//! let mut draft = Draft::parse("mcp.json", text, &SERVERS)?;
//! draft.set("git", &json!({"command": "git-mcp"}))?;
//! assert!(draft.text().contains("Ask Ada"));
//! assert_eq!(draft.names(), ["crm", "git"]);
//! assert!(draft.remove("crm")?);
//! # Ok::<(), manyhands_config::edit::EditError>(())
//! ```

mod compare;
mod error;
mod original;

use jsonc_parser::cst::{CstInputValue, CstObject, CstObjectProp, CstRootNode};
use serde_json::Value;

use crate::document::{Document, Member, Node, join, shown, strict};
use crate::error::ConfigError;
use compare::{differs_only_in, to_input};

pub(crate) use compare::to_json;
pub use error::{EditError, EditErrorKind};
pub use original::Original;

/// The names that the list of servers has in our own file.
pub const SERVERS: [&str; 2] = ["mcpServers", "servers"];

/// A text that is being changed.
#[derive(Debug, Clone)]
pub struct Draft {
    label: String,
    has_mark: bool,
    text: String,
    lists: &'static [&'static str],
}

impl Draft {
    /// Takes a text whose servers stand in an object under one of the keys `lists`; a new entry goes to the first that is
    /// there. An empty text is a file without servers.
    ///
    /// # Errors
    /// [`EditError`] when the text is not JSON, comments and trailing commas granted, or has something else under those keys.
    pub fn parse(
        label: &str,
        text: &str,
        lists: &'static [&'static str],
    ) -> Result<Self, EditError> {
        let bare = text.strip_prefix('\u{feff}');
        let draft = Self {
            label: label.to_owned(),
            has_mark: bare.is_some(),
            text: bare.unwrap_or(text).to_owned(),
            lists,
        };
        let draft = if draft.text.trim().is_empty() {
            let text = format!("{{\n  \"{}\": {{}}\n}}\n", lists.first().unwrap_or(&""));
            Self { text, ..draft }
        } else {
            draft
        };
        draft.check(&draft.document()?)?;
        Ok(draft)
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", self.text)
    }

    /// The keys of all entries, in the order of the file.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.entries().into_iter().map(|(name, _)| name).collect()
    }

    /// All entries as they are written, in the order of the file. Of two with the same key, the last one counts.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Value)> {
        let Ok(document) = self.document() else {
            return Vec::new();
        };
        let mut entries: Vec<(String, Value)> = Vec::new();
        for member in self.lists.iter().flat_map(|list| members(&document, list)) {
            entries.retain(|(name, _)| *name != member.key);
            entries.push((member.key.clone(), to_json(&member.node)));
        }
        entries
    }

    /// The entry `name` as it is written.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Value> {
        let mut entries = self.entries().into_iter();
        entries.find_map(|(key, entry)| (key == name).then_some(entry))
    }

    /// Writes the entry `name`: in its place where it is there already, else behind all others.
    ///
    /// # Errors
    /// [`EditError`] when the change cannot be made without a change to something else. The text then is as it was.
    pub fn set(&mut self, name: &str, entry: &Value) -> Result<(), EditError> {
        let before = self.document()?;
        self.check_once(&before, name)?;
        let root = self.syntax()?;
        let top = root.object_value().ok_or_else(|| self.unsuitable())?;
        let lists: Vec<CstObjectProp> = self.lists.iter().filter_map(|it| find(&top, it)).collect();
        let holder = lists.iter().find_map(|list| find(&object(list)?, name));
        if let Some(property) = holder {
            property.set_value(to_input(entry));
        } else {
            let list = match lists.first() {
                Some(list) => list.object_value_or_set(),
                None => top
                    .append(
                        self.lists.first().unwrap_or(&""),
                        CstInputValue::Object(Vec::new()),
                    )
                    .object_value_or_set(),
            };
            list.append(name, to_input(entry));
        }
        self.accept(&before, &root, name, Some(entry))
    }

    /// Takes the entry `name` out of every list, and tells whether it was there.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn remove(&mut self, name: &str) -> Result<bool, EditError> {
        let before = self.document()?;
        self.check_once(&before, name)?;
        let root = self.syntax()?;
        let top = root.object_value().ok_or_else(|| self.unsuitable())?;
        let lists = self.lists.iter().filter_map(|it| find(&top, it));
        let found: Vec<CstObjectProp> = lists.filter_map(|it| find(&object(&it)?, name)).collect();
        if found.is_empty() {
            return Ok(false);
        }
        found.into_iter().for_each(CstObjectProp::remove);
        self.accept(&before, &root, name, None)?;
        Ok(true)
    }

    /// Takes the changed text, if it says what it should and nothing else.
    fn accept(
        &mut self,
        before: &Document,
        root: &CstRootNode,
        name: &str,
        entry: Option<&Value>,
    ) -> Result<(), EditError> {
        let text = root.to_string();
        let after = Document::parse(&text).map_err(|_| self.unsuitable())?;
        if !differs_only_in(&before.root, &after.root, self.lists, name, entry) {
            return Err(self.unsuitable());
        }
        self.text = text;
        Ok(())
    }

    fn document(&self) -> Result<Document, EditError> {
        Document::parse(&self.text)
            .map_err(|fault| EditError::from(ConfigError::new(&self.label, fault)))
    }

    fn syntax(&self) -> Result<CstRootNode, EditError> {
        CstRootNode::parse(&self.text, &strict()).map_err(|_| self.unsuitable())
    }

    /// Refuses a text whose lists are something else.
    fn check(&self, document: &Document) -> Result<(), EditError> {
        let refuse = |node: &Node, place: &str| {
            let (kind, line) = (node.kind(), node.line);
            let what = format!("{place} (line {line}) is {kind}, and should be an object");
            Err(EditError::unsuitable(
                &self.label,
                &what,
                "correct it by hand",
            ))
        };
        if document.root.members().is_none() {
            return refuse(&document.root, "the outermost value");
        }
        for list in self.lists {
            if let Some(member) = document.root.get(list)
                && member.node.members().is_none()
            {
                return refuse(&member.node, list);
            }
        }
        Ok(())
    }

    /// Refuses to touch what is there more than once: nobody knows which one is meant.
    fn check_once(&self, document: &Document, name: &str) -> Result<(), EditError> {
        let is_meant = |path: &str| {
            let mut lists = self.lists.iter();
            lists.any(|list| path == *list || path == join(list, name))
        };
        let mut repeated = document.repeated.iter();
        let Some(repeated) = repeated.find(|it| is_meant(&it.path)) else {
            return Ok(());
        };
        let (first, last) = repeated.lines;
        let what = format!(
            "{} is there more than once (lines {first} and {last})",
            repeated.path
        );
        Err(EditError::unsuitable(
            &self.label,
            &what,
            "remove one of them by hand",
        ))
    }

    fn unsuitable(&self) -> EditError {
        let what = "the change would alter more than this entry";
        EditError::unsuitable(&self.label, what, "make it by hand")
    }

    /// Reports that there is no entry `name`, and which one may be meant.
    #[must_use]
    pub fn missing(&self, name: &str) -> EditError {
        let names = self.names();
        let near = manyhands_core::nearest(name, names.iter().map(String::as_str));
        let mend = match (near.first(), names.is_empty()) {
            (Some(near), _) => format!("did you mean `{}`?", shown(near)),
            (None, true) => "it lists no servers".to_owned(),
            (None, false) => "see `manyhands list`".to_owned(),
        };
        EditError::no_such_entry(&self.label, name, &mend)
    }
}

/// The members of a list, if it is there.
fn members<'a>(document: &'a Document, list: &str) -> &'a [Member] {
    let list = document.root.get(list);
    list.and_then(|list| list.node.members())
        .unwrap_or_default()
}

fn find(object: &CstObject, name: &str) -> Option<CstObjectProp> {
    let mut properties = object.properties().into_iter();
    properties.find(|property| property.decoded_name().as_deref() == Some(name))
}

fn object(property: &CstObjectProp) -> Option<CstObject> {
    property.object_value()
}

#[cfg(test)]
mod tests;
