//! Many servers with many tools: real definitions where there are some, else made up ones of like size.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use manyhands_core::model::Tool;
use manyhands_core::{Inventory, ServerId};
use serde_json::{Map, Value, json};

/// What to draw definitions from.
pub(crate) struct Pool {
    definitions: Vec<Value>,
    /// Where they come from, for people.
    pub(crate) from: String,
}

/// All servers and what they offer.
pub(crate) struct Fleet {
    pub(crate) offers: Vec<Offer>,
}

/// One server and what it offers.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) server: ServerId,
    pub(crate) inventory: Inventory,
}

impl Pool {
    /// Reads the file, or makes definitions up.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            let mut rng = Rng::with_seed(1);
            return Ok(Self {
                definitions: (0..1_000).map(|n| made_up(n, &mut rng)).collect(),
                from: "made up, 1.5 kB on average".to_owned(),
            });
        };
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let servers: Vec<Value> = serde_json::from_reader(BufReader::new(opened))
            .context("the toolset is no JSON list of servers")?;
        let tools = servers.iter().filter_map(|it| it.get("tools")?.as_array());
        let definitions: Vec<Value> = tools.flatten().cloned().collect();
        ensure!(!definitions.is_empty(), "the toolset holds no `tools`");
        Ok(Self {
            from: format!("drawn from {} real ones", definitions.len()),
            definitions,
        })
    }

    /// Draws so many tools for each server, always the same ones.
    pub(crate) fn draw(&self, sizes: &[usize]) -> Result<Fleet> {
        let mut rng = Rng::with_seed(2);
        let offers = sizes.iter().enumerate().map(|(number, size)| {
            let mut inventory = Inventory::default();
            for n in 0..*size {
                let drawn = rng
                    .choice(&self.definitions)
                    .context("there is nothing to draw")?;
                inventory.tools.push(Arc::new(renamed(drawn, n)?));
            }
            let server = ServerId::parse(&format!("server-{number}"))?;
            Ok(Offer { server, inventory })
        });
        Ok(Fleet {
            offers: offers.collect::<Result<_>>()?,
        })
    }
}

impl Fleet {
    /// One server's lists as they come anew, with other descriptions for its first tools.
    #[expect(
        clippy::indexing_slicing,
        reason = "which server it is stands in this program"
    )]
    pub(crate) fn changed(&self, server: usize, tools: usize) -> Offer {
        let mut offer = self.offers[server].clone();
        for (n, tool) in offer.inventory.tools.iter_mut().enumerate() {
            // A list that was read anew shares nothing with the last one.
            let mut new = Tool::clone(tool);
            new.input_schema = Arc::new(Map::clone(&new.input_schema));
            if n < tools {
                new.description = Some("another one now".into());
            }
            *tool = Arc::new(new);
        }
        offer
    }
}

/// The same tool under a name that no other one of its server has.
fn renamed(definition: &Value, number: usize) -> Result<Tool> {
    let mut definition = definition.clone();
    let name = definition
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("tool");
    let name = format!("{name}-{number}");
    if let Some(fields) = definition.as_object_mut() {
        fields.insert("name".to_owned(), name.into());
    }
    serde_json::from_value(definition).context("a definition is no tool")
}

fn made_up(number: usize, rng: &mut Rng) -> Value {
    let mut prose = |most: usize| -> String {
        let words = (0..rng.usize(3..most)).map(|_| {
            let letters = (0..rng.usize(2..10)).map(|_| rng.lowercase());
            letters.collect::<String>()
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let arguments = (0..8).map(|n| {
        let schema = json!({"type": "string", "title": prose(5), "description": prose(30)});
        (format!("argument_{n}"), schema)
    });
    let properties: Map<String, Value> = arguments.collect();
    json!({
        "name": format!("tool_{number}"),
        "description": prose(60),
        "inputSchema": {"type": "object", "properties": properties, "required": ["argument_0"]},
    })
}
