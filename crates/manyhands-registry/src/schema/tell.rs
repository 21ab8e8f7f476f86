//! From the validator's errors to what a person or model can act on.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use manyhands_core::nearest;
use serde_json::{Map, Value};

use super::mismatch::{MAX_TOLD, Mismatch, Violation, ViolationKind};
use super::words;

/// What errors are told about.
pub(super) struct Told<'a> {
    /// What paths begin with.
    pub(super) root: &'a str,
    pub(super) value: &'a Value,
    /// The schema that the errors' paths lead into.
    pub(super) schema: &'a Value,
}

/// Puts errors into words; none where there are none.
pub(super) fn mismatch(told: &Told<'_>, errors: &[ValidationError<'_>]) -> Option<Mismatch> {
    let mut violations = Vec::new();
    let mut more = 0;
    for error in errors {
        // Once there are enough, the rest is only counted.
        if violations.len() >= MAX_TOLD {
            more += 1;
        } else {
            told.add(error, &mut violations);
        }
    }
    more += violations.len().saturating_sub(MAX_TOLD);
    violations.truncate(MAX_TOLD);
    violations.sort_by_key(|violation| match violation.kind() {
        ViolationKind::Unfit => 0,
        ViolationKind::Unknown => 1,
        ViolationKind::Missing => 2,
    });
    (!violations.is_empty()).then(|| Mismatch::new(violations).with_more(more))
}

/// Says, after a schema's name, why it does not compile.
pub(super) fn unusable(schema: &Value, error: &ValidationError<'_>) -> String {
    if matches!(error.kind(), Kind::Referencing(_)) {
        return "has a reference that leads nowhere".to_owned();
    }
    let told = Told {
        root: "it",
        value: schema,
        schema: &Value::Null,
    };
    match mismatch(&told, std::slice::from_ref(error)) {
        Some(mismatch) => format!("is no JSON Schema: {mismatch}"),
        None => "is no JSON Schema".to_owned(),
    }
}

impl Told<'_> {
    fn add(&self, error: &ValidationError<'_>, violations: &mut Vec<Violation>) {
        match error.kind() {
            Kind::Required { property } => {
                let property = property.as_str().unwrap_or_default();
                let hint = self.misspelt(error, property);
                push(
                    violations,
                    Violation::missing(self.member(error, property), hint),
                );
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                for property in unexpected.iter().take(MAX_TOLD) {
                    // What it takes is said once; a near miss of each.
                    let is_first = violations
                        .iter()
                        .all(|it| it.kind() != ViolationKind::Unknown);
                    let known = || is_first.then(|| self.known(error)).flatten();
                    let hint = self.meant(error, property).or_else(known);
                    push(
                        violations,
                        Violation::unknown(self.member(error, property), hint),
                    );
                }
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.choice(error, context, violations);
            }
            Kind::PropertyNames { error: of_name } => {
                let path = format!("a name in {}", self.path(error));
                let found = words::value(of_name.instance());
                push(violations, Violation::unfit(path, expected(of_name), found));
            }
            kind => {
                let hint = match kind {
                    Kind::Enum { options } => like(options, error.instance()),
                    _ => None,
                };
                let found = self.found(error);
                let unfit = Violation::unfit(self.path(error), expected(error), found);
                push(violations, unfit.with_hint(hint));
            }
        }
    }

    /// Tells of alternatives none of which fits: what is wrong in the one that was meant, or which there are.
    fn choice(
        &self,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'_>>],
        violations: &mut Vec<Violation>,
    ) {
        let here = error.instance_path().as_str();
        let is_meant =
            |branch: &&Vec<ValidationError<'_>>| !branch.iter().any(|it| is_other(it, here));
        let meant: Vec<_> = branches.iter().filter(is_meant).collect();
        let rank = |branch: &Vec<ValidationError<'_>>| {
            let is_missing = |it: &&ValidationError<'_>| {
                matches!(it.kind(), Kind::Required { .. }) && it.instance_path().as_str() == here
            };
            // What has all its properties was rather meant than what lacks one.
            (branch.iter().filter(is_missing).count(), branch.len())
        };
        let least = meant.iter().map(|branch| rank(branch)).min();
        let best: Vec<_> = meant
            .into_iter()
            .filter(|branch| Some(rank(branch)) == least)
            .collect();
        if let [branch] = best.as_slice() {
            for error in branch.iter().take(MAX_TOLD) {
                self.add(error, violations);
            }
            return;
        }
        let listed = if best.is_empty() {
            branches.iter().collect()
        } else {
            best
        };
        let expected = alternatives(&listed, here);
        push(
            violations,
            Violation::unfit(self.path(error), expected, self.found(error)),
        );
    }

    fn path(&self, error: &ValidationError<'_>) -> String {
        words::path(self.root, self.value, error.instance_path().as_str())
    }

    /// The path of a property of what the error is about.
    fn member(&self, error: &ValidationError<'_>, property: &str) -> String {
        let mut path = self.path(error);
        words::push_key(&mut path, property);
        path
    }

    /// The schema whose keyword failed.
    fn around(&self, error: &ValidationError<'_>) -> Option<&Map<String, Value>> {
        let (schema, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(schema)?.as_object()
    }

    /// The properties that the failed schema knows.
    fn properties(&self, error: &ValidationError<'_>) -> Option<&Map<String, Value>> {
        self.around(error)?.get("properties")?.as_object()
    }

    /// What an unknown property may have been meant for.
    fn meant(&self, error: &ValidationError<'_>, unknown: &str) -> Option<String> {
        let given = error.instance().as_object()?;
        let known = self.properties(error)?.keys();
        let open = known.filter(|name| !given.contains_key(*name));
        let near = nearest(unknown, open.map(String::as_str));
        Some(format!("did you mean {}?", words::name(near.first()?)))
    }

    /// Which properties there are.
    fn known(&self, error: &ValidationError<'_>) -> Option<String> {
        let known = self.properties(error)?;
        let names: Vec<String> = known.keys().take(8).map(|it| words::name(it)).collect();
        match known.len() - names.len() {
            _ if names.is_empty() => None,
            0 => Some(format!("it takes {}", words::all(&names))),
            more => Some(format!("it takes {} and {more} more", names.join(", "))),
        }
    }

    /// Under which other name a missing property may have been given, where unknown ones are allowed.
    fn misspelt(&self, error: &ValidationError<'_>, missing: &str) -> Option<String> {
        let known = self.properties(error)?;
        if self.around(error)?.get("additionalProperties") == Some(&Value::Bool(false)) {
            return None;
        }
        let given = error.instance().as_object()?.keys();
        let strange = given.filter(|name| !known.contains_key(*name));
        let near = nearest(missing, strange.map(String::as_str));
        Some(format!(
            "is it what {} was meant for?",
            words::name(near.first()?)
        ))
    }

    fn found(&self, error: &ValidationError<'_>) -> String {
        let value = error.instance();
        let is_secret = |schema: &Map<String, Value>| {
            schema.get("writeOnly") == Some(&Value::Bool(true))
                || schema
                    .get("format")
                    .is_some_and(|format| format == "password")
        };
        if self.around(error).is_some_and(is_secret) {
            return words::kind_of(value).to_owned();
        }
        match (error.kind(), &**value) {
            (Kind::MinLength { .. } | Kind::MaxLength { .. }, Value::String(text)) => {
                words::counted(text.chars().count(), "character")
            }
            (Kind::MinProperties { .. } | Kind::MaxProperties { .. }, Value::Object(map)) => {
                words::counted(map.len(), "property")
            }
            (Kind::OneOfMultipleValid { context }, value) => {
                let fits = context.iter().filter(|branch| branch.is_empty()).count();
                format!("{}, which fits {fits}", words::value(value))
            }
            (_, value) => words::value(value),
        }
    }
}

/// Adds what was not told in the same words already.
fn push(violations: &mut Vec<Violation>, violation: Violation) {
    if !violations.contains(&violation) {
        violations.push(violation);
    }
}

/// Whether a failed alternative cannot have been meant: another type, or another value of what tells alternatives apart.
fn is_other(error: &ValidationError<'_>, here: &str) -> bool {
    let at = error.instance_path().as_str();
    let is_single = |options: &Value| options.as_array().is_some_and(|all| all.len() == 1);
    match error.kind() {
        Kind::Type { .. } | Kind::FalseSchema => at == here,
        Kind::Enum { options } if !is_single(options) => at == here,
        Kind::Constant { .. } | Kind::Enum { .. } => {
            let below = at.strip_prefix(here).unwrap_or_default();
            below.matches('/').count() <= 1
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let is_other = |branch: &Vec<_>| branch.iter().any(|it| is_other(it, here));
            at == here && context.iter().all(is_other)
        }
        _ => false,
    }
}

/// "be an integer or null", "be an object with `a` or have at least 2 items".
fn alternatives(branches: &[&Vec<ValidationError<'_>>], here: &str) -> String {
    let mut phrases = Vec::new();
    for branch in branches {
        add_phrases(branch, here, &mut phrases);
    }
    let nouns: Option<Vec<String>> = phrases
        .iter()
        .map(|phrase| phrase.strip_prefix("be ").map(str::to_owned))
        .collect();
    match nouns {
        Some(nouns) => format!("be {}", words::any(nouns.into_iter())),
        None => words::any(phrases.into_iter()),
    }
}

/// What one alternative expects, by the errors that it gave.
fn add_phrases(branch: &[ValidationError<'_>], here: &str, phrases: &mut Vec<String>) {
    let other = branch.iter().find(|error| is_other(error, here));
    let Some(error) = other.or_else(|| branch.first()) else {
        return;
    };
    let at = error.instance_path().as_str();
    let below = at.strip_prefix(here).unwrap_or_default();
    let last = below.rsplit('/').next().unwrap_or_default();
    let property = words::name(&last.replace("~1", "/").replace("~0", "~"));
    let phrase = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } if at == here => {
            for branch in context {
                add_phrases(branch, here, phrases);
            }
            return;
        }
        Kind::Enum { options } if at == here => {
            let options = options.as_array().map_or(&[][..], Vec::as_slice);
            phrases.extend(options.iter().map(|it| format!("be {}", words::value(it))));
            return;
        }
        Kind::Constant { .. } | Kind::Enum { .. } if at != here => {
            let expected = expected(error);
            let value = expected.strip_prefix("be ").unwrap_or(&expected);
            format!("be an object with {property} {value}")
        }
        Kind::Required { .. } if at == here => {
            let missing = branch.iter().filter_map(|error| match error.kind() {
                Kind::Required { property } => property.as_str().map(words::name),
                _ => None,
            });
            format!(
                "be an object with {}",
                words::all(&missing.collect::<Vec<_>>())
            )
        }
        _ if at == here => expected(error),
        _ => format!("have {property} {}", expected(error)),
    };
    if !phrases.contains(&phrase) {
        phrases.push(phrase);
    }
}

/// What one error expected, as it follows "expected it to".
fn expected(error: &ValidationError<'_>) -> String {
    let number = |limit: &Value| words::short(&limit.to_string());
    match error.kind() {
        Kind::Type { kind } => format!("be {}", words::types(kind)),
        Kind::Constant { expected_value } => format!("be {}", words::value(expected_value)),
        Kind::Enum { options } => {
            let options = options.as_array().map_or(&[][..], Vec::as_slice);
            format!("be {}", words::any(options.iter().map(words::value)))
        }
        Kind::Pattern { pattern } => format!("match the pattern `{}`", words::short(pattern)),
        Kind::Format { format } => format!("be a {}", words::short(format)),
        Kind::Minimum { limit } => format!("be at least {}", number(limit)),
        Kind::Maximum { limit } => format!("be at most {}", number(limit)),
        Kind::ExclusiveMinimum { limit } => format!("be more than {}", number(limit)),
        Kind::ExclusiveMaximum { limit } => format!("be less than {}", number(limit)),
        Kind::MultipleOf { multiple_of } => format!("be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => {
            format!("have at least {}", words::counted(*limit, "character"))
        }
        Kind::MaxLength { limit } => {
            format!("have at most {}", words::counted(*limit, "character"))
        }
        Kind::MinItems { limit } => format!("have at least {}", words::counted(*limit, "item")),
        Kind::MaxItems { limit } => format!("have at most {}", words::counted(*limit, "item")),
        Kind::AdditionalItems { limit } => {
            format!("have at most {}", words::counted(*limit, "item"))
        }
        Kind::MinProperties { limit } => {
            format!("have at least {}", words::counted(*limit, "property"))
        }
        Kind::MaxProperties { limit } => {
            format!("have at most {}", words::counted(*limit, "property"))
        }
        Kind::UnevaluatedItems { .. } => "have fewer items".to_owned(),
        Kind::UniqueItems => "have no item twice".to_owned(),
        Kind::Contains => "have an item of the form that it must contain".to_owned(),
        Kind::FalseSchema => "be left out".to_owned(),
        Kind::Required { property } => match property.as_str() {
            Some(property) => format!("be an object with {}", words::name(property)),
            None => "have all its properties".to_owned(),
        },
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<String> = unexpected
                .iter()
                .take(3)
                .map(|it| words::name(it))
                .collect();
            format!("be an object without {}", words::all(&names))
        }
        Kind::OneOfMultipleValid { context } => {
            format!("fit only one of its {} alternatives", context.len())
        }
        Kind::Not { schema } => format!("not be {}", words::excluded(schema)),
        kind => format!("fit the `{}` of its schema", words::short(kind.keyword())),
    }
}

/// The option that a text was probably meant to be.
fn like(options: &Value, found: &Value) -> Option<String> {
    let texts = options.as_array()?.iter().filter_map(Value::as_str);
    let near = nearest(found.as_str()?, texts);
    Some(format!(
        "did you mean {}?",
        words::value(&Value::from(*near.first()?))
    ))
}
