//! A step that could not do its work here, and says why. It passes as a command and is never green in the summary of
//! `cargo xtask ci`. It must not know any step.

use std::fmt;

/// Why a step was skipped. A step returns it as its error, so that no step can skip without a reason.
#[derive(Debug)]
pub(crate) struct Skipped(String);

impl Skipped {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(crate) fn why(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_reads_as_one_and_survives_as_an_error() {
        let error = anyhow::Error::from(Skipped::new("no network"));
        assert_eq!(error.to_string(), "skipped: no network");
        assert_eq!(
            error.downcast_ref::<Skipped>().map(Skipped::why),
            Some("no network")
        );
        assert!(
            anyhow::anyhow!("skipped: no network")
                .downcast_ref::<Skipped>()
                .is_none()
        );
    }
}
