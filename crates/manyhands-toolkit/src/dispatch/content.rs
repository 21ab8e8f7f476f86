//! What a model is to read and see of an answer, whatever API it stands behind.

use manyhands_core::{CallError, Printable, Reply, clip};
use serde_json::Value;

use crate::meta::Answer;

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// An image of a kind that models take.
    Image {
        mime: String,
        data: String,
    },
}

/// An answer in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) pieces: Vec<Piece>,
    pub(super) is_error: bool,
}

/// The kinds of image that all three APIs take.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

impl Content {
    pub(super) fn of(result: &Result<Answer, CallError>) -> Self {
        match result {
            Ok(Answer::Server(reply)) => Self {
                pieces: pieces(reply),
                is_error: reply.is_error(),
            },
            Ok(Answer::Toolkit(value)) => Self::text(value.to_string(), false),
            Err(error) => {
                let json = serde_json::to_string(error);
                Self::text(json.unwrap_or_else(|_| error.to_string()), true)
            }
        }
    }

    fn text(text: String, is_error: bool) -> Self {
        Self {
            pieces: vec![Piece::Text(text)],
            is_error,
        }
    }

    /// All that can be read; of each image a word.
    pub(super) fn read(&self) -> String {
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Image { mime, .. } => format!("[an {mime}]"),
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Image { mime, data } => Some((mime.as_str(), data.as_str())),
            Piece::Text(_) => None,
        })
    }
}

fn pieces(reply: &Reply) -> Vec<Piece> {
    let mut said = said(reply);
    said.splice(0..0, substitution(reply));
    said
}

/// Whose answer it is, where another tool answered than the one that was called: a model would take it for that one's.
fn substitution(reply: &Reply) -> Option<Piece> {
    let text = reply.substitution()?.to_string();
    Some(Piece::Text(format!("[{text}]")))
}

fn said(reply: &Reply) -> Vec<Piece> {
    let parsed = reply.parsed();
    let list = |key: &str| parsed.get(key).and_then(Value::as_array);
    let mut pieces: Vec<Piece> = match (list("content"), list("contents"), list("messages")) {
        (Some(blocks), _, _) => blocks.iter().map(block).collect(),
        (_, Some(contents), _) => contents.iter().map(resource).collect(),
        (_, _, Some(messages)) => messages.iter().filter_map(message).collect(),
        _ => Vec::new(),
    };
    if pieces.is_empty() {
        // Servers are to say in text what their structured content says, and not all do.
        let structured = parsed.get("structuredContent").filter(|it| !it.is_null());
        pieces.extend(structured.map(|it| Piece::Text(it.to_string())));
    }
    if pieces.is_empty() && parsed.is_null() {
        // What is nested too deeply to be looked into is handed on as it came.
        pieces.push(Piece::Text(reply.raw().get().to_owned()));
    }
    pieces
}

fn block(block: &Value) -> Piece {
    let text = |key: &str| block.get(key).and_then(Value::as_str);
    match text("type") {
        Some("text") => Piece::Text(text("text").unwrap_or_default().to_owned()),
        Some("image") => media(text("mimeType"), text("data")),
        Some("audio") => media(text("mimeType"), text("data")),
        Some("resource") => block.get("resource").map_or_else(|| whole(block), resource),
        Some("resource_link") => {
            let name = text("title").or_else(|| text("name")).unwrap_or_default();
            let uri = text("uri").unwrap_or_default();
            Piece::Text(format!("[resource {name}: {uri}]"))
        }
        _ => whole(block),
    }
}

fn resource(resource: &Value) -> Piece {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    match (text("text"), text("blob")) {
        (Some(said), _) => Piece::Text(said.to_owned()),
        (None, Some(blob)) => media(text("mimeType"), Some(blob)),
        (None, None) => whole(resource),
    }
}

/// A message of a prompt, under the name of who says it.
fn message(message: &Value) -> Option<Piece> {
    let role = message.get("role").and_then(Value::as_str)?;
    Some(match block(message.get("content")?) {
        Piece::Text(text) => Piece::Text(format!("{}: {text}", Printable(&clip(role, 32)))),
        image @ Piece::Image { .. } => image,
    })
}

/// What models see of a picture, a sound or a file.
fn media(mime: Option<&str>, data: Option<&str>) -> Piece {
    let (mime, data) = (mime.unwrap_or("unknown data"), data.unwrap_or_default());
    let known = IMAGES.iter().find(|it| it.eq_ignore_ascii_case(mime));
    match known {
        Some(mime) => Piece::Image {
            mime: (*mime).to_owned(),
            data: data.to_owned(),
        },
        None => {
            let bytes = data.len() / 4 * 3;
            let mime = Printable(&clip(mime, 64)).to_string();
            Piece::Text(format!("[{mime}, about {bytes} bytes, not shown]"))
        }
    }
}

/// What is of no kind that is known, as JSON.
fn whole(value: &Value) -> Piece {
    Piece::Text(value.to_string())
}
