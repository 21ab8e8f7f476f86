//! Newline-delimited messages on a byte stream, with a cap on their length.

use std::io;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The longest message that is read from a server: 16 MiB, as much as rmcp accepts over HTTP.
///
/// A longer one is dropped and counted; the call it would have answered ends at its deadline.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// One line from the peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A whole line, without its line break.
    Message(Bytes),
    /// A line that went past the cap and was thrown away as it came.
    Oversized,
}

/// Splits a byte stream into lines and joins messages into one.
#[derive(Debug)]
pub(crate) struct Lines {
    max: usize,
    scanned: usize,
    discarding: bool,
}

impl Lines {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            scanned: 0,
            discarding: false,
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

impl Decoder for Lines {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Frame>> {
        match self.take_line(buffer) {
            Some(line) if self.discarding || line.len() > self.max => {
                self.discarding = false;
                Ok(Some(Frame::Oversized))
            }
            Some(line) => Ok(Some(Frame::Message(line.freeze()))),
            None => {
                if self.discarding || buffer.len() > self.max {
                    self.discarding = true;
                    buffer.clear();
                    self.scanned = 0;
                }
                Ok(None)
            }
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
        assert_eq!(
            frames,
            [
                Frame::Oversized,
                message("ok"),
                Frame::Oversized,
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
            assert_eq!(lines.decode(&mut buffer).unwrap(), None);
            assert!(buffer.len() <= 16);
        }
    }
}
