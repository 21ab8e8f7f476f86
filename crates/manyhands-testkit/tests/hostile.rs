//! Each fault does what its name says: what a server writes is read as bytes, without a client.

use std::time::Duration;

use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::{sleep, timeout};

/// What stands in a transcript where the server has closed its output.
const END: &str = "<end>";
/// How long a server is waited for.
const WAIT: Duration = Duration::from_secs(2);

fn server(switches: &str) -> ScriptedServer {
    let server = ScriptedServer::new("s")
        .tool(
            "t",
            |_| json!({"content": [{"type": "text", "text": "done"}]}),
        )
        .resource(json!({"uri": "file:///a", "name": "a"}), json!({}));
    switches.split(' ').fold(server, |server, switch| {
        server.fault(switch.parse::<Fault>().expect("it is a switch"))
    })
}

async fn send(io: &mut DuplexStream, id: Option<u32>, method: &str, params: Value) {
    let meta =
        json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": "tok"});
    let mut params = params.as_object().cloned().unwrap_or_default();
    params.insert("_meta".to_owned(), meta);
    let message = match id {
        Some(id) => json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
        None => json!({"jsonrpc": "2.0", "method": method, "params": params}),
    };
    // A server that has closed its input has said what it has to say.
    let _ = io.write_all(format!("{message}\n").as_bytes()).await;
}

/// Reads what the server writes until it is silent for a while, at most 4 MiB.
async fn read(io: &mut DuplexStream, transcript: &mut String) {
    let mut bytes = vec![0; 1 << 20];
    while transcript.len() < 4 << 20 {
        match timeout(WAIT, io.read(&mut bytes)).await {
            Err(_) => return,
            Ok(Ok(0) | Err(_)) => {
                transcript.push_str(END);
                return;
            }
            Ok(Ok(count)) => transcript.push_str(&String::from_utf8_lossy(
                bytes.get(..count).unwrap_or_default(),
            )),
        }
    }
}

/// A whole session: the handshake as 1, lists as 2 and 3, a call as 7, which is cancelled, a ping as 9, and where that is
/// what it is about, a request for news as 11.
async fn transcript(switches: &str) -> String {
    let server = server(switches);
    let (mut io, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move { server.serve(theirs).await });
    let mut transcript = String::new();
    let shakes = if switches.contains("discover") || switches.contains("modern") {
        "server/discover"
    } else {
        "initialize"
    };
    let listens = switches.contains("listen");
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let listens = listens.then_some((Some(11), "subscriptions/listen", wanted));
    let requests = [
        (Some(1), shakes, json!({"protocolVersion": "2025-11-25"})),
        (Some(2), "tools/list", json!({})),
        (Some(3), "resources/templates/list", json!({})),
        (Some(7), "tools/call", json!({"name": "t"})),
        (None, "notifications/cancelled", json!({"requestId": 7})),
        (Some(9), "ping", json!({})),
    ];
    for (id, method, params) in requests.into_iter().chain(listens) {
        send(&mut io, id, method, params).await;
        read(&mut io, &mut transcript).await;
    }
    transcript
}

/// The end of the text, in which a test says what it saw.
fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(900);
    text.chars().skip(skipped).collect()
}

/// Each switch, what then stands in the transcript, and what does not.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("never-answers-handshake", &[r#""id":2"#], &[r#""id":1"#]),
    ("closes-at-handshake", &[END], &[r#""id":"#]),
    (
        "refuses-handshake=-5:no",
        &[r#""id":1,"error":{"code":-5,"message":"no"}"#],
        &[],
    ),
    ("closes-on-call", &[END, r#""id":3"#], &[r#""id":7"#]),
    ("hangs-on-call", &[r#""id":9"#], &[r#""id":7"#]),
    ("hangs-on-list", &[r#""id":3"#], &[r#""id":2"#]),
    (
        "fails-list=tools:-5",
        &[r#""id":2,"error":{"code":-5"#],
        &[],
    ),
    ("fails-call=-5", &[r#""id":7,"error":{"code":-5"#], &[]),
    (
        "chatter-on-stdout",
        &["Server ready on stdio\n", "done"],
        &[],
    ),
    ("wrong-id", &["nobody asked", "done"], &[r#""id":7"#]),
    ("endless-pages", &[r#""nextCursor":"page-1""#], &[]),
    ("repeats-cursor", &[r#""nextCursor":"again""#], &[]),
    (
        "oversized-reply=70000",
        &["xxxxxxxxxxxxxxxxxxxxx"],
        &["done"],
    ),
    (
        "garbage-reply",
        &["\"id\":7,\"result\":{\"content\":[\n"],
        &["done"],
    ),
    ("deep-reply=9", &["[[[[[[[[[]]]]]]]]]"], &["done"]),
    ("answers-in-reverse", &[r#""id":9"#], &[r#""id":7"#]),
    (
        "modern-only",
        &[
            r#""supportedVersions":["2026-07-28"]"#,
            r#""resultType":"complete""#,
        ],
        &[],
    ),
    (
        "asks-back",
        &[r#""method":"elicitation/create""#],
        &["done"],
    ),
    ("closes-on-discover", &[END], &[r#""id":"#]),
    ("hangs-on-discover", &[r#""id":2"#], &[r#""id":1"#]),
    ("boots-slowly=3000", &[r#""id":1"#, "done"], &[]),
    ("speaks-version=1", &[r#""protocolVersion":"1""#], &[]),
    (
        "speaks-version=1 modern-only",
        &[r#""supportedVersions":["1"]"#],
        &[],
    ),
    ("no-server-info", &[r#""id":1"#], &["serverInfo"]),
    (
        "no-server-info modern-only",
        &[r#""id":1"#],
        &["serverInfo"],
    ),
    (
        "empty-server-version",
        &[r#""serverInfo":{"name":"s","version":""}"#],
        &[],
    ),
    ("no-capabilities", &["serverInfo"], &["capabilities"]),
    (
        "odd-capabilities",
        &[r#""capabilities":{"tools":true"#],
        &[],
    ),
    (
        "announces-nothing",
        &[r#""capabilities":{"tools":{},"resources":{}}"#],
        &["listChanged"],
    ),
    (
        "refuses-listen modern-only",
        &["listChanged", r#""id":11,"error":{"code":-32601"#],
        &[],
    ),
    ("null-handshake", &[r#""id":1,"result":null"#], &[]),
    (
        "notifies-first",
        &[r#""data":"starting""#, "list_changed"],
        &[],
    ),
    ("asks-first", &[r#""method":"roots/list""#], &[]),
    ("no-schema", &[r#""name":"odd"}"#], &[]),
    ("null-schema", &[r#""name":"odd","inputSchema":null"#], &[]),
    ("untyped-schema", &[r#""inputSchema":{"properties""#], &[]),
    ("text-schema", &[r#""inputSchema":"{\"type"#], &[]),
    ("foreign-refs", &["file:///etc/passwd"], &[]),
    ("odd-annotations", &[r#""readOnlyHint":"yes""#], &[]),
    ("header-argument", &[r#""x-mcp-header":"Region""#], &[]),
    (
        "odd-header-argument",
        &[r#""x-mcp-header":"""#, r#""x-mcp-header":"A\r\nB: c""#],
        &[],
    ),
    (
        "duplicate-names",
        &[r#"[{"name":"t","inputSchema":{"type":"object"}},{"name":"t""#],
        &[],
    ),
    ("illegal-names", &[r#""name":"""#, r#""name":"a\nb""#], &[]),
    (
        "long-name=40",
        &["nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\""],
        &[],
    ),
    ("many-tools=12", &[r#""name":"t11""#], &[r#""name":"t12""#]),
    ("null-list", &[r#""tools":null"#], &[]),
    ("list-is-no-list", &[r#""tools":{"0""#], &[]),
    ("deep-list=9", &[r#""deep":[[[[[[[[[]"#], &[]),
    ("oversized-list=70000", &["xxxxxxxxxxxxxxxxxxxxx"], &[]),
    ("no-templates", &[r#""id":3,"error":{"code":-32601"#], &[]),
    ("odd-cursor=[5]", &[r#""nextCursor":[5]"#], &[]),
    ("odd-ttl=soon", &[r#""ttlMs":"soon""#], &[]),
    (
        "odd-cache-scope modern-only",
        &[r#""cacheScope":"everyone""#],
        &[],
    ),
    ("odd-list-type", &[r#""resultType":"novel""#], &[]),
    (
        "churns",
        &[r#""name":"new_0""#, "notifications/tools/list_changed"],
        &[],
    ),
    ("null-result", &[r#""id":7,"result":null"#], &["done"]),
    ("result-and-error", &[r#"done"}]},"error":{"#], &[]),
    ("neither-result-nor-error", &[r#""id":7,"note""#], &["done"]),
    (
        "error-without-id",
        &["\"error\":{\"code\":-32603,\"message\":\"nobody knows whose\"}}\n"],
        &["done"],
    ),
    ("error-is-text", &[r#""id":7,"error":"it went wrong""#], &[]),
    ("deep-error=9", &[r#""data":[[[[[[[[[]"#], &[]),
    (
        "error-data=-5:{\"a\":1}",
        &[r#""error":{"code":-5,"message":"it failed, as the test wants it","data":{"a":1}}"#],
        &["done"],
    ),
    (
        "cancels-call",
        &[r#""method":"notifications/cancelled""#, r#""requestId":7"#],
        &["done"],
    ),
    ("answers-twice", &["done\"}]}}\n", "another\"}]}}\n"], &[]),
    (
        "answers-early",
        &[
            r#""id":8,"result":{"content":[{"type":"text","text":"forged""#,
            r#""id":71"#,
            "done",
        ],
        &[r#""id":72"#],
    ),
    (
        "never-done",
        &[r#""progressToken":"tok","progress":1"#],
        &["done"],
    ),
    (
        "bare-results modern-only",
        &["done"],
        &["resultType", "ttlMs"],
    ),
    ("answers-late", &[r#""text":"late""#], &["done"]),
    ("odd-id", &[r#""id":7.0,"result""#], &[r#""id":7,"#]),
    ("odd-id=text", &[r#""id":"7","result""#], &[r#""id":7,"#]),
    ("odd-id=null", &[r#""id":null,"result""#], &[r#""id":7,"#]),
    ("odd-id=negative", &[r#""id":-7,"result""#], &[r#""id":7,"#]),
    (
        "odd-id=huge",
        &["\"id\":10000000000000000000000000000000000000000"],
        &[r#""id":7,"#],
    ),
    ("odd-content", &["done", r#""type":"hologram""#], &[]),
    ("content-is-text", &[r#""content":"done""#], &[]),
    ("no-content", &[r#""id":7,"result":{}"#], &[]),
    ("odd-is-error", &[r#""isError":"no""#], &[]),
    ("odd-audience", &[r#""audience":["system"]"#], &[]),
    ("odd-priority", &[r#""priority":"high""#], &[]),
    ("odd-result-type", &[r#""resultType":"novel""#], &[]),
    ("task-result", &[r#""resultType":"task""#], &["done"]),
    (
        "text-in-name",
        &["\"serverInfo\":{\"name\":\"a\\u001b[2J"],
        &[],
    ),
    (
        "text-in-instructions=bidi",
        &["\"instructions\":\"a\u{202e}cba"],
        &[],
    ),
    (
        "text-in-tool-name=controls",
        &["\"name\":\"a\\u0000\\b"],
        &[],
    ),
    ("text-in-title", &["\"title\":\"a\\u001b"], &[]),
    ("text-in-description", &["\"description\":\"a\\u001b"], &[]),
    ("text-in-description=huge", &["xxxxxxxxxxxxxxxxxxxxx"], &[]),
    ("text-in-cursor", &["\"nextCursor\":\"a\\u001b"], &[]),
    (
        "text-in-list-error",
        &["\"id\":2,\"error\":{\"code\":-32603,\"message\":\"a\\u001b"],
        &[],
    ),
    (
        "text-in-refusal",
        &["\"id\":1,\"error\":{\"code\":-32603,\"message\":\"a\\u001b"],
        &[],
    ),
    (
        "text-in-error",
        &["\"id\":7,\"error\":{\"code\":-32603,\"message\":\"a\\u001b"],
        &[],
    ),
    ("text-in-reply", &["\"text\":\"a\\u001b"], &["done"]),
    (
        "text-in-progress",
        &["\"progressToken\":\"tok\",\"progress\":1,\"message\":\"a\\u001b"],
        &[],
    ),
    ("text-in-log", &["\"data\":\"a\\u001b"], &[]),
    ("text-in-stdout", &["a\u{1b}[2J"], &[]),
    (
        "floods-progress=3",
        &[r#""progressToken":"tok","progress":3"#, "done"],
        &[r#""progress":4"#],
    ),
    ("floods-logs=3", &[r#""data":"again""#], &[]),
    (
        "floods-list-changed=3",
        &["notifications/tools/list_changed"],
        &[],
    ),
    ("floods-unknown=3", &["notifications/nobody/knows"], &[]),
    (
        "floods-cancellations=3",
        &[r#""requestId":1000002"#],
        &[r#""requestId":1000003"#],
    ),
    (
        "floods-pings=3",
        &[r#""id":"flood-2","method":"ping""#],
        &["flood-3"],
    ),
    (
        "floods-sampling=3",
        &[r#""id":"flood-2","method":"sampling/createMessage""#],
        &["flood-3"],
    ),
    (
        "floods-elicitation=3",
        &[r#""id":"flood-2","method":"elicitation/create""#],
        &["flood-3"],
    ),
    (
        "floods-roots=3",
        &[r#""id":"flood-2","method":"roots/list""#],
        &["flood-3"],
    ),
    (
        "floods-unknown-requests=3",
        &[r#""id":"flood-2","method":"nobody/knows""#],
        &["flood-3"],
    ),
    (
        "floods-strays=3",
        &["still working\nstill working\nstill working\n{"],
        &[],
    ),
    ("floods-early=3", &[r#""data":"early""#], &[]),
    ("floods-deep=9", &[r#""deep":[[[[[[[[[]"#], &[]),
    (
        "floods-oversized=70000",
        &["xxxxxxxxxxxxxxxxxxxxx", "done"],
        &[],
    ),
    (
        "asks-to-sample",
        &[r#""method":"sampling/createMessage""#],
        &["done"],
    ),
    ("asks-for-roots", &[r#""method":"roots/list""#], &["done"]),
    ("pings", &[r#""method":"ping""#], &["done"]),
    (
        "asks-for-the-unknown",
        &[r#""method":"nobody/knows""#],
        &["done"],
    ),
    (
        "needs-input",
        &[
            r#""resultType":"input_required""#,
            r#""inputRequests":{"which""#,
        ],
        &["done"],
    ),
    (
        "needs-input-forever",
        &[r#""requestState":"1","inputRequests""#],
        &["done"],
    ),
    (
        "needs-state-forever",
        &[r#""requestState":"1"}"#],
        &["done"],
    ),
    ("carriage-returns", &["}\r\n{", "done"], &["}\n"]),
    ("byte-order-mark", &["\u{feff}{", "done"], &["\n\u{feff}"]),
    ("invalid-utf8", &["\u{fffd}"], &[]),
    ("batches", &["[{\"jsonrpc\"", "}]\n"], &[]),
    ("pretty-prints", &["{\n  \"jsonrpc\""], &[]),
    ("drips=1", &["done"], &[]),
    (
        "endless-line=100000",
        &[r#""id":7"#, "xxxxxxxxxxxx"],
        &["done"],
    ),
    ("half-answer", &[r#""id":7"#, END], &["done"]),
    ("closes-output", &[END], &[r#""id":7"#]),
    ("stops-reading", &[r#""id":2"#], &[r#""id":3"#, END]),
];

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_its_name_says() {
    let mut wrong = Vec::new();
    for (switches, there, not_there) in TABLE {
        let transcript = transcript(switches).await;
        for text in there.iter().filter(|text| !transcript.contains(**text)) {
            wrong.push(format!("{switches} lacks {text:?}: {}", tail(&transcript)));
        }
        for text in not_there.iter().filter(|text| transcript.contains(**text)) {
            wrong.push(format!("{switches} has {text:?}: {}", tail(&transcript)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_switch_is_in_the_table() {
    let elsewhere = ["Process", "Http"];
    let tried = |name: &str| {
        let mut switches = TABLE.iter().flat_map(|row| row.0.split(' '));
        switches.any(|switch| switch.split('=').next() == Some(name))
    };
    let missing: Vec<&str> = Fault::switches()
        .filter(|switch| !elsewhere.contains(&switch.family) && !tried(switch.name))
        .map(|switch| switch.name)
        .collect();
    // Only a program has an error output.
    assert_eq!(missing, ["text-in-stderr"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_it_happens_without_a_fault() {
    let well = transcript("fails-list=prompts").await;
    assert_eq!(well.lines().count(), 5, "{well}");
    // Two are late and nothing else, which has tests of its own; one leaves out what only others have.
    let late = ["boots-slowly=3000", "drips=1", "bare-results modern-only"];
    for (switches, there, not_there) in TABLE.iter().filter(|row| !late.contains(&row.0)) {
        let differs = there.iter().any(|text| !well.contains(text))
            || not_there.iter().any(|text| well.contains(text));
        assert!(differs, "{switches} could not fail: {well}");
    }
}

#[tokio::test(start_paused = true)]
async fn booting_takes_its_time() {
    let (mut io, theirs) = tokio::io::duplex(1 << 20);
    let server = server("boots-slowly=3000");
    tokio::spawn(async move { server.serve(theirs).await });
    send(&mut io, Some(1), "initialize", json!({})).await;
    let start = tokio::time::Instant::now();
    let mut bytes = vec![0; 4096];
    assert!(io.read(&mut bytes).await.expect("it is open") > 0);
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn dripping_takes_its_time() {
    let (mut io, theirs) = tokio::io::duplex(1 << 20);
    let server = server("drips=50");
    tokio::spawn(async move { server.serve(theirs).await });
    send(&mut io, Some(7), "tools/call", json!({"name": "t"})).await;
    sleep(Duration::from_millis(520)).await;
    let mut bytes = vec![0; 4096];
    let read = io.read(&mut bytes).await.expect("it is open");
    assert_eq!(&bytes[..read], br#"{"jsonrpc":"#);
}

#[tokio::test(start_paused = true)]
async fn news_reach_open_connections_and_listeners() {
    let legacy = server("fails-list=prompts");
    let modern = server("modern-only");
    for (server, id) in [
        (&legacy, "\"params\":{}"),
        (&modern, "\"io.modelcontextprotocol/subscriptionId\":4"),
    ] {
        let (mut io, theirs) = tokio::io::duplex(1 << 20);
        let serving = server.clone();
        tokio::spawn(async move { serving.serve(theirs).await });
        let wanted = json!({"notifications": {"toolsListChanged": true}});
        send(&mut io, Some(4), "subscriptions/listen", wanted).await;
        let mut transcript = String::new();
        read(&mut io, &mut transcript).await;
        server.notify("notifications/tools/list_changed", &json!({}));
        read(&mut io, &mut transcript).await;
        assert!(
            transcript.contains("list_changed") && transcript.contains(id),
            "{transcript}"
        );
        server.notify("notifications/prompts/list_changed", &json!({}));
        let before = transcript.len();
        read(&mut io, &mut transcript).await;
        // Those who listen hear what they asked for and nothing else.
        assert_eq!(
            transcript.len() > before,
            id.contains("params"),
            "{transcript}"
        );
        assert_eq!(server.asked("subscriptions/listen"), 1);
    }
}
