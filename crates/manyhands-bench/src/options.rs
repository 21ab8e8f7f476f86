//! The command line, read by hand: clap belongs to the binary that people install.

use anyhow::{Context as _, Result, bail};

use crate::catalogue::{self, Lookup};
use crate::cell::{Plan, Side, Transport};
use crate::selection;
use crate::start;

pub(crate) const USAGE: &str = "\
Usage: manyhands-bench call [--json] [--quick] [--read] [--transport NAME]
       manyhands-bench catalogue [--json] [--quick] [--toolset FILE]
       manyhands-bench start [--json] [--quick] [--config FILE]
       manyhands-bench resilience [--quick]
       manyhands-bench selection [--data FILE] [--among FILE]
       manyhands-bench select
       manyhands-bench count SIDE CALLS PAYLOAD
       manyhands-bench count-lookups KIND TIMES
       manyhands-bench count-resilience LAYER CALLS
       manyhands-bench serve-stdio
       manyhands-bench serve-http
       manyhands-bench serve-scripted TOOLS BOOT HANGS_BY";

/// The rounds of each side. With nine, the median does not care for four that something else disturbed.
const ROUNDS: usize = 9;
const QUICK_ROUNDS: usize = 5;
const QUICK_CALLS: usize = 256;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Call(Call),
    Catalogue(catalogue::Options),
    Start(start::Options),
    Resilience { quick: bool },
    Selection(selection::Options),
    Select,
    Count(Count),
    CountLookups(Lookup, usize),
    CountResilience { layer: String, calls: usize },
    ServeStdio,
    ServeHttp,
    ServeScripted(start::Scripted),
}

/// How the comparison is run and told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) json: bool,
    quick: bool,
    read: bool,
    transport: Option<Transport>,
}

/// A number of calls for an instruction counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) side: Side,
    pub(crate) calls: usize,
    pub(crate) payload: usize,
}

impl Command {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["call", flags @ ..] => Call::parse(flags).map(Self::Call),
            ["catalogue", flags @ ..] => catalogue_options(flags).map(Self::Catalogue),
            ["start", flags @ ..] => start::Options::parse(flags).map(Self::Start),
            ["serve-scripted", tools, boot, hangs_by] => {
                start::Scripted::parse(tools, boot, hangs_by).map(Self::ServeScripted)
            }
            ["resilience"] => Ok(Self::Resilience { quick: false }),
            ["resilience", "--quick"] => Ok(Self::Resilience { quick: true }),
            ["selection", flags @ ..] => selection::Options::parse(flags).map(Self::Selection),
            ["select"] => Ok(Self::Select),
            ["count-lookups", kind, times] => Ok(Self::CountLookups(
                named(kind, Lookup::ALL, Lookup::name)?,
                times.parse().context("TIMES is a number")?,
            )),
            ["count", side, calls, payload] => Ok(Self::Count(Count {
                side: named(side, Side::ALL, Side::name)?,
                calls: calls.parse().context("CALLS is a number")?,
                payload: payload.parse().context("PAYLOAD is a number of bytes")?,
            })),
            ["count-resilience", layer, calls] => Ok(Self::CountResilience {
                layer: (*layer).to_owned(),
                calls: calls.parse().context("CALLS is a number")?,
            }),
            ["serve-stdio"] => Ok(Self::ServeStdio),
            ["serve-http"] => Ok(Self::ServeHttp),
            [] => bail!("a command is missing"),
            [other, ..] => bail!("`{other}` makes no sense here"),
        }
    }
}

impl Call {
    /// Whether instructions are counted as well, which takes longer than a quick run should.
    pub(crate) fn counts_instructions(&self) -> bool {
        !self.quick && self.transport.is_none_or(|only| only == Transport::Duplex)
    }

    fn parse(flags: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--read" => options.read = true,
                "--transport" => {
                    let name = flags.next().context("`--transport` needs a name")?;
                    options.transport = Some(named(name, Transport::ALL, Transport::name)?);
                }
                other => bail!("no flag `{other}`"),
            }
        }
        Ok(options)
    }

    /// Enough calls for a tenth of a second and more in each round, or a few hundred for a smoke test.
    pub(crate) fn plan(&self) -> Plan {
        let transports = match self.transport {
            Some(transport) => vec![transport],
            None => Transport::ALL.to_vec(),
        };
        let mut plan = if self.quick {
            Plan::new(&transports, QUICK_ROUNDS, |_, _| QUICK_CALLS)
        } else {
            Plan::new(&transports, ROUNDS, calls)
        };
        plan.read = self.read;
        plan
    }
}

fn catalogue_options(flags: &[&str]) -> Result<catalogue::Options> {
    let mut options = catalogue::Options::default();
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        match *flag {
            "--json" => options.json = true,
            "--quick" => options.quick = true,
            "--toolset" => {
                let file = flags.next().context("`--toolset` needs a file")?;
                options.toolset = Some(file.into());
            }
            other => bail!("no flag `{other}`"),
        }
    }
    Ok(options)
}

fn calls(transport: Transport, payload: usize) -> usize {
    match (transport, payload) {
        (Transport::Http, 1024..) => 1024,
        (Transport::Http, _) | (_, 1024..) => 2048,
        _ => 4096,
    }
}

fn named<T: Copy, const N: usize>(
    name: &str,
    all: [T; N],
    name_of: fn(T) -> &'static str,
) -> Result<T> {
    let known = || all.map(name_of).join(", ");
    all.into_iter()
        .find(|it| name_of(*it) == name)
        .with_context(|| format!("`{name}` is none of {}", known()))
}
