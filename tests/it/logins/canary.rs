//! No secret of a login is ever written: not in logs at any level, not in errors, not in what `Debug` shows.

use manyhands::{Authorizer as _, LoginStore, OAuth, OAuthSettings};
use manyhands_testkit::oauth::{ALWAYS, Failure, Moment};
use serde_json::json;

use super::{Guarded, Person, echo};
use crate::log::Log;

// One thread, so that the log of this test is that of all its tasks, and of no other test.
#[tokio::test(flavor = "current_thread")]
async fn nothing_secret_is_written_at_trace_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let guarded = Guarded::start_with(|it| it.require("admin", "admin")).await;
    let folder = tempfile::tempdir().unwrap();
    let store = LoginStore::in_folder(folder.path());
    let person = Person::default();
    let mut shown = String::new();

    // A login, a step-up, a renewal, and calls with each.
    let kit = guarded.kit(&store, &person).await;
    echo(&kit).await.unwrap();
    kit.call("s.admin", json!({})).await.unwrap();
    shown += &format!("{kit:?} {} {store:?}", kit.report());
    // Failures that quote what they were sent.
    guarded.auth.expire_access_tokens();
    guarded.auth.fail(
        Moment::Refresh,
        Failure::Quoting("invalid_request".to_owned()),
        ALWAYS,
    );
    guarded.auth.fail(
        Moment::Code,
        Failure::Quoting("invalid_grant".to_owned()),
        ALWAYS,
    );
    for _ in 0..2 {
        if let Err(error) = echo(&kit).await {
            shown += &format!(
                "{error} {error:?} {}",
                serde_json::to_string(&error).unwrap()
            );
        }
    }
    let oauth = OAuth::new(&guarded.mcp.url(), OAuthSettings::default(), store.clone()).unwrap();
    shown += &format!(
        "{oauth:?} {:?} {:?}",
        oauth.status().await,
        store.summaries().await
    );
    oauth.logout().await.unwrap();
    kit.close().await;

    let (log, secrets) = (log.text(), guarded.auth.secrets());
    assert!(log.contains("TRACE"), "this would not be seen");
    assert!(secrets.len() >= 6, "{}", secrets.len());
    for secret in secrets {
        assert!(!log.contains(&secret), "logged: {secret}\n{log}");
        assert!(!shown.contains(&secret), "shown: {secret}\n{shown}");
    }
}
