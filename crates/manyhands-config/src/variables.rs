//! Where `${..}` references get their values, and how a text is filled with them.
//!
//! A value that was filled in is never part of an error: it may be a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use manyhands_core::Secret;

use crate::deferred;
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

/// A text whose references were filled in, but for those to secrets that are not known yet.
#[derive(Debug)]
pub(crate) struct Text<'t> {
    pub(crate) value: Cow<'t, str>,
    /// The references to secrets that stand in the value as they are written.
    pub(crate) secrets: Vec<String>,
}

/// All that a reference can refer to.
pub(crate) struct Scope<'a> {
    pub(crate) variables: &'a dyn Variables,
    pub(crate) inputs: &'a Inputs,
    pub(crate) folder: &'a Path,
    /// The secrets by their references; none in the first reading, where they are not known.
    pub(crate) secrets: Option<&'a BTreeMap<String, Secret>>,
}

/// What stands for a reference.
enum Value {
    Known(String),
    /// A secret that is not known yet, by its reference.
    Later(String),
    /// Nothing: it is no reference.
    Nothing,
}

impl Scope<'_> {
    /// Replaces every `${..}` in `text`. A lone `$`, and a `${` without an end, stay as they are.
    pub(crate) fn fill<'t>(&self, text: &'t str) -> Result<Text<'t>, Fault> {
        let mut secrets = Vec::new();
        if !text.contains("${") {
            let value = Cow::Borrowed(text);
            return Ok(Text { value, secrets });
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once('}') {
            rest = tail;
            match head.rsplit_once("${") {
                None => filled.extend([head, "}"]),
                Some((before, reference)) => {
                    not_nested(before)?;
                    filled.push_str(before);
                    match self.resolve(reference)? {
                        Value::Known(value) => filled.push_str(&value),
                        Value::Nothing => filled.extend(["${", reference, "}"]),
                        Value::Later(secret) => {
                            secrets.push(secret);
                            filled.extend(["${", reference, "}"]);
                        }
                    }
                }
            }
            if filled.len() > MAX_FILLED {
                let what = "with its references filled in, the text is longer than 1 MiB";
                return Err(Fault::new(EntryErrorKind::InvalidValue, what));
            }
        }
        filled.push_str(rest);
        let value = Cow::Owned(filled);
        Ok(Text { value, secrets })
    }

    /// The value of what stands between `${` and `}`.
    fn resolve(&self, reference: &str) -> Result<Value, Fault> {
        if let Some(written) = reference.strip_prefix("secret:") {
            return self.secret(written);
        }
        let value = self.plain(reference)?;
        Ok(value.map_or(Value::Nothing, Value::Known))
    }

    /// The secret that `${secret:..}` names, if it is known by now.
    fn secret(&self, written: &str) -> Result<Value, Fault> {
        let reference = deferred::reference(written, self.folder)?;
        let Some(secrets) = self.secrets else {
            return Ok(Value::Later(reference));
        };
        let secret = secrets.get(&reference).ok_or_else(|| {
            let what = format!("the secret `{}` was not read", shown(&reference));
            Fault::new(EntryErrorKind::InvalidReference, what)
        })?;
        Ok(Value::Known(secret.expose().to_owned()))
    }

    /// The value of what is no secret; none where it names nothing.
    fn plain(&self, reference: &str) -> Result<Option<String>, Fault> {
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

/// Refuses a reference inside another, of which `before` is the beginning.
fn not_nested(before: &str) -> Result<(), Fault> {
    let mut outer = before.split("${").skip(1);
    let refuse = |what: &str, mend: &str| {
        Err(Fault::new(EntryErrorKind::UnsupportedReference, what).mend(mend))
    };
    if outer.clone().any(|it| it.starts_with("secret:")) {
        return refuse(
            "a reference stands inside a reference to a secret, which is not supported",
            "write the key in full: a path may begin with `~/`, or be relative to the folder of this file",
        );
    }
    if outer.any(|it| it.contains(":-")) {
        return refuse(
            "a reference stands inside the default of another, which is not supported",
            "give a plain text as the default",
        );
    }
    Ok(())
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
            secrets: None,
        };
        scope.fill(text).map(|text| text.value.into_owned())
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
        let variables = BTreeMap::from([("A".to_owned(), "${A}${B}${secret:env:B}".to_owned())]);
        let inputs = Inputs::default();
        let scope = Scope {
            variables: &variables,
            inputs: &inputs,
            folder: Path::new("/"),
            secrets: None,
        };
        let filled = scope.fill("${A}").unwrap();
        assert_eq!(filled.value, "${A}${B}${secret:env:B}");
        assert_eq!(filled.secrets, [] as [&str; 0]);
    }

    #[test]
    fn what_cannot_be_filled_in_is_an_error() {
        for (text, kind) in [
            ("${B}", EntryErrorKind::UnsetVariable),
            ("${env:B}", EntryErrorKind::UnsetVariable),
            ("${input:b}", EntryErrorKind::UnsetInput),
            ("${secret:x}", EntryErrorKind::InvalidReference),
            ("${secret:x:-y}", EntryErrorKind::InvalidReference),
            ("${secret:x:y:-z}", EntryErrorKind::InvalidReference),
            ("${secret::y}", EntryErrorKind::InvalidReference),
            ("${secret:x: }", EntryErrorKind::InvalidReference),
            ("${secret:X:y}", EntryErrorKind::InvalidReference),
            ("${secret:file:${A}}", EntryErrorKind::UnsupportedReference),
            ("${B:-${secret:x:y}}", EntryErrorKind::UnsupportedReference),
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
