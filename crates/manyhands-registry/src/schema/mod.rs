//! What a tool takes and gives, checked against its schemas.
//!
//! Servers are strangers, and so are their schemas: nothing is fetched, and the size of a schema, the size of a value and
//! the work of a check are all bounded (`bounds.rs`, `effort.rs`). Where a bound is met, or a schema cannot be used, the
//! value goes unchecked, which is told and is no failure. This module knows neither calls nor what a mismatch leads to.

mod bounds;
mod compiled;
mod document;
mod effort;
mod mismatch;
mod pattern;
mod tell;
mod words;

use std::fmt;
use std::sync::OnceLock;

use manyhands_core::model::Tool;
use manyhands_core::{Arguments, Notice, Reply};
use serde_json::{Map, Value};

pub use self::mismatch::{Mismatch, Violation, ViolationKind};

use self::bounds::{SCHEMA, VALUE, keeps_to};
use self::compiled::{Compiled, Role};
use crate::shard::Named;

/// A tool's schemas, each compiled when something is first checked against it.
#[derive(Default)]
pub(crate) struct Schemas {
    input: OnceLock<Result<Compiled, String>>,
    output: OnceLock<Result<Compiled, String>>,
    problem: OnceLock<Option<String>>,
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Compiled schemas are pages long, and follow from the definition.
        f.debug_struct("Schemas").finish_non_exhaustive()
    }
}

/// How a check ended that found nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The value fits the schema, or there is none.
    Fits,
    /// The value was not checked.
    Unchecked(Unchecked),
}

/// Why a value was not checked. `Display` says it as it follows "unchecked, because".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unchecked {
    /// The schema cannot be used; [`Named::schema_problem`] says why.
    Schema,
    /// The value is larger than 4 MiB.
    Size,
    /// The value is nested too deep.
    Depth,
    /// The check could take too long.
    Effort,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schema => "the tool's schema cannot be used",
            Self::Size => "it is larger than 4 MiB",
            Self::Depth => "it is nested too deep",
            Self::Effort => "the check could take too long",
        })
    }
}

impl Named<Tool> {
    /// Checks arguments against the tool's `inputSchema`.
    ///
    /// A schema that does not name its `type`, as some servers leave it out, is one of an object: arguments are nothing else.
    ///
    /// The schema is compiled by the first check and kept with the entry and its clones, and by later catalogues for as
    /// long as the server does not change it. A check takes a few microseconds where arguments are small, and tens of
    /// milliseconds at most.
    ///
    /// # Errors
    /// [`Mismatch`] naming what does not fit, and what was expected.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use manyhands_core::{Inventory, ServerId, model::Tool};
    /// # use manyhands_registry::Catalogue;
    /// # let id = ServerId::parse("slack")?;
    /// # let mut inventory = Inventory::default();
    /// let tool = serde_json::json!({"name": "search", "inputSchema": {
    ///     "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["query"],
    /// }});
    /// # inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
    /// # let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &inventory);
    /// let arguments = serde_json::json!({"limit": "ten"}).try_into()?;
    /// let error = catalogue.tool("slack.search")?.check_arguments(&arguments).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "expected arguments.limit to be an integer, found \"ten\"; missing arguments.query"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_arguments(&self, arguments: &Arguments) -> Result<Verdict, Mismatch> {
        match self.input() {
            Ok(schema) => schema.check(arguments.as_value()),
            Err(_) => Ok(Verdict::Unchecked(Unchecked::Schema)),
        }
    }

    /// Checks the `structuredContent` of a reply against the tool's `outputSchema`.
    ///
    /// A tool without that schema fits, and so does a reply that says that the tool failed.
    ///
    /// # Errors
    /// [`Mismatch`] naming what does not fit, and what was expected.
    pub fn check_result(&self, reply: &Reply) -> Result<Verdict, Mismatch> {
        let Some(schema) = self.output() else {
            return Ok(Verdict::Fits);
        };
        if reply.raw().get().len() > VALUE.bytes {
            return Ok(Verdict::Unchecked(Unchecked::Size));
        }
        if reply.parsed().is_null() {
            return Ok(Verdict::Unchecked(Unchecked::Depth));
        }
        if reply.is_error() {
            return Ok(Verdict::Fits);
        }
        match (schema, reply.parsed().get("structuredContent")) {
            (_, None) => Err(Mismatch::missing(Role::Output.root())),
            (Err(_), Some(_)) => Ok(Verdict::Unchecked(Unchecked::Schema)),
            (Ok(schema), Some(content)) => schema.check(content),
        }
    }

    /// Says why a schema of this tool cannot be used, where one cannot: what it is for then goes unchecked.
    ///
    /// Both schemas are compiled for that.
    #[must_use]
    pub fn schema_problem(&self) -> Option<&str> {
        let problem = self.schemas.problem.get_or_init(|| {
            let told = |role: Role, reason: &String| format!("its {role} {reason}");
            let input = self.input().as_ref().err();
            let output = self.output().and_then(|schema| schema.as_ref().err());
            let told: Vec<String> = input
                .map(|reason| told(Role::Input, reason))
                .into_iter()
                .chain(output.map(|reason| told(Role::Output, reason)))
                .collect();
            (!told.is_empty()).then(|| told.join("; "))
        });
        problem.as_deref()
    }

    /// Tells what is odd about this tool's schemas: that one cannot be used, or is in a dialect that nobody here knows.
    ///
    /// Both schemas are compiled for that.
    #[must_use]
    pub fn schema_notices(&self) -> Vec<Notice> {
        let name = manyhands_core::clip(self.name().name(), 80);
        let name = manyhands_core::Printable(&name);
        let problem = self.schema_problem().map(|problem| {
            Notice::new(format!("the tool {name} goes unchecked in part: {problem}"))
        });
        let schemas = [
            (Role::Input, Some(self.input())),
            (Role::Output, self.output()),
        ];
        let dialects = schemas.into_iter().filter_map(|(role, schema)| {
            let dialect = schema?.as_ref().ok()?.unknown_dialect()?;
            Some(Notice::new(format!(
                "the {role} of the tool {name} names an unknown dialect, `{dialect}`, and is read as 2020-12"
            )))
        });
        problem.into_iter().chain(dialects).collect()
    }

    fn input(&self) -> &Result<Compiled, String> {
        let compile = || Compiled::new(&self.definition().input_schema, Role::Input);
        self.schemas.input.get_or_init(compile)
    }

    fn output(&self) -> Option<&Result<Compiled, String>> {
        let schema = self.definition().output_schema.as_ref()?;
        let compile = || Compiled::new(schema, Role::Output);
        Some(self.schemas.output.get_or_init(compile))
    }
}

/// Whether a stranger's schema is small enough for anything to be made of it.
pub(crate) fn is_usable(schema: &Map<String, Value>) -> bool {
    schema.values().all(|it| keeps_to(&SCHEMA, it).is_ok())
}

#[cfg(test)]
mod tests;
