//! A reader of SPDX license expressions, as far as manifests use them: identifiers, `WITH`, `AND`, `OR`, parentheses,
//! and the `/` of old manifests, which means `OR`. It must not know which licences are welcome.

use anyhow::{Context as _, Result, bail};

/// What may be accepted or refused: one license, with its exception if it has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct License<'a> {
    pub(crate) id: &'a str,
    pub(crate) exception: Option<&'a str>,
}

#[derive(Debug)]
enum Expression<'a> {
    One(License<'a>),
    All(Vec<Expression<'a>>),
    Any(Vec<Expression<'a>>),
}

/// Whether the expression can be fulfilled with the accepted licences alone.
pub(crate) fn is_fulfilled(
    expression: &str,
    accepts: &dyn Fn(&License<'_>) -> bool,
) -> Result<bool> {
    let read = || {
        let mut words = Words::new(expression);
        let read = words.any()?;
        match words.next() {
            None => Ok(read),
            Some(word) => bail!("`{word}` stands where the expression should end"),
        }
    };
    let expression = read().with_context(|| format!("`{expression}` is not understood"))?;
    Ok(expression.is_fulfilled(accepts))
}

impl Expression<'_> {
    fn is_fulfilled(&self, accepts: &dyn Fn(&License<'_>) -> bool) -> bool {
        match self {
            Self::One(license) => accepts(license),
            Self::All(parts) => parts.iter().all(|part| part.is_fulfilled(accepts)),
            Self::Any(parts) => parts.iter().any(|part| part.is_fulfilled(accepts)),
        }
    }
}

/// The words of an expression, the last one first.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn new(expression: &'a str) -> Self {
        let mut words: Vec<&str> = expression
            .split_whitespace()
            .flat_map(|piece| piece.split_inclusive(['(', ')', '/']))
            .flat_map(|piece| match piece.strip_suffix(['(', ')', '/']) {
                Some(word) => {
                    let (_, mark) = piece.split_at(word.len());
                    [word, mark]
                }
                None => [piece, ""],
            })
            .filter(|word| !word.is_empty())
            .collect();
        words.reverse();
        Self(words)
    }

    fn next(&mut self) -> Option<&'a str> {
        self.0.pop()
    }

    /// Takes the next word if it is one of these.
    fn take(&mut self, wanted: &[&str]) -> bool {
        let found = self.0.last().is_some_and(|word| wanted.contains(word));
        if found {
            self.0.pop();
        }
        found
    }

    fn any(&mut self) -> Result<Expression<'a>> {
        let mut parts = vec![self.all()?];
        while self.take(&["OR", "/"]) {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression<'a>> {
        let mut parts = vec![self.one()?];
        while self.take(&["AND"]) {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression<'a>> {
        if self.take(&["("]) {
            let inner = self.any()?;
            if !self.take(&[")"]) {
                bail!("a parenthesis is not closed");
            }
            return Ok(inner);
        }
        let id = self.name("a license")?;
        let exception = if self.take(&["WITH"]) {
            Some(self.name("an exception")?)
        } else {
            None
        };
        Ok(Expression::One(License { id, exception }))
    }

    fn name(&mut self, what: &str) -> Result<&'a str> {
        match self.next() {
            None => bail!("it ends where {what} should stand"),
            Some(word @ ("AND" | "OR" | "WITH" | "(" | ")" | "/")) => {
                bail!("`{word}` stands where {what} should")
            }
            Some(word) => Ok(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `MIT`, `ISC` and `Apache-2.0 WITH LLVM-exception` are enough.
    fn enough(expression: &str) -> bool {
        is_fulfilled(expression, &|license| {
            matches!(
                (license.id, license.exception),
                ("MIT" | "ISC", None) | ("Apache-2.0", Some("LLVM-exception"))
            )
        })
        .unwrap()
    }

    #[test]
    fn one_accepted_alternative_is_enough_and_each_part_is_needed() {
        for yes in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "MIT / GPL-3.0",
            "MIT AND ISC",
            "Apache-2.0 WITH LLVM-exception",
            "Apache-2.0 OR Apache-2.0 WITH LLVM-exception",
            "(MIT)",
            "(GPL-3.0 OR MIT) AND ISC",
            "((MIT OR GPL-3.0) AND (ISC))",
        ] {
            assert!(enough(yes), "{yes}");
        }
        for no in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "MIT WITH LLVM-exception",
            "mit",
            "MIT+",
        ] {
            assert!(!enough(no), "{no}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(enough("MIT OR GPL-3.0 AND AGPL-3.0"));
        assert!(enough("GPL-3.0 AND AGPL-3.0 OR MIT"));
        assert!(!enough("(MIT OR GPL-3.0) AND AGPL-3.0"));
    }

    #[test]
    fn what_is_no_expression_is_an_error_that_says_where() {
        for (expression, why) in [
            ("", "it ends where a license should stand"),
            ("MIT OR", "it ends where a license should stand"),
            ("AND MIT", "`AND` stands where a license should"),
            ("MIT WITH", "it ends where an exception should stand"),
            ("(MIT", "a parenthesis is not closed"),
            ("MIT)", "`)` stands where the expression should end"),
            ("MIT ISC", "`ISC` stands where the expression should end"),
        ] {
            let error = is_fulfilled(expression, &|_| true).unwrap_err();
            assert_eq!(
                format!("{error:#}"),
                format!("`{expression}` is not understood: {why}")
            );
        }
    }
}
