//! Servers that want a login: asked for once, kept, renewed once for all who need it, and never shown.

mod binding;
mod canary;
mod failures;
mod principals;
mod renewal;
mod scopes;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands::{
    Authorizer as _, Builder, CallError, Connector, Credentials, HttpSettings, InputHandler,
    InputKind, InputRequest, InputResponse, LoginStore, Member, OAuth, OAuthSettings, Reach, Reply,
    ServerStatus, Toolkit,
};
use manyhands_testkit::ScriptedServer;
use manyhands_testkit::oauth::{AuthServer, Guarding, Protected, visit, visit_and_follow};
use serde_json::{Map, json};

use crate::servers::id;

/// A person who agrees to every login, in one of the ways that persons do.
#[derive(Clone, Default)]
pub(crate) struct Person {
    /// How often they were asked.
    asked: Arc<AtomicUsize>,
    /// Whether they bring back the URL themselves.
    pastes: bool,
    /// Whether they say no.
    declines: bool,
}

impl Person {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl InputHandler for Person {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Login]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let url = request.params()["url"].as_str().unwrap().to_owned();
        if self.declines {
            return InputResponse::decline();
        }
        if self.pastes {
            let redirected = visit(&url).await.unwrap();
            return InputResponse::accept(Map::from_iter([(
                "redirected".to_owned(),
                redirected.into(),
            )]));
        }
        tokio::spawn(async move { visit_and_follow(&url).await });
        InputResponse::accept(Map::new())
    }
}

/// A server behind a login, and the one who gives the tokens.
struct Guarded {
    auth: AuthServer,
    mcp: Protected,
}

impl Guarded {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Guarding)) -> Self {
        let auth = AuthServer::start().await.unwrap();
        let server = ScriptedServer::new("s").tool("echo", |arguments| {
            json!({"content": [{"type": "text", "text": arguments["text"].as_str().unwrap_or_default()}]})
        });
        let server = server.tool(
            "admin",
            |_| json!({"content": [{"type": "text", "text": "done"}]}),
        );
        let mcp = Protected::start(&server, &auth).await.unwrap();
        mcp.change(change);
        Self { auth, mcp }
    }

    fn reach(&self, settings: OAuthSettings, store: &LoginStore) -> Reach {
        reach_of(&self.mcp.url(), settings, store)
    }

    fn builder(&self, store: &LoginStore) -> Builder {
        let settings = OAuthSettings::default().with_mend("run `manyhands auth login s`");
        Builder::default().member(Member::new(id("s"), self.reach(settings, store)))
    }

    /// A toolkit whose person has logged in.
    async fn kit(&self, store: &LoginStore, person: &Person) -> Toolkit {
        let kit = self.builder(store).input(person.clone()).start();
        ready(&kit).await;
        kit
    }
}

pub(crate) fn reach_of(url: &str, settings: OAuthSettings, store: &LoginStore) -> Reach {
    let credentials = Credentials::new(OAuth::new(url, settings, store.clone()).unwrap());
    let settings = HttpSettings::new(url).with_credentials(credentials.clone());
    Reach::new(Connector::http(settings)).with_credentials(credentials)
}

async fn ready(kit: &Toolkit) {
    let mut changes = kit.changes();
    let waiting = async {
        while status(kit) != ServerStatus::Ready {
            changes.next().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "not ready: {}", kit.report());
}

fn status(kit: &Toolkit) -> ServerStatus {
    kit.report().server("s").unwrap().status.clone()
}

async fn echo(kit: &Toolkit) -> Result<Reply, CallError> {
    kit.call("s.echo", json!({"text": "hello"})).await
}

/// So many calls at once, and what became of each.
async fn at_once(kit: &Toolkit, calls: usize) -> Vec<Result<Reply, CallError>> {
    futures_util::future::join_all((0..calls).map(|_| echo(kit))).await
}

#[tokio::test]
async fn a_server_that_wants_a_login_says_so_and_what_to_run() {
    let guarded = Guarded::start().await;
    let kit = guarded.builder(&LoginStore::in_memory()).start();
    kit.all_started().await;
    let report = kit.report().to_string().replace(&guarded.mcp.url(), "URL");
    assert_eq!(
        report.trim_end(),
        "s  needs-auth  URL wants credentials: nobody is logged in; run `manyhands auth login s`"
    );
    let error = echo(&kit).await.unwrap_err();
    assert_eq!(
        serde_json::to_value(&error).unwrap()["code"],
        "unauthorized"
    );
    assert!(
        error.to_string().contains("manyhands auth login s"),
        "{error}"
    );
    // Nobody is sent anywhere before a person wants it.
    assert_eq!(guarded.auth.counts().registrations, 0);
}

#[tokio::test]
async fn a_person_logs_in_once_and_later_processes_find_the_login() {
    for pastes in [false, true] {
        let guarded = Guarded::start().await;
        let folder = tempfile::tempdir().unwrap();
        let person = Person {
            pastes,
            ..Person::default()
        };
        let kit = guarded
            .kit(&LoginStore::in_folder(folder.path()), &person)
            .await;
        assert_eq!(echo(&kit).await.unwrap().text(), "hello");
        kit.close().await;

        // Another process has a store of its own over the same folder.
        let kit = guarded
            .builder(&LoginStore::in_folder(folder.path()))
            .start();
        assert_eq!(echo(&kit).await.unwrap().text(), "hello");
        assert_eq!(person.asked(), 1);
        assert_eq!(guarded.auth.counts().authorizations, 1);
    }
}

#[tokio::test]
async fn whoever_declines_is_not_asked_again_until_they_call() {
    let guarded = Guarded::start().await;
    let person = Person {
        declines: true,
        ..Person::default()
    };
    let kit = guarded
        .builder(&LoginStore::in_memory())
        .input(person.clone())
        .start();
    kit.all_started().await;
    let error = echo(&kit).await.unwrap_err();
    assert!(
        error.to_string().contains("the login was declined"),
        "{error}"
    );
    assert!(person.asked() <= 2, "{}", person.asked());
    assert_eq!(guarded.auth.counts().codes, 0);
}

#[tokio::test]
async fn a_login_made_by_another_process_is_noticed() {
    let guarded = Guarded::start().await;
    let folder = tempfile::tempdir().unwrap();
    let waiting = guarded
        .builder(&LoginStore::in_folder(folder.path()))
        .start();
    waiting.all_started().await;
    assert!(matches!(status(&waiting), ServerStatus::NeedsAuth { .. }));
    guarded
        .kit(&LoginStore::in_folder(folder.path()), &Person::default())
        .await;
    ready(&waiting).await;
}

#[tokio::test]
async fn a_logout_gives_the_tokens_back_and_forgets_them() {
    let guarded = Guarded::start().await;
    let store = LoginStore::in_memory();
    let kit = guarded.kit(&store, &Person::default()).await;
    kit.close().await;
    let oauth = OAuth::new(&guarded.mcp.url(), OAuthSettings::default(), store.clone()).unwrap();
    let status = oauth.status().await.unwrap().unwrap();
    assert_eq!(
        (status.logged_in, status.issuer),
        (true, guarded.auth.issuer())
    );
    assert!(oauth.logout().await.unwrap());
    assert_eq!(guarded.auth.counts().revocations, 1);
    assert_eq!(oauth.status().await.unwrap(), None);
    assert!(!oauth.logout().await.unwrap());
}
