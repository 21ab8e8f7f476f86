//! A set of tools and tasks, as `LiveMCPBench` writes it, and lists of tools of real servers. It must not know what is
//! measured on it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use manyhands_core::model::Tool;
use manyhands_core::{Inventory, ServerId, assign_ids};
use manyhands_registry::{Catalogue, IndexOptions};
use serde_json::Value;

/// One server, with what it says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) id: ServerId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tools: Vec<Arc<Tool>>,
}

/// One task, with the tools that it needs.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) query: String,
    pub(super) steps: Vec<String>,
    /// For each need the names of the tools that will do.
    pub(super) labels: Vec<Vec<String>>,
}

/// A set.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) servers: Vec<Server>,
    pub(super) tasks: Vec<Task>,
}

impl Set {
    pub(super) fn read(path: &Path) -> Result<Self> {
        Self::of(&json(path)?)
    }

    pub(super) fn of(set: &Value) -> Result<Self> {
        let mut servers = Servers::default();
        for server in list(set, "servers") {
            servers.describe(text(server, "name"), text(server, "description"));
        }
        for tool in list(set, "tools") {
            servers.add(text(tool, "server"), tool)?;
        }
        let servers = servers.finish();
        let ids = servers
            .iter()
            .map(|it| (it.name.as_str(), &it.id))
            .collect();
        let queries = list(set, "queries").iter();
        let tasks = queries.map(|query| Task::read(query, &ids));
        Ok(Self {
            tasks: tasks.filter(|task| !task.labels.is_empty()).collect(),
            servers,
        })
    }

    /// Adds the servers of another list, whose tools no task needs, unless they are there under the same name.
    pub(super) fn add(&mut self, path: &Path) -> Result<()> {
        let mut servers = Servers::default();
        for server in json(path)?.as_array().into_iter().flatten() {
            let name = text(server, "server");
            for tool in list(server, "tools") {
                servers.add(name, tool)?;
            }
        }
        let there: Vec<String> = self.servers.iter().map(|it| it.id.to_string()).collect();
        let fresh = servers.finish();
        let fresh = fresh
            .into_iter()
            .filter(|it| !there.contains(&it.id.to_string()));
        self.servers.extend(fresh);
        Ok(())
    }
}

impl Task {
    fn read(query: &Value, ids: &BTreeMap<&str, &ServerId>) -> Self {
        let steps = text(query, "steps").lines().map(|line| {
            let line = line.trim();
            let numbered = line.split_once(['.', ')']);
            let is_number = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
            numbered
                .filter(|it| is_number(it.0))
                .map_or(line, |it| it.1.trim())
                .to_owned()
        });
        let qualified = |label: &Value| {
            let (server, tool) = label.as_str()?.split_once("::")?;
            Some(format!("{}.{tool}", ids.get(server)?))
        };
        let labels = list(query, "labels").iter().map(|group| {
            let group = group.as_array().into_iter().flatten();
            group.filter_map(qualified).collect()
        });
        Self {
            query: text(query, "query").to_owned(),
            steps: steps.filter(|step| !step.is_empty()).collect(),
            labels: labels.collect(),
        }
    }
}

/// Servers in the order in which they are first named.
#[derive(Default)]
struct Servers {
    names: Vec<String>,
    descriptions: BTreeMap<String, String>,
    tools: BTreeMap<String, Vec<Arc<Tool>>>,
}

impl Servers {
    fn describe(&mut self, name: &str, description: &str) {
        self.descriptions
            .insert(name.to_owned(), description.to_owned());
    }

    fn add(&mut self, server: &str, tool: &Value) -> Result<()> {
        if !self.tools.contains_key(server) {
            self.names.push(server.to_owned());
        }
        let mut tool = tool.clone();
        if let Some(schema) = tool.get_mut("inputSchema").filter(|it| !it.is_object()) {
            *schema = Value::Object(serde_json::Map::new());
        }
        let name = text(&tool, "name").to_owned();
        let tool = serde_json::from_value(tool).with_context(|| format!("{server}: {name}"))?;
        self.tools
            .entry(server.to_owned())
            .or_default()
            .push(Arc::new(tool));
        Ok(())
    }

    fn finish(mut self) -> Vec<Server> {
        let ids = assign_ids(self.names.iter().map(String::as_str));
        let servers = self.names.into_iter().zip(ids).map(|(name, id)| Server {
            id,
            description: self.descriptions.remove(&name).unwrap_or_default(),
            tools: self.tools.remove(&name).unwrap_or_default(),
            name,
        });
        servers.collect()
    }
}

/// The catalogue of these servers.
pub(crate) fn catalogue(servers: &[Server]) -> Catalogue {
    let empty = Catalogue::new(servers.iter().map(|it| it.id.clone()));
    servers.iter().fold(empty, |catalogue, server| {
        let mut inventory = Inventory::default();
        inventory.tools.clone_from(&server.tools);
        catalogue.with_inventory(&server.id, &inventory).0
    })
}

/// What these servers say of themselves, under the names that their users gave them.
pub(super) fn options(servers: &[Server]) -> IndexOptions {
    servers.iter().fold(IndexOptions::default(), |options, it| {
        options.with_about(it.id.clone(), &format!("{}. {}", it.name, it.description))
    })
}

fn json(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
