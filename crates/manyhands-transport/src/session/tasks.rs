//! Results that take their time: a server of 2026-07-28 may answer a call with a task, which is then followed to its
//! end (SEP-2663, `io.modelcontextprotocol/tasks`). Callers see one call and one result.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{CallContext, CallEvent, Delivery, clip};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::clock::Clock;
use super::message::RpcError;
use super::pending::Answer;
use super::rounds::{MAX_QUESTIONS, answer_all};
use super::{Outbound, Session, Target, usable};
use crate::http::failure::HttpFailure;
use crate::link::{Failure, Link};

/// How often a task is asked for where the server does not say.
const POLL: Duration = Duration::from_secs(1);
const SHORTEST_POLL: Duration = Duration::from_millis(100);
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// How often in a row asking may fail before the task is given up.
const MAX_FAILURES: usize = 5;
/// How long telling the server that nobody wants the task any more may take.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// A task, as far as it concerns us.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    task_id: String,
    status: String,
    #[serde(default)]
    status_message: Option<String>,
    #[serde(default)]
    poll_interval_ms: Option<f64>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    input_requests: Option<Map<String, Value>>,
}

/// One task and everything that is needed to ask for it.
pub(super) struct Follower<'a> {
    pub(super) session: &'a Arc<Session>,
    pub(super) link: &'a Link,
    pub(super) context: &'a CallContext,
    pub(super) clock: &'a Arc<Clock>,
}

impl Follower<'_> {
    /// Follows a task until it has a result or has failed. Dropping the future cancels the task at the server.
    pub(super) async fn follow(&self, created: &RawValue) -> Result<Box<RawValue>, Failure> {
        // Whatever goes wrong from here on, the server has begun.
        let taken_on = |failure| Failure::TakenOn(Box::new(failure));
        self.to_its_end(created).await.map_err(taken_on)
    }

    async fn to_its_end(&self, created: &RawValue) -> Result<Box<RawValue>, Failure> {
        let task = read(created)?;
        let unfinished = Unfinished {
            session: self.session,
            link: self.link,
            id: Some(task.task_id.clone()),
        };
        let params = Map::from_iter([("taskId".to_owned(), task.task_id.into())]);
        let mut pause = poll_interval(task.poll_interval_ms);
        let (mut answered, mut failures) = (HashSet::new(), 0);
        loop {
            let elapsed = |clock| Failure::Elapsed(clock, Delivery::Unknown);
            self.clock.run(sleep(pause)).await.map_err(elapsed)?;
            let state = match self.ask("tasks/get", &params).await {
                Ok(state) => state,
                Err(failure) if failures < MAX_FAILURES && may_pass(&failure) => {
                    failures += 1;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            failures = 0;
            let task = read(&state)?;
            self.show(task.status_message.as_deref());
            pause = poll_interval(task.poll_interval_ms);
            match task.status.as_str() {
                "working" => {}
                "input_required" => {
                    let open = task.input_requests.unwrap_or_default();
                    self.update(&params, open, &mut answered).await?;
                }
                done => {
                    unfinished.finished();
                    return ended(done, task.result, task.error);
                }
            }
        }
    }

    /// Answers what the task newly asks.
    async fn update(
        &self,
        params: &Map<String, Value>,
        open: Map<String, Value>,
        answered: &mut HashSet<String>,
    ) -> Result<(), Failure> {
        let open = open.into_iter().filter(|(key, _)| !answered.contains(key));
        let open: Map<_, _> = open.take(MAX_QUESTIONS).collect();
        if open.is_empty() {
            return Ok(());
        }
        answered.extend(open.keys().cloned());
        let responses = answer_all(self.session, open, self.clock).await?;
        let mut params = params.clone();
        params.insert("inputResponses".to_owned(), responses.into());
        self.ask("tasks/update", &params).await.map(drop)
    }

    async fn ask(
        &self,
        method: &'static str,
        params: &Map<String, Value>,
    ) -> Result<Box<RawValue>, Failure> {
        let outbound = protocol(method, params, self.context);
        let answer = self.link.exchange(self.session, &outbound, self.clock);
        let result = match answer.await? {
            Answer::Result(result) => result,
            Answer::Error(error) => return Err(Failure::Rpc(error)),
            Answer::Unusable(why) => return Err(Failure::Unusable(why)),
        };
        // It answers, so it is alive.
        self.clock.progressed();
        Ok(result)
    }

    fn show(&self, message: Option<&str>) {
        if let (Some(listener), Some(message)) = (&self.context.listener, message) {
            listener.tell(CallEvent::Progress {
                progress: 0.0,
                total: None,
                message: Some(message.to_owned()),
            });
        }
    }
}

fn protocol<'a>(
    method: &'static str,
    params: &'a Map<String, Value>,
    context: &'a CallContext,
) -> Outbound<'a> {
    Outbound {
        target: Target::Protocol(method, params),
        context,
        round: None,
        dialect: None,
    }
}

fn read(state: &RawValue) -> Result<Task<'_>, Failure> {
    serde_json::from_str(state.get())
        .map_err(|_| Failure::Unusable("the task that it answered with cannot be read".to_owned()))
}

fn ended(
    status: &str,
    result: Option<&RawValue>,
    error: Option<&RawValue>,
) -> Result<Box<RawValue>, Failure> {
    match (status, result, error) {
        ("completed", Some(result), _) => match usable(result) {
            Answer::Result(result) => Ok(result),
            Answer::Unusable(why) => Err(Failure::Unusable(why)),
            Answer::Error(error) => Err(Failure::Rpc(error)),
        },
        ("failed", _, Some(error)) => Err(Failure::Rpc(RpcError::read(error))),
        ("cancelled", ..) => Err(Failure::Cancelled("the server gave it up".to_owned())),
        _ => Err(Failure::Unusable(format!(
            "the task that the call had become ended as {:?} without saying more",
            clip(status, 40)
        ))),
    }
}

/// Whether asking again may do: the task itself is not affected.
fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Http(HttpFailure::Status(status)) => status.code >= 500 || status.code == 429,
        Failure::Http(
            HttpFailure::Unreachable(_) | HttpFailure::Broken(_) | HttpFailure::Silent(_),
        ) => true,
        _ => false,
    }
}

fn poll_interval(milliseconds: Option<f64>) -> Duration {
    let wanted = milliseconds.and_then(|it| Duration::try_from_secs_f64(it / 1000.0).ok());
    wanted.unwrap_or(POLL).clamp(SHORTEST_POLL, LONGEST_POLL)
}

/// Cancels a task that nobody waits for any more.
struct Unfinished<'a> {
    session: &'a Arc<Session>,
    link: &'a Link,
    id: Option<String>,
}

impl Unfinished<'_> {
    fn finished(mut self) {
        self.id = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (session, link) = (self.session.clone(), self.link.clone());
        runtime.spawn(async move {
            let params = Map::from_iter([("taskId".to_owned(), json!(id))]);
            let context = CallContext::default();
            let clock = Arc::new(Clock::new(CANCEL_LIMIT, CANCEL_LIMIT));
            let outbound = protocol("tasks/cancel", &params, &context);
            // The server may be gone or stuck, and then there is nobody to tell.
            let _ = link.exchange(&session, &outbound, &clock).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_between_two_looks_is_bounded() {
        for (wanted, pause) in [
            (None, POLL),
            (Some(0.0), SHORTEST_POLL),
            (Some(-1.0), POLL),
            (Some(f64::NAN), POLL),
            (Some(2500.0), Duration::from_millis(2500)),
            (Some(1e18), LONGEST_POLL),
        ] {
            assert_eq!(poll_interval(wanted), pause, "{wanted:?}");
        }
    }

    #[test]
    fn every_end_of_a_task_is_told() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let (result, error) = (
            raw(r#"{"content":[]}"#),
            raw(r#"{"code":-5,"message":"no"}"#),
        );
        let done = ended("completed", Some(&result), None).unwrap();
        assert_eq!(done.get(), r#"{"content":[]}"#);
        assert!(matches!(
            ended("failed", None, Some(&error)),
            Err(Failure::Rpc(RpcError { code: -5, .. }))
        ));
        assert!(matches!(
            ended("cancelled", None, None),
            Err(Failure::Cancelled(_))
        ));
        for status in ["completed", "failed", "exploded"] {
            assert!(matches!(
                ended(status, None, None),
                Err(Failure::Unusable(_))
            ));
        }
    }
}
