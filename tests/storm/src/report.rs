//! What came of a run, for people and for `docs/reliability.md`. It must not know what is wrong or right.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::fleet::FAULTS;
use crate::load::{CALLERS, Ending};
use crate::run::Course;
use crate::verdict::{Row, Verdict};

/// One line on a run.
pub(crate) fn summary(course: &Course, verdict: &Verdict) -> String {
    let executed: usize = course.executed.values().sum();
    let longest = course.records.iter().map(|it| it.took).max();
    let [begin, .., end] = course.times;
    format!(
        "storm: seed {}, {} calls in {}, {executed} executions, the longest call took {}, {} promises broken, {} times missed",
        course.seed,
        course.calls,
        seconds(end - begin),
        seconds(longest.unwrap_or_default()),
        verdict.broken.len(),
        verdict.missed.len(),
    )
}

/// The conditions, the servers and the endings.
pub(crate) fn page(course: &Course, verdict: &Verdict) -> String {
    let [begin, rages, over, end] = course.times;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut page = format!(
        "{cores} cores, seed {}, {} calls by {CALLERS} callers of each server, {} of calm, {} of storm, {} after it. To each\n\
         message over a pipe, and to each piece over TCP, the storm does `{}`.\n\n\
         | server | over | calls | failed | p99 in the calm | p99 in the storm | back after |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
        course.seed,
        course.calls,
        seconds(rages - begin),
        seconds(over - rages),
        seconds(end - over),
        FAULTS.join(" "),
    );
    verdict.rows.iter().for_each(|row| page += &line(row));
    page +=
        "\n| how calls ended | writes | done | reads | done |\n| --- | --- | --- | --- | --- |\n";
    endings(course, &mut page);
    page
}

fn line(row: &Row) -> String {
    let [calm, storm] = row.p99.map(|it| format!("{} ms", it.as_millis()));
    let (name, over) = (row.server.name, row.server.over);
    let (over, back) = if row.server.stormy {
        let back = row.back.map_or("never".to_owned(), seconds);
        (format!("{over}, in the storm"), back)
    } else {
        (over.to_owned(), String::new())
    };
    let (calls, failed) = (row.calls, row.failed);
    format!("| {name} | {over} | {calls} | {failed} | {calm} | {storm} | {back} |\n")
}

/// For each way to end, how many calls there were, and how often they were done.
fn endings(course: &Course, page: &mut String) {
    let mut counts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    for record in &course.records {
        let ending = match &record.ending {
            Ending::Answered => "answered".to_owned(),
            Ending::Wrong(_) => "answered by something else".to_owned(),
            Ending::Never => "never".to_owned(),
            Ending::Failed(code, delivery) => format!("{code}, {delivery:?}"),
        };
        let [writes, written, reads, read] = counts.entry(ending).or_default();
        let done = course
            .executed
            .get(&record.call)
            .copied()
            .unwrap_or_default();
        let (calls, times) = if record.writes {
            (writes, written)
        } else {
            (reads, read)
        };
        *calls += 1;
        *times += done;
    }
    for (ending, [writes, written, reads, read]) in counts {
        let _infallible = writeln!(
            page,
            "| {ending} | {writes} | {written} | {reads} | {read} |"
        );
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
