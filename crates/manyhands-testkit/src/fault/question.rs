//! What the client is asked while its call is under way.

use serde_json::{Value, json};

use super::flood::{elicitation, sampling};
use super::switch::family;

family! {
    /// What the client is asked before its tool call is answered.
    Question as "Question" {
        /// Asks for a model's answer (`sampling/createMessage`), and waits for whatever comes back.
        AsksToSample: "asks-to-sample",
        /// Asks for the client's roots, and waits for whatever comes back.
        AsksForRoots: "asks-for-roots",
        /// Pings the client, and waits for whatever comes back.
        Pings: "pings",
        /// Asks for what nobody knows, and waits for whatever comes back.
        AsksForTheUnknown: "asks-for-the-unknown",
        /// Answers with `input_required` until the request brings any responses, as servers of 2026-07-28 ask.
        NeedsInput: "needs-input",
        /// Answers with `input_required` and the same question for ever.
        NeedsInputForever: "needs-input-forever",
        /// Answers with `input_required`, no question and a new state for ever.
        NeedsStateForever: "needs-state-forever",
    }
}

impl Question {
    /// The method and parameters of a request to the client.
    pub(crate) fn request(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::AsksToSample => Some(("sampling/createMessage", sampling())),
            Self::AsksForRoots => Some(("roots/list", json!({}))),
            Self::Pings => Some(("ping", json!({}))),
            Self::AsksForTheUnknown => Some(("nobody/knows", json!({}))),
            _ => None,
        }
    }

    /// What `elicitation/create` asks.
    pub(crate) fn elicitation() -> (&'static str, Value) {
        ("elicitation/create", elicitation())
    }

    /// The result in place of a call's own, given the call's parameters.
    pub(crate) fn in_place(&self, params: &Value) -> Option<Value> {
        let round = params.get("requestState").and_then(Value::as_str);
        let round = round.and_then(|text| text.parse().ok()).unwrap_or(0_u64) + 1;
        let mut result = json!({"resultType": "input_required", "requestState": round.to_string()});
        match self {
            Self::NeedsInput if params.get("inputResponses").is_some() => return None,
            Self::NeedsInput | Self::NeedsInputForever => {
                let (method, asked) = Self::elicitation();
                if let Some(fields) = result.as_object_mut() {
                    let requests = json!({"which": {"method": method, "params": asked}});
                    fields.insert("inputRequests".to_owned(), requests);
                }
            }
            Self::NeedsStateForever => {}
            _ => return None,
        }
        Some(result)
    }
}
