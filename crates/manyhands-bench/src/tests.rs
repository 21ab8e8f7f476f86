//! The whole way from calls to document and table, with counts too small to say anything about time.

use serde_json::Value;

use crate::cell::{Plan, Transport};
use crate::instructions::Instructions;
use crate::options::Command;
use crate::{catalogue, report, rounds, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_run_gives_the_whole_document() {
    let plan = Plan::new(&[Transport::Duplex], 2, |_, _| 64);
    let results = rounds::run(&plan).await.unwrap();
    let skipped = Instructions::Skipped("valgrind not found");
    let report = report::document(&plan, &results, &skipped);

    let duplex = &report["transports"]["duplex"];
    let ratio = duplex["cpu_per_call"]["ratio"].as_f64().unwrap();
    assert!(ratio.is_finite() && ratio > 0.0, "{report:#}");
    assert_eq!(report["aims"][0]["ratio"], duplex["cpu_per_call"]["ratio"]);
    assert_eq!(report["aims"].as_array().unwrap().len(), 3);
    assert_eq!(duplex["client_cpu_per_call"], Value::Null);
    assert_eq!(duplex["instructions_per_call"], Value::Null);

    let cells = duplex["cells"].as_array().unwrap();
    let loads: Vec<(u64, u64)> = cells
        .iter()
        .map(|cell| {
            (
                cell["in_flight"].as_u64().unwrap(),
                cell["payload_bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(loads, [(1, 16), (64, 16), (1, 16_384), (64, 16_384)]);
    for cell in cells {
        for side in ["raw", "toolkit", "connection"] {
            for figure in ["p50_us", "p99_us", "calls_per_second", "cpu_us"] {
                assert!(cell[side][figure].as_f64().unwrap() > 0.0, "{cell:#}");
            }
        }
        for figure in ["p50", "p99", "calls_per_second", "cpu"] {
            assert!(cell["ratio"][figure].as_f64().unwrap() > 0.0, "{cell:#}");
            assert!(
                cell["connection_ratio"][figure].as_f64().unwrap() > 0.0,
                "{cell:#}"
            );
        }
    }
    for key in ["cores", "rmcp", "rounds_of_each_side"] {
        assert!(!report["conditions"][key].is_null(), "{key}");
    }

    let text = table::render(&report);
    assert_eq!(text.matches("| duplex ").count(), 10, "{text}");
    assert!(
        text.contains("Instructions per call: skipped: valgrind not found."),
        "{text}"
    );
}

#[test]
fn a_small_run_of_the_catalogue_gives_the_whole_document() {
    let options = catalogue::Options {
        quick: true,
        ..catalogue::Options::default()
    };
    let report = catalogue::report(&options).unwrap();
    assert_eq!(
        (&report["tools"], &report["servers"]),
        (&10_000.into(), &200.into())
    );
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows {
        for figure in ["catalogue_ns", "plain_ns", "ratio"] {
            assert!(row[figure].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    for part in ["definitions", "catalogue", "plain"] {
        assert!(
            report["memory_mb"][part].as_f64().unwrap() > 0.0,
            "{report:#}"
        );
    }
    assert_eq!(report["aims"].as_array().unwrap().len(), 3);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    let parse = |line: &str| {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Command::parse(&arguments)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(parse("call --json --quick --transport http"), Ok(()));
    assert_eq!(parse("count raw 10 16"), Ok(()));
    assert_eq!(parse("catalogue --quick --toolset a.json"), Ok(()));
    assert_eq!(parse("count-lookups wire 10"), Ok(()));
    assert_eq!(parse("start --quick --json --config a.json"), Ok(()));
    assert_eq!(parse("serve-scripted 10 1000 hangs"), Ok(()));
    for (line, wrong) in [
        ("start --config", "`--config` needs a file"),
        ("start --toolset", "no flag `--toolset`"),
        ("serve-scripted many 0 x", "TOOLS is a number"),
        ("serve-scripted 1 1s x", "BOOT is a number of milliseconds"),
    ] {
        assert_eq!(parse(line), Err(wrong.to_owned()), "{line}");
    }
    assert_eq!(parse("resilience --quick"), Ok(()));
    assert_eq!(parse("count-resilience stack 10"), Ok(()));
    let error = Err("`--toolset` needs a file".to_owned());
    assert_eq!(parse("catalogue --toolset"), error);
    assert_eq!(parse("call --fast"), Err("no flag `--fast`".to_owned()));
    assert_eq!(
        parse("call --transport tcp"),
        Err("`tcp` is none of duplex, stdio, http".to_owned())
    );
    assert_eq!(
        parse("count both 10 16"),
        Err("`both` is none of raw, toolkit, connection".to_owned())
    );
}
