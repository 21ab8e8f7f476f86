//! The endings as tables for people.

use manyhands_core::{CallError, Reply};

use super::drive::Ended;
use crate::document::cell;

const HEAD: &str = "| what happens | code | type | delivery | sent again | counts against | what to do |\n\
    | --- | --- | --- | --- | --- | --- | --- |\n";

/// A section with a table each.
pub(super) fn markdown(sections: &[(&str, Vec<(&str, Ended)>)]) -> String {
    let table = |(title, ends): &(&str, Vec<(&str, Ended)>)| {
        let lines: String = ends.iter().map(|(what, ended)| line(what, ended)).collect();
        format!("\n### {title}\n\n{HEAD}{lines}")
    };
    sections.iter().map(table).collect::<String>() + "\n"
}

fn line(what: &str, ended: &Ended) -> String {
    let [code, class, delivery, advice] = match &ended.outcome {
        Ok(reply) => of_reply(reply),
        Err(error) => of_error(error),
    };
    let again = match (ended.write_is_sent_again, ended.read_is_sent_again) {
        (true, _) => "yes",
        (false, true) => "if harmless",
        (false, false) => "no",
    };
    let counts = match (ended.counts_against_server, ended.counts_against_tool) {
        (true, _) => "the server",
        (false, true) => "the tool",
        (false, false) => "nobody",
    };
    let what = cell(what);
    format!("| {what} | {code} | {class} | {delivery} | {again} | {counts} | {advice} |\n")
}

fn of_error(error: &CallError) -> [String; 4] {
    [
        error.kind().code().to_owned(),
        error.error_type().as_str().to_owned(),
        error.delivery().as_str().to_owned(),
        cell(&steady(error.advice().unwrap_or_default())),
    ]
}

/// An advice without how long a wait will be, part of which is chance.
fn steady(advice: &str) -> String {
    match advice.split_once(" again in ") {
        Some((before, after)) if after.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("{before} again in so many seconds")
        }
        _ => advice.to_owned(),
    }
}

/// A tool that failed has replied.
fn of_reply(reply: &Reply) -> [String; 4] {
    let failure = reply.failure().unwrap();
    let class = failure.error_type.map_or("none", |class| class.as_str());
    let code = failure
        .code
        .as_deref()
        .map_or("none".to_owned(), |code| format!("`{code}`"));
    [
        code,
        class.to_owned(),
        "a reply".to_owned(),
        "read what the tool says".to_owned(),
    ]
}
