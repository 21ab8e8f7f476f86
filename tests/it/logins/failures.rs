//! Authorization servers that are wrong, or that somebody stands in for.

use manyhands::{LoginStore, ServerStatus};
use manyhands_testkit::oauth::{ALWAYS, AuthServer, Failure, Moment, Sent};

use super::{Guarded, Person, echo, ready, status};

/// What a login fails with, once `change` has been made.
async fn refused(change: impl FnOnce(&Guarded)) -> String {
    let guarded = Guarded::start().await;
    change(&guarded);
    let kit = guarded
        .builder(&LoginStore::in_memory())
        .input(Person::default())
        .start();
    kit.all_started().await;
    let error = echo(&kit).await.unwrap_err();
    assert!(!matches!(status(&kit), ServerStatus::Ready));
    for secret in guarded.auth.secrets() {
        assert!(!error.to_string().contains(&secret), "{error}");
    }
    error.to_string()
}

#[tokio::test]
async fn an_answer_of_another_authorization_server_is_not_taken() {
    let evil = || "https://evil.example".to_owned();
    let told = refused(|it| it.auth.change(|it| it.iss = Sent::Other(evil()))).await;
    assert!(
        told.contains("says that it is https://evil.example"),
        "{told}"
    );
    let told = refused(|it| it.auth.change(|it| it.iss = Sent::Absent)).await;
    assert!(told.contains("does not say that it is"), "{told}");
    let told = refused(|it| it.auth.change(|it| it.metadata_issuer = Some(evil()))).await;
    assert!(
        told.contains("says that it is https://evil.example"),
        "{told}"
    );
}

#[tokio::test]
async fn metadata_of_another_resource_are_not_taken() {
    let told = refused(|it| {
        it.mcp
            .change(|it| it.resource = Some("https://other.example/mcp".to_owned()));
    })
    .await;
    assert!(
        told.contains("what it says of its login cannot be used"),
        "{told}"
    );
}

#[tokio::test]
async fn a_server_without_pkce_is_not_logged_in_to() {
    let told = refused(|it| {
        it.auth
            .change(|it| it.pkce_methods = vec!["plain".to_owned()]);
    })
    .await;
    assert!(told.contains("does not support PKCE with S256"), "{told}");
}

#[tokio::test]
async fn what_keeps_a_login_from_being_made_is_told() {
    for (moment, failure, expected) in [
        (
            Moment::Registration,
            Failure::Error("access_denied".to_owned()),
            "registers no client of ours (access_denied",
        ),
        (
            Moment::Registration,
            Failure::Status(500),
            "does not register clients now (HTTP 500)",
        ),
        (
            Moment::Code,
            Failure::Quoting("invalid_grant".to_owned()),
            "gave no token",
        ),
        (
            Moment::Code,
            Failure::Status(502),
            "gives no tokens now (HTTP 502)",
        ),
        (
            Moment::Metadata,
            Failure::Oversized,
            "does not say how to log in",
        ),
    ] {
        let told = refused(|it| it.auth.fail(moment, failure.clone(), ALWAYS)).await;
        assert!(told.contains(expected), "{failure:?} at {moment:?}: {told}");
    }
    let told = refused(|it| it.auth.change(|it| it.registration = false)).await;
    assert!(told.contains("manyhands.oauth.clientId"), "{told}");
    let told = refused(|it| it.auth.change(|it| it.denies = true)).await;
    assert!(told.contains("refused the login (access_denied"), "{told}");
}

#[tokio::test]
async fn a_server_that_moves_gets_a_login_of_its_own() {
    let guarded = Guarded::start().await;
    let person = Person::default();
    let folder = tempfile::tempdir().unwrap();
    let kit = guarded
        .kit(&LoginStore::in_folder(folder.path()), &person)
        .await;
    kit.close().await;
    let elsewhere = AuthServer::start().await.unwrap();
    guarded.mcp.move_to(&elsewhere);
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .input(person.clone())
        .start();
    ready(&kit).await;
    echo(&kit).await.unwrap();
    // Nothing of the old login was shown to the new place.
    assert_eq!(person.asked(), 2);
    assert_eq!(
        (
            elsewhere.counts().registrations,
            elsewhere.counts().refresh_attempts
        ),
        (1, 0)
    );
    let old = guarded.auth.secrets();
    let shown = format!("{:?}", elsewhere.requests());
    assert!(old.iter().all(|secret| !shown.contains(secret)));
}
