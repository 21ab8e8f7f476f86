//! How a run reads: a line now and then, and a table at the end that says what grew.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Tally;
use crate::options::Options;
use crate::panics;
use crate::run::Course;
use crate::verdict::Windows;
use crate::vitals::Vitals;

/// Something that is counted, and how much of it may come and go between two windows.
struct Gauge {
    name: &'static str,
    read: fn(&Vitals) -> u64,
    allowance: fn(u64) -> u64,
    /// How much may be left when all is closed; none where that says nothing.
    at_end: Option<u64>,
}

const GAUGES: [Gauge; 4] = [
    Gauge {
        name: "RSS, KiB",
        read: |vitals| vitals.rss,
        // The allocator keeps what it may need again: 8 MiB, or a twentieth.
        allowance: |first| (first / 20).max(8 * 1024),
        at_end: None,
    },
    Gauge {
        name: "open files",
        read: |vitals| vitals.fds,
        allowance: |_| 2,
        at_end: None,
    },
    Gauge {
        name: "child processes",
        read: |vitals| vitals.children,
        allowance: |_| 0,
        at_end: Some(0),
    },
    Gauge {
        name: "tasks",
        read: |vitals| vitals.tasks,
        allowance: |_| 2,
        at_end: Some(0),
    },
];

/// One line of progress.
pub(crate) fn line(when: &str, at: Duration, vitals: &Vitals, tally: &Tally) -> String {
    let calls: u64 = tally.counts().values().sum();
    format!(
        "{:>6} s  {when:<7}  rss {:>7} KiB  files {:>3}  children {:>2}  tasks {:>3}  calls {calls}, answered {}, never ended {}",
        at.as_secs(),
        vitals.rss,
        vitals.fds,
        vitals.children,
        vitals.tasks,
        tally.of(Tally::ANSWERED),
        tally.of(Tally::NEVER),
    )
}

/// The table, and whether all is well.
pub(crate) fn table(course: &Course, options: &Options) -> (String, bool) {
    let mut text = format!(
        "\nseed {}, {} generations in {} s, {} servers killed\n\n",
        options.seed,
        course.rests.len(),
        course.took.as_secs(),
        course.killed
    );
    for (how, count) in course.tally.counts() {
        let _infallible = writeln!(text, "{how:<30} {count:>10}");
    }
    let _infallible = writeln!(
        text,
        "\n{:<16} {:>9} {:>9} {:>9} {:>9} {:>9}  verdict",
        "at rest", "early", "middle", "late", "peak", "end"
    );
    let mut good = true;
    for gauge in GAUGES {
        let (row, passed) = row(&gauge, course);
        text += &row;
        good &= passed;
    }
    for (what, count) in [
        ("calls that never ended", course.tally.of(Tally::NEVER)),
        ("panics", panics::counted() as u64),
    ] {
        good &= count == 0;
        let verdict = if count == 0 { "none" } else { "FAILED" };
        let _infallible = writeln!(text, "{what}: {count}, {verdict}");
    }
    if course.tally.of(Tally::ANSWERED) == 0 {
        good = false;
        text += "FAILED: no call was answered, so nothing was under load\n";
    }
    (text, good)
}

fn row(gauge: &Gauge, course: &Course) -> (String, bool) {
    let samples: Vec<u64> = course.rests.iter().map(gauge.read).collect();
    let (peak, end) = ((gauge.read)(&course.peak), (gauge.read)(&course.end));
    let name = gauge.name;
    let Some(windows) = Windows::of(&samples) else {
        let count = samples.len();
        return (
            format!("{name:<16} FAILED: {count} samples are too few; run it for longer\n"),
            false,
        );
    };
    let [first, second, last] = windows.medians;
    let verdict = if windows.grows((gauge.allowance)(first)) {
        "FAILED: keeps growing"
    } else if gauge.at_end.is_some_and(|most| end > most) {
        "FAILED: left behind when all was closed"
    } else {
        "steady"
    };
    (
        format!("{name:<16} {first:>9} {second:>9} {last:>9} {peak:>9} {end:>9}  {verdict}\n"),
        verdict == "steady",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(tasks: fn(u64) -> u64, left: u64) -> Course {
        let vitals = |tasks| Vitals {
            rss: 50_000,
            fds: 10,
            children: 2,
            tasks,
        };
        Course {
            rests: (0..30).map(|n| vitals(tasks(n))).collect(),
            peak: vitals(99),
            end: Vitals {
                children: left,
                ..vitals(0)
            },
            tally: Tally::default(),
            killed: 1,
            took: Duration::from_secs(60),
        }
    }

    fn verdicts(course: &Course) -> Vec<String> {
        GAUGES.iter().map(|gauge| row(gauge, course).0).collect()
    }

    #[test]
    fn each_gauge_is_judged_by_itself() {
        let rows = verdicts(&course(|_| 40, 0));
        assert!(
            rows.iter().all(|row| row.ends_with("  steady\n")),
            "{rows:#?}"
        );
        let rows = verdicts(&course(|n| 40 + n, 1));
        assert!(
            rows[2].ends_with("FAILED: left behind when all was closed\n"),
            "{rows:#?}"
        );
        assert!(rows[3].ends_with("FAILED: keeps growing\n"), "{rows:#?}");
    }

    #[test]
    fn a_run_without_an_answer_fails() {
        let options = Options::parse(&["--seed".to_owned(), "7".to_owned()]).unwrap();
        let (text, good) = table(&course(|_| 40, 0), &options);
        assert!(!good && text.contains("no call was answered"), "{text}");
        assert!(text.contains("seed 7, 30 generations in 60 s, 1 servers killed"));
    }
}
