//! Runs that were made up, each with one thing wrong.

use std::collections::BTreeMap;

use super::*;

/// A run in which each server answers a call each 20 ms, but for the stormy ones in the storm.
fn course() -> Course {
    let begin = Instant::now();
    let at = |millis: u64| begin + Duration::from_millis(millis);
    let mut records = Vec::new();
    for server in SERVERS {
        for millis in (0..9_000).step_by(20) {
            let fails = server.stormy && (3_000..6_000).contains(&millis);
            records.push(Record {
                call: records.len() as u64,
                server,
                writes: true,
                begin: at(millis),
                took: Duration::from_millis(5),
                ending: if fails {
                    Ending::Failed("unavailable", Delivery::NotSent)
                } else {
                    Ending::Answered
                },
            });
        }
    }
    let answered = records.iter().filter(|it| it.ending == Ending::Answered);
    Course {
        seed: 1,
        calls: records.len() as u64,
        executed: answered.map(|it| (it.call, 1)).collect(),
        records,
        times: [0, 3_000, 6_000, 9_000].map(at),
    }
}

fn wrong(change: impl FnOnce(&mut Course)) -> (Vec<String>, Vec<String>) {
    let mut course = course();
    change(&mut course);
    let verdict = of(&course);
    (verdict.broken, verdict.missed)
}

/// The first call of a stormy server that failed.
fn failed(course: &mut Course) -> &mut Record {
    let mut records = course.records.iter_mut();
    records.find(|it| it.ending != Ending::Answered).unwrap()
}

#[test]
fn a_run_without_a_fault_has_none() {
    assert_eq!(wrong(|_| {}), (Vec::new(), Vec::new()));
}

type Change = fn(&mut Course);

#[test]
fn each_promise_is_held() {
    let changes: [(&str, Change); 8] = [
        ("a write was done twice", |it| _ = it.executed.insert(0, 2)),
        ("it was answered and not done", |it| {
            it.executed.remove(&0);
        }),
        ("it was done and denied", |it| {
            let call = failed(it).call;
            it.executed.insert(call, 1);
        }),
        ("it was answered by something else", |it| {
            failed(it).ending = Ending::Wrong("7".to_owned());
        }),
        ("it ended too late", |it| failed(it).took = LATEST + SLOWER),
        ("calls have", |it| it.calls += 1),
        ("nobody made it", |it| _ = it.executed.insert(it.calls, 1)),
        ("stood in no storm", |it| {
            it.records
                .iter_mut()
                .for_each(|it| it.ending = Ending::Answered);
            it.executed = it.records.iter().map(|it| (it.call, 1)).collect();
        }),
    ];
    for (rule, change) in changes {
        let (broken, _) = wrong(change);
        assert!(
            broken.first().is_some_and(|it| it.contains(rule)),
            "{rule}: {broken:?}"
        );
    }
}

#[test]
fn a_read_may_be_done_twice() {
    let reads = |it: &mut Course| {
        it.records.iter_mut().for_each(|it| it.writes = false);
        it.executed.insert(0, 2);
    };
    assert_eq!(wrong(reads).0, Vec::<String>::new());
}

/// Changes the calls of a server that begin in this part.
fn change(course: &mut Course, stormy: bool, part: usize, change: impl Fn(&mut Record)) {
    let (from, to) = (course.times[part], course.times[part + 1]);
    let records = course.records.iter_mut();
    records
        .filter(|it| it.server.stormy == stormy && from <= it.begin && it.begin < to)
        .for_each(change);
}

#[test]
fn who_is_well_may_not_be_slowed_down_and_who_was_not_is_back_soon() {
    let slower =
        |by: u64| wrong(|it| change(it, false, 1, |it| it.took += Duration::from_millis(by))).1;
    assert_eq!(slower(49), Vec::<String>::new());
    assert_eq!(slower(51).len(), 4);
    let fails = |it: &mut Record| it.ending = Ending::Failed("unavailable", Delivery::Unknown);
    assert_eq!(wrong(|it| change(it, false, 1, fails)).1.len(), 4);

    let away = |millis: u64| {
        let until = Duration::from_millis(millis);
        wrong(|it| {
            let over = it.times[2];
            change(it, true, 2, |it| {
                if it.begin - over < until {
                    fails(it);
                }
            });
        })
    };
    assert_eq!(away(1_900).1, Vec::<String>::new());
    assert_eq!(away(2_500).1.len(), 2);
    // A machine that is slower for all is not held against one of them.
    let (_, missed) = wrong(|it| {
        let over = it.times[2];
        let mut turn = 0;
        it.records.retain(|it| {
            turn += 1;
            it.begin < over || turn % 2 == 0
        });
        it.calls = it.records.len() as u64;
        it.executed = BTreeMap::new();
    });
    assert_eq!(missed, Vec::<String>::new());
}
