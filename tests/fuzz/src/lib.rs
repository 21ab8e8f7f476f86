//! Hostile input to every reader of strangers' bytes. A target takes any bytes and panics where a promise is broken.
//!
//! `cargo xtask fuzz` looks for such bytes with libFuzzer; `cargo test -p manyhands-fuzz` runs the committed ones in
//! `seeds/`. Targets go through public surfaces only: what they promise holds however the inside is written.

mod arguments;
mod config;
mod connection;
mod discovery;
mod names;
mod tape;
mod wire;

/// One reader, and what it must never do.
#[derive(Debug)]
pub struct Target {
    /// Its name: in `--only`, and as the folder of its seeds.
    pub name: &'static str,
    /// Hands it one input.
    ///
    /// # Panics
    /// Where the reader breaks a promise; that is what is looked for.
    pub run: fn(&[u8]) -> Taken,
}

/// Whether an input is worth changing further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It came far enough to be read.
    Read,
    /// It lacks the form that the target asks for.
    Refused,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "connection",
        run: connection::run,
    },
    Target {
        name: "discovery",
        run: discovery::run,
    },
    Target {
        name: "config",
        run: config::run,
    },
    Target {
        name: "arguments",
        run: arguments::run,
    },
    Target {
        name: "names",
        run: names::run,
    },
    Target {
        name: "tape",
        run: tape::run,
    },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What stands between the parts of an input; it occurs in no UTF-8.
const BORDER: u8 = 0xff;

/// The parts of an input, as text. What is no UTF-8 is replaced, as it would be by most who read it.
fn parts(data: &[u8]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    data.split(|byte| *byte == BORDER)
        .map(String::from_utf8_lossy)
}

/// Fails where a text would be obeyed by a terminal.
fn assert_printable(text: &str) {
    let obeyed = text.chars().find(|c| c.is_control());
    assert_eq!(obeyed, None, "a control character is shown: {text:?}");
}
