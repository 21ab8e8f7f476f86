//! Decides about each request whether it is let through, and says to others what they lack.

use serde_json::{Map, Value, json};

use super::record::{Call, Gate};
use super::{Guarding, ResourceMetadata, ScopeHint};
use crate::http::{Answer, Request};
use crate::oauth::form::Fields;
use crate::oauth::state::Access;

const AT_ROOT: &str = "/.well-known/oauth-protected-resource";
const AT_PATH: &str = "/.well-known/oauth-protected-resource/mcp";

/// The path of the metadata that challenges name.
pub(super) fn place(guarding: &Guarding) -> &'static str {
    match guarding.metadata {
        ResourceMetadata::AtRoot => AT_ROOT,
        _ => AT_PATH,
    }
}

/// Answers a request in place of the server, unless it is let through.
pub(super) fn ask(gate: &Gate, request: &Request) -> Option<Answer> {
    let guarding = gate.guarding();
    let path = request.split().0;
    if path.starts_with("/.well-known/") {
        return Some(metadata(gate, &guarding, request, path));
    }
    let wish = Wish::of(request);
    let access = access(gate, &guarding, request);
    let refusal = match &access {
        _ if guarding.only_calls && wish.method != "tools/call" => None,
        None => Some(unauthorized(gate, &guarding, &wish, request)),
        Some(access) => forbidden(gate, &guarding, &wish, access),
    };
    if refusal.is_none() {
        gate.let_through(wish.call(request, access));
    }
    refusal
}

/// What a request is about.
struct Wish {
    method: String,
    tool: Option<String>,
}

impl Wish {
    fn of(request: &Request) -> Self {
        if request.method != "POST" {
            let method = request.method.clone();
            return Self { method, tool: None };
        }
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = message.get("method").and_then(Value::as_str);
        let method = method.unwrap_or_default().to_owned();
        let name = message.pointer("/params/name").and_then(Value::as_str);
        let tool = name.filter(|_| method == "tools/call").map(str::to_owned);
        Self { method, tool }
    }

    fn call(self, request: &Request, access: Option<Access>) -> Call {
        let token = access.as_ref().map(|access| access.number);
        let (client, subject) = access
            .map(|access| (access.grant.client, access.grant.subject))
            .unwrap_or_default();
        Call {
            method: self.method,
            tool: self.tool,
            token,
            client,
            subject,
            session: request.header("mcp-session-id").map(str::to_owned),
        }
    }
}

/// What the token of a request is good for; none where it is good for nothing here.
fn access(gate: &Gate, guarding: &Guarding, request: &Request) -> Option<Access> {
    let access = gate.auth().inspect(bearer(request)?)?;
    let fits = !guarding.checks_resource || access.grant.resource.as_deref() == Some(gate.url());
    fits.then_some(access)
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(gate: &Gate, guarding: &Guarding, wish: &Wish, request: &Request) -> Answer {
    gate.count(|seen| seen.unauthorized += 1);
    let needed = guarding.needed(wish.tool.as_deref());
    let mut parts = Vec::new();
    if request.header("authorization").is_some() {
        parts.push("error=\"invalid_token\"".to_owned());
    }
    parts.extend(challenge_parts(gate, guarding, &needed, &[]));
    challenged(guarding, 401, &parts)
}

/// The answer to a request whose token does not allow it; none where it does.
fn forbidden(gate: &Gate, guarding: &Guarding, wish: &Wish, access: &Access) -> Option<Answer> {
    let tool = wish.tool.as_deref();
    let needed = guarding.needed(tool);
    let granted = &access.grant.scope;
    let allowed = needed.iter().all(|scope| granted.contains(scope));
    if allowed && !tool.is_some_and(|tool| guarding.forbidden_tools.contains(tool)) {
        return None;
    }
    gate.count(|seen| seen.forbidden += 1);
    let mut parts = vec!["error=\"insufficient_scope\"".to_owned()];
    parts.extend(challenge_parts(gate, guarding, &needed, granted));
    Some(challenged(guarding, 403, &parts))
}

/// Where to go and what to ask for, as both kinds of challenges say it.
fn challenge_parts(
    gate: &Gate,
    guarding: &Guarding,
    needed: &[String],
    granted: &[String],
) -> Vec<String> {
    let lacking = || needed.iter().filter(|scope| !granted.contains(scope));
    let scope = match &guarding.scope_hint {
        ScopeHint::Needed => needed.join(" "),
        ScopeHint::Lacking => lacking().cloned().collect::<Vec<_>>().join(" "),
        ScopeHint::These(scopes) => scopes.clone(),
        ScopeHint::Absent => String::new(),
    };
    let url = gate.metadata_url();
    let metadata = format!("resource_metadata=\"{url}\"");
    let scope = (!scope.is_empty()).then(|| format!("scope=\"{scope}\""));
    let metadata = guarding.metadata_in_challenge.then_some(metadata);
    metadata.into_iter().chain(scope).collect()
}

fn challenged(guarding: &Guarding, status: u16, parts: &[String]) -> Answer {
    let challenge = match &guarding.challenge {
        Some(challenge) => challenge.clone(),
        None if parts.is_empty() => "Bearer".to_owned(),
        None => format!("Bearer {}", parts.join(", ")),
    };
    let answer = Answer::text(status, "not without the right token");
    match challenge.as_str() {
        "" => answer,
        challenge => answer.header("www-authenticate", challenge),
    }
}

/// Answers what asks for the metadata of this resource, or for anything else well known.
fn metadata(gate: &Gate, guarding: &Guarding, request: &Request, path: &str) -> Answer {
    gate.count(|seen| seen.metadata += usize::from([AT_ROOT, AT_PATH].contains(&path)));
    let is_there = match guarding.metadata {
        ResourceMetadata::Both => [AT_ROOT, AT_PATH].contains(&path),
        ResourceMetadata::AtPath => path == AT_PATH,
        ResourceMetadata::AtRoot => path == AT_ROOT,
        ResourceMetadata::Nowhere => false,
    };
    if !is_there || request.method != "GET" {
        return Answer::text(404, "there is nothing here");
    }
    if let Some(failure) = &guarding.metadata_failure {
        return failure.answer(request, &Fields::default());
    }
    let resource = guarding.resource.as_deref().unwrap_or(gate.url());
    let servers = guarding.authorization_servers.clone();
    let servers = servers.unwrap_or_else(|| vec![gate.auth().issuer()]);
    let mut document = Map::new();
    let mut say = |key: &str, value: Value| drop(document.insert(key.to_owned(), value));
    say("resource", resource.into());
    say("authorization_servers", servers.into());
    say("bearer_methods_supported", json!(["header"]));
    if !guarding.scopes_supported.is_empty() {
        say("scopes_supported", json!(guarding.scopes_supported));
    }
    Answer::json(200, &Value::Object(document))
}
