//! The answer: what each server gave, in sentences, and what is missing and why.

use manyhands::{CallError, ErrorKind, ErrorType};
use manyhands_demo::DemoServer;
use serde_json::{Value, json};

use super::Outcome;
use super::fallback::Other;

/// Writes the briefing from what came back; what did not come back is said first.
pub(super) fn write(outcomes: &[Outcome], other: Option<&Other>) -> String {
    let mut parts: Vec<String> = gap_sentence(outcomes).into_iter().collect();
    for outcome in outcomes {
        let Ok(reply) = &outcome.result else { continue };
        let value = reply.value();
        let text = match outcome.server {
            DemoServer::Calendar => meetings(&value),
            DemoServer::Jira => comments(&value),
            DemoServer::Salesforce => leads(&value),
            DemoServer::Slack => messages(&value),
        };
        parts.push(format!("{text}\n  (from {})", outcome.tool));
    }
    parts.extend(other.and_then(instead));
    parts.join("\n\n")
}

/// What another server had to say in place of the one that is left alone, and that it is another's.
fn instead(other: &Other) -> Option<String> {
    let reply = other.result.as_ref().ok()?;
    let substitution = reply.substitution()?;
    let value = reply.value();
    let said = list(&value, "messages").iter().map(|it| {
        let author = it.get("author").or_else(|| it.get("from"));
        let author = author.and_then(Value::as_str).unwrap_or("somebody");
        format!("  - {author}: {}", text(it, "text"))
    });
    let said: Vec<String> = said.collect();
    let used = substitution.used.server().as_str();
    let known = used.parse::<DemoServer>();
    let used = known.map_or_else(|_| used.to_owned(), |it| title(it).to_owned());
    Some(format!(
        "{} cannot be asked about {} now; this is what {used} has:\n{}\n  (from {}, in place of {})",
        title(other.server),
        other.about,
        said.join("\n"),
        substitution.used,
        substitution.wanted
    ))
}

/// What is missing, for programs.
pub(super) fn gaps(outcomes: &[Outcome]) -> Value {
    let gap = |outcome: &Outcome| {
        let error = outcome.result.as_ref().err()?;
        Some(json!({"server": outcome.server.name(), "reason": reason(error)}))
    };
    outcomes.iter().filter_map(gap).collect()
}

/// "I couldn't fetch your Jira updates (the server stopped), but here's your Slack, calendar and Salesforce summary."
fn gap_sentence(outcomes: &[Outcome]) -> Option<String> {
    let missing = outcomes.iter().filter_map(|outcome| {
        let error = outcome.result.as_ref().err()?;
        Some(format!(
            "your {} ({})",
            subject(outcome.server),
            reason(error)
        ))
    });
    let missing: Vec<String> = missing.collect();
    if missing.is_empty() {
        return None;
    }
    let order = [
        DemoServer::Slack,
        DemoServer::Calendar,
        DemoServer::Jira,
        DemoServer::Salesforce,
    ];
    let came = |server: &DemoServer| {
        outcomes
            .iter()
            .any(|outcome| outcome.server == *server && outcome.result.is_ok())
    };
    let rest: Vec<&str> = order
        .iter()
        .filter(|server| came(server))
        .map(|server| title(*server))
        .collect();
    let couldnt = format!("I couldn't fetch {}", join(&missing));
    Some(match rest.is_empty() {
        true => format!("{couldnt}, so there is nothing to report."),
        false => format!("{couldnt}, but here's your {} summary.", join(&rest)),
    })
}

/// Why a server's part is missing, in words for a reader who knows nothing of protocols.
fn reason(error: &CallError) -> &'static str {
    match (error.kind(), error.error_type()) {
        (ErrorKind::ConnectionClosed | ErrorKind::Unavailable, _) => "the server stopped",
        (ErrorKind::DeadlineExceeded, _) => "it did not answer in time",
        (_, ErrorType::Authorization) => "it wants a login",
        _ => "the server had a problem",
    }
}

fn title(server: DemoServer) -> &'static str {
    match server {
        DemoServer::Slack => "Slack",
        DemoServer::Calendar => "calendar",
        DemoServer::Jira => "Jira",
        DemoServer::Salesforce => "Salesforce",
    }
}

fn subject(server: DemoServer) -> &'static str {
    match server {
        DemoServer::Slack => "Slack messages",
        DemoServer::Calendar => "calendar",
        DemoServer::Jira => "Jira updates",
        DemoServer::Salesforce => "Salesforce leads",
    }
}

fn meetings(value: &Value) -> String {
    let events = list(value, "events");
    let each: Vec<String> = events
        .iter()
        .map(|event| {
            let with = text(event, "title");
            format!("  - {}: {with}", clock(text(event, "start")))
        })
        .collect();
    format!(
        "You have {} today:\n{}",
        counted(events.len(), "meeting"),
        each.join("\n")
    )
}

fn comments(value: &Value) -> String {
    let comments = list(value, "comments");
    let each: Vec<String> = comments
        .iter()
        .map(|it| {
            format!(
                "  - {} on {}: {}",
                text(it, "author"),
                text(it, "issue"),
                text(it, "text")
            )
        })
        .collect();
    format!(
        "There are {} on your Jira tickets:\n{}",
        counted(comments.len(), "new comment"),
        each.join("\n")
    )
}

fn leads(value: &Value) -> String {
    match list(value, "leads").first() {
        Some(top) => format!(
            "Your top Salesforce lead, {}, has advanced from {} to the {} stage.",
            text(top, "company"),
            text(top, "previous_stage").to_lowercase(),
            text(top, "stage").to_lowercase(),
        ),
        None => "You have no open Salesforce leads.".to_owned(),
    }
}

fn messages(value: &Value) -> String {
    let messages = list(value, "messages");
    let urgent = messages
        .iter()
        .filter(|it| it.get("urgent") == Some(&Value::Bool(true)));
    let each: Vec<String> = urgent
        .map(|it| {
            format!(
                "Urgent: a message from {} in #{}: \"{}\"",
                text(it, "author"),
                text(it, "channel"),
                text(it, "text")
            )
        })
        .collect();
    match each.is_empty() {
        true => format!(
            "You have {}, none of them urgent.",
            counted(messages.len(), "unread Slack message")
        ),
        false => each.join("\n"),
    }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or("(not given)")
}

/// `2026-03-12T10:00` and `10:00` as `10 AM`, `13:30` as `1:30 PM`; anything else as it is.
fn clock(time: &str) -> String {
    let time = time.rsplit('T').next().unwrap_or(time);
    let parts = time
        .split_once(':')
        .and_then(|(hour, rest)| Some((hour.parse::<u8>().ok()?, rest.get(..2)?)));
    let Some((hour, minutes)) = parts else {
        return time.to_owned();
    };
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = if hour.is_multiple_of(12) {
        12
    } else {
        hour % 12
    };
    match minutes {
        "00" => format!("{hour} {half}"),
        minutes => format!("{hour}:{minutes} {half}"),
    }
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

/// "a", "a and b", "a, b and c".
fn join(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use manyhands::Delivery;
    use std::time::Duration;

    fn failed(server: DemoServer, kind: ErrorKind) -> Outcome {
        let error = CallError::new(kind, Delivery::Unknown, "x");
        Outcome {
            server,
            tool: "",
            took: Duration::ZERO,
            result: Err(error),
        }
    }

    #[test]
    fn several_gaps_make_one_sentence() {
        let outcomes = [
            failed(DemoServer::Jira, ErrorKind::ConnectionClosed),
            failed(DemoServer::Slack, ErrorKind::DeadlineExceeded),
        ];
        assert_eq!(
            gap_sentence(&outcomes).unwrap(),
            "I couldn't fetch your Jira updates (the server stopped) and your Slack messages (it did not answer in time), \
             so there is nothing to report."
        );
    }

    #[test]
    fn times_read_as_people_say_them() {
        for (time, expected) in [
            ("10:00", "10 AM"),
            ("2026-03-12T13:30:00", "1:30 PM"),
            ("00:15", "12:15 AM"),
            ("noon", "noon"),
        ] {
            assert_eq!(clock(time), expected);
        }
    }
}
