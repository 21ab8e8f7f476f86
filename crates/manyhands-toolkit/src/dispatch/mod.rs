//! The calls that a model made in one turn, made for it: read in the shape of its API, sent side by side, and answered in
//! that shape, for those who have a loop of their own. It must not know how a model is asked.

mod content;
mod read;
mod write;

use futures_util::StreamExt as _;
use futures_util::stream;
use manyhands_core::{CallError, CapabilityKind, Delivery, ErrorKind};
use manyhands_registry::ModelApi;
use serde_json::Value;

use self::read::{ModelCall, Style};
use crate::conversation::Conversation;
use crate::meta::{Answer, Meta};
use crate::toolkit::Toolkit;

/// How many calls of one turn run at the same time.
const AT_ONCE: usize = 16;
/// How many calls of one turn are made; each further one is answered by an error.
const MAX_CALLS: usize = 128;

/// What became of the calls of one turn.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Dispatched {
    /// One answer for each call, in the model's order.
    pub answers: Vec<Answered>,
    style: Style,
}

/// What became of one call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answered {
    /// The call's id, as the model's API gave it; Gemini's may have none.
    pub id: Option<String>,
    /// The name that the model wrote.
    pub name: String,
    /// The answer. A tool that says it failed is a reply, not an error.
    pub result: Result<Answer, CallError>,
}

impl Toolkit {
    /// Makes the calls of one turn of a model, and waits for all of them. 16 run at the same time, and 128 are made.
    ///
    /// `calls` is what the API gave: a list of tool calls, the message that holds them, or the whole response. A call of
    /// a name that is not there, or with arguments that are no JSON, is answered by an error that the model can read; so
    /// is every other failure, so that each call has its answer. The [meta-tools](Self::meta_tools) are answered too.
    ///
    /// ```no_run
    /// # async fn example(kit: manyhands_toolkit::Toolkit, mut messages: Vec<serde_json::Value>, response: serde_json::Value) {
    /// use manyhands_registry::ModelApi;
    ///
    /// let message = &response["choices"][0]["message"];
    /// messages.push(message.clone());
    /// let done = kit.dispatch(ModelApi::OpenAi, &message["tool_calls"]).await;
    /// messages.extend(done.messages()); // and ask the model again
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future cancels the calls that have not ended at their servers.
    pub async fn dispatch(&self, api: ModelApi, calls: &Value) -> Dispatched {
        self.aside().dispatch(api, calls).await
    }
}

impl Conversation {
    /// Makes the calls of one turn of its model; see [`Toolkit::dispatch`]. Tools of no profile that is enabled are not
    /// called.
    pub async fn dispatch(&self, api: ModelApi, calls: &Value) -> Dispatched {
        let (style, calls) = read::read(api, calls);
        let answers = stream::iter(calls.into_iter().enumerate())
            .map(|(at, call)| async move {
                let result = if at < MAX_CALLS {
                    self.made(api, &call).await
                } else {
                    Err(too_many())
                };
                Answered {
                    id: call.id,
                    name: call.name,
                    result,
                }
            })
            .buffered(AT_ONCE)
            .collect();
        Dispatched {
            answers: answers.await,
            style,
        }
    }

    async fn made(&self, api: ModelApi, call: &ModelCall) -> Result<Answer, CallError> {
        let arguments = call.arguments.as_ref().map_err(|why| {
            CallError::new(ErrorKind::InvalidArguments, Delivery::NotSent, why.as_str())
                .with_advice("call it again with a JSON object of arguments")
        })?;
        let ask = match self.meta(&call.name, arguments, api).await {
            Some(Meta::Here(answer)) => return answer.map(Answer::Toolkit),
            Some(Meta::Call(ask)) => *ask,
            None => {
                let (kind, name) = (CapabilityKind::Tool, call.name.clone());
                self.asked(kind, name, arguments.clone(), api)
            }
        };
        ask.await.map(Answer::Server)
    }
}

impl Dispatched {
    /// The answers as messages for the model's API, to be appended after the message that made the calls. For `OpenAI`,
    /// one for each call, and one more with the images that they returned; for Anthropic and Gemini, one for all.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        write::messages(self.style, &self.answers)
    }
}

fn too_many() -> CallError {
    let cause = format!("{MAX_CALLS} calls of one turn are made, and this one came after them");
    CallError::new(ErrorKind::RateLimited, Delivery::NotSent, cause).with_advice("call it again")
}

#[cfg(test)]
mod tests;
