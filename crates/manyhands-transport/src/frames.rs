//! Newline-delimited messages on a byte stream, with a cap on their length.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The longest message that is read from a server: 16 MiB, as much as rmcp's own client accepts over HTTP.
///
/// A longer one is dropped and counted; the call it would have answered ends at its deadline.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// One line from the peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A whole line, without its line break.
    Message(Bytes),
    /// A line went past the cap, and is thrown away as it comes; these are its first bytes, and its last ones where
    /// they have come already.
    Oversized { head: Bytes, tail: Bytes },
    /// The end of such a line has come; these are its last bytes.
    OversizedEnd { tail: Bytes },
}

impl Frame {
    pub(crate) fn oversized(line: &[u8]) -> Self {
        Self::Oversized {
            head: first(line),
            tail: Bytes::copy_from_slice(last(line)),
        }
    }
}

/// How much of a line that is thrown away is kept at either end.
const EDGE: usize = 256;

fn first(line: &[u8]) -> Bytes {
    Bytes::copy_from_slice(line.get(..EDGE).unwrap_or(line))
}

fn last(line: &[u8]) -> &[u8] {
    line.get(line.len().saturating_sub(EDGE)..).unwrap_or(line)
}

/// Splits a byte stream into lines and joins messages into one.
#[derive(Debug)]
pub(crate) struct Lines {
    max: usize,
    scanned: usize,
    /// The last bytes of the line that is being thrown away.
    discarded: Option<BytesMut>,
}

impl Lines {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            scanned: 0,
            discarded: None,
        }
    }

    /// Cuts off the next line, if its end has arrived.
    fn take_line(&mut self, buffer: &mut BytesMut) -> Option<BytesMut> {
        let fresh = buffer.get(self.scanned..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', fresh) else {
            self.scanned = buffer.len();
            return None;
        };
        let line = buffer.split_to(self.scanned + end);
        buffer.advance(1);
        self.scanned = 0;
        Some(line)
    }
}

impl Lines {
    /// Goes on throwing away a line, whose last bytes so far are kept.
    fn forget(&mut self, buffer: &mut BytesMut, tail: BytesMut) {
        buffer.clear();
        self.scanned = 0;
        self.discarded = Some(tail);
    }
}

impl Decoder for Lines {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Frame>> {
        let line = self.take_line(buffer);
        if let Some(mut tail) = self.discarded.take() {
            tail.extend_from_slice(last(line.as_ref().unwrap_or(buffer)));
            let tail = BytesMut::from(last(&tail));
            if line.is_some() {
                let tail = tail.freeze();
                return Ok(Some(Frame::OversizedEnd { tail }));
            }
            self.forget(buffer, tail);
            return Ok(None);
        }
        match line {
            Some(line) if line.len() > self.max => Ok(Some(Frame::oversized(&line))),
            Some(line) => Ok(Some(Frame::Message(line.freeze()))),
            None if buffer.len() > self.max => {
                let (head, tail) = (first(buffer), BytesMut::from(last(buffer)));
                self.forget(buffer, tail);
                Ok(Some(Frame::Oversized {
                    head,
                    tail: Bytes::new(),
                }))
            }
            None => Ok(None),
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Frame>> {
        let frame = self.decode(buffer)?;
        if frame.is_some() || buffer.is_empty() {
            return Ok(frame);
        }
        // A last line without its line break still counts as a message.
        Ok(Some(Frame::Message(buffer.split().freeze())))
    }
}

impl Encoder<Bytes> for Lines {
    type Error = io::Error;

    fn encode(&mut self, message: Bytes, buffer: &mut BytesMut) -> io::Result<()> {
        buffer.reserve(message.len() + 1);
        buffer.put(message);
        buffer.put_u8(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &mut Lines, chunks: &[&str]) -> Vec<Frame> {
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for chunk in chunks {
            buffer.put_slice(chunk.as_bytes());
            while let Some(frame) = lines.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        while let Some(frame) = lines.decode_eof(&mut buffer).unwrap() {
            frames.push(frame);
        }
        frames
    }

    fn message(text: &'static str) -> Frame {
        Frame::Message(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_arrive_whole_however_they_are_chunked() {
        let frames = all(&mut Lines::new(100), &["a", "b\ncd", "\n", "\nlast"]);
        assert_eq!(
            frames,
            [message("ab"), message("cd"), message(""), message("last")]
        );
    }

    #[test]
    fn an_oversized_line_is_dropped_and_the_next_one_survives() {
        let frames = all(
            &mut Lines::new(4),
            &["12345", "678", "9\nok\n", "123456\nfine\n"],
        );
        let begins = |head: &'static str| Frame::Oversized {
            head: head.into(),
            tail: Bytes::new(),
        };
        let ends = |tail: &'static str| Frame::OversizedEnd { tail: tail.into() };
        assert_eq!(
            frames,
            [
                begins("12345"),
                ends("123456789"),
                message("ok"),
                Frame::oversized(b"123456"),
                message("fine")
            ]
        );
    }

    #[test]
    fn a_line_without_end_does_not_grow_the_buffer() {
        let mut lines = Lines::new(8);
        let mut buffer = BytesMut::new();
        for _ in 0..100 {
            buffer.put_slice(b"xxxxxxxx");
            let frame = lines.decode(&mut buffer).unwrap();
            assert!(!matches!(frame, Some(Frame::Message(_))), "{frame:?}");
            assert!(buffer.len() <= 16);
        }
    }
}
