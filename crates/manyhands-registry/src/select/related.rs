//! Prompts and resources that have to do with a text: found by the words of their names and descriptions, rare words
//! first. They are few beside tools, so each question reads them anew. It must not know how tools are ranked.

use std::collections::{BTreeSet, HashMap};

use manyhands_core::CapabilityKind;

use super::words::terms;
use crate::catalogue::Catalogue;

/// The most terms that are read of one name and description.
const MAX_TERMS: usize = 200;

/// A prompt, a resource or a resource template that has to do with a text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Related {
    /// Whether it is a prompt or a resource.
    pub kind: CapabilityKind,
    /// Its name across all servers; of a resource its URI, of a template its URI template.
    pub name: String,
    /// The name for model APIs, of a prompt.
    pub wire: Option<String>,
    /// What its server says of it.
    pub description: String,
    /// How well it fits, from 0 to 1, which is the share of the text's words that it says, rare ones counting more.
    pub score: f32,
}

impl Catalogue {
    /// The prompts, resources and resource templates that have to do with `text`, best first; `limit` at most.
    #[must_use]
    pub fn related(&self, text: &str, limit: usize) -> Vec<Related> {
        let wanted: BTreeSet<String> = terms(text, MAX_TERMS).into_iter().collect();
        let items: Vec<(Related, BTreeSet<String>)> = self.untooled().map(read).collect();
        let mut said: HashMap<&str, f32> = HashMap::new();
        for term in items.iter().flat_map(|(_, terms)| terms) {
            *said.entry(term).or_default() += 1.0;
        }
        let count = items.len() as f32;
        let weight = |term: &str| {
            let said = said.get(term).copied().unwrap_or_default();
            (1.0 + count / (1.0 + said)).ln()
        };
        let all: f32 = wanted.iter().map(|term| weight(term)).sum();
        let fits = items.iter().filter_map(|(item, terms)| {
            let shared: f32 = wanted.intersection(terms).map(|term| weight(term)).sum();
            let score = if shared > 0.0 { shared / all } else { 0.0 };
            (score > 0.0).then(|| Related {
                score,
                ..item.clone()
            })
        });
        let mut fits: Vec<Related> = fits.collect();
        // A stable sort, so that what fits alike stays in the catalogue's order.
        fits.sort_by(|a, b| b.score.total_cmp(&a.score));
        fits.truncate(limit);
        fits
    }

    /// All that is no tool, with the text that is read of it.
    fn untooled(&self) -> impl Iterator<Item = (Related, String)> {
        let prompts = self.prompts().map(|it| {
            let said = it.definition();
            item(
                (CapabilityKind::Prompt, it.name().to_string()),
                Some(it.wire().to_owned()),
                &[said.title.as_deref(), said.description.as_deref()],
            )
        });
        let resources = self.resources().map(|it| {
            let said = it.definition();
            at(it.uri(), &said.name, &[&said.title, &said.description])
        });
        let templates = self.templates().map(|it| {
            let said = it.definition();
            at(it.uri(), &said.name, &[&said.title, &said.description])
        });
        prompts.chain(resources).chain(templates)
    }
}

/// What lies at a URI.
fn at(uri: &str, name: &str, said: &[&Option<String>; 2]) -> (Related, String) {
    let [title, description] = said.map(Option::as_deref);
    let named = (CapabilityKind::Resource, uri.to_owned());
    item(named, None, &[Some(name), title, description])
}

fn item(
    (kind, name): (CapabilityKind, String),
    wire: Option<String>,
    said: &[Option<&str>],
) -> (Related, String) {
    let said: Vec<&str> = said.iter().flatten().copied().collect();
    let text = format!("{name} {}", said.join(" "));
    let related = Related {
        kind,
        name,
        wire,
        description: said.join(": "),
        score: 0.0,
    };
    (related, text)
}

fn read((item, text): (Related, String)) -> (Related, BTreeSet<String>) {
    (item, terms(&text, MAX_TERMS).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use manyhands_core::{Inventory, ServerId};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn what_says_the_rarer_words_comes_first() {
        let id = ServerId::parse("docs").unwrap();
        let mut inventory = Inventory::default();
        for (name, description) in [
            ("summary", "Summarises a page"),
            ("review", "Reviews a page for style"),
        ] {
            let prompt = json!({"name": name, "description": description});
            let prompt = serde_json::from_value(prompt).unwrap();
            inventory.prompts.push(Arc::new(prompt));
        }
        let resource = json!({"uri": "file:///style.md", "name": "The style guide"});
        let resource = serde_json::from_value(resource).unwrap();
        inventory.resources.push(Arc::new(resource));
        let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &inventory);

        let found = |text: &str, limit| -> Vec<String> {
            let related = catalogue.related(text, limit);
            related.into_iter().map(|it| it.name).collect()
        };
        let review = ["docs.review", "docs+file:///style.md"];
        assert_eq!(found("a page or a guide", 1), review[1..]);
        assert_eq!(found("review the style", 9), review);
        assert_eq!(found("review the style", 1), review[..1]);
        assert_eq!(found("weather", 9), [""; 0]);
        assert_eq!(found("", 9), [""; 0]);
    }
}
