//! What callers were told, held against what servers wrote and against the clock. It must not know how either came about.
//!
//! A promise that is broken is broken. What is missed by time alone may be the fault of whatever else the machine does,
//! so that it is told apart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use manyhands::Delivery;

use crate::fleet::{SERVERS, Server};
use crate::load::{Ending, LATEST, Record};
use crate::run::Course;

/// How much slower calls to a server may be while another one stands in a storm: twice, or so much.
const SLOWER: Duration = Duration::from_millis(50);
/// Which share of its throughput a server has to have again, how soon after the storm, over how long.
const SHARE: f64 = 0.9;
const SOON: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_secs(1);
const STEP: usize = 50;
/// So many calls must fail in the storm, or it was none.
const STORMY: usize = 3;

/// What is so of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Promises that were broken.
    pub(crate) broken: Vec<String>,
    /// What came too late.
    pub(crate) missed: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// What is so of one server.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) server: Server,
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    /// In the calm, and in the storm.
    pub(crate) p99: [Duration; 2],
    /// After the end of the storm.
    pub(crate) back: Option<Duration>,
}

pub(crate) fn of(course: &Course) -> Verdict {
    let mut verdict = Verdict::default();
    account(course, &mut verdict.broken);
    for record in &course.records {
        let times = course.executed.get(&record.call).copied();
        let broken = broken(record, times.unwrap_or_default());
        let tell = |rule: &str| format!("{rule}: {record:?}, done {times:?} times");
        verdict.broken.extend(broken.map(tell));
    }
    for server in SERVERS {
        let row = Row::of(course, server);
        verdict.missed.extend(row.missed());
        verdict.rows.push(row);
    }
    let stormy = verdict.rows.iter().filter(|row| row.server.stormy);
    let calm: Vec<String> = stormy
        .filter(|row| row.failed < STORMY)
        .map(|row| {
            format!(
                "{} stood in no storm: {} calls failed",
                row.server.name, row.failed
            )
        })
        .collect();
    verdict.broken.extend(calm);
    verdict
}

/// Every call has one outcome, and nothing was done that nobody wanted.
fn account(course: &Course, broken: &mut Vec<String>) {
    let told: BTreeSet<u64> = course.records.iter().map(|it| it.call).collect();
    if told.len() as u64 != course.calls || course.records.len() as u64 != course.calls {
        let (records, calls) = (course.records.len(), course.calls);
        broken.push(format!("{calls} calls have {records} outcomes"));
    }
    let unwanted = course.executed.keys().filter(|call| !told.contains(call));
    broken.extend(unwanted.map(|call| format!("call {call} was done, and nobody made it")));
}

/// The promises that one call breaks.
fn broken(record: &Record, executed: usize) -> impl Iterator<Item = &'static str> {
    let denies =
        matches!(record.ending, Ending::Failed(_, delivery) if delivery != Delivery::Unknown);
    let rules = [
        ("a write was done twice", record.writes && executed > 1),
        (
            "it was answered and not done",
            record.ending == Ending::Answered && executed == 0,
        ),
        ("it was done and denied", denies && executed > 0),
        (
            "it was answered by something else",
            matches!(record.ending, Ending::Wrong(_)),
        ),
        (
            "it ended too late",
            record.ending == Ending::Never || record.took > LATEST,
        ),
    ];
    rules
        .into_iter()
        .filter(|(_, is_broken)| *is_broken)
        .map(|(rule, _)| rule)
}

impl Row {
    fn of(course: &Course, server: Server) -> Self {
        let [begin, rages, over, _] = course.times;
        let of_it = || course.records.iter().filter(|it| it.server == server);
        let answered = || of_it().filter(|it| it.ending == Ending::Answered);
        let p99 = |from: Instant, to: Instant| {
            let within = answered().filter(|it| from <= it.begin && it.begin < to);
            percentile(within.map(|it| it.took).collect(), 99)
        };
        Self {
            server,
            calls: of_it().count(),
            failed: of_it().count() - answered().count(),
            p99: [p99(begin, rages), p99(rages, over)],
            back: back(course, server),
        }
    }

    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let (name, [calm, storm]) = (self.server.name, self.p99);
        if self.server.stormy {
            if self.back.is_none_or(|back| back > SOON) {
                missed.push(format!("{name} is back only after {:?}", self.back));
            }
            return missed;
        }
        if self.failed > 0 {
            missed.push(format!(
                "{} calls to {name} failed, which is well",
                self.failed
            ));
        }
        if storm > (calm * 2).max(calm + SLOWER) {
            missed.push(format!(
                "calls to {name} take {storm:?} rather than {calm:?}"
            ));
        }
        missed
    }
}

/// How long after the storm the server answers about as many calls as in the calm; other servers, for which nothing
/// has changed, tell how much the machine has left for them.
fn back(course: &Course, server: Server) -> Option<Duration> {
    let [begin, rages, over, end] = course.times;
    let share = |is_it: &dyn Fn(Server) -> bool, from: Instant| {
        let answers = |from: Instant, to: Instant| {
            let of_it = course.records.iter().filter(|it| is_it(it.server));
            let answers = of_it
                .filter(|it| it.ending == Ending::Answered)
                .map(|it| it.begin + it.took);
            let count = answers.filter(|at| from <= *at && *at < to).count();
            count as f64 / (to - from).as_secs_f64()
        };
        answers(from, from + WINDOW) / answers(begin, rages)
    };
    let last = end.checked_sub(WINDOW)?.checked_duration_since(over)?;
    let millis = (0..=last.as_millis() as usize).step_by(STEP);
    let mut times = millis.map(|millis| Duration::from_millis(millis as u64));
    times.find(|after| {
        let well = share(&|it| !it.stormy, over + *after).min(1.0);
        share(&|it| it == server, over + *after) >= SHARE * well
    })
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100);
    times
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
