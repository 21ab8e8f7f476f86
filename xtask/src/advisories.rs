//! `cargo xtask advisories`: no dependency has a vulnerability that is known. It asks `cargo audit`, or else
//! `cargo deny`, whichever is installed; both read a database from the network. Where there is no tool or no
//! database, nothing was checked, and that is what it says.

use std::process::Output;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::skipped::Skipped;

/// What both tools say when they cannot get at the database (rustsec/rustsec#1413, EmbarkStudios/cargo-deny#759).
/// Other troubles with it, such as an entry that the tool is too old to read, are for us to mend.
const UNREACHABLE: &str = "fetch advisory database";

pub(crate) fn run(sh: &Shell) -> Result<()> {
    if is_installed(sh, "audit")? {
        let output = cmd!(sh, "cargo audit --json").ignore_status().output()?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        return judge_audit(&stdout, &said(&output));
    }
    if is_installed(sh, "deny")? {
        let output = cmd!(sh, "cargo deny check advisories")
            .ignore_status()
            .output()?;
        return judge_deny(output.status.success(), &said(&output));
    }
    Err(Skipped::new("cargo-audit is not installed").into())
}

fn is_installed(sh: &Shell, subcommand: &str) -> Result<bool> {
    let commands = cmd!(sh, "cargo --list").quiet().read()?;
    Ok(has_command(&commands, subcommand))
}

/// Whether cargo's list of commands names this one.
fn has_command(commands: &str, subcommand: &str) -> bool {
    commands
        .lines()
        .any(|line| line.split_whitespace().next() == Some(subcommand))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

fn unreachable_or(said: &str) -> Result<()> {
    if said.contains(UNREACHABLE) {
        return Err(Skipped::new("advisory database unreachable").into());
    }
    bail!("{said}")
}

/// Reads the report. Its exit code says less: it is 0 also for a database without a single entry.
fn judge_audit(report: &str, said: &str) -> Result<()> {
    let Ok(report) = serde_json::from_str::<Value>(report) else {
        return unreachable_or(said);
    };
    let known = report.pointer("/database/advisory-count");
    if known.and_then(Value::as_u64).unwrap_or_default() == 0 {
        bail!("the advisory database is empty; remove its folder, and run this again");
    }
    let list = report.pointer("/vulnerabilities/list");
    let list = list.and_then(Value::as_array);
    let list = list.context("the report of cargo-audit has no list of vulnerabilities")?;
    for found in list {
        println!("Cargo.lock:1: {}", told(found));
    }
    match list.len() {
        0 => Ok(()),
        many => bail!("known vulnerabilities: {many}"),
    }
}

/// One vulnerability: which package, which advisory, and the mend.
fn told(found: &Value) -> String {
    let text = |pointer| {
        found
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("?")
    };
    let patched = found.pointer("/versions/patched").and_then(Value::as_array);
    let patched: Vec<&str> = patched
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mend = if patched.is_empty() {
        "no version is better; do without it".to_owned()
    } else {
        format!("update it to {}", patched.join(" or "))
    };
    format!(
        "`{} {}` has {}: {}; {mend}",
        text("/package/name"),
        text("/package/version"),
        text("/advisory/id"),
        text("/advisory/title"),
    )
}

fn judge_deny(passed: bool, said: &str) -> Result<()> {
    if passed { Ok(()) } else { unreachable_or(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(count: u64, list: &str) -> String {
        format!(
            r#"{{"database": {{"advisory-count": {count}}}, "vulnerabilities": {{"found": true, "list": [{list}]}}}}"#
        )
    }

    const FOUND: &str = r#"{"advisory": {"id": "RUSTSEC-2026-0001", "title": "Too trusting"},
        "package": {"name": "a", "version": "1.0.0"}, "versions": {"patched": [">=1.0.1"], "unaffected": []}}"#;

    #[test]
    fn a_report_without_vulnerabilities_passes_and_one_with_any_fails() {
        assert!(judge_audit(&report(700, ""), "").is_ok());
        let error = judge_audit(&report(700, FOUND), "").unwrap_err();
        assert_eq!(error.to_string(), "known vulnerabilities: 1");
        assert!(judge_audit(r#"{"database": {"advisory-count": 700}}"#, "").is_err());
    }

    #[test]
    fn an_empty_database_does_not_pass() {
        let error = judge_audit(&report(0, ""), "").unwrap_err();
        assert!(error.to_string().contains("is empty"), "{error}");
    }

    #[test]
    fn a_vulnerability_is_told_with_its_mend() {
        let mut found: Value = serde_json::from_str(FOUND).unwrap();
        assert_eq!(
            told(&found),
            "`a 1.0.0` has RUSTSEC-2026-0001: Too trusting; update it to >=1.0.1"
        );
        found["versions"]["patched"] = Value::Null;
        assert!(told(&found).ends_with("; no version is better; do without it"));
    }

    #[test]
    fn only_an_unreachable_database_is_a_skip() {
        let audit =
            "error: couldn't fetch advisory database: git operation failed: failed to fetch repo";
        let deny =
            "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db";
        let broken = "error: error loading advisory database: parse error";
        for (result, skipped) in [
            (judge_audit("", audit), true),
            (judge_deny(false, deny), true),
            (judge_audit("", broken), false),
            (judge_deny(false, broken), false),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.is::<Skipped>(), skipped, "{error}");
        }
        assert!(judge_deny(true, deny).is_ok());
    }

    #[test]
    fn a_command_is_installed_when_cargo_lists_it_by_its_whole_name() {
        let commands = "Installed Commands:\n    add      Add\n    audit\n    deny-all  x\n";
        assert!(has_command(commands, "audit"));
        assert!(!has_command(commands, "deny"));
    }
}
