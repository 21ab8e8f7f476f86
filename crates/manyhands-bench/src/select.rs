//! `select`: how long a selection takes among 10,000 tools, and how long it takes to index one server anew, beside a
//! plain BM25 over the same texts. It must not know how the index works.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use fastrand::Rng;
use manyhands_core::{Inventory, ServerId, model::Tool};
use manyhands_registry::{Catalogue, Index, IndexOptions, Query};
use serde_json::{Map, Value, json};

use crate::conditions;
use crate::selection::{Baseline, Server, catalogue};
use crate::table;

const TOOLS: usize = 10_000;
/// The servers that they are spread over, one table row each.
const SPREADS: [usize; 3] = [10, 200, 1_000];
/// The different words of all tools.
const VOCABULARY: usize = 8_000;
const QUERIES: usize = 500;
/// How often each query is asked; the best counts.
const ROUNDS: usize = 5;
const UPDATES: usize = 50;
/// The room that a selection by tokens has.
const WITHIN: usize = 4_000;
/// The texts of a query with steps.
const STEPS: usize = 4;
const SEED: u64 = 7;

pub(crate) fn run() -> Result<()> {
    println!(
        "{}; one thread.\n",
        table::machine(&json!({"conditions": conditions::machine()}))
    );
    println!(
        "| {TOOLS} tools of | one query, p50 / p99 ms | {STEPS} steps, p50 / p99 ms | plain BM25, one query, p50 / p99 \
         ms | p99 beside plain | within {WITHIN} tokens, first asked, p50 / p99 ms | one server anew, p50 / p99 ms | one tool \
         of it anew, p50 / p99 ms | everything anew, ms |"
    );
    println!("|{}", " --- |".repeat(9));
    for servers in SPREADS {
        println!("{}", row(servers)?);
    }
    Ok(())
}

fn row(spread: usize) -> Result<String> {
    let mut words = Words::new();
    let servers = servers(&mut words, spread)?;
    let tools = catalogue(&servers);
    let options = IndexOptions::default();
    let begun = Instant::now();
    let index = Index::new(&tools, &options);
    let built = millis(begun.elapsed());
    let queries: Vec<Vec<String>> = (0..QUERIES)
        .map(|_| (0..STEPS).map(|_| words.text(12)).collect())
        .collect();
    // Each tool's tokens are counted when it first comes near to being chosen.
    let first = Times::of(queries.iter().map(|texts| {
        let text = texts.first().cloned().unwrap_or_default();
        let begun = Instant::now();
        black_box(index.select(&Query::new(text).with_tokens(WITHIN)));
        begun.elapsed()
    }));
    let single = times(&queries, |texts| {
        let text = texts.first().cloned().unwrap_or_default();
        black_box(index.select(&Query::new(text)));
    });
    let steps = times(&queries, |texts| {
        let query = texts.iter().fold(Query::default(), Query::with_text);
        black_box(index.select(&query));
    });
    let baseline = Baseline::new(&servers);
    let plain = times(&queries, |texts| {
        black_box(baseline.ranked(texts.get(..1).unwrap_or_default(), 20));
    });
    let all = updates(&mut words, &tools, &index, &servers, usize::MAX)?;
    let one = updates(&mut words, &tools, &index, &servers, 1)?;
    let told = |it: &Times| format!("{:.2} / {:.2}", it.p50, it.p99);
    Ok(format!(
        "| {spread} servers | {} | {} | {} | {:.2}x | {} | {} | {} | {built:.0} |",
        told(&single),
        told(&steps),
        told(&plain),
        single.p99 / plain.p99,
        told(&first),
        told(&all),
        told(&one),
    ))
}

/// Gives servers lists with so many new tools one after the other, and takes the time of the index alone.
fn updates(
    words: &mut Words,
    tools: &Catalogue,
    index: &Index,
    servers: &[Server],
    fresh: usize,
) -> Result<Times> {
    let options = IndexOptions::default();
    let mut current = index.updated(tools, &options);
    let mut taken = Vec::new();
    for server in servers.iter().cycle().take(UPDATES) {
        let mut inventory = Inventory::default();
        inventory.tools.clone_from(&server.tools);
        for (n, tool) in inventory.tools.iter_mut().enumerate().take(fresh) {
            *tool = words.tool(n)?;
        }
        let (next, _) = tools.with_inventory(&server.id, &inventory);
        // Only this server differs from `index`, whose other parts are shared.
        let begun = Instant::now();
        current = index.updated(&next, &options);
        taken.push(begun.elapsed());
    }
    black_box(current);
    Ok(Times::of(taken.into_iter()))
}

fn servers(words: &mut Words, count: usize) -> Result<Vec<Server>> {
    let server = |at: usize, words: &mut Words| {
        let name = format!("server-{at}");
        Ok(Server {
            id: ServerId::parse(&name)?,
            name,
            description: words.text(20),
            tools: (0..TOOLS / count)
                .map(|n| words.tool(n))
                .collect::<Result<_>>()?,
        })
    };
    (0..count).map(|at| server(at, words)).collect()
}

/// Made-up words, some far more common than others, as in any language.
struct Words {
    random: Rng,
    all: Vec<String>,
}

impl Words {
    fn new() -> Self {
        let mut random = Rng::with_seed(SEED);
        let syllable = |random: &mut Rng| {
            let consonant = random
                .choice(b"bcdfghklmnprstvw")
                .map_or('b', |it| char::from(*it));
            let vowel = random.choice(b"aeiou").map_or('a', |it| char::from(*it));
            [consonant, vowel].into_iter().collect::<String>()
        };
        let all = (0..VOCABULARY).map(|_| {
            (0..random.usize(2..5))
                .map(|_| syllable(&mut random))
                .collect()
        });
        Self {
            all: all.collect::<Vec<String>>(),
            random,
        }
    }

    fn word(&mut self) -> &str {
        // Rank r comes about 1/r as often as the first: Zipf's law.
        let rank = (VOCABULARY as f64).powf(self.random.f64()) as usize;
        self.all.get(rank - 1).map_or("", String::as_str)
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word().to_owned()).collect();
        words.join(" ")
    }

    /// A tool of a usual size: 30 words of description, 4 parameters of 8 words each.
    fn tool(&mut self, number: usize) -> Result<Arc<Tool>> {
        let name = format!("{}_{}_{number}", self.word().to_owned(), self.word());
        let parameters = (0..4).map(|_| {
            let description = json!({"type": "string", "description": self.text(8)});
            (self.word().to_owned(), description)
        });
        let properties: Map<String, Value> = parameters.collect();
        let tool = json!({
            "name": name,
            "description": self.text(30),
            "inputSchema": {"type": "object", "properties": properties},
        });
        serde_json::from_value(tool).map(Arc::new).context("a tool")
    }
}

/// How long something takes, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(taken: impl Iterator<Item = Duration>) -> Self {
        let mut taken: Vec<Duration> = taken.collect();
        taken.sort_unstable();
        let at = |share: usize| {
            let place = (taken.len() * share / 100).min(taken.len().saturating_sub(1));
            taken.get(place).copied().map_or(f64::NAN, millis)
        };
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

/// Asks each query some times and takes the best of it, so that another program's turn is not in the figure.
fn times(queries: &[Vec<String>], mut ask: impl FnMut(&[String])) -> Times {
    let best = queries.iter().map(|texts| {
        let taken = (0..ROUNDS).map(|_| {
            let begun = Instant::now();
            ask(texts);
            begun.elapsed()
        });
        taken.min().unwrap_or_default()
    });
    Times::of(best)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
