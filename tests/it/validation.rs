//! What goes to a tool and what comes back, checked against its schemas.

use manyhands::{CallError, Delivery, ErrorKind, Reply, Toolkit, Validate};
use manyhands_testkit::ScriptedServer;
use serde_json::{Value, json};

use crate::servers::{builder, text};

/// A server with a tool `search`, whose result is what `page` says.
fn library() -> ScriptedServer {
    let definition = json!({
        "name": "search",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "maximum": 50},
                "page": {},
            },
            "required": ["query"],
            "additionalProperties": false,
        },
        "outputSchema": {
            "type": "object",
            "properties": {"found": {"type": "integer"}},
            "required": ["found"],
        },
    });
    ScriptedServer::new("library").tool_definition(definition, |arguments| {
        match arguments.get("page") {
            Some(page) => json!({"content": [], "structuredContent": page}),
            None => text("searched"),
        }
    })
}

async fn kit(server: &ScriptedServer, validate: Validate) -> Toolkit {
    let builder = builder(&[("library", server)]);
    builder
        .server("library", |it| it.validate(validate))
        .connect()
        .await
        .unwrap()
}

async fn search(kit: &Toolkit, arguments: Value) -> Result<Reply, CallError> {
    kit.call("library.search", arguments).await
}

#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_fit_are_not_sent() {
    let server = library();
    let kit = kit(&server, Validate::Warn).await;
    let error = search(&kit, json!({"limit": 99, "qeury": "x"}))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::InvalidArguments, Delivery::NotSent)
    );
    let told = error.to_string();
    for expected in [
        "call library.search: ",
        "arguments.limit",
        "99",
        "arguments.query",
        "qeury",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(server.calls(), []);
    search(
        &kit,
        json!({"query": "x", "limit": 50, "page": {"found": 1}}),
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_null_for_what_may_be_left_out_is_left_out() {
    let server = library();
    let kit = kit(&server, Validate::Warn).await;
    search(&kit, json!({"query": "x", "limit": null}))
        .await
        .unwrap();
    assert_eq!(server.calls()[0].1, json!({"query": "x"}));
    // What has to be there has to be there.
    let error = search(&kit, json!({"query": null})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArguments);
    // A null that fits is sent.
    search(&kit, json!({"query": "x", "page": null}))
        .await
        .unwrap();
    assert_eq!(server.calls()[1].1, json!({"query": "x", "page": null}));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_does_not_fit_is_handed_on_or_refused() {
    let server = library();
    let odd = json!({"query": "x", "page": {"found": "many"}});
    let lenient = kit(&server, Validate::Warn).await;
    let reply = search(&lenient, odd.clone()).await.unwrap();
    assert_eq!(reply.value(), json!({"found": "many"}));
    let strict = kit(&server, Validate::Strict).await;
    let error = search(&strict, odd).await.unwrap_err();
    // The tool has acted.
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::MalformedReply, Delivery::Unknown)
    );
    assert!(error.to_string().contains("found"), "{error}");
    search(&strict, json!({"query": "x", "page": {"found": 1}}))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_checked_where_that_is_off() {
    let server = library();
    let kit = kit(&server, Validate::Off).await;
    search(&kit, json!({"limit": "ten", "page": 5}))
        .await
        .unwrap();
    assert_eq!(server.calls()[0].1, json!({"limit": "ten", "page": 5}));
}
