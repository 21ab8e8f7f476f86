//! JSON with comments as a tree in which every value knows its line.
//!
//! Everything above works on this tree, so that any message can point at a
//! line. It knows JSON, and nothing of what the keys mean.

use std::collections::HashMap;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::tokens::Token;
use jsonc_parser::{ParseOptions, ParseStringErrorKind, Scanner, ScannerOptions};
use manyhands_core::{Printable, clip};

use crate::error::{ConfigErrorKind, FileFault};

/// How deeply objects and lists may be nested. Real files need about 8.
const MAX_DEPTH: usize = 64;

/// One parsed text.
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) repeated: Vec<Repeated>,
}

/// A value, and the line on which it begins (the first line is 1).
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What JSON can hold. A number keeps its text; of repeated keys the last is kept.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One key of an object, with its value and the key's own line.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// A key that an object has more than once.
pub(crate) struct Repeated {
    pub(crate) path: String,
    pub(crate) lines: (usize, usize),
}

impl Document {
    /// Parses `text`, which may begin with a byte order mark.
    pub(crate) fn parse(text: &str) -> Result<Self, FileFault> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        check_depth(text)?;
        let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &strict())
            .map_err(|error| broken(&error))?;
        let Some(value) = parsed.value else {
            return Err(
                FileFault::new(ConfigErrorKind::BrokenJson, "it holds no JSON value")
                    .mend("begin with {\"mcpServers\": {}}"),
            );
        };
        let mut builder = Builder {
            lines: Lines::of(text),
            repeated: Vec::new(),
        };
        let root = builder.node(value, "");
        Ok(Self {
            root,
            repeated: builder.repeated,
        })
    }
}

impl Node {
    /// The members, if this is an object.
    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of `key`, if this is an object that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Member> {
        find(self.members()?, key)
    }

    /// What kind of value this is, in words. Never the value itself, which may be secret.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Finds `key` among `members`; null counts as absent, as other clients write it.
pub(crate) fn find<'a>(members: &'a [Member], key: &str) -> Option<&'a Member> {
    members
        .iter()
        .find(|member| member.key == key && !matches!(member.node.value, Value::Null))
}

/// Names the place `key` under `path`: `servers.slack`, or `servers["my server"]`.
pub(crate) fn join(path: &str, key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if key.is_empty() || !key.chars().all(plain) || key.len() > 80 {
        format!("{path}[\"{}\"]", shown(key))
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Makes a stranger's key fit to be shown: short, and nothing in it is obeyed by a terminal.
pub(crate) fn shown(text: &str) -> String {
    Printable(&clip(text, 80)).to_string()
}

/// Comments and trailing commas, as editors write them, and nothing looser.
pub(crate) fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// Refuses hostile nesting before the parser, which recurses, sees it.
fn check_depth(text: &str) -> Result<(), FileFault> {
    let options = ScannerOptions {
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let mut scanner = Scanner::new(text, &options);
    let mut depth = 0_usize;
    // A token that cannot be read ends the scan: the parser will say what is wrong with it.
    while let Ok(Some(token)) = scanner.scan() {
        match token {
            Token::OpenBrace | Token::OpenBracket => depth += 1,
            Token::CloseBrace | Token::CloseBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let line = Lines::of(text).line(scanner.token_start());
            let what = format!("objects and lists are nested more than {MAX_DEPTH} deep");
            return Err(FileFault::new(ConfigErrorKind::TooDeep, what).line(line));
        }
    }
    Ok(())
}

/// Turns the parser's error into one of ours, in our words.
fn broken(error: &ParseError) -> FileFault {
    let (what, mend) = explain(error.kind());
    let fault = FileFault::new(ConfigErrorKind::BrokenJson, what)
        .line(error.line_display())
        .column(error.column_display());
    if mend.is_empty() {
        fault
    } else {
        fault.mend(mend)
    }
}

/// Says what was expected, and what to do where that is not plain.
fn explain(kind: &ParseErrorKind) -> (String, &'static str) {
    use ParseErrorKind as Kind;
    let (what, mend) = match kind {
        Kind::ExpectedComma => ("expected a comma or a closing bracket", ""),
        Kind::UnexpectedComma => ("expected a value, found a comma", "remove the comma"),
        Kind::ExpectedColonAfterObjectKey => ("expected a colon after the key", ""),
        Kind::ExpectedObjectValue => ("expected a value after the colon", ""),
        Kind::ExpectedStringObjectProperty => (
            "expected a key in double quotes",
            "put the key in double quotes",
        ),
        Kind::UnexpectedTokenInObject => ("expected a key in double quotes or `}`", ""),
        Kind::UnterminatedObject => ("this `{` is never closed", "add the missing `}`"),
        Kind::UnterminatedArray => ("this `[` is never closed", "add the missing `]`"),
        Kind::UnterminatedCommentBlock => ("this comment is never closed", "add the missing `*/`"),
        Kind::UnexpectedCloseBrace => ("expected a value, found `}`", ""),
        Kind::UnexpectedCloseBracket => ("expected a value, found `]`", ""),
        Kind::UnexpectedColon => ("expected a value, found a colon", ""),
        Kind::UnexpectedWord | Kind::UnexpectedToken => {
            ("expected a value", "put text in double quotes")
        }
        Kind::MultipleRootJsonValues => (
            "expected the end of the file, but more text follows the closing bracket",
            "remove it, or the bracket before it",
        ),
        Kind::SingleQuotedStringsNotAllowed => (
            "expected double quotes, found a single one",
            "write \" instead of '",
        ),
        Kind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            ("this string is never closed", "add the missing \"")
        }
        Kind::String(ParseStringErrorKind::InvalidEscape) => (
            "this `\\` begins no known escape",
            "write \\\\ for a backslash, as in C:\\\\tools",
        ),
        Kind::String(_) => ("this string has an escape that stands for no character", ""),
        other => {
            return (
                format!("expected valid JSON: {}", other.to_string().to_lowercase()),
                "",
            );
        }
    };
    (what.to_owned(), mend)
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        // As in the parser, a lone carriage return ends a line as well.
        let mut starts = vec![0];
        let mut bytes = text.bytes().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            let next = bytes.peek().map(|(_, next)| *next);
            if byte == b'\n' || (byte == b'\r' && next != Some(b'\n')) {
                starts.push(at + 1);
            }
        }
        Self(starts)
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

/// Makes our tree of the parser's.
struct Builder {
    lines: Lines,
    repeated: Vec<Repeated>,
}

impl Builder {
    fn node(&mut self, value: ast::Value<'_>, path: &str) -> Node {
        let line = self.lines.line(value.range().start);
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(it) => Value::Bool(it.value),
            ast::Value::NumberLit(it) => Value::Number(it.value.to_owned()),
            ast::Value::StringLit(it) => Value::Text(it.value.into_owned()),
            ast::Value::Array(it) => {
                let nodes = it.elements.into_iter().enumerate();
                Value::List(
                    nodes
                        .map(|(n, item)| self.node(item, &format!("{path}[{n}]")))
                        .collect(),
                )
            }
            ast::Value::Object(it) => Value::Object(self.members(it, path)),
        };
        Node { line, value }
    }

    fn members(&mut self, object: ast::Object<'_>, path: &str) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::with_capacity(object.properties.len());
        let mut places: HashMap<String, usize> = HashMap::new();
        for property in object.properties {
            let line = self.lines.line(property.range.start);
            let key = property.name.into_string();
            let path = join(path, &key);
            let node = self.node(property.value, &path);
            if let Some(earlier) = places.get(&key).and_then(|at| members.get_mut(*at)) {
                self.repeated.push(Repeated {
                    path,
                    lines: (earlier.line, line),
                });
                *earlier = Member { key, line, node };
            } else {
                places.insert(key.clone(), members.len());
                members.push(Member { key, line, node });
            }
        }
        members
    }
}
