//! A keyring that is a table in memory, and one that fails.

use keyring_core::mock::{Cred, Store};

use super::*;

/// A keyring over a store in memory, and the store.
fn keyring() -> (Keyring, Arc<CredentialStore>) {
    let store: Arc<CredentialStore> = Store::new().unwrap();
    let keyring = Keyring::over({
        let store = store.clone();
        move || Ok(store.clone())
    });
    (keyring, store)
}

/// Has the entry fail at its next use.
fn fail(store: &CredentialStore, service: &str, account: &str, error: Error) {
    let entry = store.build(service, account, None).unwrap();
    let cred = entry.as_any().downcast_ref::<Cred>().unwrap();
    cred.set_error(error);
}

#[tokio::test]
async fn what_was_kept_is_found_and_can_be_removed() {
    let (keyring, _) = keyring();
    assert_eq!(keyring.get("slack", "token").await, Ok(None));
    let value = Secret::new("x".repeat(100_000));
    keyring.set("slack", "token", &value).await.unwrap();
    assert_eq!(keyring.get("slack", "token").await, Ok(Some(value)));
    assert_eq!(keyring.get("slack", "other").await, Ok(None));
    assert_eq!(keyring.delete("slack", "token").await, Ok(true));
    assert_eq!(keyring.delete("slack", "token").await, Ok(false));
}

#[tokio::test]
async fn a_key_is_cut_at_its_last_slash() {
    let (keyring, _) = keyring();
    keyring.set("a/b", "c", &"1".into()).await.unwrap();
    assert_eq!(keyring.read("a/b/c").await, Ok("1".into()));
    let error = keyring.read("a/d").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::NotFound);
    assert!(error.mend().unwrap().starts_with("store it"));
    for odd in ["a", "/a", "a/"] {
        let error = keyring.read(odd).await.unwrap_err();
        assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{odd}");
    }
}

#[tokio::test]
async fn each_failure_says_what_it_is_and_nothing_that_was_read() {
    let (keyring, store) = keyring();
    keyring.set("a", "b", &"canary".into()).await.unwrap();
    let system = || Box::new(std::io::Error::other("the \u{1b} system says no"));
    let canary = || b"canary".to_vec();
    for (error, kind, cause) in [
        (
            Error::NoStorageAccess(system()),
            SecretErrorKind::Denied,
            r"the keyring is locked, or refuses us: the \u{1b} system says no",
        ),
        (
            Error::PlatformFailure(system()),
            SecretErrorKind::Unavailable,
            r"the keyring failed: the \u{1b} system says no",
        ),
        (
            Error::BadEncoding(canary()),
            SecretErrorKind::NotText,
            "what the keyring has there cannot be understood",
        ),
        (
            Error::BadDataFormat(canary(), Box::new(std::io::Error::other("canary"))),
            SecretErrorKind::NotText,
            "what the keyring has there cannot be understood",
        ),
        (
            Error::TooLong("secret".to_owned(), 2560),
            SecretErrorKind::TooLarge,
            "the system keeps no secret of more than 2560 bytes in one entry",
        ),
        (
            Error::Ambiguous(Vec::new()),
            SecretErrorKind::Misconfigured,
            "the keyring has 0 entries that fit",
        ),
    ] {
        fail(&*store, "a", "b", error);
        let error = keyring.read("a/b").await.unwrap_err();
        assert_eq!((error.kind(), error.cause()), (kind, cause));
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_not_quoted_where_it_may_hold_a_secret() {
    let keyring = Keyring::over(|| {
        let inner = Box::new(std::io::Error::other("canary"));
        Err(Error::BadDataFormat(b"canary".to_vec(), inner))
    });
    let error = keyring.get("a", "b").await.unwrap_err();
    assert_eq!(error.cause(), "there is no keyring that we can use");
}

#[tokio::test]
async fn an_absent_keyring_is_told_and_a_later_one_is_found() {
    let late = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (_, store) = keyring();
    let keyring = Keyring::over({
        let late = late.clone();
        move || {
            if late.load(std::sync::atomic::Ordering::SeqCst) {
                return Ok(store.clone());
            }
            Err(Error::PlatformFailure(Box::new(std::io::Error::other(
                "no bus",
            ))))
        }
    });
    let error = keyring.get("a", "b").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    assert_eq!(error.cause(), "there is no keyring that we can use: no bus");
    late.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(keyring.get("a", "b").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_keyring_that_waits_for_a_person_costs_10_seconds() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let keyring = Keyring::over(move || {
        let _ = held.lock().unwrap().recv();
        Err(Error::NoEntry)
    });
    let error = keyring.get("a", "b").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Unavailable);
    assert_eq!(error.cause(), "the keyring did not answer within 10 s");
    drop(hold);
}
