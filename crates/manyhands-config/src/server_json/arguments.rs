//! Inputs of a `server.json`: values that are given, have a default, or have to be asked for.

use serde_json::{Value, json};

use super::{Growing, flag, get, text};

/// Adds the arguments of a list, in order. What is neither given nor required is left out.
pub(super) fn add(growing: &mut Growing, args: &mut Vec<String>, list: Option<&Value>) {
    for argument in list.and_then(Value::as_array).into_iter().flatten() {
        let name = text(argument, "name");
        let hint = text(argument, "valueHint");
        let called = name.as_ref().or(hint.as_ref());
        let value = value(growing, called.map_or("argument", String::as_str), argument);
        let is_named = text(argument, "type").as_deref() == Some("named");
        match (name.filter(|_| is_named), value) {
            (Some(name), Some(value)) => args.extend([name, value]),
            // A flag without a value says all that it has to say.
            (Some(name), None) if is_switch(argument) => args.push(name),
            (None, Some(value)) => args.push(value),
            _ => {}
        }
    }
}

/// Whether a named argument is meant without a value.
fn is_switch(argument: &Value) -> bool {
    let has = |key| get(argument, key).is_some();
    !["value", "default", "valueHint", "format", "choices"]
        .into_iter()
        .any(has)
        && flag(argument, "isRequired")
}

/// Writes a variable or a header, if there is anything to write.
pub(super) fn pair(growing: &mut Growing, object: &str, input: &Value) -> Option<String> {
    let name = text(input, "name")?;
    let value = value(growing, &name, input)?;
    let texts = growing.entry.entry(object).or_insert_with(|| json!({}));
    texts.as_object_mut()?.insert(name.clone(), value.into());
    Some(name)
}

/// What an input comes to; none where nobody has to say anything.
fn value(growing: &mut Growing, name: &str, input: &Value) -> Option<String> {
    if let Some(value) = text(input, "value") {
        return Some(filled(growing, &value, get(input, "variables")));
    }
    let is_secret = flag(input, "isSecret");
    match text(input, "default").filter(|_| !is_secret) {
        Some(default) => Some(default),
        None if flag(input, "isRequired") => {
            let description = text(input, "description").unwrap_or_default();
            // A switch is asked for by being there.
            let is_switch = text(input, "type").as_deref() == Some("named") && is_switch(input);
            (!is_switch).then(|| growing.want(name, is_secret, &description))
        }
        None => None,
    }
}

/// A text with each `{variable}` filled in, as far as there are such.
pub(super) fn filled(growing: &mut Growing, text: &str, variables: Option<&Value>) -> String {
    let mut filled = text.to_owned();
    for (name, variable) in variables.and_then(Value::as_object).into_iter().flatten() {
        let place = format!("{{{name}}}");
        if filled.contains(&place) {
            let value = value(growing, name, variable);
            let value = value.unwrap_or_else(|| growing.want(name, flag(variable, "isSecret"), ""));
            filled = filled.replace(&place, &value);
        }
    }
    filled
}
