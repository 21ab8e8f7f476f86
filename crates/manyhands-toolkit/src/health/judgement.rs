//! What the end of one probe says of a server. It goes by the rule that calls are judged by, and must not know when it is
//! asked.

use std::time::Duration;

use manyhands_core::{CallError, Delivery, ErrorKind, Printable, clip};
use manyhands_resilience::{Outcome, Verdict};

/// The longest wait that a server may ask for.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long one is left alone that wants to be asked less often and does not say how often.
const UNSAID: Duration = Duration::from_secs(60);
/// How much is told of a cause, in bytes.
const MAX_TOLD: usize = 200;

/// What one probe says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It did not come to the server.
    Nothing {
        wait: Option<Duration>,
    },
    Well,
    Unwell {
        cause: String,
        mend: String,
        /// Whether nothing came at all.
        silent: bool,
        wait: Option<Duration>,
    },
    Unauthorized {
        cause: String,
        mend: Option<String>,
    },
}

impl Judgement {
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::Unwell { cause, .. } | Self::Unauthorized { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// Judges a probe, by `tool` where it called one: then the tool has to do its work, and not only the server.
pub(super) fn judge(outcome: &Outcome, tool: Option<&str>) -> Judgement {
    let error = match (outcome, tool) {
        (Ok(reply), Some(tool)) if reply.is_error() => {
            let said = reply.text();
            return unwell(
                format!("its tool {} said: {}", shown(tool), shown(&said)),
                None,
            );
        }
        (Ok(_), _) => return Judgement::Well,
        (Err(error), _) => error,
    };
    let wait = error.retry_after().map(|wait| wait.min(LONGEST));
    if error.kind() == ErrorKind::Unauthorized && error.delivery() != Delivery::NotSent {
        return Judgement::Unauthorized {
            cause: told(error),
            mend: error.advice().map(str::to_owned),
        };
    }
    match Verdict::of_server(outcome) {
        Verdict::Silent => Judgement::Nothing { wait },
        Verdict::Answered if tool.is_none() => Judgement::Well,
        _ if is_silence(error) => Judgement::Unwell {
            cause: told(error),
            mend:
                "look at its log; if it is only slow, raise `manyhands.probe.timeout` in its entry"
                    .to_owned(),
            silent: true,
            wait,
        },
        _ => unwell(told(error), wait.or(is_limit(error).then_some(UNSAID))),
    }
}

/// Whether nothing came at all.
pub(super) fn is_silence(error: &CallError) -> bool {
    error.kind() == ErrorKind::DeadlineExceeded
}

/// Whether the server wants to be asked less often.
fn is_limit(error: &CallError) -> bool {
    error.kind() == ErrorKind::RateLimited
}

fn unwell(cause: String, wait: Option<Duration>) -> Judgement {
    Judgement::Unwell {
        cause,
        mend: "look at its log; it is asked again by itself".to_owned(),
        silent: false,
        wait,
    }
}

fn told(error: &CallError) -> String {
    shown(error.cause())
}

fn shown(text: &str) -> String {
    Printable(&clip(text, MAX_TOLD)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use manyhands_core::{Reply, ServerId};
    use serde_json::value::RawValue;

    fn reply(text: &str) -> Outcome {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        Ok(Reply::new(
            ServerId::parse("s").unwrap(),
            raw,
            Duration::ZERO,
        ))
    }

    fn word(outcome: &Outcome, tool: Option<&str>) -> &'static str {
        match judge(outcome, tool) {
            Judgement::Nothing { .. } => "nothing",
            Judgement::Well => "well",
            Judgement::Unwell { silent: true, .. } => "silent",
            Judgement::Unwell { .. } => "unwell",
            Judgement::Unauthorized { .. } => "unauthorized",
        }
    }

    #[test]
    fn a_ping_asks_whether_it_lives_and_a_tool_whether_it_works() {
        use {Delivery::*, ErrorKind::*};
        let failed = |kind, delivery| Err(CallError::new(kind, delivery, "why"));
        for (outcome, by_ping, by_tool) in [
            (reply("{}"), "well", "well"),
            (reply(r#"{"isError":true,"content":[]}"#), "well", "unwell"),
            (failed(NotFound, Rejected), "well", "unwell"),
            (failed(DeadlineExceeded, Unknown), "silent", "silent"),
            (failed(Unavailable, Unknown), "unwell", "unwell"),
            (
                failed(Unauthorized, Rejected),
                "unauthorized",
                "unauthorized",
            ),
            (failed(DeadlineExceeded, NotSent), "nothing", "nothing"),
        ] {
            let seen = [word(&outcome, None), word(&outcome, Some("t"))];
            assert_eq!(seen, [by_ping, by_tool], "{outcome:?}");
        }
    }

    #[test]
    fn what_a_server_says_is_printable_and_the_wait_it_asks_for_bounded() {
        let said = reply(r#"{"isError":true,"content":[{"type":"text","text":"\u001b[31mdown"}]}"#);
        let judged = judge(&said, Some("t"));
        assert_eq!(judged.cause(), Some("its tool t said: \\u{1b}[31mdown"));
        let error = CallError::new(ErrorKind::RateLimited, Delivery::Rejected, "slow down");
        let long = judge(&Err(error.with_retry_after(Some(Duration::MAX))), None);
        assert!(
            matches!(
                long,
                Judgement::Unwell {
                    wait: Some(LONGEST),
                    ..
                }
            ),
            "{long:?}"
        );
    }
}
