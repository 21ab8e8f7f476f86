//! What all requests to one authorization server share, and which of them goes where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

use super::behavior::Behavior;
use super::failure::{ALWAYS, Failure, Moment};
use super::form::Fields;
use super::log::Log;
use super::state::{Client, Grant, State};
use super::{authorize, metadata, register, token};
use crate::http::{Answer, Request, Serves};
use crate::record::lock;

pub(super) const AUTHORIZE: &str = "/authorize";
pub(super) const TOKEN: &str = "/token";
pub(super) const REGISTER: &str = "/register";
pub(super) const REVOKE: &str = "/revoke";

/// One authorization server.
pub(crate) struct Shared {
    address: SocketAddr,
    behavior: Mutex<Behavior>,
    failures: Mutex<BTreeMap<Moment, (Failure, usize)>>,
    state: Mutex<State>,
    log: Mutex<Log>,
    changes: watch::Sender<()>,
}

impl Shared {
    pub(super) fn new(address: SocketAddr, behavior: Behavior) -> Self {
        Self {
            address,
            behavior: Mutex::new(behavior),
            failures: Mutex::default(),
            state: Mutex::default(),
            log: Mutex::default(),
            changes: watch::Sender::default(),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn issuer(&self) -> String {
        let behavior = lock(&self.behavior);
        self.url(&behavior.issuer_path)
    }

    pub(super) fn behavior(&self) -> Behavior {
        lock(&self.behavior).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Behavior)) {
        change(&mut lock(&self.behavior));
    }

    pub(super) fn fail(&self, moment: Moment, failure: Failure, times: usize) {
        lock(&self.failures).insert(moment, (failure, times));
    }

    pub(super) fn heal(&self) {
        lock(&self.failures).clear();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    pub(super) fn add_client(&self, client: Client) {
        if let Some(secret) = &client.secret {
            self.log().secret(secret);
        }
        let id = client.id.clone();
        self.state().clients.insert(&id, client);
    }

    pub(super) fn issue(&self, subject: &str, resource: &str, scope: &str) -> String {
        let lives = self.behavior().expires_in;
        let mut state = self.state();
        let grant = Grant {
            client: "nobody".to_owned(),
            subject: subject.to_owned(),
            resource: Some(resource.to_owned()),
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            family: state.family(),
        };
        let token = state.issue(grant, lives);
        drop(state);
        self.log().secret(&token);
        token
    }

    /// What is asked, if it is anything that can be.
    fn moment(&self, request: &Request, fields: &Fields) -> Option<Moment> {
        let behavior = self.behavior();
        let moment = match (request.method.as_str(), request.split().0) {
            ("GET", path) if path == metadata::path(&behavior) => Moment::Metadata,
            ("GET", AUTHORIZE) => Moment::Authorization,
            ("POST", REGISTER) if behavior.registration => Moment::Registration,
            ("POST", REVOKE) => Moment::Revocation,
            ("POST", TOKEN) => match fields.get("grant_type") {
                Some("refresh_token") => Moment::Refresh,
                Some("client_credentials") => Moment::ClientCredentials,
                _ => Moment::Code,
            },
            _ => return None,
        };
        Some(moment)
    }

    /// The failure that is due at this moment, one less from now on.
    fn failure(&self, moment: Moment) -> Option<Failure> {
        let mut failures = lock(&self.failures);
        let (failure, left) = failures.get_mut(&moment).filter(|(_, left)| *left > 0)?;
        if *left != ALWAYS {
            *left -= 1;
        }
        Some(failure.clone())
    }

    fn count(&self, moment: Moment) {
        let mut log = self.log();
        match moment {
            Moment::Metadata => log.counts.metadata += 1,
            Moment::Refresh => log.counts.refresh_attempts += 1,
            _ => {}
        }
    }

    /// Does what is asked.
    fn work(&self, moment: Moment, request: &Request, fields: &Fields) -> Answer {
        match moment {
            Moment::Metadata => Answer::json(200, &metadata::document(self, &self.behavior())),
            Moment::Registration => register::register(self, request),
            Moment::Authorization => authorize::authorize(self, request, fields),
            Moment::Code | Moment::Refresh | Moment::ClientCredentials => {
                token::token(self, request, fields)
            }
            Moment::Revocation => register::revoke(self, request, fields),
        }
    }
}

impl Serves for Shared {
    async fn answer(&self, request: Request) -> Answer {
        let fields = fields(&request);
        self.log().seen(&request, &fields);
        let Some(moment) = self.moment(&request, &fields) else {
            self.changes.send_replace(());
            return Answer::text(404, "there is nothing here");
        };
        self.count(moment);
        let answer = match self.failure(moment) {
            Some(Failure::Lost) => {
                self.work(moment, &request, &fields);
                Answer::Hangup
            }
            Some(failure) => failure.answer(&request, &fields),
            None => self.work(moment, &request, &fields),
        };
        self.changes.send_replace(());
        if request.split().0 == TOKEN {
            tokio::time::sleep(self.behavior().token_delay).await;
        }
        answer
    }
}

/// The fields of the query, and those of the body where it is a form.
fn fields(request: &Request) -> Fields {
    let content_type = request.header("content-type").unwrap_or_default();
    let form = match content_type.starts_with("application/x-www-form-urlencoded") {
        true => String::from_utf8_lossy(&request.body),
        false => "".into(),
    };
    Fields::parse(&format!("{}&{form}", request.split().1))
}
