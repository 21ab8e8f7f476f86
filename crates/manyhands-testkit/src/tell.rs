//! What a server sends that is no answer: notifications and questions, before an answer, and the
//! answer itself with what goes wrong on its way.

use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::fault::{
    AnswerFault, Fault, Flood, HandshakeFault, ListFault, Question, TextFault, early,
};
use crate::respond::Exchange;
use crate::rpc::Answer;

/// Whom news is meant for since 2026-07-28.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

impl Exchange<'_> {
    /// Sends an answer, spoilt where it is one to a tool call.
    pub(crate) async fn send(&self, answer: Answer) {
        let id = &self.request.id;
        if !self.is_call() {
            for message in answer.render(id) {
                self.out.send(self.script, message).await;
            }
            return;
        }
        let answer = self
            .script
            .faults
            .iter()
            .fold(answer, |answer, fault| match fault {
                Fault::Answer(fault) => fault.spoil(id, answer),
                _ => answer,
            });
        let nobody = json!("nobody asked with this id");
        let id = if self.script.has(&Fault::WrongId) {
            &nobody
        } else {
            id
        };
        for message in self.session.release(self.script, answer.render(id)) {
            self.out.send_answer(self.script, message).await;
        }
    }

    pub(crate) async fn before_handshake(&self) {
        for fault in &self.script.faults {
            match fault {
                Fault::Handshake(
                    fault @ (HandshakeFault::NotifiesFirst | HandshakeFault::AsksFirst),
                ) => {
                    for message in fault.first() {
                        self.out.send(self.script, message.to_string()).await;
                    }
                }
                Fault::Flood(flood) => {
                    let (message, count) = flood.early().unwrap_or_default();
                    for _ in 0..count {
                        self.out.send(self.script, message.clone()).await;
                    }
                }
                Fault::Text(TextFault::Stdout(odd)) => self.out.send(self.script, odd.text()).await,
                _ => {}
            }
        }
    }

    pub(crate) async fn before_call(&self) {
        let token = self.request.params.pointer("/_meta/progressToken");
        let token = token
            .cloned()
            .unwrap_or_else(|| json!("nobody gave a token"));
        for fault in &self.script.faults {
            match fault {
                Fault::Flood(flood) => {
                    for message in (0..).map_while(|n| flood.during_call(&token, n)) {
                        self.out.send(self.script, message).await;
                    }
                }
                Fault::Text(text) => {
                    if let Some(notification) = text.notification(&token) {
                        self.out.send(self.script, notification.to_string()).await;
                    }
                }
                Fault::Answer(AnswerFault::NeverDone(pause)) => loop {
                    tokio::time::sleep(*pause).await;
                    let progress = Flood::Progress(1).during_call(&token, 0);
                    self.out
                        .send(self.script, progress.unwrap_or_default())
                        .await;
                },
                Fault::Answer(AnswerFault::AnswersEarly) => {
                    for answer in early(&self.request.id) {
                        self.out.send(self.script, answer).await;
                    }
                }
                Fault::AsksBack => {
                    let (method, params) = Question::elicitation();
                    self.session.ask(self.out, method, params).await;
                }
                Fault::Question(question) => {
                    if let Some((method, params)) = question.request() {
                        self.session.ask(self.out, method, params).await;
                    }
                }
                _ => {}
            }
        }
    }

    /// Says that the tools have changed, where they change all the time.
    pub(crate) async fn churn(&self) {
        let times = self.script.find(|fault| match fault {
            Fault::List(list @ ListFault::Churns(_)) => list.churns(),
            _ => None,
        });
        if times.is_some_and(|times| self.session.lists() <= times) {
            let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
            self.out.send(self.script, changed.to_string()).await;
        }
    }

    /// Passes on what the server says by itself, for as long as the client listens.
    pub(crate) async fn listen(&self) -> Answer {
        let Some(wanted) = self.request.params.get("notifications") else {
            return Answer::error(crate::rpc::INVALID_PARAMS, "no notifications to listen to");
        };
        let mut news = self.session.server().news();
        let acknowledged = "notifications/subscriptions/acknowledged";
        self.notify(acknowledged, json!({"notifications": wanted}))
            .await;
        loop {
            let told = match news.recv().await {
                Ok(told) => told,
                // Too slow a listener has missed some, as it may.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return Answer::Silence,
            };
            let method = told
                .get("method")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let params = told.get("params").cloned().unwrap_or_else(|| json!({}));
            if is_wanted(wanted, method, &params) {
                self.notify(method, params).await;
            }
        }
    }

    async fn notify(&self, method: &str, mut params: Value) {
        if let Some(fields) = params.as_object_mut() {
            fields.insert("_meta".to_owned(), json!({SUBSCRIPTION: self.request.id}));
        }
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.out.send(self.script, message.to_string()).await;
    }
}

/// Whether a filter lets a notification pass.
fn is_wanted(filter: &Value, method: &str, params: &Value) -> bool {
    let flag = |key: &str| filter.get(key) == Some(&json!(true));
    match method {
        "notifications/tools/list_changed" => flag("toolsListChanged"),
        "notifications/prompts/list_changed" => flag("promptsListChanged"),
        "notifications/resources/list_changed" => flag("resourcesListChanged"),
        "notifications/resources/updated" => {
            let uris = filter
                .get("resourceSubscriptions")
                .and_then(Value::as_array);
            let uri = params.get("uri");
            uris.is_some_and(|uris| uris.iter().any(|it| Some(it) == uri))
        }
        _ => false,
    }
}
