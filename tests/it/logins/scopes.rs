//! Permissions that a login lacks: asked for when they are needed, and never for ever.

use manyhands::{Builder, ErrorKind, Grant, LoginStore, Member, OAuthSettings};
use serde_json::json;

use super::{Guarded, Person, echo, ready};
use crate::servers::id;

#[tokio::test]
async fn a_call_that_needs_more_asks_for_it_on_top_of_what_there_is() {
    let guarded = Guarded::start_with(|it| {
        it.scopes = vec!["read".to_owned()];
        it.require("admin", "read admin");
    })
    .await;
    let person = Person::default();
    let kit = guarded.kit(&LoginStore::in_memory(), &person).await;
    echo(&kit).await.unwrap();
    assert_eq!(person.asked(), 1);
    let reply = kit.call("s.admin", json!({})).await.unwrap();
    assert_eq!(reply.text(), "done");
    echo(&kit).await.unwrap();
    assert_eq!(person.asked(), 2);
    let asked = guarded.auth.requests_to("/authorize");
    assert_eq!(asked[0].field("scope"), Some("read"));
    let mut scopes: Vec<_> = asked[1].field("scope").unwrap().split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["admin", "read"]);
}

#[tokio::test]
async fn whoever_may_come_again_is_asked_for_with_consent() {
    let guarded = Guarded::start_with(|it| it.scopes = vec!["read".to_owned()]).await;
    guarded.auth.change(|it| {
        it.scopes_supported = vec!["read".to_owned(), "offline_access".to_owned()];
    });
    guarded
        .kit(&LoginStore::in_memory(), &Person::default())
        .await;
    let asked = &guarded.auth.requests_to("/authorize")[0];
    assert_eq!(asked.field("scope"), Some("read offline_access"));
    assert_eq!(asked.field("prompt"), Some("consent"));
}

#[tokio::test]
async fn without_a_person_the_call_says_what_is_missing() {
    let guarded = Guarded::start_with(|it| it.require("admin", "admin")).await;
    let folder = tempfile::tempdir().unwrap();
    guarded
        .kit(&LoginStore::in_folder(folder.path()), &Person::default())
        .await;
    let kit = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    ready(&kit).await;
    let error = kit.call("s.admin", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let told = error.to_string();
    assert!(
        told.contains("the permission \"admin\", which the login does not have"),
        "{told}"
    );
    assert!(told.contains("run `manyhands auth login s`"), "{told}");
    // Other tools go on.
    echo(&kit).await.unwrap();
}

#[tokio::test]
async fn a_tool_that_is_forbidden_whatever_the_scope_ends_in_an_error() {
    let guarded = Guarded::start_with(|it| {
        it.require("admin", "admin");
        it.forbidden_tools.insert("admin".to_owned());
    })
    .await;
    let person = Person::default();
    let kit = guarded.kit(&LoginStore::in_memory(), &person).await;
    let error = kit.call("s.admin", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let asked = person.asked();
    let error = kit.call("s.admin", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert_eq!(
        (person.asked(), asked),
        (asked, 2),
        "logging in again helps nobody"
    );
}

#[tokio::test]
async fn a_client_logs_in_by_itself_and_steps_up_by_itself() {
    let guarded = Guarded::start_with(|it| {
        it.scopes = vec!["read".to_owned()];
        it.require("admin", "read admin");
    })
    .await;
    guarded.auth.add_client("robot", Some("robot-secret"), &[]);
    let settings = OAuthSettings::default()
        .with_client("robot", Some("robot-secret".into()))
        .with_grant(Grant::ClientCredentials);
    let member = Member::new(id("s"), guarded.reach(settings, &LoginStore::in_memory()));
    let kit = Builder::default().member(member).start();
    ready(&kit).await;
    echo(&kit).await.unwrap();
    assert_eq!(kit.call("s.admin", json!({})).await.unwrap().text(), "done");
    assert_eq!(guarded.auth.counts().client_credentials, 2);
    guarded.auth.expire_access_tokens();
}

#[tokio::test]
async fn a_client_whose_secret_is_of_no_use_there_is_told_so() {
    let guarded = Guarded::start().await;
    let methods = vec!["private_key_jwt".to_owned()];
    guarded.auth.change(|it| it.token_auth_methods = methods);
    let settings = OAuthSettings::default()
        .with_client("robot", Some("robot-secret".into()))
        .with_grant(Grant::ClientCredentials);
    let member = Member::new(id("s"), guarded.reach(settings, &LoginStore::in_memory()));
    let kit = Builder::default().member(member).start();
    let told = echo(&kit).await.unwrap_err().to_string();
    assert!(
        told.contains("its authorization server takes no secrets of clients"),
        "{told}"
    );
    // The secret was not sent there to find that out.
    assert_eq!(guarded.auth.requests_to("/token").len(), 0);
}
