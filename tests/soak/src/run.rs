//! The course of a run: generations of load, each followed by a rest in which what is left is counted.

use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep;

use crate::fleet::{self, Fleet};
use crate::load::{Load, Tally};
use crate::options::Options;
use crate::report;
use crate::vitals::{self, Vitals};

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);
/// At least so often something is printed.
const PROGRESS: Duration = Duration::from_secs(10);
/// How long the rest may take to come about.
const SETTLING: Duration = Duration::from_secs(15);

/// What was seen.
pub(crate) struct Course {
    /// At rest, one after each generation.
    pub(crate) rests: Vec<Vitals>,
    /// The highest of each under load.
    pub(crate) peak: Vitals,
    /// After everything was closed.
    pub(crate) end: Vitals,
    pub(crate) tally: Tally,
    pub(crate) killed: u64,
    pub(crate) took: Duration,
}

/// What goes along with a run.
struct Watch {
    begin: Instant,
    printed: Instant,
    peak: Vitals,
    tally: Tally,
    killed: u64,
}

pub(crate) async fn run(options: &Options) -> Result<Course> {
    println!(
        "seed {}, {} s, generations of {} s",
        options.seed,
        options.total.as_secs(),
        options.generation().as_secs()
    );
    let mut rng = Rng::with_seed(options.seed);
    let steady = fleet::steady(&options.testkit, &mut rng);
    steady.kit.all_started().await;
    println!("{}", steady.kit.report());
    let mut watch = Watch {
        begin: Instant::now(),
        printed: Instant::now(),
        peak: Vitals::now()?,
        tally: Tally::default(),
        killed: 0,
    };
    let mut rests = Vec::new();
    while watch.begin.elapsed() < options.total {
        watch.generation(options, &steady, &mut rng).await?;
        rests.push(at_rest().await?);
        if let Some(rest) = rests.last() {
            println!(
                "{}",
                report::line("at rest", watch.begin.elapsed(), rest, &watch.tally)
            );
        }
    }
    steady.kit.close().await;
    drop(steady);
    Ok(Course {
        rests,
        peak: watch.peak,
        end: at_rest().await?,
        tally: watch.tally,
        killed: watch.killed,
        took: watch.begin.elapsed(),
    })
}

impl Watch {
    /// One toolkit from its start to its end, with both under load.
    async fn generation(&mut self, options: &Options, steady: &Fleet, rng: &mut Rng) -> Result<()> {
        let passing = fleet::passing(&options.testkit, rng);
        let loads = [
            Load::on(&steady.kit, rng, &self.tally),
            Load::on(&passing.kit, rng, &self.tally),
        ];
        let (begin, length) = (Instant::now(), options.generation());
        let mut struck = false;
        while begin.elapsed() < length {
            sleep(TICK.min(length.saturating_sub(begin.elapsed()))).await;
            if !struck && begin.elapsed() > length / 2 {
                struck = true;
                self.strike(&passing, rng);
            }
            self.look()?;
        }
        for load in loads {
            load.stop().await;
        }
        // Users close a toolkit, or just forget it.
        if rng.bool() {
            passing.kit.close().await;
        }
        Ok(())
    }

    /// Kills a child process and crashes one of the scripted servers.
    fn strike(&mut self, passing: &Fleet, rng: &mut Rng) {
        for pid in vitals::children_with(fleet::VICTIM) {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
            // It may have ended by itself meanwhile.
            self.killed += u64::from(kill(pid, Signal::SIGKILL).is_ok());
        }
        if let Some(server) = rng.choice(&passing.scripted) {
            server.stop();
        }
    }

    fn look(&mut self) -> Result<()> {
        let now = Vitals::now()?;
        let peak = &mut self.peak;
        peak.rss = peak.rss.max(now.rss);
        peak.fds = peak.fds.max(now.fds);
        peak.children = peak.children.max(now.children);
        peak.tasks = peak.tasks.max(now.tasks);
        if self.printed.elapsed() + TICK > PROGRESS {
            self.printed = Instant::now();
            println!(
                "{}",
                report::line("loaded", self.begin.elapsed(), &now, &self.tally)
            );
        }
        Ok(())
    }
}

/// Waits until nothing changes any more, and takes that.
async fn at_rest() -> Result<Vitals> {
    let begin = Instant::now();
    let mut before = Vitals::now()?;
    while begin.elapsed() < SETTLING {
        sleep(Duration::from_millis(1_500)).await;
        let now = Vitals::now()?;
        let same =
            |a: &Vitals, b: &Vitals| (a.fds, a.children, a.tasks) == (b.fds, b.children, b.tasks);
        if same(&before, &now) {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}
