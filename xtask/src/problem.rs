//! What a check found: where, what, and how to mend it. It must not know any check.

use std::fmt;

use anyhow::{Result, bail};

/// One finding, printed as `path:line: problem; mend`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: String,
    line: usize,
    what: String,
    mend: String,
}

impl Problem {
    pub(crate) fn new(
        path: &str,
        line: usize,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            mend,
        } = self;
        write!(f, "{path}:{line}: {what}; {mend}")
    }
}

/// Prints every problem, sorted by place, and fails if there was one.
pub(crate) fn report(mut problems: Vec<Problem>) -> Result<()> {
    problems.sort();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("1 problem"),
        many => bail!("{many} problems"),
    }
}

/// The problems as printed lines, for tests that read like the output.
#[cfg(test)]
pub(crate) fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_fails_the_report_and_none_passes_it() {
        let problem = Problem::new("a/b.rs", 7, "no such thing", "add it");
        assert_eq!(problem.to_string(), "a/b.rs:7: no such thing; add it");
        assert_eq!(report(vec![problem]).unwrap_err().to_string(), "1 problem");
        assert!(report(Vec::new()).is_ok());
    }
}
