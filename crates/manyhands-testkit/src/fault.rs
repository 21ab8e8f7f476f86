//! The ways in which a scripted server misbehaves.

use std::str::FromStr;

use manyhands_core::{ListKind, nearest};
use manyhands_transport::MAX_MESSAGE;

use crate::rpc::INTERNAL_ERROR;

/// One way to misbehave, with everything else as it should be.
///
/// A server may have several faults; where two exclude each other, the earlier one counts.
///
/// In text, as the command `manyhands-testkit` takes it, a fault is its name in small letters,
/// with a value where it has one:
///
/// ```
/// # use manyhands_core::ListKind;
/// # use manyhands_testkit::Fault;
/// assert_eq!("hangs-on-call".parse(), Ok(Fault::HangsOnCall));
/// assert_eq!("deep-reply=200".parse(), Ok(Fault::DeepReply(200)));
/// let fails = Fault::FailsList(ListKind::Prompts, -32_000);
/// assert_eq!("fails-list=prompts:-32000".parse(), Ok(fails));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Stays silent when a client introduces itself.
    NeverAnswersHandshake,
    /// Closes the connection when a client introduces itself, as a program does that lacks a setting.
    ClosesAtHandshake,
    /// Answers the handshake with an error, in every protocol version.
    RefusesHandshake {
        /// The JSON-RPC error code.
        code: i64,
        /// The error's message.
        message: String,
    },
    /// Closes the connection when a tool is called, as a crash would.
    ClosesOnCall,
    /// Never answers a tool call; the call ends when it is cancelled.
    HangsOnCall,
    /// Never answers requests for this list.
    HangsOnList(ListKind),
    /// Answers requests for this list with an error of this code.
    FailsList(ListKind, i64),
    /// Writes before each message what is none: log lines, JSON log lines, empty lines, a byte order mark.
    ChatterOnStdout,
    /// Answers tool calls under an id that nobody asked with.
    WrongId,
    /// Every page of every list names a next one; each repeats the items of the first.
    EndlessPages,
    /// Every page of every list names the same next one.
    RepeatsCursor,
    /// Answers tool calls with a text of this many bytes.
    OversizedReply(usize),
    /// Answers tool calls with JSON that stops in the middle.
    GarbageReply,
    /// Answers tool calls with structured content of this many nested lists.
    DeepReply(usize),
    /// Keeps the answers to tool calls back until this many are there, 4,096 at most, and then gives
    /// the last one first. With fewer calls in flight, none is answered.
    AnswersInReverse(usize),
    /// Speaks the protocol version 2026-07-28 only: refuses `initialize` with -32022 and answers
    /// `server/discover`. Of a request's `_meta`, only the protocol version is looked at.
    ModernOnly,
    /// On a tool call, first asks the client a question (`elicitation/create`), and answers the call
    /// once the client has answered, whatever it said. Servers of 2026-07-28 ask in another way.
    AsksBack,
}

impl Fault {
    /// The names of all faults.
    pub const NAMES: [&str; 17] = [
        "never-answers-handshake",
        "closes-at-handshake",
        "refuses-handshake",
        "closes-on-call",
        "hangs-on-call",
        "hangs-on-list",
        "fails-list",
        "chatter-on-stdout",
        "wrong-id",
        "endless-pages",
        "repeats-cursor",
        "oversized-reply",
        "garbage-reply",
        "deep-reply",
        "answers-in-reverse",
        "modern-only",
        "asks-back",
    ];
}

/// Where a value is left out: the list is `tools`, the code -32603 (an internal error), the size
/// just too large to be read, the depth 1,000 and the count 2.
impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        read(name, value).ok_or_else(|| UnknownFault {
            text: text.to_owned(),
        })
    }
}

fn read(name: &str, value: Option<&str>) -> Option<Fault> {
    let plain = match name {
        "never-answers-handshake" => Fault::NeverAnswersHandshake,
        "closes-at-handshake" => Fault::ClosesAtHandshake,
        "refuses-handshake" => {
            let message = "refused, as the test wants it".to_owned();
            let code = number(value, INTERNAL_ERROR)?;
            return Some(Fault::RefusesHandshake { code, message });
        }
        "closes-on-call" => Fault::ClosesOnCall,
        "hangs-on-call" => Fault::HangsOnCall,
        "hangs-on-list" => return list(value).map(Fault::HangsOnList),
        "fails-list" => {
            let parts = value.and_then(|value| value.split_once(':'));
            let (kind, code) = parts.map_or((value, None), |(kind, code)| (Some(kind), Some(code)));
            return Some(Fault::FailsList(list(kind)?, number(code, INTERNAL_ERROR)?));
        }
        "chatter-on-stdout" => Fault::ChatterOnStdout,
        "wrong-id" => Fault::WrongId,
        "endless-pages" => Fault::EndlessPages,
        "repeats-cursor" => Fault::RepeatsCursor,
        "oversized-reply" => return number(value, MAX_MESSAGE).map(Fault::OversizedReply),
        "garbage-reply" => Fault::GarbageReply,
        "deep-reply" => return number(value, 1_000).map(Fault::DeepReply),
        "answers-in-reverse" => return number(value, 2).map(Fault::AnswersInReverse),
        "modern-only" => Fault::ModernOnly,
        "asks-back" => Fault::AsksBack,
        _ => return None,
    };
    value.is_none().then_some(plain)
}

fn number<N: FromStr>(value: Option<&str>, default: N) -> Option<N> {
    value.map_or(Some(default), |value| value.parse().ok())
}

fn list(value: Option<&str>) -> Option<ListKind> {
    let kinds = [
        ListKind::Tools,
        ListKind::Prompts,
        ListKind::Resources,
        ListKind::ResourceTemplates,
    ];
    let wanted = value.unwrap_or("tools");
    kinds.into_iter().find(|kind| kind.field() == wanted)
}

/// A text that names no [`Fault`], or gives it a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a fault: {}", self.help())]
pub struct UnknownFault {
    text: String,
}

impl UnknownFault {
    fn help(&self) -> String {
        let (name, _) = self.text.split_once('=').unwrap_or((&self.text, ""));
        if Fault::NAMES.contains(&name) {
            return format!("{name} does not take this value");
        }
        match nearest(name, Fault::NAMES).as_slice() {
            [] => format!("expected one of {}", Fault::NAMES.join(", ")),
            near => format!("did you mean {}?", near.join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fault declared after this one, so that the compiler asks for each new one.
    fn after(fault: &Fault) -> Option<Fault> {
        Some(match fault {
            Fault::NeverAnswersHandshake => Fault::ClosesAtHandshake,
            Fault::ClosesAtHandshake => Fault::RefusesHandshake {
                code: INTERNAL_ERROR,
                message: "refused, as the test wants it".to_owned(),
            },
            Fault::RefusesHandshake { .. } => Fault::ClosesOnCall,
            Fault::ClosesOnCall => Fault::HangsOnCall,
            Fault::HangsOnCall => Fault::HangsOnList(ListKind::Tools),
            Fault::HangsOnList(_) => Fault::FailsList(ListKind::Tools, INTERNAL_ERROR),
            Fault::FailsList(..) => Fault::ChatterOnStdout,
            Fault::ChatterOnStdout => Fault::WrongId,
            Fault::WrongId => Fault::EndlessPages,
            Fault::EndlessPages => Fault::RepeatsCursor,
            Fault::RepeatsCursor => Fault::OversizedReply(MAX_MESSAGE),
            Fault::OversizedReply(_) => Fault::GarbageReply,
            Fault::GarbageReply => Fault::DeepReply(1_000),
            Fault::DeepReply(_) => Fault::AnswersInReverse(2),
            Fault::AnswersInReverse(_) => Fault::ModernOnly,
            Fault::ModernOnly => Fault::AsksBack,
            Fault::AsksBack => return None,
        })
    }

    /// `HangsOnCall` as `hangs-on-call`.
    fn kebab(fault: &Fault) -> String {
        let debug = format!("{fault:?}");
        let letters = debug.chars().take_while(char::is_ascii_alphanumeric);
        let mut name = String::new();
        for letter in letters {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    #[test]
    fn every_fault_has_its_name() {
        let first = Some(Fault::NeverAnswersHandshake);
        let all: Vec<Fault> = std::iter::successors(first, after).collect();
        let names: Vec<String> = all.iter().map(kebab).collect();
        assert_eq!(names, Fault::NAMES);
        for (fault, name) in all.into_iter().zip(names) {
            assert_eq!(name.parse(), Ok(fault));
        }
    }

    #[test]
    fn values_are_read_and_refused() {
        let list = ListKind::ResourceTemplates;
        for (text, fault) in [
            (
                "fails-list=resourceTemplates:-1",
                Fault::FailsList(list, -1),
            ),
            (
                "fails-list=resourceTemplates",
                Fault::FailsList(list, INTERNAL_ERROR),
            ),
            ("oversized-reply=9", Fault::OversizedReply(9)),
        ] {
            assert_eq!(text.parse(), Ok(fault));
        }
        for (text, error) in [
            ("deep-reply=x", "deep-reply does not take this value"),
            ("wrong-id=1", "wrong-id does not take this value"),
            ("hang-on-call", "did you mean hangs-on-call?"),
        ] {
            let error = format!("read {text:?} as a fault: {error}");
            assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), error);
        }
    }
}
