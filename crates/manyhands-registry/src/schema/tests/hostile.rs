//! Schemas and values made to keep us busy, to fetch, or to overflow something. Without its bound, each of these takes
//! gigabytes, years, or the stack.

use serde_json::{Map, Value, json};

use super::{outcome, taking};

fn problem(schema: &Value) -> String {
    taking(schema).schema_problem().unwrap_or("none").to_owned()
}

/// A schema inside `levels` schemas.
fn nested(levels: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(json!({"type": "string"}), |inner, _| wrap(inner))
}

/// Definitions each of which offers the next one twice.
fn doubling(levels: usize, keyword: &str) -> Value {
    let mut definitions = Map::new();
    for level in 0..levels {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        definitions.insert(format!("d{level}"), json!({(keyword): [next, next]}));
    }
    definitions.insert(format!("d{levels}"), json!({"type": "integer"}));
    json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
}

#[test]
fn nothing_outside_of_the_document_is_fetched() {
    for reference in [
        "http://127.0.0.1:9/s.json",
        "https://json-schema.org/draft/2020-12/schema",
        "file:///etc/passwd",
        "other.json",
        "urn:x:y",
        "//host/s#/x",
        "#/$defs/none",
        "#none",
        "#/properties/a/default",
        "#/%zz",
    ] {
        for keyword in ["$ref", "$dynamicRef"] {
            let schema = json!({"properties": {"a": {(keyword): reference, "default": {}}}});
            assert_eq!(
                problem(&schema),
                format!(
                    "its inputSchema refers to `{reference}`, which is not in it, and nothing is fetched"
                )
            );
        }
    }
    // Nor what an id makes of a reference, nor what describes the dialect.
    let based = json!({"$id": "http://127.0.0.1:9/", "properties": {"a": {"$ref": "s.json"}}});
    assert!(problem(&based).contains("nothing is fetched"));
    let inside =
        json!({"properties": {"a": {"$id": "b", "$schema": "http://127.0.0.1:9/dialect"}}});
    assert_eq!(problem(&inside), "none");
}

#[test]
fn a_schema_is_refused_before_it_costs_much() {
    let long = "n".repeat(100_000);
    let patterns: Value = (0..60)
        .map(|at| (format!("^p{at}[a-z]{{500}}$"), json!({})))
        .collect();
    let many =
        |count: usize| -> Value { (0..count).map(|at| (format!("p{at}"), json!({}))).collect() };
    for (schema, expected) in [
        (
            json!({"description": "x".repeat(300 << 10)}),
            "is larger than 256 KiB",
        ),
        (
            json!({"properties": many(10_000)}),
            "has more than 10000 parts",
        ),
        (
            nested(70, |inner| json!({"items": inner})),
            "is nested deeper than 64 levels",
        ),
        (
            json!({"properties": {(long): {"properties": many(100)}}}),
            "has names that are too long for how deep it is",
        ),
        (
            json!({"$defs": (0..65).map(|at| (format!("d{at}"), json!({"$anchor": format!("a{at}")}))).collect::<Value>()}),
            "has more than 64 ids and anchors",
        ),
        (
            json!({"properties": {"a": {"pattern": "x", "patternProperties": patterns}}}),
            "has patterns that are too large",
        ),
        (
            json!({"$ref": "#"}),
            "leads to itself without end, or to too many schemas",
        ),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
            "leads to itself without end, or to too many schemas",
        ),
        (
            json!({"$dynamicAnchor": "a", "properties": {"x": {"$id": "b", "$dynamicRef": "#a"}}}),
            "has dynamic references beside ids inside it",
        ),
        (
            json!({"$ref": "#/$defs/a", "$dynamicRef": "#", "$defs": {"a": {}}}),
            "has two kinds of reference in one place",
        ),
        (
            json!({"$id": "a", "properties": {"x": {"$id": "a"}}}),
            "gives the same `$id` twice",
        ),
    ] {
        assert_eq!(problem(&schema), format!("its inputSchema {expected}"));
        assert_eq!(
            outcome(&taking(&schema), &json!({})),
            "unchecked: the tool's schema cannot be used"
        );
    }
}

#[test]
fn the_deepest_schema_that_is_taken_fits_the_stack() {
    // Half of what a worker of tokio has.
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(take_the_deepest).unwrap().join().unwrap();
}

fn take_the_deepest() {
    for wrap in [
        |inner| json!({"items": inner}),
        |inner| json!({"additionalProperties": inner}),
        |inner| json!({"not": inner}),
    ] {
        assert_eq!(problem(&nested(62, wrap)), "none");
    }
    // Definitions that lead on to one another: the compiler follows eight of them before it begins anew.
    let leading_on = |levels: usize| {
        let mut definitions = Map::new();
        for at in 0..100 {
            let next = json!({"$ref": format!("#/$defs/d{}", (at + 1) % 100)});
            let deep = (0..levels).fold(next, |inner, _| json!({"items": inner}));
            definitions.insert(format!("d{at}"), deep);
        }
        json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    };
    assert!(problem(&leading_on(50)).ends_with("is nested too deep where its references lead"));
    let tool = taking(&leading_on(20));
    assert_eq!(tool.schema_problem(), None);
    let value = (0..115).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(outcome(&tool, &json!({"a": value})), "fits");
    // Through whatever a schema leads down, and back with what was wrong at the bottom.
    let down = json!({"properties": {"c": {"$ref": "#/$defs/d"}}, "items": {"$ref": "#/$defs/d"}});
    for definition in [
        json!({"anyOf": [{"allOf": [down]}, {"type": "string"}]}),
        json!({"oneOf": [down, {"type": "string"}], "unevaluatedProperties": {"type": "integer"}}),
        json!({"not": {"not": down}}),
        json!({"if": {"not": {"type": "integer"}}, "then": down, "else": {"minimum": 5}}),
    ] {
        let leaf =
            json!({"anyOf": [{"allOf": [definition]}, {"type": "boolean"}], "not": {"const": 1}});
        let tool =
            taking(&json!({"properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": leaf}}));
        assert_eq!(tool.schema_problem(), None);
        let outcomes: Vec<String> = (1..60)
            .map(|depth| {
                let value = (0..depth).fold(json!(1), |inner, at| {
                    if at % 2 == 0 {
                        json!({"c": inner})
                    } else {
                        json!([inner])
                    }
                });
                outcome(&tool, &json!({"a": value}))
            })
            .collect();
        assert!(
            outcomes
                .iter()
                .any(|it| it.starts_with("expected arguments.a")),
            "{outcomes:?}"
        );
        assert!(
            outcomes.iter().any(|it| it.starts_with("unchecked")),
            "{outcomes:?}"
        );
    }
}

#[test]
fn alternatives_that_double_go_unchecked_and_not_on_for_years() {
    for keyword in ["anyOf", "allOf", "oneOf"] {
        let few = outcome(&taking(&doubling(6, keyword)), &json!({"a": "x"}));
        assert!(
            few.starts_with("expected arguments.a to be an integer"),
            "{few}"
        );
        let many = outcome(&taking(&doubling(60, keyword)), &json!({"a": "x"}));
        assert_eq!(
            many, "unchecked: the check could take too long",
            "{keyword}"
        );
    }
    // One that doubles with each step down the value.
    let next = json!({"properties": {"c": {"$ref": "#"}}, "required": ["z"]});
    let schema = json!({"anyOf": [next, next]});
    let value = (0..30).fold(json!({}), |inner, _| json!({"c": inner}));
    assert_eq!(
        outcome(&taking(&schema), &value),
        "unchecked: the check could take too long"
    );
}

#[test]
fn a_schema_that_leads_to_itself_lower_down_goes_unchecked() {
    let schema =
        json!({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}});
    assert_eq!(
        outcome(&taking(&schema), &json!({"a": 1})),
        "unchecked: it is nested too deep"
    );
}

#[test]
fn a_value_too_deep_or_too_large_goes_unchecked() {
    let tool = taking(&json!({"type": "object"}));
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(
        outcome(&tool, &json!({"a": deep})),
        "unchecked: it is nested too deep"
    );
    let large = "x".repeat(5 << 20);
    assert_eq!(
        outcome(&tool, &json!({"a": large})),
        "unchecked: it is larger than 4 MiB"
    );
    let key: Value = [(large, json!(1))].into_iter().collect();
    assert_eq!(outcome(&tool, &key), "unchecked: it is larger than 4 MiB");
}

#[test]
fn keywords_whose_work_grows_faster_than_the_value_are_counted_so() {
    let alike = |count: usize| -> Value {
        // Lists of nothing but lists all have one hash, so that each is compared with each.
        let shape = |at: usize| {
            (0..16).fold(json!([]), |it, bit| {
                if at >> bit & 1 == 1 {
                    json!([it])
                } else {
                    json!([it, []])
                }
            })
        };
        (0..count).map(shape).collect()
    };
    let numbers: Value = (0..20_000_u64).map(|at| (1 << 63) + at).collect();
    let options: Vec<u32> = (0..9_000).collect();
    let wrong: Vec<i32> = vec![-1; 10_000];
    for (schema, value) in [
        (json!({"uniqueItems": true}), alike(20_000)),
        (json!({"uniqueItems": true}), numbers),
        (json!({"items": {"enum": options}}), json!(wrong)),
        (
            json!({"items": {"pattern": "^a+b"}}),
            json!(vec!["a".repeat(1_000); 2_000]),
        ),
    ] {
        let schema = json!({"properties": {"a": schema}});
        assert_eq!(
            outcome(&taking(&schema), &json!({"a": value})),
            "unchecked: the check could take too long"
        );
    }
    let few = json!({"properties": {"a": {"uniqueItems": true}}});
    assert_eq!(outcome(&taking(&few), &json!({"a": alike(16)})), "fits");
    let texts: Vec<String> = (0..50_000).map(|at| format!("v{at}")).collect();
    assert_eq!(outcome(&taking(&few), &json!({"a": texts})), "fits");
}

#[test]
fn odd_numbers_are_survived() {
    for multiple in [1e-308, 1e308, 0.1, 3e-5] {
        let schema = json!({"properties": {"a": {"items": {"multipleOf": multiple}}}});
        let tool = taking(&schema);
        let values = json!([1e308, -1e308, 5e-324, 0, -0.0, u64::MAX, i64::MIN, 0.3]);
        let told = outcome(&tool, &json!({"a": values}));
        assert!(
            told == "fits" || told.starts_with("expected arguments.a["),
            "{told}"
        );
    }
    for multiple in [json!(0), json!(-1)] {
        assert!(
            problem(&json!({"properties": {"a": {"multipleOf": multiple}}}))
                .contains("is no JSON Schema")
        );
    }
}

#[test]
fn patterns_that_backtrack_give_up_and_are_no_mismatch() {
    let with = |pattern: &str| taking(&json!({"properties": {"a": {"pattern": pattern}}}));
    let long = format!("{}!", "a".repeat(60));
    // The plain engine passes over the text once, whatever the pattern.
    let told = outcome(&with("^(a+)+$"), &json!({"a": long}));
    assert!(told.starts_with("expected arguments.a to match"), "{told}");
    // Look-around needs the other engine, and that one gives up.
    let ahead = with("^(?:(?=a)a|aa)+$");
    assert_eq!(
        outcome(&ahead, &json!({"a": long})),
        "unchecked: the check could take too long"
    );
    assert_eq!(outcome(&ahead, &json!({"a": "aaa"})), "fits");
    let told = outcome(&ahead, &json!({"a": "b"}));
    assert!(told.starts_with("expected arguments.a to match"), "{told}");
    // What else is wrong is told all the same.
    let both = taking(
        &json!({"properties": {"a": {"pattern": "^(?:(?=a)a|aa)+$"}, "b": {"type": "integer"}}}),
    );
    let told = outcome(&both, &json!({"a": long, "b": "x"}));
    assert_eq!(told, "expected arguments.b to be an integer, found \"x\"");
    for unreadable in ["(", "((a{100}){100}){100}", "[z-a]"] {
        assert!(
            problem(&json!({"properties": {"a": {"pattern": unreadable}}}))
                .contains("is no JSON Schema"),
            "{unreadable}"
        );
    }
}

#[test]
fn telling_what_is_wrong_is_bounded_too() {
    let rows = |count: usize| -> Value { (0..count).map(|at| json!({"x": at})).collect() };
    let row = json!({"type": "object", "required": ["x", "y"]});
    // Every row is wrong, and only the first is told.
    let list = taking(&json!({"properties": {"a": {"items": row}}}));
    assert_eq!(
        outcome(&list, &json!({"a": rows(30_000)})),
        "missing arguments.a[0].y"
    );
    // Each of the alternatives would keep a copy of the whole.
    let required: Vec<Value> = (0..500)
        .map(|at| json!({"required": [format!("q{at}")]}))
        .collect();
    let copies = taking(&json!({"anyOf": required}));
    let told = outcome(&copies, &json!({"a": rows(30_000)}));
    assert_eq!(
        told,
        "expected arguments to fit its schema, found a value too large to tell what is wrong with it"
    );
}
