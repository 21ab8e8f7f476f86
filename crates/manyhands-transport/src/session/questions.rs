//! What a server asks of us: answered through the user's handler, or declined; never left open.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Session;
use crate::input::{InputRequest, InputResponse};

/// How long a person may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

const INTERNAL: i64 = -32_603;
const UNKNOWN_METHOD: i64 = -32_601;
/// "The user rejected the request", in the protocol's own example for sampling.
const DECLINED: i64 = -1;
const TOO_MANY: i64 = -32_000;

/// The way back to the server, for answers and notifications. What cannot be sent is lost.
pub(crate) trait Reverse: Send + Sync {
    fn send_back(self: Arc<Self>, message: Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl Session {
    /// Answers a question; what takes time, in a task of its own.
    pub(super) fn asked(
        self: &Arc<Self>,
        id: &RawValue,
        method: &str,
        params: Option<&RawValue>,
        about: Option<u64>,
        reverse: &Arc<dyn Reverse>,
    ) {
        let id = id.get().to_owned();
        let Ok(turn) = self.questions.clone().try_acquire_owned() else {
            // Whoever floods us gets no answers, rather than a queue of them.
            self.diagnostics.unasked();
            tracing::debug!(method, code = TOO_MANY, "too many questions at once");
            return;
        };
        let params: Value = params
            .and_then(|params| serde_json::from_str(params.get()).ok())
            .unwrap_or_default();
        let (session, reverse) = (self.clone(), reverse.clone());
        let method = method.to_owned();
        tokio::spawn(async move {
            let _turn = turn;
            let answer = match method.as_str() {
                "ping" => Ok(json!({})),
                _ => {
                    // Which call a question belongs to is known only where each has a stream of its own.
                    let _pauses = session.pending.pause(about);
                    session.input(&method, params).await
                }
            };
            let body = match answer {
                Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
                Err((code, text)) => {
                    let error = json!({"code": code, "message": text});
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
                }
            };
            reverse.send_back(body.into()).await;
        });
    }

    /// The result of one question.
    pub(super) async fn input(&self, method: &str, params: Value) -> Result<Value, (i64, String)> {
        let Some(request) = InputRequest::new(self.server.clone(), method, params) else {
            return Err((UNKNOWN_METHOD, "this client does not offer it".to_owned()));
        };
        let answering = AssertUnwindSafe(self.input.answer(request.clone())).catch_unwind();
        let response = match timeout(ANSWER_LIMIT, answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => return Err((INTERNAL, "the question could not be answered".to_owned())),
            Err(_) => InputResponse::cancel(),
        };
        request
            .result(response)
            .map_err(|reason| (DECLINED, reason))
    }
}
