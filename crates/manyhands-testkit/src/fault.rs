//! The ways in which a scripted server misbehaves.

use manyhands_core::ListKind;

/// One way to misbehave, with everything else as it should be.
///
/// A server may have several faults; where two exclude each other, the earlier one counts.
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
