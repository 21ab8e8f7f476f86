//! What a scripted server offers, and how it is set to behave. It knows no connection.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::ListKind;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, HandshakeFault};
use crate::rpc::{Answer, INVALID_PARAMS};

/// The protocol versions with `initialize`, oldest first.
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// The protocol version of [`Fault::ModernOnly`].
pub(crate) const MODERN: &str = "2026-07-28";
const CURSOR: &str = "page-";

pub(crate) type ReplyFn = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) tools: Vec<(Value, ReplyFn)>,
    pub(crate) prompts: Vec<(Value, Value)>,
    pub(crate) resources: Vec<(Value, Value)>,
    pub(crate) templates: Vec<Value>,
    pub(crate) completion: Option<ReplyFn>,
    pub(crate) page_size: Option<usize>,
    pub(crate) latency: Duration,
    pub(crate) faults: Vec<Fault>,
}

impl Script {
    pub(crate) fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    /// What the first fault that `pick` knows says.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(pick)
    }

    /// The result of `initialize`.
    pub(crate) fn introduction(&self, params: &Value) -> Value {
        let asked = params.get("protocolVersion").and_then(Value::as_str);
        let version = LEGACY.into_iter().find(|known| Some(*known) == asked);
        let [.., newest] = LEGACY;
        self.spoilt_handshake(json!({
            "protocolVersion": version.unwrap_or(newest),
            "capabilities": self.capabilities(),
            "serverInfo": self.implementation(),
        }))
    }

    /// The result of `server/discover`.
    pub(crate) fn discovery(&self) -> Value {
        self.spoilt_handshake(json!({
            "supportedVersions": [MODERN],
            "capabilities": self.capabilities(),
            "_meta": {"io.modelcontextprotocol/serverInfo": self.implementation()},
        }))
    }

    /// How long the server reads nothing at first.
    pub(crate) fn boot_time(&self) -> Option<Duration> {
        self.find(|fault| match fault {
            Fault::Handshake(HandshakeFault::BootsSlowly(time)) => Some(*time),
            _ => None,
        })
    }

    fn spoilt_handshake(&self, mut result: Value) -> Value {
        for fault in &self.faults {
            match fault {
                Fault::Handshake(fault) => fault.spoil(&mut result),
                Fault::Text(fault) => fault.spoil_handshake(&mut result),
                _ => {}
            }
        }
        result
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ReplyFn> {
        let named = |definition: &Value| names(definition, "name", name);
        let found = self.tools.iter().find(|(definition, _)| named(definition));
        found.map(|(_, reply)| reply)
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<&Value> {
        let found = self.prompts.iter().find(|it| names(&it.0, "name", name));
        found.map(|(_, result)| result)
    }

    /// The result of reading a resource.
    pub(crate) fn contents(&self, uri: &str) -> Option<Value> {
        let (_, contents) = self.resources.iter().find(|it| names(&it.0, "uri", uri))?;
        Some(match contents {
            Value::Array(_) => json!({"contents": contents}),
            one => json!({"contents": [one]}),
        })
    }

    /// One page of a list, the one of this number since the client came.
    pub(crate) fn page(&self, kind: ListKind, params: &Value, turn: usize) -> Answer {
        let page = self.true_page(kind, params);
        self.faults
            .iter()
            .fold(page, |page, fault| match (fault, page) {
                (Fault::List(fault), page) => fault.spoil(kind, page, turn),
                (Fault::Text(fault), Answer::Result(mut result)) if kind == ListKind::Tools => {
                    fault.spoil_tools(&mut result);
                    Answer::Result(result)
                }
                (_, page) => page,
            })
    }

    fn true_page(&self, kind: ListKind, params: &Value) -> Answer {
        let items = self.items(kind);
        let cursor = params.get("cursor").and_then(Value::as_str);
        if self.has(&Fault::RepeatsCursor) {
            return page(kind, &items, Some("again".to_owned()));
        }
        let odd_cursor = self.faults.iter().any(Fault::names_odd_cursors);
        let number = match cursor.map(|text| text.strip_prefix(CURSOR)?.parse::<usize>().ok()) {
            None => 0,
            Some(None) if odd_cursor => 0,
            Some(Some(number)) => number,
            Some(None) => return Answer::error(INVALID_PARAMS, "no such cursor"),
        };
        let next = format!("{CURSOR}{}", number.saturating_add(1));
        if self.has(&Fault::EndlessPages) {
            return page(kind, &items, Some(next));
        }
        let size = self.page_size.unwrap_or(usize::MAX).max(1);
        let start = number.saturating_mul(size);
        let more = items.len().saturating_sub(start) > size;
        let items: Vec<&Value> = items.into_iter().skip(start).take(size).collect();
        page(kind, &items, more.then_some(next))
    }

    fn items(&self, kind: ListKind) -> Vec<&Value> {
        match kind {
            ListKind::Tools => self.tools.iter().map(|it| &it.0).collect(),
            ListKind::Prompts => self.prompts.iter().map(|it| &it.0).collect(),
            ListKind::Resources => self.resources.iter().map(|it| &it.0).collect(),
            ListKind::ResourceTemplates => self.templates.iter().collect(),
            _ => Vec::new(),
        }
    }

    fn capabilities(&self) -> Value {
        let offers = [
            ("tools", !self.tools.is_empty()),
            ("prompts", !self.prompts.is_empty()),
            (
                "resources",
                !self.resources.is_empty() || !self.templates.is_empty(),
            ),
        ];
        let declared = offers.into_iter().filter(|(_, offered)| *offered);
        let lists = declared.map(|(name, _)| (name, json!({"listChanged": true})));
        let completions = self.completion.iter().map(|_| ("completions", json!({})));
        let all = lists.chain(completions);
        all.map(|(name, how)| (name.to_owned(), how))
            .collect::<Map<_, _>>()
            .into()
    }

    fn implementation(&self) -> Value {
        json!({"name": self.name, "version": "1.0.0"})
    }
}

fn names(definition: &Value, key: &str, name: &str) -> bool {
    definition.get(key).and_then(Value::as_str) == Some(name)
}

fn page(kind: ListKind, items: &[&Value], next: Option<String>) -> Answer {
    let mut result = Map::new();
    result.insert(kind.field().to_owned(), json!(items));
    if let Some(next) = next {
        result.insert("nextCursor".to_owned(), next.into());
    }
    Answer::Result(result.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(answer: Answer) -> Value {
        match answer {
            Answer::Result(result) => result,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_hold_every_item_once_and_the_last_names_no_next() {
        let script = Script {
            templates: (0..5).map(|n| json!(n)).collect(),
            page_size: Some(2),
            ..Script::default()
        };
        let mut params = json!({});
        let mut pages = Vec::new();
        loop {
            let page = result(script.page(ListKind::ResourceTemplates, &params, 0));
            pages.push(page["resourceTemplates"].clone());
            match page.get("nextCursor") {
                Some(next) => params = json!({"cursor": next}),
                None => break,
            }
        }
        assert_eq!(pages, [json!([0, 1]), json!([2, 3]), json!([4])]);
    }

    #[test]
    fn a_full_last_page_names_no_next() {
        let script = Script {
            templates: vec![json!(0), json!(1)],
            page_size: Some(2),
            ..Script::default()
        };
        let page = result(script.page(ListKind::ResourceTemplates, &json!({}), 0));
        assert_eq!(page, json!({"resourceTemplates": [0, 1]}));
    }

    #[test]
    fn a_known_version_is_echoed_and_an_unknown_one_replaced() {
        let version = |asked| {
            let params = json!({"protocolVersion": asked});
            Script::default().introduction(&params)["protocolVersion"].clone()
        };
        assert_eq!(version("2024-11-05"), "2024-11-05");
        assert_eq!(version("1999-01-01"), "2025-11-25");
    }

    #[test]
    fn only_what_is_there_is_declared() {
        let script = Script {
            templates: vec![json!({})],
            ..Script::default()
        };
        assert_eq!(
            script.capabilities(),
            json!({"resources": {"listChanged": true}})
        );
    }
}
