//! The ways in which a call can end, and how each is brought about.

/// One way.
#[derive(Debug)]
pub(super) struct Row {
    /// What happens, for people.
    pub(super) what: &'static str,
    pub(super) how: How,
}

/// What makes a call end so.
#[derive(Debug)]
pub(super) enum How {
    /// A server at a pipe has these faults.
    Pipe(&'static [&'static str]),
    /// A server at a pipe has these faults, and is asked for a resource that it does not have.
    Read(&'static [&'static str]),
    /// A server at a URL has these faults.
    Http(&'static [&'static str]),
    /// A server at a URL answers with this status and this body.
    Body(u16, &'static str),
    /// The toolkit's one server, at a URL, wants a login at the handshake.
    Login,
    /// The server at a URL is gone.
    Gone,
    /// The tool has this result.
    Says(&'static str),
    /// The toolkit is asked for this tool with these arguments; its one server has these faults.
    Toolkit(&'static str, &'static str, &'static [&'static str]),
    /// One of our own layers turns it away.
    Layer(Layer),
}

/// A layer of ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer {
    Breaker,
    Queue,
    RateLimit,
    Deadline,
}

const fn pipe(what: &'static str, faults: &'static [&'static str]) -> Row {
    let how = How::Pipe(faults);
    Row { what, how }
}

const fn http(what: &'static str, faults: &'static [&'static str]) -> Row {
    let how = How::Http(faults);
    Row { what, how }
}

const fn body(what: &'static str, status: u16, body: &'static str) -> Row {
    let how = How::Body(status, body);
    Row { what, how }
}

const fn says(what: &'static str, result: &'static str) -> Row {
    let how = How::Says(result);
    Row { what, how }
}

const fn layer(what: &'static str, layer: Layer) -> Row {
    let how = How::Layer(layer);
    Row { what, how }
}

const fn toolkit(what: &'static str, tool: &'static str, faults: &'static [&'static str]) -> Row {
    let how = How::Toolkit(tool, "{}", faults);
    Row { what, how }
}

/// All of them, in the order of the page.
pub(super) const SECTIONS: &[(&str, &[Row])] = &[
    ("Before it is sent", BEFORE),
    ("HTTP statuses", STATUSES),
    ("JSON-RPC errors", ERRORS),
    ("Connections and clocks", CONNECTIONS),
    ("Answers that nobody can use", ANSWERS),
    ("A tool's own failure", TOOLS),
];

const BEFORE: &[Row] = &[
    toolkit("no server offers this name", "s.whoam", &[]),
    Row {
        what: "the arguments do not fit the tool's schema",
        how: How::Toolkit("s.strict", r#"{"n": "x"}"#, &[]),
    },
    toolkit(
        "the server ends as it starts",
        "s.whoami",
        &["closes-at-handshake"],
    ),
    toolkit(
        "the server refuses the handshake",
        "s.whoami",
        &["refuses-handshake"],
    ),
    toolkit(
        "the server is still starting when the caller's time is over",
        "s.whoami",
        &["never-answers-handshake"],
    ),
    Row {
        what: "the server wants a login before anything else",
        how: How::Login,
    },
    layer("the breaker is open", Layer::Breaker),
    layer("the queue for the server is full", Layer::Queue),
    layer("our own rate limit is reached", Layer::RateLimit),
    layer("the time is over in our own queue", Layer::Deadline),
];

const STATUSES: &[Row] = &[
    http("307, to another origin", &["http-redirect=other-origin"]),
    http("400", &["http-status=400"]),
    body(
        "400, a JSON-RPC error -32602",
        400,
        r#"{"error": {"code": -32602, "message": "m"}}"#,
    ),
    http("401", &["http-status=401"]),
    http("403", &["http-status=403"]),
    http("404, also with a new session", &["http-forgets-sessions"]),
    http("405", &["http-status=405"]),
    http("407", &["http-status=407"]),
    http("408", &["http-status=408"]),
    http("409", &["http-status=409"]),
    http("413", &["http-status=413"]),
    http("421", &["http-status=421"]),
    http("425", &["http-status=425"]),
    http("429", &["http-status=429"]),
    http(
        "429, `Retry-After: 7`",
        &["http-status=429", "http-retry-after=7"],
    ),
    http(
        "429, `Retry-After` a date in 2099",
        &[
            "http-status=429",
            "http-retry-after=Wed, 21 Oct 2099 07:28:00 GMT",
        ],
    ),
    body(
        "429, a JSON-RPC error with `data.retryAfter: 7`",
        429,
        r#"{"error": {"code": -32000, "message": "m", "data": {"retryAfter": 7}}}"#,
    ),
    http("500", &["http-status=500"]),
    body(
        "500, a JSON-RPC error -32602",
        500,
        r#"{"error": {"code": -32602, "message": "m"}}"#,
    ),
    http(
        "500, `Retry-After: 7`, a JSON-RPC error with `data.type: \"transient\"`",
        &[
            "http-status=500",
            "http-retry-after=7",
            r#"http-body={"error": {"code": -32000, "message": "m", "data": {"type": "transient"}}}"#,
        ],
    ),
    http("501", &["http-status=501"]),
    http("502", &["http-status=502"]),
    http("503", &["http-status=503"]),
    http(
        "503, `Retry-After: 7`",
        &["http-status=503", "http-retry-after=7"],
    ),
    http("504", &["http-status=504"]),
    http("524, or another of a gateway's own", &["http-status=524"]),
];

const ERRORS: &[Row] = &[
    pipe("-32700 parse error", &["fails-call=-32700"]),
    pipe("-32600 invalid request", &["fails-call=-32600"]),
    pipe("-32601 method not found", &["fails-call=-32601"]),
    pipe("-32602 invalid params", &["fails-call=-32602"]),
    pipe("-32603 internal error", &["fails-call=-32603"]),
    pipe(
        "-32000 and any other of a server's own",
        &["fails-call=-32000"],
    ),
    body(
        "-32000 \"Connection closed\", as SDKs say it",
        500,
        r#"{"error": {"code": -32000, "message": "Connection closed"}}"#,
    ),
    body(
        "-32001 \"Request timed out\", as SDKs say it",
        500,
        r#"{"error": {"code": -32001, "message": "Request timed out"}}"#,
    ),
    pipe("-32002 to a call", &["fails-call=-32002"]),
    Row {
        what: "-32002 resource not found, to a read",
        how: How::Read(&[]),
    },
    pipe("-32020 header mismatch", &["fails-call=-32020"]),
    pipe(
        "-32021 a capability of the client is missing",
        &[r#"error-data=-32021:{"requiredCapabilities":{"sampling":{}}}"#],
    ),
    pipe(
        "-32022 unsupported protocol version",
        &["fails-call=-32022"],
    ),
    pipe(
        "-32042 a person has to visit a page first",
        &[r#"error-data=-32042:{"elicitations":[{"mode":"url","url":"https://login.example/"}]}"#],
    ),
    pipe("401, 403 as codes", &["fails-call=401"]),
    pipe("429 as a code", &["fails-call=429"]),
    pipe("503 as a code", &["fails-call=503"]),
    pipe("404 and other 4xx as codes", &["fails-call=404"]),
    pipe("any other code, or none", &["fails-call=7"]),
    pipe(
        "any, `data.type: \"transient\"`, `data.retryAfter: 7`",
        &["error-data"],
    ),
    pipe(
        "any, `data.type: \"critical\"`",
        &[r#"error-data=-32000:{"type":"critical"}"#],
    ),
    pipe(
        "any, `data.type: \"authorization\"`",
        &[r#"error-data=-32000:{"type":"authorization"}"#],
    ),
    pipe(
        "any, `data.type: \"permanent\"`",
        &[r#"error-data=-32000:{"type":"permanent"}"#],
    ),
    pipe(
        "-32602, `data.type: \"transient\"`",
        &[r#"error-data=-32602:{"type":"transient"}"#],
    ),
];

const CONNECTIONS: &[Row] = &[
    Row {
        what: "nobody answers at the URL",
        how: How::Gone,
    },
    pipe("the server ends during the call", &["closes-on-call"]),
    pipe("the server closes its output", &["closes-output"]),
    http("HTTP breaks off", &["http-truncated"]),
    http("what answers is no HTTP", &["http-not-http"]),
    http(
        "an event stream ends without the answer",
        &["http-stream-ends"],
    ),
    http("202 and no answer", &["http-accepted"]),
    pipe("no answer in time", &["hangs-on-call"]),
    pipe("signs of progress until the time is over", &["never-done"]),
    pipe(
        "only lines that are no MCP until the time is over",
        &["garbage-reply"],
    ),
    pipe(
        "an answer to another request, and none to this",
        &["wrong-id"],
    ),
    pipe("the server cancels the call", &["cancels-call"]),
];

const ANSWERS: &[Row] = &[
    pipe(
        "neither a result nor an error",
        &["neither-result-nor-error"],
    ),
    pipe("a result that is no object", &["null-result"]),
    pipe("nested too deep", &["deep-reply"]),
    pipe("over 16 MiB", &["oversized-reply"]),
    pipe("a result of a type that is not known", &["odd-result-type"]),
    http("a page for a browser", &["http-html"]),
    pipe(
        "the same question again and again, whatever is answered",
        &["needs-input-forever", "modern-only"],
    ),
    pipe(
        "a task that is never heard of again",
        &["task-result", "modern-only"],
    ),
];

const TOOLS: &[Row] = &[
    says(
        "`type: \"transient\"`, `retryAfter: 7`",
        r#"{"isError": true, "content": [], "structuredContent": {"code": "busy", "message": "m", "type": "transient", "retryAfter": 7}}"#,
    ),
    says(
        "`type: \"critical\"`",
        r#"{"isError": true, "content": [], "structuredContent": {"code": "disk_full", "message": "m", "type": "critical"}}"#,
    ),
    says(
        "`type: \"authorization\"`",
        r#"{"isError": true, "content": [], "structuredContent": {"code": "no_scope", "message": "m", "type": "authorization"}}"#,
    ),
    says(
        "`type: \"permanent\"`",
        r#"{"isError": true, "content": [], "structuredContent": {"code": "no_channel", "message": "m", "type": "permanent"}}"#,
    ),
    says(
        "the same as JSON in the text",
        r#"{"isError": true, "content": [{"type": "text", "text": "Error executing tool t: {\"code\": \"no_channel\", \"message\": \"m\", \"type\": \"permanent\"}"}]}"#,
    ),
    says(
        "the same inside `error`",
        r#"{"isError": true, "content": [], "structuredContent": {"error": {"code": "no_channel", "message": "m", "type": "permanent"}}}"#,
    ),
    says(
        "no `type`, or only words",
        r#"{"isError": true, "content": [{"type": "text", "text": "no such channel"}]}"#,
    ),
];
