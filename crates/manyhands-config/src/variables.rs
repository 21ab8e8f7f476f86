//! Where `${..}` references get their values, and how a text is filled with them.
//!
//! A value that was filled in is never part of an error: it may be a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::document::shown;
use crate::error::{EntryErrorKind, Fault};
use crate::inputs::Inputs;

/// The longest text that filling in may produce, in bytes. The longest command line of Linux is 2 MiB.
const MAX_FILLED: usize = 1 << 20;

/// Supplies the values of `${VAR}` and `${input:id}`.
pub trait Variables {
    /// The value of the variable `name`, if it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// The value of the input `id`, if there is one. By default that of the variable [`input_variable`].
    fn input(&self, id: &str) -> Option<String> {
        self.get(&input_variable(id))
    }
}

/// The variables of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment;

impl Variables for Environment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Variables for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }
}

/// Names the variable that holds the input `id`: `slack-token` is `MANYHANDS_INPUT_SLACK_TOKEN`.
#[must_use]
pub fn input_variable(id: &str) -> String {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    format!(
        "MANYHANDS_INPUT_{}",
        id.chars().map(fit).collect::<String>()
    )
}

/// All that a reference can refer to.
pub(crate) struct Scope<'a> {
    pub(crate) variables: &'a dyn Variables,
    pub(crate) inputs: &'a Inputs,
    pub(crate) folder: &'a Path,
}

impl Scope<'_> {
    /// Replaces every `${..}` in `text`. A lone `$`, and a `${` without an end, stay as they are.
    pub(crate) fn fill<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Fault> {
        if !text.contains("${") {
            return Ok(Cow::Borrowed(text));
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('}') {
            rest = tail;
            match head.rsplit_once("${") {
                None => filled.extend([head, "}"]),
                Some((before, _)) if before.contains("${") && before.contains(":-") => {
                    return Err(Fault::new(
                        EntryErrorKind::UnsupportedReference,
                        "a reference stands inside the default of another, which is not supported",
                    )
                    .mend("give a plain text as the default"));
                }
                Some((before, reference)) => {
                    filled.push_str(before);
                    match self.resolve(reference)? {
                        Some(value) => filled.push_str(&value),
                        None => filled.extend(["${", reference, "}"]),
                    }
                }
            }
            if filled.len() > MAX_FILLED {
                let what = "with its references filled in, the text is longer than 1 MiB";
                return Err(Fault::new(EntryErrorKind::InvalidValue, what));
            }
        }
        filled.push_str(rest);
        Ok(Cow::Owned(filled))
    }

    /// The value of what stands between `${` and `}`; none where that names nothing.
    fn resolve(&self, reference: &str) -> Result<Option<String>, Fault> {
        let folder = || self.folder.to_string_lossy().into_owned();
        let name = || {
            self.folder
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        if let Some(id) = reference.strip_prefix("input:") {
            return self.inputs.value(id, self.variables).map(Some);
        }
        if let Some(variable) = reference.strip_prefix("env:") {
            return self.variable(variable);
        }
        match reference {
            "workspaceFolder" => Ok(Some(folder())),
            "workspaceFolderBasename" => Ok(Some(name().unwrap_or_default())),
            "userHome" => self.home().map(Some),
            "pathSeparator" | "/" => Ok(Some(std::path::MAIN_SEPARATOR_STR.to_owned())),
            _ => match reference.split_once(':') {
                Some((prefix, rest)) if !rest.starts_with('-') => Err(unsupported(prefix)),
                _ => self.variable(reference),
            },
        }
    }

    /// Resolves `NAME` or `NAME:-default`. As in Claude Code, a variable that is set but empty counts as set.
    fn variable(&self, reference: &str) -> Result<Option<String>, Fault> {
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if name.is_empty() {
            return Ok(None);
        }
        let value = self
            .variables
            .get(name)
            .or_else(|| default.map(str::to_owned));
        value.map(Some).ok_or_else(|| {
            let name = shown(name);
            let what = format!("the variable `{name}` is not set");
            let mend = format!("set it in the environment, or write a default: ${{{name}:-..}}");
            Fault::new(EntryErrorKind::UnsetVariable, what).mend(mend)
        })
    }

    fn home(&self) -> Result<String, Fault> {
        let home = self
            .variables
            .get("HOME")
            .or_else(|| self.variables.get("USERPROFILE"));
        home.ok_or_else(|| {
            let what = "`${userHome}` has no value, because the variable `HOME` is not set";
            Fault::new(EntryErrorKind::UnsetVariable, what).mend("set HOME in the environment")
        })
    }
}

/// Refuses a kind of reference, without showing what it refers to.
fn unsupported(prefix: &str) -> Fault {
    let prefix = shown(prefix);
    let what =
        format!("references of the form `${{{prefix}:..}}` are not supported by this version");
    Fault::new(EntryErrorKind::UnsupportedReference, what)
        .mend("use an environment variable: ${NAME}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Fault> {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = BTreeMap::from([set("A", "1"), set("EMPTY", ""), set("HOME", "/h")]);
        let inputs = Inputs::default();
        let scope = Scope {
            variables: &variables,
            inputs: &inputs,
            folder: Path::new("/srv/shop"),
        };
        scope.fill(text).map(Cow::into_owned)
    }

    #[test]
    fn references_are_filled_in_and_the_rest_stays() {
        for (text, filled) in [
            ("${A}", "1"),
            ("x${A}y${env:A}z", "x1y1z"),
            ("${B:-2}", "2"),
            ("${env:B:-http://x:1}", "http://x:1"),
            ("${A:-2}", "1"),
            ("${EMPTY:-2}", ""),
            ("${B:-}", ""),
            (
                "${userHome}|${workspaceFolder}|${workspaceFolderBasename}",
                "/h|/srv/shop|shop",
            ),
            ("$", "$"),
            ("$$", "$$"),
            ("$A", "$A"),
            ("${", "${"),
            ("${A", "${A"),
            ("}", "}"),
            ("a}b${A}", "a}b1"),
            ("${}", "${}"),
            ("${:-x}", "${:-x}"),
            ("${x ${A}", "${x 1"),
            ("$${A}", "$1"),
            ("${B:-a}}", "a}"),
        ] {
            assert_eq!(fill(text).unwrap(), filled, "{text}");
        }
    }

    #[test]
    fn a_value_is_not_filled_in_again() {
        let variables = BTreeMap::from([("A".to_owned(), "${A}${B}".to_owned())]);
        let inputs = Inputs::default();
        let scope = Scope {
            variables: &variables,
            inputs: &inputs,
            folder: Path::new("/"),
        };
        assert_eq!(scope.fill("${A}").unwrap(), "${A}${B}");
    }

    #[test]
    fn what_cannot_be_filled_in_is_an_error() {
        for (text, kind) in [
            ("${B}", EntryErrorKind::UnsetVariable),
            ("${env:B}", EntryErrorKind::UnsetVariable),
            ("${input:b}", EntryErrorKind::UnsetInput),
            ("${secret:x}", EntryErrorKind::UnsupportedReference),
            ("${secret:x:-y}", EntryErrorKind::UnsupportedReference),
            ("${config:x}", EntryErrorKind::UnsupportedReference),
            ("${B:-${A}}", EntryErrorKind::UnsupportedReference),
        ] {
            assert_eq!(fill(text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn an_input_is_named_as_a_variable() {
        assert_eq!(
            input_variable("slack-token.é"),
            "MANYHANDS_INPUT_SLACK_TOKEN__"
        );
    }
}
