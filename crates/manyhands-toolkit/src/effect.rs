//! What a call does to the world, and so whether it may be sent twice: by policy, by the protocol, or by the word of a
//! server that is trusted. It must not know who sends twice.

use manyhands_core::{Effect, Request};
use manyhands_registry::ToolEntry;

use crate::settings::ServerSettings;

/// What a call of a tool does. Policy wins; a hint counts where the server's hints are trusted, since one that is wrong has
/// a thing done twice.
pub(crate) fn of_tool(settings: &ServerSettings, tool: &ToolEntry) -> Effect {
    let policy = settings.tools.get(tool.name().name());
    if let Some(effect) = policy.and_then(|it| it.effect) {
        return effect;
    }
    let hints = tool.definition().annotations.as_ref();
    let Some(hints) = hints.filter(|_| settings.trust_annotations) else {
        return Effect::Unknown;
    };
    if hints.read_only_hint == Some(true) {
        Effect::ReadOnly
    } else if hints.idempotent_hint == Some(true) {
        Effect::Idempotent
    } else {
        Effect::Unknown
    }
}

/// What any other request does. Getting, reading and completing change nothing by the protocol's own meaning, as HTTP's GET
/// does: that is no claim of a server's about one of its tools, so it takes no trust.
pub(crate) fn of_request(request: &Request) -> Effect {
    match request {
        Request::GetPrompt { .. }
        | Request::ReadResource { .. }
        | Request::Complete { .. }
        | Request::List { .. }
        | Request::Probe => Effect::ReadOnly,
        _ => Effect::Unknown,
    }
}
