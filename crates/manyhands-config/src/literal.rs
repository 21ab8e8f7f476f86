//! Finds secrets that stand in an entry themselves, where a reference could stand.
//!
//! A value is never shown: a warning says where it is and what it looks like. A secret that is missed costs less than a
//! value that is taken for one, so that whoever is warned can believe it.

mod hidden;
mod piece;
mod shape;
mod taken;

use manyhands_core::ServerId;

use crate::document::{Member, Node, Value, join};
use crate::warning::{Warning, WarningKind, Warnings};

pub use hidden::Hidden;
pub use taken::{TakenSecret, TakenSecrets, take_secrets};

/// The objects of an entry whose values are looked at, with all that is inside them.
const OBJECTS: [&str; 3] = ["env", "headers", "manyhands"];

/// The texts of an entry that are looked at.
const TEXTS: [&str; 4] = ["command", "url", "serverUrl", "httpUrl"];

/// Warns of every text of an entry that looks like a secret and is none of its references.
pub(crate) fn check(id: &ServerId, path: &str, entry: &[Member], warnings: &mut Warnings) {
    let mut finder = Finder {
        of: id.as_str(),
        warnings,
    };
    for member in entry {
        let key = member.key.as_str();
        let path = join(path, key);
        if OBJECTS.contains(&key) {
            finder.inside(&path, key, &member.node);
        } else if TEXTS.contains(&key) {
            finder.text(&path, "", &member.node);
        } else if key == "args" {
            finder.args(&path, &member.node);
        }
    }
}

/// Warns of every text of a part of the file's section that looks like a secret.
pub(crate) fn check_part(path: &str, part: &Member, warnings: &mut Warnings) {
    let of = part.key.as_str();
    Finder { of, warnings }.inside(path, "", &part.node);
}

struct Finder<'a> {
    /// Whose secret it is.
    of: &'a str,
    warnings: &'a mut Warnings,
}

impl Finder<'_> {
    /// Looks at all texts under `node`, which is called `name`.
    fn inside(&mut self, path: &str, name: &str, node: &Node) {
        match &node.value {
            Value::Text(_) => self.text(path, name, node),
            Value::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.inside(&format!("{path}[{n}]"), name, item);
                }
            }
            Value::Object(members) => {
                for member in members {
                    self.inside(&join(path, &member.key), &member.key, &member.node);
                }
            }
            _ => {}
        }
    }

    /// Looks at arguments: `--token=..`, `--token ..`, `NAME=..`, `Name: ..`, and whatever looks like a secret by itself.
    fn args(&mut self, path: &str, node: &Node) {
        let Value::List(items) = &node.value else {
            return;
        };
        let mut flag = "";
        for (n, item) in items.iter().enumerate() {
            let text = item.text().unwrap_or_default();
            self.text(&format!("{path}[{n}]"), flag, item);
            let is_flag = text.starts_with('-') && !text.contains(['=', ':', ' ']);
            flag = if is_flag { text } else { "" };
        }
    }

    fn text(&mut self, path: &str, name: &str, node: &Node) {
        let Some(text) = node.text() else { return };
        let Some(why) = shape::secret(name, &literal(text)) else {
            return;
        };
        let (line, reference) = (node.line, self.reference(name));
        self.warnings.add(|| {
            let message = format!(
                "{path} (line {line}) looks like {why}; keep it in the keyring, and write \"{reference}\" in its place"
            );
            Warning::new(WarningKind::LiteralSecret, line, message)
        });
    }

    /// A reference that could stand there.
    fn reference(&self, name: &str) -> String {
        let account = match plain_account(name).to_ascii_lowercase().as_str() {
            "authorization" => "token".to_owned(),
            account => account.to_owned(),
        };
        format!("${{secret:keyring:{}/{account}}}", self.of)
    }
}

/// Whether any text inside `value` holds `part`, keys included.
pub(crate) fn has_text(value: &serde_json::Value, part: &str) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains(part),
        serde_json::Value::Array(items) => items.iter().any(|item| has_text(item, part)),
        serde_json::Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains(part) || has_text(value, part)),
        _ => false,
    }
}

/// A name for an account of the keyring, made of the name that a secret stands under.
fn plain_account(name: &str) -> String {
    let account = name.trim_start_matches('-');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let fits = !account.is_empty() && account.len() <= 40 && account.chars().all(plain);
    if fits { account } else { "token" }.to_owned()
}

/// The text with [`shape::REFERENCE`] in place of each reference, but for what stands in the file as its default.
fn literal(text: &str) -> String {
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((reference, after)) = after.split_once('}') else {
            break;
        };
        literal.push_str(before);
        literal.push(shape::REFERENCE);
        if let Some((_, default)) = reference.split_once(":-") {
            literal.push_str(default);
            literal.push(shape::REFERENCE);
        }
        rest = after;
    }
    literal.push_str(rest);
    literal
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod taken_tests;
