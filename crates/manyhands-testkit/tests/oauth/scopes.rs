//! Scopes: what is asked for and what is granted.

use manyhands_testkit::oauth::{AuthServer, visit};

use crate::client::{authorize_url, field, log_in, post, public, refreshing, text};

async fn server() -> (AuthServer, String) {
    let auth = AuthServer::start().await.expect("a port is free");
    let client = public(&auth).await;
    (auth, client)
}

#[tokio::test]
async fn scopes_are_granted_as_far_as_told() {
    let (auth, client) = server().await;
    let scope = async |asked| log_in(&auth, &client, &[("scope", asked)]).await["scope"].clone();
    assert_eq!(scope("a b").await, "a b");
    assert!(scope("").await.is_null());
    auth.change(|it| it.scopes_granted = Some(vec!["b".to_owned()]));
    assert_eq!(scope("a b").await, "b");
    auth.change(|it| it.scopes_supported = vec!["b".to_owned(), "c".to_owned()]);
    assert_eq!(scope("").await, "b");
    let url = authorize_url(&auth, &client, &[("scope", "a")]);
    let location = visit(&url).await.expect("the person is sent back");
    assert_eq!(field(&location, "error"), Some("invalid_scope"));
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_not_for_more() {
    let (auth, client) = server().await;
    let issued = log_in(&auth, &client, &[("scope", "a b")]).await;
    let token = text(&issued, "refresh_token");
    let ask = async |scope| {
        let fields = [refreshing(&client, &token).as_slice(), &[("scope", scope)]].concat();
        post(&auth.token_url(), "", &fields).await.json()
    };
    assert_eq!(ask("a c").await["error"], "invalid_scope");
    assert_eq!(ask("a").await["scope"], "a");
}
