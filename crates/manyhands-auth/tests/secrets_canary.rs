//! Secrets planted where every source finds them, every way to fail taken, and nothing of them in what is said.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

use std::fmt::Debug;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use manyhands_auth::secrets::{
    SecretError, SecretErrorKind, SecretReference, SecretSource, Secrets, VaultLogin,
    VaultSettings, VaultSource,
};
use manyhands_core::Secret;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const CANARY: &str = "canary-5f2b";

/// Keeps all that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn keep(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Fields(self));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(self));
    }

    fn event(&self, event: &Event<'_>) {
        self.keep(&format!("\n{}", event.metadata().level()));
        event.record(&mut Fields(self));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Keeps the fields of a span or an event.
struct Fields<'a>(&'a Log);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.keep(&format!(" {field}={value:?}"));
    }
}

/// Serves the answer that the path of a request names; what it answers is in `ANSWERS`.
fn vault() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let request = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let found = ANSWERS.iter().find(|(name, ..)| path.ends_with(name));
            let (_, status, body) = found.unwrap_or(&("", 404, "{}"));
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nLocation: http://canary-5f2b.example\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

const ANSWERS: [(&str, u16, &str); 9] = [
    ("/good", 200, r#"{"data": {"data": {"a": "canary-5f2b"}}}"#),
    (
        "/several",
        200,
        r#"{"data": {"data": {"a": "canary-5f2b", "b": "canary-5f2b"}}}"#,
    ),
    (
        "/list",
        200,
        r#"{"data": {"data": {"a": ["canary-5f2b"]}}}"#,
    ),
    ("/old", 200, r#"{"data": {"a": "canary-5f2b"}}"#),
    ("/broken", 200, r#"{"data": {"data": {"a": "canary-5f2b"#),
    ("/denied", 403, r#"{"errors": ["no: hvs.canary-5f2b"]}"#),
    (
        "/failing",
        500,
        r#"{"data": {"data": {"a": "canary-5f2b"}}, "errors": ["no: hvs.canary-5f2b"]}"#,
    ),
    ("/redirect", 307, ""),
    ("/empty", 200, r#"{"data": {"data": {"a": ""}}}"#),
];

/// A source of the user's own, which gives too much.
struct Generous;

impl SecretSource for Generous {
    async fn read(&self, _key: &str) -> Result<Secret, SecretError> {
        Ok(Secret::new(CANARY.repeat(10_000)))
    }
}

fn secrets() -> Secrets {
    let token = Secret::new(format!("hvs.{CANARY}"));
    let settings = VaultSettings::new(vault(), VaultLogin::Token(token));
    Secrets::default()
        .with_source("own", Generous)
        .with_source("vault", VaultSource::new(settings))
}

/// References to what can be read, and to what cannot.
fn references(dir: &Path) -> ([String; 3], Vec<String>) {
    let file = |name: &str, content: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, content).unwrap();
        format!("file:{}", path.display())
    };
    let good = [
        file("good", CANARY.as_bytes()),
        format!("command:cat {}", dir.join("good").display()),
        "vault:secret/good".to_owned(),
    ];
    let mut bad = vec![
        file("odd", b"canary-5f2b\xff"),
        file("large", CANARY.repeat(10_000).as_bytes()),
        file("blank", b"\n"),
        format!("file:{}", dir.display()),
        format!("command:cat {}", dir.join("odd").display()),
        format!("command:cat {}", dir.join("large").display()),
        format!(
            "command:sh -c 'cat \"$0\"; cat \"$0\" >&2; exit 1' {}",
            dir.join("good").display()
        ),
        "command:no-such-program".to_owned(),
        "env:MANYHANDS_NOT_SET".to_owned(),
        "own:a".to_owned(),
        "unknown:a".to_owned(),
    ];
    bad.extend(
        ANSWERS
            .iter()
            .skip(1)
            .map(|(path, ..)| format!("vault:secret{path}")),
    );
    (good, bad)
}

#[tokio::test]
async fn no_error_and_no_log_holds_a_secret() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (good, bad) = references(dir.path());
    let secrets = secrets();
    let mut said = format!("{secrets:?}");
    for text in good {
        let reference = SecretReference::parse(&text).unwrap();
        let read = secrets.read_all([reference.clone()]).await;
        said.push_str(&format!("{read:?}"));
        assert_eq!(read.unwrap()[&reference].expose(), CANARY, "{text}");
    }
    let mut kinds = Vec::new();
    for text in bad {
        let reference = SecretReference::parse(&text).unwrap();
        let error = secrets.read(&reference).await.expect_err(&text);
        kinds.push(error.kind());
        said.push_str(&format!("{error} {error:?} {:?}", error.mend()));
    }
    for kind in [
        SecretErrorKind::NotFound,
        SecretErrorKind::Denied,
        SecretErrorKind::Unavailable,
        SecretErrorKind::Misconfigured,
        SecretErrorKind::TooLarge,
        SecretErrorKind::NotText,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} did not happen");
    }
    said.push_str(&log.0.lock().unwrap());
    assert!(
        said.contains("chmod 600") && said.contains("TRACE"),
        "the log is kept"
    );
    let hidden = said.lines().find(|line| line.contains(CANARY));
    assert_eq!(hidden, None);
}
