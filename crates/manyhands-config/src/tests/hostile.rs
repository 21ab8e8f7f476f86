//! Input that was made to hurt.

use std::fmt::Write as _;

use super::*;
use crate::{ConfigErrorKind, WarningKind};

#[test]
fn deep_nesting_is_refused_before_it_can_overflow_the_stack() {
    let deep = [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(500_000),
        format!("{{\"servers\":{}{}}}", "[".repeat(64), "]".repeat(64)),
    ];
    for text in deep {
        assert_eq!(read(&text).unwrap_err().kind(), ConfigErrorKind::TooDeep);
    }
    let fits = format!(
        "{{\"servers\":{{}},\"manyhands\":null,\"x\":{}{}}}",
        "[".repeat(63),
        "]".repeat(63)
    );
    assert!(read(&fits).is_ok());
    // Brackets inside strings and comments do not count.
    let text = format!(
        "{{\"servers\": {{}}, /* {0} */ \"x\": \"{0}\"}}",
        "[".repeat(100)
    );
    assert!(read(&text).is_ok());
}

#[test]
fn a_text_that_is_too_large_is_not_parsed() {
    let text = format!("{{\"servers\": {{}}}}{}", " ".repeat(4 << 20));
    assert_eq!(read(&text).unwrap_err().kind(), ConfigErrorKind::TooLarge);
}

#[test]
fn odd_bytes_are_errors_or_nothing() {
    assert!(read("\u{feff}{\"servers\": {}}").is_ok());
    for text in [
        "",
        " ",
        "\u{feff}",
        "// only a comment",
        "\0",
        "{\0}",
        "{\"servers\": {}}\0",
    ] {
        assert_eq!(
            read(text).unwrap_err().kind(),
            ConfigErrorKind::BrokenJson,
            "{text:?}"
        );
    }
    for text in [
        r#"{"\ud800": 1}"#,
        r#"{"a": "\udc00"}"#,
        r#"{"a": "\ud800\u0041"}"#,
    ] {
        assert_eq!(
            read(text).unwrap_err().kind(),
            ConfigErrorKind::BrokenJson,
            "{text}"
        );
    }
    for text in ["null", "[]", "5", "\"x\"", "true"] {
        assert_eq!(
            read(text).unwrap_err().kind(),
            ConfigErrorKind::NotAnObject,
            "{text}"
        );
    }
    assert!(entry(r#"{"command": "a\u0000b"}"#).definition.is_err());
    assert!(
        entry(r#"{"command": "a", "env": {"A=B": "c"}}"#)
            .definition
            .is_err()
    );
}

#[test]
fn huge_numbers_are_refused_where_a_number_is_used_only() {
    let setting = |value: &str| {
        entry(&format!(
            "{{\"command\": \"a\", \"manyhands\": {{\"startTimeout\": {value}}}}}"
        ))
    };
    for value in [
        "1e999",
        "-1",
        "18446744073709551616",
        "0.5",
        &"9".repeat(10_000),
    ] {
        assert!(setting(value).definition.is_err(), "{value}");
    }
    assert!(setting("18446744073709551615").definition.is_ok());
    assert!(
        entry(r#"{"command": "a", "timeout": 1e999}"#)
            .definition
            .is_ok()
    );
}

#[test]
fn a_million_mistakes_give_a_hundred_warnings() {
    let mut text = String::from("{\"servers\": {\"a\": {\"command\": \"a\"");
    for n in 0..100_000 {
        write!(text, ",\"key{n}\":1").unwrap();
    }
    text.push_str("}}}");
    let warnings = read(&text).unwrap().warnings;
    assert_eq!(warnings.len(), 101);
    assert_eq!(warnings[100].kind(), WarningKind::Truncated);
    assert_eq!(
        warnings[100].to_string(),
        "99900 more warnings are not shown"
    );
}

#[test]
fn references_without_end_cost_linear_time_and_bounded_space() {
    let many = "${".repeat(500_000);
    assert_eq!(stdio(&format!("{{\"command\": \"{many}\"}}")).command, many);
    let bomb = "${TOKEN}".repeat(200_000);
    assert!(
        entry(&format!("{{\"command\": \"{bomb}\"}}"))
            .definition
            .is_err()
    );
}

#[test]
fn a_terminal_obeys_nothing_that_a_message_shows() {
    let config = read(concat!(
        "{\"servers\": {\"\u{1b}[31m\": 5, \"a\": {\"\u{1b}]0;x\u{7}\": 1, \"type\": \"\u{1b}c\"},",
        "\"b\": {\"command\": \"${\u{202e}X}\"}}}"
    ))
    .unwrap();
    let errors = config
        .servers
        .iter()
        .filter_map(|it| it.definition.as_ref().err());
    let texts = errors
        .map(ToString::to_string)
        .chain(config.warnings.iter().map(ToString::to_string));
    let texts: Vec<_> = texts.collect();
    assert_eq!(texts.len(), 4, "{texts:#?}");
    for text in texts {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn mangled_files_never_panic() {
    let whole = include_str!("hostile.json");
    assert!(read(whole).is_ok(), "{:?}", read(whole).err());
    let marks = ['"', '\\', '{', ']', ',', ':', '\0', '/'];
    for (at, _) in whole.char_indices() {
        let (head, tail) = whole.split_at(at);
        drop(read(head));
        drop(read(tail));
        for mark in marks {
            drop(read(&format!("{head}{mark}{tail}")));
            let rest: String = tail.chars().skip(1).collect();
            drop(read(&format!("{head}{mark}{rest}")));
        }
    }
}
