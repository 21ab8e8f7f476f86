//! Reads the command line. Only the command `manyhands` has a library for that.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use manyhands_testkit::{Fault, HttpOptions, Side, Storm};

pub(crate) const USAGE: &str = "\
MCP servers for tests, over standard input and output.

Usage:
  manyhands-testkit serve [--script FILE] [--fault NAME[=VALUE]]... [--http ADDRESS [--stateless] [--json]]
      Serve what FILE says, or the tools `echo` and `whoami`; with faults, badly.
      FILE: {\"name\", \"tools\": [{\"definition\", \"result\"}], \"prompts\": [{\"definition\",
      \"result\"}], \"resources\": [{\"definition\", \"contents\"}], \"page_size\", \"latency_ms\"}
      With --http, serve streamable HTTP at ADDRESS, such as 127.0.0.1:0, and print the URL.
  manyhands-testkit faults
      List the faults of `serve`, and what each does.
  manyhands-testkit record FILE -- COMMAND [ARGUMENT]...
      Start a server, pass everything on, and write it to FILE at the end, secrets hidden.
  manyhands-testkit replay FILE
      Answer as the server did that FILE was recorded from.
  manyhands-testkit storm --seed N [FAULTS] -- COMMAND [ARGUMENT]...
      Start a server and disturb what passes. The same seed makes the same faults.
      --drop P, --duplicate P, --garble P, --cut P, --half-close P, --delay P,MILLISECONDS
                            the probability of each fault for each message, from 0 to 1
      --while FILE          disturb only while FILE is there
      --vary                add the id of the process to the seed, so that each start makes other faults; it is
                            printed at the end
      --from client|server  disturb only what this side sends
      --spare N             let the first N messages of each side pass
  manyhands-testkit storm --seed N [FAULTS] --to ADDRESS
      Disturb what passes to the TCP port at ADDRESS, and print where clients reach it; what comes at once is a
      message. It ends with its standard input.
";

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Faults,
    Serve {
        script: Option<PathBuf>,
        faults: Vec<Fault>,
        http: Option<HttpOptions>,
    },
    Record {
        file: PathBuf,
        command: Child,
    },
    Replay {
        file: PathBuf,
    },
    Storm {
        seed: u64,
        storm: Storm,
        rages: Option<PathBuf>,
        target: Target,
    },
}

/// What stands behind a storm.
#[derive(Debug)]
pub(crate) enum Target {
    Child(Child),
    Tcp(SocketAddr),
}

/// What is started behind a `--`.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut words = words;
    let own: Vec<OsString> = words.by_ref().take_while(|word| word != "--").collect();
    let child = words.next().map(|program| Child {
        program,
        arguments: words.collect(),
    });
    if own.is_empty() || own.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Command::Help);
    }
    let mut own = own.into_iter();
    let verb = own.next().unwrap_or_default();
    let mut own = Own(own.collect());
    let command = match verb.to_str() {
        Some("serve") => serve(&mut own)?,
        Some("faults") => Command::Faults,
        Some("replay") => Command::Replay { file: own.file()? },
        Some("record") => Command::Record {
            file: own.file()?,
            command: child.ok_or("expected `-- COMMAND` to record")?,
        },
        Some("storm") => {
            let to = own.parsed("--to", "an ADDRESS such as 127.0.0.1:80")?;
            let target = match (to, child) {
                (Some(address), None) => Target::Tcp(address),
                (None, Some(child)) => Target::Child(child),
                _ => return Err("expected either `-- COMMAND` or --to to disturb".to_owned()),
            };
            let seed: Option<u64> = own.parsed("--seed", "a whole number")?;
            let varied = u64::from(own.flag("--vary")) * u64::from(std::process::id());
            let seed = seed.ok_or("expected --seed N")?.wrapping_add(varied);
            Command::Storm {
                seed,
                rages: own.value("--while")?.map(PathBuf::from),
                storm: storm(seed, &mut own)?,
                target,
            }
        }
        _ => return Err(format!("no command {}", verb.display())),
    };
    match own.0.first() {
        Some(left) => Err(format!("unexpected argument {}", left.display())),
        None => Ok(command),
    }
}

fn serve(own: &mut Own) -> Result<Command, String> {
    let script = own.value("--script")?.map(PathBuf::from);
    let mut faults = Vec::new();
    while let Some(text) = own.text("--fault")? {
        let fault = text.parse::<Fault>();
        faults.push(fault.map_err(|error| format!("failed to {error}"))?);
    }
    let http = match own.parsed("--http", "an ADDRESS such as 127.0.0.1:0")? {
        Some(address) => {
            let options = HttpOptions::default().with_address(address);
            let options = options.with_sessions(!own.flag("--stateless"));
            Some(options.with_event_streams(!own.flag("--json")))
        }
        None => None,
    };
    Ok(Command::Serve {
        script,
        faults,
        http,
    })
}

/// Gives a storm the probability of one fault.
type Set = fn(Storm, f64) -> Storm;

fn storm(seed: u64, own: &mut Own) -> Result<Storm, String> {
    let mut storm = Storm::seeded(seed);
    if let Some(text) = own.text("--delay")? {
        let parts = text.split_once(',');
        let parts = parts.and_then(|(p, ms)| Some((probability(p)?, ms.parse().ok()?)));
        let (p, ms) = parts.ok_or("expected --delay P,MILLISECONDS, P from 0 to 1")?;
        storm = storm.delay(p, Duration::from_millis(ms));
    }
    let faults: [(_, Set); 5] = [
        ("--drop", Storm::drop),
        ("--duplicate", Storm::duplicate),
        ("--garble", Storm::garble),
        ("--cut", Storm::cut),
        ("--half-close", Storm::half_close),
    ];
    for (name, set) in faults {
        if let Some(text) = own.text(name)? {
            let p = probability(&text);
            storm = set(
                storm,
                p.ok_or_else(|| format!("expected {name} P from 0 to 1"))?,
            );
        }
    }
    if let Some(count) = own.parsed("--spare", "a whole number")? {
        storm = storm.sparing_first(count);
    }
    match own.text("--from")?.as_deref() {
        None => Ok(storm),
        Some("client") => Ok(storm.only_from(Side::Client)),
        Some("server") => Ok(storm.only_from(Side::Server)),
        Some(_) => Err("expected --from client or --from server".to_owned()),
    }
}

fn probability(text: &str) -> Option<f64> {
    text.parse().ok().filter(|p| (0.0..=1.0).contains(p))
}

/// The arguments before any `--` that nobody has taken yet.
struct Own(Vec<OsString>);

impl Own {
    /// Takes `NAME VALUE` or `NAME=VALUE` out, the first there is.
    fn value(&mut self, name: &str) -> Result<Option<OsString>, String> {
        let joined = |word: &OsString| {
            let rest = word.to_str()?.strip_prefix(name)?.strip_prefix('=')?;
            Some(OsString::from(rest))
        };
        let is_it = |word: &OsString| word == name || joined(word).is_some();
        let Some(index) = self.0.iter().position(is_it) else {
            return Ok(None);
        };
        let word = self.0.remove(index);
        if let Some(value) = joined(&word) {
            return Ok(Some(value));
        }
        if index < self.0.len() {
            return Ok(Some(self.0.remove(index)));
        }
        Err(format!("expected a value after {name}"))
    }

    /// Takes a word out; says whether it was there.
    fn flag(&mut self, name: &str) -> bool {
        let found = self.0.iter().position(|word| word == name);
        found.map(|index| self.0.remove(index)).is_some()
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let value = self.value(name)?.map(OsString::into_string).transpose();
        value.map_err(|_| format!("expected a value of {name} that is UTF-8"))
    }

    fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, String> {
        let value = self.text(name)?.map(|text| text.parse()).transpose();
        value.map_err(|_| format!("expected {name} with {expected}"))
    }

    /// Takes the one argument that is left.
    fn file(&mut self) -> Result<PathBuf, String> {
        if self.0.is_empty() {
            return Err("expected a FILE".to_owned());
        }
        Ok(self.0.remove(0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        read(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_are_read_in_any_order_and_form() {
        let Ok(Command::Serve {
            script,
            faults,
            http,
        }) = parse(
            "serve --json --fault=deep-reply=3 --script s.json --http [::1]:0 --fault wrong-id",
        )
        else {
            panic!("it is a command");
        };
        let http = http.unwrap();
        assert!(http.sessions && !http.event_streams);
        assert_eq!(script, Some("s.json".into()));
        assert_eq!(faults, [Fault::DeepReply(3), Fault::WrongId]);
    }

    #[test]
    fn what_follows_two_dashes_is_left_alone() {
        let Ok(Command::Record { file, command }) = parse("record a.tape -- npx --help -- x")
        else {
            panic!("it is a command");
        };
        assert_eq!((file, command.program), ("a.tape".into(), "npx".into()));
        assert_eq!(command.arguments, ["--help", "--", "x"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, error) in [
            ("server", "no command server"),
            ("serve --faults x", "unexpected argument --faults"),
            ("serve --script", "expected a value after --script"),
            ("replay", "expected a FILE"),
            ("serve --json", "unexpected argument --json"),
            (
                "serve --http 80",
                "expected --http with an ADDRESS such as 127.0.0.1:0",
            ),
            ("record a.tape", "expected `-- COMMAND` to record"),
            ("storm -- x", "expected --seed N"),
            (
                "storm --seed 1",
                "expected either `-- COMMAND` or --to to disturb",
            ),
            (
                "storm --seed 1 --to 127.0.0.1:1 -- x",
                "expected either `-- COMMAND` or --to to disturb",
            ),
            ("storm --seed x -- x", "expected --seed with a whole number"),
            (
                "storm --seed 1 --cut 2 -- x",
                "expected --cut P from 0 to 1",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err(), error, "{line}");
        }
    }
}
