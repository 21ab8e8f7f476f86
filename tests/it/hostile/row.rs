//! A hostile server as data: how it is reached, how it misbehaves, and what should come of it.

use std::fmt;

use manyhands::{Delivery, ErrorKind};

/// One hostile server, and what should happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) reach: Reach,
    pub(super) switches: &'static [&'static str],
    pub(super) connects: Connects,
    /// How many of its tools are in the catalogue.
    pub(super) tools: usize,
    pub(super) call: Outcome,
    /// What the report's notices say, where they should say something.
    pub(super) noticed: Option<&'static str>,
    /// How many seconds pass before it is closed.
    pub(super) lingers: u64,
    /// How many seconds a call may take where the clock is real.
    pub(super) patience: u64,
}

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// By a pipe within the process, on a clock that is paused.
    Memory,
    /// As a child process.
    Child,
    /// Over HTTP with sessions and event streams.
    Http,
    /// Over HTTP without sessions, by JSON.
    HttpJson,
}

/// What the report says once all have started.
#[derive(Debug, Clone, Copy)]
pub(super) enum Connects {
    Ready,
    /// With this in the cause or the mend.
    Failed(&'static str),
    NeedsAuth(&'static str),
}

/// What comes of a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// A reply that begins with this.
    Replies(&'static str),
    /// An error whose text has this in it.
    Fails(ErrorKind, Delivery, &'static str),
}

const fn row(reach: Reach, switches: &'static [&'static str]) -> Row {
    Row {
        reach,
        switches,
        connects: Connects::Ready,
        tools: 2,
        call: Outcome::Replies("bad"),
        noticed: None,
        lingers: 0,
        patience: 3,
    }
}

/// A server within the process that is otherwise well: it connects, offers two tools and answers `bad`.
pub(super) const fn memory(switches: &'static [&'static str]) -> Row {
    row(Reach::Memory, switches)
}

/// The same as a child process.
pub(super) const fn child(switches: &'static [&'static str]) -> Row {
    row(Reach::Child, switches).replies("manyhands-testkit")
}

/// The same over HTTP with sessions and event streams.
pub(super) const fn http(switches: &'static [&'static str]) -> Row {
    row(Reach::Http, switches)
}

/// The same over HTTP without sessions, by JSON.
pub(super) const fn http_json(switches: &'static [&'static str]) -> Row {
    row(Reach::HttpJson, switches)
}

impl Row {
    /// It cannot be used: the report says why, and so does a call.
    pub(super) const fn refused(mut self, why: &'static str) -> Self {
        self.connects = Connects::Failed(why);
        self.tools = 0;
        self.fails(ErrorKind::Unavailable, Delivery::NotSent, why)
    }

    /// It is there, but nobody knows its tools: the report says why, and so does a call.
    pub(super) const fn unlisted(self, why: &'static str) -> Self {
        self.refused(why)
    }

    pub(super) const fn connects(mut self, connects: Connects) -> Self {
        self.connects = connects;
        self
    }

    pub(super) const fn tools(mut self, tools: usize) -> Self {
        self.tools = tools;
        self
    }

    pub(super) const fn replies(mut self, text: &'static str) -> Self {
        self.call = Outcome::Replies(text);
        self
    }

    pub(super) const fn fails(
        mut self,
        kind: ErrorKind,
        delivery: Delivery,
        says: &'static str,
    ) -> Self {
        self.call = Outcome::Fails(kind, delivery, says);
        self
    }

    /// The call ends at its deadline, and nobody knows whether it took effect.
    pub(super) const fn times_out(self, says: &'static str) -> Self {
        self.fails(ErrorKind::DeadlineExceeded, Delivery::Unknown, says)
    }

    /// The answer is there, and nobody can understand it.
    pub(super) const fn malformed(self, says: &'static str) -> Self {
        self.fails(ErrorKind::MalformedReply, Delivery::Unknown, says)
    }

    pub(super) const fn noticed(mut self, notice: &'static str) -> Self {
        self.noticed = Some(notice);
        self
    }

    /// Whether the call comes between two attempts or during one is a matter of milliseconds, so
    /// only the report has to say why.
    pub(super) const fn tried_again(self) -> Self {
        self.fails(ErrorKind::Unavailable, Delivery::NotSent, "")
    }

    pub(super) const fn lingers(mut self, seconds: u64) -> Self {
        self.lingers = seconds;
        self
    }

    pub(super) const fn patience(mut self, seconds: u64) -> Self {
        self.patience = seconds;
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.switches.join(" "), self.reach.name())
    }
}

impl Reach {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "pipe",
            Self::Child => "child",
            Self::Http => "HTTP, session",
            Self::HttpJson => "HTTP, JSON",
        }
    }
}
