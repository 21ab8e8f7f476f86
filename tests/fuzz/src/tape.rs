//! A tape that somebody sent along with a report: read or refused, written as it was read, and a server that answers
//! from it ends.

use manyhands_core::{Arguments, CallContext, Request};
use manyhands_testkit::{Replay, Tape};

use crate::{Taken, wire};

pub(crate) fn run(data: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(data) else {
        return Taken::Refused;
    };
    let tape = match Tape::parse(text) {
        Ok(tape) => tape,
        Err(error) => {
            assert!(error.line() >= 1 && error.line() <= text.lines().count().max(1));
            return Taken::Read;
        }
    };
    let written = tape.to_jsonl();
    assert_eq!(Tape::parse(&written).as_ref(), Ok(&tape), "{written:?}");
    let connector = Replay::of(&tape).connector();
    wire::paused(async {
        let Ok(connection) = connector.connect(wire::options()).await else {
            return;
        };
        let call = Request::CallTool {
            name: "echo".into(),
            arguments: Arguments::default(),
        };
        // What it answers is the tape's business; that it ends is ours.
        let _ = connection.request(call, CallContext::default()).await;
        connection.close().await;
    });
    Taken::Read
}
