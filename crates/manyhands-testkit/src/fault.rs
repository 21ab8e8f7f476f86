//! The ways in which a scripted server misbehaves.
//!
//! A family of faults has a file of its own, which declares them and spoils what they spoil.

mod answer;
mod flood;
mod handshake;
mod http;
mod list;
mod process;
mod question;
pub(crate) mod switch;
mod text;
mod wire;

use std::str::FromStr;

use manyhands_core::{ListKind, nearest};
use manyhands_transport::MAX_MESSAGE;

use crate::rpc::INTERNAL_ERROR;
use switch::{Values, family};

pub(crate) use answer::early;
pub use answer::{AnswerFault, OddId};
pub use flood::Flood;
pub use handshake::HandshakeFault;
pub use http::{HttpFault, HttpMoment, OddSessionId, RedirectTo};
pub use list::ListFault;
pub use process::ProcessFault;
pub use question::Question;
pub use switch::Switch;
pub use text::{OddText, TextFault};
pub use wire::WireFault;

family! {
    /// One way to misbehave, with everything else as it should be.
    ///
    /// A server may have several faults; where two exclude each other, the earlier one counts.
    /// The usual ones are here, the others in families, each an enum of its own.
    ///
    /// In text, as the command `manyhands-testkit` takes it, a fault is its name in small letters,
    /// with values where it has some; [`Fault::switches`] has all names:
    ///
    /// ```
    /// # use manyhands_core::ListKind;
    /// # use manyhands_testkit::{AnswerFault, Fault};
    /// assert_eq!("hangs-on-call".parse(), Ok(Fault::HangsOnCall));
    /// assert_eq!("deep-reply=200".parse(), Ok(Fault::DeepReply(200)));
    /// assert_eq!("null-result".parse(), Ok(Fault::Answer(AnswerFault::NullResult)));
    /// let fails = Fault::FailsList(ListKind::Prompts, -32_000);
    /// assert_eq!("fails-list=prompts:-32000".parse(), Ok(fails));
    /// ```
    Fault as "Usual" {
        /// Stays silent when a client introduces itself.
        NeverAnswersHandshake: "never-answers-handshake",
        /// Closes the connection when a client introduces itself, as a program does that lacks a setting.
        ClosesAtHandshake: "closes-at-handshake",
        /// Answers the handshake with an error of this code and message, in every protocol version.
        RefusesHandshake(i64 = INTERNAL_ERROR, String = "refused, as the test wants it"): "refuses-handshake",
        /// Closes the connection when a tool is called, as a crash would.
        ClosesOnCall: "closes-on-call",
        /// Never answers a tool call; the call ends when it is cancelled.
        HangsOnCall: "hangs-on-call",
        /// Never answers requests for this list.
        HangsOnList(ListKind = ListKind::Tools): "hangs-on-list",
        /// Answers requests for this list with an error of this code.
        FailsList(ListKind = ListKind::Tools, i64 = INTERNAL_ERROR): "fails-list",
        /// Answers tool calls with an error of this code.
        FailsCall(i64 = INTERNAL_ERROR): "fails-call",
        /// Writes before each message what is none: log lines, JSON log lines, empty lines, a byte order mark.
        ChatterOnStdout: "chatter-on-stdout",
        /// Answers tool calls under an id that nobody asked with.
        WrongId: "wrong-id",
        /// Every page of every list names a next one; each repeats the items of the first.
        EndlessPages: "endless-pages",
        /// Every page of every list names the same next one.
        RepeatsCursor: "repeats-cursor",
        /// Answers tool calls with a text of this many bytes.
        OversizedReply(usize = MAX_MESSAGE): "oversized-reply",
        /// Answers tool calls with JSON that stops in the middle.
        GarbageReply: "garbage-reply",
        /// Answers tool calls with structured content of this many nested lists.
        DeepReply(usize = 1_000_usize): "deep-reply",
        /// Keeps the answers to tool calls back until this many are there, 4,096 at most, and then gives the last one first. With fewer calls in flight, none is answered.
        AnswersInReverse(usize = 2_usize): "answers-in-reverse",
        /// Speaks the protocol version 2026-07-28 only: refuses `initialize` with -32022 and answers `server/discover`. Of a request's `_meta`, only the protocol version is looked at.
        ModernOnly: "modern-only",
        /// On a tool call, first asks the client a question (`elicitation/create`), and answers the call once the client has answered, whatever it said. Servers of 2026-07-28 ask in another way: [`Question::NeedsInput`].
        AsksBack: "asks-back",
    }
    and {
        /// What is odd about the handshake.
        Handshake(HandshakeFault),
        /// What is odd about lists and what is in them.
        List(ListFault),
        /// What is odd about answers to tool calls.
        Answer(AnswerFault),
        /// What is odd about a text.
        Text(TextFault),
        /// What comes in thousands.
        Flood(Flood),
        /// What the client is asked.
        Question(Question),
        /// What is odd about the bytes.
        Wire(WireFault),
        /// What only a program can do: the command `manyhands-testkit`.
        Process(ProcessFault),
        /// What is odd about HTTP, where the server is reached over it.
        Http(HttpFault),
    }
}

impl Fault {
    /// The names of all faults in text, in the order of their families.
    pub fn switches() -> impl Iterator<Item = Switch> {
        [
            Self::SWITCHES,
            HandshakeFault::SWITCHES,
            ListFault::SWITCHES,
            AnswerFault::SWITCHES,
            TextFault::SWITCHES,
            Flood::SWITCHES,
            Question::SWITCHES,
            WireFault::SWITCHES,
            ProcessFault::SWITCHES,
            HttpFault::SWITCHES,
        ]
        .into_iter()
        .flatten()
        .copied()
    }

    /// Whether the client is given cursors that are not the server's own.
    pub(crate) fn names_odd_cursors(&self) -> bool {
        matches!(
            self,
            Self::Text(TextFault::Cursor(_)) | Self::List(ListFault::OddCursor(_))
        )
    }
}

/// Where a value is left out, it is one that makes a difference: the list is `tools`, the code
/// -32603 (an internal error), a size just too large to be read, a depth 1,000, a time in
/// milliseconds.
impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let mut values = Values(value);
        let fault = read(name, &mut values);
        // A value that nobody has taken fits no fault.
        let fault = fault.filter(|_| values.0.is_none());
        fault.ok_or_else(|| UnknownFault {
            text: text.to_owned(),
        })
    }
}

fn read(name: &str, values: &mut Values<'_>) -> Option<Fault> {
    let fault = Fault::read(name, values);
    fault
        .or_else(|| HandshakeFault::read(name, values).map(Into::into))
        .or_else(|| ListFault::read(name, values).map(Into::into))
        .or_else(|| AnswerFault::read(name, values).map(Into::into))
        .or_else(|| TextFault::read(name, values).map(Into::into))
        .or_else(|| Flood::read(name, values).map(Into::into))
        .or_else(|| Question::read(name, values).map(Into::into))
        .or_else(|| WireFault::read(name, values).map(Into::into))
        .or_else(|| ProcessFault::read(name, values).map(Into::into))
        .or_else(|| HttpFault::read(name, values).map(Into::into))
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
        let names = || Fault::switches().map(|it| it.name);
        if names().any(|known| known == name) {
            return format!("{name} does not take this value");
        }
        match nearest(name, names()).as_slice() {
            [] => "`manyhands-testkit faults` lists them".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests;
