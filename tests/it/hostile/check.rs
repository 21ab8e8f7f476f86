//! What must hold of every row, and what each row says itself.

use std::time::Duration;

use manyhands::{CallError, Delivery, ErrorKind, ErrorType, Reply, ServerReport, ServerStatus};

use super::row::{Connects, Outcome, Reach, Row};
use super::run::{CALL, Seen};

/// How much later than its deadline a call may end where the clock is real.
const LATE: Duration = Duration::from_millis(1_500);
/// How long a call to a good server may take there, which the same two cores answer.
const GOOD: Duration = Duration::from_secs(3);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(10);
/// How long a text for people may be, in bytes.
const TEXT: usize = 4 * 1024;
/// How many texts for people there may be, before and after the calls together.
const TEXTS: usize = 200;
/// How many bytes of a server's tools are kept.
const CATALOGUE: usize = 4 * 1024 * 1024;
/// How often streams may be opened to go on where an answer broke off, in all calls of a row.
const GETS: usize = 24;
/// How often the stream for the server's own news may be opened while nothing is called.
const IDLE_GETS: usize = 4;

/// Everything that is not as the row, or the rules for all rows, want it.
pub(super) fn differences(row: &Row, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    good_servers(row, seen, &mut found);
    endings(row, seen, &mut found);
    sizes(seen, &mut found);
    connecting(row, &seen.started, &mut found);
    calling(row, "the call", &seen.call, &mut found);
    if let Outcome::Replies(_) = row.call {
        calling(row, "a later call", &seen.again, &mut found);
    }
    found
}

/// The good servers answer every call, and none waits for the hostile one.
fn good_servers(row: &Row, seen: &Seen, found: &mut Vec<String>) {
    found.extend(seen.bad_answers.iter().cloned());
    let limit = if row.reach == Reach::Memory {
        Duration::ZERO
    } else {
        GOOD
    };
    let slowest = seen.good.iter().max();
    if slowest.is_none_or(|slowest| *slowest > limit) {
        found.push(format!("the good servers took up to {slowest:?}"));
    }
}

/// Every call and the end come in time.
fn endings(row: &Row, seen: &Seen, found: &mut Vec<String>) {
    let limit = if row.reach == Reach::Memory {
        CALL
    } else {
        Duration::from_secs(row.patience) + LATE
    };
    for took in [seen.took, seen.again_took] {
        if took > limit {
            found.push(format!("a call ended after {took:?}"));
        }
    }
    if seen.closing.is_none_or(|closing| closing > CLOSING) {
        found.push(format!("closing took {:?}", seen.closing));
    }
    let gets = if row.lingers > 0 { IDLE_GETS } else { GETS };
    if seen.gets > gets {
        found.push(format!("its stream was opened {} times", seen.gets));
    }
    if seen.led_astray > 0 {
        found.push(format!(
            "{} requests went to another origin",
            seen.led_astray
        ));
    }
}

/// What is kept and shown of a stranger's text is short, and plain.
fn sizes(seen: &Seen, found: &mut Vec<String>) {
    if seen.catalogue > CATALOGUE {
        found.push(format!("{} bytes of its tools are kept", seen.catalogue));
    }
    let errors = [&seen.call, &seen.again]
        .into_iter()
        .filter_map(|it| it.as_ref().err());
    let mut texts: Vec<String> = errors.map(ToString::to_string).collect();
    for report in [&seen.started, &seen.ended] {
        texts.push(report.to_string());
        texts.extend(report.notices.iter().cloned());
        texts.extend(report.diagnostics.stderr.iter().cloned());
        texts.extend(report.diagnostics.stray_sample.clone());
        let name = report.info.as_ref().map_or(0, |info| info.name.len());
        if name > TEXT {
            found.push(format!("its name is kept with {name} bytes"));
        }
    }
    if texts.len() > TEXTS {
        found.push(format!("{} texts are kept", texts.len()));
    }
    for text in texts {
        if text.len() > TEXT {
            found.push(format!(
                "a text of {} bytes is shown: {:.60}",
                text.len(),
                text
            ));
        }
        if let Some(odd) = text.chars().find(|c| !is_plain(*c)) {
            found.push(format!("{odd:?} is shown: {text:.200?}"));
        }
    }
}

/// Whether a character does nothing to a terminal or to a reader.
fn is_plain(character: char) -> bool {
    let hidden = matches!(character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !hidden
}

fn connecting(row: &Row, report: &ServerReport, found: &mut Vec<String>) {
    let text = report.to_string();
    let is_so = match (row.connects, &report.status) {
        (Connects::Ready, ServerStatus::Ready) => true,
        (Connects::Failed(why), ServerStatus::Failed { .. })
        | (Connects::NeedsAuth(why), ServerStatus::NeedsAuth { .. }) => text.contains(why),
        _ => false,
    };
    if !is_so {
        let word = report.status.word();
        found.push(format!(
            "it is {word} ({text}), and should be {:?}",
            row.connects
        ));
    }
    if report.tools != row.tools {
        found.push(format!(
            "it has {} tools, and should have {}",
            report.tools, row.tools
        ));
    }
    let notices = report.notices.join("; ");
    if row.noticed.is_some_and(|notice| !notices.contains(notice)) {
        found.push(format!(
            "the notices are {notices:?}, and should have {:?}",
            row.noticed
        ));
    }
}

/// The class of an error: its kind's own, but that a refusal from halfway through wants a look.
fn expected_type(kind: ErrorKind, delivery: Delivery) -> ErrorType {
    match (kind, delivery) {
        (ErrorKind::Refused, Delivery::Unknown) => ErrorType::Critical,
        _ => kind.error_type(),
    }
}

fn calling(row: &Row, what: &str, call: &Result<Reply, CallError>, found: &mut Vec<String>) {
    let is_so = match (row.call, call) {
        (Outcome::Replies(text), Ok(reply)) => reply.text().starts_with(text),
        (Outcome::Fails(kind, delivery, says), Err(error)) => {
            (error.kind(), error.delivery()) == (kind, delivery)
                && error.error_type() == expected_type(kind, delivery)
                && error.to_string().contains(says)
        }
        _ => false,
    };
    if !is_so {
        let came = match call {
            Ok(reply) => format!("the reply {:.200?}", reply.text()),
            Err(error) => {
                let kind = (error.kind(), error.error_type(), error.delivery());
                format!("{kind:?}: {error}")
            }
        };
        found.push(format!(
            "{what} came to {came}, and should come to {:?}",
            row.call
        ));
    }
}
