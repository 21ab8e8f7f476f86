//! What a person sees of the demo as it happens, and what a program gets at its end.

use std::time::Duration;

use manyhands::{Reply, Toolkit};
use serde_json::{Map, Value, json};

use super::Outcome;
use crate::output::{self, bold, dim, green, red, stdout_has_colour};

/// Prints for people, or keeps quiet for programs.
pub(super) struct Show {
    json: bool,
    colour: bool,
}

impl Show {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            colour: stdout_has_colour(),
        }
    }

    pub(super) fn line(&self, text: &str) {
        if !self.json {
            output::line(text);
        }
    }

    pub(super) fn heading(&self, text: &str) {
        self.line(&format!("\n{}", bold(text, self.colour)));
    }

    /// Prints the document for programs.
    pub(super) fn document(&self, document: impl FnOnce() -> Value) {
        if self.json {
            output::json(&document());
        }
    }

    /// The merged toolkit, and the names that would have clashed.
    pub(super) fn toolkit(&self, kit: &Toolkit) {
        let catalogue = kit.catalogue();
        self.heading(&format!("One toolkit: {} tools", catalogue.tools().count()));
        for server in catalogue.servers() {
            let tools = catalogue
                .tools()
                .filter(|tool| tool.name().server() == server);
            let names: Vec<&str> = tools.map(|tool| tool.name().name()).collect();
            self.line(&format!(
                "  {:<12} {}",
                format!("{server}."),
                names.join(", ")
            ));
        }
        for (name, servers) in catalogue.collisions() {
            let both: Vec<String> = servers
                .iter()
                .map(|server| format!("{server}.{name}"))
                .collect();
            self.line(&format!(
                "  {name} is offered by {} servers, and stays two tools: {}",
                servers.len(),
                both.join(" and ")
            ));
        }
    }

    /// Each call with its time, and what parallel calls save.
    pub(super) fn calls(&self, outcomes: &[Outcome], took: Duration) {
        for Outcome {
            tool, took, result, ..
        } in outcomes
        {
            let took = format!("{:>4} ms", millis(*took));
            match result {
                Ok(_) => self.line(&format!("  {} {tool:<28} {took}", green("✓", self.colour))),
                Err(error) => self.line(&format!(
                    "  {} {tool:<28} {took}  {}",
                    red("✗", self.colour),
                    output::printable(error.cause())
                )),
            }
        }
        let sum: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
        let text = format!(
            "  all in {} ms; one after another: {} ms",
            millis(took),
            millis(sum)
        );
        self.line(&dim(&text, self.colour));
    }
}

pub(super) fn servers_json(kit: &Toolkit) -> Value {
    let report = kit.report();
    let server = |it: &manyhands::ServerReport| {
        json!({"id": it.id, "state": it.status.word(), "cause": it.status.cause(), "tools": it.tools,
               "started_in_ms": it.took.map(millis)})
    };
    report.servers.iter().map(server).collect()
}

pub(super) fn collisions_json(kit: &Toolkit) -> Value {
    let catalogue = kit.catalogue();
    let entries = catalogue
        .collisions()
        .into_iter()
        .map(|(name, servers)| (name.to_owned(), json!(servers)));
    Value::Object(entries.collect::<Map<_, _>>())
}

pub(super) fn call_json(outcome: &Outcome) -> Value {
    json!({
        "server": outcome.server.name(),
        "tool": outcome.tool,
        "took_ms": millis(outcome.took),
        "result": outcome.result.as_ref().ok().map(Reply::value),
        "error": outcome.result.as_ref().err(),
    })
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
