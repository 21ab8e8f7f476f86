//! Which keys mean something, here or elsewhere, and the warnings about all others.
//!
//! The lists are all that this module knows: what a key does is decided where it is read.

use serde_json::Value as Schema;

use crate::document::{Document, Member, join, shown};
use crate::error::did_you_mean;
use crate::warning::{Warning, WarningKind, Warnings};

/// The keys under which the list of servers may stand.
pub(crate) const SERVER_LISTS: [&str; 2] = ["mcpServers", "servers"];

/// The keys at the top that mean something here.
pub(crate) const TOP: [&str; 4] = ["mcpServers", "servers", "inputs", "manyhands"];

/// The keys of an entry that mean something whatever kind of server it is.
pub(crate) const COMMON: [&str; 5] = ["type", "transport", "disabled", "enabled", "manyhands"];

/// The keys of an entry that concern a child process.
pub(crate) const STDIO: [&str; 5] = ["command", "args", "env", "envFile", "cwd"];

/// The keys of an entry that concern a server on the network.
pub(crate) const HTTP: [&str; 4] = ["url", "serverUrl", "httpUrl", "headers"];

/// Keys at the top that some client writes: Claude Desktop, VS Code, Cursor.
const FOREIGN_TOP: [&str; 8] = [
    "globalShortcut",
    "preferences",
    "version",
    "sandbox",
    "permissions",
    "theme",
    "locale",
    "isUsingBuiltInNodeForMcp",
];

/// Keys by which some client hides tools of a server. Not applying them shows more than was meant.
const FOREIGN_FILTERS: [&str; 10] = [
    "disabledTools",
    "enabledTools",
    "allowedTools",
    "includeTools",
    "excludeTools",
    "disabled_tools",
    "enabled_tools",
    "allowed_tools",
    "tools",
    "toolFilter",
];

/// Keys by which some client says what needs no asking.
const FOREIGN_CONSENT: [&str; 5] = [
    "autoApprove",
    "alwaysAllow",
    "autoAllow",
    "trust",
    "autoApproveAll",
];

/// Other keys of an entry that some client writes: Claude, Cursor, VS Code, Cline, Gemini, Windsurf and others.
const FOREIGN: [&str; 24] = [
    "timeout",
    "description",
    "gallery",
    "version",
    "dev",
    "name",
    "title",
    "icon",
    "iconPath",
    "logoUrl",
    "provider",
    "providerUrl",
    "tags",
    "isActive",
    "baseUrl",
    "authProviderType",
    "oauth",
    "auth",
    "requestTimeout",
    "initTimeout",
    "networkTimeout",
    "longRunning",
    "sandbox",
    "sandboxEnabled",
];

/// Warns of keys at the top that mean nothing here, and of repeated keys anywhere.
pub(crate) fn check_document(document: &Document, warnings: &mut Warnings) {
    for repeated in &document.repeated {
        let (first, last) = repeated.lines;
        warnings.add(|| {
            let message = format!(
                "{} is there more than once (lines {first} and {last}); the last one counts",
                repeated.path
            );
            Warning::new(WarningKind::RepeatedKey, last, message)
        });
    }
    for member in document.root.members().unwrap_or_default() {
        let key = member.key.as_str();
        // The schema's address is for editors, and every client ignores it.
        if key == "$schema" || TOP.contains(&key) {
            continue;
        }
        warnings.add(|| {
            if FOREIGN_TOP.contains(&key) {
                foreign("the file", member, "")
            } else {
                unknown("the file", member, &TOP)
            }
        });
    }
}

/// Warns of keys in a server's entry that mean nothing here; `ours` is the schema of its `manyhands` section.
pub(crate) fn check_entry(path: &str, entry: &[Member], ours: &Schema, warnings: &mut Warnings) {
    for member in entry {
        let key = member.key.as_str();
        if COMMON.contains(&key) || STDIO.contains(&key) || HTTP.contains(&key) {
            continue;
        }
        warnings.add(|| {
            if FOREIGN_FILTERS.contains(&key) {
                foreign(path, member, ": it hides no tool")
            } else if FOREIGN_CONSENT.contains(&key) {
                foreign(path, member, ": it permits no call")
            } else if FOREIGN.contains(&key) {
                foreign(path, member, "")
            } else if ours
                .get("properties")
                .is_some_and(|it| it.get(key).is_some())
            {
                misplaced(path, member)
            } else {
                let known: Vec<&str> = [&COMMON[..], &STDIO, &HTTP].concat();
                unknown(path, member, &known)
            }
        });
    }
}

/// Warns of those keys of `idle` that an entry has, although its kind of server has no use for them.
pub(crate) fn check_unused(
    path: &str,
    entry: &[Member],
    idle: &[&str],
    why: &str,
    warnings: &mut Warnings,
) {
    for member in entry
        .iter()
        .filter(|member| idle.contains(&member.key.as_str()))
    {
        warnings.add(|| {
            let place = join(path, &member.key);
            let message = format!("{place} (line {}) is not used: {why}", member.line);
            Warning::new(WarningKind::UnusedKey, member.line, message)
        });
    }
}

fn unknown(path: &str, member: &Member, known: &[&str]) -> Warning {
    let (key, line) = (shown(&member.key), member.line);
    let mend = did_you_mean(&member.key, known.iter().copied());
    let mend = mend.map(|mend| format!("; {mend}")).unwrap_or_default();
    let message =
        format!("{path} has the key `{key}` (line {line}), which means nothing here{mend}");
    Warning::new(WarningKind::UnknownKey, line, message)
}

/// A setting of ours that stands beside our section instead of in it.
fn misplaced(path: &str, member: &Member) -> Warning {
    let (key, line) = (shown(&member.key), member.line);
    let message = format!(
        "{path} has the key `{key}` (line {line}), which is not applied there; write it as \"manyhands\": {{\"{key}\": ..}}"
    );
    Warning::new(WarningKind::UnknownKey, line, message)
}

fn foreign(path: &str, member: &Member, effect: &str) -> Warning {
    let (key, line) = (shown(&member.key), member.line);
    let message = format!(
        "{path} has the key `{key}` (line {line}), which is another client's and is not applied here{effect}"
    );
    Warning::new(WarningKind::ForeignKey, line, message)
}
