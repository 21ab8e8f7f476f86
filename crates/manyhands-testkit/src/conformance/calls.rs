//! Checks of what is carried: lists, calls, large and strange ones, many at once.

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::wired::{SOON, TOOL, Wired, call, echoed, same, soon, tools};
use crate::fault::Fault;
use crate::server::ScriptedServer;

/// How many calls are in flight at once.
const IN_FLIGHT: usize = 64;
const MEGABYTE: usize = 1024 * 1024;

/// A server whose tool gives its arguments back.
pub(super) fn echo() -> ScriptedServer {
    ScriptedServer::new("conformance").tool(TOOL, |arguments| {
        let text = arguments.to_string();
        json!({"content": [{"type": "text", "text": text}], "structuredContent": arguments})
    })
}

pub(super) fn reversing() -> ScriptedServer {
    echo().fault(Fault::AnswersInReverse(IN_FLIGHT))
}

pub(super) fn chattering() -> ScriptedServer {
    echo().fault(Fault::ChatterOnStdout)
}

pub(super) fn failing() -> ScriptedServer {
    ScriptedServer::new("conformance").tool(
        TOOL,
        |_| json!({"content": [{"type": "text", "text": "no such channel"}], "isError": true}),
    )
}

pub(super) async fn handshake_and_list(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let name = &connection.info().name;
    if name != "conformance" {
        return Err(format!("the server's name came through as {name:?}"));
    }
    same("the list", &json!([TOOL]), &tools(&connection).await?)
}

/// Texts that break transports which cut at the wrong character, or count characters as bytes.
const TEXTS: [&str; 14] = [
    "",
    "plain",
    "\"quoted\" 'quoted' \\ \\n \\\" \\u0041",
    "line\nbreak\r\nand\rreturn\n\n",
    "\u{0}\u{1}\u{8}\t\u{b}\u{c}\u{1b}[31m\u{7f}",
    "\u{85}\u{2028}\u{2029}",
    "ÄÖÜ ß é e\u{301} Ελληνικά Русский",
    "日本語 中文 한국어",
    "عربى עברית \u{202e}txet\u{202c}",
    "👩\u{200d}👩\u{200d}👧 🏳\u{fe0f}\u{200d}🌈 💥",
    "\u{feff}marked\u{fffe}\u{ffff}\u{10ffff}",
    "Content-Length: 5\r\n\r\n{\"a\":",
    "data: {\"jsonrpc\":\"2.0\"}\n\n",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n",
];

pub(super) async fn unicode(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    for text in TEXTS {
        echoed(&connection, &json!({"text": text, text: ["key", text]})).await?;
    }
    echoed(&connection, &json!({"texts": TEXTS})).await?;
    let sent = json!({"texts": TEXTS});
    let seen = wired.server.calls().pop().map(|(_, arguments)| arguments);
    same("what the server saw", &sent, &seen.unwrap_or_default())
}

pub(super) async fn megabyte(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    // Two bytes each, so that some character lies across every border of a buffer.
    let text = format!("x{}", "é".repeat(MEGABYTE / 2));
    echoed(&connection, &json!({"text": text})).await?;
    echoed(&connection, &json!({"text": "and a short one after it"})).await
}

pub(super) async fn in_flight(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let arguments: Vec<Value> = (0..IN_FLIGHT).map(|n| json!({"n": n})).collect();
    let calls = arguments.iter().map(|it| echoed(&connection, it));
    try_join_all(calls).await.map(drop)
}

pub(super) async fn tool_error(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let reply = call(&connection, &json!({})).await?;
    match reply.is_error() && reply.text() == "no such channel" {
        true => Ok(()),
        false => Err(format!("the reply came through as {:?}", reply.text())),
    }
}

pub(super) async fn chatter(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    same("the list", &json!([TOOL]), &tools(&connection).await?)?;
    echoed(&connection, &json!({"after": "noise"})).await
}

pub(super) async fn twice(wired: Wired) -> Result<(), String> {
    let (one, two) = (wired.connect().await?, wired.connect().await?);
    let open = wired.server.open_connections();
    if open != 2 {
        return Err(format!(
            "after connecting twice, the server has {open} connections"
        ));
    }
    // Both sides number their requests alike, so a mixed-up answer would fit.
    for n in 0..8 {
        let (of_one, of_two) = (json!({"one": n}), json!({"two": n}));
        tokio::try_join!(echoed(&one, &of_one), echoed(&two, &of_two))?;
    }
    soon("closing one of two connections", SOON, one.close()).await?;
    let one_left = wired.server.until(|it| it.open_connections() == 1);
    soon("the server's end of one connection", SOON, one_left).await?;
    echoed(&two, &json!({"two": "still here"})).await
}
