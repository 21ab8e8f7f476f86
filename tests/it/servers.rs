//! Servers and toolkits that several scenarios use.

use manyhands::{Builder, ServerId, Toolkit};
use manyhands_testkit::ScriptedServer;
use serde_json::{Value, json};

pub(crate) fn id(text: &str) -> ServerId {
    ServerId::parse(text).unwrap()
}

/// A tool's result that is one text.
pub(crate) fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

/// A server with a tool `whoami`, which answers with the server's name, and a tool `echo`.
pub(crate) fn polite(name: &str) -> ScriptedServer {
    let me = name.to_owned();
    ScriptedServer::new(name)
        .tool("whoami", move |_| text(&me))
        .tool("echo", |arguments| text(&arguments.to_string()))
}

/// A builder for these servers, each under its own name.
pub(crate) fn builder(servers: &[(&str, &ScriptedServer)]) -> Builder {
    let add = |builder: Builder, (name, server): &(&str, &ScriptedServer)| {
        builder.add(id(name), server.connector())
    };
    servers.iter().fold(Builder::default(), add)
}

/// The servers, connected.
pub(crate) async fn kit(servers: &[(&str, &ScriptedServer)]) -> Toolkit {
    builder(servers).connect().await.unwrap()
}

/// The word for one server's state.
pub(crate) fn state(kit: &Toolkit, server: &str) -> &'static str {
    kit.report().server(server).unwrap().status.word()
}
