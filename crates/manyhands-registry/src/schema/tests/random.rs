//! Random values under random schemas: whatever comes, something is answered.

use fastrand::Rng;
use manyhands_core::Printable;
use serde_json::{Map, Value, json};

use super::{said, taking};

const NAMES: [&str; 6] = ["a", "b", "c", "kind", "\u{1b}", "a/b~"];
const PATTERNS: [&str; 5] = ["^a", "^(?=a).*$", "(a|b)+$", "(", "\\p{L}"];

#[test]
fn nothing_panics_and_every_message_is_short_and_printable() {
    let (mut fitting, mut failing, mut unusable) = (0, 0, 0);
    for seed in 0..1_500 {
        let mut rng = Rng::with_seed(seed);
        let mut drawn = schema(&mut rng, 4);
        if let Some(map) = drawn.as_object_mut() {
            map.insert(
                "$defs".to_owned(),
                json!({"d": schema(&mut rng, 3), "e": schema(&mut rng, 2)}),
            );
        } else {
            continue;
        }
        let tool = taking(&drawn);
        unusable += usize::from(tool.schema_problem().is_some());
        for _ in 0..4 {
            let arguments = object(&mut rng, 4);
            let result = tool.check_arguments(&arguments.clone().into());
            fitting += usize::from(result.is_ok());
            failing += usize::from(result.is_err());
            let told = said(result);
            assert!(told.len() < 4_000, "seed {seed}: {} bytes", told.len());
            assert_eq!(Printable(&told).to_string(), told, "seed {seed}");
        }
    }
    // The test is of use only while all three happen.
    assert!(
        fitting > 400 && failing > 400 && unusable > 50,
        "{fitting} {failing} {unusable}"
    );
}

#[test]
fn what_a_schema_refuses_its_negation_takes() {
    let mut compared = 0;
    for seed in 0..1_000 {
        let mut rng = Rng::with_seed(seed);
        let rule = schema(&mut rng, 3);
        if rule.to_string().contains("\"#\"") {
            // The root is another one in each of the two.
            continue;
        }
        let defs = json!({"d": {"type": "string"}, "e": {"minimum": 1}});
        let plain = taking(&json!({"properties": {"a": rule}, "$defs": defs}));
        let negated = taking(&json!({"properties": {"a": {"not": rule}}, "$defs": defs}));
        let arguments = json!({"a": value(&mut rng, 3)});
        let fits =
            |tool: &crate::ToolEntry| tool.check_arguments(&arguments.clone().try_into().unwrap());
        match (fits(&plain), fits(&negated)) {
            (Ok(super::Verdict::Unchecked(_)), _) | (_, Ok(super::Verdict::Unchecked(_))) => {}
            (one, other) => {
                compared += 1;
                assert_ne!(
                    one.is_ok(),
                    other.is_ok(),
                    "seed {seed}: {rule} and {arguments}"
                );
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    rng.choice(from).copied().unwrap_or_default()
}

fn value(rng: &mut Rng, depth: usize) -> Value {
    match rng.u8(0..if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => rng.i64(-5..5).into(),
        3 => json!(rng.f64() * 10.0),
        4 => pick(rng, &["", "a", "ab", "kind", "\u{1b}[2J", "é"]).into(),
        5 => (0..rng.usize(0..4))
            .map(|_| value(rng, depth - 1))
            .collect(),
        _ => object(rng, depth - 1).into(),
    }
}

fn object(rng: &mut Rng, depth: usize) -> Map<String, Value> {
    (0..rng.usize(0..4))
        .map(|_| (pick(rng, &NAMES).to_owned(), value(rng, depth)))
        .collect()
}

fn schema(rng: &mut Rng, depth: usize) -> Value {
    if depth == 0 || rng.u8(0..12) == 0 {
        return rng.bool().into();
    }
    let count = rng.usize(1..4);
    Value::Object((0..count).map(|_| keyword(rng, depth - 1)).collect())
}

/// One keyword, now and then with a value that it does not take.
fn keyword(rng: &mut Rng, depth: usize) -> (String, Value) {
    let (keyword, rule) = match rng.u8(0..24) {
        0..14 => rule(rng),
        _ => applicator(rng, depth),
    };
    let rule = if rng.u8(0..40) == 0 {
        value(rng, 1)
    } else {
        rule
    };
    (keyword.to_owned(), rule)
}

/// A keyword that looks at the value itself.
fn rule(rng: &mut Rng) -> (&'static str, Value) {
    const TYPES: [&str; 7] = [
        "string", "integer", "number", "boolean", "null", "array", "object",
    ];
    const LIMITS: [&str; 4] = ["minimum", "maximum", "multipleOf", "exclusiveMinimum"];
    const SIZES: [&str; 4] = ["minLength", "maxItems", "minProperties", "minContains"];
    match rng.u8(0..14) {
        0..=5 => ("type", pick(rng, &TYPES).into()),
        6 => ("enum", (0..3).map(|_| value(rng, 1)).collect()),
        7 => ("const", value(rng, 2)),
        8 => (
            "required",
            (0..rng.usize(0..3)).map(|_| pick(rng, &NAMES)).collect(),
        ),
        9 => ("pattern", pick(rng, &PATTERNS).into()),
        10 | 11 => (pick(rng, &LIMITS), json!(rng.i8(-2..4))),
        12 => (pick(rng, &SIZES), json!(rng.u8(0..3))),
        _ => ("uniqueItems", true.into()),
    }
}

/// A keyword that holds schemas, or leads to one.
fn applicator(rng: &mut Rng, depth: usize) -> (&'static str, Value) {
    const LISTS: [&str; 4] = ["prefixItems", "anyOf", "oneOf", "allOf"];
    const NAMED: [&str; 4] = [
        "properties",
        "properties",
        "dependentSchemas",
        "patternProperties",
    ];
    const SINGLE: [&str; 10] = [
        "additionalProperties",
        "items",
        "not",
        "unevaluatedProperties",
        "unevaluatedItems",
        "propertyNames",
        "contains",
        "if",
        "then",
        "else",
    ];
    const REFERENCES: [&str; 5] = ["#", "#/$defs/d", "#/$defs/e", "#/$defs/none", "http://x/"];
    let count = rng.usize(1..4);
    match rng.u8(0..10) {
        0..4 => (
            pick(rng, &LISTS),
            (0..count).map(|_| schema(rng, depth)).collect(),
        ),
        4..7 => {
            let named = (0..count).map(|_| (pick(rng, &NAMES).to_owned(), schema(rng, depth)));
            let named: Value = named.collect();
            (pick(rng, &NAMED), named)
        }
        7 | 8 => (pick(rng, &SINGLE), schema(rng, depth)),
        _ => ("$ref", pick(rng, &REFERENCES).into()),
    }
}
