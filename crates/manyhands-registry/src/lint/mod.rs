//! What is weak about tools as contracts: what a model, or a check, would want to know and nobody says.
//!
//! It judges what the catalogue holds, the configuration's word included, and knows no way to change it.

mod alike;

use std::collections::HashSet;
use std::fmt;

use manyhands_core::{Printable, QualifiedName, clip};
use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::definition::is_parameter_name;
use crate::shard::ToolEntry;

/// How many names a finding tells of.
const MAX_NAMES: usize = 5;

/// Something weak about one tool. `Display` says it as a sentence without the tool's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    tool: QualifiedName,
    kind: FindingKind,
    about: Vec<String>,
    more: usize,
}

/// What is weak about a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// Nothing says what it does.
    NoDescription,
    /// Its description says no more than its name.
    DescriptionRepeatsName,
    /// Parameters may be anything.
    UntypedParameters,
    /// Nothing says what parameters are for.
    UndescribedParameters,
    /// Some model API does not take the names of parameters.
    ParameterNames,
    /// Nothing says what it returns.
    NoOutputSchema,
    /// Other tools have nearly the same name or description.
    LookAlike,
}

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NoDescription,
        Self::DescriptionRepeatsName,
        Self::UntypedParameters,
        Self::UndescribedParameters,
        Self::ParameterNames,
        Self::NoOutputSchema,
        Self::LookAlike,
    ];

    /// Its name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoDescription => "no_description",
            Self::DescriptionRepeatsName => "description_repeats_name",
            Self::UntypedParameters => "untyped_parameters",
            Self::UndescribedParameters => "undescribed_parameters",
            Self::ParameterNames => "parameter_names",
            Self::NoOutputSchema => "no_output_schema",
            Self::LookAlike => "look_alike",
        }
    }

    /// What is said of it to people.
    fn words(self) -> &'static str {
        match self {
            Self::NoDescription => "no description",
            Self::DescriptionRepeatsName => "a description that only repeats the name",
            Self::UntypedParameters => "parameters without a type",
            Self::UndescribedParameters => "parameters without a description",
            Self::ParameterNames => "parameters whose names some model APIs do not take",
            Self::NoOutputSchema => "no output schema",
            Self::LookAlike => "looks like",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl Finding {
    /// The tool that it is about.
    #[must_use]
    pub fn tool(&self) -> &QualifiedName {
        &self.tool
    }

    /// What is weak.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// The parameters, or the other tools, that it is about; five at most.
    #[must_use]
    pub fn about(&self) -> &[String] {
        &self.about
    }

    fn new(tool: &ToolEntry, kind: FindingKind, all: &[&str]) -> Self {
        let about = all.iter().take(MAX_NAMES);
        Self {
            tool: tool.name().clone(),
            kind,
            about: about.map(|it| clip(it, 80).into_owned()).collect(),
            more: all.len().saturating_sub(MAX_NAMES),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = match self.kind {
            _ if self.about.is_empty() => "",
            FindingKind::LookAlike => " ",
            _ => ": ",
        };
        let about = self.about.join(", ");
        write!(f, "{}{between}{}", self.kind.words(), Printable(&about))?;
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        Ok(())
    }
}

/// Looks for what is weak about the tools of a catalogue: in its order, and for each tool in that of [`FindingKind::ALL`].
///
/// What the configuration says counts: a description or `returns` of its own mends a tool whose server says nothing.
#[must_use]
pub fn lint(catalogue: &Catalogue) -> Vec<Finding> {
    let tools: Vec<&ToolEntry> = catalogue.tools().collect();
    let alike = alike::look_alikes(&tools);
    let findings = tools.iter().zip(alike).flat_map(|(tool, others)| {
        let mut findings = of_tool(tool);
        if !others.is_empty() {
            let names: Vec<String> = others.iter().map(|it| it.name().to_string()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            findings.push(Finding::new(tool, FindingKind::LookAlike, &names));
        }
        findings
    });
    findings.collect()
}

fn of_tool(tool: &ToolEntry) -> Vec<Finding> {
    let metadata = tool.metadata();
    let mut findings = Vec::new();
    match &metadata.purpose {
        None => findings.push(Finding::new(tool, FindingKind::NoDescription, &[])),
        Some(purpose) if repeats(tool.name(), &purpose.value) => {
            findings.push(Finding::new(tool, FindingKind::DescriptionRepeatsName, &[]));
        }
        Some(_) => {}
    }
    let properties = tool.definition().input_schema.get("properties");
    let properties = properties.and_then(Value::as_object);
    for (kind, is_weak) in WEAK_PARAMETERS {
        let all = properties.into_iter().flatten();
        let weak: Vec<&str> = all
            .filter(|(name, schema)| is_weak(name, schema))
            .map(|(name, _)| name.as_str())
            .collect();
        if !weak.is_empty() {
            findings.push(Finding::new(tool, kind, &weak));
        }
    }
    if tool.definition().output_schema.is_none() && metadata.returns.is_none() {
        findings.push(Finding::new(tool, FindingKind::NoOutputSchema, &[]));
    }
    findings
}

type IsWeak = fn(&str, &Value) -> bool;

const WEAK_PARAMETERS: [(FindingKind, IsWeak); 3] = [
    (FindingKind::UntypedParameters, |_, it| is_untyped(it)),
    (FindingKind::UndescribedParameters, |_, it| {
        is_undescribed(it)
    }),
    (FindingKind::ParameterNames, |name, _| {
        !is_parameter_name(name)
    }),
];

/// Whether a schema says nothing of what a value looks like.
fn is_untyped(schema: &Value) -> bool {
    const TELLING: [&str; 9] = [
        "type",
        "enum",
        "const",
        "$ref",
        "anyOf",
        "oneOf",
        "allOf",
        "properties",
        "items",
    ];
    let tells = |it: &Map<String, Value>| TELLING.iter().any(|key| it.contains_key(*key));
    !schema.as_object().is_some_and(tells)
}

/// Whether a schema has no description, also not where it points to or in its alternatives.
fn is_undescribed(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else {
        return true;
    };
    let is_told = |it: &Value| {
        let text = it.get("description").and_then(Value::as_str);
        text.is_some_and(|it| !it.trim().is_empty())
    };
    let inner = ["anyOf", "oneOf", "allOf"].iter();
    let mut inner = inner
        .filter_map(|key| schema.get(*key)?.as_array())
        .flatten();
    let text = schema.get("description").and_then(Value::as_str);
    text.is_none_or(|it| it.trim().is_empty()) && !inner.any(is_told)
}

/// Whether a description has no word that the tool's name does not have, but for those that every sentence has.
fn repeats(name: &QualifiedName, description: &str) -> bool {
    const FILLING: [&str; 12] = [
        "a", "an", "the", "this", "tool", "to", "of", "for", "in", "and", "is", "function",
    ];
    let known: HashSet<String> = words(name.name())
        .chain(words(name.server().as_str()))
        .collect();
    let is_known = |word: String| known.contains(&word) || FILLING.contains(&word.as_str());
    clip(description, 1_024).len() == description.len() && words(description).all(is_known)
}

/// The words of a text or a name, in small letters and without the `s` of a plural.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in text.chars() {
        let starts = !c.is_alphanumeric() || (was_small && c.is_uppercase());
        was_small = c.is_lowercase() || c.is_numeric();
        if starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    let words = words.into_iter().filter(|it| !it.is_empty());
    words.map(|word| match word.strip_suffix('s') {
        Some(one) if one.len() > 2 && !one.ends_with('s') => one.to_owned(),
        _ => word,
    })
}

#[cfg(test)]
mod tests;
