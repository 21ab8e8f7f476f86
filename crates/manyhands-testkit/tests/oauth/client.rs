//! A client that knows no more of HTTP and OAuth than these tests need.

use std::time::Duration;

use manyhands_testkit::oauth::{AuthServer, visit};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer is waited for that should come.
const SOON: Duration = Duration::from_secs(10);
/// How long an answer is waited for that should not.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// The pair in appendix B of RFC 7636.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:7777/callback";
pub(crate) const RESOURCE: &str = "http://127.0.0.1:1/mcp";
/// A public client, as it registers.
pub(crate) const PUBLIC: &str =
    r#"{"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}"#;

/// Whatever came; with status 0 where the connection ended first.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the answer is JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        let mut fields = lines.filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Sends a request whose answer should come. Each header ends its line.
pub(crate) async fn send(method: &str, url: &str, headers: &str, body: &str) -> Reply {
    let reply = timeout(SOON, exchange(method, url, headers, body)).await;
    reply.expect("it is answered soon")
}

/// Whether a form is not answered for a while.
pub(crate) async fn is_silent(url: &str, fields: &[(&str, &str)]) -> bool {
    let (headers, body) = form(fields);
    let reply = timeout(SILENCE, exchange("POST", url, headers, &body));
    reply.await.is_err()
}

async fn exchange(method: &str, url: &str, headers: &str, body: &str) -> Reply {
    let (address, target) = url
        .trim_start_matches("http://")
        .split_once('/')
        .expect("the URL has a path");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = body.len();
    let request = format!(
        "{method} /{target} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    let written = stream.write_all(request.as_bytes()).await;
    written.expect("it reads");
    let (mut bytes, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some(reply) = whole(&text) {
            return reply;
        }
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return Reply::default(),
            Ok(count) => bytes.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
}

/// The reply in a text, once all of it is there.
fn whole(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let reply = Reply {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length: usize = reply.header("content-length")?.parse().ok()?;
    (body.len() >= length).then_some(reply)
}

fn form(fields: &[(&str, &str)]) -> (&'static str, String) {
    let headers = "content-type: application/x-www-form-urlencoded\r\n";
    (headers, query(fields))
}

fn query(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| {
        let value = value.bytes().map(|byte| format!("%{byte:02x}"));
        format!("{name}={}", value.collect::<String>())
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Sends a form.
pub(crate) async fn post(url: &str, headers: &str, fields: &[(&str, &str)]) -> Reply {
    let (more, body) = form(fields);
    send("POST", url, &format!("{headers}{more}"), &body).await
}

/// Registers a client, and returns what it is told.
pub(crate) async fn register(auth: &AuthServer, metadata: &str) -> Reply {
    let url = format!("{}/register", auth.issuer());
    let headers = "content-type: application/json\r\n";
    send("POST", &url, headers, metadata).await
}

/// The id of a new public client.
pub(crate) async fn public(auth: &AuthServer) -> String {
    text(&register(auth, PUBLIC).await.json(), "client_id")
}

/// Where a client would send its person, with these fields in place of those of the same name; an
/// empty one is left out.
pub(crate) fn authorize_url(auth: &AuthServer, client: &str, others: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", REDIRECT),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
    ];
    fields.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
    fields.extend(others.iter().filter(|(_, value)| !value.is_empty()));
    format!("{}/authorize?{}", auth.issuer(), query(&fields))
}

/// A field of the URL that the browser was sent to, as it stands there.
pub(crate) fn field<'a>(location: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = location.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A code for this client.
pub(crate) async fn code(auth: &AuthServer, client: &str, others: &[(&str, &str)]) -> String {
    let location = visit(&authorize_url(auth, client, others)).await;
    let location = location.expect("the person is sent back");
    let code = field(&location, "code").map(str::to_owned);
    code.expect("there is a code")
}

/// Asks for a token for this code.
pub(crate) async fn redeem(auth: &AuthServer, client: &str, code: &str) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    post(&auth.token_url(), "", &fields).await
}

/// Asks for a token for this refresh token.
pub(crate) async fn refresh(auth: &AuthServer, client: &str, token: &str) -> Reply {
    post(&auth.token_url(), "", &refreshing(client, token)).await
}

pub(crate) fn refreshing<'a>(client: &'a str, token: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", client),
        ("refresh_token", token),
    ]
}

/// Logs in, and returns what was issued.
pub(crate) async fn log_in(auth: &AuthServer, client: &str, others: &[(&str, &str)]) -> Value {
    let code = code(auth, client, others).await;
    let reply = redeem(auth, client, &code).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// A text in an answer.
pub(crate) fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str).map(str::to_owned);
    text.expect("the answer has this text")
}
