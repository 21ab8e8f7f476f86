//! The calls in what a model's API gave, whichever part of it the caller took. A model's text is a stranger's: what
//! cannot be read becomes an error of that call. It must not know what a name means.

use manyhands_core::{Printable, clip};
use manyhands_registry::ModelApi;
use serde_json::{Value, json};

/// How deep calls may lie in a response.
const MAX_DEPTH: usize = 6;
/// The most calls that are read, lest a response be built to be answered for ever.
const MAX_READ: usize = 1_024;

/// One call of a model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// Its arguments, or why they cannot be read.
    pub(super) arguments: Result<Value, String>,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `OpenAI`'s Chat Completions, and whoever speaks it.
    Chat,
    /// `OpenAI`'s Responses.
    Responses,
    Anthropic,
    Gemini,
}

/// Reads the calls, and how they want to be answered.
pub(super) fn read(api: ModelApi, given: &Value) -> (Style, Vec<ModelCall>) {
    let mut reader = Reader {
        style: match api {
            ModelApi::Anthropic => Style::Anthropic,
            ModelApi::Gemini => Style::Gemini,
            _ => Style::Chat,
        },
        calls: Vec::new(),
    };
    reader.take(given, MAX_DEPTH);
    (reader.style, reader.calls)
}

struct Reader {
    style: Style,
    calls: Vec<ModelCall>,
}

impl Reader {
    fn take(&mut self, given: &Value, depth: usize) {
        if depth == 0 || self.calls.len() >= MAX_READ {
            return;
        }
        if let Some(call) = self.call(given) {
            self.calls.push(call);
            return;
        }
        match given {
            Value::Array(items) => items.iter().for_each(|it| self.take(it, depth - 1)),
            Value::Object(_) => {
                // Of several answers to one question, the first is the one that goes on.
                let first = ["choices", "candidates"];
                let first = first.iter().filter_map(|key| given.get(key)?.get(0));
                let whole = ["message", "tool_calls", "output", "content", "parts"];
                let whole = whole.iter().filter_map(|key| given.get(key));
                first.chain(whole).for_each(|it| self.take(it, depth - 1));
            }
            _ => {}
        }
    }

    fn call(&mut self, item: &Value) -> Option<ModelCall> {
        match self.style {
            Style::Chat | Style::Responses => self.openai(item),
            Style::Anthropic => {
                let is_call = text(item, "type").as_deref() == Some("tool_use");
                is_call.then(|| call(item, "id", item.get("input")))
            }
            Style::Gemini => {
                let inner = item
                    .get("functionCall")
                    .or_else(|| item.get("function_call"));
                let bare =
                    (item.get("args").is_some() && item.get("name").is_some()).then_some(item);
                let inner = inner.or(bare)?;
                Some(call(inner, "id", inner.get("args")))
            }
        }
    }

    fn openai(&mut self, item: &Value) -> Option<ModelCall> {
        if let Some(function) = item.get("function").filter(|it| it.is_object()) {
            let mut call = call(function, "id", function.get("arguments"));
            call.id = text(item, "id");
            return Some(call);
        }
        let is_call = text(item, "type").as_deref() == Some("function_call");
        is_call.then(|| {
            self.style = Style::Responses;
            call(item, "call_id", item.get("arguments"))
        })
    }
}

fn call(item: &Value, id: &str, arguments: Option<&Value>) -> ModelCall {
    ModelCall {
        id: text(item, id),
        name: text(item, "name").unwrap_or_default(),
        arguments: object(arguments),
    }
}

/// Arguments are an object, or the JSON text of one; nothing is an empty one.
fn object(arguments: Option<&Value>) -> Result<Value, String> {
    let read = match arguments {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|error| {
            let begins = Printable(&clip(text, 80)).to_string();
            format!("its arguments are no JSON ({error}): {begins}")
        })?,
        Some(other) => other.clone(),
    };
    match read {
        Value::Null => Ok(json!({})),
        Value::Object(_) => Ok(read),
        _ => Err("its arguments are no JSON object".to_owned()),
    }
}

fn text(item: &Value, key: &str) -> Option<String> {
    item.get(key)?.as_str().map(str::to_owned)
}
