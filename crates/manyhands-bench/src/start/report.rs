//! From starts to the JSON document. It must not know how the document is shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::rounds::{Cold, Plan, Results, Warm};
use crate::conditions;
use crate::report::{median, rounded};

/// The most that a start with everything remembered should take.
const WARM_MS: f64 = 50.0;
/// The most that all scripted servers at once should take of the slowest one alone.
const COLD_OF_SLOWEST: f64 = 1.1;

pub(super) fn document(plan: &Plan, results: &[Results<'_>]) -> Value {
    let fleets: Vec<Value> = results.iter().map(fleet).collect();
    let mut worst_warm = 0.0_f64;
    for warm in results.iter().flat_map(|it| &it.warm) {
        worst_warm = worst_warm.max(middle(warm.starts.iter().map(|it| it.whole)));
    }
    let scripted = results.iter().find(|it| it.fleet.name == "scripted");
    let cold = scripted.map_or(f64::NAN, of_slowest);
    json!({
        "benchmark": "start",
        "conditions": conditions::machine(),
        "rounds": {"alone": plan.alone, "cold": plan.cold, "warm": plan.warm},
        "fleets": fleets,
        "aims": [
            aim("the slowest warm start", "ms", WARM_MS, worst_warm),
            aim("a cold start of the scripted servers, to the slowest alone,", "x", COLD_OF_SLOWEST, cold),
        ],
    })
}

fn aim(name: &str, unit: &str, at_most: f64, measured: f64) -> Value {
    json!({"name": name, "unit": unit, "at_most": at_most, "measured": rounded(measured, 3),
        "met": measured <= at_most})
}

fn fleet(results: &Results<'_>) -> Value {
    let cold = |of: fn(&Cold) -> Duration| figures(results.cold.iter().map(of));
    json!({
        "name": results.fleet.name,
        "what": results.fleet.what,
        "servers": results.servers,
        "tools": results.tools,
        "missing": results.missing,
        "one_after_another_ms": figures(results.alone.iter().map(|it| it.sum)),
        "slowest_alone_ms": figures(results.alone.iter().map(|it| it.slowest)),
        "cold_ms": cold(|it| it.ready),
        "cold_own_cpu_ms": cold(|it| it.own_cpu),
        "cold_servers_cpu_ms": cold(|it| it.servers_cpu),
        "cold_of_slowest": rounded(of_slowest(results), 3),
        "warm": results.warm.iter().map(warm).collect::<Vec<_>>(),
    })
}

fn of_slowest(results: &Results<'_>) -> f64 {
    let slowest = middle(results.alone.iter().map(|it| it.slowest));
    middle(results.cold.iter().map(|it| it.ready)) / slowest
}

fn warm(warm: &Warm) -> Value {
    let calls = || warm.starts.iter().filter_map(|it| it.first_call.as_ref());
    let first_call = calls()
        .next()
        .map(|(tool, _)| json!({"tool": tool, "ms": figures(calls().map(|(_, took)| *took))}));
    json!({
        "what": warm.what,
        "ms": figures(warm.starts.iter().map(|it| it.whole)),
        "own_cpu_ms": figures(warm.starts.iter().map(|it| it.own_cpu)),
        "first_call": first_call,
    })
}

fn figures(times: impl Iterator<Item = Duration>) -> Value {
    let mut times: Vec<f64> = times.map(ms).collect();
    times.sort_unstable_by(f64::total_cmp);
    let at = |time: Option<&f64>| time.map(|it| rounded(*it, 2));
    json!({
        "median": median(times.iter().copied()).map(|it| rounded(it, 2)),
        "min": at(times.first()),
        "max": at(times.last()),
    })
}

fn middle(times: impl Iterator<Item = Duration>) -> f64 {
    median(times.map(ms)).unwrap_or(f64::NAN)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
