//! The whole way from real child processes to the document of starts, with servers that boot at once. It must not assert
//! how long anything takes.
#![cfg(target_os = "linux")]

use std::process::Command;

use serde_json::{Value, json};

#[test]
fn a_small_run_starts_servers_in_every_way_and_gives_the_whole_document() {
    let work = tempfile::tempdir().unwrap();
    let config = work.path().join("mcp.json");
    // One that is there and one that is not; neither is what the benchmark makes itself.
    let program = env!("CARGO_BIN_EXE_manyhands-bench");
    let servers = json!({"mcpServers": {
        "there": {"command": program, "args": ["serve-scripted", "3", "0", work.path().join("never")]},
        "gone": {"command": "no-such-server"},
    }});
    std::fs::write(&config, servers.to_string()).unwrap();
    let output = Command::new(program)
        .args(["start", "--quick", "--json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    let [scripted, real] = [&report["fleets"][0], &report["fleets"][1]];
    assert_eq!(scripted["tools"], 40);
    assert_eq!((&real["servers"], &real["tools"]), (&json!(1), &json!(3)));
    let missing = real["missing"][0].as_str().unwrap();
    assert!(missing.starts_with("gone: "), "{missing}");
    for (fleet, ways) in [(scripted, 4), (real, 2)] {
        for figure in ["one_after_another_ms", "slowest_alone_ms", "cold_ms"] {
            is_ordered(&fleet[figure]);
        }
        assert!(
            fleet["cold_of_slowest"].as_f64().unwrap() > 0.0,
            "{fleet:#}"
        );
        let warm = fleet["warm"].as_array().unwrap();
        assert_eq!(warm.len(), ways, "{fleet:#}");
        for way in warm {
            is_ordered(&way["ms"]);
        }
        is_ordered(&warm[0]["first_call"]["ms"]);
    }
    assert_eq!(report["aims"].as_array().unwrap().len(), 2);
}

fn is_ordered(figures: &Value) {
    let [min, median, max] =
        ["min", "median", "max"].map(|key| figures[key].as_f64().expect("a number"));
    assert!(0.0 < min && min <= median && median <= max, "{figures}");
}
