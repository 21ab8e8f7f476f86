//! What of a toolkit a client is shown. It must not know how clients are spoken to.

use std::sync::Arc;

use manyhands_core::model::Tool;
use manyhands_registry::{Catalogue, ToolEntry};
use manyhands_toolkit::{Conversation, Toolkit, meta_tools};

use crate::convert;

/// What of a toolkit a client is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub(crate) talk: Conversation,
    /// Whether the client's model searches by itself.
    pub(crate) searches: bool,
}

impl Shown {
    /// Shows the five tools by which a model finds all others and calls them, in place of those.
    #[must_use]
    pub fn by_search(mut self) -> Self {
        self.searches = true;
        self
    }

    pub(crate) fn tools(&self, catalogue: &Catalogue) -> Vec<Tool> {
        if self.searches {
            return meta_tools().iter().map(|it| Tool::clone(it)).collect();
        }
        let hidden = self.talk.toolkit().hidden_servers();
        let is_about = self.talk.is_about();
        let tools = catalogue.tools().filter(|it| is_about(it));
        let tools = tools.filter(|it| !hidden.contains(it.name().server()));
        tools.map(|it| self.converted(it)).collect()
    }

    pub(crate) fn tool(&self, name: &str) -> Option<Tool> {
        if self.searches {
            let tools: &[Arc<Tool>] = meta_tools();
            return tools
                .iter()
                .find(|it| it.name == name)
                .map(|it| Tool::clone(it));
        }
        let catalogue = self.talk.toolkit().catalogue();
        let tool = catalogue.tool_by_wire(name).ok();
        tool.filter(|it| self.talk.is_about()(it))
            .map(|it| self.converted(it))
    }

    fn converted(&self, entry: &ToolEntry) -> Tool {
        let mut tool = convert::tool(entry);
        if self.talk.toolkit().falls_back(entry.name()) {
            // A client would refuse the answer of a tool that stands in for it, and does not keep to its form.
            tool.output_schema = None;
        }
        tool
    }
}

impl From<Toolkit> for Shown {
    fn from(kit: Toolkit) -> Self {
        kit.conversation("").into()
    }
}

impl From<Conversation> for Shown {
    fn from(talk: Conversation) -> Self {
        let searches = false;
        Self { talk, searches }
    }
}
