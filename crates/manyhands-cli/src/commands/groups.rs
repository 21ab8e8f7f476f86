//! `groups`: tools that do the same, in the order in which they are preferred, and groups that somebody may want.

use std::process::ExitCode;

use manyhands::{Proposal, RankedGroup, RankedMember, Ranking, Toolkit, propose};
use serde_json::{Map, Value, json};

use crate::args::Options;
use crate::commands::find::started;
use crate::failure::Failure;
use crate::load;
use crate::output::{self, bold, dim, printable, stdout_has_colour};

/// How many proposals are told to people; programs get all.
const TOLD: usize = 20;

/// Lists groups and what is wrong with them, and proposes some where that is wanted.
pub(crate) async fn run(options: &Options, wants_proposals: bool) -> Result<ExitCode, Failure> {
    let kit = started(load::remembering_builder(options)?, options).await;
    let ranking = kit.groups();
    let proposals = wants_proposals.then(|| proposals(&kit));
    kit.close().await;
    if options.json {
        output::json(&document(&kit, &ranking, proposals.as_deref()));
        return Ok(ExitCode::SUCCESS);
    }
    for group in ranking.groups() {
        print(&kit, group);
    }
    if ranking.groups().is_empty() && proposals.is_none() {
        output::line(
            "no group has two tools; declare some, or look at `manyhands groups --propose`",
        );
    }
    for problem in ranking.problems() {
        output::note(&problem.to_string());
    }
    if let Some(proposals) = &proposals {
        print_proposals(proposals);
    }
    Ok(ExitCode::SUCCESS)
}

/// Proposals of tools that are in no group yet.
fn proposals(kit: &Toolkit) -> Vec<Proposal> {
    let catalogue = kit.catalogue();
    let ranking = kit.groups();
    let is_new = |proposal: &Proposal| {
        let mut members = proposal.members.iter();
        members.all(|it| ranking.group_of(&it.tool).is_none())
    };
    propose(&catalogue).into_iter().filter(is_new).collect()
}

fn print(kit: &Toolkit, group: &RankedGroup) {
    let colour = stdout_has_colour();
    output::line(&bold(&printable(&group.name), colour));
    for (at, member) in group.members.iter().enumerate() {
        let name = printable(&member.tool.to_string());
        let role = match at {
            0 => "put forward",
            _ if kit.falls_back(&member.tool) => "stands in",
            _ => "not shown",
        };
        let why = dim(&why(member), colour);
        output::line(format!("  {}  {name:<32} {role:<12} {why}", at + 1).trim_end());
    }
}

fn why(member: &RankedMember) -> String {
    output::fit(&member.why, 100)
}

fn print_proposals(proposals: &[Proposal]) {
    if proposals.is_empty() {
        return output::line("no tools of different servers look as if they did the same");
    }
    for proposal in proposals.iter().take(TOLD) {
        output::line(&format!("{:.2}  {proposal}", proposal.score));
        for member in proposal.members.iter().filter(|it| !it.missing.is_empty()) {
            let missing = printable(&member.missing.join(", "));
            let name = printable(&member.tool.to_string());
            output::line(&format!(
                "      {name} does not stand in until its `arguments` say what {missing} is"
            ));
        }
    }
    if let Some(more) = proposals.len().checked_sub(TOLD).filter(|more| *more > 0) {
        output::line(&format!("and {more} more, which `--json` tells"));
    }
    output::line("\nPut those that you agree with under \"manyhands\" in the configuration:");
    let snippet: Map<String, Value> = proposals.iter().take(TOLD).map(snippet).collect();
    output::json(&json!({"groups": snippet}));
}

/// A group as it may be declared, as brief as it can be.
fn snippet(proposal: &Proposal) -> (String, Value) {
    let tools = proposal.members.iter().map(|it| match &it.arguments {
        Some(program) => json!({"tool": it.tool, "arguments": program}),
        None => json!(it.tool),
    });
    (proposal.name.clone(), tools.collect())
}

fn document(kit: &Toolkit, ranking: &Ranking, proposals: Option<&[Proposal]>) -> Value {
    let groups = ranking.groups().iter().map(|group| {
        let tools = group.members.iter().map(|it| {
            json!({"tool": it.tool, "why": it.why, "outage": it.outage, "arguments": it.arguments})
        });
        let falls_back = group.members.iter().any(|it| kit.falls_back(&it.tool));
        json!({"name": group.name, "fallback": falls_back, "tools": tools.collect::<Vec<_>>()})
    });
    let problems = ranking.problems().iter().map(ToString::to_string);
    let mut document = json!({
        "groups": groups.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
    });
    let proposals = proposals.map(|all| all.iter().map(proposed).collect::<Vec<_>>());
    if let (Some(proposals), Some(document)) = (proposals, document.as_object_mut()) {
        document.insert("proposals".to_owned(), proposals.into());
    }
    document
}

fn proposed(proposal: &Proposal) -> Value {
    let tools = proposal
        .members
        .iter()
        .map(|it| json!({"tool": it.tool, "arguments": it.arguments, "missing": it.missing}));
    json!({
        "name": proposal.name,
        "score": proposal.score,
        "reason": proposal.reason,
        "tools": tools.collect::<Vec<_>>(),
        "declaration": snippet(proposal).1,
    })
}
