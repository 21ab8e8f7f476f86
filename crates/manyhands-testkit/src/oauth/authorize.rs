//! The page where a person would decide, and here always has.

use super::behavior::Behavior;
use super::form::{Fields, encode};
use super::kept::random;
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{Client, Code, Grant};
use crate::http::{Answer, Place, Request};

/// Who the browser says the person is.
const PERSON: &str = "person=";

/// Sends the browser back with a code, or with what is wrong.
pub(super) fn authorize(shared: &Shared, request: &Request, fields: &Fields) -> Answer {
    let behavior = shared.behavior();
    // Until both are known to be right, nobody is sent anywhere.
    let Some(client) = fields
        .get("client_id")
        .and_then(|id| client(shared, &behavior, id))
    else {
        return Answer::text(400, "there is no such client");
    };
    let redirect_uri = fields.get("redirect_uri").unwrap_or_default();
    let known = &client.redirect_uris;
    if !is_page(redirect_uri) || !known.iter().any(|its| matches(its, redirect_uri)) {
        return Answer::text(400, "the redirect URI is not registered");
    }
    let result = issue(shared, &behavior, &client, request, fields);
    let mut back = match &result {
        Ok(code) => vec![("code", code.clone())],
        Err(refusal) => vec![
            ("error", refusal.error.to_owned()),
            ("error_description", refusal.description.to_owned()),
        ],
    };
    let state = fields.get("state").map(|state| behavior.state.of(state));
    back.extend(state.flatten().map(|state| ("state", state)));
    back.extend(behavior.iss.of(&shared.issuer()).map(|iss| ("iss", iss)));
    Answer::text(302, "").header("location", &with_query(redirect_uri, &back))
}

/// The client of this name: one that registered, or one at a URL.
pub(super) fn client(shared: &Shared, behavior: &Behavior, id: &str) -> Option<Client> {
    if let Some(client) = shared.state().clients.get(id) {
        return Some(client.clone());
    }
    let at_url = behavior.client_id_metadata_documents && id.starts_with("https://");
    at_url.then(|| Client {
        id: id.to_owned(),
        secret: None,
        redirect_uris: vec!["*".to_owned()],
        method: None,
    })
}

/// Whether a registered redirect URI allows this one: the port of a loopback address is the
/// client's choice, as RFC 8252 has it.
fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked || registered == "*" {
        return true;
    }
    let loopback = |url| {
        let place = Place::of(url).filter(|it| it.scheme == "http" && it.is_loopback());
        place.map(|it| (it.host, it.target))
    };
    loopback(registered).is_some_and(|place| loopback(asked) == Some(place))
}

/// Whether a browser can be sent there, which also keeps line breaks out of the header.
fn is_page(uri: &str) -> bool {
    let printable = uri.bytes().all(|byte| byte.is_ascii_graphic());
    printable && Place::of(uri).is_some() && !uri.contains('#')
}

fn issue(
    shared: &Shared,
    behavior: &Behavior,
    client: &Client,
    request: &Request,
    fields: &Fields,
) -> Result<String, Refusal> {
    if fields.get("response_type") != Some("code") {
        let description = "only codes are issued";
        return Err(Refusal::new("unsupported_response_type", description));
    }
    let challenge = fields.get("code_challenge").unwrap_or_default();
    if fields.get("code_challenge_method") != Some("S256") || challenge.len() != 43 {
        return Err(Refusal::request("a challenge of S256 is required"));
    }
    let resource = resource(behavior, fields)?;
    let scope = scope(behavior, fields)?;
    if behavior.denies {
        return Err(Refusal::new("access_denied", "the person said no"));
    }
    let mut state = shared.state();
    let grant = Grant {
        client: client.id.clone(),
        subject: person(behavior, request),
        resource,
        scope,
        family: state.family(),
    };
    let issued = Code {
        grant,
        challenge: challenge.to_owned(),
        redirect_uri: fields.get("redirect_uri").unwrap_or_default().to_owned(),
        used: false,
    };
    let code = random("code");
    state.codes.insert(&code, issued);
    drop(state);
    let mut log = shared.log();
    log.secret(&code);
    log.counts.authorizations += 1;
    Ok(code)
}

/// The resource that is asked for, if it is one.
pub(super) fn resource(behavior: &Behavior, fields: &Fields) -> Result<Option<String>, Refusal> {
    let Some(resource) = fields.get("resource") else {
        return match behavior.requires_resource {
            true => Err(Refusal::new("invalid_target", "a resource is required")),
            false => Ok(None),
        };
    };
    let known = behavior.resources.as_ref();
    let is_known = known.is_none_or(|known| known.iter().any(|it| it == resource));
    if !is_known || Place::of(resource).is_none() || resource.contains('#') {
        let description = "there is no such resource";
        return Err(Refusal::new("invalid_target", description));
    }
    Ok(Some(resource.to_owned()))
}

/// The scope that is granted of what is asked for.
pub(super) fn scope(behavior: &Behavior, fields: &Fields) -> Result<Vec<String>, Refusal> {
    let supported = &behavior.scopes_supported;
    let asked = match fields.get("scope") {
        Some(scope) => scope.split_whitespace().map(str::to_owned).collect(),
        None => supported.clone(),
    };
    let is_unknown = |scope: &String| !supported.is_empty() && !supported.contains(scope);
    if asked.iter().any(is_unknown) {
        return Err(Refusal::new("invalid_scope", "there is no such scope"));
    }
    let granted = |scope: &String| {
        let granted = behavior.scopes_granted.as_ref();
        granted.is_none_or(|granted| granted.contains(scope))
    };
    Ok(asked.into_iter().filter(granted).collect())
}

fn person(behavior: &Behavior, request: &Request) -> String {
    let cookie = request.header("cookie").unwrap_or_default();
    let cookies = cookie.split(';').map(str::trim);
    let person = cookies.filter_map(|it| it.strip_prefix(PERSON)).next();
    person.unwrap_or(&behavior.person).to_owned()
}

fn with_query(uri: &str, fields: &[(&str, String)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)));
    let sign = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{sign}{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        for (registered, asked, expected) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://[::1]/cb", "http://[::1]:9/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb2", false),
            ("http://127.0.0.1/cb", "http://localhost:5000/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb", false),
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example:9/cb", false),
        ] {
            assert_eq!(matches(registered, asked), expected, "{asked}");
        }
    }
}
