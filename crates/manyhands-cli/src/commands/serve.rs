//! `serve`: all servers as one MCP server.

use std::collections::HashMap;
use std::process::ExitCode;

use manyhands::{Changes, Conversation, News, Toolkit};
use manyhands_gateway::Shown;

use crate::args::Options;
use crate::commands::find;
use crate::failure::{Failure, UNAVAILABLE, with_sources};
use crate::{load, output};

/// Serves over standard input and output until the client closes them.
pub(crate) async fn run(
    options: &Options,
    profiles: &[String],
    search: bool,
) -> Result<ExitCode, Failure> {
    let watched = load::watched(options)?;
    let kit = load::remembering(watched.builder()).start();
    let talk = find::enabled(&kit, profiles)?;
    let checking = tokio::spawn(check_profiles(talk.clone()));
    let mut shown = Shown::from(talk);
    if search {
        shown = shown.by_search();
    }
    let telling = tokio::spawn(tell(kit.changes()));
    let following = tokio::spawn(watched.follow(kit.clone(), tell_of_configuration));
    let embedding = tokio::spawn(embed(kit.clone(), search));
    let served = serve(shown).await;
    checking.abort();
    telling.abort();
    following.abort();
    embedding.abort();
    kit.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Has it logged what the profiles name that is not there, which is known of a server's tools once that is up.
async fn check_profiles(talk: Conversation) {
    let mut changes = talk.toolkit().changes();
    loop {
        talk.ready().await;
        if changes.next().await.is_none() {
            return;
        }
    }
}

async fn serve(shown: Shown) -> Result<(), Failure> {
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let served = manyhands_gateway::serve(shown, input, output).await;
    served.map_err(|error| Failure::new(with_sources(&error), UNAVAILABLE))
}

/// Has the tools embedded before a model searches for the first time.
async fn embed(kit: Toolkit, search: bool) {
    if !search {
        return;
    }
    kit.all_started().await;
    if let Err(error) = kit.embed_tools().await {
        output::note(&output::printable(&format!(
            "tools are found by their words alone, since we failed to {error}"
        )));
    }
}

/// Says on standard error what came of a change of the configuration.
fn tell_of_configuration(news: Result<News, Failure>) {
    let text = match news {
        Ok(news) => format!("the configuration has changed: {news}"),
        Err(failure) => format!("the configuration is used as it was before: {failure}"),
    };
    output::note(&output::printable(&text));
}

/// Says on standard error which servers cannot be used and what to do about it, and when they can again: clients keep
/// that as the log of the whole.
async fn tell(mut changes: Changes) {
    let mut told = HashMap::new();
    while let Some(change) = changes.next().await {
        let (server, status) = (change.server, change.status);
        let text = match (status.is_failure(), status.cause()) {
            (true, Some(cause)) => {
                let mend = status.mend().map(|mend| format!("; {mend}"));
                format!("{} ({cause}{})", status.word(), mend.unwrap_or_default())
            }
            _ if status.word() == "ready" => "ready".to_owned(),
            _ if status.word() == "removed" => {
                told.remove(&server);
                continue;
            }
            _ => continue,
        };
        let last = told.insert(server.clone(), text.clone());
        let news = match &last {
            None => text != "ready",
            Some(last) => *last != text,
        };
        if news {
            output::note(&output::printable(&format!("{server} is {text}")));
        }
    }
}
