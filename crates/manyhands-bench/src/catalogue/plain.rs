//! The plain way: all tools in one map, which is made anew when a server's lists change.

use std::collections::HashMap;

use manyhands_core::model::Tool;

use super::fleet::Offer;

#[derive(Clone)]
pub(crate) struct Plain {
    offers: Vec<Offer>,
    tools: HashMap<String, Tool>,
}

impl Plain {
    /// One server after the other comes up.
    pub(crate) fn start(offers: &[Offer]) -> Self {
        let mut plain = Self {
            offers: Vec::new(),
            tools: HashMap::new(),
        };
        for offer in offers {
            plain.offers.push(offer.clone());
            plain.rebuild();
        }
        plain
    }

    pub(crate) fn change(&mut self, server: usize, offer: &Offer) {
        if let Some(place) = self.offers.get_mut(server) {
            place.clone_from(offer);
        }
        self.rebuild();
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    fn rebuild(&mut self) {
        let mut tools = HashMap::new();
        for Offer { server, inventory } in &self.offers {
            for tool in &inventory.tools {
                tools.insert(format!("{server}__{}", tool.name), Tool::clone(tool));
            }
        }
        self.tools = tools;
    }
}
