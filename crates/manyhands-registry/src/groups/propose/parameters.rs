//! Which parameters of two tools correspond, and the program that makes the arguments of one of the other's. It must not
//! know what the tools do.

use std::collections::BTreeSet;

use manyhands_core::clip;
use manyhands_core::model::Tool;
use serde_json::Value;

use crate::lint::words;

/// The most parameters of a tool that are compared, and the longest name of one, in bytes.
const MAX_PARAMETERS: usize = 32;
const MAX_NAME: usize = 100;
/// How many pairs are told.
const MAX_TOLD: usize = 4;

/// Names of parameters that mean the same, by their words. General computing, of no product.
const MEANINGS: &[&[&str]] = &[
    &[
        "query",
        "q",
        "search",
        "search query",
        "search term",
        "keyword",
        "search text",
    ],
    &[
        "limit",
        "max result",
        "count",
        "page size",
        "per page",
        "num result",
        "top k",
        "size",
        "max item",
    ],
    &["page", "page number"],
    &[
        "path",
        "file path",
        "filepath",
        "filename",
        "file name",
        "file",
    ],
    &["url", "uri", "link"],
    &["content", "body", "text", "message"],
    &["repository", "repo", "project"],
    &["timezone", "time zone", "tz"],
    &["expression", "formula"],
];

/// One parameter of a tool.
pub(super) struct Parameter {
    name: String,
    /// Its name as words, to compare.
    words: String,
    /// Which types its values may have, as bits; all where nothing is said.
    types: u8,
    /// The only values that it takes, as JSON, where those are counted up.
    values: Option<BTreeSet<String>>,
    is_required: bool,
}

const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "array", "object", "null",
];
const STRING: u8 = 0b1;
const NUMBERS: u8 = 0b110;
/// The last words of names of what only one server knows.
const OPAQUE: [&str; 7] = ["id", "identifier", "uuid", "uid", "guid", "cursor", "token"];
/// How names end that are those of a thing, and not a text to search by.
const THINGS: [&str; 12] = [
    "id", "key", "slug", "path", "name", "url", "uri", "number", "code", "type", "date", "file",
];

pub(super) fn read(tool: &Tool) -> Vec<Parameter> {
    let schema = &tool.input_schema;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &String| {
        let mut names = required.into_iter().flatten();
        names.any(|it| it.as_str() == Some(name))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let all = properties.into_iter().flatten();
    let mut all: Vec<Parameter> = all
        .filter(|(name, _)| name.len() <= MAX_NAME)
        .map(|(name, schema)| Parameter {
            name: name.clone(),
            words: words(name).collect::<Vec<_>>().join(" "),
            types: types(schema),
            values: values(schema),
            is_required: is_required(name),
        })
        .collect();
    // What has to be there counts most.
    all.sort_by_key(|it| !it.is_required);
    all.truncate(MAX_PARAMETERS);
    all
}

fn types(schema: &Value) -> u8 {
    let bit = |name: &Value| TYPES.iter().position(|it| Some(*it) == name.as_str());
    let bits = match schema.get("type") {
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(bit)
            .fold(0, |bits, at| bits | 1 << at),
        Some(one) => bit(one).map_or(0, |at| 1 << at),
        None => 0,
    };
    match bits {
        0 => u8::MAX,
        // A whole number is a number, and what asks for one is often given the other.
        bits if bits & NUMBERS != 0 => bits | NUMBERS,
        bits => bits,
    }
}

fn values(schema: &Value) -> Option<BTreeSet<String>> {
    let all = schema.get("enum")?.as_array()?;
    Some(all.iter().take(64).map(Value::to_string).collect())
}

impl Parameter {
    /// Whether it names a thing as its server does, which to another server means nothing.
    fn is_opaque(&self) -> bool {
        let last = self.words.rsplit(' ').next().unwrap_or_default();
        OPAQUE.contains(&last)
    }

    /// Whether each value of `self` may be one of `to`.
    fn fits(&self, to: &Self) -> bool {
        if self.is_opaque() || to.is_opaque() {
            return false;
        }
        let takes = match (&self.values, &to.values) {
            (_, None) => true,
            (Some(own), Some(theirs)) => own.is_subset(theirs),
            (None, Some(_)) => false,
        };
        takes && self.types & to.types != 0
    }

    /// Whether it may be what `other` asks for, in words of its own: their names share one, or one is a query and the
    /// other names no thing, so that it is one too, in some language.
    fn may_be(&self, other: &Self) -> bool {
        let shares = || {
            self.words
                .split(' ')
                .any(|it| other.words.split(' ').any(|other| it == other))
        };
        let names_no_thing = |it: &Self| {
            let last = it.words.rsplit(' ').next().unwrap_or_default();
            !THINGS.iter().any(|thing| last.ends_with(thing))
        };
        let is_query = |it: &Self| {
            MEANINGS
                .first()
                .is_some_and(|all| all.contains(&it.words.as_str()))
        };
        let is_text = self.types == other.types && self.types == STRING;
        is_text
            && (shares()
                || is_query(self) && names_no_thing(other)
                || is_query(other) && names_no_thing(self))
    }

    fn means(&self, other: &Self) -> bool {
        let has = |meaning: &&&[&str], it: &Self| meaning.contains(&it.words.as_str());
        let mut meanings = MEANINGS.iter();
        meanings.any(|it| has(&it, self) && has(&it, other))
    }
}

/// What of one tool's arguments makes the other's.
pub(super) struct Correspondence<'p> {
    /// Of each pair the parameter that is given, and the one that is made of it.
    pairs: Vec<(&'p Parameter, &'p Parameter)>,
    /// Required parameters of the other that nothing makes.
    pub(super) missing: Vec<String>,
    /// Whether some of what is given goes nowhere.
    drops: bool,
    required: usize,
}

impl<'p> Correspondence<'p> {
    pub(super) fn new(from: &'p [Parameter], to: &'p [Parameter]) -> Self {
        let mut pairs: Vec<(&Parameter, &Parameter)> = Vec::new();
        let same: [fn(&Parameter, &Parameter) -> bool; 3] = [
            |a, b| a.name == b.name,
            |a, b| a.words == b.words,
            Parameter::means,
        ];
        for is_same in same {
            for to in to {
                let is_free = |it: &&Parameter| {
                    !pairs
                        .iter()
                        .any(|(a, b)| std::ptr::eq(*a, *it) || std::ptr::eq(*b, to))
                };
                // What may be left out makes nothing that must not be.
                let is_sure = |it: &&Parameter| it.is_required || !to.is_required;
                let mut from = from.iter().filter(|it| is_free(it) && is_sure(it));
                let found = from.find(|it| is_same(it, to) && it.fits(to));
                pairs.extend(found.map(|it| (it, to)));
            }
        }
        let is_left = |it: &&Parameter, pairs: &[(&Parameter, &Parameter)]| {
            it.is_required
                && !pairs
                    .iter()
                    .any(|(a, b)| std::ptr::eq(*a, *it) || std::ptr::eq(*b, *it))
        };
        // Where each has one thing left that it must be given, and of one kind, that is what the call is about.
        let left = |all: &'p [Parameter], pairs: &[(&Parameter, &Parameter)]| {
            let mut left = all.iter().filter(|it| is_left(it, pairs));
            left.next().filter(|_| left.next().is_none())
        };
        if let (Some(a), Some(b)) = (left(from, &pairs), left(to, &pairs))
            && a.may_be(b)
            && a.fits(b)
        {
            pairs.push((a, b));
        }
        let missing = to.iter().filter(|it| is_left(it, &pairs));
        let missing = missing.map(|it| clip(&it.name, MAX_NAME).into_owned());
        let missing: Vec<String> = missing.collect();
        Self {
            missing,
            drops: pairs.len() < from.len(),
            required: to.iter().filter(|it| it.is_required).count(),
            pairs,
        }
    }

    /// Which part of what the other needs there is, from 0 to 1. That nothing is needed says little.
    pub(super) fn filled(&self) -> f32 {
        if self.required == 0 {
            return 0.5;
        }
        let all = self.required.max(1) as f32;
        1.0 - self.missing.len() as f32 / all
    }

    /// The pairs, as in `query=q`.
    pub(super) fn told(&self) -> Option<String> {
        let pairs = self.pairs.iter().take(MAX_TOLD);
        let told: Vec<String> = pairs
            .map(|(a, b)| {
                if a.name == b.name {
                    a.name.clone()
                } else {
                    format!("{}={}", a.name, b.name)
                }
            })
            .collect();
        (!told.is_empty()).then(|| format!("parameters {}", told.join(", ")))
    }

    /// A jq program for the other's arguments; none where they are the same, or some are missing.
    pub(super) fn program(&self) -> Option<String> {
        let is_same = !self.drops && self.pairs.iter().all(|(a, b)| a.name == b.name);
        if is_same || !self.missing.is_empty() {
            return None;
        }
        let fields = self
            .pairs
            .iter()
            .map(|(a, b)| match (key(&a.name), key(&b.name)) {
                (given, made) if given == made && given == a.name => made,
                (given, made) if given == a.name => format!("{made}: .{given}"),
                (given, made) => format!("{made}: .[{given}]"),
            });
        let fields: Vec<String> = fields.collect();
        let object = format!("{{{}}}", fields.join(", "));
        // What may be left out is not handed on as null.
        let all_there = self.pairs.iter().all(|(a, _)| a.is_required);
        Some(if all_there {
            object
        } else {
            format!("{object} | with_entries(select(.value != null))")
        })
    }
}

/// A name as a key of jq's objects: as it stands, or quoted. In JSON's quotes a backslash stands for itself, so that
/// nothing in a name is run.
fn key(name: &str) -> String {
    let mut chars = name.chars();
    let begins = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_plain = begins && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain && !RESERVED.contains(&name) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

/// Words of jq that cannot stand for themselves.
const RESERVED: [&str; 19] = [
    "__loc__", "and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "import",
    "include", "label", "module", "or", "reduce", "then", "try", "not",
];
