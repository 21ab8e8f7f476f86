//! What we answer when a server asks something of us: nothing is offered yet, so everything is declined.

use manyhands_core::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::ClientHandler;

/// Introduces us to a server. Its defaults decline elicitation and refuse sampling at once.
#[derive(Debug, Clone)]
pub(crate) struct Handler;

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("manyhands", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
