//! From a request to its answer, or to the fault in its place.

use manyhands_core::ListKind;
use serde_json::{Value, json};

use crate::fault::{AnswerFault, Fault, HandshakeFault, TextFault, WireFault};
use crate::outlet::Outlet;
use crate::rpc::{Answer, INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Request};
use crate::script::{MODERN, Script};
use crate::session::{After, Session};

/// Another protocol version is wanted than the one asked for.
pub(crate) const UNSUPPORTED_VERSION: i64 = -32_022;
const RESOURCE_NOT_FOUND: i64 = -32_002;
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// One request, and all that its answer comes from.
pub(crate) struct Exchange<'a> {
    pub(crate) session: &'a Session,
    pub(crate) out: &'a Outlet,
    pub(crate) script: &'a Script,
    pub(crate) request: &'a Request,
}

/// Answers one request. It never ends where the script says so.
pub(crate) async fn respond(exchange: &Exchange<'_>) -> Answer {
    let Exchange {
        script, request, ..
    } = exchange;
    let modern = script.has(&Fault::ModernOnly);
    let deaf = script.has(&HandshakeFault::RefusesListen.into());
    match request.method.as_str() {
        "initialize" | "server/discover" => exchange.handshake().await,
        _ if modern && version(&request.params) != Some(MODERN) => unsupported(&request.params),
        "subscriptions/listen" if modern && !deaf => exchange.listen().await,
        _ if modern => complete(script, exchange.offer().await),
        _ => exchange.offer().await,
    }
}

impl Exchange<'_> {
    async fn handshake(&self) -> Answer {
        let discovers = self.request.method == "server/discover";
        let fault = self.script.find(|fault| match fault {
            Fault::NeverAnswersHandshake => Some(Answer::Silence),
            Fault::ClosesAtHandshake => Some(Answer::Close),
            Fault::RefusesHandshake(code, message) => Some(Answer::error(*code, message)),
            Fault::Text(TextFault::Refusal(odd)) => Some(Answer::error(INTERNAL_ERROR, odd.text())),
            Fault::Handshake(HandshakeFault::ClosesOnDiscover) if discovers => Some(Answer::Close),
            Fault::Handshake(HandshakeFault::HangsOnDiscover) if discovers => Some(Answer::Silence),
            _ => None,
        });
        if let Some(answer) = fault {
            return answer;
        }
        self.before_handshake().await;
        let params = &self.request.params;
        match (self.script.has(&Fault::ModernOnly), discovers) {
            (true, true) if version(params) == Some(MODERN) => {
                complete(self.script, Answer::Result(self.script.discovery()))
            }
            (true, _) => unsupported(params),
            (false, false) => Answer::Result(self.script.introduction(params)),
            (false, true) => unknown_method("server/discover"),
        }
    }

    /// Whatever comes after the handshake.
    async fn offer(&self) -> Answer {
        let params = &self.request.params;
        match self.request.method.as_str() {
            "ping" => Answer::Result(json!({})),
            "tools/list" => self.list(ListKind::Tools).await,
            "prompts/list" => self.list(ListKind::Prompts).await,
            "resources/list" => self.list(ListKind::Resources).await,
            "resources/templates/list" => self.list(ListKind::ResourceTemplates).await,
            "tools/call" => self.call().await,
            "prompts/get" => {
                self.wait().await;
                let name = text(params, "name");
                let found = self.script.prompt(name).cloned().map(Answer::Result);
                found
                    .unwrap_or_else(|| Answer::error(INVALID_PARAMS, format!("no prompt {name:?}")))
            }
            "resources/read" => {
                self.wait().await;
                let uri = text(params, "uri");
                let found = self.script.contents(uri).map(Answer::Result);
                found.unwrap_or_else(|| {
                    Answer::error(RESOURCE_NOT_FOUND, format!("no resource {uri:?}"))
                })
            }
            "completion/complete" => match &self.script.completion {
                Some(reply) => Answer::Result(reply(params)),
                None => unknown_method("completion/complete"),
            },
            method => unknown_method(method),
        }
    }

    async fn list(&self, kind: ListKind) -> Answer {
        if self.script.has(&Fault::HangsOnList(kind)) {
            return std::future::pending().await;
        }
        let failure = self.script.find(|fault| match fault {
            Fault::FailsList(failing, code) if *failing == kind => Some(Answer::error(
                *code,
                format!("cannot list {}", kind.field()),
            )),
            Fault::Text(TextFault::ListError(odd)) if kind == ListKind::Tools => {
                Some(Answer::error(INTERNAL_ERROR, odd.text()))
            }
            _ => None,
        });
        let turn = self.session.next_list();
        failure.unwrap_or_else(|| self.script.page(kind, &self.request.params, turn))
    }

    async fn call(&self) -> Answer {
        let params = &self.request.params;
        let name = text(params, "name");
        let arguments = params.get("arguments").unwrap_or(&Value::Null);
        self.session.called(name, arguments, self.request.size);
        if self.script.has(&Fault::ClosesOnCall) {
            return Answer::Close;
        }
        if self.script.has(&Fault::HangsOnCall) || self.late().is_some() {
            return std::future::pending().await;
        }
        if self.script.has(&WireFault::ClosesOutput.into()) {
            self.out.end().await;
            return Answer::Silence;
        }
        self.wait().await;
        self.before_call().await;
        let Some(reply) = self.script.tool(name) else {
            return Answer::error(INVALID_PARAMS, format!("no tool {name:?}"));
        };
        let spoilt = self.script.find(|fault| match fault {
            Fault::FailsCall(code) => Some(Answer::error(*code, "it failed, as the test wants it")),
            Fault::Text(TextFault::Error(odd)) => Some(Answer::error(INTERNAL_ERROR, odd.text())),
            Fault::Text(TextFault::Reply(odd)) => Some(told(&odd.text())),
            Fault::OversizedReply(bytes) => Some(told(&"x".repeat(*bytes))),
            Fault::GarbageReply => Some(Answer::Garbage),
            Fault::DeepReply(levels) => Some(deep(*levels)),
            Fault::Question(question) => question.in_place(params).map(Answer::Result),
            _ => None,
        });
        spoilt.unwrap_or_else(|| Answer::Result(reply(arguments)))
    }

    /// The answer of a server that waits until nobody wants it any more.
    pub(crate) fn late(&self) -> Option<Answer> {
        let is_late = self.script.has(&AnswerFault::AnswersLate.into());
        (is_late && self.is_call()).then(|| told("late"))
    }

    pub(crate) fn is_call(&self) -> bool {
        self.request.method == "tools/call"
    }

    /// What happens once the answer has been sent.
    pub(crate) async fn after(&self) -> After {
        let lists_tools = self.request.method == "tools/list";
        if self.is_call() && self.script.has(&WireFault::HalfAnswer.into()) {
            self.out.end().await;
        }
        if lists_tools && self.script.has(&WireFault::StopsReading.into()) {
            self.session.stop_reading();
        }
        if lists_tools {
            self.churn().await;
        }
        After::Continue
    }

    /// Takes the time that the script sets.
    async fn wait(&self) {
        // Even a sleep of nothing would wait for the clock's next tick.
        if !self.script.latency.is_zero() {
            tokio::time::sleep(self.script.latency).await;
        }
    }
}

fn told(text: &str) -> Answer {
    Answer::Result(json!({"content": [{"type": "text", "text": text}]}))
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
fn complete(script: &Script, mut answer: Answer) -> Answer {
    if script.has(&AnswerFault::BareResults.into()) {
        return answer;
    }
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
