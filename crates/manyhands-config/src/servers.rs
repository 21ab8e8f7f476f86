//! The lists of servers in a file, made one, and the id of each server.

use std::collections::HashMap;

use manyhands_core::{ServerId, assign_ids, nearest};

use crate::document::{Document, Member, Node, Value, join, shown};
use crate::error::{ConfigErrorKind, FileFault};
use crate::include;
use crate::keys::SERVER_LISTS;
use crate::warning::{Warning, WarningKind, Warnings};

/// A server's entry, not looked into yet.
#[derive(Clone)]
pub(crate) struct Listed<'a> {
    pub(crate) id: ServerId,
    pub(crate) path: String,
    pub(crate) member: &'a Member,
}

/// The entries of all lists in the order of the file, each with the key of its list.
pub(crate) fn entries(root: &Node) -> impl Iterator<Item = (&str, &Member)> {
    let lists = root.members().unwrap_or_default().iter();
    lists
        .filter(|list| SERVER_LISTS.contains(&list.key.as_str()))
        .flat_map(|list| {
            let members = list.node.members().unwrap_or_default();
            members.iter().map(|member| (list.key.as_str(), member))
        })
}

/// Lists the servers with their ids; of two with the same key the last one counts.
pub(crate) fn list<'a>(
    document: &'a Document,
    warnings: &mut Warnings,
) -> Result<Vec<Listed<'a>>, FileFault> {
    check_lists(&document.root)?;
    let mut last: HashMap<&str, &Member> = HashMap::new();
    for (section, member) in entries(&document.root) {
        if let Some(earlier) = last.insert(&member.key, member) {
            warnings.add(|| repeated(section, earlier, member));
        }
    }
    let counts = |member: &Member| {
        last.get(member.key.as_str())
            .is_some_and(|last| std::ptr::eq(*last, member))
    };
    let kept: Vec<_> = entries(&document.root)
        .filter(|(_, member)| counts(member))
        .collect();
    let ids = assign_ids(kept.iter().map(|(_, member)| member.key.as_str()));
    let listed = kept
        .into_iter()
        .zip(ids)
        .map(|((section, member), id)| Listed {
            id,
            path: join(section, &member.key),
            member,
        });
    Ok(listed.collect())
}

/// Makes one list of those of a file and of the files that it includes, each with the file's name before and its number
/// after; of servers with the same key, the first counts.
pub(crate) fn merge<'a>(
    lists: Vec<(&str, Vec<Listed<'a>>)>,
    warnings: &mut Warnings,
) -> Vec<(usize, Listed<'a>)> {
    let mut merged: Vec<(usize, Listed<'a>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (file, (label, list)) in lists.into_iter().enumerate() {
        for listed in list {
            let key = listed.member.key.as_str();
            if let Some(first) = places.get(key) {
                warnings.add(|| overridden(&listed, *first).in_file(label));
            } else {
                places.insert(key, file);
                merged.push((file, listed));
            }
        }
    }
    let ids = assign_ids(merged.iter().map(|(_, listed)| listed.member.key.as_str()));
    for ((_, listed), id) in merged.iter_mut().zip(ids) {
        listed.id = id;
    }
    let all: Vec<Listed<'_>> = merged.iter().map(|(_, listed)| listed.clone()).collect();
    warn_of_clashes(&all, warnings);
    merged
}

fn overridden(listed: &Listed<'_>, first: usize) -> Warning {
    let winner = if first == 0 {
        "the file that includes it has one, which counts"
    } else {
        "another file that is included has one, which counts because it comes first"
    };
    let (key, line) = (shown(&listed.member.key), listed.member.line);
    let message = format!("the server `{key}` (line {line}) is not used: {winner}");
    Warning::new(WarningKind::RepeatedKey, line, message)
}

/// Refuses a file that has no list of servers, or one that is no object.
fn check_lists(root: &Node) -> Result<(), FileFault> {
    let Some(members) = root.members() else {
        let what = format!("expected an object, found {}", root.kind());
        return Err(FileFault::new(ConfigErrorKind::NotAnObject, what)
            .line(root.line)
            .mend("write {\"mcpServers\": {..}}"));
    };
    let mut found = false;
    for key in SERVER_LISTS {
        let Some(list) = root.get(key) else { continue };
        if list.node.members().is_none() {
            let what = format!("{key}: expected an object, found {}", list.node.kind());
            return Err(FileFault::new(ConfigErrorKind::InvalidSection, what)
                .line(list.line)
                .mend("give each server a key: {\"my-server\": {\"command\": ..}}"));
        }
        found = true;
    }
    if found || include::of(root).is_some() {
        Ok(())
    } else {
        Err(no_list(members))
    }
}

/// Says that there is no list of servers, and where the servers may be instead.
fn no_list(root: &[Member]) -> FileFault {
    let fault = |what: &str| FileFault::new(ConfigErrorKind::NoServerList, what);
    let plain = "it has neither `mcpServers` nor `servers`";
    let of_vs_code = root.iter().find(|member| {
        member.key == "mcp.servers" || (member.key == "mcp" && member.node.get("servers").is_some())
    });
    if let Some(member) = of_vs_code {
        return fault(
            "these look like the settings of VS Code, with the servers under `mcp.servers`",
        )
        .line(member.line)
        .mend("move them to a file of their own, .vscode/mcp.json, under \"servers\"");
    }
    if let Some(member) = root.iter().find(|member| is_server(&member.node)) {
        return fault(&format!(
            "{plain}, but `{}` looks like a server",
            shown(&member.key)
        ))
        .line(member.line)
        .mend("put the servers under \"mcpServers\": {\"mcpServers\": {..}}");
    }
    let near = root.iter().find_map(|member| {
        let near = *nearest(&member.key, SERVER_LISTS).first()?;
        Some((member, near))
    });
    match near {
        Some((member, near)) => fault(&format!("{plain}, but `{}`", shown(&member.key)))
            .line(member.line)
            .mend(format!("write `{near}`")),
        None => fault(plain).mend("add \"mcpServers\": {}"),
    }
}

/// Whether a value has what only a server's entry has.
fn is_server(node: &Node) -> bool {
    let text = |key| {
        node.get(key)
            .is_some_and(|it| matches!(it.node.value, Value::Text(_)))
    };
    text("command") || text("url")
}

fn repeated(section: &str, earlier: &Member, member: &Member) -> Warning {
    let (first, last) = (earlier.line, member.line);
    let message = format!(
        "the server `{}` is there more than once (lines {first} and {last}); the one in {section} \
         counts, because it comes last",
        shown(&member.key)
    );
    Warning::new(WarningKind::RepeatedKey, last, message)
}

/// Warns of each server that did not get the id that it would have alone.
fn warn_of_clashes(listed: &[Listed<'_>], warnings: &mut Warnings) {
    for server in listed {
        let alone = assign_ids([server.member.key.as_str()]);
        let Some(alone) = alone.first().filter(|alone| **alone != server.id) else {
            continue;
        };
        let has_it = |other: &&Listed<'_>| other.id.as_str().eq_ignore_ascii_case(alone.as_str());
        warnings.add(|| {
            let other = listed
                .iter()
                .find(has_it)
                .map_or_else(String::new, |other| {
                    format!(
                        " because `{}` has that name already",
                        shown(&other.member.key)
                    )
                });
            let (key, line) = (shown(&server.member.key), server.member.line);
            let message = format!(
                "the server `{key}` (line {line}) is called `{}` here, not `{alone}`,{other}",
                server.id
            );
            Warning::new(WarningKind::IdClash, line, message)
        });
    }
}
