//! How each server is doing, for people and programs.

use std::fmt;
use std::time::Duration;

use manyhands_core::{HumanDuration, Printable, ServerId, ServerInfo};
use manyhands_transport::Snapshot;
use serde::Serialize;

use crate::health::Probed;

/// The state of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
#[non_exhaustive]
pub enum ServerStatus {
    /// It is being started, or asked what it offers.
    Starting,
    /// It is connected.
    Ready,
    /// It is not running, and starts when it is called.
    Idle,
    /// It was not started yet, and starts when it is called. What it offers is known from an earlier start.
    Cached,
    /// It wants credentials that it did not get.
    NeedsAuth {
        /// What happened, as a lowercase clause.
        cause: String,
        /// What to do about it, as a lowercase clause.
        mend: Option<String>,
    },
    /// It is not usable, or only in part.
    Failed {
        /// What happened, as a lowercase clause.
        cause: String,
        /// What to do about it, as a lowercase clause.
        mend: Option<String>,
    },
    /// It is left alone for a while, since its calls kept failing.
    OpenUntil {
        /// What happened, as a lowercase clause.
        cause: String,
        /// What to do about it, as a lowercase clause.
        mend: Option<String>,
        /// For how long no call passes, from when this was told; in whole seconds.
        wait: HumanDuration,
    },
    /// Its configuration switches it off.
    Disabled,
    /// It is no longer one of the toolkit's servers.
    Removed,
}

impl ServerStatus {
    /// The word for it: `starting`, `ready`, `idle`, `cached`, `needs-auth`, `failed`, `open-until`, `disabled` or
    /// `removed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Idle => "idle",
            Self::Cached => "cached",
            Self::NeedsAuth { .. } => "needs-auth",
            Self::Failed { .. } => "failed",
            Self::OpenUntil { .. } => "open-until",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
        }
    }

    /// What happened, where something did.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::NeedsAuth { cause, .. }
            | Self::Failed { cause, .. }
            | Self::OpenUntil { cause, .. } => Some(cause),
            _ => None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        match self {
            Self::NeedsAuth { mend, .. }
            | Self::Failed { mend, .. }
            | Self::OpenUntil { mend, .. } => mend.as_deref(),
            _ => None,
        }
    }

    /// Whether it cannot be used as it should be. It may still mend by itself.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::NeedsAuth { .. } | Self::Failed { .. } | Self::OpenUntil { .. }
        )
    }
}

/// How one server is doing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerReport {
    /// Its name.
    pub id: ServerId,
    /// Its name as the configuration wrote it, where that is another one.
    pub title: Option<String>,
    /// Its state.
    pub status: ServerStatus,
    /// Whether connecting fails as a whole when it does.
    pub required: bool,
    /// How it introduced itself, once it did.
    pub info: Option<ServerInfo>,
    /// How many tools it offers.
    pub tools: usize,
    /// How many prompts it offers.
    pub prompts: usize,
    /// How many resources and resource templates it offers.
    pub resources: usize,
    /// What is odd about it, such as a tool that was left out.
    pub notices: Vec<String>,
    /// How long it took from its start to being ready, or to failing.
    pub took: Option<Duration>,
    /// What was noticed beside the protocol.
    pub diagnostics: Snapshot,
    /// In how long a server that failed is tried again: by itself, or by a call once it failed too often or is left alone.
    pub retry_in: Option<Duration>,
    /// How long ago it last answered anything in this program, be it a call or a probe.
    pub answered_ago: Option<Duration>,
    /// How the last probe of it ended; none where it was not probed, such as where calls show that it is well.
    pub probe: Option<ProbeReport>,
    /// How each of its replicas is doing; none where there is but one.
    pub replicas: Vec<ReplicaReport>,
}

/// How one probe of a server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeReport {
    /// How long ago it was sent.
    pub ago: Duration,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, as a lowercase clause; none where it did not.
    pub cause: Option<String>,
}

impl ProbeReport {
    pub(crate) fn of(probed: &Probed) -> Self {
        Self {
            ago: probed.at.elapsed(),
            took: probed.took,
            cause: probed.cause.clone(),
        }
    }
}

/// How one of a server's replicas is doing. `Display` gives it as a sentence.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplicaReport {
    /// Which, from 1: in the order in which they are configured.
    pub number: usize,
    /// Its state.
    pub status: ServerStatus,
    /// What was noticed beside the protocol.
    pub diagnostics: Snapshot,
    /// In how long one that failed is tried again.
    pub retry_in: Option<Duration>,
}

impl fmt::Display for ReplicaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {}: {}", self.number, self.status.word())?;
        let said = [self.status.cause(), self.status.mend()];
        for (said, before) in said.into_iter().flatten().zip([", ", "; "]) {
            write!(f, "{before}{}", Printable(said))?;
        }
        Ok(())
    }
}

/// How all servers are doing. `Display` gives one aligned line per server.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// One entry per server, in the order they were registered.
    pub servers: Vec<ServerReport>,
}

impl Report {
    /// The entry of one server.
    #[must_use]
    pub fn server(&self, id: &str) -> Option<&ServerReport> {
        self.servers.iter().find(|server| server.id.as_str() == id)
    }

    /// The length of the longest server name, for aligned lines.
    #[must_use]
    pub fn id_width(&self) -> usize {
        let lengths = self.servers.iter().map(|server| server.id.as_str().len());
        lengths.max().unwrap_or(0)
    }

    /// The servers that somebody has to do something about.
    pub fn failures(&self) -> impl Iterator<Item = &ServerReport> {
        self.servers
            .iter()
            .filter(|server| server.status.is_failure())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.id_width();
        for (n, server) in self.servers.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(
                f,
                "{:width$}  {:<10}  {server}",
                server.id,
                server.status.word()
            )?;
            if let Some(wait) = server.retry_in {
                // Rounded up, so that the time is never given too early.
                write!(f, "; next try in {} s", wait.as_secs_f64().ceil())?;
            }
        }
        Ok(())
    }
}

/// What there is to say beside name and state.
impl fmt::Display for ServerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            ServerStatus::Starting => f.write_str("not ready yet"),
            ServerStatus::Disabled => f.write_str("switched off in the configuration"),
            ServerStatus::Removed => f.write_str("no longer there"),
            ServerStatus::Idle => f.write_str("not running; starts when it is called"),
            ServerStatus::Cached => {
                write!(
                    f,
                    "{} at an earlier start; starts when it is called",
                    self.offer()
                )
            }
            ServerStatus::Ready => {
                f.write_str(&self.offer())?;
                let noticed = self.notices.len();
                if noticed > 0 {
                    write!(f, ", {}", counted(noticed, "notice"))?;
                }
                match self.took {
                    Some(took) => write!(f, " ({:.2} s)", took.as_secs_f64()),
                    None => Ok(()),
                }
            }
            failed => {
                write!(f, "{}", Printable(failed.cause().unwrap_or_default()))?;
                match failed.mend() {
                    Some(mend) => write!(f, "; {}", Printable(mend)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl ServerReport {
    /// What it offers, counted: `4 tools, 1 prompt`.
    #[must_use]
    pub fn offer(&self) -> String {
        let counts = [
            (self.tools, "tool"),
            (self.prompts, "prompt"),
            (self.resources, "resource"),
        ];
        let named: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(*count, word))
            .collect();
        if named.is_empty() {
            "nothing offered".to_owned()
        } else {
            named.join(", ")
        }
    }
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}
