//! Servers that are waited for while a person logs in, and how often that person is asked.

use std::time::Duration;

use manyhands::{LoginStore, ServerSettings, ServerStatus};
use manyhands_testkit::oauth::AuthServer;
use tokio::time::timeout;

use super::{Guarded, Person, echo, status};

#[tokio::test]
async fn a_required_server_is_waited_for_until_somebody_has_logged_in() {
    let guarded = Guarded::start().await;
    let builder = guarded.builder(&LoginStore::in_memory());
    let builder = builder.server("s", ServerSettings::required);
    let kit = builder.input(Person::default()).connect().await.unwrap();
    assert_eq!(status(&kit), ServerStatus::Ready);
    assert_eq!(echo(&kit).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn a_required_server_that_nobody_logs_in_to_fails_and_says_why() {
    let guarded = Guarded::start().await;
    let builder = guarded.builder(&LoginStore::in_memory());
    let builder = builder.server("s", ServerSettings::required);
    let without = builder.clone().connect().await.unwrap_err().to_string();
    assert!(without.contains("nobody is logged in"), "{without}");
    let person = Person {
        declines: true,
        ..Person::default()
    };
    let error = builder.input(person.clone()).connect().await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("the login was declined"), "{told}");
    assert!(told.contains("run `manyhands auth login s`"), "{told}");
    assert_eq!(person.asked(), 1);
}

#[tokio::test]
async fn a_server_that_moves_right_after_a_login_gets_another() {
    let guarded = Guarded::start().await;
    let person = Person::default();
    let kit = guarded.kit(&LoginStore::in_memory(), &person).await;
    let elsewhere = AuthServer::start().await.unwrap();
    guarded.mcp.move_to(&elsewhere);
    assert_eq!(echo(&kit).await.unwrap().text(), "hello");
    assert_eq!(
        (person.asked(), elsewhere.counts().registrations),
        (2, 1),
        "a token that was only just given is of no use at a server that has moved"
    );
}

#[tokio::test]
async fn nobody_is_asked_again_where_another_login_would_not_help() {
    let guarded = Guarded::start_with(|it| it.scopes = vec!["admin".to_owned()]).await;
    // It claims to have granted what the server does not find in the token.
    guarded.auth.change(|it| {
        (it.scopes_granted, it.tells_scope) = (Some(Vec::new()), false);
    });
    let person = Person::default();
    let builder = guarded.builder(&LoginStore::in_memory());
    let builder = builder.server("s", ServerSettings::required);
    let error = builder.input(person.clone()).connect().await.unwrap_err();
    assert!(
        error.to_string().contains("although the login has"),
        "{error}"
    );
    assert_eq!(person.asked(), 1);
}

#[tokio::test]
async fn a_permission_that_is_never_given_is_not_asked_for_without_end() {
    let guarded = Guarded::start_with(|it| it.scopes = ["read", "admin"].map(str::to_owned).into());
    let guarded = guarded.await;
    let only = vec!["read".to_owned()];
    guarded.auth.change(|it| it.scopes_granted = Some(only));
    let person = Person::default();
    let builder = guarded.builder(&LoginStore::in_memory());
    let builder = builder.server("s", ServerSettings::required);
    let connecting = builder.input(person.clone()).connect();
    let connected = timeout(Duration::from_secs(30), connecting).await.unwrap();
    assert!(connected.is_err());
    assert_eq!(person.asked(), 3);
}
