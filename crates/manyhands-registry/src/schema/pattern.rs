//! How much a pattern can cost, guessed from its text.
//!
//! The plain engine passes over a text once, and does at worst one step for each state of the pattern at each byte: ten
//! microseconds for a byte, measured, where a class is repeated 400 times.

/// The most states that all patterns of a schema may have together.
pub(super) const MAX_STATES: u64 = 400_000;
/// The states of the largest pattern that compiles within its bound on memory.
const LARGEST: u64 = 16_000;

/// About how many states a pattern has; rather too many than too few, and never more than compile.
pub(super) fn states(pattern: &str) -> u64 {
    let mut chars = pattern.chars();
    let mut states: u64 = 1;
    let mut repeats: u64 = 1;
    while let Some(c) = chars.next() {
        states += match c {
            '\\' => match chars.next() {
                // A class of Unicode has hundreds of ranges.
                Some('p' | 'P') => 400,
                _ => 12,
            },
            '[' | '.' => 12,
            '{' => {
                repeats = repeats.saturating_mul(most(chars.as_str()));
                1
            }
            c => c.len_utf8() as u64,
        };
    }
    states.saturating_mul(repeats).min(LARGEST)
}

/// What it costs to match a pattern of so many states with a text, in units of work.
pub(super) fn matching(states: u64, text: &str) -> u64 {
    let byte = 1 + states / 4;
    (text.len() as u64).saturating_mul(byte).saturating_add(8)
}

/// The larger number of `3,7}` and what follows.
fn most(counted: &str) -> u64 {
    let inside = counted.split('}').next().unwrap_or_default();
    let numbers = inside
        .split(',')
        .filter_map(|number| number.trim().parse().ok());
    numbers.max().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parts_and_large_classes_count() {
        assert!(states("^[A-Z]{2,4}$") >= 40);
        assert!(states("((a{10}){10}){20}") >= 2_000);
        assert!(states("\\p{L}+") >= 400);
        assert!(states("^[a-z0-9-]+$") < 40);
        assert_eq!(states("a{x}"), states("a{1}"));
        assert_eq!(states(&"a{99}".repeat(100)), LARGEST);
    }
}
