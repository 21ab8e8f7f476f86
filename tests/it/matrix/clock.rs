//! A paused clock beside sockets. Tokio moves a paused clock on whenever it has nothing else to do, and does not know
//! that something is on its way between two sockets. Here both ends of each socket are in one runtime of one thread, so
//! that all that is on its way has arrived once nobody has anything to do.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::advance;

/// How often all tasks have their turn before the time is moved on: more often than a message has stations.
const TURNS: usize = 32;

/// Moves a paused clock on by steps, each when there is nothing left to do before it. While this runs, the clock does
/// not move by itself.
pub(super) async fn tick(step: Duration) {
    loop {
        for _ in 0..TURNS {
            yield_now().await;
        }
        advance(step).await;
    }
}
