//! What libFuzzer said of one target, read for people.

/// Everything it wrote, and how it ended.
pub(super) struct Said {
    text: String,
    ended_well: bool,
}

impl Said {
    pub(super) fn new(text: String, ended_well: bool) -> Self {
        Self { text, ended_well }
    }

    pub(super) fn failed(&self) -> bool {
        !self.ended_well || self.executions() == 0
    }

    /// One line: how much was tried.
    pub(super) fn summary(&self) -> String {
        let coverage = self
            .text
            .lines()
            .rev()
            .find_map(|line| number_after(line, " cov: "));
        format!(
            "{:>9} inputs  {:>6} edges reached  {:>4} MiB at most",
            self.executions(),
            coverage.unwrap_or_default(),
            self.stat("peak_rss_mb"),
        )
    }

    /// Why it failed, which input did it, and how to see it again.
    pub(super) fn failure(&self, target: &str) -> String {
        let reason = self
            .text
            .lines()
            .skip_while(|line| !is_reason(line))
            .take(4);
        let mut text: String = reason.map(|line| format!("    {line}\n")).collect();
        if text.is_empty() {
            let last: Vec<&str> = self.text.lines().rev().take(5).collect();
            text = last
                .iter()
                .rev()
                .map(|line| format!("    {line}\n"))
                .collect();
        }
        match self.input() {
            Some(input) => {
                text += &format!(
                    "    see it again: cargo xtask fuzz --only {target} --replay {input}\n    once it is mended, keep it, \
                     so that every test run reads it: cp {input} tests/fuzz/seeds/{target}/NAME"
                );
            }
            None => text += "    it kept no input; all it said is in target/fuzz",
        }
        text
    }

    /// The file of the input that broke something.
    fn input(&self) -> Option<&str> {
        let sign = "Test unit written to ";
        self.text
            .lines()
            .find_map(|line| Some(line.split_once(sign)?.1.trim()))
    }

    fn executions(&self) -> u64 {
        self.stat("number_of_executed_units")
    }

    fn stat(&self, name: &str) -> u64 {
        let sign = format!("stat::{name}: ");
        let found = self.text.lines().find_map(|line| number_after(line, &sign));
        found.unwrap_or_default()
    }
}

fn is_reason(line: &str) -> bool {
    line.contains("panicked at")
        || line.contains("ERROR: libFuzzer: timeout")
        || line.contains("out-of-memory")
}

fn number_after(line: &str, sign: &str) -> Option<u64> {
    let (_, rest) = line.split_once(sign)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "#5\tINITED cov: 1503 ft: 1\n#172946\tDONE   cov: 2676 ft: 7141 corp: 964/134Kb\n\
        stat::number_of_executed_units: 172946\nstat::peak_rss_mb:              42\n";

    #[test]
    fn a_quiet_run_is_one_line() {
        let said = Said::new(GOOD.to_owned(), true);
        assert!(!said.failed());
        assert_eq!(
            said.summary(),
            "   172946 inputs    2676 edges reached    42 MiB at most"
        );
        assert!(Said::new(String::new(), true).failed(), "nothing was tried");
    }

    #[test]
    fn a_broken_promise_is_told_with_how_to_see_it_again() {
        let text = "#9\tNEW cov: 3\nthread '<unnamed>' (1) panicked at tests/fuzz/src/lib.rs:81:5:\nno\n\
            artifact_prefix='f/'; Test unit written to target/fuzz/found/names/crash-1\n";
        let said = Said::new(text.to_owned(), false);
        assert!(said.failed());
        let told = said.failure("names");
        assert!(told.starts_with(
            "    thread '<unnamed>' (1) panicked at tests/fuzz/src/lib.rs:81:5:\n    no\n"
        ));
        assert!(
            told.contains(
                "cargo xtask fuzz --only names --replay target/fuzz/found/names/crash-1\n"
            )
        );
    }
}
