//! What the suite found.

use std::fmt;

/// One check, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// What holds of the transport if the check passed.
    pub name: &'static str,
    /// Why it does not hold.
    pub result: Result<(), String>,
}

/// How all checks went. `Display` gives a list, one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    outcomes: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(outcomes: Vec<Outcome>) -> Self {
        Self { outcomes }
    }

    /// The checks, in a fixed order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Whether every check passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(|it| it.result.is_ok())
    }

    /// Ends the test unless every check passed.
    ///
    /// # Panics
    /// Where a check failed, with the whole list.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is there to end a test")]
    pub fn assert(&self) {
        if !self.passed() {
            panic!("the transport does not conform:\n{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.outcomes.iter().map(|it| it.name.len());
        let width = names.max().unwrap_or_default();
        for (n, Outcome { name, result }) in self.outcomes.iter().enumerate() {
            let line_break = if n == 0 { "" } else { "\n" };
            match result {
                Ok(()) => write!(f, "{line_break}{name:<width$}  ok")?,
                Err(why) => write!(f, "{line_break}{name:<width$}  FAILED: {why}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let outcome = |name, result| Outcome { name, result };
        Report::new(vec![
            outcome("short", Ok(())),
            outcome("quite long", Err("it broke".to_owned())),
        ])
    }

    #[test]
    fn the_list_is_aligned() {
        assert_eq!(
            report().to_string(),
            "short       ok\nquite long  FAILED: it broke"
        );
    }

    #[test]
    #[should_panic(expected = "quite long  FAILED: it broke")]
    fn a_failed_check_ends_the_test() {
        report().assert();
    }

    #[test]
    fn a_report_of_passed_checks_ends_no_test() {
        let mut report = report();
        report.outcomes.pop();
        report.assert();
    }
}
