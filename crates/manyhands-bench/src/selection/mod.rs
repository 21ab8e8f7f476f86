//! `selection`: how many of the tools that a task needs are among those that are chosen for it, beside a plain BM25
//! over the same texts.
//!
//! Reads a set of tools and tasks from a file, which is no part of the tree. It must not know how the index ranks.

mod baseline;
mod data;
mod grade;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use manyhands_core::ServerId;
use manyhands_registry::{Index, IndexOptions, Query, Selection};

use self::data::{Set, Task, options};
use self::grade::{Grades, grade};

pub(crate) use self::baseline::Baseline;
pub(crate) use self::data::{Server, catalogue};

/// The room that a selection by tokens has.
const TOKENS: usize = 4_000;
/// The places that are graded.
const PLACES: usize = 20;

/// What is measured on which set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    data: Option<PathBuf>,
    among: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(flags: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            let mut path = || flags.next().context("a path is missing after the flag");
            match *flag {
                "--data" => options.data = Some(path()?.into()),
                "--among" => options.among = Some(path()?.into()),
                other => bail!("no flag `{other}`"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(data) = &options.data else {
        println!("skipped: name a set of tools and tasks with --data");
        return Ok(());
    };
    if let Some(missing) = missing(options) {
        println!(
            "skipped: there is no {}; name a set with --data",
            missing.display()
        );
        return Ok(());
    }
    let mut set = Set::read(data)?;
    if let Some(among) = &options.among {
        set.add(among)?;
    }
    print!("{}", table::render(&set, &measure(&set)));
    let (single, steps) = servers(&set);
    println!(
        "\nOf {} servers, one query chooses {single:.1} and its steps choose {steps:.1}, as means over tasks.",
        set.servers.len()
    );
    Ok(())
}

fn missing(options: &Options) -> Option<&Path> {
    let mut paths = [&options.data, &options.among].into_iter().flatten();
    paths.find(|path| !path.exists()).map(PathBuf::as_path)
}

/// One way to choose, and what it reaches.
pub(crate) struct Row {
    name: &'static str,
    grades: Grades,
}

fn measure(set: &Set) -> Vec<Row> {
    let catalogue = catalogue(&set.servers);
    let index = Index::new(&catalogue, &options(&set.servers));
    let bare = Index::new(&catalogue, &IndexOptions::default());
    let baseline = Baseline::new(&set.servers);
    let ask = |texts: &[String]| texts.iter().fold(Query::default(), Query::with_text);
    let ours = |texts: &[String]| names(&index.select(&ask(texts)));
    let within = |texts: &[String]| names(&index.select(&ask(texts).with_tokens(TOKENS)));
    let started = |texts: &[String]| -> Vec<ServerId> {
        let fits = index.servers(&ask(texts));
        fits.into_iter().map(|it| it.server).collect()
    };
    let among = |texts: &[String]| names(&index.select(&ask(texts).with_servers(started(texts))));
    let undescribed = |texts: &[String]| names(&bare.select(&ask(texts)));
    let plain = |texts: &[String]| baseline.ranked(texts, PLACES);
    let single = |task: &Task| vec![task.query.clone()];
    let steps = |task: &Task| task.steps.clone();
    let row =
        |name, choose: &dyn Fn(&[String]) -> Vec<String>, texts: &dyn Fn(&Task) -> Vec<String>| {
            let all = set
                .tasks
                .iter()
                .map(|task| grade(&choose(&texts(task)), &task.labels));
            Row {
                name,
                grades: Grades::of(all.collect()),
            }
        };
    vec![
        row("one query: plain BM25", &plain, &single),
        row("one query: `select`", &ours, &single),
        row(
            "one query: without server descriptions",
            &undescribed,
            &single,
        ),
        row("one query: within 4,000 tokens", &within, &single),
        row("one query: of the servers that it chooses", &among, &single),
        row("steps: plain BM25", &plain, &steps),
        row("steps: `select`", &ours, &steps),
        row("steps: without server descriptions", &undescribed, &steps),
        row("steps: within 4,000 tokens", &within, &steps),
        row("steps: of the servers that they choose", &among, &steps),
    ]
}

/// How many servers a task's query chooses, as a mean over tasks, and so do its steps.
fn servers(set: &Set) -> (f64, f64) {
    let index = Index::new(&catalogue(&set.servers), &options(&set.servers));
    let count = |texts: &[String]| {
        let query = texts.iter().fold(Query::default(), Query::with_text);
        index.servers(&query).len() as f64
    };
    let tasks = set.tasks.len().max(1) as f64;
    let single = set
        .tasks
        .iter()
        .map(|task| count(std::slice::from_ref(&task.query)));
    let steps = set.tasks.iter().map(|task| count(&task.steps));
    (single.sum::<f64>() / tasks, steps.sum::<f64>() / tasks)
}

fn names(selection: &Selection) -> Vec<String> {
    let names = selection.chosen.iter().map(|it| it.tool.name().to_string());
    names.collect()
}

#[cfg(test)]
mod tests;
