//! Servers and toolkits that several scenarios use.

use manyhands::{AuthError, Authorizer, Builder, Challenge, Secret, ServerId, Toolkit};
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

/// Somebody is logged in with this until they log out.
pub(crate) struct LoggedIn(pub(crate) &'static str);

impl Authorizer for LoggedIn {
    async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
        Ok(Some(Secret::new(self.0)))
    }

    async fn refused(&self, _: Challenge) -> Result<(), AuthError> {
        Ok(())
    }

    async fn login(&self, _: manyhands::LoginPrompt) -> Result<(), AuthError> {
        Ok(())
    }

    async fn logout(&self) -> Result<bool, AuthError> {
        Ok(true)
    }
}
