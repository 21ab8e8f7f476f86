//! One login at one server: held in memory, renewed ahead of its end, once for all who need it.
//!
//! A request takes its token from memory and waits for nobody, as long as there is one that is good. Renewing is one
//! task, however many ask for it, and across processes one after the other, each looking first at what the others got.

mod alone;
mod assertion;
mod challenge;
mod engine;
#[cfg(feature = "enterprise")]
mod enterprise;
mod failure;
mod flight;
mod http;
mod live;
mod login;
mod loopback;
mod reach;
mod renewal;
mod settings;
#[cfg(feature = "private-key-jwt")]
mod signing;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use manyhands_core::{AuthError, AuthErrorKind, Authorizer, Challenge, LoginPrompt, Secret, clip};
use reqwest::Url;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::store::{Key, LoginStore, LoginSummary};
pub use assertion::Assertions;
use challenge::Wanted;
use engine::Engine;
#[cfg(feature = "enterprise")]
pub use enterprise::Enterprise;
use flight::Flight;
use http::Http;
use live::Live;
pub use settings::{Grant, OAuthSettings};
#[cfg(feature = "private-key-jwt")]
pub use signing::{SigningAlgorithm, SigningKey};

/// Why a login is of no use any more, though it has not ended.
const MOVED: &str = "the server has moved to another authorization server";
/// How old a token must be for another one to be worth a try when a server refuses it.
const FRESH: Duration = Duration::from_secs(5);
/// How long a failure is told again without another attempt, at the least.
const PAUSE: Duration = Duration::from_secs(1);
/// How long that is at the most, where the server does not ask for more.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The login at one server, as OAuth 2.1 and MCP have it. Clones share it.
///
/// As an [`Authorizer`] it gives the transport its tokens. Logging in takes a person once; tokens are kept in the
/// [`LoginStore`] and renewed from then on.
#[derive(Clone)]
pub struct OAuth(Arc<Inner>);

struct Inner {
    resource: Url,
    key: Key,
    settings: OAuthSettings,
    store: LoginStore,
    http: OnceCell<Arc<Http>>,
    live: ArcSwapOption<Live>,
    /// Where to log in, as found out last; only whoever renews or logs in takes it.
    engine: tokio::sync::Mutex<Option<Engine>>,
    renewing: Flight<Arc<Live>>,
    logging_in: Flight<()>,
    loading: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the server said when it refused a request the last time.
    challenge: Option<String>,
    /// What it said of it in words.
    said: String,
    /// Permissions that the server asked for beyond those of the login.
    wanted: BTreeSet<String>,
    /// The last failure, and until when it is told again without another attempt.
    failed: Option<(AuthError, Instant)>,
    /// When the store was looked at for the last time.
    looked: Option<Instant>,
    /// How long the last pause was.
    pause: Duration,
}

impl OAuth {
    /// The login at the server at `url`, kept in `store`.
    ///
    /// # Errors
    /// [`AuthError`] when `url` is no absolute http or https URL.
    pub fn new(url: &str, settings: OAuthSettings, store: LoginStore) -> Result<Self, AuthError> {
        let resource = resource(url).ok_or_else(|| {
            AuthError::new(
                AuthErrorKind::Misconfigured,
                "its URL is not an absolute http or https URL",
            )
        })?;
        let key = Key {
            resource: resource.to_string(),
            account: settings.account.clone(),
        };
        Ok(Self(Arc::new(Inner {
            resource,
            key,
            settings,
            store,
            http: OnceCell::new(),
            live: ArcSwapOption::empty(),
            engine: tokio::sync::Mutex::default(),
            renewing: Flight::default(),
            logging_in: Flight::default(),
            loading: OnceCell::new(),
            state: Mutex::default(),
        })))
    }

    /// What is known of the login without its secrets; none where nobody ever logged in.
    ///
    /// # Errors
    /// [`AuthError`] when the store cannot be read.
    pub async fn status(&self) -> Result<Option<LoginSummary>, AuthError> {
        self.0.store.summary(&self.0.key).await
    }

    /// The URL of the server, without what may be secret in it.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.0.key.resource
    }
}

impl Authorizer for OAuth {
    async fn authorization(&self) -> Result<Option<Secret>, AuthError> {
        let inner = &self.0;
        if let Some(live) = &*inner.live.load()
            && live.is_good()
        {
            return Ok(Some(live.header.clone()));
        }
        inner.loading.get_or_try_init(|| inner.load()).await?;
        if inner.live.load().is_none() {
            // A login that ended is told without asking the server; whoever never had one may be let in without.
            inner.told_again().map_or(Ok(()), Err)?;
            inner.look().await?;
        }
        let Some(live) = inner.live.load_full() else {
            return Ok(None);
        };
        if live.is_good() {
            return Ok(Some(live.header.clone()));
        }
        if !live.is_over() {
            // It still does; others go on with it while one task gets the next.
            if live.renewable && inner.told_again().is_none() {
                drop(inner.renew(&live.header));
            }
            return Ok(Some(live.header.clone()));
        }
        let live = inner.renewed(Some(&live.header)).await?;
        Ok(Some(live.header.clone()))
    }

    async fn refused(&self, challenge: Challenge) -> Result<(), AuthError> {
        self.0.refused(challenge).await
    }

    async fn login(&self, prompt: LoginPrompt) -> Result<(), AuthError> {
        let (inner, of) = (self.0.clone(), self.0.clone());
        of.logging_in
            .join(move || async move { inner.log_in(prompt).await })
            .await
    }

    async fn logout(&self) -> Result<bool, AuthError> {
        self.0.logout().await
    }
}

impl Inner {
    /// Takes over what an earlier process left.
    async fn load(&self) -> Result<(), AuthError> {
        if self.settings.grant != Grant::AuthorizationCode {
            return Ok(());
        }
        self.state().looked = Some(Instant::now());
        if let Some(login) = self.store.load(&self.key).await?
            && let Some(tokens) = &login.tokens
        {
            self.adopt(Live::new(tokens));
        }
        Ok(())
    }

    /// Looks whether somebody else has logged in meanwhile, at most once a second.
    async fn look(&self) -> Result<(), AuthError> {
        let moment = Instant::now();
        {
            let mut state = self.state();
            if state
                .looked
                .is_some_and(|it| moment.duration_since(it) < PAUSE)
            {
                return Ok(());
            }
            state.looked = Some(moment);
        }
        self.load().await
    }

    fn adopt(&self, live: Live) -> Arc<Live> {
        let live = Arc::new(live);
        self.live.store(Some(live.clone()));
        let mut state = self.state();
        (state.failed, state.pause) = (None, Duration::ZERO);
        state.wanted.retain(|scope| !live.scopes.contains(scope));
        live
    }

    async fn refused(self: &Arc<Self>, challenge: Challenge) -> Result<(), AuthError> {
        let used = challenge.used.as_ref();
        let current = self.live.load_full();
        if let Some(live) = &current
            && used != Some(&live.header)
            && !live.is_over()
        {
            // Somebody has renewed it meanwhile.
            return Ok(());
        }
        let wanted = Wanted::read(&challenge);
        {
            let mut state = self.state();
            state.challenge.clone_from(&wanted.header);
            state.said.clone_from(&challenge.text);
        }
        if !wanted.bearer {
            return Err(self.no_oauth("the server wants credentials of another kind than tokens"));
        }
        if challenge.status == 403 {
            return self.step_up(current.as_deref(), &wanted).await;
        }
        if let Some(live) = &current
            && live.received.elapsed() < FRESH
            && !live.is_over()
        {
            return Err(self.refused_at_once().await);
        }
        if let Some(error) = self.told_again() {
            return Err(error);
        }
        if current.is_some() {
            // The server may have moved to another authorization server.
            *self.engine.lock().await = None;
        }
        self.renewed(used).await.map(drop)
    }

    /// Another token from the same place would be refused as well; the server may trust another place by now.
    async fn refused_at_once(&self) -> AuthError {
        if let Some(error) = self.told_again() {
            return error;
        }
        let error = match self.has_moved().await {
            Ok(true) => self.login_needed(MOVED),
            Ok(false) => {
                let cause = "the server refuses a token that was only just given for it";
                forbidden(self.as_said(cause))
            }
            Err(error) => error,
        };
        self.fail(&error);
        error
    }

    /// The server wants a permission that the login does not have.
    async fn step_up(
        self: &Arc<Self>,
        live: Option<&Live>,
        wanted: &Wanted,
    ) -> Result<(), AuthError> {
        let scopes = &wanted.scopes;
        let shown = failure::shown(&scopes.join(" "));
        if let Some(live) = live
            && scopes.iter().all(|scope| live.scopes.contains(scope))
        {
            let cause =
                format!("the server refuses this although the login has the permission {shown:?}");
            return Err(forbidden(cause));
        }
        self.state().wanted.extend(scopes.iter().cloned());
        if self.settings.grant != Grant::AuthorizationCode {
            return self.renewed(live.map(|it| &it.header)).await.map(drop);
        }
        Err(self.login_needed(format!(
            "the server wants the permission {shown:?}, which the login does not have"
        )))
    }

    fn login_needed(&self, cause: impl Into<String>) -> AuthError {
        let error = AuthError::new(AuthErrorKind::LoginNeeded, cause);
        error.with_mend(self.settings.mend.as_deref().unwrap_or("log in"))
    }

    fn no_oauth(&self, cause: &str) -> AuthError {
        let error = AuthError::new(AuthErrorKind::LoginNeeded, self.as_said(cause));
        let mut mend =
            "put its credentials into `headers`, such as \"Authorization\": \"Bearer ${TOKEN}\""
                .to_owned();
        if let Some(login) = &self.settings.mend {
            mend.push_str(&format!("; if it takes logins, {login}"));
        }
        error.with_mend(mend)
    }

    /// A cause with the server's own words.
    fn as_said(&self, cause: &str) -> String {
        match self.state().said.as_str() {
            "" => cause.to_owned(),
            words => format!("{cause} ({})", clip(words, 160)),
        }
    }

    /// The client for everything that has to do with this login.
    async fn http(&self) -> Result<Arc<Http>, AuthError> {
        let http = self
            .http
            .get_or_try_init(|| Http::new(&self.resource, &self.settings.ca));
        http.await.cloned()
    }

    /// A failure that need not be found out again yet.
    fn told_again(&self) -> Option<AuthError> {
        let state = self.state();
        let (error, until) = state.failed.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| match error.kind() {
            AuthErrorKind::Unavailable => error.clone().with_retry_after(Some(left)),
            _ => error.clone(),
        })
    }

    /// Keeps a failure for a while, twice as long each time.
    fn fail(&self, error: &AuthError) {
        let mut state = self.state();
        state.pause = match error.kind() {
            // Looking whether somebody logged in costs little.
            AuthErrorKind::LoginNeeded => PAUSE,
            _ => (state.pause * 2).clamp(PAUSE, MAX_PAUSE),
        };
        let wait = state.pause.max(error.retry_after().unwrap_or_default());
        state.failed = Some((error.clone(), Instant::now() + wait));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each field is replaced as a whole, so a panic elsewhere leaves them usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OAuth").field(&self.0.key.resource).finish()
    }
}

fn forbidden(cause: String) -> AuthError {
    AuthError::new(AuthErrorKind::Forbidden, cause).with_mend("ask whoever runs the server")
}

/// The URL that names a server to its authorization server: without what may be secret in it.
fn resource(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}
