//! The catalogue of many servers beside the plain way, which is one map of all tools that is made anew at each change.
//!
//! Run it as `cargo xtask bench catalogue`. It must not know how the catalogue works inside.

mod fleet;
mod plain;
mod table;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use manyhands_registry::{Catalogue, Lock, flags};
use serde_json::{Value, json};

use crate::conditions;
use crate::instructions::{self, INSTRUCTIONS};
use crate::report::{median, rounded};
use fleet::{Fleet, Offer, Pool};
use plain::Plain;

/// The most that a look-up should take, a change, and the memory of all of it.
const LOOKUP_NS: f64 = 200.0;
const CHANGE_MS: f64 = 2.0;
const MEMORY_MB: f64 = 100.0;

/// How the comparison is run and told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    /// Real definitions to draw from: a list of servers, each with its `tools`.
    pub(crate) toolset: Option<PathBuf>,
}

/// Which look-up is made, for an instruction counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Canonical,
    Wire,
    Plain,
}

impl Lookup {
    pub(crate) const ALL: [Self; 3] = [Self::Canonical, Self::Wire, Self::Plain];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Wire => "wire",
            Self::Plain => "plain",
        }
    }
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let report = report(options)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::render(&report));
    }
    Ok(())
}

/// Makes look-ups and nothing else, among few tools of as many servers.
pub(crate) fn count(lookup: Lookup, times: usize) -> Result<()> {
    let fleet = Pool::open(None)?.draw(&vec![5; 200])?;
    let catalogue = start(&fleet.offers);
    let plain = Plain::start(&fleet.offers);
    let names = Names::of(&catalogue);
    look_up(lookup, &catalogue, &plain, &names, times);
    Ok(())
}

pub(crate) fn report(options: &Options) -> Result<Value> {
    let rounds = if options.quick { 3 } else { 15 };
    let pool = Pool::open(options.toolset.as_deref())?;
    let (before, from) = (resident(), pool.from.clone());
    let fleet = pool.draw(&sizes())?;
    let drawn = resident();
    let catalogue = start(&fleet.offers);
    let built = resident();
    let plain = Plain::start(&fleet.offers);
    let rebuilt = resident();
    drop(pool);
    let mb = |from: f64, to: f64| rounded((to - from) / 1e6, 1);
    let memory = mb(before, built);
    let rows = rows(&fleet, &catalogue, &plain, rounds, options.quick);
    let worst = |name: &str| {
        let of_it = rows.iter().filter(|row| row.name.starts_with(name));
        of_it.map(|row| row.ours).fold(0.0, f64::max)
    };
    let aim = |name: &str, unit: &str, at_most: f64, measured: f64| {
        json!({"name": name, "unit": unit, "at_most": at_most, "measured": rounded(measured, 3),
            "met": measured <= at_most})
    };
    Ok(json!({
        "benchmark": "catalogue",
        "conditions": conditions::machine(),
        "tools": catalogue.tools().count(),
        "servers": fleet.offers.len(),
        "definitions": from,
        "rounds": rounds,
        "rows": rows.iter().map(Row::document).collect::<Vec<_>>(),
        "instructions_per_lookup": instructions(options.quick)?,
        "memory_mb": {
            "definitions": mb(before, drawn),
            "catalogue": mb(drawn, built),
            "plain": mb(built, rebuilt),
        },
        "whole_ms": {
            "flags": whole(rounds, || flags(&catalogue)),
            "pins": whole(rounds, || Lock::default().compare(&catalogue)),
        },
        "aims": [
            aim("a look-up", "ns", LOOKUP_NS, worst("look-up")),
            aim("a change", "ms", CHANGE_MS, worst("change") / 1e6),
            aim("definitions and catalogue", "MB", MEMORY_MB, memory),
        ],
    }))
}

/// How long one look at all tools takes, in milliseconds.
fn whole<T>(rounds: usize, mut look: impl FnMut() -> T) -> f64 {
    let times = (0..rounds.min(3)).map(|_| timed(&mut look).as_secs_f64() * 1e3);
    rounded(median(times).unwrap_or_default(), 0)
}

/// 10,000 tools of 200 servers: one has 500, one has 50, and the others share the rest.
fn sizes() -> Vec<usize> {
    let others = (0..198).map(|n| 47 + usize::from(n < 144));
    [500, 50].into_iter().chain(others).collect()
}

/// What one thing costs on both sides, in nanoseconds.
struct Row {
    name: &'static str,
    ours: f64,
    plain: f64,
    ratio: f64,
}

impl Row {
    /// Both sides take turns; the ratio is the median of those of neighbouring turns.
    fn of(
        name: &'static str,
        rounds: usize,
        mut ours: impl FnMut() -> Duration,
        mut plain: impl FnMut() -> Duration,
    ) -> Self {
        let _ = (ours(), plain());
        let ns = |time: Duration| time.as_secs_f64() * 1e9;
        let turns: Vec<(f64, f64)> = (0..rounds).map(|_| (ns(ours()), ns(plain()))).collect();
        let middle = |of: fn(&(f64, f64)) -> f64| median(turns.iter().map(of)).unwrap_or_default();
        Self {
            name,
            ours: middle(|it| it.0),
            plain: middle(|it| it.1),
            ratio: middle(|it| it.0 / it.1),
        }
    }

    fn document(&self) -> Value {
        json!({
            "name": self.name,
            "catalogue_ns": rounded(self.ours, 1),
            "plain_ns": rounded(self.plain, 1),
            "ratio": rounded(self.ratio, 5),
        })
    }
}

fn rows(
    fleet: &Fleet,
    catalogue: &Catalogue,
    plain: &Plain,
    rounds: usize,
    quick: bool,
) -> Vec<Row> {
    let names = Names::of(catalogue);
    let times = if quick { 1_000 } else { 200_000 };
    let lookups =
        |lookup: Lookup| move |names: &Names| look_up(lookup, catalogue, plain, names, times);
    let (canonical, wire, map) = (
        lookups(Lookup::Canonical),
        lookups(Lookup::Wire),
        lookups(Lookup::Plain),
    );
    let few = rounds.min(3);
    vec![
        Row::of(
            "look-up by canonical name",
            rounds,
            || canonical(&names),
            || map(&names),
        ),
        Row::of(
            "look-up by name for models",
            rounds,
            || wire(&names),
            || map(&names),
        ),
        change(
            "change of 50 tools of 50",
            fleet,
            catalogue,
            plain,
            (1, 50, rounds),
        ),
        change(
            "change of one tool of 500",
            fleet,
            catalogue,
            plain,
            (0, 1, rounds),
        ),
        Row::of(
            "start of all servers",
            few,
            || timed(|| start(&fleet.offers)),
            || timed(|| Plain::start(&fleet.offers)),
        ),
    ]
}

/// One server's lists come anew, with other descriptions for its first tools.
fn change(
    name: &'static str,
    fleet: &Fleet,
    catalogue: &Catalogue,
    plain: &Plain,
    (server, changed, rounds): (usize, usize, usize),
) -> Row {
    let new = fleet.changed(server, changed);
    let (id, inventory) = (&new.server, &new.inventory);
    let ours = || timed(|| catalogue.with_inventory(id, inventory));
    let mut plain = plain.clone();
    Row::of(name, rounds, ours, || timed(|| plain.change(server, &new)))
}

/// Letting go of what was made is part of what it costs.
fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    drop(black_box(run()));
    began.elapsed()
}

/// Every tool's names, in an order that no cache foresees.
struct Names {
    canonical: Vec<String>,
    wire: Vec<String>,
}

impl Names {
    fn of(catalogue: &Catalogue) -> Self {
        let mut tools: Vec<_> = catalogue.tools().collect();
        fastrand::Rng::with_seed(1).shuffle(&mut tools);
        Self {
            canonical: tools.iter().map(|it| it.name().to_string()).collect(),
            wire: tools.iter().map(|it| it.wire().to_owned()).collect(),
        }
    }
}

/// How long one look-up takes.
fn look_up(
    lookup: Lookup,
    catalogue: &Catalogue,
    plain: &Plain,
    names: &Names,
    times: usize,
) -> Duration {
    let list = match lookup {
        Lookup::Canonical => &names.canonical,
        _ => &names.wire,
    };
    let began = Instant::now();
    for name in list.iter().cycle().take(times) {
        let name = black_box(name.as_str());
        let found = match lookup {
            Lookup::Canonical => catalogue.tool(name).is_ok(),
            Lookup::Wire => catalogue.tool_by_wire(name).is_ok(),
            Lookup::Plain => plain.tool(name).is_some(),
        };
        assert!(black_box(found), "{name} is not found");
    }
    began.elapsed().div_f64(times as f64)
}

fn start(offers: &[Offer]) -> Catalogue {
    let empty = Catalogue::new(offers.iter().map(|it| it.server.clone()));
    offers.iter().fold(empty, |catalogue, offer| {
        catalogue.with_inventory(&offer.server, &offer.inventory).0
    })
}

fn instructions(quick: bool) -> Result<Value> {
    if quick || !instructions::can_count()? {
        return Ok(Value::Null);
    }
    let mut counted = serde_json::Map::new();
    for lookup in Lookup::ALL {
        let each = instructions::each(&INSTRUCTIONS, &["count-lookups", lookup.name()], &[])?;
        counted.insert(lookup.name().to_owned(), json!(each.round()));
    }
    Ok(counted.into())
}

/// The bytes of this process that are in memory now, from `/proc`; none elsewhere.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.context("no `VmRSS`").unwrap_or_default() * 1024.0
}
