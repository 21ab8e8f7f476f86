//! Tokens that end: renewed ahead of time, once for all, and across processes.

use std::path::Path;
use std::time::Duration;

use manyhands::{ErrorKind, LoginStore};
use manyhands_testkit::oauth::{ALWAYS, Failure, Moment};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Guarded, Person, at_once, echo, ready};

/// Makes a kept login older, as if so much of its life had gone by.
fn age(folder: &Path, seconds: u64) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for field in ["received_at", "expires_at"] {
            let field = kept.pointer_mut(&format!("/login/tokens/{field}")).unwrap();
            *field = (field.as_u64().unwrap() - seconds).into();
        }
        std::fs::write(path, kept.to_string()).unwrap();
    }
}

/// A server, and a folder with a login there that was made so many seconds ago.
async fn logged_in(seconds: u64) -> (Guarded, TempDir) {
    let guarded = Guarded::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = LoginStore::in_folder(folder.path());
    guarded.kit(&store, &Person::default()).await;
    age(folder.path(), seconds);
    (guarded, folder)
}

#[tokio::test]
async fn sixty_four_callers_at_the_end_of_a_token_make_one_refresh() {
    let (guarded, folder) = logged_in(3600).await;
    guarded
        .auth
        .change(|it| it.token_delay = Duration::from_millis(100));
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    for result in at_once(&kit, 64).await {
        assert_eq!(result.unwrap().text(), "hello");
    }
    assert_eq!(guarded.auth.counts().refresh_attempts, 1);
}

#[tokio::test]
async fn sixty_four_callers_that_are_refused_make_one_refresh() {
    let (guarded, folder) = logged_in(60).await;
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    ready(&kit).await;
    guarded.auth.expire_access_tokens();
    guarded
        .auth
        .change(|it| it.token_delay = Duration::from_millis(100));
    for result in at_once(&kit, 64).await {
        assert_eq!(result.unwrap().text(), "hello");
    }
    assert_eq!(guarded.auth.counts().refresh_attempts, 1);
}

#[tokio::test]
async fn two_processes_make_one_refresh_between_them() {
    let (guarded, folder) = logged_in(3600).await;
    guarded
        .auth
        .change(|it| it.token_delay = Duration::from_millis(100));
    let one = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    let two = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    let (first, second) = tokio::join!(at_once(&one, 32), at_once(&two, 32));
    for result in first.into_iter().chain(second) {
        assert_eq!(result.unwrap().text(), "hello");
    }
    assert_eq!(guarded.auth.counts().refresh_attempts, 1);
}

#[tokio::test]
async fn a_token_that_is_due_is_renewed_while_calls_go_on_with_it() {
    let (guarded, folder) = logged_in(3500).await;
    // Whoever waited for this answer would not be done within the test.
    guarded.auth.fail(Moment::Refresh, Failure::Silent, ALWAYS);
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    let calls = tokio::time::timeout(Duration::from_secs(10), at_once(&kit, 64)).await;
    for result in calls.unwrap() {
        assert_eq!(result.unwrap().text(), "hello");
    }
    guarded
        .auth
        .until(|it| it.counts().refresh_attempts == 1)
        .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_rejected_is_not_tried_again() {
    let (guarded, folder) = logged_in(3600).await;
    guarded.auth.revoke_refresh_tokens();
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    for result in at_once(&kit, 64).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(
            error.to_string().contains("run `manyhands auth login s`"),
            "{error}"
        );
    }
    // Nor by another process.
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    let error = echo(&kit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert_eq!(guarded.auth.counts().refresh_attempts, 1);

    // A person who can be asked is asked once, and the client is still known.
    let person = Person::default();
    let kit = guarded
        .kit(&LoginStore::in_folder(folder.path()), &person)
        .await;
    assert!(at_once(&kit, 64).await.iter().all(Result::is_ok));
    assert_eq!(
        (person.asked(), guarded.auth.counts().refresh_attempts),
        (1, 1)
    );
}

#[tokio::test]
async fn a_server_that_fails_to_refresh_costs_no_login() {
    for failure in [
        Failure::Status(500),
        Failure::Unavailable(7),
        Failure::Garbage,
        Failure::Oversized,
        Failure::Quoting("temporarily_unavailable".to_owned()),
    ] {
        let (guarded, folder) = logged_in(3600).await;
        guarded.auth.fail(Moment::Refresh, failure.clone(), ALWAYS);
        let kit = guarded
            .builder(&LoginStore::in_folder(folder.path()))
            .start();
        let call = kit
            .call("s.echo", json!({}))
            .timeout(Duration::from_secs(1));
        let error = call.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{failure:?}: {error}");
        for secret in guarded.auth.secrets() {
            assert!(!error.to_string().contains(&secret), "{error}");
        }
        drop(kit);
        guarded.auth.heal();
        let kit = guarded
            .builder(&LoginStore::in_folder(folder.path()))
            .start();
        assert_eq!(echo(&kit).await.unwrap().text(), "hello", "{failure:?}");
        assert_eq!(guarded.auth.counts().authorizations, 1);
    }
}
