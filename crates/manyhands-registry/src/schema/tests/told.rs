//! What a mismatch says.

use serde_json::{Value, json};

use super::{checked, outcome, taking};
use crate::ViolationKind;

/// What is told of a single argument `a`.
fn told(schema: &Value, a: &Value) -> String {
    checked(&json!({"properties": {"a": schema}}), &json!({"a": a}))
}

#[test]
fn each_rule_of_value_says_what_it_expected() {
    for (schema, value, expected) in [
        (
            json!({"type": "integer"}),
            json!(1.5),
            "be an integer, found 1.5",
        ),
        (
            json!({"type": ["string", "null"]}),
            json!([1, 2]),
            "be null or a text, found a list of 2 items",
        ),
        (
            json!({"type": "array"}),
            json!({"x": 1}),
            "be a list, found an object with `x`",
        ),
        (
            json!({"type": "number"}),
            json!({}),
            "be a number, found an empty object",
        ),
        (json!({"const": "x"}), json!("y"), "be \"x\", found \"y\""),
        (
            json!({"enum": ["open", "closed"]}),
            json!("opne"),
            "be \"open\" or \"closed\", found \"opne\" (did you mean \"open\"?)",
        ),
        (
            json!({"enum": [1, 2, 3, 4, 5, 6, 7, 8]}),
            json!(9),
            "be 1, 2, 3, 4, 5, 6 or one of 2 more, found 9",
        ),
        (json!({"minimum": 1}), json!(0), "be at least 1, found 0"),
        (json!({"maximum": 1}), json!(2), "be at most 1, found 2"),
        (
            json!({"exclusiveMinimum": 0}),
            json!(0),
            "be more than 0, found 0",
        ),
        (
            json!({"exclusiveMaximum": 0}),
            json!(0),
            "be less than 0, found 0",
        ),
        (
            json!({"multipleOf": 5}),
            json!(7),
            "be a multiple of 5, found 7",
        ),
    ] {
        assert_eq!(
            told(&schema, &value),
            format!("expected arguments.a to {expected}"),
            "{schema}"
        );
    }
}

#[test]
fn each_rule_of_size_says_what_it_expected() {
    for (schema, value, expected) in [
        (
            json!({"minLength": 2}),
            json!("é"),
            "have at least 2 characters, found 1 character",
        ),
        (
            json!({"maxLength": 1}),
            json!("ab"),
            "have at most 1 character, found 2 characters",
        ),
        (
            json!({"pattern": "^[A-Z]+$"}),
            json!("a"),
            "match the pattern `^[A-Z]+$`, found \"a\"",
        ),
        (
            json!({"minItems": 2}),
            json!([1]),
            "have at least 2 items, found a list of 1 item",
        ),
        (
            json!({"maxItems": 0}),
            json!([1]),
            "have at most 0 items, found a list of 1 item",
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 1]),
            "have no item twice, found a list of 2 items",
        ),
        (
            json!({"minProperties": 1}),
            json!({}),
            "have at least 1 property, found 0 properties",
        ),
        (
            json!({"maxProperties": 0}),
            json!({"x": 1}),
            "have at most 0 properties, found 1 property",
        ),
    ] {
        assert_eq!(
            told(&schema, &value),
            format!("expected arguments.a to {expected}"),
            "{schema}"
        );
    }
}

#[test]
fn each_rule_that_excludes_or_contains_says_what_it_expected() {
    for (schema, value, expected) in [
        (
            json!({"pattern": "^.{1,200}$"}),
            json!(""),
            "match the pattern `^.{1,200}$`, found \"\"",
        ),
        (
            json!({"contains": {"type": "integer"}}),
            json!(["x"]),
            "have an item of the form that it must contain, found a list of 1 item",
        ),
        (
            json!({"not": {"type": "string"}}),
            json!("x"),
            "not be a text, found \"x\"",
        ),
        (
            json!({"not": {"enum": ["x", "y"]}}),
            json!("x"),
            "not be \"x\" or \"y\", found \"x\"",
        ),
        (
            json!({"not": {"minimum": 1}}),
            json!(1),
            "not be of the form that it excludes, found 1",
        ),
        (json!(false), json!(1), "be left out, found 1"),
    ] {
        assert_eq!(
            told(&schema, &value),
            format!("expected arguments.a to {expected}"),
            "{schema}"
        );
    }
}

#[test]
fn what_is_missing_and_what_is_unknown_is_named() {
    let closed = json!({
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query"], "additionalProperties": false,
    });
    assert_eq!(
        checked(&closed, &json!({"qeury": "x", "limit": "ten"})),
        "expected arguments.limit to be an integer, found \"ten\"; \
         unknown arguments.qeury (did you mean `query`?); missing arguments.query"
    );
    assert_eq!(
        checked(&closed, &json!({"query": "x", "zzz": 1})),
        "unknown arguments.zzz (it takes `query` and `limit`)"
    );
    // Where unknown ones are allowed, the missing one tells of the slip.
    let open = json!({"properties": {"query": {}}, "required": ["query"]});
    assert_eq!(
        checked(&open, &json!({"qeury": "x"})),
        "missing arguments.query (is it what `qeury` was meant for?)"
    );
    let needs = json!({"dependentRequired": {"a": ["b"]}});
    assert_eq!(checked(&needs, &json!({"a": 1})), "missing arguments.b");
    let names = json!({"propertyNames": {"pattern": "^x"}});
    assert_eq!(
        checked(&names, &json!({"a b": 1})),
        "expected a name in arguments to match the pattern `^x`, found \"a b\""
    );
    let unevaluated = json!({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false});
    assert_eq!(
        checked(&unevaluated, &json!({"a": 1, "b": 2})),
        "unknown arguments.b"
    );
}

#[test]
fn paths_are_those_that_people_write() {
    let schema = json!({"properties": {
        "items": {"items": {"properties": {"name": {"type": "string"}, "a/b~ c": {"type": "string"}, "": {"type": "string"}, "0": {"type": "string"}}}},
    }});
    let item = json!({"name": 1, "a/b~ c": 2, "": 3, "0": 4});
    let text = checked(&schema, &json!({"items": [{}, item]}));
    let paths: Vec<&str> = text
        .split("; ")
        .filter_map(|told| {
            told.strip_prefix("expected ")?
                .split_once(" to ")
                .map(|it| it.0)
        })
        .collect();
    assert_eq!(
        paths,
        [
            "arguments.items[1].name",
            "arguments.items[1][\"a/b~ c\"]",
            "arguments.items[1][\"\"]",
            "arguments.items[1].0",
        ]
    );
}

#[test]
fn of_alternatives_the_one_that_was_meant_is_told() {
    let shapes = json!({"oneOf": [
        {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}}, "required": ["kind", "r"]},
        {"type": "object", "properties": {"kind": {"const": "square"}, "side": {"type": "number"}}, "required": ["kind", "side"]},
        {"type": "null"},
    ]});
    for (value, expected) in [
        (
            json!({"kind": "circle", "r": "x"}),
            "expected arguments.a.r to be a number, found \"x\"",
        ),
        (json!({"kind": "square"}), "missing arguments.a.side"),
        (
            json!({"kind": "line"}),
            "expected arguments.a to be an object with `kind` \"circle\", an object with `kind` \"square\" or null, \
             found an object with `kind`",
        ),
        (
            json!(5),
            "expected arguments.a to be an object or null, found 5",
        ),
    ] {
        assert_eq!(told(&shapes, &value), expected, "{value}");
    }
    let maybe =
        json!({"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]});
    assert_eq!(
        told(&maybe, &json!(["x"])),
        "expected arguments.a[0] to be an integer, found \"x\""
    );
}

#[test]
fn alternatives_that_are_equally_near_are_listed() {
    for (schema, value, expected) in [
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
            json!(true),
            "be an integer, a text or null, found true",
        ),
        (
            json!({"anyOf": [{"required": ["x"]}, {"required": ["y", "z"]}, {"required": ["u", "v"]}]}),
            json!({"w": 1}),
            // One step away is nearer than two.
            "",
        ),
        (
            json!({"anyOf": [{"required": ["x"]}, {"required": ["w"], "properties": {"w": {"type": "string"}}}]}),
            json!({"w": 1}),
            "w",
        ),
        (
            json!({"anyOf": [{"required": ["x"]}, {"required": ["y"]}]}),
            json!({"w": 1}),
            "be an object with `x` or an object with `y`, found an object with `w`",
        ),
        (
            json!({"oneOf": [{"const": "asc"}, {"const": "desc"}]}),
            json!("up"),
            "be \"asc\" or \"desc\", found \"up\"",
        ),
        (
            json!({"anyOf": [{"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, {"type": "null"}]}),
            json!("x"),
            "be an integer, a boolean or null, found \"x\"",
        ),
        (
            json!({"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "minLength": 3}]}),
            json!("x"),
            "match the pattern `^a` or have at least 3 characters, found \"x\"",
        ),
        (
            json!({"oneOf": [{"type": "integer"}, {"minimum": 1}, {"type": "string"}]}),
            json!(2),
            "fit only one of its 3 alternatives, found 2, which fits 2",
        ),
    ] {
        let expected = match expected {
            "" => "missing arguments.a.x".to_owned(),
            "w" => "expected arguments.a.w to be a text, found 1".to_owned(),
            expected => format!("expected arguments.a to {expected}"),
        };
        assert_eq!(told(&schema, &value), expected, "{schema}");
    }
}

#[test]
fn no_more_than_eight_are_told_and_the_rest_is_counted() {
    let schema = json!({"additionalProperties": {"type": "integer"}});
    let arguments: Value = (0..20).map(|at| (format!("a{at}"), json!("x"))).collect();
    let tool = taking(&schema);
    let mismatch = tool
        .check_arguments(&arguments.clone().try_into().unwrap())
        .unwrap_err();
    assert_eq!((mismatch.violations().len(), mismatch.more()), (8, 12));
    assert!(
        mismatch.to_string().ends_with("; and 12 more"),
        "{mismatch}"
    );
}

#[test]
fn strangers_texts_are_printable_and_short() {
    let long = "x".repeat(4_000);
    let odd = format!("\u{1b}[2J{long}");
    for (schema, arguments) in [
        (
            json!({"properties": {"a": {"type": "integer"}}}),
            json!({"a": odd}),
        ),
        (
            json!({"properties": {"a": {"enum": vec![odd.as_str(); 50]}}}),
            json!({"a": "x"}),
        ),
        (
            json!({"properties": {(odd.as_str()): {"type": "integer"}}}),
            json!({(odd.as_str()): "x"}),
        ),
        (json!({"required": [odd]}), json!({})),
        (
            json!({"properties": {(odd.as_str()): {}}, "additionalProperties": false}),
            json!({"b": 1}),
        ),
        (
            json!({"additionalProperties": false}),
            json!({(odd.as_str()): 1}),
        ),
        (
            json!({"properties": {"a": {"pattern": format!("^{}\u{1b}", "x".repeat(1_000))}}}),
            json!({"a": "x"}),
        ),
        (
            json!({"properties": {"a": {"const": {"b": odd}}}}),
            json!({"a": {(odd.as_str()): 1}}),
        ),
    ] {
        let text = outcome(&taking(&schema), &arguments);
        assert!(!text.starts_with("unchecked") && text != "fits", "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.len() < 1_000, "{} bytes", text.len());
    }
}

#[test]
fn what_is_marked_as_secret_is_not_quoted() {
    for mark in [json!({"writeOnly": true}), json!({"format": "password"})] {
        let mut schema = json!({"type": "string", "maxLength": 3, "pattern": "^[0-9]+$"});
        schema
            .as_object_mut()
            .unwrap()
            .extend(mark.as_object().unwrap().clone());
        let text = told(&schema, &json!("hunter2"));
        assert!(
            text.contains("found a text") && !text.contains("hunter"),
            "{text}"
        );
    }
}

#[test]
fn a_violation_tells_its_parts() {
    let schema = json!({"properties": {"a": {"type": "integer"}}, "required": ["b"], "additionalProperties": false});
    let tool = taking(&schema);
    let arguments = json!({"a": "x", "c": 1});
    let mismatch = tool
        .check_arguments(&arguments.clone().try_into().unwrap())
        .unwrap_err();
    let mut parts: Vec<_> = mismatch
        .violations()
        .iter()
        .map(|it| (it.path(), it.kind(), it.expected(), it.found()))
        .collect();
    parts.sort_by_key(|it| it.0);
    assert_eq!(
        parts,
        [
            (
                "arguments.a",
                ViolationKind::Unfit,
                "be an integer",
                Some("\"x\"")
            ),
            ("arguments.b", ViolationKind::Missing, "be given", None),
            ("arguments.c", ViolationKind::Unknown, "be left out", None),
        ]
    );
}
