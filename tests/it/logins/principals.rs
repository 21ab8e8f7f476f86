//! Several principals at one server: each with its own account, session and offer.

use manyhands::{
    Account, Builder, Connector, HttpSettings, InputHandler, InputKind, InputRequest,
    InputResponse, LoginStore, Member, OAuthSettings, Principal, Toolkit,
};
use manyhands_testkit::oauth::{Call, visit_as};
use serde_json::{Map, json};

use super::{Guarded, echo, ready};
use crate::servers::id;

/// Whoever is logged in to be by the name that stands before the colon.
struct Browser(String);

impl InputHandler for Browser {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Login]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        let url = request.params()["url"].as_str().unwrap();
        let redirected = visit_as(url, &self.0).await.unwrap();
        InputResponse::accept(Map::from_iter([(
            "redirected".to_owned(),
            redirected.into(),
        )]))
    }
}

/// What was called, without what the protocol needs around it.
fn tool_calls(guarded: &Guarded) -> Vec<Call> {
    let calls = guarded.mcp.calls().into_iter();
    calls.filter(|it| it.tool.is_some()).collect()
}

/// A server whose accounts are tokens in headers.
fn with_accounts(guarded: &Guarded) -> Toolkit {
    let token = |subject: &str| guarded.auth.issue(subject, &guarded.mcp.url(), "");
    let with = |subject: &str| {
        let header = format!("Bearer {}", token(subject));
        Connector::http(HttpSettings::new(guarded.mcp.url()).with_header("Authorization", header))
    };
    let member = Member::new(id("s"), with("everybody"))
        .with_account(Account::new("support", with("support")).for_roles(["support"]))
        .with_account(Account::new("boss", with("boss")).for_principals(["ada"]));
    Builder::default().member(member).start()
}

#[tokio::test]
async fn calls_use_the_account_of_the_principal_or_of_its_role() {
    let guarded = Guarded::start().await;
    let kit = with_accounts(&guarded);
    let (ada, bob, eve) = (
        Principal::new("ada").with_roles(["support"]),
        Principal::new("bob").with_roles(["support"]),
        Principal::new("eve"),
    );
    for principal in [None, Some(&ada), Some(&bob), Some(&eve), Some(&ada)] {
        let call = kit.call("s.echo", json!({"text": "x"}));
        match principal {
            Some(principal) => call.on_behalf_of(principal).await.unwrap(),
            None => call.await.unwrap(),
        };
    }
    let calls = tool_calls(&guarded);
    let who: Vec<&str> = calls.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(who, ["everybody", "boss", "support", "everybody", "boss"]);
    // One session for each account, and none for two of them.
    let session = |n: usize| calls[n].session.clone().unwrap();
    assert_eq!((session(0), session(1)), (session(3), session(4)));
    assert_ne!(session(0), session(1));
    assert_ne!(session(1), session(2));
    assert_ne!(session(0), session(2));
}

#[tokio::test]
async fn each_principal_logs_in_for_itself() {
    let guarded = Guarded::start().await;
    let store = LoginStore::in_memory();
    let kit = |person: &str| {
        let (reach, others) = (
            guarded.reach(OAuthSettings::default(), &store),
            guarded.mcp.url(),
        );
        let store = store.clone();
        let member = Member::new(id("s"), reach).per_principal(move |principal| {
            let account = Some(format!("principal:{}", principal.id()));
            super::reach_of(
                &others,
                OAuthSettings::default().with_account(account),
                &store,
            )
        });
        Builder::default()
            .member(member)
            .input(Browser(person.to_owned()))
            .start()
    };
    // Each comes with a browser of their own, and all logins are kept in one place.
    for person in ["ada", "bob"] {
        let view = kit(person).for_principal(&Principal::new(person));
        ready(&view).await;
        echo(&view).await.unwrap();
    }
    let calls = tool_calls(&guarded);
    let who: Vec<&str> = calls.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(who, ["ada", "bob"]);

    // One gateway serves both from what is kept, and asks nobody.
    let gateway = kit("nobody");
    for person in ["bob", "ada"] {
        let call = gateway.call("s.echo", json!({"text": "x"}));
        call.on_behalf_of(&Principal::new(person)).await.unwrap();
    }
    let calls = tool_calls(&guarded);
    let who: Vec<&str> = calls[2..].iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(who, ["bob", "ada"]);
}

#[tokio::test]
async fn connections_of_principals_are_bounded() {
    let guarded = Guarded::start().await;
    let token = guarded.auth.issue("p", &guarded.mcp.url(), "");
    let url = guarded.mcp.url();
    let reach = move |_: &Principal| {
        let header = format!("Bearer {token}");
        Connector::http(HttpSettings::new(&url).with_header("Authorization", header)).into()
    };
    let shared = Connector::http(HttpSettings::new(guarded.mcp.url()));
    let mut settings = manyhands::Settings::default();
    settings.max_authorizations = 3;
    let kit = Builder::default()
        .member(Member::new(id("s"), shared).per_principal(reach))
        .settings(settings)
        .start();
    for n in 0..10 {
        let call = kit.call("s.echo", json!({"text": "x"}));
        call.on_behalf_of(&Principal::new(format!("p{n}")))
            .await
            .unwrap();
    }
    guarded.mcp.until(|it| it.http().open_sessions() <= 3).await;
}
