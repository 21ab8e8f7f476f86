//! Many calls as one question: side by side, within one deadline, and partial by design: each has its own outcome, and
//! none takes another along. It must not know what the calls are for.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use manyhands_core::{CallError, Delivery, ErrorKind, Printable, Reply, Rounded, Transit, clip};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::ask::Ask;
use crate::toolkit::Toolkit;

/// How many calls of one fan-out run at the same time, unless it is set.
const FANNED_OUT: usize = 64;
/// How many calls of one batch do, which all go to one server.
const BATCHED: usize = 8;

/// Calls that are made when this is awaited.
#[must_use = "nothing is sent until this is awaited"]
pub struct Gather {
    calls: Vec<Ask>,
    at_once: usize,
    deadline: Option<Duration>,
}

impl Toolkit {
    /// Makes several calls side by side, to one server or to many, and waits for all: 64 run at the same time.
    ///
    /// ```no_run
    /// # async fn example(kit: manyhands_toolkit::Toolkit) {
    /// use std::time::Duration;
    /// use serde_json::json;
    ///
    /// let query = json!({"query": "outage"});
    /// let found = kit
    ///     .fan_out([kit.call("slack.search_messages", query.clone()), kit.call("jira.search_issues", query)])
    ///     .deadline(Duration::from_secs(6))
    ///     .await;
    /// for reply in found.replies() {
    ///     println!("{}: {}", reply.server(), reply.value());
    /// }
    /// println!("{found}"); // how many answered, and why the others did not
    /// # }
    /// ```
    pub fn fan_out(&self, calls: impl IntoIterator<Item = Ask>) -> Gather {
        Gather {
            calls: calls.into_iter().collect(),
            at_once: FANNED_OUT,
            deadline: None,
        }
    }

    /// Calls one tool with each of several objects of arguments, and waits for all: 8 run at the same time.
    pub fn batch(
        &self,
        tool: impl Into<String>,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Gather {
        let tool = tool.into();
        let calls = arguments.into_iter().map(|it| self.call(tool.clone(), it));
        Gather {
            at_once: BATCHED,
            ..self.fan_out(calls)
        }
    }
}

impl Gather {
    /// Sets how long all of it may take. What has not ended by then is cancelled, and its error says whether it was sent.
    /// Without one, each call has the time that it would have alone.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets how many calls run at the same time; at least 1.
    pub fn at_once(mut self, calls: usize) -> Self {
        self.at_once = calls.max(1);
        self
    }

    async fn all(self) -> Gathered {
        let began = Instant::now();
        let end = self.deadline.map(|limit| (began + limit, limit));
        let parts = stream::iter(self.calls).map(|ask| part(ask, end));
        Gathered {
            calls: parts.buffered(self.at_once).collect().await,
            took: began.elapsed(),
        }
    }
}

impl IntoFuture for Gather {
    type Output = Gathered;
    type IntoFuture = Pin<Box<dyn Future<Output = Gathered> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl fmt::Debug for Gather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("calls", &self.calls.len())
            .field("at_once", &self.at_once)
            .field("deadline", &self.deadline)
            .finish()
    }
}

/// Makes one of the calls, within what is left of the time of all.
async fn part(ask: Ask, end: Option<(Instant, Duration)>) -> GatheredCall {
    let (name, began) = (ask.name().to_owned(), Instant::now());
    let result = match end {
        None => ask.await,
        Some((end, limit)) if began >= end => Err(too_late(Delivery::NotSent, limit)),
        Some((end, limit)) => {
            let transit = Transit::default();
            let ended = timeout_at(end, ask.seen_by(transit.clone()).into_future()).await;
            ended.unwrap_or_else(|_| {
                let delivery = match transit.may_have_left() {
                    true => Delivery::Unknown,
                    false => Delivery::NotSent,
                };
                Err(too_late(delivery, limit))
            })
        }
    };
    GatheredCall {
        name,
        result,
        took: began.elapsed(),
    }
}

fn too_late(delivery: Delivery, limit: Duration) -> CallError {
    let limit = Rounded(limit);
    let cause = match delivery {
        Delivery::NotSent => format!("the {limit} for all calls were over before it was sent"),
        _ => format!("it had not ended when the {limit} for all calls were over"),
    };
    CallError::new(ErrorKind::DeadlineExceeded, delivery, cause)
        .with_advice("give all of them more time, or ask fewer")
}

/// What became of many calls. `Display` says how many answered, and why the others did not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Gathered {
    /// One entry for each call, in the order in which they were given.
    pub calls: Vec<GatheredCall>,
    /// How long all of it took.
    pub took: Duration,
}

/// What became of one of many calls.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GatheredCall {
    /// The name that was called.
    pub name: String,
    /// The reply, which says its server, or why there is none. A tool that says it failed is a reply.
    pub result: Result<Reply, CallError>,
    /// How long it took, since its turn came.
    pub took: Duration,
}

impl Gathered {
    /// The replies there are, in the order of the calls.
    pub fn replies(&self) -> impl Iterator<Item = &Reply> {
        self.calls.iter().filter_map(|it| it.result.as_ref().ok())
    }

    /// The calls without a reply, in order, with why.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &CallError)> {
        let failed = self.calls.iter();
        failed.filter_map(|it| Some((it.name.as_str(), it.result.as_ref().err()?)))
    }

    /// Whether every call has a reply.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures().next().is_none()
    }
}

impl fmt::Display for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, all) = (self.replies().count(), self.calls.len());
        write!(
            f,
            "{answered} of {all} calls answered in {}",
            Rounded(self.took)
        )?;
        for (name, error) in self.failures() {
            // The error names the call itself where it got as far as to be one.
            let name = Printable(&clip(name, 200)).to_string();
            write!(f, "\n{name}: {}", Printable(error.cause()))?;
            if let Some(advice) = error.advice() {
                write!(f, "; {}", Printable(advice))?;
            }
        }
        Ok(())
    }
}
