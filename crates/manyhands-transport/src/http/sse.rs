//! Server-sent events, read as they arrive, with a cap on their size.
//!
//! After the WHATWG HTML standard, section 9.2.6: lines end in LF, CR or CRLF, a blank line ends an event, and a line
//! that begins with a colon means nothing.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};

/// The longest pause that a server may prescribe.
const MAX_RETRY: Duration = Duration::from_secs(300);

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its `event` field; empty for a plain message.
    pub(crate) kind: String,
    pub(crate) data: Vec<u8>,
}

/// Reads one stream.
#[derive(Debug)]
pub(crate) struct Events {
    max: usize,
    buffer: BytesMut,
    scanned: usize,
    started: bool,
    /// The last line ended in CR, so a LF that follows belongs to it.
    after_cr: bool,
    event: Event,
    has_data: bool,
    /// The event, or one of its lines, is too long and is thrown away.
    overflow: bool,
    /// The id of the last event that had one.
    pub(crate) last_id: Option<String>,
    /// The pause before the stream may be opened anew, as the server wishes.
    pub(crate) retry: Option<Duration>,
}

/// An event that was longer than the cap.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Events {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            buffer: BytesMut::new(),
            scanned: 0,
            started: false,
            after_cr: false,
            event: Event::default(),
            has_data: false,
            overflow: false,
            last_id: None,
            retry: None,
        }
    }

    /// Takes in bytes as they came.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event; none until more bytes come.
    pub(crate) fn next(&mut self) -> Option<Result<Event, TooLong>> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                let whole = std::mem::take(&mut self.has_data);
                if std::mem::take(&mut self.overflow) {
                    return Some(Err(TooLong));
                }
                if whole {
                    return Some(Ok(event));
                }
            } else {
                self.field(&line);
            }
        }
        if self.buffer.len() > self.max {
            // A line without end: its beginning is lost, and with it the event.
            self.buffer.clear();
            self.scanned = 0;
            self.overflow = true;
        }
        None
    }

    fn line(&mut self) -> Option<BytesMut> {
        if self.after_cr && self.buffer.first() == Some(&b'\n') {
            self.buffer.advance(1);
        }
        if !self.buffer.is_empty() {
            self.after_cr = false;
        }
        if !self.started && self.buffer.len() >= 3 {
            self.started = true;
            if self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.buffer.advance(3);
            }
        }
        let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'\n', b'\r', fresh) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.scanned + end);
        self.scanned = 0;
        self.started = true;
        self.after_cr = self.buffer.first() == Some(&b'\r');
        self.buffer.advance(1);
        Some(line)
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => line.split_at(at),
            None => (line, b":".as_slice()),
        };
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.event.data.len() + value.len() > self.max {
                    self.overflow = true;
                    self.event.data.clear();
                }
                if self.has_data {
                    self.event.data.push(b'\n');
                }
                self.has_data = true;
                self.event.data.extend_from_slice(value);
            }
            b"event" => {
                let short = value.get(..64).unwrap_or(value);
                self.event.kind = String::from_utf8_lossy(short).into_owned();
            }
            // The standard ignores an id with a NUL in it; one that no header can carry is of no use either.
            b"id"
                if value.len() <= 1024 && value.iter().all(|byte| (0x20..0x7f).contains(byte)) =>
            {
                self.last_id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" => {
                let text = String::from_utf8_lossy(value);
                if let Ok(pause) = text.trim().parse() {
                    self.retry = Some(Duration::from_millis(pause).min(MAX_RETRY));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(events: &mut Events, chunks: &[&[u8]]) -> Vec<Result<(String, String), TooLong>> {
        let mut found = Vec::new();
        for chunk in chunks {
            events.feed(chunk);
            while let Some(event) = events.next() {
                found.push(event.map(|it| (it.kind, String::from_utf8(it.data).unwrap())));
            }
        }
        found
    }

    fn plain(text: &str) -> Result<(String, String), TooLong> {
        Ok((String::new(), text.to_owned()))
    }

    #[test]
    fn every_line_end_and_every_cut_gives_the_same_events() {
        let stream = "\u{feff}: hello\nid: 7\nretry: 500\ndata: one\n\nevent: x\ndata:two\ndata:  three\n\n: ping\n\n";
        for ending in ["\n", "\r\n", "\r"] {
            let stream = stream.replace('\n', ending);
            let expected = [plain("one"), Ok(("x".to_owned(), "two\n three".to_owned()))];
            for size in [1, 2, 3, 7, stream.len()] {
                let chunks: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
                let mut events = Events::new(1000);
                assert_eq!(all(&mut events, &chunks), expected, "{ending:?} by {size}");
                assert_eq!(events.last_id.as_deref(), Some("7"));
                assert_eq!(events.retry, Some(Duration::from_millis(500)));
            }
        }
    }

    #[test]
    fn what_is_too_long_costs_only_itself() {
        let mut events = Events::new(8);
        let found = all(
            &mut events,
            &[
                b"data: 123456789\n\ndata: ok\n\n",
                b"data: 1234\ndata: 56789\n\ndata",
                b": fine\n\ndata: 123456789",
                b"0123456789",
                b"\n\ndata: yes\n\n",
            ],
        );
        let expected = [
            Err(TooLong),
            plain("ok"),
            Err(TooLong),
            plain("fine"),
            Err(TooLong),
            plain("yes"),
        ];
        assert_eq!(found, expected);
        assert!(events.buffer.capacity() < 1000);
    }

    #[test]
    fn empty_data_is_an_event_and_no_data_is_none() {
        let mut events = Events::new(100);
        assert_eq!(all(&mut events, &[b"id: 1\n\ndata\n\nid\n\n"]), [plain("")]);
        assert_eq!(events.last_id.as_deref(), Some(""));
    }

    #[test]
    fn ids_that_no_header_can_carry_are_ignored() {
        let mut events = Events::new(100);
        all(
            &mut events,
            &["id: a\n\nid: b\u{0}\n\nid: ü\n\nretry: soon\n\n".as_bytes()],
        );
        assert_eq!(events.last_id.as_deref(), Some("a"));
        assert_eq!(events.retry, None);
    }
}
