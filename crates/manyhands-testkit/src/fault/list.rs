//! What is odd about lists and what is in them.

use manyhands_core::ListKind;
use manyhands_transport::MAX_MESSAGE;
use serde_json::{Value, json};

use super::switch::family;
use crate::rpc::{Answer, METHOD_NOT_FOUND};

/// The name of the tool that is odd in a list whose other tools are well.
const ODD: &str = "odd";

family! {
    /// What is odd about lists and what is in them.
    ///
    /// Where it is one tool that is odd, it comes behind those that the server has, and is named `odd`.
    ListFault as "List" {
        /// Lists one more tool without `inputSchema`.
        NoSchema: "no-schema",
        /// Lists one more tool whose `inputSchema` is null.
        NullSchema: "null-schema",
        /// Lists one more tool whose `inputSchema` has no `type`.
        UntypedSchema: "untyped-schema",
        /// Lists one more tool whose `inputSchema` is JSON in a text.
        TextSchema: "text-schema",
        /// Lists one more tool whose `inputSchema` refers to a file and to a URL.
        ForeignRefs: "foreign-refs",
        /// Lists one more tool whose annotations have the wrong types.
        OddAnnotations: "odd-annotations",
        /// Lists one more tool with a proper `x-mcp-header` on its argument `region`.
        HeaderArgument: "header-argument",
        /// Lists one more tool with an empty `x-mcp-header`, one on a list, and one with a line break.
        OddHeaderArgument: "odd-header-argument",
        /// Lists every item twice.
        DuplicateNames: "duplicate-names",
        /// Lists more tools, with names that no tool may have: empty, with spaces, slashes, line breaks.
        IllegalNames: "illegal-names",
        /// Lists one more tool with a name of this many letters.
        LongName(usize = 5_000_usize): "long-name",
        /// Lists this many more tools.
        ManyTools(usize = 50_000_usize): "many-tools",
        /// Gives null in place of lists.
        NullList: "null-list",
        /// Gives an object in place of lists.
        ListIsNoList: "list-is-no-list",
        /// Nests lists this deep beside the items.
        DeepList(usize = 1_000_usize): "deep-list",
        /// Lists one more tool with a description of this many bytes.
        OversizedList(usize = MAX_MESSAGE): "oversized-list",
        /// Knows no method `resources/templates/list`, whatever it declares.
        NoTemplates: "no-templates",
        /// Gives this JSON as the `nextCursor` of the first page, null by default.
        OddCursor(String = "null"): "odd-cursor",
        /// Gives this JSON as `ttlMs`, -1 by default.
        OddTtl(String = "-1"): "odd-ttl",
        /// Gives lists a `cacheScope` that nobody knows.
        OddCacheScope: "odd-cache-scope",
        /// Gives lists a `resultType` that nobody knows.
        OddListType: "odd-list-type",
        /// Has one more tool each time it is asked, and says at once that its tools have changed; this many times.
        Churns(usize = 1_000_usize): "churns",
    }
}

impl ListFault {
    /// Answers in place of a page, or spoils the page. `turn` counts the lists asked for so far.
    pub(crate) fn spoil(&self, kind: ListKind, answer: Answer, turn: usize) -> Answer {
        let Answer::Result(mut result) = answer else {
            return answer;
        };
        match self {
            Self::NoTemplates if kind == ListKind::ResourceTemplates => {
                return Answer::error(METHOD_NOT_FOUND, "Method not found");
            }
            Self::NullList => set(&mut result, kind.field(), Value::Null),
            Self::ListIsNoList => set(&mut result, kind.field(), json!({"0": {}})),
            Self::DeepList(levels) => return Answer::Text(nested(&result, *levels)),
            Self::OddCursor(json) => set(&mut result, "nextCursor", read(json)),
            Self::OddTtl(json) => set(&mut result, "ttlMs", read(json)),
            Self::OddCacheScope => set(&mut result, "cacheScope", json!("everyone")),
            Self::OddListType => set(&mut result, "resultType", json!("novel")),
            Self::DuplicateNames => {
                if let Some(items) = items(&mut result, kind) {
                    items.extend_from_within(..);
                }
            }
            _ if kind == ListKind::Tools => {
                if let Some(items) = items(&mut result, kind) {
                    items.extend(self.more(turn));
                }
            }
            _ => {}
        }
        Answer::Result(result)
    }

    /// The tools that come behind the server's own.
    fn more(&self, turn: usize) -> Vec<Value> {
        let schema = |schema: Value| vec![json!({"name": ODD, "inputSchema": schema})];
        match self {
            Self::NoSchema => vec![json!({"name": ODD})],
            Self::NullSchema => schema(Value::Null),
            Self::UntypedSchema => schema(json!({"properties": {"a": {"type": "string"}}})),
            Self::TextSchema => schema(json!(r#"{"type":"object"}"#)),
            Self::ForeignRefs => schema(json!({"type": "object", "properties": {
                "file": {"$ref": "file:///etc/passwd"}, "url": {"$ref": "http://127.0.0.1:9/schema.json"}}})),
            Self::OddAnnotations => vec![json!({"name": ODD, "inputSchema": {"type": "object"},
                "annotations": {"readOnlyHint": "yes", "destructiveHint": 1, "title": ["odd"]}})],
            Self::HeaderArgument => schema(json!({"type": "object",
                "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}})),
            Self::OddHeaderArgument => schema(json!({"type": "object", "properties": {
                "empty": {"type": "string", "x-mcp-header": ""},
                "list": {"type": "array", "x-mcp-header": "List"},
                "broken": {"type": "string", "x-mcp-header": "A\r\nB: c"}}})),
            Self::IllegalNames => [
                "",
                " ",
                "a b",
                "../a",
                "a\nb",
                "a\u{0}b",
                "ünï",
                "a.b__c",
                "\u{202e}a",
            ]
            .map(tool)
            .into(),
            Self::LongName(letters) => vec![tool(&"n".repeat(*letters))],
            Self::ManyTools(count) => (0..*count).map(|n| tool(&format!("t{n}"))).collect(),
            Self::OversizedList(bytes) => {
                vec![json!({"name": ODD, "description": "x".repeat(*bytes),
                "inputSchema": {"type": "object"}})]
            }
            Self::Churns(times) => vec![tool(&format!("new_{}", turn.min(*times)))],
            _ => Vec::new(),
        }
    }

    /// How many times the server says that its tools have changed.
    pub(crate) fn churns(&self) -> Option<usize> {
        match self {
            Self::Churns(times) => Some(*times),
            _ => None,
        }
    }
}

fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

fn items(result: &mut Value, kind: ListKind) -> Option<&mut Vec<Value>> {
    result.get_mut(kind.field())?.as_array_mut()
}

fn set(result: &mut Value, key: &str, value: Value) {
    if let Some(fields) = result.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

/// JSON, or the text itself.
fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

/// The result with deep lists beside its items, as text.
fn nested(result: &Value, levels: usize) -> String {
    let text = result.to_string();
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    let fields = text.strip_suffix('}').unwrap_or(&text);
    format!(r#"{fields},"_meta":{{"deep":{open}{close}}}}}"#)
}
