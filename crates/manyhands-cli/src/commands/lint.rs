//! What `doctor` says of tools: schemas that go unchecked, and contracts that say too little.

use std::collections::BTreeMap;

use manyhands::{Catalogue, ServerId, ToolEntry};
use manyhands_registry::{Finding, FindingKind, lint};
use serde_json::{Value, json};

use crate::output::{self, bold, dim, stdout_has_colour};

/// How many tools of a server people are told of, and how many notices of its schemas.
const SHOWN: usize = 5;

/// What is odd about the schemas of a server's tools, and how much more there is than is told.
pub(super) fn schema_notices(catalogue: &Catalogue, server: &ServerId) -> Vec<String> {
    let tools = catalogue.tools().filter(|it| it.name().server() == server);
    let notices = tools.flat_map(ToolEntry::schema_notices);
    let mut notices: Vec<String> = notices.map(|it| it.as_str().to_owned()).collect();
    if let Some(more) = notices.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        notices.truncate(SHOWN);
        notices.push(format!("{more} more of its tools' schemas are odd"));
    }
    notices
}

/// The findings of each server, worst first: the one with the most, and of each the tools with the most.
pub(super) struct Lint {
    servers: Vec<(ServerId, Vec<Vec<Finding>>)>,
}

impl Lint {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut by_tool: Vec<Vec<Finding>> = Vec::new();
        for finding in lint(catalogue) {
            match by_tool.last_mut() {
                Some(of_tool)
                    if of_tool
                        .first()
                        .is_some_and(|it| it.tool() == finding.tool()) =>
                {
                    of_tool.push(finding);
                }
                _ => by_tool.push(vec![finding]),
            }
        }
        let mut servers: Vec<(ServerId, Vec<Vec<Finding>>)> = Vec::new();
        for of_tool in by_tool {
            let Some(server) = of_tool.first().map(|it| it.tool().server().clone()) else {
                continue;
            };
            match servers.last_mut() {
                Some((known, tools)) if *known == server => tools.push(of_tool),
                _ => servers.push((server, vec![of_tool])),
            }
        }
        for (_, tools) in &mut servers {
            tools.sort_by_key(|findings| std::cmp::Reverse(findings.len()));
        }
        servers
            .sort_by_key(|(_, tools)| std::cmp::Reverse(tools.iter().map(Vec::len).sum::<usize>()));
        Self { servers }
    }

    pub(super) fn print(&self) {
        let colour = stdout_has_colour();
        for (server, tools) in &self.servers {
            let counted = counts(tools).into_iter();
            let counted: Vec<String> = counted
                .map(|(kind, count)| format!("{count} {kind}"))
                .collect();
            let told = output::printable(&counted.join(", "));
            output::line(&format!("\n{} {told}", bold(&format!("{server}:"), colour)));
            for findings in tools.iter().take(SHOWN) {
                let Some(first) = findings.first() else {
                    continue;
                };
                let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
                let name = output::printable(&first.tool().to_string());
                output::line(&format!("    {} {}", dim(&name, colour), said.join("; ")));
            }
            if let Some(more) = tools.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                output::line(&format!("    {more} more tools; `--json` has them all"));
            }
        }
        match self.servers.len() {
            0 => output::line("\nno tool says too little of itself"),
            _ => output::line(
                "\na description or `returns` can be given in `manyhands.tools` of a server's entry",
            ),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let servers = self.servers.iter().map(|(server, tools)| {
            let findings: Vec<Value> = tools.iter().flatten().map(as_json).collect();
            let counts: serde_json::Map<String, Value> = counts(tools)
                .into_iter()
                .map(|(kind, count)| (kind.as_str().to_owned(), count.into()))
                .collect();
            json!({"server": server, "count": findings.len(), "counts": counts, "findings": findings})
        });
        servers.collect()
    }
}

fn counts(tools: &[Vec<Finding>]) -> BTreeMap<FindingKind, usize> {
    let mut counts = BTreeMap::new();
    for finding in tools.iter().flatten() {
        *counts.entry(finding.kind()).or_default() += 1;
    }
    counts
}

fn as_json(finding: &Finding) -> Value {
    json!({
        "tool": finding.tool(),
        "kind": finding.kind().as_str(),
        "about": finding.about(),
        "message": finding.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use manyhands_core::Inventory;

    #[test]
    fn what_goes_unchecked_is_told_of_a_few_tools() {
        let id = ServerId::parse("s").unwrap();
        let mut inventory = Inventory::default();
        for name in 0..7 {
            let schema = json!({"$schema": "https://example.com/own"});
            let tool = json!({"name": name.to_string(), "inputSchema": schema});
            let tool = serde_json::from_value(tool).unwrap();
            inventory.tools.push(std::sync::Arc::new(tool));
        }
        let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &inventory);
        let told = schema_notices(&catalogue, &id);
        assert_eq!(told.len(), 6);
        assert!(told[0].contains("unknown dialect"), "{told:?}");
        assert_eq!(told[5], "2 more of its tools' schemas are odd");
    }
}
