//! Clients that were registered by hand: known to one authorization server, and of no business to any other.

use manyhands::{Builder, Grant, LoginStore, Member, OAuthSettings, Toolkit};
use manyhands_testkit::oauth::AuthServer;

use super::{Guarded, Person, echo, ready};
use crate::servers::id;

const REDIRECT: &str = "http://127.0.0.1/callback";

fn registered() -> OAuthSettings {
    OAuthSettings::default().with_client("ours", Some("our-secret".into()))
}

fn kit(guarded: &Guarded, settings: OAuthSettings, store: &LoginStore) -> Toolkit {
    let member = Member::new(id("s"), guarded.reach(settings, store));
    let person = Person::default();
    Builder::default().member(member).input(person).start()
}

#[tokio::test]
async fn a_client_is_not_taken_along_where_a_server_moves() {
    let guarded = Guarded::start().await;
    guarded
        .auth
        .add_client("ours", Some("our-secret"), &[REDIRECT]);
    let store = LoginStore::in_memory();
    let kit = kit(&guarded, registered(), &store);
    ready(&kit).await;
    let elsewhere = AuthServer::start().await.unwrap();
    guarded.mcp.move_to(&elsewhere);
    let told = echo(&kit).await.unwrap_err().to_string();
    assert!(
        told.contains("which is not the one of its client id"),
        "{told}"
    );
    let shown = format!("{:?}", elsewhere.requests());
    assert!(!shown.contains("ours") && !shown.contains("our-secret"));
}

#[tokio::test]
async fn where_the_settings_name_an_authorization_server_no_other_is_asked() {
    let guarded = Guarded::start().await;
    let settings = registered()
        .with_grant(Grant::ClientCredentials)
        .with_issuer("https://login.example");
    let kit = kit(&guarded, settings, &LoginStore::in_memory());
    let told = echo(&kit).await.unwrap_err().to_string();
    assert!(told.contains("and its settings another"), "{told}");
    assert_eq!(guarded.auth.requests_to("/token").len(), 0);
}
