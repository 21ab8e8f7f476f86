//! What is compared with what: sides, transports, and the cells of the table. It must not know how a call is made.

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `Peer::call_tool_once`, as a user of rmcp calls.
    Raw,
    /// `Toolkit::call`.
    Toolkit,
    /// `Connection::request`, as a user of `manyhands-transport` alone calls.
    Connection,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Raw, Self::Toolkit, Self::Connection];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Toolkit => "toolkit",
            Self::Connection => "connection",
        }
    }
}

/// What lies between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// An in-memory duplex; both ends are this process.
    Duplex,
    /// The pipes of a child process.
    Stdio,
    /// Streamable HTTP to a child process on the loopback address.
    Http,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [Self::Duplex, Self::Stdio, Self::Http];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Duplex => "duplex",
            Self::Stdio => "stdio",
            Self::Http => "http",
        }
    }
}

/// One row: a load over one transport, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) transport: Transport,
    /// How many calls are under way at once, each in a task of its own.
    pub(crate) in_flight: usize,
    /// How long the echoed text is.
    pub(crate) payload: usize,
    /// How many calls make one round of one side.
    pub(crate) calls: usize,
}

/// A payload that costs nothing, and one of the size of a real answer.
pub(crate) const PAYLOADS: [usize; 2] = [16, 16 * 1024];
const IN_FLIGHT: [usize; 2] = [1, 64];

/// What is to be measured, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) cells: Vec<Cell>,
    /// Whether each side also reads the text of each answer.
    pub(crate) read: bool,
}

impl Plan {
    /// Every load over these transports; `calls` says how many calls make a round.
    pub(crate) fn new(
        transports: &[Transport],
        rounds: usize,
        calls: impl Fn(Transport, usize) -> usize,
    ) -> Self {
        let mut cells = Vec::new();
        for &transport in transports {
            for payload in PAYLOADS {
                cells.extend(IN_FLIGHT.map(|in_flight| Cell {
                    transport,
                    in_flight,
                    payload,
                    calls: calls(transport, payload),
                }));
            }
        }
        Self {
            rounds,
            cells,
            read: false,
        }
    }

    /// The transports that have cells, in their order.
    pub(crate) fn transports(&self) -> Vec<Transport> {
        let mut transports: Vec<Transport> = self.cells.iter().map(|cell| cell.transport).collect();
        transports.dedup();
        transports
    }
}
