//! What is odd about HTTP.

use super::switch::{family, word};

family! {
    /// What is odd about HTTP, where the server is reached over it. Most take the moment when
    /// it is odd, as `http-html=handshake`; by default, when a tool is called.
    HttpFault as "Http" {
        /// Answers with this status.
        Status(u16 = 500_u16, HttpMoment = HttpMoment::Call): "http-status",
        /// Adds this `Retry-After` to the answers of `http-status`.
        RetryAfter(String = "120"): "http-retry-after",
        /// Has this body in the answers of `http-status`.
        Body(String = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"as the test wants it"}}"#): "http-body",
        /// Reads the request and never answers.
        Silent(HttpMoment = HttpMoment::Call): "http-silent",
        /// Accepts no connection; where the system has accepted it, nobody ever reads from it.
        NeverAccepts: "http-never-accepts",
        /// Answers with bytes that are not HTTP.
        NotHttp(HttpMoment = HttpMoment::Call): "http-not-http",
        /// Answers with JSON that says it is plain text.
        WrongType(HttpMoment = HttpMoment::Call): "http-wrong-type",
        /// Answers with a page for people and status 200.
        Html(HttpMoment = HttpMoment::Call): "http-html",
        /// Answers a request with 202 and nothing more.
        Accepted(HttpMoment = HttpMoment::Call): "http-accepted",
        /// Answers with status 200 and an empty body.
        Empty(HttpMoment = HttpMoment::Call): "http-empty",
        /// Closes the connection in the middle of the body.
        Truncated(HttpMoment = HttpMoment::Call): "http-truncated",
        /// Resets the connection in the middle of the body.
        Resets(HttpMoment = HttpMoment::Call): "http-resets",
        /// Reads the request, and resets the connection without having acted on it.
        ResetsRequest(HttpMoment = HttpMoment::Call): "http-resets-request",
        /// Answers in chunks of one byte, 20 a second.
        Drips(HttpMoment = HttpMoment::Call): "http-drips",
        /// Compresses the body, which nobody asked for.
        Gzip(HttpMoment = HttpMoment::Call): "http-gzip",
        /// Sends a header of 1 MiB.
        HugeHeader(HttpMoment = HttpMoment::Call): "http-huge-header",
        /// Redirects to another place.
        Redirect(RedirectTo = RedirectTo::OtherOrigin, HttpMoment = HttpMoment::Call): "http-redirect",
        /// Ends the event stream without an answer.
        StreamEnds(HttpMoment = HttpMoment::Call): "http-stream-ends",
        /// Ends the event stream without an answer, after an event to go on from; going on gives nothing.
        StreamStops(HttpMoment = HttpMoment::Call): "http-stream-stops",
        /// Opens an event stream, and sends nothing.
        StreamSilent(HttpMoment = HttpMoment::Call): "http-stream-silent",
        /// Opens an event stream, and sends comments only, 10 a second.
        StreamComments(HttpMoment = HttpMoment::Call): "http-stream-comments",
        /// Sends an event that is larger than a message may be.
        StreamGiant(HttpMoment = HttpMoment::Call): "http-stream-giant",
        /// Sends events of unknown kinds, empty ones and ones that are not JSON before the answer.
        StreamOdd(HttpMoment = HttpMoment::Call): "http-stream-odd",
        /// Forgets its sessions at the first tool call, which gets 404; later ones are kept.
        ForgetsSession: "http-forgets-session",
        /// Forgets its sessions at every tool call, which gets 404.
        ForgetsSessions: "http-forgets-sessions",
        /// Names sessions in an odd way.
        SessionId(OddSessionId = OddSessionId::Empty): "http-session-id",
        /// Ends the stream of a `GET` at once, each time.
        GetEnds: "http-get-ends",
        /// Never answers a `GET`.
        GetSilent: "http-get-silent",
        /// Never answers a `DELETE`.
        DeleteSilent: "http-delete-silent",
    }
}

word! {
    /// Which requests an [`HttpFault`] is about.
    HttpMoment {
        /// `initialize` and `server/discover`.
        Handshake: "handshake",
        /// What follows the handshake and is no request, such as `notifications/initialized`.
        Notification: "notification",
        /// The lists.
        List: "list",
        /// `tools/call`, `prompts/get` and `resources/read`.
        Call: "call",
        /// Every `POST`.
        Always: "always",
    }
}

word! {
    /// Where a redirect leads.
    RedirectTo {
        /// To another path of the same origin, where the answer is.
        SameOrigin: "same-origin",
        /// To another port, where everything is recorded and nothing answered but 404.
        OtherOrigin: "other-origin",
        /// To the same URL, for ever.
        Loop: "loop",
    }
}

word! {
    /// How a session is named.
    OddSessionId {
        /// By an empty text.
        Empty: "empty",
        /// With spaces and a comma.
        Spaces: "spaces",
        /// By a text of 16 KiB.
        Long: "long",
        /// By bytes that are not ASCII.
        NonAscii: "non-ascii",
        /// By another text with each answer; only the first is known.
        Changing: "changing",
    }
}

impl HttpMoment {
    /// When a request of this method comes; none for what nobody asks for by name.
    pub(crate) fn of(method: Option<&str>, is_request: bool) -> Self {
        match method {
            Some("initialize" | "server/discover") => Self::Handshake,
            Some(method) if method.ends_with("/list") => Self::List,
            Some("tools/call" | "prompts/get" | "resources/read") => Self::Call,
            _ if !is_request => Self::Notification,
            _ => Self::Always,
        }
    }

    /// Whether a fault at this moment shows at that one.
    pub(crate) fn shows(self, at: Self) -> bool {
        self == Self::Always || self == at
    }
}
