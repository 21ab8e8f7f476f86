//! One request from its first attempt to its result, through the rounds of input that the server wants.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use manyhands_core::{CallContext, Delivery, Request};
use serde::Deserialize;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::clock::Clock;
use super::pending::Answer;
use super::tasks::Follower;
use super::{Outbound, Round, Session, Target};
use crate::link::{Failure, Link};

/// How often a server may want input for one request.
const MAX_ROUNDS: usize = 10;
/// How much it may want at once.
pub(super) const MAX_QUESTIONS: usize = 16;
/// How long to wait before a round in which nothing was asked, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// A result that asks for input.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputRequired {
    #[serde(default)]
    input_requests: Option<Map<String, Value>>,
    #[serde(default)]
    request_state: Option<Box<RawValue>>,
}

/// Sends a request and stays with it until there is a result or a failure.
pub(crate) async fn complete(
    session: &Arc<Session>,
    link: &Link,
    request: &Request,
    context: &CallContext,
    clock: &Arc<Clock>,
) -> Result<Box<RawValue>, Failure> {
    if *request == Request::Probe {
        return Box::pin(probe(session, link, context, clock)).await;
    }
    let mut round: Option<Round> = None;
    for number in 0..=MAX_ROUNDS {
        let outbound = Outbound {
            target: Target::Request(request),
            context,
            round: round.as_ref(),
            dialect: None,
        };
        let result = match link.exchange(session, &outbound, clock).await? {
            Answer::Result(result) => result,
            Answer::Error(error) => return Err(Failure::Rpc(error)),
            Answer::Unusable(why) => return Err(Failure::Unusable(why)),
        };
        match result_type(&result).as_deref() {
            None | Some("complete") => return Ok(result),
            Some("input_required") => {
                let wanted = serde_json::from_str(result.get()).map_err(|_| {
                    Failure::Unusable("the question that it asks back cannot be read".to_owned())
                })?;
                round = Some(Box::pin(answer(session, wanted, number, clock)).await?);
                clock.progressed();
            }
            Some("task") => {
                let follower = Follower {
                    session,
                    link,
                    context,
                    clock,
                };
                return Box::pin(follower.follow(&result)).await;
            }
            Some(other) => {
                let other = manyhands_core::clip(other, 60);
                let why =
                    format!("it answered with a result of type {other:?}, which is not known");
                return Err(Failure::Unusable(why));
            }
        }
    }
    let asked = round.is_some_and(|round| round.responses.is_some());
    let what = if asked {
        "wanted input"
    } else {
        "wanted to be called again"
    };
    Err(Failure::InputRequired(format!(
        "the server {what} {MAX_ROUNDS} times and was not content"
    )))
}

/// Asks whether the server answers. A refusal shows as well as a result that it is at work.
async fn probe(
    session: &Arc<Session>,
    link: &Link,
    context: &CallContext,
    clock: &Arc<Clock>,
) -> Result<Box<RawValue>, Failure> {
    let method = if session.is_modern() {
        "server/discover"
    } else {
        "ping"
    };
    let outbound = Outbound {
        target: Target::Protocol(method, &Map::new()),
        context,
        round: None,
        dialect: None,
    };
    link.exchange(session, &outbound, clock).await?;
    Ok(RawValue::from_string("{}".to_owned()).expect("it is JSON"))
}

/// Gets the input that one round wants.
async fn answer(
    session: &Session,
    wanted: InputRequired,
    number: usize,
    clock: &Arc<Clock>,
) -> Result<Round, Failure> {
    let state = wanted.request_state;
    let Some(questions) = wanted.input_requests.filter(|it| !it.is_empty()) else {
        let pause = FIRST_PAUSE * 2_u32.pow(u32::try_from(number).unwrap_or_default().min(6));
        let pause = pause.min(LONGEST_PAUSE);
        let elapsed = |clock| Failure::Elapsed(clock, Delivery::Unknown);
        clock.run(sleep(pause)).await.map_err(elapsed)?;
        let responses = None;
        return Ok(Round { responses, state });
    };
    let responses = Some(answer_all(session, questions, clock).await?);
    Ok(Round { responses, state })
}

/// Has every question answered, while the clock stands still.
pub(super) async fn answer_all(
    session: &Session,
    questions: Map<String, Value>,
    clock: &Arc<Clock>,
) -> Result<Map<String, Value>, Failure> {
    if questions.len() > MAX_QUESTIONS {
        let why = format!("the server asks {} questions at once", questions.len());
        return Err(Failure::InputRequired(why));
    }
    let _pause = clock.pause();
    let answers = questions.into_iter().map(|(key, question)| async move {
        let method = question.get("method").and_then(Value::as_str);
        let method = method.unwrap_or_default();
        let params = question.get("params").cloned().unwrap_or_default();
        match session.input(method, params).await {
            Ok(answer) => Ok((key, answer)),
            Err((_, why)) => Err(Failure::InputRequired(format!(
                "the server wants {}, and {why}",
                what(method)
            ))),
        }
    });
    join_all(answers).await.into_iter().collect()
}

fn what(method: &str) -> &'static str {
    match method {
        "elicitation/create" => "a person's input",
        "sampling/createMessage" => "a model's answer",
        "roots/list" => "the roots of a workspace",
        _ => "something that is not known here",
    }
}

/// What a result says it is; none where it says nothing, which means that it is complete.
fn result_type(raw: &RawValue) -> Option<String> {
    // A search is far cheaper than a parse, and most servers leave the field out.
    memchr::memmem::find(raw.get().as_bytes(), b"\"resultType\"")?;
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    // What follows the field is not read, which the reader reports as an error.
    let _ = reader.deserialize_map(UntilResultType(&mut found));
    found
}

/// Reads an object up to its `resultType`.
struct UntilResultType<'a>(&'a mut Option<String>);

impl<'de> Visitor<'de> for UntilResultType<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "resultType" {
                *self.0 = map.next_value()?;
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
