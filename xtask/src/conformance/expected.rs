//! Which scenarios are known to fail, and why. It must not know what a scenario checks.

use anyhow::{Context as _, Result, bail};

/// The list, a line for each scenario.
pub(super) const PATH: &str = "tests/conformance/expected-failures.txt";

/// The scenarios that may fail, and have to.
#[derive(Debug, Default)]
pub(super) struct Expected(Vec<(String, String)>);

impl Expected {
    /// Reads lines of `NAME: REASON`, and leaves out comments.
    ///
    /// # Errors
    /// Where a line gives no reason, or a name stands there twice.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut read = Self::default();
        let lines = text.lines().map(str::trim).zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            let entry = line.split_once(": ").map(|(name, why)| (name, why.trim()));
            let (name, why) = entry
                .filter(|(_, why)| !why.is_empty())
                .with_context(|| format!("{PATH}:{number}: no reason; write `NAME: REASON`"))?;
            if read.why(name).is_some() {
                bail!("{PATH}:{number}: `{name}` stands there twice; remove one");
            }
            read.0.push((name.to_owned(), why.to_owned()));
        }
        Ok(read)
    }

    /// Why a scenario is known to fail.
    pub(super) fn why(&self, scenario: &str) -> Option<&str> {
        let mut entries = self.0.iter();
        entries
            .find(|(name, _)| name == scenario)
            .map(|(_, why)| why.as_str())
    }

    /// All names, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_reason() {
        let read = Expected::read("# why\n\nauth/a: not built: it is new\nauth/b: as auth/a\n");
        let read = read.unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["auth/a", "auth/b"]);
        assert_eq!(read.why("auth/a"), Some("not built: it is new"));
        assert_eq!(read.why("auth"), None);
    }

    #[test]
    fn lines_without_a_reason_and_names_that_come_twice_are_told() {
        for (text, why) in [
            (
                "\nauth/a\n",
                "tests/conformance/expected-failures.txt:2: no reason; write `NAME: REASON`",
            ),
            (
                "auth/a: \n",
                "tests/conformance/expected-failures.txt:1: no reason; write `NAME: REASON`",
            ),
            (
                "a: x\nb: y\na: z\n",
                "tests/conformance/expected-failures.txt:3: `a` stands there twice; remove one",
            ),
        ] {
            assert_eq!(Expected::read(text).unwrap_err().to_string(), why);
        }
    }
}
