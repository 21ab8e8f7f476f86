//! What a caller reads where there is nothing to call under a name: why, and what to do about it. It must not know how names are
//! resolved.

use manyhands_core::{
    CallError, CapabilityKind, Delivery, ErrorKind, ListKind, Printable, QualifiedName, ServerId,
    clip, either,
};
use manyhands_registry::Unknown;

use super::Ask;

impl Ask {
    /// Says that it is there, and not what the conversation is about.
    pub(super) fn outside(&self, server: &ServerId) -> CallError {
        let kind = self.wanted.kind().as_str();
        let profiles = self.scope.profiles().join(", ");
        let cause = match &*profiles {
            "" => format!("the conversation is not about this {kind}"),
            profiles => {
                format!("the conversation is about {profiles}, and this {kind} is no part of it")
            }
        };
        CallError::new(ErrorKind::NotFound, Delivery::NotSent, cause)
            .with_server(server.clone())
            .with_advice("enable a profile that it belongs to, or take a tool that is shown")
    }

    /// Says why there is nothing under this name: the server's state where that is the reason, else the nearest names.
    pub(super) fn not_found(&self, unknown: &Unknown) -> CallError {
        if let Some(tool) = unknown.hidden() {
            return hidden(tool);
        }
        if let Some(tool) = unknown.quarantined() {
            return self.kept_back(tool);
        }
        let kind = self.wanted.kind().as_str();
        let Some(slot) = self.slot() else {
            let error = CallError::new(
                ErrorKind::NotFound,
                Delivery::NotSent,
                format!("no server offers this {kind}"),
            );
            return error.with_advice(advice(kind, unknown));
        };
        let not_found = |cause| CallError::new(ErrorKind::NotFound, Delivery::NotSent, cause);
        let error = match (self.shared.router.down(&slot.id), slot.failure()) {
            (Some(down), _) | (None, Some(down)) => down.error(),
            (None, None) => match self.left_out(&slot.id) {
                Some(why) => not_found(why).with_advice("ask whoever made the server to mend it"),
                None => not_found(format!("the server {} offers no such {kind}", slot.id))
                    .with_advice(advice(kind, unknown)),
            },
        };
        error.with_server(slot.id.clone())
    }

    /// Why a server's offer is without what it calls by this name, where it has it.
    fn left_out(&self, server: &ServerId) -> Option<String> {
        let (_, name) = self.wanted.name().split_once('.')?;
        let list = match self.wanted.kind() {
            CapabilityKind::Tool => ListKind::Tools,
            _ => ListKind::Prompts,
        };
        let catalogue = self.shared.catalogue.load();
        let mut notices = catalogue.notices(server).iter();
        let of_it = notices.find(|it| it.left_out() == Some(name) && it.list() == Some(list))?;
        Some(format!(
            "the server {server} offers it, and it cannot be used: {}",
            of_it.as_str()
        ))
    }

    /// Says that a tool is there, and is no longer what was approved.
    fn kept_back(&self, tool: &QualifiedName) -> CallError {
        let slot = self.shared.slot(tool.server());
        let why = slot.map(|slot| slot.offer().why_kept_back(tool.name()));
        let name = tool.to_string();
        let name = clip(&name, 200);
        let name = Printable(&name);
        let cause = why.unwrap_or_else(|| "its server is no longer there".to_owned());
        CallError::new(ErrorKind::Misconfigured, Delivery::NotSent, cause)
            .with_server(tool.server().clone())
            .with_advice(format!(
                "look at it with `manyhands pins diff {name}`, and approve it with `manyhands pins approve {name}`"
            ))
    }
}

/// Says that a tool is there, and is not to be called.
fn hidden(tool: &QualifiedName) -> CallError {
    let cause = "the tool is hidden in the configuration";
    let name = clip(tool.name(), 200);
    let place = format!("manyhands.tools.{}.hidden", Printable(&name));
    CallError::new(ErrorKind::NotFound, Delivery::NotSent, cause)
        .with_server(tool.server().clone())
        .with_advice(format!(
            "remove `{place}` in the entry of {} to offer it",
            tool.server()
        ))
}

fn advice(kind: &str, unknown: &Unknown) -> String {
    match unknown.nearest() {
        [] => format!("list the {kind}s to see what there is"),
        near => format!("did you mean {}?", Printable(&either(near))),
    }
}
