//! Entries whose secrets are read when their servers are connected.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use manyhands_auth::secrets::{SecretError, SecretErrorKind, SecretSource, Secrets};
use manyhands_config::{Config, Environment, Source};
use manyhands_toolkit::{ServerStatus, Settings, Toolkit};
use manyhands_transport::{ConnectErrorKind, ConnectOptions};

use super::*;
use crate::FromConfig as _;

const CANARY: &str = "canary-5f2b";

/// Gives a new secret at each read, or the error that it is to give.
#[derive(Clone, Default)]
struct Rotating {
    reads: Arc<AtomicUsize>,
    error: Arc<Mutex<Option<SecretError>>>,
}

impl SecretSource for Rotating {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        match self.error.lock().unwrap().take() {
            Some(error) => Err(error),
            None => Ok(Secret::new(format!("{CANARY}-{key}-{reads}"))),
        }
    }
}

fn access(source: &Rotating) -> Access {
    Access::default().with_secrets(Secrets::default().with_source("own", source.clone()))
}

/// The one server of a configuration.
fn it(entry: &serde_json::Value, source: &Rotating) -> Connector {
    let text = serde_json::json!({"mcpServers": {"it": entry}}).to_string();
    let config = Config::from_json(&text, &Source::new("mcp.json", "."), &Environment).unwrap();
    let Config { mut servers, .. }: Config<ServerSection, Settings> = config;
    let definition = servers.pop().unwrap().definition.unwrap();
    let ways = Ways::new(ServerId::parse("it").unwrap(), definition, &access(source)).unwrap();
    Arc::new(ways).connector(Who::Everybody, 0, None)
}

async fn connect(connector: &Connector) -> manyhands_transport::ConnectError {
    let options = ConnectOptions::new(ServerId::parse("it").unwrap());
    connector.connect(options).await.unwrap_err()
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_are_read_for_each_connection_and_reach_the_server() {
    let file = std::env::temp_dir().join(format!("manyhands-{}", std::process::id()));
    let script = r#"echo "$A $1" >> "$0""#;
    let source = Rotating::default();
    let connector = it(
        &serde_json::json!({
            "command": "sh",
            "args": ["-c", script, file, "${secret:own:b}"],
            "env": {"A": "${secret:own:a} ${secret:own:a}"},
        }),
        &source,
    );
    assert_eq!(source.reads.load(Ordering::Relaxed), 0);
    assert!(!format!("{:?}", connect(&connector).await).contains(CANARY));
    connect(&connector).await;
    let seen = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let line = |a: usize, b: usize| format!("{CANARY}-a-{a} {CANARY}-a-{a} {CANARY}-b-{b}\n");
    // A server that ends at once is tried again as an older one, with the secrets at hand.
    assert!(seen.starts_with(&line(0, 1)), "{seen}");
    assert!(seen.ends_with(&line(2, 3)), "{seen}");
    assert_eq!(source.reads.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn only_a_source_that_does_not_answer_is_worth_another_attempt() {
    for (kind, expected) in [
        (SecretErrorKind::Unavailable, ConnectErrorKind::Unreachable),
        (SecretErrorKind::NotFound, ConnectErrorKind::Settings),
        (SecretErrorKind::Denied, ConnectErrorKind::Settings),
    ] {
        let source = Rotating::default();
        let error = SecretError::new(kind, "the vault is sealed").with_mend("unseal it");
        *source.error.lock().unwrap() = Some(error);
        let connector = it(
            &serde_json::json!({"url": "https://a.example/${secret:own:a}"}),
            &source,
        );
        let error = connect(&connector).await;
        assert_eq!(error.kind(), expected);
        let cause = "its secret `own:a` cannot be read: the vault is sealed";
        assert_eq!((error.cause(), error.mend()), (cause, Some("unseal it")));
    }
}

#[tokio::test]
async fn what_a_secret_makes_of_an_entry_is_told_without_it() {
    let connector = it(
        &serde_json::json!({"url": "${secret:own:a}"}),
        &Rotating::default(),
    );
    let error = connect(&connector).await;
    assert_eq!(error.kind(), ConnectErrorKind::Settings);
    let cause = "url (mcp.json, line 1): this is not an absolute http or https URL";
    assert_eq!(error.cause(), cause);
    assert!(!format!("{error:?}").contains(CANARY));
}

#[tokio::test]
async fn a_source_that_is_not_known_is_told_before_anything_is_connected() {
    let text = r#"{"servers": {"it": {"command": "a", "env": {"A": "${secret:keyrng:a/b}"}}}}"#;
    let kit = Toolkit::from_json(text).unwrap().start();
    let report = kit.report();
    let status: &ServerStatus = &report.servers[0].status;
    let cause = "env.A (the given JSON, line 1): no source of secrets is called `keyrng` here";
    assert_eq!(status.cause(), Some(cause));
    assert_eq!(status.mend(), Some("did you mean `keyring`?"));
}

#[test]
fn whoever_has_a_login_of_their_own_never_comes_as_everybody() {
    let text = r#"{"servers": {"it": {
        "url": "https://a.example/mcp",
        "headers": {"authorization": "Bearer everybody", "X-Team": "shop"},
        "manyhands": {"accounts": {
            "plain": {},
            "keyed": {"headers": {"Authorization": "Bearer keyed"}},
            "login": {"oauth": {"clientId": "sales"}},
            "none": {"oauth": false}
        }, "perPrincipal": true}
    }}}"#;
    let config = Config::from_json(text, &Source::new("mcp.json", "."), &Environment).unwrap();
    let Config { mut servers, .. }: Config<ServerSection, Settings> = config;
    let definition = servers.pop().unwrap().definition.unwrap();
    let id = ServerId::parse("it").unwrap();
    let ways = Arc::new(Ways::new(id, definition.clone(), &Access::default()).unwrap());
    let account = |name: &str| Who::Account(name.to_owned());
    for (who, header, logs_in) in [
        (Who::Everybody, Some("Bearer everybody"), false),
        (account("plain"), Some("Bearer everybody"), false),
        (account("keyed"), Some("Bearer keyed"), false),
        (account("login"), None, true),
        (account("none"), Some("Bearer everybody"), false),
        (Who::Principal("ada".to_owned()), None, true),
    ] {
        let Endpoint::Http(remote) = definition.endpoint.clone() else {
            panic!("it has a URL")
        };
        let section = definition.settings.clone();
        let own = super::account(&section, &who).cloned().unwrap_or_default();
        let settings = http(remote, section, Path::new("/"), own, &who);
        let says = |name: &String| name.eq_ignore_ascii_case("authorization");
        let mut sent = settings.headers.iter().filter(|(name, _)| says(name));
        assert_eq!(
            sent.next().map(|(_, value)| value.expose()),
            header,
            "{who:?}"
        );
        assert!(sent.next().is_none() && settings.headers.contains_key("X-Team"));
        assert_eq!(ways.credentials(&who, 0).is_some(), logs_in, "{who:?}");
    }
}
