//! What a JSON-RPC error says: by its code, and by what the server adds in its `data`. It must not know what carried it.

use manyhands_core::{CallError, Delivery, ErrorKind, ErrorType, Printable, ToolFailure, clip};
use serde_json::Value;

use super::{CHECK_EFFECT, LOOK_AT_LOG, waiting};
use crate::session::message::RpcError;

/// How much of a text from an error's data is shown.
const MAX_SHOWN: usize = 300;

/// What a code means where the server adds nothing.
struct Meaning {
    kind: ErrorKind,
    error_type: ErrorType,
    delivery: Delivery,
    advice: String,
}

/// The server answered with a JSON-RPC error.
pub(super) fn refused(error: &RpcError) -> CallError {
    let own = ToolFailure::told_in(&error.data).unwrap_or_default();
    let retry_after = own.retry_after.or(error.retry_after);
    let meaning = Meaning::of(error).told(own.error_type);
    let named = own.code.filter(|code| *code != error.code.to_string());
    let named = named.map(|code| format!(" ({})", shown(&code, 60)));
    let cause = format!(
        "the server answered with error {}{}: {}",
        error.code,
        named.unwrap_or_default(),
        error.message
    );
    CallError::new(meaning.kind, meaning.delivery, cause)
        .with_type(meaning.error_type)
        .with_advice(waiting(&meaning.advice, retry_after))
        .with_retry_after(retry_after)
        .with_rpc_code(error.code)
}

/// What is wrong with the only argument of a resource is its URI. Only there does -32002 mean anything.
pub(super) fn about_uri(error: CallError) -> CallError {
    if !matches!(error.rpc_code(), Some(-32_602 | -32_002)) {
        return error;
    }
    error
        .with_delivery(Delivery::Rejected)
        .with_type(ErrorType::Permanent)
        .with_advice("check the URI against the server's list of resources")
}

impl Meaning {
    fn of(error: &RpcError) -> Self {
        Self::of_protocol(error).unwrap_or_else(|| Self::of_server(error))
    }

    /// The codes whose meaning the protocol fixes: the request was turned away as it stood.
    fn of_protocol(error: &RpcError) -> Option<Self> {
        let advice = match error.code {
            -32_700 | -32_600 => "the server took it for no request; look at its log".to_owned(),
            -32_601 => "the server does not offer this; look at what it lists".to_owned(),
            -32_602 => "correct the name or the arguments".to_owned(),
            -32_020 => "look whether something on the way to the server changes headers".to_owned(),
            -32_021 => format!(
                "the server serves only clients that offer {}",
                wanted(&error.data)
            ),
            -32_022 => "connect to the server anew, or update it".to_owned(),
            _ => return None,
        };
        Some(Self {
            kind: ErrorKind::Refused,
            error_type: ErrorType::Permanent,
            delivery: Delivery::Rejected,
            advice,
        })
    }

    /// All others may come from halfway through.
    fn of_server(error: &RpcError) -> Self {
        use ErrorKind::{
            ConnectionClosed, DeadlineExceeded, Forbidden, InputRequired, RateLimited, Refused,
            Unauthorized, Unavailable,
        };
        let says = |words: &str| error.message.to_ascii_lowercase().contains(words);
        let kind = match error.code {
            -32_042 => InputRequired,
            // SDKs give these to what is behind a server. Others give them to anything, so that the words count as well.
            -32_000 if says("connection closed") => ConnectionClosed,
            -32_001 if says("timed out") || says("timeout") => DeadlineExceeded,
            // Some servers answer with the statuses of HTTP.
            401 => Unauthorized,
            403 => Forbidden,
            408 => DeadlineExceeded,
            429 => RateLimited,
            502..=504 => Unavailable,
            _ => Refused,
        };
        let error_type = match (kind, error.code) {
            (InputRequired, _) => ErrorType::Authorization,
            (Refused, 400..=499) => ErrorType::Permanent,
            (Refused, _) => ErrorType::Critical,
            (kind, _) => kind.error_type(),
        };
        let advice = match kind {
            InputRequired => visit(&error.data),
            _ => by_type(error_type).to_owned(),
        };
        Self {
            kind,
            error_type,
            delivery: Delivery::Unknown,
            advice,
        }
    }

    /// The server's own class counts. One that says otherwise than the code leaves open what was done.
    fn told(self, own: Option<ErrorType>) -> Self {
        let Some(own) = own.filter(|own| *own != self.error_type) else {
            return self;
        };
        let turned_away = matches!(own, ErrorType::Permanent | ErrorType::Authorization);
        Self {
            error_type: own,
            delivery: if turned_away {
                self.delivery
            } else {
                Delivery::Unknown
            },
            advice: by_type(own).to_owned(),
            ..self
        }
    }
}

fn by_type(error_type: ErrorType) -> &'static str {
    match error_type {
        ErrorType::Transient => CHECK_EFFECT,
        ErrorType::Critical => LOOK_AT_LOG,
        ErrorType::Authorization => "check the server's credentials and what they allow",
        ErrorType::Permanent => "change the request; as it is it fails again",
    }
}

/// The capabilities that the server wants of its client.
fn wanted(data: &Value) -> String {
    let wanted = data.get("requiredCapabilities").and_then(Value::as_object);
    let names: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    if names.is_empty() {
        return "more than this one".to_owned();
    }
    shown(&names.join(" and "), MAX_SHOWN)
}

/// Where a person has to go before the call can be made.
fn visit(data: &Value) -> String {
    let page = data.pointer("/elicitations/0/url").and_then(Value::as_str);
    match page.filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
        Some(url) => format!(
            "if you trust it with that, open {} in a browser, then make the call again",
            shown(url, MAX_SHOWN)
        ),
        None => "look in the server's documentation for the login that it wants".to_owned(),
    }
}

fn shown(text: &str, max: usize) -> String {
    let text = Printable(&clip(text, max)).to_string();
    clip(&text, max).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::message::read;
    use serde_json::json;

    fn of(error: &Value) -> CallError {
        let message = json!({"jsonrpc": "2.0", "id": 1, "error": error}).to_string();
        let mut found = None;
        read(message.as_bytes(), |message| {
            if let crate::session::message::Message::Answer(_, Err(error)) = message {
                found = Some(refused(&error));
            }
        });
        found.expect("an error is always read")
    }

    #[test]
    fn a_code_is_sorted_by_what_it_means_and_only_the_protocols_own_turn_away() {
        use {Delivery::*, ErrorKind::*, ErrorType::*};
        for (code, message, kind, class, delivery) in [
            (json!(-32_700), "x", Refused, Permanent, Rejected),
            (json!(-32_600), "x", Refused, Permanent, Rejected),
            (json!("-32601"), "x", Refused, Permanent, Rejected),
            (json!(-32_602.0), "x", Refused, Permanent, Rejected),
            (json!(-32_603), "x", Refused, Critical, Unknown),
            (json!(-32_000), "x", Refused, Critical, Unknown),
            (
                json!(-32_000),
                "MCP error -32000: Connection closed",
                ConnectionClosed,
                Transient,
                Unknown,
            ),
            (json!(-32_001), "x", Refused, Critical, Unknown),
            (
                json!(-32_001),
                "Request timed out",
                DeadlineExceeded,
                Transient,
                Unknown,
            ),
            (json!(-32_002), "x", Refused, Critical, Unknown),
            (json!(-32_019), "x", Refused, Critical, Unknown),
            (json!(-32_020), "x", Refused, Permanent, Rejected),
            (json!(-32_021), "x", Refused, Permanent, Rejected),
            (json!(-32_022), "x", Refused, Permanent, Rejected),
            (json!(-32_023), "x", Refused, Critical, Unknown),
            (json!(-32_042), "x", InputRequired, Authorization, Unknown),
            (json!(-32_099), "x", Refused, Critical, Unknown),
            (json!(401), "x", Unauthorized, Authorization, Unknown),
            (json!(403), "x", Forbidden, Authorization, Unknown),
            (json!(404), "x", Refused, Permanent, Unknown),
            (json!(408), "x", DeadlineExceeded, Transient, Unknown),
            (json!(429), "x", RateLimited, Transient, Unknown),
            (json!(500), "x", Refused, Critical, Unknown),
            (json!(503), "x", Unavailable, Transient, Unknown),
            (json!(7), "x", Refused, Critical, Unknown),
            (json!(1e300), "x", Refused, Critical, Unknown),
            (json!("busy"), "x", Refused, Critical, Unknown),
            (Value::Null, "x", Refused, Critical, Unknown),
        ] {
            let error = of(&json!({"code": code, "message": message}));
            let found = (error.kind(), error.error_type(), error.delivery());
            assert_eq!(found, (kind, class, delivery), "{code} {message}");
            assert!(
                error.advice().is_some_and(|advice| !advice.is_empty()),
                "{code}"
            );
        }
    }

    #[test]
    fn what_the_server_adds_counts_but_never_makes_a_repeat_safe() {
        let with =
            |code: i64, data: Value| of(&json!({"code": code, "message": "m", "data": data}));
        let error = with(
            -32_000,
            json!({"code": "busy", "type": "transient", "retryAfter": 7}),
        );
        assert_eq!(error.error_type(), ErrorType::Transient);
        assert_eq!(error.retry_after().map(|it| it.as_secs()), Some(7));
        assert_eq!(
            error.to_string(),
            "the server answered with error -32000 (busy): m; wait 7 s, then check whether the call took effect before repeating it"
        );
        // Who is busy may have begun, whatever the code.
        let error = with(-32_602, json!({"type": "transient"}));
        assert_eq!(error.delivery(), Delivery::Unknown);
        let error = with(-32_602, json!({"error": {"type": "authorization"}}));
        assert_eq!(error.delivery(), Delivery::Rejected);
        assert_eq!(error.error_type(), ErrorType::Authorization);
        let error = with(
            -32_000,
            json!({"type": "permanent", "delivery": "rejected"}),
        );
        assert_eq!(error.delivery(), Delivery::Unknown);
    }

    #[test]
    fn a_person_learns_where_to_go_and_what_a_client_lacks() {
        let page = |url: &str| {
            let data = json!({"elicitations": [{"mode": "url", "url": url}]});
            of(&json!({"code": -32_042, "message": "m", "data": data})).to_string()
        };
        assert!(
            page("https://x.example/login\u{1b}")
                .contains("open https://x.example/login\\u{1b} in")
        );
        assert!(!page("javascript:alert(1)").contains("javascript"));
        let data = json!({"requiredCapabilities": {"elicitation": {}, "sampling": {}}});
        let error = of(&json!({"code": -32_021, "message": "m", "data": data}));
        assert!(
            error
                .to_string()
                .ends_with("only clients that offer elicitation and sampling")
        );
    }

    #[test]
    fn only_for_a_resource_does_its_code_say_that_it_is_not_there() {
        let gone = of(&json!({"code": -32_002, "message": "m"}));
        assert_eq!(gone.delivery(), Delivery::Unknown);
        let told = about_uri(gone);
        assert_eq!(told.delivery(), Delivery::Rejected);
        assert_eq!(told.error_type(), ErrorType::Permanent);
        let broken = of(&json!({"code": -32_603, "message": "m"}));
        assert_eq!(about_uri(broken).delivery(), Delivery::Unknown);
    }

    #[test]
    fn no_error_whatever_gives_an_unbounded_or_unprintable_text() {
        let mut random = fastrand::Rng::with_seed(13);
        let long = |random: &mut fastrand::Rng| {
            // What is longer in all than is kept of an error's data would not be looked at.
            let most = random.choice([4, 300, 4_000]).unwrap();
            "é\u{1b}\u{202e}".repeat(random.usize(..most))
        };
        for _ in 0..2_000 {
            let data = json!({
                "code": long(&mut random), "message": long(&mut random), "type": "transient",
                "elicitations": [{"url": format!("https://{}", long(&mut random))}],
                "requiredCapabilities": {long(&mut random): 1}, "retryAfter": random.f64() * 1e9,
            });
            let code = random.choice([-32_042, -32_021, -32_603, 0]);
            let error = of(&json!({"code": code, "message": long(&mut random), "data": data}));
            let text = error.to_string();
            assert!(
                text.len() < 2_048 && !text.chars().any(manyhands_core::is_unprintable),
                "{text:?}"
            );
        }
    }
}
