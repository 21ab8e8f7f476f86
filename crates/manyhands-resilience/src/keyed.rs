//! State per key, bounded: strangers' names may be keys. It must not know what the keys or the state mean.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use manyhands_core::{Call, clip};

/// How much of a key is looked at, in bytes: a resource's URI may be as long as a server likes.
const MAX_KEY: usize = 1_024;

/// Which calls share a state: those with the same key. Cheap to clone.
#[derive(Clone)]
pub struct KeyBy(Arc<KeyOf>);

type KeyOf = dyn for<'a> Fn(&'a Call) -> Cow<'a, str> + Send + Sync;

impl KeyBy {
    /// Asks `key` for the key of each call. A key that is borrowed from the call costs no allocation.
    pub fn new(key: impl for<'a> Fn(&'a Call) -> Cow<'a, str> + Send + Sync + 'static) -> Self {
        Self(Arc::new(key))
    }

    /// All calls to a server share one.
    #[must_use]
    pub fn server() -> Self {
        Self::new(|call| Cow::Borrowed(call.server.as_str()))
    }

    /// Each name of a tool, prompt or resource across all servers has its own; what has none has its server's.
    #[must_use]
    pub fn capability() -> Self {
        Self::new(|call| match call.request.capability(&call.server) {
            Some(capability) => Cow::Owned(capability.into_name()),
            None => Cow::Borrowed(call.server.as_str()),
        })
    }

    pub(crate) fn of<'a>(&self, call: &'a Call) -> Cow<'a, str> {
        (self.0)(call)
    }
}

impl fmt::Debug for KeyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBy")
    }
}

/// One state per key, the most recently used ones kept.
#[derive(Debug)]
pub(crate) struct Keyed<T> {
    max: usize,
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    clock: u64,
    entries: HashMap<Box<str>, Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    used: u64,
    state: Arc<T>,
}

impl<T> Keyed<T> {
    /// Keeps up to `max` keys, and one at least.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            inner: Mutex::new(Inner {
                clock: 0,
                entries: HashMap::new(),
            }),
        }
    }

    /// The state of `key`, made anew where there is none.
    pub(crate) fn get_or(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let key = &*clip(key, MAX_KEY);
        let mut inner = self.lock();
        inner.clock += 1;
        let used = inner.clock;
        if let Some(entry) = inner.entries.get_mut(key) {
            entry.used = used;
            return entry.state.clone();
        }
        if inner.entries.len() >= self.max {
            inner.forget_oldest();
        }
        let state = Arc::new(make());
        let entry = Entry {
            used,
            state: state.clone(),
        };
        inner.entries.insert(key.into(), entry);
        state
    }

    /// The state of `key`, where there is one.
    pub(crate) fn find(&self, key: &str) -> Option<Arc<T>> {
        Some(self.lock().entries.get(&*clip(key, MAX_KEY))?.state.clone())
    }

    /// All keys with their states, in the order of the keys.
    pub(crate) fn all(&self) -> Vec<(Box<str>, Arc<T>)> {
        let inner = self.lock();
        let mut all: Vec<_> = inner
            .entries
            .iter()
            .map(|(key, entry)| (key.clone(), entry.state.clone()))
            .collect();
        all.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        all
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inner<T> {
    /// Looks at every entry, which only a new key beyond the bound has to pay for.
    fn forget_oldest(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_was_used_longest_ago_makes_room() {
        let keyed = Keyed::new(2);
        for key in ["a", "b", "a", "c"] {
            keyed.get_or(key, || key.to_owned());
        }
        let kept: Vec<_> = keyed.all().into_iter().map(|(key, _)| key).collect();
        assert_eq!(kept, ["a".into(), "c".into()]);
        assert!(keyed.find("b").is_none());
    }

    #[test]
    fn a_key_of_any_length_is_kept_in_bounds_and_found() {
        let (keyed, long) = (Keyed::new(2), "k".repeat(1_000_000));
        keyed.get_or(&long, || 7);
        assert_eq!(keyed.find(&long).as_deref(), Some(&7));
        assert!(keyed.all()[0].0.len() <= MAX_KEY);
    }
}
