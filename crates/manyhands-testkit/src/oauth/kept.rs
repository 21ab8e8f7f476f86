//! Things that a server has issued, by names that nobody guesses.

use std::collections::VecDeque;

/// How many are kept; the oldest are forgotten first.
const KEPT: usize = 4_096;

/// Things by their names, the oldest first.
#[derive(Debug)]
pub(crate) struct Kept<T>(VecDeque<(String, T)>);

impl<T> Kept<T> {
    pub(crate) fn insert(&mut self, name: &str, thing: T) {
        self.0.retain(|(its, _)| its != name);
        self.0.push_back((name.to_owned(), thing));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        let found = self.0.iter().find(|(its, _)| its == name);
        found.map(|(_, thing)| thing)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let found = self.0.iter_mut().find(|(its, _)| its == name);
        found.map(|(_, thing)| thing)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn each(&mut self, change: impl Fn(&mut T)) {
        self.0.iter_mut().for_each(|(_, thing)| change(thing));
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

/// A value that nobody guesses and that says what it is.
pub(crate) fn random(kind: &str) -> String {
    let letters = std::iter::repeat_with(fastrand::alphanumeric).take(32);
    format!("{kind}-{}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_things_are_forgotten() {
        let mut kept = Kept::default();
        for n in 0..=KEPT {
            kept.insert(&n.to_string(), n);
        }
        assert_eq!((kept.get("0"), kept.get("1")), (None, Some(&1)));
        kept.insert("1", 7);
        assert_eq!((kept.get("1"), kept.0.len()), (Some(&7), KEPT));
    }
}
