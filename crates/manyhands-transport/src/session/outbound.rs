//! Requests, written as JSON straight from what callers hand in.

use manyhands_core::{Arguments, CallContext, Completable, Request};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Dialect, Session};

/// What is asked of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// What a caller wants.
    Request(&'a Request),
    /// What the protocol itself needs, such as the handshake.
    Protocol(&'static str, &'a Map<String, Value>),
}

/// One more attempt at a request for which the server wanted input.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) responses: Option<Map<String, Value>>,
    /// Goes back byte for byte.
    pub(crate) state: Option<Box<RawValue>>,
}

/// One request on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbound<'a> {
    pub(crate) target: Target<'a>,
    pub(crate) context: &'a CallContext,
    pub(crate) round: Option<&'a Round>,
    /// Another version than the one agreed on, for the handshake.
    pub(crate) dialect: Option<&'a Dialect>,
}

impl<'a> Outbound<'a> {
    pub(crate) fn method(&self) -> &'static str {
        match self.target {
            Target::Request(request) => request.method(),
            Target::Protocol(method, _) => method,
        }
    }

    /// Whether it is work that a caller wants done, and nothing that the protocol itself needs.
    pub(crate) fn is_work(&self) -> bool {
        matches!(self.target, Target::Request(_))
    }

    /// What the request names: a tool, a prompt, a URI, a task.
    pub(crate) fn name(&self) -> Option<&'a str> {
        match self.target {
            Target::Request(Request::CallTool { name, .. } | Request::GetPrompt { name, .. }) => {
                Some(name)
            }
            Target::Request(Request::ReadResource { uri }) => Some(uri),
            Target::Protocol(_, params) => params.get("taskId").and_then(Value::as_str),
            Target::Request(_) => None,
        }
    }

    /// The arguments of a tool call.
    pub(crate) fn arguments(&self) -> Option<&'a Arguments> {
        match self.target {
            Target::Request(Request::CallTool { arguments, .. }) => Some(arguments),
            _ => None,
        }
    }

    /// The version that it is written in.
    pub(crate) fn speaks(&self, session: &'a Session) -> Option<&'a Dialect> {
        self.dialect.or_else(|| session.dialect())
    }

    /// The whole message, without a line break in it.
    pub(crate) fn body(&self, id: u64, dialect: Option<&Dialect>) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        write(&mut out, &id);
        out.extend_from_slice(b",\"method\":\"");
        out.extend_from_slice(self.method().as_bytes());
        out.extend_from_slice(b"\",\"params\":{");
        let mut fields = Fields {
            out: &mut out,
            first: true,
        };
        match self.target {
            Target::Request(request) => fields.request(request),
            Target::Protocol(_, params) => {
                for (name, value) in params {
                    fields.field(name, value);
                }
            }
        }
        if let Some(round) = self.round {
            if let Some(responses) = &round.responses {
                fields.field("inputResponses", responses);
            }
            if let Some(state) = &round.state {
                fields.field("requestState", state);
            }
        }
        self.meta(id, dialect, &mut fields);
        out.extend_from_slice(b"}}");
        out
    }

    fn meta(&self, id: u64, dialect: Option<&Dialect>, fields: &mut Fields<'_>) {
        let theirs = self.context.meta.as_deref();
        // A call that shows progress stays alive, so every call asks for it.
        let progress = matches!(self.target, Target::Request(Request::CallTool { .. }));
        let ours = dialect.map_or("", |dialect| dialect.meta.as_str());
        let logs = !ours.is_empty() && self.context.listener.is_some();
        if ours.is_empty() && !progress && theirs.is_none_or(Map::is_empty) {
            return;
        }
        fields.name("_meta");
        fields.out.push(b'{');
        let mut meta = Fields {
            out: fields.out,
            first: true,
        };
        for (name, value) in theirs.into_iter().flatten() {
            let reserved = name.starts_with("io.modelcontextprotocol/") || name == "progressToken";
            if !reserved {
                meta.field(name, value);
            }
        }
        if progress {
            meta.field("progressToken", &id);
        }
        if logs {
            meta.field("io.modelcontextprotocol/logLevel", "info");
        }
        if !ours.is_empty() {
            meta.comma();
            meta.out.extend_from_slice(ours.as_bytes());
        }
        fields.out.push(b'}');
    }
}

/// A notification, as a whole message.
pub(crate) fn notification(method: &str, params: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    write(&mut out, method);
    out.extend_from_slice(b",\"params\":");
    write(&mut out, params);
    out.push(b'}');
    out
}

/// The fields of one object that is being written.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Fields<'_> {
    fn request(&mut self, request: &Request) {
        match request {
            Request::CallTool { name, arguments } | Request::GetPrompt { name, arguments } => {
                self.field("name", name);
                self.field("arguments", arguments.as_object());
            }
            Request::ReadResource { uri } => self.field("uri", uri),
            Request::Complete {
                of,
                argument,
                value,
                settled,
            } => {
                let of = match of {
                    Completable::Prompt(name) => json!({"type": "ref/prompt", "name": &**name}),
                    Completable::Resource(uri) => json!({"type": "ref/resource", "uri": &**uri}),
                };
                self.field("ref", &of);
                self.field("argument", &json!({"name": argument, "value": value}));
                if !settled.as_object().is_empty() {
                    self.field("context", &json!({"arguments": settled.as_object()}));
                }
            }
            Request::List {
                cursor: Some(cursor),
                ..
            } => self.field("cursor", cursor),
            // The first page of a list has no parameters, and every other request of today is above.
            _ => {}
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        write(self.out, value);
    }

    fn name(&mut self, name: &str) {
        self.comma();
        write(self.out, name);
        self.out.push(b':');
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }
}

fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let from = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // JSON values and texts always can be written, and a vector takes them all.
        out.truncate(from);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        request: &Request,
        context: &CallContext,
        version: &str,
        round: Option<&Round>,
    ) -> Value {
        let outbound = Outbound {
            target: Target::Request(request),
            context,
            round,
            dialect: None,
        };
        let dialect = Dialect::new(version, &Map::new());
        serde_json::from_slice(&outbound.body(7, Some(&dialect))).unwrap()
    }

    fn echo() -> Request {
        Request::CallTool {
            name: "e\"cho".into(),
            arguments: Arguments::from_value(&json!({"a": [1, "ü\n"]})).unwrap(),
        }
    }

    #[test]
    fn a_call_carries_its_arguments_and_asks_for_progress() {
        let found = written(&echo(), &CallContext::default(), "2025-11-25", None);
        let params = json!({"name": "e\"cho", "arguments": {"a": [1, "ü\n"]}, "_meta": {"progressToken": 7}});
        let expected = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
        assert_eq!(found, expected);
        let list = Request::List {
            kind: manyhands_core::ListKind::Prompts,
            cursor: None,
        };
        assert_eq!(
            written(&list, &CallContext::default(), "2025-11-25", None)["params"],
            json!({})
        );
    }

    #[test]
    fn a_completion_names_whose_argument_it_is_and_what_is_settled() {
        let params = |of: Completable, settled: &Value| {
            let request = Request::Complete {
                of,
                argument: "path".into(),
                value: "a\"".into(),
                settled: Arguments::from_value(settled).unwrap(),
            };
            written(&request, &CallContext::default(), "2025-11-25", None)["params"].clone()
        };
        let argument = json!({"name": "path", "value": "a\""});
        assert_eq!(
            params(Completable::Resource("file:///{path}".into()), &Value::Null),
            json!({"ref": {"type": "ref/resource", "uri": "file:///{path}"}, "argument": argument})
        );
        assert_eq!(
            params(Completable::Prompt("p".into()), &json!({"b": "c"})),
            json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": argument,
                "context": {"arguments": {"b": "c"}}})
        );
    }

    #[test]
    fn a_modern_request_says_what_it_speaks_and_nobody_can_say_otherwise() {
        let context = CallContext::default()
            .with_meta("traceparent", "00-a")
            .with_meta("io.modelcontextprotocol/protocolVersion", "1999-01-01")
            .with_meta("progressToken", 1);
        let read = Request::ReadResource { uri: "a:b".into() };
        let meta = &written(&read, &context, "2026-07-28", None)["params"]["_meta"];
        assert_eq!(
            *meta,
            json!({
                "traceparent": "00-a",
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": super::super::dialect::introduction(),
                "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
            })
        );
    }

    #[test]
    fn a_further_round_repeats_the_request_and_returns_the_state_untouched() {
        let state = RawValue::from_string(r#""{\"a\" : 1}""#.to_owned()).unwrap();
        let round = Round {
            responses: Some(Map::from_iter([(
                "k".to_owned(),
                json!({"action": "accept"}),
            )])),
            state: Some(state),
        };
        let context = CallContext::default();
        let params = &written(&echo(), &context, "2026-07-28", Some(&round))["params"];
        assert_eq!(params["inputResponses"], json!({"k": {"action": "accept"}}));
        assert_eq!(params["requestState"], json!("{\"a\" : 1}"));
        assert_eq!(params["name"], "e\"cho");
        let silent = Round {
            responses: None,
            state: None,
        };
        let params = &written(&echo(), &context, "2026-07-28", Some(&silent))["params"];
        assert!(params.get("requestState").is_none() && params.get("inputResponses").is_none());
    }
}
