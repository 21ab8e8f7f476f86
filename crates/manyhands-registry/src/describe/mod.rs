//! A tool as a model reads it: what it does, when to use it, examples and what comes back, under a cap of tokens.
//!
//! It must not know any model API: what is rendered is a text.

mod cut;
mod shape;

use manyhands_core::Printable;

pub(crate) use self::shape::{pointed, shape};

use self::cut::cut;
use crate::metadata::{Cost, Metadata};
use crate::shard::ToolEntry;
use crate::tokens::TokenEstimator;

/// The cap that is used where none is given, in tokens. 1,143 of 1,167 descriptions of 44 real servers pass it unchanged;
/// the rest would take 8 % of what all of them take.
pub const DESCRIPTION_TOKENS: usize = 400;

/// Renders a tool's description for models: its purpose, when to use it, examples, and what it returns in one line.
///
/// Over `cap` tokens, what it returns is dropped first, then its examples from the last to the first, then its cost; then
/// the advice when to use it is cut, and the purpose last, both at the end of a sentence. The same entry gives the same
/// text. Of what servers say, control characters and invisible ones are shown as `\u{..}`.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// # use manyhands_core::{Inventory, ServerId, model::Tool};
/// use manyhands_registry::{Catalogue, describe, estimate};
/// # let id = ServerId::parse("slack")?;
/// # let mut inventory = Inventory::default();
/// let tool = serde_json::json!({"name": "search", "description": "Finds messages.", "inputSchema": {}, "outputSchema": {
///     "properties": {"messages": {"items": {"properties": {"ts": {}, "text": {}}, "required": ["ts", "text"]}}, "next": {}},
///     "required": ["messages"],
/// }});
/// # inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
/// # let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &inventory);
/// let text = describe(catalogue.tool("slack.search")?, 100, &estimate);
/// assert_eq!(text, "Finds messages.\nReturns {messages: [{ts, text}], next?}.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn describe(entry: &ToolEntry, cap: usize, tokens: &dyn TokenEstimator) -> String {
    render(&entry.metadata(), &|text| tokens.tokens(text) <= cap)
}

impl ToolEntry {
    /// What it is called with in one line, such as `{query, limit?}`; none where its schema says nothing.
    #[must_use]
    pub fn arguments_outline(&self) -> Option<String> {
        shape(Some(&self.definition().input_schema))
    }
}

/// Renders what is known of a tool, so that the text `fits`.
pub(crate) fn render(metadata: &Metadata, fits: &dyn Fn(&str) -> bool) -> String {
    let said = metadata.purpose.as_ref().or(metadata.title.as_ref());
    let purpose = said.map(|it| it.value.as_str()).unwrap_or_default();
    let when = metadata.when_to_use.as_ref().map(|it| it.value.as_str());
    let examples = metadata.examples.iter();
    let examples: Vec<String> = examples
        .filter_map(|it| serde_json::to_string(&it.value).ok())
        .map(|json| format!("Example: {}", visible(&json)))
        .collect();
    let costs = metadata.cost.as_ref().map(|it| it.value);
    let costs = (costs == Some(Cost::High)).then(|| "A call is costly.".to_owned());
    let returns = metadata.returns.as_ref().map(|it| returned(&it.value));

    let head = joined(&[Some(purpose), when]);
    let mut tail: Vec<String> = costs.into_iter().chain(examples).chain(returns).collect();
    loop {
        let text = joined(&[Some(head.as_str()), Some(&tail.join("\n"))]);
        if fits(&text) {
            return text;
        }
        if tail.pop().is_none() {
            break;
        }
    }
    let advised = when.map(|when| cut(when, &|it| fits(&joined(&[Some(purpose), Some(it)]))));
    let text = joined(&[Some(purpose), advised.as_deref()]);
    if fits(&text) {
        return text;
    }
    cut(purpose, fits)
}

fn joined(parts: &[Option<&str>]) -> String {
    let parts = parts.iter().flatten().filter(|it| !it.is_empty());
    parts.copied().collect::<Vec<_>>().join("\n")
}

/// What a tool returns, as a sentence.
pub(crate) fn returned(what: &str) -> String {
    let what = what.trim().trim_end_matches('.');
    let begins = what
        .get(..7)
        .is_some_and(|it| it.eq_ignore_ascii_case("returns"));
    let verb = if begins { "" } else { "Returns " };
    format!("{verb}{what}.")
}

/// A text of a server in which nothing is hidden, with its line breaks.
pub(crate) fn visible(text: &str) -> String {
    let lines = text.lines().map(|line| Printable(line).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
