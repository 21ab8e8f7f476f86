//! Takes secrets out of an entry and leaves references in their place.
//!
//! It keeps nothing anywhere: where the secrets go, the program decides.

use std::collections::BTreeSet;

use manyhands_core::{Secret, ServerId};
use serde_json::Value;

use super::{OBJECTS, TEXTS, literal, piece, plain_account, shape};
use crate::document::join;

/// How many secrets one text may have. A text with more is left as it is, and told.
const MAX_PIECES: usize = 16;

/// Secrets that stood in an entry itself.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TakenSecrets {
    /// What was taken out, in the order of the entry.
    pub taken: Vec<TakenSecret>,
    /// The places of texts that look like secrets, and cannot be taken apart.
    pub left: Vec<String>,
}

/// A secret that a reference stands for now.
#[derive(Debug)]
#[non_exhaustive]
pub struct TakenSecret {
    /// The place inside the entry, such as `env.TOKEN`.
    pub path: String,
    /// The service to keep it under: the server's id.
    pub service: String,
    /// The account to keep it under.
    pub account: String,
    /// The secret.
    pub value: Secret,
}

/// Takes what looks like a secret out of `entry`, and writes `${secret:keyring:SERVICE/ACCOUNT}` in its place.
///
/// ```
/// use manyhands_config::take_secrets;
/// use manyhands_core::ServerId;
/// use serde_json::json;
///
/// let mut entry = json!({"url": "https://crm.example", "headers": {"Authorization": "Bearer 8Xq1Z0r7Tk2Lw9"}});
/// let secrets = take_secrets(&ServerId::parse("crm")?, &mut entry);
/// assert_eq!(entry["headers"]["Authorization"], "Bearer ${secret:keyring:crm/Authorization}");
/// assert_eq!(secrets.taken[0].value.expose(), "8Xq1Z0r7Tk2Lw9");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn take_secrets(id: &ServerId, entry: &mut Value) -> TakenSecrets {
    let mut taker = Taker::new(id);
    for (key, value) in entry.as_object_mut().into_iter().flatten() {
        if OBJECTS.contains(&key.as_str()) {
            taker.inside(key, key, value);
        } else if TEXTS.contains(&key.as_str()) {
            taker.text(key, "", key, value);
        } else if key == "args" {
            taker.args(value);
        }
    }
    taker.found
}

/// Every secret anywhere in `document`, with texts as a whole where no part of them can be named.
pub(super) fn take_all(id: &ServerId, document: &mut Value) -> Vec<Secret> {
    let mut taker = Taker::new(id);
    let mut texts = Vec::new();
    taker.inside("", "", document);
    texts.extend(taker.found.taken.into_iter().map(|it| it.value));
    texts.extend(taker.whole);
    texts
}

struct Taker {
    service: String,
    accounts: BTreeSet<String>,
    found: TakenSecrets,
    /// The texts that are left as they are.
    whole: Vec<Secret>,
}

impl Taker {
    fn new(id: &ServerId) -> Self {
        Self {
            service: id.to_string(),
            accounts: BTreeSet::new(),
            found: TakenSecrets::default(),
            whole: Vec::new(),
        }
    }

    fn leave(&mut self, path: &str, text: &str) {
        self.found.left.push(path.to_owned());
        self.whole.push(Secret::new(text));
    }

    fn inside(&mut self, path: &str, name: &str, value: &mut Value) {
        match value {
            Value::String(_) => self.text(path, name, name, value),
            Value::Array(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    self.inside(&format!("{path}[{n}]"), name, item);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    match (key.as_str(), &value) {
                        ("args", Value::Array(_)) => self.args(value),
                        _ => self.inside(&join(path, key), key, value),
                    }
                }
            }
            _ => {}
        }
    }

    fn args(&mut self, value: &mut Value) {
        let mut flag = String::new();
        for (n, item) in value.as_array_mut().into_iter().flatten().enumerate() {
            let text = item.as_str().unwrap_or_default().to_owned();
            let account = text.split(['=', ':']).next().unwrap_or_default();
            let account = if flag.is_empty() { account } else { &flag };
            self.text(&format!("args[{n}]"), &flag, account, item);
            let is_flag = text.starts_with('-') && !text.contains(['=', ':', ' ']);
            flag = if is_flag { text } else { String::new() };
        }
    }

    /// Takes the secrets out of one text, which stands under `name`.
    fn text(&mut self, path: &str, name: &str, account: &str, value: &mut Value) {
        let Some(text) = value.as_str() else { return };
        if shape::secret(name, &literal(text)).is_none() {
            return;
        }
        if text.contains(shape::REFERENCE) {
            let text = text.to_owned();
            return self.leave(path, &text);
        }
        let (mut bare, mut references) = apart(text);
        let mut taken = Vec::new();
        while let Some(range) = piece::first(name, &bare) {
            let before = bare.get(..range.start).unwrap_or_default();
            let at = before.matches(shape::REFERENCE).count();
            let Some(secret) = bare.get(range.clone()).map(str::to_owned) else {
                break;
            };
            if secret.contains(shape::REFERENCE) || taken.len() == MAX_PIECES {
                break;
            }
            let account = self.account(account);
            references.insert(
                at,
                format!("${{secret:keyring:{}/{account}}}", self.service),
            );
            bare.replace_range(range, &shape::REFERENCE.to_string());
            taken.push(TakenSecret {
                path: path.to_owned(),
                service: self.service.clone(),
                account,
                value: Secret::new(secret),
            });
        }
        let filled = together(&bare, &references);
        if taken.is_empty() || shape::secret(name, &literal(&filled)).is_some() {
            let text = text.to_owned();
            return self.leave(path, &text);
        }
        *value = Value::String(filled);
        self.found.taken.extend(taken);
    }

    /// A name for the keyring that nothing else of this entry has.
    fn account(&mut self, name: &str) -> String {
        let plain = plain_account(name);
        let mut account = plain.clone();
        let mut n = 2;
        while !self.accounts.insert(account.clone()) {
            account = format!("{plain}-{n}");
            n += 1;
        }
        account
    }
}

/// The text with one mark for each `${..}`, and these by themselves.
fn apart(text: &str) -> (String, Vec<String>) {
    let mut references = Vec::new();
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((reference, after)) = after.split_once('}') else {
            break;
        };
        bare.push_str(before);
        bare.push(shape::REFERENCE);
        references.push(format!("${{{reference}}}"));
        rest = after;
    }
    bare.push_str(rest);
    (bare, references)
}

fn together(bare: &str, references: &[String]) -> String {
    let mut references = references.iter();
    let mut text = String::new();
    for c in bare.chars() {
        let reference = (c == shape::REFERENCE).then(|| references.next());
        match reference.flatten() {
            Some(reference) => text.push_str(reference),
            None => text.push(c),
        }
    }
    text
}
