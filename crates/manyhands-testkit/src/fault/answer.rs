//! What is odd about answers to tool calls.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::switch::{family, word};
use crate::rpc::{Answer, INTERNAL_ERROR};

/// How many requests ahead are answered before anybody has asked.
const AHEAD: u64 = 64;

family! {
    /// What is odd about answers to tool calls.
    AnswerFault as "Answer" {
        /// Answers with `"result": null`.
        NullResult: "null-result",
        /// Answers with a result and an error at once.
        ResultAndError: "result-and-error",
        /// Answers with neither a result nor an error.
        NeitherResultNorError: "neither-result-nor-error",
        /// Answers with an error that has no id.
        ErrorWithoutId: "error-without-id",
        /// Answers with an error that is a text.
        ErrorIsText: "error-is-text",
        /// Answers with an error whose data nests lists this deep.
        DeepError(usize = 1_000_usize): "deep-error",
        /// Answers with an error of this code and this data, a JSON text.
        ErrorData(i64 = INTERNAL_ERROR, String = r#"{"code":"busy","type":"transient","retryAfter":7}"#): "error-data",
        /// Cancels the call in place of an answer.
        CancelsCall: "cancels-call",
        /// Answers twice, the second time with another content.
        AnswersTwice: "answers-twice",
        /// Answers the next 64 requests, with `forged`, before anybody has asked.
        AnswersEarly: "answers-early",
        /// Answers once the call has been cancelled, and not before.
        AnswersLate: "answers-late",
        /// Tells of progress again and again, with this long between, and never answers.
        NeverDone(Duration = Duration::from_millis(500)): "never-done",
        /// Writes the id in another way.
        OddId(OddId = OddId::Float): "odd-id",
        /// Has a content block of a type that nobody knows, behind a text.
        OddContent: "odd-content",
        /// Has a text in place of the list of content blocks.
        ContentIsText: "content-is-text",
        /// Has no content at all.
        NoContent: "no-content",
        /// Says `isError` with a text.
        OddIsError: "odd-is-error",
        /// Is meant for the audience `system`, which nobody knows.
        OddAudience: "odd-audience",
        /// Has the priority `high`, which is no number.
        OddPriority: "odd-priority",
        /// Has a `resultType` that nobody knows.
        OddResultType: "odd-result-type",
        /// Leaves out `resultType`, `ttlMs` and `cacheScope`, which all results of 2026-07-28 have.
        BareResults: "bare-results",
        /// Has a task in place of a result.
        TaskResult: "task-result",
    }
}

word! {
    /// Another way to write the number of a request.
    OddId {
        /// As a number with a fraction: `7.0`.
        Float: "float",
        /// As a text: `"7"`.
        Text: "text",
        /// As `null`.
        Null: "null",
        /// As a negative number: `-7`.
        Negative: "negative",
        /// As a number far beyond 64 bits.
        Huge: "huge",
    }
}

impl AnswerFault {
    /// What answers a call in place of `answer`; an error stays as it is.
    pub(crate) fn spoil(&self, id: &Value, answer: Answer) -> Answer {
        let Answer::Result(mut result) = answer else {
            return answer;
        };
        let parts = match self {
            Self::NullResult => r#""result":null"#.to_owned(),
            Self::ResultAndError => {
                format!(r#""result":{result},"error":{{"code":{INTERNAL_ERROR},"message":"both"}}"#)
            }
            Self::NeitherResultNorError => r#""note":"neither""#.to_owned(),
            Self::ErrorWithoutId => {
                let message = json!({"code": INTERNAL_ERROR, "message": "nobody knows whose"});
                let message = json!({"jsonrpc": "2.0", "error": message});
                return Answer::Raw(vec![message.to_string().into()]);
            }
            Self::ErrorIsText => r#""error":"it went wrong""#.to_owned(),
            Self::DeepError(levels) => {
                let (open, close) = ("[".repeat(*levels), "]".repeat(*levels));
                format!(
                    r#""error":{{"code":{INTERNAL_ERROR},"message":"deep","data":{open}{close}}}"#
                )
            }
            Self::ErrorData(code, data) => format!(
                r#""error":{{"code":{code},"message":"it failed, as the test wants it","data":{data}}}"#
            ),
            Self::CancelsCall => {
                let params = json!({"requestId": id, "reason": "as the test wants it"});
                let method = "notifications/cancelled";
                let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
                return Answer::Raw(vec![message.to_string().into()]);
            }
            Self::AnswersTwice => {
                let again = envelope(id, &format!(r#""result":{}"#, text("another")));
                let first = envelope(id, &format!(r#""result":{result}"#));
                return Answer::Raw(vec![first, again]);
            }
            Self::OddId(odd) => {
                let id = odd.write(id);
                return Answer::Raw(vec![envelope(id, &format!(r#""result":{result}"#))]);
            }
            _ => {
                self.spoil_result(&mut result);
                return Answer::Result(result);
            }
        };
        Answer::Raw(vec![envelope(id, &parts)])
    }

    fn spoil_result(&self, result: &mut Value) {
        let annotated = |annotations: Value| json!({"content": [{"type": "text", "text": "done", "annotations": annotations}]});
        match self {
            Self::OddContent => {
                if let Some(Value::Array(content)) = result.get_mut("content") {
                    content.push(json!({"type": "hologram", "beams": 3}));
                }
            }
            Self::ContentIsText => *result = json!({"content": "done"}),
            Self::NoContent => *result = json!({}),
            Self::OddIsError => {
                *result = json!({"content": [{"type": "text", "text": "done"}], "isError": "no"});
            }
            Self::OddAudience => *result = annotated(json!({"audience": ["system"]})),
            Self::OddPriority => *result = annotated(json!({"priority": "high"})),
            Self::OddResultType => {
                *result =
                    json!({"content": [{"type": "text", "text": "done"}], "resultType": "novel"});
            }
            Self::TaskResult => {
                *result = json!({"resultType": "task", "taskId": "t1", "status": "working",
                    "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z",
                    "ttlMs": 60_000, "pollIntervalMs": 1_000});
            }
            _ => {}
        }
    }
}

impl OddId {
    fn write(self, id: &Value) -> String {
        match self {
            Self::Float => format!("{id}.0"),
            Self::Text => format!("\"{id}\""),
            Self::Null => "null".to_owned(),
            Self::Negative => format!("-{id}"),
            Self::Huge => format!("1{}{id}", "0".repeat(40)),
        }
    }
}

/// The answers to requests that come after the one of this id.
pub(crate) fn early(id: &Value) -> Vec<Bytes> {
    let forged = format!(r#""result":{}"#, text("forged"));
    let answer = |n: u64| envelope(n, &forged);
    let ids = id.as_u64().map(|id| id + 1..=id.saturating_add(AHEAD));
    ids.into_iter().flatten().map(answer).collect()
}

fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn envelope(id: impl std::fmt::Display, parts: &str) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":{id},{parts}}}"#).into()
}
