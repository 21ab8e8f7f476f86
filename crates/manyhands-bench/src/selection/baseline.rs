//! What `select` is compared with: Okapi BM25 over each tool's texts as one, with the usual constants. It must not know
//! the index.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::data::Server;

const K1: f64 = 1.5;
const B: f64 = 0.75;

/// An index of its own, over server, description of the server, name twice, description and parameters.
pub(crate) struct Baseline {
    names: Vec<String>,
    lengths: Vec<usize>,
    postings: HashMap<String, Vec<(usize, usize)>>,
}

impl Baseline {
    pub(crate) fn new(servers: &[Server]) -> Self {
        let mut index = Self {
            names: Vec::new(),
            lengths: Vec::new(),
            postings: HashMap::new(),
        };
        for server in servers {
            for tool in &server.tools {
                let mut text = format!("{} {} {} ", server.name, server.description, tool.name);
                text.push_str(&tool.name);
                text.push(' ');
                text.push_str(tool.description.as_deref().unwrap_or_default());
                parameters(tool.input_schema.get("properties"), 0, &mut text);
                index.add(format!("{}.{}", server.id, tool.name), &text);
            }
        }
        index
    }

    fn add(&mut self, name: String, text: &str) {
        let words = words(text);
        let mut counts: HashMap<&String, usize> = HashMap::new();
        for word in &words {
            *counts.entry(word).or_default() += 1;
        }
        for (word, count) in counts {
            let postings = self.postings.entry(word.clone()).or_default();
            postings.push((self.names.len(), count));
        }
        self.lengths.push(words.len());
        self.names.push(name);
    }

    /// The best for these texts, merged in turn.
    pub(crate) fn ranked(&self, texts: &[String], places: usize) -> Vec<String> {
        let lists: Vec<Vec<usize>> = texts.iter().map(|text| self.rank(text)).collect();
        let mut seen = BTreeSet::new();
        let deepest = lists.iter().map(Vec::len).max().unwrap_or_default();
        let in_turn = (0..deepest).flat_map(|rank| lists.iter().filter_map(move |it| it.get(rank)));
        let fresh = in_turn.filter(|tool| seen.insert(**tool));
        let names = fresh.filter_map(|tool| self.names.get(*tool).cloned());
        names.take(places).collect()
    }

    fn rank(&self, text: &str) -> Vec<usize> {
        let all = self.names.len() as f64;
        let usual = self.lengths.iter().sum::<usize>() as f64 / all;
        let mut scores = vec![0.0; self.names.len()];
        for word in words(text) {
            let Some(postings) = self.postings.get(&word) else {
                continue;
            };
            let found = postings.len() as f64;
            let telling = (1.0 + (all - found + 0.5) / (found + 0.5)).ln();
            for (tool, count) in postings {
                let (Some(score), Some(length)) = (scores.get_mut(*tool), self.lengths.get(*tool))
                else {
                    continue;
                };
                let count = *count as f64;
                let room = K1 * (1.0 - B + B * *length as f64 / usual);
                *score += telling * count * (K1 + 1.0) / (count + room);
            }
        }
        let mut ranked: Vec<(usize, f64)> = scores
            .into_iter()
            .enumerate()
            .filter(|it| it.1 > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().map(|(tool, _)| tool).collect()
    }
}

/// Adds names and descriptions of parameters, three levels deep.
fn parameters(properties: Option<&Value>, depth: usize, text: &mut String) {
    for (name, schema) in properties.and_then(Value::as_object).into_iter().flatten() {
        let description = schema.get("description").and_then(Value::as_str);
        for part in [Some(name.as_str()), description].into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        if depth < 2 {
            parameters(schema.get("properties"), depth + 1, text);
            parameters(
                schema.get("items").and_then(|it| it.get("properties")),
                depth + 1,
                text,
            );
        }
    }
}

/// Words in lower case, split at case and at all that is neither letter nor digit.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for c in text.chars() {
        if c.is_uppercase() && !before.is_uppercase() {
            spaced.push(' ');
        }
        before = c;
        spaced.push(if c.is_alphanumeric() { c } else { ' ' });
    }
    spaced
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}
