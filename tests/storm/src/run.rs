//! The course of a run: a calm, a storm, the time after it. It must not know what is made of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fastrand::Rng;
use tokio::time::sleep;

use crate::fleet::Fleet;
use crate::load::{Load, Record};
use crate::{journal, report, verdict};

/// After how many calls, and how much time, each part may end at the earliest.
const PARTS: [(u64, Duration); 3] = [
    (3_000, Duration::from_secs(3)),
    (6_500, Duration::from_secs(4)),
    (10_000, Duration::from_secs(4)),
];
/// How long a part may take where the machine is busy with other things.
const LONGEST: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);
/// How long what was delayed may still come to a server.
const LATE: Duration = Duration::from_secs(1);
/// How often the figures are taken that others on the machine may spoil.
const TRIES: u64 = 2;

/// What was seen.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) seed: u64,
    /// How many calls were begun.
    pub(crate) calls: u64,
    pub(crate) records: Vec<Record>,
    /// How often servers acted on each call.
    pub(crate) executed: BTreeMap<u64, usize>,
    /// When the calm began, the storm, and the time after it, and when that was over.
    pub(crate) times: [Instant; 4],
}

/// Runs it, and says whether all was well. What is missed by time alone is tried once more.
pub(crate) async fn run(testkit: &Path, seed: u64) -> Result<bool> {
    for again in 0..TRIES {
        let course = storm(testkit, seed + again).await?;
        let verdict = verdict::of(&course);
        print!("{}", report::page(&course, &verdict));
        eprintln!("{}", report::summary(&course, &verdict));
        for problem in verdict.broken.iter().chain(&verdict.missed) {
            eprintln!("FAILED: {problem}");
        }
        if !verdict.broken.is_empty() || verdict.missed.is_empty() {
            return Ok(verdict.broken.is_empty());
        }
    }
    Ok(false)
}

async fn storm(testkit: &Path, seed: u64) -> Result<Course> {
    let mut rng = Rng::with_seed(seed);
    let fleet = Fleet::start(testkit, seed).await?;
    let load = Load::on(&fleet.kit, &mut rng);
    let [calm, storm, after] = PARTS;
    let begin = Instant::now();
    part(&load, calm).await?;
    fleet.rage(true)?;
    let rages = Instant::now();
    part(&load, storm).await?;
    fleet.rage(false)?;
    let over = Instant::now();
    part(&load, after).await?;
    let end = Instant::now();
    let (calls, records) = load.stop().await?;
    fleet.kit.close().await;
    sleep(LATE).await;
    Ok(Course {
        seed,
        calls,
        records,
        executed: journal::read(&fleet.journals())?,
        times: [begin, rages, over, end],
    })
}

/// Waits until a part is over.
async fn part(load: &Load, (calls, time): (u64, Duration)) -> Result<()> {
    let begin = Instant::now();
    while load.calls() < calls || begin.elapsed() < time {
        if begin.elapsed() > LONGEST {
            bail!(
                "only {} calls were begun; is the machine busy?",
                load.calls()
            );
        }
        sleep(LOOK).await;
    }
    Ok(())
}
