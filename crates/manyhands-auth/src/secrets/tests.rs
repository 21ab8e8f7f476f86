//! References looked up: in parallel, once each, within bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands_core::Secret;

use super::*;

fn reference(text: &str) -> SecretReference {
    SecretReference::parse(text).unwrap()
}

/// Counts its reads, and gives the key back.
#[derive(Clone, Default)]
struct Echo(Arc<AtomicUsize>);

impl SecretSource for Echo {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match key {
            "never" => std::future::pending().await,
            "empty" => Ok(Secret::default()),
            "large" => Ok(Secret::new("x".repeat(64 << 10))),
            "larger" => Ok(Secret::new("x".repeat((64 << 10) + 1))),
            // Ends later than those after it.
            "slow" => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Err(SecretError::new(SecretErrorKind::Denied, "slow"))
            }
            "denied" => Err(SecretError::new(SecretErrorKind::Denied, "quick")),
            key => Ok(Secret::new(key)),
        }
    }
}

#[tokio::test]
async fn a_source_is_found_by_its_name_and_may_be_replaced() {
    let secrets = Secrets::default().with_source("env", Echo::default());
    let read = secrets.read(&reference("env:a")).await;
    assert_eq!(read.unwrap().expose(), "a");
    let names: Vec<_> = secrets.names().collect();
    assert_eq!(names, ["aws", "command", "env", "file", "keyring", "vault"]);
}

#[tokio::test]
async fn an_unknown_source_is_named_with_the_nearest() {
    let error = Secrets::default().check(&reference("keyrng:a/b"));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    assert_eq!(
        error.to_string(),
        "use the secret `keyrng:a/b`: no source of secrets is called `keyrng` here"
    );
    assert_eq!(error.mend(), Some("did you mean `keyring`?"));
    assert_eq!(Secrets::default().check(&reference("keyring:a")), Ok(()));
}

#[tokio::test]
async fn each_secret_is_read_once_however_often_it_is_named() {
    let echo = Echo::default();
    let secrets = Secrets::empty().with_source("echo", echo.clone());
    let wanted = ["echo:a", "echo:b", "echo:a"].map(reference);
    let read = secrets.read_all(wanted).await.unwrap();
    let expected = ["a", "b"].map(|key| (reference(&format!("echo:{key}")), Secret::new(key)));
    assert_eq!(read, BTreeMap::from(expected));
    assert_eq!(echo.0.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn of_several_errors_the_first_in_order_is_told() {
    let secrets = Secrets::empty().with_source("a", Echo::default());
    let secrets = secrets.with_source("b", Echo::default());
    let wanted = ["b:denied", "a:slow"].map(reference);
    let error = secrets.read_all(wanted).await.unwrap_err();
    assert_eq!(error.reference(), Some(&reference("a:slow")));
}

#[tokio::test(start_paused = true)]
async fn every_read_is_bounded_in_time_and_size() {
    let secrets = Secrets::empty().with_source("echo", Echo::default());
    let began = tokio::time::Instant::now();
    let error = secrets.read(&reference("echo:never")).await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Unavailable);
    assert_eq!(began.elapsed(), Duration::from_secs(40));
    for (key, kind) in [
        ("empty", SecretErrorKind::NotFound),
        ("larger", SecretErrorKind::TooLarge),
    ] {
        let error = secrets.read(&reference(&format!("echo:{key}"))).await;
        assert_eq!(error.unwrap_err().kind(), kind, "{key}");
    }
    assert!(secrets.read(&reference("echo:large")).await.is_ok());
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named() {
    let read = |key: &str| {
        let reference = reference(&format!("env:{key}"));
        async move { Secrets::default().read(&reference).await }
    };
    assert_eq!(
        read("CARGO_PKG_NAME").await.unwrap().expose(),
        "manyhands-auth"
    );
    let error = read("MANYHANDS_NOT_SET").await.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::NotFound);
    assert_eq!(error.cause(), "the variable `MANYHANDS_NOT_SET` is not set");
    // Names that no system has: `std::env::var` must not panic over them.
    for odd in ["A=B", "="] {
        let kind = read(odd).await.unwrap_err().kind();
        assert_eq!(kind, SecretErrorKind::NotFound, "{odd}");
    }
}

#[cfg(not(feature = "keyring"))]
#[tokio::test]
async fn a_source_that_was_left_out_says_so() {
    let error = Secrets::default().read(&reference("keyring:a/b")).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Misconfigured);
    assert!(error.cause().contains("built without"), "{error}");
}
