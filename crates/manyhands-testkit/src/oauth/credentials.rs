//! Who a client says it is, and whether it can prove it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::authorize;
use super::form::{Fields, decode};
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::Client;
use crate::http::Request;

const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";
const NONE: &str = "none";

/// The client that sent a request.
pub(super) fn client(
    shared: &Shared,
    request: &Request,
    fields: &Fields,
) -> Result<Client, Refusal> {
    let behavior = shared.behavior();
    let (method, id, secret) = presented(shared, request, fields)?;
    if !behavior.token_auth_methods.contains(&method.to_owned()) {
        return Err(Refusal::client("this way to authenticate is not taken"));
    }
    let Some(client) = authorize::client(shared, &behavior, &id) else {
        return Err(Refusal::client("there is no such client"));
    };
    let registered = client.method.as_deref();
    if registered.is_some_and(|registered| registered != method) {
        return Err(Refusal::client("the client registered another way"));
    }
    if client.secret.is_some() && client.secret != secret {
        return Err(Refusal::client("the secret is missing or wrong"));
    }
    Ok(client)
}

type Presented = (&'static str, String, Option<String>);

/// What a request says of its client, in the one way that it uses.
fn presented(shared: &Shared, request: &Request, fields: &Fields) -> Result<Presented, Refusal> {
    let in_form = fields.get("client_secret").map(str::to_owned);
    let id = fields.get("client_id").map(str::to_owned);
    let Some(authorization) = request.header("authorization") else {
        let id = id.ok_or_else(|| Refusal::client("no client is named"))?;
        let method = if in_form.is_some() { POST } else { NONE };
        return Ok((method, id, in_form));
    };
    if in_form.is_some() {
        let description = "one way to authenticate is enough";
        return Err(Refusal::request(description));
    }
    let malformed = || Refusal::client("the credentials are not those of Basic");
    let (scheme, encoded) = authorization.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (name, secret) = text.split_once(':').ok_or_else(malformed)?;
    let (name, secret) = (decode(name), decode(secret));
    let mut log = shared.log();
    log.secret(encoded.trim());
    log.secret(&secret);
    drop(log);
    if id.is_some_and(|id| id != name) {
        return Err(Refusal::request("two clients are named"));
    }
    Ok((BASIC, name, Some(secret)))
}
