//! Instructions per call, counted by valgrind: the one figure here that other load on the machine cannot disturb.

use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cell::{PAYLOADS, Side};

/// Two runs differ by so many calls; what they have in common, starting up, is taken away.
const FEW: usize = 200;
const MANY: usize = 1_200;

/// What was counted, or why nothing was.
pub(crate) enum Instructions {
    Counted(Vec<Counted>),
    Skipped(&'static str),
}

/// Instructions per call over a duplex, one call at a time, both ends together.
pub(crate) struct Counted {
    pub(crate) payload: usize,
    pub(crate) raw: f64,
    pub(crate) toolkit: f64,
    pub(crate) connection: f64,
}

pub(crate) fn measure(wanted: bool) -> Result<Instructions> {
    if !wanted {
        return Ok(Instructions::Skipped(
            "not counted in a quick run, or without the duplex",
        ));
    }
    if !can_count()? {
        return Ok(Instructions::Skipped("valgrind not found"));
    }
    let counted = PAYLOADS.map(|payload| {
        Ok(Counted {
            payload,
            raw: per_call(Side::Raw, payload)?,
            toolkit: per_call(Side::Toolkit, payload)?,
            connection: per_call(Side::Connection, payload)?,
        })
    });
    Ok(Instructions::Counted(
        counted.into_iter().collect::<Result<_>>()?,
    ))
}

/// Whether valgrind is there.
pub(crate) fn can_count() -> Result<bool> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("valgrind cannot be started"),
    }
}

fn per_call(side: Side, payload: usize) -> Result<f64> {
    each(
        &INSTRUCTIONS,
        &["count", side.name()],
        &[&payload.to_string()],
    )
}

/// One of valgrind's tools, and the words before the figure in what it says at its end.
pub(crate) struct Counter {
    arguments: [&'static str; 2],
    before: &'static str,
}

/// Counts instructions.
pub(crate) const INSTRUCTIONS: Counter = Counter {
    arguments: ["--tool=callgrind", "--callgrind-out-file=/dev/null"],
    before: "Collected : ",
};

/// Counts allocations.
pub(crate) const ALLOCATIONS: Counter = Counter {
    arguments: ["--tool=dhat", "--dhat-out-file=/dev/null"],
    before: " bytes in ",
};

/// What this program has counted for one more of what it does as often as it is told between these arguments.
pub(crate) fn each(counter: &Counter, before: &[&str], after: &[&str]) -> Result<f64> {
    let count = |times: usize| {
        let times = times.to_string();
        total(counter, &[before, &[&times], after].concat())
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    ensure!(many >= few, "valgrind counted less for more calls");
    Ok((many - few) as f64 / (MANY - FEW) as f64)
}

fn total(counter: &Counter, arguments: &[&str]) -> Result<u64> {
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let output = Command::new("valgrind")
        .args(counter.arguments)
        .arg(program)
        .args(arguments)
        .output()
        .context("valgrind cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed ({}): {}", output.status, said.trim());
    }
    collected(&said, counter.before)
        .with_context(|| format!("valgrind counted nothing: {}", said.trim()))
}

/// The first count in valgrind's last words: `==42== Collected : 1234`, `==42== Total: 5,678 bytes in 12 blocks`.
fn collected(said: &str, before: &str) -> Option<u64> {
    let (_, count) = said.split_once(before)?;
    count
        .split_whitespace()
        .next()?
        .replace(',', "")
        .parse()
        .ok()
}
