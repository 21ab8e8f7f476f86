//! Tools pinned on first use: a server that later makes something else of an approved tool is found out.
//!
//! Nothing here withholds a tool by itself.

mod canonical;
mod difference;
mod file;
mod lock;
mod pin;
mod report;

pub use self::difference::{Difference, DifferenceKind};
pub use self::file::{LockFile, LockFileError, Stamp};
pub use self::lock::{Lock, LockError};
pub use self::pin::Pin;
pub use self::report::{Changed, PinReport};

#[cfg(test)]
mod tests;
