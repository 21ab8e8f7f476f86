//! `tools --export`: all tools as a model API, or an importer of API descriptions, takes them.

use std::process::ExitCode;

use manyhands::{Catalogue, ModelApi};
use manyhands_registry::{DESCRIPTION_TOKENS, definition, estimate, openapi};
use serde_json::{Value, json};

use crate::args::Options;
use crate::commands::list::{say_missing, started};
use crate::failure::Failure;
use crate::{load, output};

/// Whose format tools are printed in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    /// The `tools` of a request to a model.
    Model(ModelApi),
    /// A description of an HTTP API.
    OpenApi,
}

impl Format {
    /// All of them, by their names.
    pub(crate) const ALL: [(&str, Self); 5] = [
        ("openai", Self::Model(ModelApi::OpenAi)),
        ("anthropic", Self::Model(ModelApi::Anthropic)),
        ("gemini", Self::Model(ModelApi::Gemini)),
        // What its chat models are bound to is written as for OpenAI, whatever model is behind.
        ("langchain", Self::Model(ModelApi::OpenAi)),
        ("openapi", Self::OpenApi),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, format)| *format)
    }

    fn document(self, catalogue: &Catalogue) -> Value {
        let tools = catalogue.tools();
        match self {
            Self::OpenApi => openapi(tools, DESCRIPTION_TOKENS, &estimate),
            Self::Model(api) => {
                let all = tools.map(|it| definition(it, api, DESCRIPTION_TOKENS, &estimate));
                let all: Vec<Value> = all.collect();
                match api {
                    ModelApi::Gemini => json!([{"functionDeclarations": all}]),
                    _ => all.into(),
                }
            }
        }
    }
}

/// Prints all tools in one format; what is missing is said on stderr.
pub(crate) async fn run(options: &Options, format: Format) -> Result<ExitCode, Failure> {
    let kit = started(load::builder(options)?, options).await;
    let catalogue = kit.catalogue();
    output::json(&format.document(&catalogue));
    say_missing(&kit, options, "tool", catalogue.tools().count());
    kit.close().await;
    Ok(ExitCode::SUCCESS)
}
