//! The faults, the kinds of calls and the ways of standing a fault. It must not know how they are brought about.

use std::fmt;

/// One fault, and how its server is reached.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) fault: &'static str,
    pub(super) over: Over,
    pub(super) strike: Strike,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Pipe,
    Http,
}

/// How a fault is brought about.
#[derive(Debug)]
pub(super) enum Strike {
    /// Switches of the testkit, each about calls only.
    Switches(&'static [&'static str]),
    /// All connections are closed before the call is made, and new ones can be had.
    Closes,
    /// Nobody listens any more.
    Refuses,
    /// The token of the login has ended before the call is made, and a new one can be had.
    Expires,
}

/// For how long a fault stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    /// It is over when the call is made.
    Once,
    /// It is over a second after the call was made.
    ASecond,
    ForGood,
}

/// What a call does to the world by its server's hints, and whether they are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) hint: Hint,
    pub(super) trusted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    ReadOnly,
    Idempotent,
    Write,
}

/// What stands between the caller and the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    None,
    Retry,
    /// As `Retry`, with a healthy server that does the same.
    Fallback,
}

/// One cell of the matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) row: &'static Row,
    pub(super) lasts: Lasts,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
}

const fn switches(fault: &'static str, over: Over, switches: &'static [&'static str]) -> Row {
    let strike = Strike::Switches(switches);
    Row {
        fault,
        over,
        strike,
    }
}

use Over::{Http, Pipe};

pub(super) const ROWS: &[Row] = &[
    Row {
        fault: "nobody listens",
        over: Http,
        strike: Strike::Refuses,
    },
    Row {
        fault: "connections close before the call",
        over: Pipe,
        strike: Strike::Closes,
    },
    Row {
        fault: "connections close before the call",
        over: Http,
        strike: Strike::Closes,
    },
    switches("reset, the request taken", Http, &["http-resets-request"]),
    switches("reset, half of the answer sent", Http, &["http-resets"]),
    switches("the program exits", Pipe, &["closes-on-call"]),
    switches("half an answer, then the end", Pipe, &["half-answer"]),
    switches("no answer", Pipe, &["hangs-on-call"]),
    switches("no answer", Http, &["hangs-on-call"]),
    switches(
        "no answer, the request not even taken",
        Http,
        &["http-silent"],
    ),
    switches("an answer that drips", Pipe, &["drips"]),
    switches("an answer that drips", Http, &["http-drips"]),
    switches("500", Http, &["http-status=500"]),
    switches("503", Http, &["http-status=503"]),
    switches(
        "429, `Retry-After: 2`",
        Http,
        &["http-status=429", "http-retry-after=2"],
    ),
    switches(
        "429, `Retry-After: 60`",
        Http,
        &["http-status=429", "http-retry-after=60"],
    ),
    Row {
        fault: "the token of the login has expired",
        over: Http,
        strike: Strike::Expires,
    },
    switches(
        "401, the credentials have expired",
        Http,
        &["http-status=401"],
    ),
    switches(
        "an answer that is no JSON-RPC",
        Pipe,
        &["neither-result-nor-error"],
    ),
    switches(
        "an answer that is no JSON-RPC",
        Http,
        &["neither-result-nor-error"],
    ),
    switches("an answer under another id", Pipe, &["wrong-id"]),
    switches("an answer under another id", Http, &["wrong-id"]),
    switches("an answer that is no JSON", Pipe, &["garbage-reply"]),
    switches("an answer that is no HTTP", Http, &["http-not-http"]),
    switches("a tool error of the server's", Pipe, &["fails-call"]),
];

/// All cells, row by row.
pub(super) fn cases() -> impl Iterator<Item = Case> {
    let lasting = ROWS
        .iter()
        .flat_map(|row| row.lasting().iter().map(move |lasts| (row, *lasts)));
    lasting.flat_map(|(row, lasts)| {
        let columns = Kind::ALL
            .into_iter()
            .flat_map(|kind| Mode::ALL.into_iter().map(move |mode| (kind, mode)));
        columns.map(move |(kind, mode)| Case {
            row,
            lasts,
            kind,
            mode,
        })
    })
}

impl Row {
    fn lasting(&self) -> &'static [Lasts] {
        match self.strike {
            Strike::Closes | Strike::Expires => &[Lasts::Once],
            _ => &[Lasts::ASecond, Lasts::ForGood],
        }
    }
}

impl Kind {
    pub(super) const ALL: [Self; 6] = {
        const fn of(hint: Hint, trusted: bool) -> Kind {
            Kind { hint, trusted }
        }
        [
            of(Hint::ReadOnly, true),
            of(Hint::Idempotent, true),
            of(Hint::Write, true),
            of(Hint::ReadOnly, false),
            of(Hint::Idempotent, false),
            of(Hint::Write, false),
        ]
    };

    /// Whether a second time is known to do no more than the first.
    pub(super) fn is_harmless_twice(self) -> bool {
        self.trusted && self.hint != Hint::Write
    }
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::None, Self::Retry, Self::Fallback];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "no retry",
            Self::Retry => "retry",
            Self::Fallback => "and fallback",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row,
            lasts,
            kind,
            mode,
        } = self;
        write!(
            f,
            "{} over {:?}, {lasts:?}, {kind:?}, {mode:?}",
            row.fault, row.over
        )
    }
}
