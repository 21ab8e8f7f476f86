//! From a request to its answer, or to the fault in its place.

use manyhands_core::ListKind;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::rpc::{Answer, INVALID_PARAMS, METHOD_NOT_FOUND, Request};
use crate::script::{MODERN, Script};
use crate::session::Session;

const UNSUPPORTED_VERSION: i64 = -32_022;
const RESOURCE_NOT_FOUND: i64 = -32_002;
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// Answers one request. It never ends where the script says so.
pub(crate) async fn respond(session: &Session, script: &Script, request: &Request) -> Answer {
    let modern = script.has(&Fault::ModernOnly);
    match request.method.as_str() {
        "initialize" | "server/discover" => handshake(script, request),
        _ if modern && version(&request.params) != Some(MODERN) => unsupported(&request.params),
        _ if modern => complete(offer(session, script, request).await),
        _ => offer(session, script, request).await,
    }
}

fn handshake(script: &Script, request: &Request) -> Answer {
    let fault = script.find(|fault| match fault {
        Fault::NeverAnswersHandshake => Some(Answer::Silence),
        Fault::ClosesAtHandshake => Some(Answer::Close),
        Fault::RefusesHandshake { code, message } => Some(Answer::error(*code, message)),
        _ => None,
    });
    let modern = script.has(&Fault::ModernOnly);
    match (fault, request.method.as_str()) {
        (Some(answer), _) => answer,
        (None, "initialize") if modern => unsupported(&request.params),
        (None, "initialize") => Answer::Result(script.introduction(&request.params)),
        (None, _) if modern && version(&request.params) != Some(MODERN) => {
            unsupported(&request.params)
        }
        (None, _) if modern => complete(Answer::Result(script.discovery())),
        (None, method) => unknown_method(method),
    }
}

/// Whatever comes after the handshake.
async fn offer(session: &Session, script: &Script, request: &Request) -> Answer {
    let params = &request.params;
    match request.method.as_str() {
        "ping" => Answer::Result(json!({})),
        "tools/list" => list(script, ListKind::Tools, params).await,
        "prompts/list" => list(script, ListKind::Prompts, params).await,
        "resources/list" => list(script, ListKind::Resources, params).await,
        "resources/templates/list" => list(script, ListKind::ResourceTemplates, params).await,
        "tools/call" => call(session, script, request).await,
        "prompts/get" => {
            wait(script).await;
            let name = text(params, "name");
            let found = script.prompt(name).cloned().map(Answer::Result);
            found.unwrap_or_else(|| Answer::error(INVALID_PARAMS, format!("no prompt {name:?}")))
        }
        "resources/read" => {
            wait(script).await;
            let uri = text(params, "uri");
            let found = script.contents(uri).map(Answer::Result);
            found.unwrap_or_else(|| {
                Answer::error(RESOURCE_NOT_FOUND, format!("no resource {uri:?}"))
            })
        }
        method => unknown_method(method),
    }
}

async fn list(script: &Script, kind: ListKind, params: &Value) -> Answer {
    if script.has(&Fault::HangsOnList(kind)) {
        return std::future::pending().await;
    }
    let failure = script.find(|fault| match fault {
        Fault::FailsList(failing, code) if *failing == kind => Some(*code),
        _ => None,
    });
    match failure {
        Some(code) => Answer::error(code, format!("cannot list {}", kind.field())),
        None => script.page(kind, params),
    }
}

async fn call(session: &Session, script: &Script, request: &Request) -> Answer {
    let name = text(&request.params, "name");
    let arguments = request.params.get("arguments").unwrap_or(&Value::Null);
    session.called(name, arguments, request.size);
    if script.has(&Fault::ClosesOnCall) {
        return Answer::Close;
    }
    if script.has(&Fault::HangsOnCall) {
        return std::future::pending().await;
    }
    wait(script).await;
    if script.has(&Fault::AsksBack) {
        session.ask().await;
    }
    let Some(reply) = script.tool(name) else {
        return Answer::error(INVALID_PARAMS, format!("no tool {name:?}"));
    };
    let spoilt = script.find(|fault| match fault {
        Fault::OversizedReply(bytes) => Some(oversized(*bytes)),
        Fault::GarbageReply => Some(Answer::Garbage),
        Fault::DeepReply(levels) => Some(deep(*levels)),
        _ => None,
    });
    spoilt.unwrap_or_else(|| Answer::Result(reply(arguments)))
}

/// Takes the time that the script sets.
async fn wait(script: &Script) {
    // Even a sleep of nothing would wait for the clock's next tick.
    if !script.latency.is_zero() {
        tokio::time::sleep(script.latency).await;
    }
}

fn oversized(bytes: usize) -> Answer {
    Answer::Result(json!({"content": [{"type": "text", "text": "x".repeat(bytes)}]}))
}

fn deep(levels: usize) -> Answer {
    // As text, since a value of this depth would overflow the stack when printed or dropped.
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    Answer::Text(format!(
        r#"{{"content":[],"structuredContent":{{"deep":{open}{close}}}}}"#
    ))
}

fn unknown_method(method: &str) -> Answer {
    Answer::error(METHOD_NOT_FOUND, format!("no method {method:?}"))
}

fn unsupported(params: &Value) -> Answer {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    Answer::Error {
        code: UNSUPPORTED_VERSION,
        message: "this protocol version is not supported".to_owned(),
        data: Some(json!({"supported": [MODERN], "requested": asked.or(version(params))})),
    }
}

/// Adds the fields that every result of 2026-07-28 has.
fn complete(mut answer: Answer) -> Answer {
    if let Answer::Result(Value::Object(fields)) = &mut answer {
        for (key, value) in [
            ("resultType", json!("complete")),
            ("ttlMs", json!(0)),
            ("cacheScope", json!("private")),
        ] {
            fields.entry(key).or_insert(value);
        }
    }
    answer
}

/// The protocol version that a request of 2026-07-28 names.
fn version(params: &Value) -> Option<&str> {
    params.get("_meta")?.get(META_VERSION)?.as_str()
}

fn text<'a>(params: &'a Value, key: &str) -> &'a str {
    params.get(key).and_then(Value::as_str).unwrap_or_default()
}
