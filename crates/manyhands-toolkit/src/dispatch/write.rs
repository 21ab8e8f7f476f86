//! Answers in the shape of each model API. It must not know where they came from.

use serde_json::{Value, json};

use super::Answered;
use super::content::{Content, Piece};
use super::read::Style;

/// The answers as messages that follow the one with the calls.
pub(super) fn messages(style: Style, answers: &[Answered]) -> Vec<Value> {
    let answers: Vec<(&Answered, Content)> = answers
        .iter()
        .map(|it| (it, Content::of(&it.result)))
        .collect();
    if answers.is_empty() {
        return Vec::new();
    }
    match style {
        Style::Chat => chat(&answers),
        Style::Responses => answers.iter().map(output).collect(),
        Style::Anthropic => {
            let results: Vec<Value> = answers.iter().map(tool_result).collect();
            vec![json!({"role": "user", "content": results})]
        }
        Style::Gemini => {
            let parts: Vec<Value> = answers.iter().flat_map(function_response).collect();
            vec![json!({"role": "user", "parts": parts})]
        }
    }
}

/// Chat Completions take text only from tools, so images come in a message of their own after all answers.
fn chat(answers: &[(&Answered, Content)]) -> Vec<Value> {
    let mut messages: Vec<Value> = answers
        .iter()
        .map(|(answered, content)| {
            json!({"role": "tool", "tool_call_id": answered.id, "content": said(content)})
        })
        .collect();
    let mut images = Vec::new();
    for (answered, content) in answers {
        for (mime, data) in content.images() {
            let id = answered.id.as_deref().unwrap_or_default();
            let of = format!("The image that {} returned (call {id}):", answered.name);
            images.push(json!({"type": "text", "text": of}));
            images.push(json!({"type": "image_url", "image_url": {"url": data_url(mime, data)}}));
        }
    }
    if !images.is_empty() {
        messages.push(json!({"role": "user", "content": images}));
    }
    messages
}

fn output((answered, content): &(&Answered, Content)) -> Value {
    let output = if content.images().next().is_none() {
        Value::from(said(content))
    } else {
        let pieces = content.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => json!({"type": "input_text", "text": text}),
            Piece::Image { mime, data } => {
                json!({"type": "input_image", "image_url": data_url(mime, data)})
            }
        });
        pieces.collect()
    };
    json!({"type": "function_call_output", "call_id": answered.id, "output": output})
}

fn tool_result((answered, content): &(&Answered, Content)) -> Value {
    let pieces = content.pieces.iter().filter_map(|piece| match piece {
        // An empty text block is refused.
        Piece::Text(text) if text.is_empty() => None,
        Piece::Text(text) => Some(json!({"type": "text", "text": text})),
        Piece::Image { mime, data } => Some(json!({
            "type": "image", "source": {"type": "base64", "media_type": mime, "data": data},
        })),
    });
    json!({
        "type": "tool_result", "tool_use_id": answered.id, "content": pieces.collect::<Vec<_>>(),
        "is_error": content.is_error,
    })
}

fn function_response((answered, content): &(&Answered, Content)) -> Vec<Value> {
    let key = if content.is_error { "error" } else { "output" };
    let mut response = json!({"name": answered.name, "response": {key: content.read()}});
    if let (Some(id), Some(response)) = (&answered.id, response.as_object_mut()) {
        response.insert("id".to_owned(), id.as_str().into());
    }
    let mut parts = vec![json!({"functionResponse": response})];
    let images = content.images();
    parts
        .extend(images.map(|(mime, data)| json!({"inlineData": {"mimeType": mime, "data": data}})));
    parts
}

/// An answer as one text, for APIs that have no mark for a failure.
fn said(content: &Content) -> String {
    let text = content.read();
    if content.is_error {
        format!("error: {text}")
    } else {
        text
    }
}

fn data_url(mime: &str, data: &str) -> String {
    format!("data:{mime};base64,{data}")
}
