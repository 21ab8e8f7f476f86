//! `find` and `explain`: which tools a task needs, and why one is there or is not.

use std::process::ExitCode;
use std::time::Duration;

use manyhands::{Builder, Conversation, Query, Rounded, Selection, ServerId, Toolkit};
use manyhands_registry::{Chosen, LeftOut, describe, estimate};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::args::{FindArgs, Options, Wanted};
use crate::commands::list::{missing_json, say_missing};
use crate::failure::Failure;
use crate::output::{self, bold, dim, stdout_has_colour};
use crate::{load, progress};

/// The tokens of what is printed of a tool.
const TOKENS: usize = 60;
/// How long vectors of tools are waited for.
const EMBEDDED: Duration = Duration::from_secs(30);

/// Finds the tools that a task needs.
pub(crate) async fn run(options: &Options, find: FindArgs) -> Result<ExitCode, Failure> {
    let kit = started(load::remembering_builder(options)?, options).await;
    let talk = conversation(&kit, &find.wanted).await?;
    embedded(&kit).await;
    let selection = talk.select(query(&find)).by_meaning().await;
    if options.json {
        output::json(&document(&kit, &selection));
    } else {
        selection.chosen.iter().for_each(print);
        summarize(&selection);
    }
    if let Some(error) = &selection.without_embedder {
        let text = format!("found by words alone, since we failed to {error}");
        output::note(&output::printable(&text));
    }
    say_missing(&kit, options, "tool", kit.catalogue().tools().count());
    kit.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Says why models are shown a tool, or why not.
pub(crate) async fn explain(
    options: &Options,
    name: &str,
    query: Option<&str>,
    wanted: &Wanted,
) -> Result<ExitCode, Failure> {
    let builder = load::remembering_builder(options)?;
    let server = name.split_once('.').or_else(|| name.split_once("__"));
    let server = server.and_then(|(server, _)| ServerId::parse(server).ok());
    let server = server.filter(|server| builder.ids().any(|id| id == server));
    let builder = match &server {
        // How it does now is part of the answer, so what is remembered of it is not enough.
        Some(server) => builder.server(server.as_str(), load::asked_now),
        None => builder,
    };
    let kit = started(builder, options).await;
    let talk = conversation(&kit, wanted).await?;
    let explanation = match query {
        Some(text) => talk.explain_for(name, wanted.limit(Query::new(text))),
        None => talk.explain(name),
    };
    let catalogue = kit.catalogue();
    let flags = manyhands_registry::flags(&catalogue);
    let of_it = |it: &&manyhands_registry::Flag| {
        explanation
            .found
            .as_ref()
            .is_some_and(|found| found.name == it.tool().to_string())
    };
    let flags: Vec<String> = flags
        .iter()
        .filter(of_it)
        .map(ToString::to_string)
        .collect();
    kit.close().await;
    if options.json {
        let mut document = serde_json::to_value(&explanation).unwrap_or_default();
        if let Some(document) = document.as_object_mut() {
            document.insert("flags".to_owned(), flags.into());
        }
        output::json(&document);
    } else {
        output::line(&explanation.to_string());
        for flag in flags {
            output::line(&format!("  looks suspicious: {}", output::printable(&flag)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is remembered counts, and whoever was never asked is.
pub(crate) async fn started(builder: Builder, options: &Options) -> Toolkit {
    let kit = builder.start();
    kit.start_all();
    progress::all_started(&kit, Some(options.wait.unwrap_or(progress::WAIT))).await;
    kit
}

/// Has the tools embedded before they are chosen among, since nobody stays to use vectors that come later.
async fn embedded(kit: &Toolkit) {
    let limit = Rounded(EMBEDDED);
    let what = match kit.tools_to_embed() {
        1 => "1 tool".to_owned(),
        lacking => format!("{lacking} tools"),
    };
    if kit.tools_to_embed() > 0 {
        output::note(&format!(
            "asking for the vectors of {what}, for {limit} at the most"
        ));
    }
    // Why an embedder has none is told with what was found.
    if timeout(EMBEDDED, kit.embed_tools()).await.is_err() {
        let left = kit.tools_to_embed();
        output::note(&format!(
            "{left} of {what} have no vector after {limit}, and are found by their words alone this time"
        ));
    }
}

async fn conversation(kit: &Toolkit, wanted: &Wanted) -> Result<Conversation, Failure> {
    let talk = enabled(kit, &wanted.profiles)?;
    if !wanted.profiles.is_empty() {
        talk.ready().await;
    }
    Ok(talk)
}

/// A conversation about these profiles.
pub(crate) fn enabled(kit: &Toolkit, profiles: &[String]) -> Result<Conversation, Failure> {
    profiles
        .iter()
        .try_fold(kit.conversation(""), |talk, profile| {
            let talk = talk.enable(profile);
            talk.map_err(|error| Failure::usage(format!("failed to {error}")))
        })
}

fn query(find: &FindArgs) -> Query {
    let first = find.words.join(" ");
    let texts = std::iter::once(&first).chain(&find.then).cloned();
    let query = Query::from(texts.collect::<Vec<_>>())
        .with_tags(find.tags.iter().cloned())
        .with_servers(find.servers.iter().cloned());
    find.wanted.limit(query)
}

fn print(chosen: &Chosen) {
    let colour = stdout_has_colour();
    let name = output::printable(&chosen.tool.name().to_string());
    output::line(&format!("{:.2}  {}", chosen.score, bold(&name, colour)));
    let purpose = describe(&chosen.tool, TOKENS, &estimate);
    let purpose = output::summary(Some(&purpose));
    if !purpose.is_empty() {
        output::line(&format!("      {}", output::fit(&purpose, 112)));
    }
    let because = output::fit(&chosen.reason.to_string(), 112);
    output::line(&format!("      {}", dim(&because, colour)));
}

fn summarize(selection: &Selection) {
    let (chosen, fit) = (selection.chosen.len(), selection.considered);
    let text = match (chosen, fit) {
        (0, 0) => "no tool fits; try other words".to_owned(),
        (0, fit) => {
            format!("none of the {fit} tools that fit is small enough; raise `--within-tokens`")
        }
        _ => format!(
            "{chosen} of the {fit} tools that fit, {} tokens as definitions for a model",
            selection.tokens
        ),
    };
    output::note(&text);
}

fn document(kit: &Toolkit, selection: &Selection) -> Value {
    let tools: Vec<Value> = selection.chosen.iter().map(chosen_json).collect();
    let left_out: Vec<Value> = selection.left_out.iter().map(left_out_json).collect();
    json!({
        "tools": tools,
        "left_out": left_out,
        "considered": selection.considered,
        "without_embedder": selection.without_embedder,
        "tokens": selection.tokens,
        "missing": missing_json(kit),
    })
}

fn chosen_json(chosen: &Chosen) -> Value {
    json!({
        "name": chosen.tool.name(),
        "wire": chosen.tool.wire(),
        "score": chosen.score,
        "tokens": chosen.tokens,
        "reason": chosen.reason.to_string(),
    })
}

fn left_out_json(left_out: &LeftOut) -> Value {
    json!({"name": left_out.name, "score": left_out.score, "cause": left_out.cause.to_string()})
}
