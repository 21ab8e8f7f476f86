//! The servers, each a process, the proxies before two of them, and the toolkit that knows them all. It must not know
//! what is asked of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use manyhands::{
    BreakerSettings, Builder, Connector, HttpSettings, RestartSettings, ServerId, ServerSettings,
    StdioSettings, Toolkit,
};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a call may take in total, and how long it may go without an answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_millis(500);
/// How long a server may take to start.
const START: Duration = Duration::from_secs(1);
/// How long a breaker stays open.
const OPEN: Duration = Duration::from_secs(1);
/// The longest waits before a server is started again.
const BACKOFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];
/// How long the processes may take to be there.
const BOOT: Duration = Duration::from_secs(20);
/// What the storm does: to each message over pipes, to what comes at once over TCP.
pub(crate) const FAULTS: [&str; 10] = [
    "--cut",
    "0.02",
    "--half-close",
    "0.02",
    "--drop",
    "0.04",
    "--garble",
    "0.04",
    "--delay",
    "0.05,300",
];

/// One server, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) over: &'static str,
    pub(crate) stormy: bool,
}

const fn server(name: &'static str, over: &'static str, stormy: bool) -> Server {
    Server { name, over, stormy }
}

pub(crate) const SERVERS: [Server; 6] = [
    server("pipe1", "stdio", false),
    server("pipe2", "stdio", false),
    server("pipe3", "stdio", false),
    server("http1", "HTTP", false),
    server("pipe4", "stdio", true),
    server("http2", "HTTP", true),
];

/// All of it, until it is dropped.
pub(crate) struct Fleet {
    pub(crate) kit: Toolkit,
    folder: TempDir,
    // What is not the toolkit's own ends with its standard input, or as it is dropped.
    _processes: Vec<Child>,
}

impl Fleet {
    pub(crate) async fn start(testkit: &Path, seed: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join(JOURNALS))?;
        let mut builder = Builder::default();
        let mut processes = Vec::new();
        for server in SERVERS {
            let place = Place {
                testkit,
                folder: folder.path(),
                seed,
            };
            let connector = place.connector(server, &mut processes).await?;
            let id = ServerId::parse(server.name)?;
            builder = builder.add(id, connector).server(server.name, settings);
        }
        let kit = builder.connect().await?;
        timeout(BOOT, kit.all_started()).await?;
        if kit.report().servers.iter().any(|it| it.status.is_failure()) {
            bail!("not all servers started:\n{}", kit.report());
        }
        Ok(Self {
            kit,
            folder,
            _processes: processes,
        })
    }

    /// Has the storm begin or end; it is noticed within 10 ms.
    pub(crate) fn rage(&self, rages: bool) -> Result<()> {
        let file = self.folder.path().join(STORM);
        if rages {
            std::fs::write(file, "")?;
        } else {
            std::fs::remove_file(file)?;
        }
        Ok(())
    }

    /// Where the servers write what they do.
    pub(crate) fn journals(&self) -> PathBuf {
        self.folder.path().join(JOURNALS)
    }
}

/// While this file is there, the storm rages.
const STORM: &str = "storm";
const JOURNALS: &str = "journals";

fn settings(server: ServerSettings) -> ServerSettings {
    let [first, longest] = BACKOFF;
    // The budget is not what is tried out here: a storm kills a server more often than bad luck does.
    let restart = RestartSettings::default().with_budget(10_000, Duration::from_secs(60));
    server
        .timeout(SILENCE)
        .total_timeout(DEADLINE)
        .start_timeout(START)
        .trust_annotations()
        .restart(restart.with_backoff(first, longest))
        .breaker(BreakerSettings::default().with_open(OPEN, OPEN))
}

/// Where servers find what they need.
struct Place<'a> {
    testkit: &'a Path,
    folder: &'a Path,
    seed: u64,
}

impl Place<'_> {
    async fn connector(&self, server: Server, processes: &mut Vec<Child>) -> Result<Connector> {
        let me = text(&std::env::current_exe()?)?;
        let journal = text(&self.folder.join(JOURNALS).join(server.name))?;
        let serve = ["serve", "--journal", &journal].map(str::to_owned).to_vec();
        if server.over == "stdio" {
            let (program, arguments) = if server.stormy {
                let child = ["--".to_owned(), me].into_iter().chain(serve);
                (
                    text(self.testkit)?,
                    self.storm()?.into_iter().chain(child).collect(),
                )
            } else {
                (me, serve)
            };
            return Ok(Connector::stdio(
                StdioSettings::new(program).with_args(arguments),
            ));
        }
        let mut address =
            listening(&me, [serve, vec!["--http".to_owned()]].concat(), processes).await?;
        if server.stormy {
            let to = ["--to".to_owned(), address.to_string()];
            let arguments = self.storm()?.into_iter().chain(to).collect();
            address = listening(&text(self.testkit)?, arguments, processes).await?;
        }
        let settings = HttpSettings::new(format!("http://{address}/mcp"));
        Ok(Connector::http(settings))
    }

    /// The arguments of the proxy, but for what it stands before.
    fn storm(&self) -> Result<Vec<String>> {
        let (seed, file) = (self.seed.to_string(), text(&self.folder.join(STORM))?);
        let words = ["storm", "--seed", &seed, "--vary", "--while", &file].into_iter();
        Ok(words.chain(FAULTS).map(str::to_owned).collect())
    }
}

/// Starts a program that prints the address at which it listens.
async fn listening(
    program: &str,
    arguments: Vec<String>,
    processes: &mut Vec<Child>,
) -> Result<SocketAddr> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("`{program}` cannot be started"))?;
    let output = child.stdout.take().context("its output is a pipe")?;
    let mut line = String::new();
    timeout(BOOT, BufReader::new(output).read_line(&mut line)).await??;
    processes.push(child);
    line.trim()
        .parse()
        .with_context(|| format!("`{program}` printed no address"))
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("`{}` is no UTF-8", path.display()))
}
