//! Resource URIs across servers: `server+uri`, there and back.
//!
//! The prefix is part of the URI's scheme, where RFC 3986 allows letters,
//! digits, `+`, `-` and `.` but no underscore, so `_` in a server id is written `.`.

use std::borrow::Cow;

use manyhands_core::{Reply, ServerId};
use memchr::memmem;
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
    if !may_hold_uri(reply.raw().get()) {
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

/// Whether there may be a key `uri`, plain or with one of its letters escaped.
fn may_hold_uri(json: &str) -> bool {
    let holds = |what: &str| memmem::find(json.as_bytes(), what.as_bytes()).is_some();
    // Few texts have any character below U+0100 written so: one search then stands for three.
    holds("\"uri\"") || holds(r"\u00") && [r"\u0075", r"\u0072", r"\u0069"].into_iter().any(holds)
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
    fn what_only_looks_like_a_place_for_a_uri_is_left_alone() {
        let uri = json!({"uri": "file:///a"});
        let links = json!([{"type": "resource_link", "uri": "file:///a", "name": "a"}]);
        for result in [
            // What a program reads is the server's own, and so are its notes.
            json!({"content": [], "structuredContent": {"uri": "file:///a", "contents": [uri], "content": links}}),
            json!({"content": [], "_meta": {"uri": "file:///a", "contents": [uri]}}),
            json!({"content": [{"type": "text", "text": "t", "annotations": uri, "_meta": uri}]}),
            json!({"content": [{"type": "image", "data": "", "mimeType": "image/png", "uri": "file:///a"}]}),
            json!({"content": [{"type": "audio", "data": "", "mimeType": "audio/wav", "uri": "file:///a"}]}),
            json!({"messages": [{"role": "user", "content": {"type": "text", "text": "\"uri\""}, "uri": "a:b"}]}),
            // The values of a completion stand for an argument, whatever they look like.
            json!({"completion": {"values": ["file:///a"], "uri": "file:///a"}}),
        ] {
            assert_eq!(qualified(&result), result);
        }
    }

    #[test]
    fn notes_beside_a_uri_stay_as_they_are() {
        let link = json!({"type": "resource_link", "uri": "file:///a", "name": "a",
            "icons": [{"src": "https://a.example/i.png"}], "annotations": {"uri": "a:b"}, "_meta": {"uri": "a:b"}});
        let embedded = json!({"type": "resource", "annotations": {"uri": "a:b"}, "_meta": {"uri": "a:b"},
            "resource": {"uri": "file:///a", "blob": "", "_meta": {"uri": "a:b"}}});
        let mut expected = json!({"content": [link, embedded], "_meta": {"uri": "a:b"}});
        let got = qualified(&expected);
        for place in ["/content/0/uri", "/content/1/resource/uri"] {
            *expected.pointer_mut(place).unwrap() = json!("my.fs+file:///a");
        }
        assert_eq!(got, expected);
    }

    #[test]
    fn every_uri_leads_back_to_its_server_and_itself() {
        let ids =
            ["a", "A-1", "my_fs", "my-fs", "a_", "x_y_z"].map(|id| ServerId::parse(id).unwrap());
        let catalogue = crate::Catalogue::new(ids.iter().cloned());
        for own in [
            "file:///a.txt",
            "FILE:///A.TXT",
            "no-scheme/at all",
            "/abs/path",
            "",
            "+",
            "a+file:///b",
            "git+ssh://host/a+b?c+d#e",
            "file:///{+path}{?q*}",
            "urn:x:_._",
            "日本:\u{202e}\u{0}",
        ] {
            for id in &ids {
                let uri = qualify_uri(id, own);
                assert_eq!(catalogue.resource(&uri), Ok((id, own)), "{uri}");
                let (scheme, rest) = uri.split_once('+').unwrap();
                let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                assert!(scheme.chars().all(legal), "{scheme}");
                // Schemes have no case; what stands behind has.
                for cased in [scheme.to_ascii_uppercase(), scheme.to_ascii_lowercase()] {
                    assert_eq!(
                        catalogue.resource(&format!("{cased}+{rest}")),
                        Ok((id, own))
                    );
                }
            }
        }
    }

    #[test]
    fn a_uri_whose_key_is_escaped_is_qualified_too() {
        for key in [r"\u0075ri", r"u\u0072i", r"ur\u0069"] {
            let raw = format!(r#"{{"contents":[{{"{key}":"other+a:b","text":""}}]}}"#);
            let raw = serde_json::value::RawValue::from_string(raw).unwrap();
            let reply = Reply::new(ServerId::parse("s").unwrap(), raw, Duration::ZERO);
            let reply = qualify_reply(reply);
            assert_eq!(reply.parsed()["contents"][0]["uri"], "s+other+a:b", "{key}");
        }
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
