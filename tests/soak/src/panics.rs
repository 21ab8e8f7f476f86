//! Panics of whatever task, which tokio would otherwise keep to itself.

use std::sync::atomic::{AtomicUsize, Ordering};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts them from now on, and still prints each.
pub(crate) fn count() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        print(info);
    }));
}

pub(crate) fn counted() -> usize {
    PANICS.load(Ordering::Relaxed)
}
