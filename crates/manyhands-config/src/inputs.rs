//! The `inputs` list of VS Code: values that an editor would ask a person for.
//!
//! Nobody is asked here. An input gets its value from the variables, or else its default.

use std::collections::BTreeMap;

use crate::document::{Node, Value, shown};
use crate::error::{EntryErrorKind, Fault};
use crate::variables::{Variables, input_variable};
use crate::warning::{Warning, WarningKind};

/// The inputs that a file declares, by their ids.
#[derive(Default)]
pub(crate) struct Inputs(BTreeMap<String, Input>);

struct Input {
    description: Option<String>,
    default: Option<String>,
}

impl Inputs {
    /// Reads the value of `inputs`, leaving out what cannot be understood.
    pub(crate) fn read(root: &Node) -> (Self, Vec<Warning>) {
        let mut inputs = BTreeMap::new();
        let mut warnings = Vec::new();
        let Some(member) = root.get("inputs") else {
            return (Self(inputs), warnings);
        };
        let mut odd = |place: String, line: usize, what: &str| {
            let message = format!("{place} (line {line}) is left out: {what}");
            warnings.push(Warning::new(WarningKind::InvalidInput, line, message));
        };
        let Value::List(items) = &member.node.value else {
            let what = format!("expected a list, found {}", member.node.kind());
            odd("inputs".to_owned(), member.line, &what);
            return (Self(inputs), warnings);
        };
        for (n, item) in items.iter().enumerate() {
            let text = |key: &str| item.get(key)?.node.text();
            if let Some(id) = text("id") {
                let description = text("description").map(shown);
                let default = text("default").map(str::to_owned);
                inputs.insert(
                    id.to_owned(),
                    Input {
                        description,
                        default,
                    },
                );
            } else {
                odd(
                    format!("inputs[{n}]"),
                    item.line,
                    "expected an object with a string `id`",
                );
            }
        }
        (Self(inputs), warnings)
    }

    /// The value of the input `id`, or how to give it one.
    pub(crate) fn value(&self, id: &str, variables: &dyn Variables) -> Result<String, Fault> {
        let input = self.0.get(id);
        let default = || input.and_then(|input| input.default.clone());
        variables.input(id).or_else(default).ok_or_else(|| {
            let description = input.and_then(|input| input.description.as_ref());
            let description = description
                .map(|text| format!(" ({text})"))
                .unwrap_or_default();
            let what = format!("the input `{}`{description} has no value", shown(id));
            let mend = format!("set the variable {} to it", shown(&input_variable(id)));
            Fault::new(EntryErrorKind::UnsetInput, what).mend(mend)
        })
    }
}
