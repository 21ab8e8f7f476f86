//! Resource URIs across servers: `server+uri`, there and back.
//!
//! The prefix is part of the URI's scheme, where RFC 3986 allows letters,
//! digits, `+`, `-` and `.` but no underscore, so `_` in a server id is written `.`.

use std::borrow::Cow;

use manyhands_core::{Reply, ServerId};
use serde_json::Value;
use serde_json::value::to_raw_value;

/// Names a server's resource across all servers: `files+file:///a.txt`.
#[must_use]
pub fn qualify_uri(server: &ServerId, uri: &str) -> String {
    format!("{}+{uri}", scheme(server))
}

/// The server's part of a qualified URI.
pub(crate) fn scheme(server: &ServerId) -> Cow<'_, str> {
    let id = server.as_str();
    if id.contains('_') {
        Cow::Owned(id.replace('_', "."))
    } else {
        Cow::Borrowed(id)
    }
}

/// Cuts a qualified URI into the server's part and the server's own URI.
pub(crate) fn split(uri: &str) -> Option<(&str, &str)> {
    uri.split_once('+').filter(|(scheme, _)| !scheme.is_empty())
}

/// Qualifies every resource URI inside a reply: links, embedded resources and contents.
#[must_use]
pub fn qualify_reply(reply: Reply) -> Reply {
    // Most replies hold no URI, and then nothing is parsed or copied.
    if !reply.raw().get().contains("\"uri\"") {
        return reply;
    }
    let mut result = reply.parsed().clone();
    let server = reply.server();
    for field in ["content", "contents"] {
        each(result.get_mut(field), |block| qualify_block(server, block));
    }
    each(result.get_mut("messages"), |message| {
        match message.get_mut("content") {
            Some(Value::Array(blocks)) => blocks
                .iter_mut()
                .for_each(|block| qualify_block(server, block)),
            Some(block) => qualify_block(server, block),
            None => {}
        }
    });
    match to_raw_value(&result) {
        Ok(raw) => Reply::new(server.clone(), raw, reply.took()),
        Err(_) => reply,
    }
}

fn each(list: Option<&mut Value>, change: impl FnMut(&mut Value)) {
    list.and_then(Value::as_array_mut)
        .map(|items| items.iter_mut().for_each(change))
        .unwrap_or_default();
}

/// Qualifies the URI of one block: its own, unless a type says it is none, and that of a resource inside it.
fn qualify_block(server: &ServerId, block: &mut Value) {
    let holds_uri = matches!(
        block.get("type").and_then(Value::as_str),
        None | Some("resource_link")
    );
    if holds_uri {
        qualify_field(server, block);
    }
    if let Some(resource) = block.get_mut("resource") {
        qualify_field(server, resource);
    }
}

fn qualify_field(server: &ServerId, holder: &mut Value) {
    if let Some(Value::String(uri)) = holder.get_mut("uri") {
        *uri = qualify_uri(server, uri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn qualified(result: &Value) -> Value {
        let server = ServerId::parse("my_fs").unwrap();
        let reply = Reply::new(server, to_raw_value(result).unwrap(), Duration::ZERO);
        qualify_reply(reply).parsed().clone()
    }

    #[test]
    fn every_place_that_holds_a_uri_is_qualified() {
        let got = qualified(&json!({
            "content": [
                {"type": "resource_link", "uri": "file:///a", "name": "a"},
                {"type": "resource", "resource": {"uri": "file:///b", "text": "t"}},
                {"type": "text", "text": "file:///c", "uri": "not a resource"},
            ],
            "contents": [{"uri": "file:///d", "text": "t"}],
            "messages": [
                {"role": "user", "content": {"type": "resource", "resource": {"uri": "file:///e", "text": ""}}},
                {"role": "user", "content": [{"type": "resource_link", "uri": "file:///f", "name": "f"}]},
            ],
        }));
        assert_eq!(got["content"][0]["uri"], "my.fs+file:///a");
        assert_eq!(got["content"][1]["resource"]["uri"], "my.fs+file:///b");
        assert_eq!(got["content"][2]["uri"], "not a resource");
        assert_eq!(got["contents"][0]["uri"], "my.fs+file:///d");
        assert_eq!(
            got["messages"][0]["content"]["resource"]["uri"],
            "my.fs+file:///e"
        );
        assert_eq!(got["messages"][1]["content"][0]["uri"], "my.fs+file:///f");
    }

    #[test]
    fn odd_shapes_are_left_alone() {
        for result in [
            json!({"content": "\"uri\""}),
            json!({"contents": [{"uri": 5}]}),
            json!({"messages": [7], "x": {"uri": "a"}}),
        ] {
            assert_eq!(qualified(&result), result);
        }
    }
}
