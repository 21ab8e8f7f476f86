//! Why something is there for a model, or is not. It must not know how tools are ranked, nor change anything.

use std::fmt;

use manyhands_core::{
    CapabilityKind, ListKind, Notice, Printable, QualifiedName, ServerId, clip, either,
};
use manyhands_registry::{Catalogue, LeftOutCause, Query, Ranking, Selection, ToolEntry, Unknown};
use serde::{Serialize, Serializer};

use crate::conversation::{Conversation, Scope};
use crate::report::ServerStatus;
use crate::shared::Shared;
use crate::toolkit::Toolkit;

/// What there is to say about one name. `Display` says it in lines for people.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The name that was asked about.
    pub asked: String,
    /// What it names, where something has that name; the name for people, and its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// Whether it is in the lists that models are given.
    pub listed: bool,
    /// Its server's state, where it names a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerState>,
    /// What keeps it from being listed, or from being called.
    pub causes: Vec<Cause>,
    /// The group of tools that do the same, where it is in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<InGroup>,
    /// How it fares with the query that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

/// A group of tools that do the same, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InGroup {
    /// Its name.
    pub name: String,
    /// Its tools, the preferred one first.
    pub tools: Vec<String>,
    /// Why the tool that was asked about has its place among them.
    pub why: String,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Found {
    /// Whether it is a tool, a prompt or a resource.
    pub kind: CapabilityKind,
    /// Its name across all servers.
    pub name: String,
    /// Its name for model APIs, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
}

/// How the server is doing that a name belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerState {
    /// The server.
    pub id: ServerId,
    /// Its state.
    #[serde(flatten)]
    pub status: ServerStatus,
}

/// What keeps something from being listed or called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "cause")]
#[non_exhaustive]
pub enum Cause {
    /// No server is meant by this name.
    NoServer {
        /// The names that come nearest.
        nearest: Vec<String>,
    },
    /// Its server cannot be used, or only in part.
    ServerDown {
        /// What happened.
        why: String,
        /// What to do about it.
        mend: Option<String>,
    },
    /// Its server was not asked yet what it offers.
    NotAskedYet,
    /// Its server does not offer it.
    NotOffered {
        /// The names that come nearest.
        nearest: Vec<String>,
    },
    /// The configuration hides it.
    Hidden,
    /// Tools of its server are left out while that is down.
    HiddenWhileDown,
    /// Its definition is not the one that was approved.
    Quarantined {
        /// What has changed.
        why: String,
    },
    /// Its server offers it in a form that cannot be used.
    Unusable {
        /// What is wrong with it.
        why: String,
    },
    /// It is not what the conversation is about.
    OutsideConversation {
        /// The profiles that are enabled.
        profiles: Vec<String>,
    },
}

/// How a tool fares with one query.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Choice {
    /// Whether it was chosen.
    pub chosen: bool,
    /// Its place among all tools that fit the query, from 1; none where it does not fit at all.
    pub place: Option<usize>,
    /// How many tools had anything to do with the query.
    pub considered: usize,
    /// How well it fits, from 0 to 1.
    pub score: f32,
    /// Why it was chosen, or what it has in common with the query.
    pub reason: Option<String>,
    /// Why it was not chosen.
    #[serde(serialize_with = "as_word", skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOutCause>,
}

impl Toolkit {
    /// Says whether models are shown what has this name, and why not. The name may be one for people, one for model
    /// APIs, or a URI.
    #[must_use]
    pub fn explain(&self, name: &str) -> Explanation {
        self.aside().explain(name)
    }

    /// Says that, and how a tool fares with a query.
    #[must_use]
    pub fn explain_for(&self, name: &str, query: impl Into<Query>) -> Explanation {
        self.aside().explain_for(name, query)
    }
}

impl Conversation {
    /// Says whether its model is shown what has this name, and why not; see [`Toolkit::explain`].
    #[must_use]
    pub fn explain(&self, name: &str) -> Explanation {
        let shared = self.toolkit().shared();
        let catalogue = shared.catalogue.load_full();
        Asked {
            name,
            catalogue: &catalogue,
            shared: &shared,
            scope: self.scope(),
        }
        .explain()
    }

    /// Says that, and how a tool fares with a query that is asked in it now.
    #[must_use]
    pub fn explain_for(&self, name: &str, query: impl Into<Query>) -> Explanation {
        let mut explanation = self.explain(name);
        let tool = explanation.found.as_ref();
        let tool = tool.filter(|it| it.kind == CapabilityKind::Tool);
        if let Some(name) = tool.and_then(|it| QualifiedName::parse(&it.name).ok()) {
            explanation.choice = Some(self.choice(&name, query.into()));
        }
        explanation
    }

    fn choice(&self, name: &QualifiedName, query: Query) -> Choice {
        let shared = self.toolkit().shared();
        let (index, query) = (shared.index(), shared.as_now(&self.query(query)));
        let asked = index.select(&query);
        let all = index.select(&query.without_limits().with_groups(Ranking::default()));
        let place = place(&all, name);
        let fit = place.and_then(|at| all.chosen.get(at - 1));
        let chosen = asked.chosen.iter().find(|it| it.tool.name() == name);
        let left_out = asked.left_out.iter().find(|it| it.name == *name);
        let left_out = left_out.map(|it| it.cause.clone());
        Choice {
            chosen: chosen.is_some(),
            place,
            considered: asked.considered,
            score: chosen.or(fit).map_or(0.0, |it| it.score),
            reason: chosen.or(fit).map(|it| it.reason.to_string()),
            // Only the best of what was not chosen are told one by one.
            left_out: left_out
                .or((chosen.is_none() && fit.is_some()).then_some(LeftOutCause::Limit)),
        }
    }
}

/// The place of a tool among those that fit, from 1.
fn place(all: &Selection, name: &QualifiedName) -> Option<usize> {
    let at = all.chosen.iter().position(|it| it.tool.name() == name)?;
    Some(at + 1)
}

struct Asked<'a> {
    name: &'a str,
    catalogue: &'a Catalogue,
    shared: &'a Shared,
    scope: Scope,
}

impl Asked<'_> {
    fn explain(&self) -> Explanation {
        match self.tool() {
            Ok(tool) => self.listed(
                CapabilityKind::Tool,
                tool.name().to_string(),
                Some(tool.wire()),
                tool.name().server(),
                self.scope.allows(tool),
            ),
            Err(unknown) => self.other(&unknown),
        }
    }

    fn tool(&self) -> Result<&ToolEntry, Unknown> {
        let by_name = self.catalogue.tool(self.name);
        by_name.or_else(|unknown| {
            let by_wire = self.catalogue.tool_by_wire(self.name);
            // Only a tool that is kept back is known by its wire name where it is not listed.
            by_wire.map_err(|it| match it.hidden().or(it.quarantined()) {
                Some(_) => it,
                None => unknown,
            })
        })
    }

    /// A prompt, a resource, or nothing.
    fn other(&self, unknown: &Unknown) -> Explanation {
        if let Some(tool) = unknown.hidden().or(unknown.quarantined()) {
            let cause = if unknown.hidden().is_some() {
                Cause::Hidden
            } else {
                let slot = self.shared.slot(tool.server());
                let why = slot.map(|slot| slot.offer().why_kept_back(tool.name()));
                Cause::Quarantined {
                    why: why.unwrap_or_default(),
                }
            };
            let mut explanation = self.missing(Some(tool.server()), cause);
            explanation.found = Some(Found {
                kind: CapabilityKind::Tool,
                name: tool.to_string(),
                wire: None,
            });
            return explanation;
        }
        if let Ok(prompt) = self.catalogue.prompt(self.name) {
            let server = prompt.name().server();
            let is_meant = self.scope.allows_server(server);
            let name = prompt.name().to_string();
            return self.listed(
                CapabilityKind::Prompt,
                name,
                Some(prompt.wire()),
                server,
                is_meant,
            );
        }
        if let Ok((server, _)) = self.catalogue.resource(self.name) {
            let is_meant = self.scope.allows_server(server);
            let name = self.name.to_owned();
            return self.listed(CapabilityKind::Resource, name, None, server, is_meant);
        }
        self.absent(unknown)
    }

    fn group(&self, name: &str) -> Option<InGroup> {
        let name = QualifiedName::parse(name).ok()?;
        let ranking = self.shared.ranking();
        let group = ranking.group_of(&name)?;
        let own = group.members.iter().find(|it| it.tool == name)?;
        Some(InGroup {
            name: group.name.clone(),
            tools: group.members.iter().map(|it| it.tool.to_string()).collect(),
            why: own.why.clone(),
        })
    }

    fn listed(
        &self,
        kind: CapabilityKind,
        name: String,
        wire: Option<&str>,
        server: &ServerId,
        is_meant: bool,
    ) -> Explanation {
        let wire = wire.map(str::to_owned);
        let mut causes = Vec::new();
        if !is_meant {
            let profiles = self.scope.profiles().to_vec();
            causes.push(Cause::OutsideConversation { profiles });
        }
        let slot = self.shared.slot(server);
        let is_hidden =
            kind == CapabilityKind::Tool && slot.is_some_and(|slot| self.shared.is_hidden(&slot));
        if is_hidden {
            causes.push(Cause::HiddenWhileDown);
        }
        causes.extend(self.down(server));
        Explanation {
            asked: self.name.to_owned(),
            group: self.group(&name).filter(|_| kind == CapabilityKind::Tool),
            found: Some(Found { kind, name, wire }),
            listed: is_meant && !is_hidden,
            server: self.state(server),
            causes,
            choice: None,
        }
    }

    /// Nothing has this name.
    fn absent(&self, unknown: &Unknown) -> Explanation {
        let nearest = unknown.nearest().to_vec();
        let parts = self.name.split_once('.');
        let Some((slot, plain)) = parts
            .or_else(|| self.name.split_once("__"))
            .and_then(|(server, plain)| Some((ServerId::parse(server).ok()?, plain)))
            .and_then(|(server, plain)| Some((self.shared.slot(&server)?, plain)))
        else {
            return self.missing(None, Cause::NoServer { nearest });
        };
        let cause = match (self.down(&slot.id), slot.is_introduced()) {
            (Some(down), _) => down,
            (None, false) => Cause::NotAskedYet,
            (None, true) => match self.notice(&slot.id, plain) {
                Some(why) => Cause::Unusable { why },
                None => Cause::NotOffered { nearest },
            },
        };
        self.missing(Some(&slot.id), cause)
    }

    fn missing(&self, server: Option<&ServerId>, cause: Cause) -> Explanation {
        Explanation {
            asked: self.name.to_owned(),
            found: None,
            listed: false,
            server: server.and_then(|it| self.state(it)),
            causes: vec![cause],
            group: None,
            choice: None,
        }
    }

    fn state(&self, server: &ServerId) -> Option<ServerState> {
        let slot = self.shared.slot(server)?;
        Some(ServerState {
            id: server.clone(),
            status: self.shared.status(&slot),
        })
    }

    /// Why a server cannot be used.
    fn down(&self, server: &ServerId) -> Option<Cause> {
        let slot = self.shared.slot(server)?;
        let text = |it: &str| it.to_owned();
        let (why, mend) = match self.shared.router.down(server) {
            Some(down) => (text(down.cause()), down.mend().map(text)),
            None => {
                let status = self.shared.status(&slot);
                (text(status.cause()?), status.mend().map(text))
            }
        };
        Some(Cause::ServerDown { why, mend })
    }

    /// Why a server's offer is without a tool that it has.
    fn notice(&self, server: &ServerId, tool: &str) -> Option<String> {
        let mut notices = self.catalogue.notices(server).iter();
        let of_it =
            |it: &&Notice| it.left_out() == Some(tool) && it.list() == Some(ListKind::Tools);
        notices.find(of_it).map(|it| it.as_str().to_owned())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.found.as_ref().map_or(&self.asked, |it| &it.name);
        write!(f, "{}", Printable(&clip(name, 256)))?;
        if let Some(found) = &self.found {
            write!(f, ", a {}", found.kind.as_str())?;
        }
        let shown = if self.listed {
            "shown to models"
        } else {
            "not shown to models"
        };
        write!(f, ": {shown}")?;
        if let Some(wire) = self.found.as_ref().and_then(|it| it.wire.as_ref()) {
            write!(f, "\n  models call it {}", Printable(wire))?;
        }
        if let Some(server) = &self.server {
            write!(
                f,
                "\n  its server {} is {}",
                server.id,
                server.status.word()
            )?;
        }
        for cause in &self.causes {
            write!(f, "\n  {cause}")?;
        }
        if let Some(group) = &self.group {
            write!(f, "\n  {group}")?;
        }
        match &self.choice {
            Some(choice) => write!(f, "\n  {choice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Printable(&clip(text, 200)).to_string();
        let tools: Vec<String> = self.tools.iter().map(|it| shown(it)).collect();
        write!(
            f,
            "in the group {}: {} ({})",
            shown(&self.name),
            tools.join(", then "),
            self.why
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer { nearest } => {
                f.write_str("no server offers anything of this name")?;
                did_you_mean(f, nearest)
            }
            Self::ServerDown { why, mend } => {
                write!(f, "it cannot be called: {}", Printable(why))?;
                match mend {
                    Some(mend) => write!(f, " -> {}", Printable(mend)),
                    None => Ok(()),
                }
            }
            Self::NotAskedYet => {
                f.write_str("its server was not asked yet what it offers; a call starts it")
            }
            Self::NotOffered { nearest } => {
                f.write_str("its server offers nothing of this name")?;
                did_you_mean(f, nearest)
            }
            Self::Hidden => f.write_str(
                "hidden in the configuration -> remove `hidden` from its server's entry",
            ),
            Self::HiddenWhileDown => f.write_str(
                "left out until its server is back -> set `whenDown` to \"tell\" to show it all the same",
            ),
            Self::Quarantined { why } => write!(
                f,
                "kept back: {} -> look at it by `manyhands pins diff`, and approve it by `manyhands pins approve`",
                Printable(why)
            ),
            Self::Unusable { why } => write!(f, "{}", Printable(why)),
            Self::OutsideConversation { profiles } if profiles.is_empty() => {
                f.write_str("the conversation is not about its server")
            }
            Self::OutsideConversation { profiles } => write!(
                f,
                "the conversation is about {}, which it does not belong to",
                Printable(&profiles.join(", "))
            ),
        }
    }
}

fn did_you_mean(f: &mut fmt::Formatter<'_>, nearest: &[String]) -> fmt::Result {
    match nearest {
        [] => Ok(()),
        nearest => write!(f, " -> did you mean {}?", Printable(&either(nearest))),
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.chosen { "chosen" } else { "not chosen" };
        f.write_str(verdict)?;
        match self.place {
            Some(place) => write!(
                f,
                ": place {place} of the {} that fit, score {:.2}",
                self.considered, self.score
            )?,
            None if self.chosen => {}
            None => write!(
                f,
                ": it has nothing in common with the query ({} other tools have)",
                self.considered
            )?,
        }
        if let Some(left_out) = &self.left_out {
            write!(f, "; {left_out}")?;
        }
        match &self.reason {
            Some(reason) => write!(f, "\n  because of {reason}"),
            None => Ok(()),
        }
    }
}

fn as_word<S: Serializer>(cause: &Option<LeftOutCause>, serializer: S) -> Result<S::Ok, S::Error> {
    cause
        .as_ref()
        .map(ToString::to_string)
        .serialize(serializer)
}
