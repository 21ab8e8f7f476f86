//! Whether two texts say the same, but for one entry.

use jsonc_parser::cst::CstInputValue;
use serde_json::{Map, Value as Json};

use crate::document::{Member, Node, Value};

/// Whether `after` is `before` with `entry` as the value of `name` in the lists, or without it.
pub(super) fn differs_only_in(
    before: &Node,
    after: &Node,
    lists: &[&str],
    name: &str,
    entry: Option<&Json>,
) -> bool {
    let (Some(before), Some(after)) = (before.members(), after.members()) else {
        return false;
    };
    let is_list = |member: &&Member| lists.contains(&member.key.as_str());
    let rest = |members: &[Member]| -> Vec<Member> {
        let others = members.iter().filter(|member| !is_list(member));
        others.cloned().collect()
    };
    let entries = |members: &[Member]| -> Vec<Member> {
        let lists = members.iter().filter(is_list);
        let inner = lists.flat_map(|list| list.node.members().unwrap_or_default());
        inner.cloned().collect()
    };
    let (old, new) = (entries(before), entries(after));
    let others = |members: &[Member]| -> Vec<Member> {
        let others = members.iter().filter(|member| member.key != name);
        others.cloned().collect()
    };
    let mut found = new.iter().filter(|member| member.key == name);
    let is_as_wanted = match entry {
        Some(entry) => found.any(|member| to_json(&member.node) == *entry),
        None => found.next().is_none(),
    };
    is_as_wanted && same(&rest(before), &rest(after)) && same(&others(&old), &others(&new))
}

/// Whether two objects hold the same in the same order, on whichever lines.
fn same(left: &[Member], right: &[Member]) -> bool {
    let pairs = left.iter().zip(right);
    left.len() == right.len()
        && pairs
            .into_iter()
            .all(|(left, right)| left.key == right.key && same_value(&left.node, &right.node))
}

fn same_value(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (Value::Object(left), Value::Object(right)) => same(left, right),
        (Value::List(left), Value::List(right)) => {
            let mut pairs = left.iter().zip(right);
            left.len() == right.len() && pairs.all(|(left, right)| same_value(left, right))
        }
        (Value::Text(left), Value::Text(right)) | (Value::Number(left), Value::Number(right)) => {
            left == right
        }
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Null, Value::Null) => true,
        _ => false,
    }
}

/// The value as other crates know it. A number beyond their range is null.
pub(crate) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Number(text) => serde_json::from_str(text).unwrap_or(Json::Null),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let pairs = members.map(|member| (member.key.clone(), to_json(&member.node)));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

/// The value as it is written into a text.
pub(super) fn to_input(value: &Json) -> CstInputValue {
    match value {
        Json::Null => CstInputValue::Null,
        Json::Bool(flag) => CstInputValue::Bool(*flag),
        Json::Number(number) => CstInputValue::Number(number.to_string()),
        Json::String(text) => CstInputValue::String(text.clone()),
        Json::Array(items) => CstInputValue::Array(items.iter().map(to_input).collect()),
        Json::Object(members) => {
            let members = members.iter();
            let pairs = members.map(|(key, value)| (key.clone(), to_input(value)));
            CstInputValue::Object(pairs.collect())
        }
    }
}
