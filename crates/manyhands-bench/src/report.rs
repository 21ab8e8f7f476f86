//! From rounds to the JSON document: medians of each side, and ratios of rounds that followed each other.
//! It must not know how the document is shown.

use serde_json::{Map, Value, json};

use crate::cell::{Cell, Plan, Side, Transport};
use crate::conditions;
use crate::instructions::Instructions;
use crate::rounds::{Rounds, Sample};

/// The most that `Toolkit::call` should use of rmcp's CPU per call, both ends counted, with all its layers.
fn toolkit_cpu(transport: Transport) -> f64 {
    match transport {
        Transport::Duplex => 0.8,
        Transport::Stdio | Transport::Http => 0.7,
    }
}

/// What `Connection::request` should reach at 16 B, beside rmcp: CPU per call of both ends together, CPU per call of the
/// client where it is a process of its own, and calls per second with 64 in flight.
const CONNECTION_CPU: f64 = 0.65;
const CONNECTION_CLIENT_CPU: f64 = 0.45;
const CONNECTION_RATE: f64 = 1.4;

/// Everything that is known, as one document.
pub(crate) fn document(plan: &Plan, results: &[Rounds], counts: &Instructions) -> Value {
    let mut transports = Map::new();
    for transport in plan.transports() {
        let of_it: Vec<&Rounds> = results
            .iter()
            .filter(|rounds| rounds.cell.transport == transport)
            .collect();
        transports.insert(
            transport.name().to_owned(),
            summary(transport, &of_it, counts),
        );
    }
    let aims = [toolkit_aims(&transports), connection_aims(results)].concat();
    json!({
        "benchmark": "call",
        "conditions": conditions::describe(plan),
        "aims": aims,
        "transports": transports,
    })
}

/// One entry per transport, over all its cells.
fn toolkit_aims(transports: &Map<String, Value>) -> Vec<Value> {
    let of = |transport: Transport| {
        let summary = transports.get(transport.name())?;
        let measured = summary.pointer("/cpu_per_call/ratio")?.as_f64()?;
        let bound = toolkit_cpu(transport);
        Some(json!({
            "side": Side::Toolkit.name(),
            "transport": transport.name(),
            "cells": "all",
            "figure": "cpu",
            "ratio": measured,
            "at_most": bound,
            "met": measured <= bound,
        }))
    };
    Transport::ALL.into_iter().filter_map(of).collect()
}

/// One entry per aim and transport, over the cells of 16 B.
fn connection_aims(results: &[Rounds]) -> Vec<Value> {
    let aims = [
        ("cpu", Figure::Cpu, CONNECTION_CPU, true),
        ("client_cpu", Figure::ClientCpu, CONNECTION_CLIENT_CPU, true),
        (
            "calls_per_second_at_64",
            Figure::Rate,
            CONNECTION_RATE,
            false,
        ),
    ];
    let mut entries = Vec::new();
    for transport in Transport::ALL {
        for (name, figure, bound, at_most) in aims {
            let small = results.iter().filter(|it| {
                let Cell {
                    payload, in_flight, ..
                } = it.cell;
                it.cell.transport == transport && payload == 16 && (at_most || in_flight == 64)
            });
            let ratios: Vec<f64> = small
                .filter_map(|it| it.ratio(Side::Connection, figure))
                .collect();
            if ratios.is_empty() {
                continue;
            }
            let measured = rounded(geometric_mean(&ratios), 3);
            entries.push(json!({
                "side": Side::Connection.name(),
                "transport": transport.name(),
                "cells": "16 B",
                "figure": name,
                "ratio": measured,
                "at_most": at_most.then_some(bound),
                "at_least": (!at_most).then_some(bound),
                "met": if at_most { measured <= bound } else { measured >= bound },
            }));
        }
    }
    entries
}

fn summary(transport: Transport, of_it: &[&Rounds], counts: &Instructions) -> Value {
    let over_cells = |side: Side, figure: Figure| {
        let ratios: Vec<f64> = of_it
            .iter()
            .filter_map(|rounds| rounds.ratio(side, figure))
            .collect();
        let worst = ratios.iter().copied().fold(f64::NAN, f64::max);
        // A duplex has no process that is the client alone.
        (!ratios.is_empty())
            .then(|| json!({ "ratio": rounded(geometric_mean(&ratios), 3), "worst_cell_ratio": rounded(worst, 3) }))
    };
    let instructions = match (transport, counts) {
        (Transport::Duplex, Instructions::Counted(counted)) => counted
            .iter()
            .map(|it| {
                json!({
                    "payload_bytes": it.payload,
                    "raw": it.raw.round(),
                    "toolkit": it.toolkit.round(),
                    "ratio": rounded(it.toolkit / it.raw, 3),
                    "connection": it.connection.round(),
                    "connection_ratio": rounded(it.connection / it.raw, 3),
                })
            })
            .collect(),
        _ => Value::Null,
    };
    let skipped = match (transport, counts) {
        (Transport::Duplex, Instructions::Skipped(why)) => Some(*why),
        _ => None,
    };
    json!({
        "cpu_per_call": over_cells(Side::Toolkit, Figure::Cpu),
        "client_cpu_per_call": over_cells(Side::Toolkit, Figure::ClientCpu),
        "latency_p50": over_cells(Side::Toolkit, Figure::P50),
        "latency_p99": over_cells(Side::Toolkit, Figure::P99),
        "connection": {
            "cpu_per_call": over_cells(Side::Connection, Figure::Cpu),
            "client_cpu_per_call": over_cells(Side::Connection, Figure::ClientCpu),
            "latency_p50": over_cells(Side::Connection, Figure::P50),
            "latency_p99": over_cells(Side::Connection, Figure::P99),
        },
        "instructions_per_call": instructions,
        "instructions_skipped": skipped,
        "cells": of_it.iter().map(|rounds| rounds.cell_document()).collect::<Vec<_>>(),
    })
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
enum Figure {
    P50,
    P99,
    Rate,
    Cpu,
    ClientCpu,
    ServerCpu,
}

impl Figure {
    fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::P50 => Some(sample.p50_us),
            Self::P99 => Some(sample.p99_us),
            Self::Rate => Some(sample.calls_per_second),
            Self::Cpu => Some(sample.cpu_us()),
            Self::ClientCpu => sample.server_cpu_us.map(|_| sample.client_cpu_us),
            Self::ServerCpu => sample.server_cpu_us,
        }
    }
}

impl Rounds {
    fn cell_document(&self) -> Value {
        let Cell {
            transport,
            in_flight,
            payload,
            calls,
        } = self.cell;
        let ratios = |side| {
            let ratio = |figure| self.ratio(side, figure).map(|ratio| rounded(ratio, 3));
            json!({
                "p50": ratio(Figure::P50),
                "p99": ratio(Figure::P99),
                "calls_per_second": ratio(Figure::Rate),
                "cpu": ratio(Figure::Cpu),
                "client_cpu": ratio(Figure::ClientCpu),
            })
        };
        json!({
            "transport": transport.name(),
            "in_flight": in_flight,
            "payload_bytes": payload,
            "calls_per_round": calls,
            "raw": side_document(self.of(Side::Raw)),
            "toolkit": side_document(self.of(Side::Toolkit)),
            "connection": side_document(self.of(Side::Connection)),
            "ratio": ratios(Side::Toolkit),
            "connection_ratio": ratios(Side::Connection),
        })
    }

    /// The median, over the rounds, of one side to raw.
    fn ratio(&self, side: Side, figure: Figure) -> Option<f64> {
        let pairs = self.of(Side::Raw).iter().zip(self.of(side));
        median(pairs.filter_map(|(raw, ours)| Some(figure.of(ours)? / figure.of(raw)?)))
    }
}

fn side_document(samples: &[Sample]) -> Value {
    let of = |figure: Figure| {
        median(samples.iter().filter_map(|it| figure.of(it))).map(|it| rounded(it, 1))
    };
    json!({
        "p50_us": of(Figure::P50),
        "p99_us": of(Figure::P99),
        "calls_per_second": of(Figure::Rate).map(f64::round),
        "cpu_us": of(Figure::Cpu),
        "client_cpu_us": of(Figure::ClientCpu),
        "server_cpu_us": of(Figure::ServerCpu),
    })
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// The mean for ratios: a half and a double make one.
fn geometric_mean(ratios: &[f64]) -> f64 {
    let logs: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (logs / ratios.len() as f64).exp()
}

pub(crate) fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_means_are_those_of_the_textbook() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-12);
        assert!((rounded(1.234_56, 3) - 1.235).abs() < 1e-12);
    }
}
