//! What is read of one tool: its texts by field, each bounded. It must not know how they are weighed against a query.

use std::sync::OnceLock;

use manyhands_core::clip;
use serde_json::{Map, Value};

use super::words::terms;
use crate::definition::definition;
use crate::describe::DESCRIPTION_TOKENS;
use crate::metadata::{Metadata, Sourced};
use crate::shard::ToolEntry;
use crate::tokens::TokenEstimator;
use crate::wire::ModelApi;

/// A part of what is known of a tool, in which the words of a query may be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// Its own name.
    Name,
    /// Its title for people.
    Title,
    /// What it does.
    Description,
    /// When a model should choose it.
    WhenToUse,
    /// What is in its examples.
    Example,
    /// The names of its parameters.
    Parameter,
    /// The descriptions of its parameters.
    ParameterDescription,
    /// A tag that it is filed under.
    Tag,
    /// The id of its server.
    Server,
    /// What is known of its server.
    About,
}

impl Field {
    pub(super) const ALL: [Self; 10] = [
        Self::Name,
        Self::Title,
        Self::Description,
        Self::WhenToUse,
        Self::Example,
        Self::Parameter,
        Self::ParameterDescription,
        Self::Tag,
        Self::Server,
        Self::About,
    ];

    /// Its name, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Title => "title",
            Self::Description => "description",
            Self::WhenToUse => "when to use",
            Self::Example => "example",
            Self::Parameter => "parameter",
            Self::ParameterDescription => "parameter description",
            Self::Tag => "tag",
            Self::Server => "server",
            Self::About => "server description",
        }
    }

    /// The most terms that count. Whoever writes more gains nothing by it.
    pub(super) fn max(self) -> usize {
        match self {
            Self::Name | Self::Title | Self::Tag | Self::Server => 24,
            Self::Parameter | Self::Example => 96,
            Self::WhenToUse | Self::About => 192,
            Self::Description | Self::ParameterDescription => 320,
        }
    }
}

/// The most bytes that are read of one text.
const MAX_TEXT: usize = 16 * 1024;
/// How deep parameters of parameters, and examples, are read.
const MAX_DEPTH: usize = 3;
/// The most parameters that are read.
const MAX_PARAMETERS: usize = 128;

/// The terms of a tool's own fields.
pub(super) fn fields(entry: &ToolEntry, metadata: &Metadata) -> Vec<(Field, Vec<String>)> {
    let mut parameters = Parameters::default();
    parameters.read(entry.definition().input_schema.get("properties"), 0);
    let mut examples = String::new();
    for example in &metadata.examples {
        read_example(&example.value, 0, &mut examples);
    }
    let tags = metadata.tags.iter().take(Field::Tag.max());
    let tags: Vec<&str> = tags.map(|it| it.value.as_str()).collect();
    [
        (Field::Name, entry.name().name()),
        (Field::Title, said(&metadata.title)),
        (Field::Description, said(&metadata.purpose)),
        (Field::WhenToUse, said(&metadata.when_to_use)),
        (Field::Example, &examples),
        (Field::Parameter, &parameters.names),
        (Field::ParameterDescription, &parameters.descriptions),
        (Field::Tag, &tags.join(" ")),
    ]
    .map(|(field, text)| (field, field_terms(field, text)))
    .into()
}

/// What somebody says, or nothing.
pub(super) fn said(text: &Option<Sourced<String>>) -> &str {
    text.as_ref().map_or("", |it| it.value.as_str())
}

/// What is kept of a tool beside its terms.
#[derive(Debug)]
pub(super) struct Attributes {
    /// What it is filed under, in lower case.
    pub(super) tags: Vec<String>,
    /// The tokens of its definition for each API, once somebody asked.
    tokens: [OnceLock<usize>; ModelApi::ALL.len()],
}

impl Attributes {
    pub(super) fn new(metadata: &Metadata) -> Self {
        let tags = metadata.tags.iter();
        Self {
            tags: tags.map(|it| it.value.to_lowercase()).collect(),
            tokens: Default::default(),
        }
    }

    /// The tokens of what a model of this API gets of the tool. Few tools come near to being chosen, so that they are
    /// counted when they do.
    pub(super) fn tokens(
        &self,
        entry: &ToolEntry,
        api: ModelApi,
        estimator: &dyn TokenEstimator,
    ) -> usize {
        let count = || {
            let definition = definition(entry, api, DESCRIPTION_TOKENS, estimator);
            estimator.tokens(&definition.to_string())
        };
        let known = self.tokens.get(api as usize);
        known.map_or_else(count, |known| *known.get_or_init(count))
    }
}

/// The terms of one field's text.
pub(super) fn field_terms(field: Field, text: &str) -> Vec<String> {
    terms(&clip(text, MAX_TEXT), field.max())
}

/// The names and descriptions of a tool's parameters, each as one text.
#[derive(Default)]
struct Parameters {
    count: usize,
    names: String,
    descriptions: String,
}

impl Parameters {
    fn read(&mut self, properties: Option<&Value>, depth: usize) {
        for (name, schema) in properties.and_then(Value::as_object).into_iter().flatten() {
            if self.count == MAX_PARAMETERS {
                return;
            }
            self.count += 1;
            append(&mut self.names, name);
            let description = schema.get("description").and_then(Value::as_str);
            append(&mut self.descriptions, description.unwrap_or_default());
            if depth + 1 < MAX_DEPTH {
                self.read(schema.get("properties"), depth + 1);
                let items = schema
                    .get("items")
                    .and_then(|items| items.get("properties"));
                self.read(items, depth + 1);
            }
        }
    }
}

/// Adds the texts in an example; the names in it are those of parameters.
fn read_example(example: &Map<String, Value>, depth: usize, all: &mut String) {
    for value in example.values() {
        let items = value
            .as_array()
            .map_or(std::slice::from_ref(value), |it| it);
        for item in items {
            append(all, item.as_str().unwrap_or_default());
            if let Some(inner) = item.as_object().filter(|_| depth + 1 < MAX_DEPTH) {
                read_example(inner, depth + 1, all);
            }
        }
    }
}

/// Adds a text, as long as there is room for some of it.
fn append(all: &mut String, text: &str) {
    if all.len() < MAX_TEXT {
        all.push(' ');
        all.push_str(&clip(text, MAX_TEXT));
    }
}
