//! How many tokens a text is for a model, without any model's tokenizer.

/// Bytes of JSON and prose that become one token, about: 1,167 real tool definitions are 1.75 MB and some 437,000 tokens.
const BYTES_PER_TOKEN: usize = 4;

/// Estimates how many tokens a text is.
///
/// Implemented by closures over a text; [`estimate`] is the one that is used where none is given.
pub trait TokenEstimator: Send + Sync + 'static {
    /// The number of tokens of `text`.
    fn tokens(&self, text: &str) -> usize;
}

impl<F: Fn(&str) -> usize + Send + Sync + 'static> TokenEstimator for F {
    fn tokens(&self, text: &str) -> usize {
        self(text)
    }
}

/// Estimates tokens from the length alone.
#[must_use]
pub fn estimate(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_token_counts_as_one() {
        assert_eq!((estimate(""), estimate("a"), estimate("abcde")), (0, 1, 2));
        let by_words = |text: &str| text.split_whitespace().count();
        assert_eq!(TokenEstimator::tokens(&by_words, "two words"), 2);
    }
}
