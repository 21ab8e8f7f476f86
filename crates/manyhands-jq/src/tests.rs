//! What programs mean, what they may cost, and what is told of wrong ones. It must not know how that is counted.

use super::*;
use serde_json::json;

fn run(program: &str, input: &Value) -> Result<Value, String> {
    let program = Program::parse(program).map_err(|it| it.to_string())?;
    program.run(input).map_err(|it| it.to_string())
}

#[test]
fn programs_mean_what_they_mean_in_jq() {
    let input = json!({"query": "a b", "limit": null, "ids": [3, 1, 2], "x": {"y": "é"}});
    for (program, expected) in [
        (".", input.clone()),
        (
            r#"{q: .query, n: (.limit // 10)}"#,
            json!({"q": "a b", "n": 10}),
        ),
        (
            r#"{query} + {ids: [.ids[] | . * 2]}"#,
            json!({"query": "a b", "ids": [6, 2, 4]}),
        ),
        (r#"del(.query, .limit, .x)"#, json!({"ids": [3, 1, 2]})),
        (r#".x.y |= ascii_upcase | .x"#, json!({"y": "é"})),
        (r#".ids |= sort | .ids[0] += 1 | .ids"#, json!([2, 2, 3])),
        (
            r#"with_entries(select(.key == "query"))"#,
            json!({"query": "a b"}),
        ),
        (r#".query | split(" ") | join("+")"#, json!("a+b")),
        (
            r#"if .limit then 1 elif .query then "x\(.x.y)" else 3 end"#,
            json!("xé"),
        ),
        (r#"reduce .ids[] as $n (0; . + $n)"#, json!(6)),
        (r#"def twice(f): f | f; .ids[0] | twice(. + 1)"#, json!(5)),
        (
            r#". as {query: $q, x: {$y}} | [$q, $y]"#,
            json!(["a b", "é"]),
        ),
        (r#"[.. | numbers]"#, json!([3, 1, 2])),
        (r#"try error("no") catch ."#, json!("no")),
        (
            r#"label $out | foreach .ids[] as $n (0; . + $n; if . > 3 then ., break $out else empty end)"#,
            json!(4),
        ),
        (r#"[limit(3; repeat(1))]"#, json!([1, 1, 1])),
        (
            r#"{"a\(1)": -(2), (.query): 1}"#,
            json!({"a1": -2, "a b": 1}),
        ),
        (r#".ids[1:] | length"#, json!(2)),
        (r#".query[0:1] * 3"#, json!("aaa")),
        (
            r#"12345678901234567890123"#,
            json!(12345678901234567890123_f64),
        ),
        (r#"@json "v=\(.ids)""#, json!("v=[3,1,2]")),
    ] {
        assert_eq!(run(program, &input), Ok(expected), "{program}");
    }
}

#[test]
fn no_program_runs_for_ever_takes_all_memory_or_all_of_the_stack() {
    let items: Vec<u32> = (0..10_000).collect();
    let input = json!({"text": "x".repeat(10_000), "items": items, "n": 1_000_000_000});
    let nested = format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000));
    let doubled = ". as $x | [$x, $x] | ".repeat(60) + "length";
    for program in [
        "def f: f; f",
        "def f: 1 + f; f",
        "def f: try f catch f; f",
        "def f: f // f; f",
        "def f(g): g | f(g); f(.)",
        "last(repeat(.))",
        "last(range(0; 1; 0))",
        "until(false; .)",
        "[range(.n)]",
        "[limit(.n; repeat(1))]",
        "reduce range(.n) as $i (0; . + 1)",
        "reduce range(100) as $i (\"x\"; . + .)",
        "reduce range(100) as $i (1; [., .])",
        "reduce range(1000000) as $i (1; [.])",
        "[.items[] as $a | .items[] as $b | [$a, $b]] | length",
        ".text * .n",
        ".text * 1e300",
        ".text | explode | map([., .]) | combinations",
        "if range(0; 1; 0) then empty else empty end",
        "first(range(0; 1; 0) | empty)",
        "[.items[]] | .[.n] = 1",
        "(.items[] |= [., .items?]) | last(..) | last(repeat(..))",
        "label $x | repeat(.) | select(false)",
        &doubled,
        &nested,
    ] {
        let result = run(program, &input);
        assert!(result.is_err(), "{program}");
    }
    let parentheses = format!("{}1{}", "(".repeat(4_000), ")".repeat(4_000));
    assert_eq!(run(&parentheses, &input), Ok(json!(1)));
    assert!(run(&"(".repeat(8_000), &input).is_err());
    assert!(run(&"-".repeat(9_000), &input).is_err());
}

#[test]
fn a_program_sees_nothing_but_its_input() {
    for program in [
        "input",
        "inputs",
        "env",
        "$ENV",
        "now",
        "debug",
        "halt",
        "halt(1)",
        "input_filename",
        "get_search_list",
        r#"include "a"; ."#,
        r#"import "a" as a; ."#,
        "$__loc__",
        "$__prog_args",
        "input_line_number",
        "localtime",
        "stderr",
        "error(halt)",
        r#"limit(1; env)"#,
    ] {
        let parsed = Program::parse(program);
        assert!(parsed.is_err(), "{program}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (program, told) in [
        ("{a: .b", "expected closing brace at its end"),
        ("", "expected term at its end"),
        (".a | nosuch(1)", "there is no filter nosuch"),
        (".a )", "at character 4"),
    ] {
        let error = run(program, &json!({})).unwrap_err();
        assert!(error.contains(told), "{program}: {error}");
    }
    for (program, told) in [
        ("empty", "run the jq program: it has no result"),
        ("1, 2", "it has several results"),
        ("1, error(3)", "3"),
        (".a.b", "cannot index"),
        ("nan", "its result is no JSON"),
        (r#"error("\u001b[2J")"#, r"program: \u{1b}[2J"),
    ] {
        let error = run(program, &json!({"a": 1})).unwrap_err();
        assert!(error.contains(told), "{program}: {error}");
    }
}
