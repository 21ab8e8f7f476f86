//! What is wrong with profiles as they are declared, beside the servers that there are and what they offer. It must not
//! know who enables them.

use std::collections::BTreeSet;
use std::fmt;

use manyhands_core::{CapabilityKind, Printable, QualifiedName, ServerId, clip, nearest};

use super::profile::Profile;
use crate::explain::Cause;
use crate::shared::Shared;
use crate::toolkit::Toolkit;

/// Something that a profile names and that is not there; the profile goes without it. `Display` is a sentence that names
/// both.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileProblem {
    /// The profile's name.
    pub profile: String,
    /// The server or the tool, as it is written.
    pub named: String,
    /// Why nothing comes of it.
    pub cause: Cause,
}

impl Toolkit {
    /// The servers and tools that profiles name and that are not there, as far as that is known: nothing is said of the
    /// tools of a server that has not told yet what it offers, be it down, lazy or only remembered.
    #[must_use]
    pub fn profile_problems(&self) -> Vec<ProfileProblem> {
        let profiles = self.profiles();
        let problems = profiles.flat_map(|(name, profile)| self.problems_of(name, profile));
        problems.collect()
    }

    pub(super) fn problems_of(&self, name: &str, profile: &Profile) -> Vec<ProfileProblem> {
        let shared = self.shared();
        let servers = profile.servers.iter();
        let servers = servers.filter_map(|it| Some((it.to_string(), no_server(&shared, it)?)));
        let tools: BTreeSet<_> = profile.tools.iter().chain(&profile.always_on).collect();
        let tools = tools.into_iter();
        let tools = tools.filter_map(|it| Some((it.to_string(), self.no_tool(&shared, it)?)));
        let problem = |(named, cause)| ProfileProblem {
            profile: name.to_owned(),
            named,
            cause,
        };
        servers.chain(tools).map(problem).collect()
    }

    fn no_tool(&self, shared: &Shared, tool: &QualifiedName) -> Option<Cause> {
        if let Some(cause) = no_server(shared, tool.server()) {
            return Some(cause);
        }
        let slot = shared.slot(tool.server())?;
        let explanation = self.explain(&tool.to_string());
        match explanation.found {
            Some(found) if found.kind != CapabilityKind::Tool => {
                let nearest = Vec::new();
                return Some(Cause::NotOffered { nearest });
            }
            _ => {}
        }
        let is_at_fault = |cause: &Cause| match cause {
            Cause::NotOffered { .. } | Cause::Unusable { .. } => !slot.is_only_remembered(),
            Cause::Hidden => true,
            _ => false,
        };
        explanation.causes.into_iter().find(is_at_fault)
    }
}

fn no_server(shared: &Shared, id: &ServerId) -> Option<Cause> {
    let slots = shared.slots();
    if slots.get(id).is_some() {
        return None;
    }
    let near = nearest(id.as_str(), slots.iter().map(|it| it.id.as_str()));
    let nearest = near.into_iter().map(str::to_owned).collect();
    Some(Cause::NoServer { nearest })
}

impl fmt::Display for ProfileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Printable(&clip(text, 200)).to_string();
        let (profile, named) = (shown(&self.profile), shown(&self.named));
        write!(f, "the profile {profile}: {named}: {}", self.cause)
    }
}
