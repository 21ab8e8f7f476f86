//! One schema, ready to check values; the only place that hands values to `jsonschema`.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::{Map, Value};

use super::bounds::{self, VALUE};
use super::document::Document;
use super::effort::{self, CHECK, TELL};
use super::mismatch::{Mismatch, Violation};
use super::tell::{self, Told};
use super::{Unchecked, Verdict};

/// The most memory that one pattern may take, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;
/// How often a pattern with look-around may take a wrong turn.
const WRONG_TURNS: usize = 10_000;
/// How many times as much as another a check with such patterns may cost.
const BACKTRACKING: u64 = 64;

/// What a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Input,
    Output,
}

impl Role {
    /// What paths begin with.
    pub(super) fn root(self) -> &'static str {
        match self {
            Self::Input => "arguments",
            Self::Output => "structuredContent",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "inputSchema",
            Self::Output => "outputSchema",
        })
    }
}

/// A schema that values can be checked against.
pub(super) struct Compiled {
    role: Role,
    document: Document,
    validator: Validator,
    /// Whether a pattern in it can take longer than to pass over the text once.
    backtracks: bool,
}

impl Compiled {
    /// Compiles a schema; `Err` says, after the schema's name, why it cannot be used.
    pub(super) fn new(schema: &Map<String, Value>, role: Role) -> Result<Self, String> {
        let document = Document::read(schema)?;
        // Costs little, and finds a schema that leads to itself without going down.
        let empty = Value::Object(Map::new());
        effort::of_check(&document, &empty)
            .map_err(|_| "leads to itself without end, or to too many schemas".to_owned())?;
        let linear = PatternOptions::regex()
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE);
        let options = jsonschema::options()
            .offline()
            .with_draft(document.dialect)
            .should_validate_formats(false)
            .with_pattern_options(linear);
        let (validator, backtracks) = match options.build(&document.root) {
            Ok(validator) => (validator, false),
            Err(_) => (build_with_backtracking(options, &document)?, true),
        };
        Ok(Self {
            role,
            document,
            validator,
            backtracks,
        })
    }

    pub(super) fn unknown_dialect(&self) -> Option<&str> {
        self.document.unknown_dialect.as_deref()
    }

    pub(super) fn check(&self, value: &Value) -> Result<Verdict, Mismatch> {
        if let Err(why) = self.is_affordable(value) {
            return Ok(Verdict::Unchecked(why));
        }
        if self.validator.is_valid(value) {
            return Ok(Verdict::Fits);
        }
        self.mismatch(value)
            .map_or(Ok(Verdict::Unchecked(Unchecked::Effort)), Err)
    }

    fn is_affordable(&self, value: &Value) -> Result<(), Unchecked> {
        bounds::keeps_to(&VALUE, value).map_err(|over| match over {
            bounds::Over::Depth => Unchecked::Depth,
            _ => Unchecked::Size,
        })?;
        let effort = effort::of_check(&self.document, value).map_err(|over| match over {
            effort::Over::Depth => Unchecked::Depth,
            effort::Over::Work => Unchecked::Effort,
        })?;
        if self.backtracks && effort.total > CHECK / BACKTRACKING {
            return Err(Unchecked::Effort);
        }
        Ok(())
    }

    /// What is wrong with a value that does not fit; none where it was a pattern that gave up.
    fn mismatch(&self, value: &Value) -> Option<Mismatch> {
        let effort = effort::of_telling(&self.document, value);
        let told = Told {
            root: self.role.root(),
            value,
            schema: &self.document.root,
        };
        match effort {
            Ok(effort) if effort.total <= TELL => {
                tell::mismatch(&told, &certain(self.validator.iter_errors(value)))
            }
            Ok(effort) if effort.widest <= TELL => {
                let first = self.validator.validate(value).err();
                tell::mismatch(&told, &certain(first))
            }
            _ => Some(Mismatch::new(vec![Violation::untold(self.role.root())])),
        }
    }
}

/// Compiles with the engine that knows look-around, where the plain one could not read a pattern.
fn build_with_backtracking(
    options: ValidationOptions<'_>,
    document: &Document,
) -> Result<Validator, String> {
    let patient = PatternOptions::fancy_regex()
        .backtrack_limit(WRONG_TURNS)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE);
    let built = options.with_pattern_options(patient).build(&document.root);
    built.map_err(|error| tell::unusable(&document.root, &error))
}

/// Leaves out what a pattern could not decide.
fn certain<'i>(errors: impl IntoIterator<Item = ValidationError<'i>>) -> Vec<ValidationError<'i>> {
    use ValidationErrorKind::{BacktrackLimitExceeded, RegexEngineFailure};
    let is_certain = |error: &ValidationError<'_>| {
        !matches!(
            error.kind(),
            BacktrackLimitExceeded { .. } | RegexEngineFailure { .. }
        )
    };
    errors.into_iter().filter(is_certain).collect()
}
