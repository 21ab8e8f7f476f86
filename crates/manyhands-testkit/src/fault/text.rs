//! What is odd about a text.

use serde_json::{Value, json};

use super::switch::{family, word};

/// How long a huge text is, in bytes: it fits into a message.
const HUGE: usize = 10 * 1024 * 1024;

family! {
    /// Where a text is odd: in every place where a server has one.
    TextFault as "Text" {
        /// Introduces itself by an odd name.
        Name(OddText = OddText::Escapes): "text-in-name",
        /// Has odd instructions.
        Instructions(OddText = OddText::Escapes): "text-in-instructions",
        /// Lists one more tool with an odd name.
        ToolName(OddText = OddText::Escapes): "text-in-tool-name",
        /// Gives its first tool an odd title.
        Title(OddText = OddText::Escapes): "text-in-title",
        /// Gives its first tool an odd description.
        Description(OddText = OddText::Escapes): "text-in-description",
        /// Names odd cursors for pages without end.
        Cursor(OddText = OddText::Escapes): "text-in-cursor",
        /// Answers lists of tools with an odd error.
        ListError(OddText = OddText::Escapes): "text-in-list-error",
        /// Refuses the handshake with an odd error.
        Refusal(OddText = OddText::Escapes): "text-in-refusal",
        /// Answers tool calls with an odd error.
        Error(OddText = OddText::Escapes): "text-in-error",
        /// Answers tool calls with an odd text.
        Reply(OddText = OddText::Escapes): "text-in-reply",
        /// Tells of an odd progress during tool calls.
        Progress(OddText = OddText::Escapes): "text-in-progress",
        /// Logs an odd message during tool calls.
        Log(OddText = OddText::Escapes): "text-in-log",
        /// Writes an odd line to stdout before the handshake is answered.
        Stdout(OddText = OddText::Escapes): "text-in-stdout",
        /// Writes an odd line to stderr; only a program can.
        Stderr(OddText = OddText::Escapes): "text-in-stderr",
    }
}

word! {
    /// How a text is odd.
    OddText {
        /// 10 MiB long.
        Huge: "huge",
        /// With ANSI escape sequences: colours, a window title, a cleared screen, a link.
        Escapes: "escapes",
        /// With control characters: NUL, backspace, carriage return, DEL, C1, line breaks.
        Controls: "controls",
        /// With characters that turn the reading direction, have no width or look like tags.
        Bidi: "bidi",
    }
}

impl OddText {
    /// The text itself.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Huge => "x".repeat(HUGE),
            Self::Escapes => {
                "a\u{1b}[2J\u{1b}[31mred\u{1b}]0;owned\u{7}\u{1b}]8;;http://127.0.0.1:9\u{1b}\\link\u{1b}[0mz".to_owned()
            }
            Self::Controls => "a\u{0}\u{8}\u{8}b\rc\u{7f}\u{9b}31md\u{85}e\nf\tz".to_owned(),
            Self::Bidi => "a\u{202e}cba\u{202c}\u{2066}\u{200b}\u{feff}\u{e0041}\u{ad}z".to_owned(),
        }
    }
}

impl TextFault {
    /// Spoils the result of a handshake.
    pub(crate) fn spoil_handshake(&self, result: &mut Value) {
        match self {
            Self::Name(odd) => {
                let name = odd.text();
                for pointer in [
                    "/serverInfo/name",
                    "/_meta/io.modelcontextprotocol~1serverInfo/name",
                ] {
                    if let Some(value) = result.pointer_mut(pointer) {
                        *value = json!(name);
                    }
                }
            }
            Self::Instructions(odd) => {
                if let Some(fields) = result.as_object_mut() {
                    fields.insert("instructions".to_owned(), odd.text().into());
                }
            }
            _ => {}
        }
    }

    /// Spoils a page of tools.
    pub(crate) fn spoil_tools(&self, result: &mut Value) {
        let (key, odd) = match self {
            Self::Title(odd) => ("title", odd),
            Self::Description(odd) => ("description", odd),
            Self::Cursor(odd) => {
                if let Some(fields) = result.as_object_mut() {
                    fields.insert("nextCursor".to_owned(), odd.text().into());
                }
                return;
            }
            Self::ToolName(odd) => {
                if let Some(Value::Array(tools)) = result.get_mut("tools") {
                    tools.push(json!({"name": odd.text(), "inputSchema": {"type": "object"}}));
                }
                return;
            }
            _ => return,
        };
        if let Some(Value::Object(tool)) = result.pointer_mut("/tools/0") {
            tool.insert(key.to_owned(), odd.text().into());
        }
    }

    /// The notification that comes before a tool call is answered.
    pub(crate) fn notification(&self, token: &Value) -> Option<Value> {
        let (method, params) = match self {
            Self::Progress(odd) => (
                "progress",
                json!({"progressToken": token, "progress": 1, "message": odd.text()}),
            ),
            Self::Log(odd) => (
                "message",
                json!({"level": "error", "logger": odd.text(), "data": odd.text()}),
            ),
            _ => return None,
        };
        let method = format!("notifications/{method}");
        Some(json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }
}
